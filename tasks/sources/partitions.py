"""How a file of the lake is cut into partitions of the snapshot: how many, where they lie, and under which keys they are kept.

What belongs here: names and sizes, all of them known from the pin alone, so that an unchanged file need not be opened. What
does not: reading and writing rows (``snapshot``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tasks.datasets import hash_mapping
from tasks.params.snapshot import FILE_TIME_COLUMN, ROW_COLUMN, SourceParams, TableParams
from tasks.records import PinnedFile, PinnedTable
from tasks.sources.layout import format_of
from tasks.sources.times import from_rfc3339

_ROWS = 250_000
_BYTES = 64 << 20
"""Of a partition's rows in memory. Sorting and hashing hold some copies of them, and every later stage reads one at a time."""
_UNPACKED = {"parquet": 4, "gz": 6}
"""About how many bytes in memory one byte of such a file becomes."""
_NAME_BYTES = 240
"""File systems take 255, of which unfinished files need some for their ending."""


@dataclass(frozen=True)
class Partition:
    """One partition of a snapshot."""

    path: str
    reuse_key: str


@dataclass(frozen=True)
class FilePlan:
    """The partitions of one file in order of its rows: all but the last hold ``rows_each`` known rows, and none is empty."""

    file: PinnedFile
    rows_each: int
    partitions: tuple[Partition, ...]
    missing: tuple[Partition, ...]
    """Those that must be written."""

    def without(self, keep: Callable[[str, str], bool]) -> "FilePlan":
        """The plan without the partitions that ``keep``, given path and reuse key, has kept."""
        return replace(self, missing=tuple(part for part in self.partitions if not keep(part.path, part.reuse_key)))


def plan_partitions(
    name: str, file: PinnedFile, table: PinnedTable, declared: TableParams, *, as_of: str, code_hash: str
) -> FilePlan:
    """The partitions of ``file`` of the table ``name``, all of them missing; a file of which nothing is known has none."""
    size = rows_each(file, declared)
    count = -(-file.known_rows // size)
    made_from: dict[str, object] = {
        "file": file.sha256,
        "columns": [[column, table.columns[column]] for column in declared.columns],
        "key": declared.key,
        "known": declared.known,
        "reading": table.reading,
        "cutoff": "all" if is_wholly_known(file, as_of) else as_of,
        "code": code_hash,
    }
    if table.folders or ROW_COLUMN in declared.columns:
        made_from["path"] = file.path
    if FILE_TIME_COLUMN in declared.columns:
        made_from["mtime_utc"] = file.mtime_utc
    if count > 1:
        made_from["rows_each"] = size
    path = partition_path(name, declared, file.path)
    is_whole = count == 1 and path.endswith(".parquet")
    partitions = tuple(
        Partition(path if is_whole else f"{path}%23{number:05}.parquet", hash_mapping({**made_from, "number": number}))
        for number in range(count)
    )
    return FilePlan(file, size, partitions, missing=partitions)


def rows_each(file: PinnedFile, source: SourceParams) -> int:
    """How many rows of ``file`` fit into one partition; moves with its bytes and rows only, never with ``as_of_utc``."""
    kind = "gz" if file.path.lower().endswith(".gz") else format_of(file.path, source) or ""
    unpacked = file.bytes * _UNPACKED.get(kind, 1)
    return max(1, min(_ROWS, _BYTES * max(file.rows, 1) // max(unpacked, 1)))


def partition_path(name: str, source: SourceParams, path: str) -> str:
    """Where the pinned file ``path`` lies in the snapshot: straight in its table's folder, its other slashes written ``%2F``.

    What of the path only repeats the table's name is left out. A folder for each partition would cost DVC more than the
    partitions do, at each look. A name too long for a file system keeps its folders.
    """
    below = path if source.path else path.removeprefix(f"{name}/")
    escaped = below.replace("%", "%25")
    flat = escaped.replace("/", "%2F")
    return f"{name}/{flat}" if len(flat.encode()) <= _NAME_BYTES else f"{name}/{escaped}"


def is_wholly_known(file: PinnedFile, as_of: str) -> bool:
    """Whether every row of ``file`` that has a known time was known by ``as_of``."""
    return file.watermark_utc is not None and from_rfc3339(file.watermark_utc) <= from_rfc3339(as_of)
