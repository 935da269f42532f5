"""The pin: the lake, listed once and written down, so that a snapshot has something exact to copy.

What belongs here: observing files (bytes, hash, rows, what was known when), and the file ``data/pin.json``. What does not:
copying. Of a file's content only its hash, its schema and its ``known`` column are looked at.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BufferedIOBase
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.datasets import write_atomically
from tasks.errors import DatasetError, LakeError, PinError
from tasks.params.snapshot import SnapshotParams, TableParams
from tasks.records import Pin, PinnedFile, PinnedTable
from tasks.sources.lake import Lake, LakeFile
from tasks.sources.read_ahead import ReadAhead
from tasks.sources.schema import SchemaDriftError, TableTypes, column_types, normalise
from tasks.sources.times import from_microseconds, from_rfc3339, to_microseconds, to_rfc3339

_MOMENT = "timestamp[UTC]"


@dataclass(frozen=True)
class _Observed:
    """What one opened file holds: its line in the pin, its declared columns' types, its newest time known by ``as_of``."""

    file: PinnedFile
    types: dict[str, str]
    known_watermark: datetime | None


def pin_lake(lake: Lake, params: SnapshotParams, previous: Pin | None) -> Pin:
    """List every declared table of ``lake`` once, and pin every file.

    A file whose path, size, modification time, version and ETag stand in ``previous`` is not opened again, unless a change of
    ``as_of_utc`` may change which of its rows are known. Rows without a known time are never known. Raises
    :class:`~tasks.errors.LakeError` naming table, file, found and expected: nothing to read, not Parquet, declared columns
    missing, types that differ between files, or a table in which no row is known yet.
    """
    usable = previous if previous is not None and previous.lake == params.lake else None
    tables = {}
    for name, declared in sorted(params.tables.items()):
        listing = lake.list_files(name)
        kept: dict[str, PinnedFile] = {}
        types: dict[str, str] = {}
        if usable is not None and name in usable.tables and _declares_the_same(usable.tables[name], declared):
            types = usable.tables[name].columns
            kept = _unchanged(listing, usable.tables[name], min(params.as_of_utc, from_rfc3339(usable.as_of_utc)))
        pin_table = partial(_pin_table, lake, name, listing, declared=declared, as_of=params.as_of_utc)
        try:
            tables[name] = pin_table(kept=kept, kept_types=types)
        except SchemaDriftError:
            if not kept:
                raise
            # The pinned types may stem from a file that has been replaced since: only the files themselves can tell.
            tables[name] = pin_table(kept={}, kept_types={})
    return Pin(lake=params.lake, as_of_utc=to_rfc3339(params.as_of_utc), access=lake.access, tables=tables)


def _declares_the_same(pinned: PinnedTable, declared: TableParams) -> bool:
    return pinned.known == declared.known and set(pinned.columns) == set(declared.columns)


def _unchanged(listing: tuple[LakeFile, ...], pinned: PinnedTable, settled: datetime) -> dict[str, PinnedFile]:
    """Pinned files that need not be opened: they look the same, and all that they hold was known at both moments."""
    found = {}
    before = {file.path: file for file in pinned.files}
    for file in listing:
        entry = before.get(file.path)
        if entry is None or _identity(entry) != _identity(file):
            continue
        if entry.watermark_utc is None or from_rfc3339(entry.watermark_utc) <= settled:
            found[file.path] = entry
    return found


def _identity(file: LakeFile | PinnedFile) -> tuple[object, ...]:
    return (file.bytes, file.mtime_utc, file.version_id, file.etag)


def _pin_table(
    lake: Lake,
    name: str,
    listing: tuple[LakeFile, ...],
    *,
    declared: TableParams,
    as_of: datetime,
    kept: Mapping[str, PinnedFile],
    kept_types: Mapping[str, str],
) -> PinnedTable:
    types = TableTypes(name)
    if kept:
        types.add("the files pinned before", kept_types)
    files, watermarks = [], []
    with ReadAhead(lake, (listed for listed in listing if listed.path not in kept)) as ahead:
        for listed in listing:
            entry = kept.get(listed.path)
            if entry is None:
                observed = _observe(ahead, listed, declared, as_of)
                types.add(listed.path, observed.types)
                entry, watermark = observed.file, observed.known_watermark
            else:
                watermark = None if entry.watermark_utc is None else from_rfc3339(entry.watermark_utc)
            files.append(entry)
            if watermark is not None:
                watermarks.append(watermark)
    if not watermarks:
        raise _nothing_known(name, files, declared, as_of)
    columns = {column: types.names()[column] for column in sorted(declared.columns)}
    return PinnedTable(watermark_utc=to_rfc3339(max(watermarks)), files=tuple(files), known=declared.known, columns=columns)


