"""Stage ``split``: part the rows on raw entities and times, and publish nothing but masked row keys and their parts.

First every changed partition is parted and counted, then all is checked, and only then is anything written: a split that is
refused leaves the stored one as it was.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.datasets import (
    DatasetWriter,
    code_hash,
    hash_mapping,
    read_manifest,
    read_partition,
    row_keys,
    write_atomically,
)
from tasks.errors import SplitError
from tasks.masking import MaskingKey, mask_table, policy_hash, require_keys_survive, treat_columns
from tasks.params.snapshot import TableParams
from tasks.params.splits import ASSIGNMENTS, KeyedHashSplit, KFoldSplit, SplitParams, StratifiedSplit, TimeSplit
from tasks.records import Manifest, PartitionRecord
from tasks.splits import (
    PartitionTally,
    Strata,
    Tallies,
    assign_by_keyed_hash,
    assign_by_time,
    assign_stratified,
    assign_to_folds,
    check_custody,
    check_parts,
    definition_hash,
    definition_of,
    make_metadata,
    read_metadata,
    read_tallies,
    sum_strata,
    tally_partition,
)
from tasks.splits.instants import read_buffer, to_instants
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
    def is_whole(self) -> bool:
        """Whether a row's part rests on rows of other partitions: strata of entities, which lie in several."""
        return isinstance(self.split, StratifiedSplit) and self.split.unit is not None

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
    """Below the table of assignments, of which there is one per repeat."""
    source: PartitionRecord
    tally: PartitionTally
    parts: dict[str, pa.Array] | None
    """Table of assignments -> part of each row."""


def _run(context: StageContext) -> None:
    name = context.variant or ""
    split = context.params.splits[name]
    folder = context.paths.split(name)
    known = context.params.snapshot.tables[context.params.features.rows].known
    definition = definition_of(name, split, context.params.seed, known=known)
    check_custody(read_metadata(folder / _METADATA), definition)
    snapshots = read_manifest(context.paths.snapshots, made_by="snapshot")
    require_examined(context, "raw", {"snapshots": snapshots.logical_hash})
    job = _Job(context, name, split, load_stage_key(context), snapshots)
    _require_checkable(job)
    made_from = _made_from(job, definition_hash(definition))
    partitions = list(_assign_whole(job, made_from) if job.is_whole else _assign(job, made_from))
    total = check_parts(name, split, (partition.tally for partition in partitions))
    with DatasetWriter(folder, f"split {name}") as writer:
        moved = [_write(job, writer, partition) for partition in partitions]
        tallies = Tallies(partitions={f"{ASSIGNMENTS}/{partition.path}": partition.tally for partition in partitions})
        write_atomically(folder / _TALLIES, tallies.to_json().encode())
        manifest = writer.finish(_about(job, definition_hash(definition)))
    strata = sum_strata(partition.tally for partition in partitions)
    metadata = make_metadata(name, split, definition, total, strata=strata, logical_hash=manifest.logical_hash)
    write_atomically(folder / _METADATA, metadata.to_json().encode())
    counts = ", ".join(f"{part} {rows:,}" for part, rows in metadata.parts.items())
    written = sum(count is not None for count in moved)
    print(f"split {name}: {written:,} partitions written, {len(partitions) - written:,} unchanged; {counts}")
    if any(moved):
        print(f"  {sum(filter(None, moved)):,} rows changed their part: the lake's past was rewritten")
    for note in metadata.notes:
        print(f"  {note}")


def _require_checkable(job: _Job) -> None:
    """Refuse a split of which nobody could see later, on masked data, whether it leaks, or that would publish masked times."""
    params = job.context.params
    require_keys_survive(params.masking, {job.rows: job.declared})
    for treatment in treat_columns(params.masking, job.rows, job.split.columns):
        if treatment.transform not in _COMPARABLE:
            raise SplitError(
                f"split {job.name}: {job.rows}.{treatment.column}",
                found=f"a column that masking does not keep apart: {treatment.words}",
                expected="a column that is kept or becomes a token, so that leaks between the parts can be looked for",
                next_step=f"put {job.rows}.{treatment.column} into a domain under masking.domains, or split on another column",
            )
    if isinstance(job.split, StratifiedSplit):
        _require_kept(job, job.split.by, "a column that is safe, since the rows of each stratum are counted")
    _require_kept(job, job.time, "a time that is safe, since the earliest and the latest of each part are published")


