"""The facts of a table that masking one partition cannot know, gathered over all partitions of the snapshot.

What belongs here: gathering, and keeping what was observed of a partition, so that a refresh opens no more than what changed. What
does not: what is observed, and what follows (``tasks.masking.facts``).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.datasets import hash_mapping, write_atomically
from tasks.masking import Engine, Facts, Observation, TableWork, conclude, observed_columns
from tasks.paths import make_private
from tasks.records import PartitionRecord

_FORM = 1
"""Of these files; raised where what stands in them changes."""


def gather_facts(
    engine: Engine, work: TableWork, partitions: Sequence[PartitionRecord], kept: Path, made_from: Mapping[str, object]
) -> Facts | None:
    """The facts of the table that ``work`` masks; None where its policy needs none.

    Only the columns that matter are read, and only of partitions of which the folder ``kept`` (restricted zone) does not have
    what was observed of the same rows under the same ``made_from`` (policy, key and code). Raises
    :class:`~tasks.errors.MaskingError` where a fake that is declared unique is not.
    """
    if not observed_columns(work.policy, work.table):
        return None
    folder = kept / "facts" / work.table
    make_private(kept)
    make_private(folder)
    places = {
        record.path: folder / f"{hash_mapping({**made_from, 'form': _FORM, 'input': record.logical_hash})}.parquet"
        for record in partitions
    }
    facts = conclude(work.policy, work.table, _observations(engine, work, partitions, places))
    for path in set(folder.glob("*.parquet")) - set(places.values()):
        path.unlink(missing_ok=True)
    return facts


def _observations(
    engine: Engine, work: TableWork, partitions: Sequence[PartitionRecord], places: Mapping[str, Path]
) -> Iterator[Observation]:
    missing = []
    for record in partitions:
        known = _read(places[record.path])
        if known is None:
            missing.append(record)
        else:
            yield known
    for record, observed in zip(missing, engine.observe(work, missing), strict=True):
        _write(places[record.path], observed)
        yield observed


def _read(path: Path) -> Observation | None:
    """What was observed; None where it must be observed again."""
    try:
        listed = pq.read_table(path).to_pydict()
        return {name: pa.ipc.open_stream(content).read_all() for name, content in zip(listed["name"], listed["rows"], strict=True)}
    except (OSError, pa.ArrowException, KeyError):
        return None


def _write(path: Path, observed: Observation) -> None:
    rows = [_pack(table) for table in observed.values()]
    content = pa.BufferOutputStream()
    pq.write_table(pa.table({"name": list(observed), "rows": pa.array(rows, pa.large_binary())}), content, compression="zstd")
    write_atomically(path, content.getvalue().to_pybytes())


def _pack(table: pa.Table) -> bytes:
    content = pa.BufferOutputStream()
    with pa.ipc.new_stream(content, table.schema) as writer:
        writer.write_table(table)
    return bytes(content.getvalue().to_pybytes())
