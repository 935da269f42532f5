"""The file that marks a folder as the demo's lake, and tells what it holds.

What belongs here: the marker's form, reading and writing it, and holding the lake while it is written. What does not: the
lake's tables. Marker and lock lie beside the tables and are no Parquet files, and so no tables.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

from tasks.datasets import write_atomically
from tasks.errors import DatasetError, LakeError
from tasks.records import Record

MARKER = "demo.json"
_LOCK = "demo.lock"


class Marker(Record):
    """What a demo lake was made from, up to when, and the rows of each of its files."""

    kind: Literal["windtunnel demo lake"] = "windtunnel demo lake"
    format_version: Literal[1] = 1
    seed: int
    first_day: date
    trained_until: date
    as_of_utc: str | None
    """Up to when the lake is whole; None while it is built for the first time."""
    growing_to_utc: str | None
    """Set while the lake is being written: what an interrupted run was after."""
    files: dict[str, dict[str, int]]
    """Table, path below the table's folder, rows."""


def is_demo_lake(path: Path) -> bool:
    """True where ``path`` is a folder that this capability made, whole or not."""
    return read_marker(path) is not None


def read_marker(lake: Path) -> Marker | None:
    """The marker of the demo lake at ``lake``; None where there is none that this version understands."""
    try:
        return Marker.from_json((lake / MARKER).read_bytes(), origin=str(lake / MARKER))
    except (OSError, DatasetError):
        return None


def require_marker(lake: Path) -> Marker:
    """The marker; raises :class:`~tasks.errors.LakeError` where ``lake`` is no demo lake."""
    marker = read_marker(lake)
    if marker is None:
        raise LakeError(
            f"demo lake {lake}",
            found="nothing that the demo has made" if lake.exists() else "no such folder",
            expected=f"a folder with the demo's {MARKER}",
            next_step="windtunnel demo-lake",
        )
    return marker


def write_marker(lake: Path, marker: Marker) -> None:
    """Write the marker whole, or not at all."""
    write_atomically(lake / MARKER, marker.to_json().encode())


def is_own_file(path: Path) -> bool:
    """True for what the demo leaves in a lake before there is a marker: the lock, and a marker that was cut off."""
    return path.name in (_LOCK, MARKER + ".part")


@contextmanager
def hold_lake(lake: Path) -> Iterator[None]:
    """Hold the lake while it is written; another process that wants to waits, and then finds the work done."""
    lake.mkdir(parents=True, exist_ok=True)
    with (lake / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
