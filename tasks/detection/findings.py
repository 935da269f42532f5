"""What the evidence of a column says: that it holds personal data, or that somebody should look at it; never a value.

What belongs here: the rules from evidence to findings. What does not: measuring (``evidence``), and what a finding stops
(``tasks.masking``). A column is judged in each partition and in all of them together, so that what has only just begun to come is
not drowned in what came before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.detection.columns import BORN, class_by_name, snake_case
from tasks.detection.evidence import MAIL_WITHIN, ColumnEvidence, Examiner, add_up
from tasks.detection.patterns import PATTERNS, Pattern

MANY_TEXTS = 100
"""Distinct texts above which a column is no set of categories any more."""
HIGH_SHARE = 0.2
"""Distinct values per row from which a text is of many values."""
FREE_WORDS = 4.0
FREE_LENGTH = 60.0
_MOST, _SOME, _FEW = 0.5, 0.02, 3
_CHECKSUM_HOLDS = 0.9
"""Of the values with a form, the share whose checksum must hold: random digits pass Luhn's at 10 %."""
_ENOUGH_WEAK = 20
_NAMED, _NAMED_SHAPED, _ENOUGH_NAMES = 0.5, 0.2, 10
_TEXTS_ARE_FREE = 0.05
_DAYS_OF_A_YEAR = 366
_MORE_THAN_A_REGISTER = 1000
"""Distinct texts, nearly as many as rows, from which a table is no register of countries or products any more."""
_SAYS_LITTLE = frozenset({"name", "names", "first", "last", "middle"})
"""Names of columns that people's columns have, and those of stations, products and models too."""


@dataclass(frozen=True)
class ColumnFinding:
    """What was found in one column, and on what evidence."""

    column: str
    kind: str
    """The pattern, or ``names``, ``name of the column``, ``free text``, ``many values``, ``bytes``."""
    evidence: str
    is_personal: bool
    """Whether it says that the column is not safe; otherwise it is only worth a look."""


def classify_columns(source: pa.Table | Sequence[Path]) -> tuple[ColumnFinding, ...]:
    """What is found in the columns of a table, or of the Parquet files that are its partitions."""
    examiner = Examiner()
    seen: dict[str, list[ColumnEvidence]] = {}
    for part in [source] if isinstance(source, pa.Table) else (pq.read_table(path) for path in source):
        for name in part.column_names:
            seen.setdefault(name, []).append(examiner.examine(name, part.column(name)))
    return tuple(finding for name, parts in seen.items() for finding in judge_partitions(name, parts))


def judge_partitions(name: str, parts: Sequence[ColumnEvidence], *, is_declared: bool = False) -> tuple[ColumnFinding, ...]:
    """The findings of a column: those of all partitions together, and those of single ones that the whole does not show."""
    if not parts:
        return ()
    found = {finding.kind: finding for finding in judge_column(name, add_up(parts), is_declared=is_declared)}
    for part in parts:
        for finding in judge_column(name, part, is_declared=is_declared):
            known = found.get(finding.kind)
            if known is None or (finding.is_personal and not known.is_personal):
                found[finding.kind] = ColumnFinding(name, finding.kind, f"in a partition, {finding.evidence}", finding.is_personal)
    return tuple(found.values())


def judge_column(name: str, evidence: ColumnEvidence, *, is_declared: bool = False) -> tuple[ColumnFinding, ...]:
    """The findings of one column by its ``evidence``; ``is_declared``: a rule treats it, and only forms and names count."""
    if not evidence.filled:
        return ()
    found = [*_by_pattern(name, evidence), *_by_people(name, evidence)]
    if not is_declared:
        found += [*_by_name(name, evidence), *_by_shape(name, evidence)]
    return tuple(found)


