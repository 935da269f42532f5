"""The snapshot: a copy of exactly what the pin lists, no column and no row more.

What belongs here: copying pinned files, cut to declared columns and known rows. What does not: observing the lake (``pin``),
proving that a file is still the pinned one (``receive``), and masking. A snapshot may hold raw personal data: all of
it, unfinished files included, lies in one folder that is closed to other users.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BufferedIOBase, BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.datasets import DatasetWriter, ParquetBytes, is_in_order
from tasks.errors import PinError
from tasks.params.snapshot import VIRTUAL_COLUMNS, SnapshotParams, TableParams
from tasks.paths import CANARY_FILE
from tasks.records import Manifest, Pin, PinnedFile
from tasks.sources.as_is import conforms
from tasks.sources.lake import Lake
from tasks.sources.layout import covers, format_of
from tasks.sources.partitions import FilePlan, Partition, is_wholly_known, plan_partitions
from tasks.sources.pin import reading_hash
from tasks.sources.read_ahead import ReadAhead
from tasks.sources.reader import SourceFile, TableSource, read_rows
from tasks.sources.receive import receive_file, unreadable_file
from tasks.sources.times import from_rfc3339, to_microseconds, to_rfc3339
from tasks.sources.write_behind import WriteBehind

_PRIVATE = 0o700


@dataclass(frozen=True)
class SnapshotResult:
    """What a snapshot holds, and how many of its partitions had to be written."""

    manifest: Manifest
    written: int
    unchanged: int

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.manifest.tables.values())


def check_pin(pin: Pin, params: SnapshotParams) -> None:
    """Raise :class:`~tasks.errors.PinError` where ``pin`` is not one of ``params``: lake, moment, tables, columns, paths."""
    _agree("the lake", pin.lake, params.lake)
    _agree("as_of_utc", pin.as_of_utc, to_rfc3339(params.as_of_utc))
    _agree("the tables", ", ".join(sorted(pin.tables)), ", ".join(sorted(params.tables)))
    for name, declared in params.tables.items():
        table = pin.tables[name]
        _agree(f"the known column of {name}", table.known, declared.known)
        _agree(f"the columns of {name}", ", ".join(sorted(table.columns)), ", ".join(sorted(declared.columns)))
        if table.reading != reading_hash(declared):
            _agree(f"how the files of {name} are read", "another path, format, csv or types", f"snapshot.tables.{name}")
        for file in table.files:
            if not covers(name, declared, file.path):
                _agree(f"a path of {name}", file.path, declared.path or f"a file below {name}/, or {name} with its ending")


def _agree(what: str, pinned: str, declared: str) -> None:
    if pinned != declared:
        raise PinError(
            f"data/pin.json: {what}",
            found=pinned or "nothing",
            expected=f"{declared}, as params.yaml says",
            next_step="windtunnel pin",
        )


def write_snapshot(
    lake: Lake,
    pin: Pin,
    params: SnapshotParams,
    folder: Path,
    *,
    pin_hash: str,
    code_hash: str,
    made_with: Mapping[str, str] | None = None,
) -> SnapshotResult:
    """Copy what ``pin`` lists into the dataset ``folder``, one partition per file that holds known rows; of a big file, several.

    Partitions are cut and named by :func:`~tasks.sources.partitions.plan_partitions`. Each has the declared columns only (types as
    :func:`tasks.sources.convert.convert` gives them) and the rows with ``known <= as_of_utc`` only, in order of the table's
    key; a Parquet file that is such a partition already is taken over byte by byte. A partition is left alone, and its file in
    the lake is not opened, while its bytes in the lake, its declaration, its cutoff and ``code_hash`` stay the same; the cutoff
    of a file that was wholly known does not move with ``as_of_utc``. ``pin_hash`` is the hash of the pin's file, for the manifest.

    Raises :class:`~tasks.errors.PinError` where a file was changed or deleted since it was pinned, and
    :class:`~tasks.errors.LakeError` where one cannot be read.
    """
    check_pin(pin, params)
    written = unchanged = 0
    with DatasetWriter(folder, "snapshots", mode=_PRIVATE, beside=CANARY_FILE) as writer:
        for name, table in sorted(pin.tables.items()):
            source = TableSource(name, params.tables[name])
            plans = [
                plan_partitions(name, file, table, source.params, as_of=pin.as_of_utc, code_hash=code_hash) for file in table.files
            ]
            stale = [plan for plan in (plan.without(writer.keep) for plan in plans) if plan.missing]
            with (
                WriteBehind() as behind,
                ReadAhead(partial(receive_file, lake, folder), (plan.file for plan in stale), BufferedIOBase.close) as ahead,
            ):
                for plan in stale:
                    with ahead.take(plan.file) as stream:
                        types = {column: table.columns[column] for column in source.params.columns}
                        if found := _as_it_is(stream, source, plan, types, as_of=pin.as_of_utc):
                            behind.submit(partial(_take, writer, plan, *found, source.params, as_of=pin.as_of_utc))
                            continue
                        for partition, part in _cut(stream, source, plan, types, as_of=pin.as_of_utc):
                            behind.submit(partial(_write, writer, partition, part, source.params.key))
            count = sum(len(plan.missing) for plan in stale)
            written += count
            unchanged += sum(len(plan.partitions) for plan in plans) - count
        manifest = writer.finish({**_about(pin, params, pin_hash), **(made_with or {})})
    return SnapshotResult(manifest=manifest, written=written, unchanged=unchanged)


def _about(pin: Pin, params: SnapshotParams, pin_hash: str) -> dict[str, str]:
    about = {"as_of_utc": pin.as_of_utc, "pin": pin_hash, "purpose": params.purpose, "view": "raw"}
    for name, table in params.tables.items():
        about[f"source.{name}"] = table.source
        about[f"licence.{name}"] = table.licence
    return about


def _as_it_is(
    stream: BufferedIOBase, source: TableSource[TableParams], plan: FilePlan, types: Mapping[str, str], *, as_of: str
) -> tuple[bytes, pq.ParquetFile] | None:
    """What is in ``stream`` where its bytes may be the file's one partition, if its rows are in order; None where they may not."""
    file = plan.file
    is_whole = len(plan.partitions) == 1 and file.known_rows == file.rows and is_wholly_known(file, as_of)
    if not is_whole or not isinstance(stream, BytesIO) or not types.keys().isdisjoint(VIRTUAL_COLUMNS):
        return None
    if format_of(file.path, source.params) != "parquet":
        return None
    data = stream.getvalue()
    try:
        opened = pq.ParquetFile(pa.BufferReader(data))
    except (OSError, pa.ArrowException) as error:
        raise unreadable_file(file.path, error) from None
    return (data, opened) if conforms(opened, len(data), types) else None


