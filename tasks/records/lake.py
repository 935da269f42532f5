"""What is pinned of a lake, and what a stage says of the datasets it wrote.

What belongs here: pins, tables, partitions and manifests. What does not: what is known about their columns.
"""

from typing import Literal

from tasks.records.base import Record


class PinnedFile(Record):
    """One file of the lake as it stood when it was pinned."""

    path: str
    """Relative to the lake, with forward slashes."""
    bytes: int
    mtime_utc: str
    sha256: str
    rows: int
    known_rows: int
    """Rows whose ``known`` time is not after ``as_of_utc``: the only ones that a snapshot copies."""
    version_id: str | None = None
    """The object's version in a store that keeps versions; it alone is then read, whatever has been written since."""
    etag: str | None = None
    """The object's ETag, as the store gave it; another one under the same name is another object."""
    watermark_utc: str | None
    """The newest ``known`` time in the file, later than ``as_of_utc`` where rows are held back."""


class PinnedTable(Record):
    """One table of the lake: its files in order of path, and its newest known time up to ``as_of_utc``."""

    watermark_utc: str | None
    files: tuple[PinnedFile, ...]
    known: str = ""
    """The column that ``known_rows`` and the watermarks were read from."""
    columns: dict[str, str] = {}
    """Declared column -> canonical type, on which all files agree; a column that is all-null in one file takes the others'."""
    folders: tuple[str, ...] = ()
    """The declared columns that no file stores, but whose values the names of its folders say (``day=2013-01-31``)."""
    reading: str = ""
    """Hash of how the files were declared to be read (path, format, csv, types); empty where nothing of it is declared."""


class Pin(Record):
    """The lake as it was observed once; the snapshot copies exactly this."""

    schema_version: Literal[1] = 1
    lake: str
    as_of_utc: str
    access: str
    """How it was made sure that production is only read."""
    tables: dict[str, PinnedTable]


class PartitionRecord(Record):
    """One file of a dataset and everything that its reuse rests on."""

    path: str
    """Relative to the dataset's folder, with forward slashes; its first part is the table."""
    rows: int
    bytes: int
    sha256: str
    logical_hash: str
    reuse_key: str


class TableRecord(Record):
    """One table of a dataset: its key columns, its columns with canonical types, and its partitions in order of path."""

    key: tuple[str, ...]
    columns: dict[str, str]
    partitions: tuple[PartitionRecord, ...]

    @property
    def rows(self) -> int:
        return sum(partition.rows for partition in self.partitions)


class Manifest(Record):
    """What a dataset holds; written last, so that a dataset without one is not whole."""

    schema_version: Literal[1] = 1
    dataset: str
    logical_hash: str
    about: dict[str, str]
    """Provenance in words and hashes: as of, source, licence, policy, key id, view, seed."""
    tables: dict[str, TableRecord]
