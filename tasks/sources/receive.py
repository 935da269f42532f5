"""A file of the lake on its way in: its bytes hashed as they arrive, in order, and where they wait to be read.

What belongs here: reading a file through once. What does not: which file (``pin``, ``snapshot``), and what is in it.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path

from tasks.errors import LakeError, PinError
from tasks.records import PinnedFile
from tasks.sources.lake import Lake, LakeFile

_CHUNK_BYTES = 1 << 20
_IN_MEMORY_BYTES = 64 << 20
"""A larger file passes through a nameless file in the snapshot's own folder, which vanishes with the process."""


@dataclass(frozen=True)
class HashedFile:
    """A file that was read through once, opened at its start, with what it was found to be."""

    stream: BufferedIOBase
    bytes: int
    sha256: str


def open_hashed(lake: Lake, listed: LakeFile) -> HashedFile:
    """``listed``, opened, and read through for its hash; to be closed by the caller.

    Raises ``FileNotFoundError`` where it is gone, :class:`~tasks.errors.LakeError` where it cannot be read.
    """
    stream = lake.open_file(listed)
    try:
        digest, size = hashlib.sha256(), 0
        for chunk in _chunks(listed.path, stream):
            digest.update(chunk)
            size += len(chunk)
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return HashedFile(stream, size, digest.hexdigest())


def receive_file(lake: Lake, folder: Path, file: PinnedFile) -> BufferedIOBase:
    """``file`` as a stream at its start, in memory or, where it is big, in ``folder``; to be closed by the caller.

    Raises :class:`~tasks.errors.PinError` where its bytes are not the pinned ones, or are gone.
    """
    try:
        with lake.open_file(listed_file(file)) as stream:
            chunks = _pinned_chunks(file, stream)
            if file.bytes <= _IN_MEMORY_BYTES:
                return BytesIO(b"".join(chunks))  # neither copies a single chunk
            sink = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
            try:
                sink.writelines(chunks)
                sink.seek(0)
            except BaseException:
                sink.close()
                raise
            return sink
    except FileNotFoundError:
        raise _moved(file, "it was deleted", "windtunnel pin") from None


def listed_file(file: PinnedFile) -> LakeFile:
    """A pinned file as its lake listed it."""
    return LakeFile(path=file.path, bytes=file.bytes, mtime_utc=file.mtime_utc, version_id=file.version_id, etag=file.etag)


def _pinned_chunks(file: PinnedFile, stream: BufferedIOBase) -> Iterator[bytes]:
    """The bytes of ``stream``, which end in an error where they are not the pinned ones."""
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(file.path, stream):
        digest.update(chunk)
        size += len(chunk)
        if size > file.bytes:  # a file that keeps growing is not read to its end
            raise _moved(file, f"it was changed: more than {file.bytes} bytes", "windtunnel pin")
        yield chunk
    if size != file.bytes:
        raise _moved(file, f"it was changed: {size} bytes", "windtunnel pin")
    if digest.hexdigest() != file.sha256:
        # Where even its time is unchanged, another pin would take the old hash over: only one from scratch would not.
        raise _moved(
            file, f"it was changed: SHA-256 {digest.hexdigest()}", "windtunnel pin (delete data/pin.json first if it persists)"
        )


def _chunks(path: str, stream: BufferedIOBase) -> Iterator[bytes]:
    """The bytes of ``stream`` to its end; the lake's failures must not be taken for those of our own disk."""
    if isinstance(stream, BytesIO):
        yield stream.getvalue()  # no copy
        return
    while True:
        try:
            chunk = stream.read(_CHUNK_BYTES)
        except OSError as error:
            raise unreadable_file(path, error) from None
        if not chunk:
            return
        yield chunk


def _moved(file: PinnedFile, found: str, next_step: str) -> PinError:
    return PinError(
        f"lake file {file.path}: changed or deleted between pin and copy",
        found=found,
        expected=f"{file.bytes} bytes with SHA-256 {file.sha256}, as data/pin.json lists",
        next_step=next_step,
    )


def unreadable_file(path: str, error: Exception) -> LakeError:
    """The error for a file of the lake that Parquet's reader or gzip's refuses; their words hold no values."""
    return LakeError(
        f"lake file {path}",
        found=f"not readable as a whole file of its format: {' '.join(str(error).split())[:200]}",
        expected="a readable file, whole when it appears under its name",
        next_step="write the file again in the lake (it may be truncated), then `windtunnel pin`",
    )
