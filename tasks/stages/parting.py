"""The partitions of a split, parted: which of them changed, and the part of each row of those.

What belongs here: reading raw partitions for the strategies of ``tasks.splits``. What does not: what is checked first, and
what is written (the stage ``split``). No stage of its own: that one calls it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import code_hash, hash_mapping, read_partition, row_keys
from tasks.masking import MaskingKey, policy_hash, treat_columns
from tasks.params.snapshot import TableParams
from tasks.params.splits import ASSIGNMENTS, KeyedHashSplit, KFoldSplit, SplitParams, StratifiedSplit, TimeSplit
from tasks.records import Manifest, PartitionRecord
from tasks.splits import (
    PartitionTally,
    Strata,
    assign_by_keyed_hash,
    assign_by_time,
    assign_stratified,
    assign_to_folds,
    read_tallies,
    tally_partition,
)
from tasks.splits.instants import read_buffer, to_instants
from tasks.stages import FOUNDATION, StageContext

CODE = ("tasks/stages/split.py", "tasks/stages/parting.py", "tasks/splits", "tasks/seeds.py", "tasks/masking")
TALLIES = "counts.json"


@dataclass(frozen=True)
class SplitJob:
    """One split of one snapshot."""

    context: StageContext
    name: str
    split: SplitParams
    key: MaskingKey
    snapshots: Manifest

    @property
    def rows(self) -> str:
        """The table whose rows are parted."""
        return self.context.params.features.rows

    @property
    def declared(self) -> TableParams:
        """How that table is declared."""
        return self.context.params.snapshot.tables[self.rows]

    @property
    def is_whole(self) -> bool:
        """Whether a row's part rests on rows of other partitions: strata of entities, which lie in several."""
        return isinstance(self.split, StratifiedSplit) and self.split.unit is not None

    @property
    def time(self) -> str:
        """The column whose range is told of each part."""
        return self.split.column if isinstance(self.split, TimeSplit) else self.declared.time

    def partitions(self) -> tuple[PartitionRecord, ...]:
        """The raw partitions of that table."""
        table = self.snapshots.tables.get(self.rows)
        return table.partitions if table else ()


@dataclass(frozen=True)
class PartedPartition:
    """One partition of the assignments to be: where it lies, what it is made from, its tally, and its parts if it changed."""

    path: str
    """Below the table of assignments, of which there is one per repeat."""
    source: PartitionRecord
    tally: PartitionTally
    parts: dict[str, pa.Array] | None
    """Table of assignments -> part of each row."""


def assign_partitions(job: SplitJob, definition: str) -> list[PartedPartition]:
    """Every partition of the assignments to be, with the parts of those that may have changed; ``definition`` is its hash."""
    made_from = _made_from(job, definition)
    return list(_assign_whole(job, made_from) if job.is_whole else _assign_each(job, made_from))


def _assign_each(job: SplitJob, made_from: dict[str, object]) -> Iterator[PartedPartition]:
    """Every partition with its tally; a partition that did not change is not opened."""
    earlier = read_tallies(job.context.paths.split(job.name) / TALLIES)
    for source in job.partitions():
        path = source.path.split("/", 1)[1]
        reuse_key = hash_mapping({**made_from, "input": source.logical_hash})
        tally = earlier.get(f"{ASSIGNMENTS}/{path}")
        if tally is not None and tally.reuse_key == reuse_key:
            yield PartedPartition(path, source, tally, None)
            continue
        parts, tally = part_partition(job, source, reuse_key)
        yield PartedPartition(path, source, tally, parts)