def _require_kept(job: _Job, column: str, expected: str) -> None:
    (treatment,) = treat_columns(job.context.params.masking, job.rows, [column])
    if treatment.transform != "kept":
        raise SplitError(
            f"split {job.name}: {job.rows}.{column}",
            found=f"a column that masking does not keep: {treatment.words}",
            expected=expected,
            next_step=f"declare {job.rows}.{column} under masking.tables.{job.rows}.safe, or name another column",
        )


def _assign(job: _Job, made_from: dict[str, object]) -> Iterator[_Partition]:
    """Every partition with its tally; a partition that did not change is not opened."""
    earlier = read_tallies(job.context.paths.split(job.name) / _TALLIES)
    for source in job.partitions():
        path = source.path.split("/", 1)[1]
        reuse_key = hash_mapping({**made_from, "input": source.logical_hash})
        tally = earlier.get(f"{ASSIGNMENTS}/{path}")
        if tally is not None and tally.reuse_key == reuse_key:
            yield _Partition(path, source, tally, None)
            continue
        parts, tally = _part(job, source, reuse_key)
        yield _Partition(path, source, tally, parts)


def _assign_whole(job: _Job, made_from: dict[str, object]) -> Iterator[_Partition]:
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
        yield _Partition(source.path.split("/", 1)[1], source, tally.model_copy(update={"strata": strata}), {ASSIGNMENTS: parts})


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


def _read_columns(job: _Job) -> list[str]:
    """The columns that decide, and the key of a row that has to be drawn by itself."""
    if isinstance(job.split, TimeSplit):
        return [job.split.column]
    known = (job.declared.known,) if isinstance(job.split, StratifiedSplit) else ()
    return list(dict.fromkeys((*job.declared.key, *job.split.columns, job.time, *known)))


def _part(job: _Job, source: PartitionRecord, reuse_key: str) -> tuple[dict[str, pa.Array], PartitionTally]:
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


def _stratify(job: _Job, split: StratifiedSplit, raw: pa.Table, *, scope: str, slices: Sequence[int]) -> Strata:
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


def _write(job: _Job, writer: DatasetWriter, partition: _Partition) -> int | None:
    """Keep the partition, or write it; None where it was kept, else the rows that were in another part before."""
    reuse_key = partition.tally.reuse_key
    paths = {table: f"{table}/{partition.path}" for table in job.split.tables}
    is_new = partition.parts is not None and not job.is_whole
    kept = set() if is_new else {table for table, path in paths.items() if writer.keep(path, reuse_key)}
    if len(kept) == len(paths):
        return None
    parts = partition.parts
    if parts is None:  # counted, but a file of it is gone
        parts, _ = _part(job, partition.source, reuse_key)
    raw = read_partition(job.context.paths.snapshots, partition.source, job.declared.key)
    masked = mask_table(job.rows, raw, job.context.params.masking, job.key)
    keys = row_keys(masked, job.declared.key)
    moved = 0
    for table, path in paths.items():
        if table not in kept:
            assigned = pa.table({"row_key": keys, "part": parts[table]})
            moved += _count_moved(job, path, assigned)
            writer.write(path, reuse_key, assigned, _KEY)
    return moved


def _count_moved(job: _Job, path: str, assigned: pa.Table) -> int:
    """Rows of a stratified split that the stored partition has in another part; growth moves none, a rewritten past can."""
    stored = job.context.paths.split(job.name) / path
    if not isinstance(job.split, StratifiedSplit) or not stored.is_file():
        return 0
    try:
        before = pq.ParquetFile(stored).read()
    except pa.ArrowException:  # cut off: what it held is not known, and it is written anew
        return 0
    place = pc.index_in(assigned.column("row_key"), value_set=before.column("row_key").combine_chunks())
    was = before.column("part").combine_chunks().take(place.combine_chunks())
    return pc.sum(pc.not_equal(assigned.column("part").combine_chunks(), was)).as_py() or 0


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