def _nothing_known(name: str, files: list[PinnedFile], declared: TableParams, as_of: datetime) -> LakeError:
    rows = sum(file.rows for file in files)
    moment = to_rfc3339(as_of)
    return LakeError(
        f"lake table {name}",
        found=f"{rows} rows in {len(files)} Parquet files, none of them known by {moment} (column {declared.known})",
        expected="at least one row that was known by snapshot.as_of_utc",
        next_step="fill the table, move snapshot.as_of_utc, or take the table out of params.yaml",
    )


def _observe(ahead: ReadAhead, listed: LakeFile, declared: TableParams, as_of: datetime) -> _Observed:
    try:
        stream = ahead.open_file(listed)
    except FileNotFoundError:
        raise _moved(listed, "it was deleted") from None
    with stream:
        try:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if stream.tell() != listed.bytes:
                raise _moved(listed, f"{stream.tell()} bytes read, {listed.bytes} listed")
            stream.seek(0)
            types, known = _known_times(listed.path, stream, declared)
        except (OSError, pa.ArrowException) as error:
            raise unreadable_parquet(listed.path, error) from None
    by_then = known.filter(pc.less_equal(known, pa.scalar(to_microseconds(as_of), pa.timestamp("us", "UTC"))))
    newest = _newest(listed.path, declared.known, known)
    return _Observed(
        file=PinnedFile(
            path=listed.path,
            bytes=listed.bytes,
            mtime_utc=listed.mtime_utc,
            sha256=digest,
            rows=len(known),
            known_rows=len(by_then),
            watermark_utc=None if newest is None else to_rfc3339(newest),
            version_id=listed.version_id,
            etag=listed.etag,
        ),
        types=types,
        known_watermark=_newest(listed.path, declared.known, by_then),
    )


def _known_times(path: str, stream: BufferedIOBase, declared: TableParams) -> tuple[dict[str, str], pa.ChunkedArray]:
    file = pq.ParquetFile(stream)
    types = column_types(path, file.schema_arrow, declared.columns)
    if types[declared.known] not in (_MOMENT, "null"):
        raise LakeError(
            f"lake file {path}: column {declared.known}",
            found=f"type {types[declared.known]}",
            expected="timestamps, since this column says when each row became known",
            next_step=f"name another column as snapshot.tables.{path.split('/', 1)[0]}.known, or mend the file in the lake",
        )
    table = file.read(columns=[declared.known], use_threads=False)
    return types, normalise(table, {declared.known: _MOMENT}).column(0)


def _newest(path: str, column: str, known: pa.ChunkedArray) -> datetime | None:
    value = pc.max(known).cast(pa.int64()).as_py()
    try:
        return None if value is None else from_microseconds(value)
    except OverflowError:
        raise LakeError(
            f"lake file {path}: column {column}",
            found="a time outside the years 1 to 9999",
            expected="the time at which each row became known",
            next_step="mend the file in the lake: NULL says that a row is not known yet",
        ) from None


def _moved(listed: LakeFile, found: str) -> LakeError:
    return LakeError(
        f"lake file {listed.path}",
        found=f"it changed while it was pinned: {found}",
        expected="files that are whole when they appear under their name",
        next_step="windtunnel pin",
    )


def unreadable_parquet(path: str, error: Exception) -> LakeError:
    """The error for a file of the lake that Parquet's reader refuses; the reader's words hold no values."""
    return LakeError(
        f"lake file {path}",
        found=f"not readable as a whole Parquet file: {' '.join(str(error).split())[:200]}",
        expected="a readable Parquet file",
        next_step="write the file again in the lake (it may be truncated), then `windtunnel pin`",
    )


def write_pin(path: Path, pin: Pin) -> None:
    """Write ``pin`` as JSON, whole or not at all; equal pins are equal bytes."""
    write_atomically(path, pin.to_json().encode())


def read_pin(path: Path) -> Pin:
    """The pin in ``path``; raises :class:`~tasks.errors.PinError` where there is none or it cannot be read."""
    try:
        return Pin.from_json(path.read_bytes(), origin=str(path))
    except FileNotFoundError:
        found, next_step = "no such file", "windtunnel pin"
    except DatasetError as error:
        found, next_step = error.found, f"restore {path.name} from Git, or delete it and run `windtunnel pin`"
    raise PinError(str(path), found=found, expected="the pin of the production lake", next_step=next_step)