def _assign_whole(job: SplitJob, made_from: dict[str, object]) -> Iterator[PartedPartition]:
    """Every partition, all of them opened: an entity's part rests on its first row, wherever that lies."""
    split, sources = job.split, job.partitions()
    if not sources or not isinstance(split, StratifiedSplit):
        return
    read = [read_partition(job.context.paths.snapshots, source, _read_columns(job)) for source in sources]
    raw = pa.concat_tables(read, promote_options="default")
    found = _stratify(job, split, raw, scope="", slices=[table.num_rows for table in read])
    start = 0
    for source, table, strata in zip(sources, read, found.counts, strict=True):
        parts = found.parts.slice(start, table.num_rows)
        start += table.num_rows
        # What other partitions hold decides too; a partition is left alone where all came out as before.
        codes = read_buffer(pc.index_in(parts, value_set=pa.array(split.part_names)), "<i4")
        chosen = hashlib.sha256(codes.tobytes()).hexdigest()
        reuse_key = hash_mapping({**made_from, "input": source.logical_hash, "parts": chosen})
        tally = tally_partition(parts, table.column(job.time), reuse_key, where=f"{job.rows}.{job.time}")
        yield PartedPartition(
            source.path.split("/", 1)[1], source, tally.model_copy(update={"strata": strata}), {ASSIGNMENTS: parts}
        )


def _made_from(job: SplitJob, definition: str) -> dict[str, object]:
    """What every partition of the assignments is made from, beside its raw rows."""
    key_columns = treat_columns(job.context.params.masking, job.rows, job.declared.key)
    return {
        "definition": definition,
        "time": job.time,
        "table_key": job.declared.key,
        "policy": policy_hash(key_columns),
        "key_id": job.key.id,
        "key_fingerprint": job.key.fingerprint,
        "code": code_hash(*CODE, *FOUNDATION),
    }


def _read_columns(job: SplitJob) -> list[str]:
    """The columns that decide, and the key of a row that has to be drawn by itself."""
    if isinstance(job.split, TimeSplit):
        return [job.split.column]
    known = (job.declared.known,) if isinstance(job.split, StratifiedSplit) else ()
    return list(dict.fromkeys((*job.declared.key, *job.split.columns, job.time, *known)))


def part_partition(job: SplitJob, source: PartitionRecord, reuse_key: str) -> tuple[dict[str, pa.Array], PartitionTally]:
    """The part of each row of a raw partition by table of assignments, and their tally; only the columns that decide are read."""
    split, seed = job.split, job.context.params.seed
    raw = read_partition(job.context.paths.snapshots, source, _read_columns(job))
    strata: dict[str, int] = {}
    if isinstance(split, TimeSplit):
        parts = {ASSIGNMENTS: assign_by_time(raw.column(split.column), split)}
    elif isinstance(split, KeyedHashSplit):
        units = _whole(raw.column(split.unit))
        parts = {ASSIGNMENTS: assign_by_keyed_hash(units, row_keys(raw, job.declared.key), split, job.name, seed)}
    elif isinstance(split, KFoldSplit):
        entities = None if split.unit is None else _whole(raw.column(split.unit))
        parts = assign_to_folds(entities, row_keys(raw, job.declared.key), split, job.name, seed)
    else:
        found = _stratify(job, split, raw, scope=source.path, slices=[raw.num_rows])
        parts, strata = {ASSIGNMENTS: found.parts}, found.counts[0]
    tallies = [tally_partition(part, raw.column(job.time), reuse_key, where=f"{job.rows}.{job.time}") for part in parts.values()]
    counted = {name: tally for each in tallies for name, tally in each.parts.items()}
    return parts, PartitionTally(reuse_key=reuse_key, parts=counted, strata=strata)


def _stratify(job: SplitJob, split: StratifiedSplit, raw: pa.Table, *, scope: str, slices: Sequence[int]) -> Strata:
    known, _ = to_instants(raw.column(job.declared.known), where=f"{job.rows}.{job.declared.known}")
    return assign_stratified(
        _whole(raw.column(split.by)),
        known,
        None if split.unit is None else _whole(raw.column(split.unit)),
        row_keys(raw, job.declared.key),
        split,
        name=job.name,
        seed=job.context.params.seed,
        scope=scope,
        slices=tuple(slices),
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)
