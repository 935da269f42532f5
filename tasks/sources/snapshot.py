"""The snapshot: a copy of exactly what the pin lists, no column and no row more.

What belongs here: copying pinned files, proving that they are still the ones that were pinned, and cutting them to declared
columns and known rows. What does not: observing the lake (``pin``) and masking. A snapshot may hold raw personal data: all of
it, unfinished files included, lies in one folder that is closed to other users.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.datasets import DatasetWriter, hash_mapping
from tasks.errors import LakeError, PinError
from tasks.params.snapshot import SnapshotParams, TableParams
from tasks.records import Manifest, Pin, PinnedFile, PinnedTable
from tasks.sources.lake import Lake, LakeFile
from tasks.sources.pin import unreadable_parquet
from tasks.sources.read_ahead import ReadAhead
from tasks.sources.schema import column_types, normalise
from tasks.sources.times import from_rfc3339, to_microseconds, to_rfc3339

_CHUNK_BYTES = 1 << 20
_IN_MEMORY_BYTES = 64 << 20
"""A larger file passes through a nameless file in the snapshot's own folder, which vanishes with the process."""
_PRIVATE = 0o700
_NAME_BYTES = 240
"""File systems take 255, of which unfinished files need some for their ending."""


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
        for file in table.files:
            path = PurePosixPath(file.path)
            is_plain = not path.is_absolute() and ".." not in path.parts and str(path) == file.path
            if not (is_plain and len(path.parts) > 1 and path.parts[0] == name and path.suffix == ".parquet"):
                _agree(f"a path of {name}", file.path, f"{name}/.../<file>.parquet")


def _agree(what: str, pinned: str, declared: str) -> None:
    if pinned != declared:
        raise PinError(
            f"data/pin.json: {what}",
            found=pinned or "nothing",
            expected=f"{declared}, as params.yaml says",
            next_step="windtunnel pin",
        )


def write_snapshot(lake: Lake, pin: Pin, params: SnapshotParams, folder: Path, *, pin_hash: str, code_hash: str) -> SnapshotResult:
    """Copy what ``pin`` lists into the dataset ``folder``, one partition per file that holds known rows.

    Partitions lie where :func:`partition_path` says. Each has the declared columns only (types as
    :func:`tasks.sources.schema.normalise` gives them) and the rows with ``known <= as_of_utc`` only, in order of the table's
    key. A partition is left alone, and its file in the lake is not opened, while its bytes in the lake, its declaration, its
    cutoff and ``code_hash`` stay the same; the cutoff of a file that was wholly known does not move with ``as_of_utc``.
    ``pin_hash`` is the hash of the pin's file, for the manifest.

    Raises :class:`~tasks.errors.PinError` where a file was changed or deleted since it was pinned, and
    :class:`~tasks.errors.LakeError` where one cannot be read.
    """
    check_pin(pin, params)
    written = unchanged = 0
    with DatasetWriter(folder, "snapshots", mode=_PRIVATE) as writer:
        for name, table in sorted(pin.tables.items()):
            declared = params.tables[name]
            known = [file for file in table.files if file.known_rows]
            keys = {file.path: _reuse_key(file, table, declared, pin.as_of_utc, code_hash) for file in known}
            stale = [file for file in known if not writer.keep(partition_path(file.path), keys[file.path])]
            with ReadAhead(lake, map(_listed, stale)) as ahead:
                for file in stale:
                    rows = _copy(ahead, file, table, declared, as_of=pin.as_of_utc, folder=folder)
                    writer.write(partition_path(file.path), keys[file.path], rows, declared.key)
            written += len(stale)
            unchanged += len(known) - len(stale)
        manifest = writer.finish(_about(pin, params, pin_hash))
    return SnapshotResult(manifest=manifest, written=written, unchanged=unchanged)


def partition_path(path: str) -> str:
    """Where the pinned file ``path`` lies in the snapshot: straight in its table's folder, its other slashes written ``%2F``.

    A folder for each partition would cost DVC more than the partitions do, at each look. A name too long for a file system
    keeps its folders.
    """
    table, below = path.split("/", 1)
    name = below.replace("%", "%25").replace("/", "%2F")
    return f"{table}/{name}" if len(name.encode()) <= _NAME_BYTES else path


def _about(pin: Pin, params: SnapshotParams, pin_hash: str) -> dict[str, str]:
    about = {"as_of_utc": pin.as_of_utc, "pin": pin_hash, "purpose": params.purpose, "view": "raw"}
    for name, table in params.tables.items():
        about[f"source.{name}"] = table.source
        about[f"licence.{name}"] = table.licence
    return about


