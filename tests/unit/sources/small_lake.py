"""A lake of two small tables that tests can grow and spoil."""

from datetime import datetime, timedelta, timezone
from io import BufferedIOBase
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.params.snapshot import SnapshotParams
from tasks.sources import LakeFile, LocalLake

START = datetime(2013, 1, 1, tzinfo=timezone.utc)
MOMENT = pa.timestamp("us", "UTC")


def after(days: float) -> datetime:
    """The moment ``days`` after the lake's first."""
    return START + timedelta(days=days)


def day_rows(day: int, **columns: pa.Array) -> pa.Table:
    """Three rows of ``day``, known at 0, 8 and 16 o'clock, keys in falling order; ``columns`` replace those of their name."""
    rows = {
        "id": pa.array([day * 10 + 2, day * 10 + 1, day * 10], pa.int64()),
        "known_utc": pa.array([after(day + third / 3) for third in range(3)], MOMENT),
        "amount": pa.array([1.5, None, day], pa.float64()),
        "secret": pa.array(["Anna", "Bert", "Carl"], pa.string()),
    }
    return pa.table({**rows, **columns})


class SmallLake:
    """``sales`` by day and ``shops`` in one file, below ``root``."""

    def __init__(self, root: Path, days: int = 3) -> None:
        self.root = root
        self.lake = LocalLake(root)
        for day in range(days):
            self.write(f"sales/day={after(day):%Y-%m-%d}/part-0.parquet", day_rows(day))
        self.write("shops/all.parquet", day_rows(0))

    def write(self, path: str, table: pa.Table) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
        return file

    def day_file(self, day: int) -> Path:
        return self.root / f"sales/day={after(day):%Y-%m-%d}/part-0.parquet"

    def add_day(self, day: int, **columns: pa.Array) -> Path:
        return self.write(f"sales/day={after(day):%Y-%m-%d}/part-0.parquet", day_rows(day, **columns))

    def params(self, days: float, **changes: object) -> SnapshotParams:
        """The two tables as of ``days`` after the start, without their secret; ``changes`` to the declaration of both."""
        table = {
            "key": ["id"],
            "time": "known_utc",
            "known": "known_utc",
            "columns": ["id", "known_utc", "amount"],
            "source": "a till",
            "licence": "CC0-1.0",
            **changes,
        }
        tables = {"sales": table, "shops": table}
        return SnapshotParams.model_validate({"lake": "lake", "as_of_utc": after(days), "purpose": "to test", "tables": tables})


class CountingLake(LocalLake):
    """A local lake that remembers which files were opened."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened: list[str] = []

    def open_file(self, file: LakeFile) -> BufferedIOBase:
        self.opened.append(file.path)
        return super().open_file(file)
