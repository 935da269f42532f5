"""Stage ``split``: part the rows on raw entities and times, and publish nothing but masked row keys and their parts.

First every changed partition is parted and counted, then all is checked, and only then is anything written: a split that is
refused leaves the stored one as it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from tasks.datasets import DatasetWriter, code_hash, hash_mapping, read_manifest, read_partition, row_keys, write_atomically
from tasks.errors import SplitError
from tasks.masking import MaskingKey, mask_table, policy_hash, require_keys_survive, treat_columns
from tasks.params.snapshot import TableParams
from tasks.params.splits import SplitParams, TimeSplit
from tasks.records import Manifest, PartitionRecord
from tasks.splits import (
    PartitionTally,
    Tallies,
    assign_by_keyed_hash,
    assign_by_time,
    check_custody,
    check_parts,
    definition_hash,
    definition_of,
    make_metadata,
    read_metadata,
    read_tallies,
    tally_partition,
)
from tasks.stages import FOUNDATION, Stage, StageContext
from tasks.stages.evidence import require_examined
from tasks.stages.keys import load_stage_key

_CODE = ("tasks/stages/split.py", "tasks/splits", "tasks/seeds.py", "tasks/masking")
_METADATA = "metadata.json"
_TALLIES = "counts.json"
_KEY = ("row_key",)
_COMPARABLE = ("kept", "token")
"""What masking may do to a column on which leaks between the parts are looked for."""


@dataclass(frozen=True)
class _Job:
    """One split of one snapshot."""

    context: StageContext
    name: str
    split: SplitParams
    key: MaskingKey
    snapshots: Manifest

    @property
    def rows(self) -> str:
        return self.context.params.features.rows

    @property
    def declared(self) -> TableParams:
        return self.context.params.snapshot.tables[self.rows]

    @property
    def column(self) -> str:
        return self.split.column if isinstance(self.split, TimeSplit) else self.split.unit

    @property
    def time(self) -> str:
        return self.split.column if isinstance(self.split, TimeSplit) else self.declared.time

    def partitions(self) -> tuple[PartitionRecord, ...]:
        table = self.snapshots.tables.get(self.rows)
        return table.partitions if table else ()


@dataclass(frozen=True)
class _Partition:
    """One partition of the assignments to be: where it lies, what it is made from, its tally, and its parts if it changed."""

    path: str
    source: PartitionRecord
    tally: PartitionTally
    parts: pa.Array | None


def _run(context: StageContext) -> None:
    name = context.variant or ""
    split = context.params.splits[name]
    folder = context.paths.split(name)
    definition = definition_of(name, split, context.params.seed)
    check_custody(read_metadata(folder / _METADATA), definition)
    snapshots = read_manifest(context.paths.snapshots, made_by="snapshot")
    require_examined(context, "raw", {"snapshots": snapshots.logical_hash})
    job = _Job(context, name, split, load_stage_key(context), snapshots)
    _require_checkable(job)
    partitions = list(_assign(job, definition_hash(definition)))
    total = check_parts(name, split, (partition.tally for partition in partitions))
    with DatasetWriter(folder, f"split {name}") as writer:
        written = sum(_write(job, writer, partition) for partition in partitions)
        tallies = Tallies(partitions={partition.path: partition.tally for partition in partitions})
        write_atomically(folder / _TALLIES, tallies.to_json().encode())
        manifest = writer.finish(_about(job, definition_hash(definition)))
    metadata = make_metadata(name, split, definition, total, manifest.logical_hash)
    write_atomically(folder / _METADATA, metadata.to_json().encode())
    counts = ", ".join(f"{part} {rows:,}" for part, rows in metadata.parts.items())
    print(f"split {name}: {written:,} partitions written, {len(partitions) - written:,} unchanged; {counts}")


def _require_checkable(job: _Job) -> None:
    """Refuse a split of which nobody could see later, on masked data, whether it leaks, or that would publish masked times."""
    params = job.context.params
    require_keys_survive(params.masking, {job.rows: job.declared})
    (treatment,) = treat_columns(params.masking, job.rows, [job.column])
    if treatment.transform not in _COMPARABLE:
        raise SplitError(
            f"split {job.name}: {job.rows}.{job.column}",
            found=f"a column that masking does not keep apart: {treatment.words}",
            expected="a column that is kept or becomes a token, so that leaks between the parts can be looked for",
            next_step=f"put {job.rows}.{job.column} into a domain under masking.domains, or split on another column",
        )
    (treatment,) = treat_columns(params.masking, job.rows, [job.time])
    if treatment.transform != "kept":
        raise SplitError(
            f"split {job.name}: {job.rows}.{job.time}",
            found=f"a time that masking does not keep: {treatment.words}",
            expected="a time that is safe, since the earliest and the latest of each part are published",
            next_step=f"declare {job.rows}.{job.time} under masking.tables.{job.rows}.safe, or name another time",
        )


def _assign(job: _Job, definition: str) -> Iterator[_Partition]:
    """Every partition with its tally; a partition that did not change is not opened."""
    folder = job.context.paths.split(job.name)
    earlier = read_tallies(folder / _TALLIES)
    made_from = _made_from(job, definition)
    for source in job.partitions():
        path = "assignments/" + source.path.split("/", 1)[1]
        reuse_key = hash_mapping({**made_from, "input": source.logical_hash})
        tally = earlier.get(path)
        if tally is not None and tally.reuse_key == reuse_key:
            yield _Partition(path, source, tally, None)
            continue
        parts, tally = _part(job, source, reuse_key)
        yield _Partition(path, source, tally, parts)


def _made_from(job: _Job, definition: str) -> dict[str, object]:
    """What every partition of the assignments is made from, beside its raw rows."""
    key_columns = treat_columns(job.context.params.masking, job.rows, job.declared.key)
    return {
        "definition": definition,
        "time": job.time,
        "table_key": job.declared.key,
        "policy": policy_hash(key_columns),
        "key_id": job.key.id,
        "key_fingerprint": job.key.fingerprint,
        "code": code_hash(*_CODE, *FOUNDATION),
    }


def _part(job: _Job, source: PartitionRecord, reuse_key: str) -> tuple[pa.Array, PartitionTally]:
    """The part of each row of a raw partition, and their tally; only the columns that decide are read."""
    snapshots, seed = job.context.paths.snapshots, job.context.params.seed
    if isinstance(job.split, TimeSplit):
        raw = read_partition(snapshots, source, [job.split.column])
        parts = assign_by_time(raw.column(job.split.column), job.split)
    else:
        raw = read_partition(snapshots, source, list(dict.fromkeys((*job.declared.key, job.split.unit, job.time))))
        units = _whole(raw.column(job.split.unit))
        parts = assign_by_keyed_hash(units, row_keys(raw, job.declared.key), job.split, job.name, seed)
    return parts, tally_partition(parts, raw.column(job.time), reuse_key, where=f"{job.rows}.{job.time}")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def _write(job: _Job, writer: DatasetWriter, partition: _Partition) -> bool:
    """Keep the partition, or write it; False where it was kept."""
    reuse_key = partition.tally.reuse_key
    if partition.parts is None and writer.keep(partition.path, reuse_key):
        return False
    parts = partition.parts
    if parts is None:  # counted, but its file is gone
        parts, _ = _part(job, partition.source, reuse_key)
    raw = read_partition(job.context.paths.snapshots, partition.source, job.declared.key)
    masked = mask_table(job.rows, raw, job.context.params.masking, job.key)
    table = pa.table({"row_key": row_keys(masked, job.declared.key), "part": parts})
    writer.write(partition.path, reuse_key, table, _KEY)
    return True


def _about(job: _Job, definition: str) -> dict[str, str]:
    return {"split": job.name, "definition": definition, "snapshots": job.snapshots.logical_hash, "key_id": job.key.id}


STAGE = Stage(
    reads=lambda _: ("data/snapshots/manifest.json", "data/validation/raw.json"),
    writes=lambda context: (f"data/splits/{context.variant}",),
    code=_CODE,
    run=_run,
    is_key_holder=True,
    variants=lambda params: tuple(params.splits),
)
"""``python -m tasks split <name>``."""