def _reuse_key(file: PinnedFile, table: PinnedTable, declared: TableParams, as_of: str, code: str) -> str:
    return hash_mapping(
        {
            "file": file.sha256,
            "columns": [[column, table.columns[column]] for column in declared.columns],
            "key": declared.key,
            "known": declared.known,
            "cutoff": "all" if _is_wholly_known(file, as_of) else as_of,
            "code": code,
        }
    )


def _is_wholly_known(file: PinnedFile, as_of: str) -> bool:
    return file.watermark_utc is not None and from_rfc3339(file.watermark_utc) <= from_rfc3339(as_of)


def _listed(file: PinnedFile) -> LakeFile:
    return LakeFile(path=file.path, bytes=file.bytes, mtime_utc=file.mtime_utc, version_id=file.version_id, etag=file.etag)


def _copy(ahead: ReadAhead, file: PinnedFile, table: PinnedTable, declared: TableParams, *, as_of: str, folder: Path) -> pa.Table:
    with _sink(file, folder) as sink:
        _receive(ahead, file, sink)
        sink.seek(0)
        try:
            raw = _read(file, sink, table.columns, declared)
        except (OSError, pa.ArrowException) as error:
            raise unreadable_parquet(file.path, error) from None
    rows = raw.filter(_is_known(raw.column(declared.known), file, as_of))
    if rows.num_rows != file.known_rows:
        raise PinError(
            f"data/pin.json: known_rows of {file.path}",
            found=f"{file.known_rows} pinned",
            expected=f"{rows.num_rows}, as the file has by {as_of}",
            next_step="restore data/pin.json from Git, or run `windtunnel pin`",
        )
    return rows.sort_by([(column, "ascending") for column in declared.key])


def _sink(file: PinnedFile, folder: Path) -> BufferedIOBase:
    return BytesIO() if file.bytes <= _IN_MEMORY_BYTES else tempfile.TemporaryFile(dir=folder)


def _receive(ahead: ReadAhead, file: PinnedFile, sink: BufferedIOBase) -> None:
    """Copy the lake's file into ``sink``, hashing what passes; refuse anything but the pinned bytes."""
    digest = hashlib.sha256()
    size = 0
    try:
        with ahead.open_file(_listed(file)) as stream:
            # One byte beyond the pinned size is enough to know; a file that keeps growing is not read to its end.
            while size <= file.bytes and (chunk := _next_chunk(file, stream)):
                digest.update(chunk)
                size += len(chunk)
                sink.write(chunk)
    except FileNotFoundError:
        raise _moved(file, "it was deleted", "windtunnel pin") from None
    if size != file.bytes:
        found = f"more than {file.bytes} bytes" if size > file.bytes else f"{size} bytes"
        raise _moved(file, f"it was changed: {found}", "windtunnel pin")
    if digest.hexdigest() != file.sha256:
        # Where even its time is unchanged, another pin would take the old hash over: only one from scratch would not.
        raise _moved(
            file, f"it was changed: SHA-256 {digest.hexdigest()}", "windtunnel pin (delete data/pin.json first if it persists)"
        )


def _next_chunk(file: PinnedFile, stream: BufferedIOBase) -> bytes:
    """The next bytes from the lake; its failures must not be taken for those of our own disk."""
    try:
        return stream.read(_CHUNK_BYTES)
    except OSError as error:
        raise unreadable_parquet(file.path, error) from None


def _moved(file: PinnedFile, found: str, next_step: str) -> PinError:
    return PinError(
        f"lake file {file.path}: changed or deleted between pin and copy",
        found=found,
        expected=f"{file.bytes} bytes with SHA-256 {file.sha256}, as data/pin.json lists",
        next_step=next_step,
    )


def _read(file: PinnedFile, sink: BufferedIOBase, types: Mapping[str, str], declared: TableParams) -> pa.Table:
    parquet = pq.ParquetFile(sink)
    for column, kind in column_types(file.path, parquet.schema_arrow, declared.columns).items():
        if kind not in ("null", types[column]):
            raise LakeError(
                f"lake file {file.path}: column {column}",
                found=kind,
                expected=f"{types[column]}, as data/pin.json says of the table's other files",
                next_step="windtunnel pin",
            )
    columns = list(declared.columns)
    return normalise(parquet.read(columns=columns, use_threads=False), {column: types[column] for column in columns})


def _is_known(known: pa.ChunkedArray, file: PinnedFile, as_of: str) -> pa.ChunkedArray:
    if _is_wholly_known(file, as_of):
        return pc.is_valid(known)
    return pc.less_equal(known, pa.scalar(to_microseconds(from_rfc3339(as_of)), pa.timestamp("us", "UTC")))