def _take(writer: DatasetWriter, plan: FilePlan, data: bytes, opened: pq.ParquetFile, declared: TableParams, *, as_of: str) -> None:
    """Make ``data``, a Parquet file that conforms, the partition of ``plan``: as it is where its rows are in order."""
    try:
        rows = opened.read(use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise unreadable_file(plan.file.path, error) from None
    known = rows.num_rows - rows.column(declared.known).null_count
    if known != plan.file.known_rows:
        raise _miscounted(plan.file, str(known), as_of)
    (partition,) = plan.partitions
    if is_in_order(rows, declared.key):
        packed = ParquetBytes(data, plan.file.sha256)
        writer.write(partition.path, partition.reuse_key, rows, declared.key, packed=packed)
    else:
        _write(writer, partition, rows, declared.key)


def _cut(
    stream: BufferedIOBase, source: TableSource[TableParams], plan: FilePlan, types: Mapping[str, str], *, as_of: str
) -> Iterator[tuple[Partition, pa.Table]]:
    """The missing partitions of the file in ``stream``, and their rows as they come."""
    declared, file = source.params, plan.file
    rows = _read(SourceFile(file.path, file.mtime_utc, stream), source, types)
    parts = _known_parts(rows, file, known=declared.known, as_of=as_of, size=plan.rows_each)
    for partition, part in zip(plan.partitions, parts, strict=True):
        if partition in plan.missing:
            yield partition, part


def _write(writer: DatasetWriter, partition: Partition, rows: pa.Table, key: Sequence[str]) -> None:
    ordered = rows if is_in_order(rows, key) else rows.sort_by([(column, "ascending") for column in key])
    writer.write(partition.path, partition.reuse_key, ordered, key)


def _known_parts(rows: Iterator[pa.RecordBatch], file: PinnedFile, *, known: str, as_of: str, size: int) -> Iterator[pa.Table]:
    """The known rows in parts of ``size``; the last only once their number is found to be the pinned one."""
    held: list[pa.RecordBatch] = []
    waiting = seen = 0
    for batch in rows:
        held.append(batch.filter(_is_known(batch.column(known), file, as_of)))
        waiting += held[-1].num_rows
        seen += held[-1].num_rows
        if seen > file.known_rows:
            break
        while waiting > size:
            table = pa.Table.from_batches(held)
            yield table.slice(0, size)
            held = table.slice(size).to_batches()
            waiting -= size
    if seen != file.known_rows:
        raise _miscounted(file, "more" if seen > file.known_rows else str(seen), as_of)
    yield pa.Table.from_batches(held)


def _miscounted(file: PinnedFile, seen: str, as_of: str) -> PinError:
    return PinError(
        f"data/pin.json: known_rows of {file.path}",
        found=f"{file.known_rows} pinned",
        expected=f"{seen}, as the file has by {as_of}",
        next_step="restore data/pin.json from Git, or run `windtunnel pin`",
    )


def _read(file: SourceFile, source: TableSource[TableParams], types: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    try:
        yield from read_rows(file, source, types)
    except (OSError, pa.ArrowException) as error:
        raise unreadable_file(file.path, error) from None


def _is_known(known: pa.Array, file: PinnedFile, as_of: str) -> pa.Array:
    if is_wholly_known(file, as_of):
        return pc.is_valid(known)
    return pc.less_equal(known, pa.scalar(to_microseconds(from_rfc3339(as_of)), pa.timestamp("us", "UTC")))
