"""Tallies: rows and times per part, partition by partition, so that a total opens no unchanged partition.

What belongs here: counting a partition, adding partitions up, and what a split must not be (a part without rows). What does
not: assigning rows (``strategies``). Tallies hold counts and times, no value of any other column.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import Field

from tasks.errors import DatasetError, SplitError
from tasks.params.splits import KFoldSplit, SplitParams, StratifiedSplit, TimeSplit
from tasks.records import Record, SplitMetadata
from tasks.splits.custody import definition_hash
from tasks.splits.instants import read_buffer, to_instants, to_text
from tasks.splits.strata import describe_rare
from tasks.splits.strategies import EMBARGO, PARTS


class PartTally(Record):
    """Rows of one part, and its earliest and latest time in microseconds since 1970-01-01T00:00:00Z (None: no row has one)."""

    rows: int
    from_us: int | None
    to_us: int | None


class PartitionTally(Record):
    """The parts of one partition; valid for the partition that was made under ``reuse_key``."""

    reuse_key: str
    parts: dict[str, PartTally]
    strata: dict[str, int] = Field(default_factory=dict)
    """Of a stratified split: value -> rows, or entities that were first seen here. Its column is one that masking keeps."""


class Tallies(Record):
    """The tallies of a split's partitions, by path."""

    schema_version: Literal[1] = 1
    partitions: dict[str, PartitionTally]


def tally_partition(parts: pa.Array, times: pa.Array | pa.ChunkedArray, reuse_key: str, *, where: str) -> PartitionTally:
    """Count the rows of each of ``parts`` (string), with the range of their ``times``; ``where`` names the times' column."""
    instants, known = to_instants(times, where=where)
    encoded = parts.dictionary_encode()
    codes = read_buffer(encoded.indices, "<i4")
    found = {}
    for code, part in enumerate(encoded.dictionary.to_pylist()):
        here = codes == code
        seen = instants[here & known]
        found[part] = PartTally(
            rows=int(here.sum()),
            from_us=int(seen.min()) if len(seen) else None,
            to_us=int(seen.max()) if len(seen) else None,
        )
    return PartitionTally(reuse_key=reuse_key, parts=found)


def read_tallies(path: Path) -> dict[str, PartitionTally]:
    """The tallies of the run before, by partition; empty where there are none that this version understands."""
    try:
        return dict(Tallies.from_json(path.read_bytes(), origin=path.name).partitions)
    except (FileNotFoundError, DatasetError):  # counted again, from the partitions themselves
        return {}


def check_parts(name: str, split: SplitParams, tallies: Iterable[PartitionTally]) -> dict[str, PartTally]:
    """The total of each part that has rows, in order of time.

    Raises :class:`~tasks.errors.SplitError` where a declared part has none.
    """
    total: dict[str, PartTally] = {}
    for tally in tallies:
        for part, counted in tally.parts.items():
            total[part] = _add(total[part], counted) if part in total else counted
    empty = [part for part in split.part_names if part not in total]
    if empty:
        raise SplitError(
            f"split {name}: {' and '.join(empty)} would be empty",
            found=_describe(total),
            expected=f"rows in each of {', '.join(split.part_names)} ({_declared(split)})",
            next_step=f"change splits.{name} in params.yaml under a new name, or snapshot a later snapshot.as_of_utc",
        )
    return {part: total[part] for part in dict.fromkeys((*PARTS, *split.part_names, EMBARGO)) if part in total}


def sum_strata(tallies: Iterable[PartitionTally]) -> dict[str, int]:
    """Stratum -> rows or entities in all partitions; empty for a split without strata."""
    total: dict[str, int] = {}
    for tally in tallies:
        for value, count in tally.strata.items():
            total[value] = total.get(value, 0) + count
    return total


def _add(one: PartTally, other: PartTally) -> PartTally:
    starts = [start for start in (one.from_us, other.from_us) if start is not None]
    ends = [end for end in (one.to_us, other.to_us) if end is not None]
    return PartTally(rows=one.rows + other.rows, from_us=min(starts, default=None), to_us=max(ends, default=None))


def _describe(total: Mapping[str, PartTally]) -> str:
    counts = ", ".join(f"{part} {tally.rows:,}" for part, tally in sorted(total.items()))
    starts = [tally.from_us for tally in total.values() if tally.from_us is not None]
    ends = [tally.to_us for tally in total.values() if tally.to_us is not None]
    seen = f" from {to_text(min(starts))} to {to_text(max(ends))}" if starts and ends else ""
    return f"rows{seen}: {counts}" if total else "no rows at all"


def _declared(split: SplitParams) -> str:
    if isinstance(split, TimeSplit):
        days = ", ".join(f"{part} before {day}" for part, day in split.boundaries.items())
        return f"{days}, {EMBARGO} {split.embargo_days} days"
    if isinstance(split, KFoldSplit):
        return f"{split.k} folds of equal share, drawn {split.repeats} times"
    return ", ".join(f"{part} {share}" for part, share in split.parts.items())


def make_metadata(
    name: str,
    split: SplitParams,
    definition: Mapping[str, str],
    total: Mapping[str, PartTally],
    *,
    strata: Mapping[str, int],
    logical_hash: str,
) -> SplitMetadata:
    """What is published beside the assignments, whose dataset has ``logical_hash``.

    Entities per part are not counted: to do so exactly would mean to open every partition at every refresh.
    """
    return SplitMetadata(
        name=name,
        why=split.why,
        definition=dict(definition),
        definition_hash=definition_hash(definition),
        parts={part: tally.rows for part, tally in total.items()},
        from_utc={part: to_text(tally.from_us) for part, tally in total.items() if tally.from_us is not None},
        to_utc={part: to_text(tally.to_us) for part, tally in total.items() if tally.to_us is not None},
        notes=describe_rare(split, strata) if isinstance(split, StratifiedSplit) else (),
        logical_hash=logical_hash,
    )
