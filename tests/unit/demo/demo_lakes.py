"""Small demo lakes for tests, and how they are looked at."""

from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.demo import DemoPeriod, LakeSummary

SEED = 7
PERIOD = DemoPeriod(first_day=date(2013, 1, 1), trained_until=date(2013, 1, 4))


def day(number: int) -> datetime:
    """Midnight of a day in January 2013."""
    return datetime(2013, 1, number, tzinfo=timezone.utc)


def read_lake(lake: Path, table: str) -> pa.Table:
    """All rows of a table, whatever its partitions."""
    return pa.concat_tables([pq.ParquetFile(path).read() for path in sorted((lake / table).rglob("*.parquet"))])


def describe(lake: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and modification time of every Parquet file and model, by path."""
    paths = [path for path in sorted(lake.glob("*/**/*")) if path.is_file()]
    return {path.relative_to(lake).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@dataclass(frozen=True)
class Grown:
    """A lake that grew from the 7th to the 8th of January, and what it was before."""

    lake: Path
    summary: LakeSummary
    before: dict[str, tuple[bytes, int]]
    inodes_before: dict[str, int]


def store(_: object) -> bytes:
    """Canonical bytes of a model, for lakes that are compared byte by byte."""
    return b"the model"


def inodes(lake: Path) -> dict[str, int]:
    """Inode of every file: a file that was written again has another."""
    return {path.relative_to(lake).as_posix(): path.stat().st_ino for path in lake.glob("*/**/*") if path.is_file()}
