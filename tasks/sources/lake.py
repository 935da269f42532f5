"""Lakes: where production's tables lie, seen through a protocol that can only read.

What belongs here: how a kind of lake lists and opens files. What does not: what is in them (``pin``, ``snapshot``). Another
kind of lake (object storage) is one more class behind :class:`Lake` (``s3``) and one more branch in :func:`open_lake`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Protocol

from tasks.errors import LakeError
from tasks.params.snapshot import S3Params
from tasks.paths import main_root
from tasks.sources.times import from_microseconds, to_rfc3339

_MARKERS = frozenset({"_SUCCESS"})
"""Files that engines leave beside data to say that a write was finished; they hold no rows."""


@dataclass(frozen=True)
class LakeFile:
    """One file of a lake as it was listed."""

    path: str
    """Relative to the lake, with forward slashes."""
    bytes: int
    mtime_utc: str
    """RFC 3339, to the microsecond."""
    version_id: str | None = None
    """Of an object in a store that keeps versions: the one that is read."""
    etag: str | None = None
    """Of an object: what the store calls its content; an object with another one is not read in its place."""


def is_beside_the_data(path: str) -> bool:
    """Whether the file at ``path`` below a lake is none of a table's: hidden, not finished, or an engine's marker."""
    parts = path.split("/")
    return any(part.startswith(".") for part in parts) or parts[-1].endswith(".part") or parts[-1] in _MARKERS


class Lake(Protocol):
    """A lake, seen read-only: there is no method that writes."""

    @property
    def access(self) -> str:
        """In words for the pin: how it is made sure that production is only read."""
        ...

    def list_files(self, path: str) -> tuple[LakeFile, ...]:
        """Every file at ``path``, or below it where that is a folder, in order of path; empty where there is none.

        ``path`` is relative to the lake; an empty one means all of it. What :func:`is_beside_the_data` names is left
        out. Raises :class:`~tasks.errors.LakeError` where the lake is missing, or something of it is unreadable.
        """
        ...

    def open_file(self, file: LakeFile) -> BufferedIOBase:
        """``file`` as a seekable stream of bytes, to be closed by the caller.

        Raises ``FileNotFoundError`` where it is gone, :class:`~tasks.errors.LakeError` where it cannot be read.
        """
        ...


class LocalLake:
    """A directory. Files are opened for reading only."""

    def __init__(self, root: Path) -> None:
        """Look at the lake in ``root``; whether it exists is found out when it is first read."""
        self._root = root

    @property
    def access(self) -> str:
        """In words for the pin: how it is made sure that production is only read."""
        return "local directory, opened read-only"

    def list_files(self, path: str) -> tuple[LakeFile, ...]:
        """As :meth:`Lake.list_files`."""
        self._require_root()
        start = self._root / path
        try:
            if start.is_file():
                return (self._look_at(start),)
            return tuple(sorted(self._walk(start), key=lambda file: file.path)) if start.is_dir() else ()
        except OSError as error:
            raise self._unreadable(path, error) from None

    def _walk(self, start: Path) -> Iterator[LakeFile]:
        # Links are followed: to pass over a linked partition in silence would lose rows. A loop of links ends in an OSError.
        for where, folders, names in os.walk(start, onerror=_raise, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not is_beside_the_data(name):
                    yield self._look_at(Path(where, name))

    def _look_at(self, file: Path) -> LakeFile:
        status = file.stat()
        modified = from_microseconds(status.st_mtime_ns // 1000)
        return LakeFile(path=file.relative_to(self._root).as_posix(), bytes=status.st_size, mtime_utc=to_rfc3339(modified))

    def open_file(self, file: LakeFile) -> BufferedIOBase:
        """As :meth:`Lake.open_file`."""
        try:
            return (self._root / file.path).open("rb")
        except FileNotFoundError:
            self._require_root()
            raise
        except OSError as error:
            raise self._unreadable(file.path, error) from None

    def _require_root(self) -> None:
        if not self._root.is_dir():
            raise LakeError(
                f"lake {self._root}",
                found="a file" if self._root.exists() else "no such folder",
                expected="a folder that holds the tables' files",
                next_step="mend snapshot.lake in params.yaml, or mount the lake (the demo's is built by `windtunnel demo-lake`)",
            )

    def _unreadable(self, what: str, error: OSError) -> LakeError:
        return LakeError(
            f"lake {self._root}: {what}",
            found=f"{error.strerror or 'not readable'}: {error.filename or what}",
            expected="folders and files that this account may read",
            next_step="let this account read the lake (reading is all it needs), then run it again",
        )


def _raise(error: OSError) -> None:
    raise error


def resolve_lake(uri: str, root: Path) -> Path:
    """The folder of a local lake; a relative ``uri`` counts from the project in the main checkout, also in a worktree."""
    return main_root(root) / uri


def open_lake(uri: str, root: Path, s3: S3Params | None = None) -> Lake:
    """The lake at ``uri`` for the project in ``root``: a folder, absolute or relative to the project, or ``s3://bucket/prefix``.

    ``s3`` says where a lake on S3 is served, if not by AWS.

    Raises :class:`~tasks.errors.LakeError` for a kind of lake that this version cannot read.
    """
    scheme, separator, _ = uri.partition("://")
    if not separator:
        return LocalLake(resolve_lake(uri, root))
    if scheme == "s3":
        from tasks.sources.s3 import S3Lake  # boto3 takes a third of a second, which a local lake need not pay

        return S3Lake(uri, s3 or S3Params())
    raise LakeError(
        f"snapshot.lake: {uri}",
        found=f"a lake of kind {scheme}://",
        expected="a folder, absolute or relative to the project, or s3://bucket/prefix",
        next_step="mount or copy the lake to a folder and name that in params.yaml under snapshot.lake",
    )