def _by_pattern(name: str, evidence: ColumnEvidence) -> Iterable[ColumnFinding]:
    for pattern in PATTERNS:
        hits = evidence.hits.get(pattern.name, 0)
        if hits and pattern.name != "person":
            told = f"{_share(hits, evidence.distinct)} of its distinct values look like {pattern.what}"
            is_personal = _is_telling(pattern, hits, evidence)
            if is_personal or hits >= _SOME * evidence.distinct:
                yield ColumnFinding(name, pattern.name, told, is_personal)
    within = evidence.hits.get(MAIL_WITHIN, 0)
    if within > evidence.hits.get("email", 0):
        told = f"{_share(within, evidence.distinct)} of its distinct values hold an e-mail address"
        yield ColumnFinding(name, MAIL_WITHIN, told, is_personal=True)


def _is_telling(pattern: Pattern, hits: int, evidence: ColumnEvidence) -> bool:
    if not pattern.is_telling:
        return False
    if pattern.name == "email":
        return True
    if pattern.checksum is not None and hits < _CHECKSUM_HOLDS * (hits + evidence.failed.get(pattern.name, 0)):
        return False
    if pattern.is_weak or evidence.kind != "string":
        return hits >= _ENOUGH_WEAK and hits >= _MOST * evidence.distinct
    return hits >= _FEW and hits >= _SOME * evidence.distinct


def _by_people(name: str, evidence: ColumnEvidence) -> Iterable[ColumnFinding]:
    if not evidence.looked_at or not evidence.named:
        return
    share = evidence.named / evidence.looked_at
    shaped = evidence.hits.get("person", 0) / evidence.distinct
    is_many = evidence.looked_at >= _ENOUGH_NAMES and evidence.distinct_values >= _ENOUGH_NAMES
    is_personal = is_many and (share >= _NAMED or (share >= _NAMED_SHAPED and shaped >= _MOST))
    if is_personal or (is_many and share >= _NAMED_SHAPED):
        told = f"{_share(evidence.named, evidence.looked_at)} of its distinct values are names of people, by the lists"
        yield ColumnFinding(name, "names", told, is_personal)


def _by_name(name: str, evidence: ColumnEvidence) -> Iterable[ColumnFinding]:
    named = class_by_name(name)
    if named is None:
        return
    told = f"by its name: {named[1]}"
    if named == BORN and evidence.kind.startswith(("date", "timestamp")):
        is_personal = evidence.distinct_values > _DAYS_OF_A_YEAR
    else:
        is_many = evidence.distinct_values > MANY_TEXTS
        is_personal = named[0] == "identifier" and is_many and snake_case(name) not in _SAYS_LITTLE
    yield ColumnFinding(name, "name of the column", told, is_personal)


def _by_shape(name: str, evidence: ColumnEvidence) -> Iterable[ColumnFinding]:
    if evidence.kind == "binary":
        yield ColumnFinding(name, "bytes", "bytes, which nobody can look into", is_personal=True)
    if evidence.kind != "string" or not evidence.distinct:
        return
    many = f"{evidence.distinct_values:,} distinct values in {evidence.filled:,} rows"
    words, length = evidence.words / evidence.distinct, evidence.characters / evidence.distinct
    is_free = words >= FREE_WORDS or length >= FREE_LENGTH
    if evidence.distinct_values > MANY_TEXTS and is_free and evidence.distinct_share >= _TEXTS_ARE_FREE:
        yield ColumnFinding(name, "free text", f"{words:.0f} words a value: {many}", is_personal=True)
    elif evidence.distinct_values > MANY_TEXTS and evidence.distinct_share > HIGH_SHARE and not _is_dates(evidence):
        told = f"texts of many values that nothing speaks for: {many}"
        yield ColumnFinding(name, "many values", told, evidence.distinct_values > _MORE_THAN_A_REGISTER)


def _is_dates(evidence: ColumnEvidence) -> bool:
    return evidence.hits.get("date", 0) >= _CHECKSUM_HOLDS * evidence.distinct


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 1 else f"{percent:.2g} %"


def personal(findings: Iterable[ColumnFinding]) -> Mapping[str, tuple[ColumnFinding, ...]]:
    """Column -> its findings, of those columns that are not safe."""
    found: dict[str, tuple[ColumnFinding, ...]] = {}
    for finding in findings:
        if finding.is_personal:
            found[finding.column] = (*found.get(finding.column, ()), finding)
    return found
