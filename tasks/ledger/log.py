"""The file that holds the event log: read and written under its lock, by any number of processes.

What belongs here: opening, locking, one write, forcing it to disk. What does not: what the bytes mean (``chain``).

A writer holds the file's lock exclusively from reading the chain to the end of its write, so that what it decides (is a look
left?) is of the log that it then writes to. The bytes go out in one ``write`` at the end of the file and are forced to disk before
anybody is told; nothing is ever rewritten or cut away.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tasks.errors import LedgerError
from tasks.ledger.chain import Chain, Draft, bytes_after, read_chain
from tasks.paths import make_private
from tasks.records import Event


def read_log(path: Path) -> Chain:
    """The chain in the file; an empty one where there is no file. Raises :class:`~tasks.errors.LedgerError` where it is broken."""
    return read_chain(read_content(path) or b"", origin=path.name)


def read_content(path: Path) -> bytes | None:
    """The file's bytes, never in the middle of somebody's write; None where there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from None
    with os.fdopen(descriptor, "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        return stream.read()


def append_event(
    path: Path,
    decide: Callable[[Chain], Draft | None],
    *,
    actor: str,
    clock: Callable[[], datetime],
    start: bytes = b"",
) -> Event | None:
    """Write the event that ``decide`` makes of the log as it stands, and return it; None, and nothing written, where it makes none.

    ``decide`` is called under the lock; what it raises goes through, and nothing is written. A log that is not there yet begins
    with the bytes ``start``: a log that came with a clone. Raises :class:`~tasks.errors.LedgerError` where the chain is broken, the
    clock has gone back, or the bytes cannot be written.
    """
    with _locked(path) as descriptor:
        content = _read_all(descriptor)
        fresh = start if not content else b""
        chain = read_chain(content or fresh, origin=path.name)
        draft = decide(chain)
        if draft is None:
            return None
        event, added = bytes_after(chain, draft, actor=actor, now=clock())
        _write_once(descriptor, fresh + added, path)
        return event


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        make_private(path.parent)
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _read_all(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read()


def _write_once(descriptor: int, added: bytes, path: Path) -> None:
    try:
        written = os.write(descriptor, added)
        os.fsync(descriptor)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # or a file that is new could be gone after the power fails
        finally:
            os.close(folder)
    except OSError as error:
        raise _unusable(path, error) from None
    if written != len(added):
        raise LedgerError(
            path.name,
            found="a disk that took a part of the line",
            expected="room for it",
            next_step="free some disk, then try again",
        )


def _unusable(path: Path, error: OSError) -> LedgerError:
    return LedgerError(
        path.name,
        found=f"a file that cannot be read and written: {error.strerror}",
        expected="a file of its own that this account may write, on a disk with room",
        next_step=f"look at {path.parent.name}/{path.name}",
    )
