"""The search of masked tables for personal data that the policy overlooked: in what is kept, and in what a rule only thins out.

What belongs here: which columns are looked at, what was seen of partitions that did not change, and what a finding stops. What
does not: what personal data looks like (``tasks.detection``). What a transform makes to look like personal data (a token, an
encrypted card number) is not looked at: it would be found, and it is none. Kept columns are the same raw and masked.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.datasets import write_atomically
from tasks.detection import ColumnEvidence, ColumnFinding, Examiner, judge_partitions
from tasks.errors import MaskingError
from tasks.masking.policy import KEPT, Treatment, treat_columns
from tasks.params.masking import MaskingParams
from tasks.records import PersonalDataFinding

_THINNED = frozenset({KEPT, "generalise", "bucket", "round", "clip", "shuffle", "suppress", "text"})
"""Transforms after which something of the value may be left; all others replace it by something else."""
_SHOWN_AT_MOST = 10
Places = Mapping[str, Mapping[str, str]]
"""Table -> path of each masked partition below the folder -> its reuse key."""


class ResidueSearch:
    """Searches masked tables, partition by partition, and remembers in a file what it saw of each."""

    def __init__(self, policy: MaskingParams, folder: Path, memory: Path) -> None:
        """Search the masked partitions in ``folder``; ``memory`` is the file (JSON) in which evidence is remembered."""
        self._policy = policy
        self._folder = folder
        self._memory = memory
        self._known = _read(memory)
        self._seen: dict[str, dict[str, ColumnEvidence]] = {}
        self.examined: list[str] = []
        """``table.column`` of each column that was looked at."""

    def search(self, places: Places) -> tuple[PersonalDataFinding, ...]:
        """What is found in the tables of ``places``; only partitions that changed since the last search are opened.

        Raises :class:`~tasks.errors.MaskingError` where a kept column holds personal data that nobody accepted, or a rule leaves
        some; the evidence shows no value. What was masked of such a table is then removed: it may not be shared.
        """
        found: list[PersonalDataFinding] = []
        refused: list[PersonalDataFinding] = []
        for table, keys in places.items():
            judged = self._search_table(table, keys)
            found += judged
            if any(finding.status == "refused" for finding in judged):
                refused += [finding for finding in judged if finding.status == "refused"]
                for path in keys:
                    (self._folder / path).unlink(missing_ok=True)
        if refused:
            raise _refuse(refused)
        write_atomically(self._memory, _written(self._seen))
        return tuple(found)

    def _search_table(self, table: str, keys: Mapping[str, str]) -> list[PersonalDataFinding]:
        examiner = Examiner()
        parts: dict[str, list[ColumnEvidence]] = {}
        for path, reuse_key in keys.items():
            if reuse_key in self._known:
                seen = self._known[reuse_key]
            else:
                with pq.ParquetFile(self._folder / path) as file:
                    looked_at = [name for name in file.schema_arrow.names if self._is_looked_at(table, name)]
                    content: pa.Table = file.read(columns=looked_at)
                seen = {name: examiner.examine(name, content.column(name)) for name in looked_at}
            self._seen[reuse_key] = seen
            for name, evidence in seen.items():
                parts.setdefault(name, []).append(evidence)
        columns = {treatment.column: treatment for treatment in treat_columns(self._policy, table, parts)}
        self.examined += [f"{table}.{name}" for name in sorted(parts)]
        return [finding for name in sorted(parts) for finding in self._judge(table, columns[name], parts[name])]

    def _is_looked_at(self, table: str, column: str) -> bool:
        (treatment,) = treat_columns(self._policy, table, (column,))
        return treatment.transform in _THINNED

    def _judge(self, table: str, treatment: Treatment, parts: list[ColumnEvidence]) -> Iterable[PersonalDataFinding]:
        name = treatment.column
        declared = self._policy.tables.get(table)
        reason = declared.accepted.get(name) if declared is not None else None
        found = judge_partitions(name, parts, is_declared=treatment.transform != KEPT)
        for finding in found:
            yield _record(table, finding, reason)
        if reason is not None and not any(finding.is_personal for finding in found):
            nothing = ColumnFinding(name, "nothing", "nothing was found", is_personal=True)
            yield _record(table, nothing, reason)


def _record(table: str, finding: ColumnFinding, reason: str | None) -> PersonalDataFinding:
    status = "noted" if not finding.is_personal else "refused" if reason is None else "accepted"
    return PersonalDataFinding(
        table=table,
        column=finding.column,
        kind=finding.kind,
        evidence=finding.evidence,
        status=status,
        reason=reason or "",
    )


def _refuse(refused: list[PersonalDataFinding]) -> MaskingError:
    columns: dict[str, list[str]] = {}
    for finding in refused:
        columns.setdefault(f"{finding.table}.{finding.column}", []).append(finding.evidence)
    told = [f"{column}: {'; '.join(evidence)}" for column, evidence in columns.items()]
    rest = len(told) - _SHOWN_AT_MOST
    first = refused[0]
    return MaskingError(
        f"personal data in {'a masked column' if len(columns) == 1 else f'{len(columns)} masked columns'}",
        found="\n            ".join([*told[:_SHOWN_AT_MOST], *([f"and {rest} more columns"] if rest > 0 else [])]),
        expected="columns that hold none, or whose finding somebody answers for",
        next_step=f"in params.yaml give each a rule (masking.tables.{first.table}.{first.column}: {{class: ..., transform: ...}}), "
        f"or, if it may stay, say why: masking.tables.{first.table}.accepted: {{{first.column}: <the reason>}}",
    )


def _read(memory: Path) -> dict[str, dict[str, ColumnEvidence]]:
    """What was seen before, by reuse key; nothing where the file is missing or of another version: all is looked at again."""
    try:
        known = json.loads(memory.read_bytes())
        return {key: {name: ColumnEvidence(**seen) for name, seen in columns.items()} for key, columns in known.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _written(seen: Mapping[str, Mapping[str, ColumnEvidence]]) -> bytes:
    content = {
        key: {name: {field: value for field, value in asdict(part).items() if value} for name, part in columns.items()}
        for key, columns in seen.items()
    }
    return (json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n").encode()
