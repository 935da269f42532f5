"""The bytes of one object: resumed where a download was cut, and never those of another object.

What belongs here: getting ranges, one or several at once, telling a body that was cut or drips from one that is whole, going
on from there. What does not: which objects there are (``s3``). Each request names version and ETag, so that parts of two
objects never meet.
"""

import io
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError
from urllib3.response import HTTPResponse

from tasks.errors import PinError
from tasks.sources.lake import LakeFile
from tasks.sources.read_ahead import ReadAhead
from tasks.sources.s3_client import Location, Patience, code, explained, is_passing, persist, status

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, GetObjectRequestTypeDef

_CHUNK_BYTES = 256 << 10
_PART_BYTES = 8 << 20
"""What one request asks for of an object that several connections bring."""
_PROGRESS_BYTES = 8 << 20
"""A connection that has brought this much was a good one: its end does not count among the failures."""


class CutError(ConnectionError):
    """A body ended before it was whole, or came too slowly to wait for."""


@dataclass(frozen=True)
class _Part:
    start: int
    bytes: int


class S3Object:
    """One object of the lake, exactly as it was listed."""

    def __init__(self, client: "S3Client", where: Location, file: LakeFile, patience: Patience) -> None:
        """The object that ``file`` lists below ``where``; nothing is asked yet."""
        self._client = client
        self._where = where
        self._patience = patience
        self.file = file

    def read_whole(self) -> Generator[bytes, None, None]:
        """All bytes in order; beyond the first part, several parts are fetched at once. Raises as :meth:`read_range`."""
        # Who looks at the head only, to guess a format, costs the store no more than that.
        yield from self.read_range(0, min(_PART_BYTES, self.file.bytes))
        parts = [
            _Part(start, min(_PART_BYTES, self.file.bytes - start)) for start in range(_PART_BYTES, self.file.bytes, _PART_BYTES)
        ]
        if not parts:
            return
        with ReadAhead(self._fetch, parts) as ahead:
            for part in parts:
                yield ahead.take(part)

    def _fetch(self, part: "_Part") -> bytes:
        return b"".join(self.read_range(part.start, part.start + part.bytes))

    def read_range(self, start: int, end: int) -> Generator[bytes, None, None]:
        """The object's bytes from ``start`` up to ``end``, in chunks; a download that is cut or drips is taken up where it was.

        Raises ``FileNotFoundError`` where the object is gone, :class:`~tasks.errors.PinError` where another has its name, and
        :class:`~tasks.errors.LakeError` where the store refuses, or fails more often than patience allows.
        """
        at, since, failures = start, start, 0
        while at < end:
            response = self._get(at, end)
            try:
                for chunk in self._body(response):
                    at += len(chunk)
                    yield chunk
                if at < end:
                    raise CutError(f"the body ended at byte {at} of {end}")
            except Exception as error:
                failures = 1 if at - since >= _PROGRESS_BYTES else failures + 1
                since = at
                with explained(self._where, self.file.path, self._patience):
                    if failures >= self._patience.attempts or not is_passing(error):
                        raise
                self._patience.pause(failures)

    def _get(self, start: int, end: int) -> "GetObjectOutputTypeDef":
        request: GetObjectRequestTypeDef = {"Bucket": self._where.bucket, "Key": f"{self._where.prefix}{self.file.path}"}
        if self.file.version_id is not None:
            request["VersionId"] = self.file.version_id
        if self.file.etag is not None:
            request["IfMatch"] = self.file.etag
        if end < self.file.bytes:
            request["Range"] = f"bytes={start}-{end - 1}"
        elif start:
            request["Range"] = f"bytes={start}-"
        with explained(self._where, self.file.path, self._patience):
            try:
                response = persist(lambda: self._client.get_object(**request), self._patience)
            except ClientError as error:
                if status(error) in (412, 416):
                    raise self._changed(f"another object under its name ({status(error)} {code(error)})") from None
                if code(error) in ("NoSuchKey", "NoSuchVersion") or status(error) == 405:
                    raise FileNotFoundError(self.file.path) from None
                raise
        if response["ContentLength"] != end - start:
            response["Body"].close()
            raise self._changed(f"{response['ContentLength']} bytes from byte {start} on, where {end - start} were asked for")
        return response

    def _body(self, response: "GetObjectOutputTypeDef") -> Iterator[bytes]:
        """The body's chunks as they arrive; time that the caller takes between two is not the store's."""
        waited, received = 0.0, 0
        with cast("AbstractContextManager[HTTPResponse]", response["Body"]) as raw:
            while True:
                began = time.monotonic()
                chunk = raw.read1(_CHUNK_BYTES)
                if not chunk:
                    return
                waited += time.monotonic() - began
                received += len(chunk)
                yield chunk
                if waited >= self._patience.timeout_seconds:
                    if received < waited * self._patience.slowest_bytes_per_second:
                        raise CutError(f"{received} bytes in {waited:.0f} seconds")
                    waited, received = 0.0, 0

    def _changed(self, found: str) -> PinError:
        return PinError(
            f"lake file {self.file.path}: changed since it was listed",
            found=found,
            expected=f"{self.file.bytes} bytes with ETag {self.file.etag}",
            next_step="windtunnel pin",
        )


class S3Stream(io.RawIOBase):
    """An object as a seekable stream that holds nothing: reading on goes on with the body, another place is another GET."""

    def __init__(self, source: S3Object) -> None:
        """Begin before the first byte of ``source``."""
        self._source = source
        self._at = 0
        self._chunks: Generator[bytes, None, None] | None = None
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place; the body at hand is let go unless the place is the same."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.file.bytes}[whence]
        if base + offset != self._at:
            self._drop()
            self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill ``buffer`` with what has arrived, at most; 0 at the end."""
        target = memoryview(buffer).cast("B")
        if not self._left:
            self._chunks = self._chunks or self._begin()
            self._left = memoryview(next(self._chunks, b""))
        taken = min(len(target), len(self._left))
        target[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        self._at += taken
        return taken

    def _begin(self) -> Generator[bytes, None, None]:
        # From the start on it is read to the end, as a hash is; elsewhere, a piece of it is wanted, as of Parquet's columns.
        return self._source.read_range(self._at, self._source.file.bytes) if self._at else self._source.read_whole()

    def close(self) -> None:
        """Let go of the body at hand."""
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._chunks is not None:
            self._chunks.close()
        self._chunks, self._left = None, memoryview(b"")
