"""Stage ``split``: part the rows on raw entities and times, and publish nothing but masked row keys and their parts.

First every changed partition is parted and counted, then all is checked, and only then is anything written: a split that is
refused leaves the stored one as it was.
"""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.datasets import DatasetWriter, read_manifest, read_partition, row_keys, write_atomically
from tasks.errors import SplitError
from tasks.masking import mask_columns, require_keys_survive, treat_columns
from tasks.params.splits import ASSIGNMENTS, StratifiedSplit
from tasks.splits import (
    Tallies,
    check_custody,
    check_parts,
    definition_hash,
    definition_of,
    make_metadata,
    read_metadata,
    sum_strata,
)
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined
from tasks.stages.keys import load_stage_key
from tasks.stages.made_with import address_of, made_with
from tasks.stages.parting import CODE, TALLIES, PartedPartition, SplitJob, assign_partitions, part_partition

_METADATA = "metadata.json"
_KEY = ("row_key",)
_COMPARABLE = ("kept", "token", "encrypt")
"""What masking may do to a column on which leaks between the parts are looked for."""


def _run(context: StageContext) -> None:
    name = context.variant or ""
    split = context.params.splits[name]
    folder = context.paths.split(name)
    known = context.params.snapshot.tables[context.params.features.rows].known
    definition = definition_of(name, split, context.params.seed, known=known)
    check_custody(read_metadata(folder / _METADATA), definition)
    snapshots = read_manifest(context.paths.snapshots, made_by="snapshot")
    require_examined(context, "raw", {"snapshots": snapshots.logical_hash})
    job = SplitJob(context, name, split, load_stage_key(context), snapshots)
    _require_checkable(job)
    partitions = assign_partitions(job, definition_hash(definition))
    total = check_parts(name, split, (partition.tally for partition in partitions))
    with DatasetWriter(folder, f"split {name}") as writer:
        moved = [_write(job, writer, partition) for partition in partitions]
        tallies = Tallies(partitions={f"{ASSIGNMENTS}/{partition.path}": partition.tally for partition in partitions})
        write_atomically(folder / TALLIES, tallies.to_json().encode())
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


def _require_checkable(job: SplitJob) -> None:
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


def _require_kept(job: SplitJob, column: str, expected: str) -> None:
    (treatment,) = treat_columns(job.context.params.masking, job.rows, [column])
    if treatment.transform != "kept":
        raise SplitError(
            f"split {job.name}: {job.rows}.{column}",
            found=f"a column that masking does not keep: {treatment.words}",
            expected=expected,
            next_step=f"declare {job.rows}.{column} under masking.tables.{job.rows}.safe, or name another column",
        )


def _write(job: SplitJob, writer: DatasetWriter, partition: PartedPartition) -> int | None:
    """Keep the partition, or write it; None where it was kept, else the rows that were in another part before."""
    reuse_key = partition.tally.reuse_key
    paths = {table: f"{table}/{partition.path}" for table in job.split.tables}
    is_new = partition.parts is not None and not job.is_whole
    kept = set() if is_new else {table for table, path in paths.items() if writer.keep(path, reuse_key)}
    if len(kept) == len(paths):
        return None
    parts = partition.parts
    if parts is None:  # counted, but a file of it is gone
        parts, _ = part_partition(job, partition.source, reuse_key)
    raw = read_partition(job.context.paths.snapshots, partition.source, job.declared.key)
    masked = mask_columns(job.rows, raw, job.context.params.masking, job.key)
    keys = row_keys(masked, job.declared.key)
    moved = 0
    for table, path in paths.items():
        if table not in kept:
            assigned = pa.table({"row_key": keys, "part": parts[table]})
            moved += _count_moved(job, path, assigned)
            writer.write(path, reuse_key, assigned, _KEY)
    return moved


def _count_moved(job: SplitJob, path: str, assigned: pa.Table) -> int:
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


def _about(job: SplitJob, definition: str) -> dict[str, str]:
    about = {"split": job.name, "definition": definition, "snapshots": job.snapshots.logical_hash, "key_id": job.key.id}
    return about | made_with(job.context.params, address_of("split", job.name), job.snapshots.about)


STAGE = Stage(
    reads=lambda _: ("data/snapshots/manifest.json", "data/validation/raw.json"),
    writes=lambda context: (f"data/splits/{context.variant}",),
    code=CODE,
    run=_run,
    is_key_holder=True,
    variants=lambda params: tuple(params.splits),
)
"""``python -m tasks split <name>``."""
