"""A small project whose snapshot is whole and whose raw data has passed: what the stage ``split`` starts from."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from raw_project import MOMENT, SNAPSHOT_ABOUT, START, RawProject, raw_project_params

from tasks import splits
from tasks.datasets import DatasetWriter, logical_hash, read_manifest, read_table
from tasks.params.splits import SplitParams
from tasks.records import Finding, Manifest, SplitMetadata
from tasks.splits import digest_rows, own_column
from tasks.stages import load_stage

_PIECE_ROWS = 700


def find_leaks(
    name: str,
    split: SplitParams,
    assignments: pa.Table,
    rows: pa.Table,
    *,
    time_column: str,
    key_columns: Sequence[str],
    parts: Sequence[str] | None = None,
) -> tuple[Finding, ...]:
    """The leaks in tables that are read in pieces, of different sizes, as stored ones are."""
    pieces = (rows.slice(start, _PIECE_ROWS) for start in range(0, max(1, rows.num_rows), _PIECE_ROWS))
    assigned = (assignments.slice(start, 1000) for start in range(0, max(1, assignments.num_rows), 1000))
    with digest_rows(pieces, key_columns, [own_column(split, time_column)]) as digest:
        return splits.find_leaks(name, split, assigned, digest, time_column=time_column, parts=parts)


TRIPS = 40
DAYS = 6

_TABLES = {
    "trips": {
        "key": ["trip"],
        "time": "start_utc",
        "known": "start_utc",
        "columns": ["trip", "car", "driver", "start_utc", "is_late", "score"],
    }
}
_MASKING = {
    "domains": {"trip": ["trips.trip"], "car": ["trips.car"]},
    "tables": {"trips": {"safe": ["start_utc", "is_late", "score"], "reason": "about the trip"}},
}
_BASE = raw_project_params(_TABLES, "masking.key", score="trips.score", version="trips.score")
_PARAMS = {
    **_BASE,
    "masking": _BASE["masking"] | _MASKING,
    "label": {"table": "trips", "column": "is_late", "known": "start_utc", "task": "binary", "positive": 1},
    "splits": {
        "by_time": {
            "kind": "time",
            "column": "start_utc",
            "boundaries": {"train": "2024-01-03", "validation": "2024-01-05"},
            "embargo_days": 1,
            "why": "as a release",
        },
        "by_car": {
            "kind": "keyed_hash",
            "unit": "car",
            "salt": "v1",
            "parts": {"train": 0.6, "validation": 0.2, "test": 0.2},
            "why": "cars never seen",
        },
    },
    "features": {
        "rows": "trips",
        "at": {"column": "start_utc", "minus_minutes": 0},
        "columns": {"score": {"take": "trips.score"}},
    },
}


class SplitsProject(RawProject):
    """A project in ``root`` with one partition of trips for each of six days."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, _PARAMS)
        self.write_key("ab" * 32)
        self.take_snapshot(dict.fromkeys(range(DAYS), ""))

    def write_key(self, text: str) -> None:
        file = self.paths.root / "masking.key"
        file.write_text(text)
        file.chmod(0o600)

    def take_snapshot(self, days: dict[int, str]) -> Manifest:
        """Write the snapshot of ``days`` (number -> a text that makes its cars differ) and the report that it passed."""
        with DatasetWriter(self.paths.snapshots, "snapshots", mode=0o700) as writer:
            for day, text in days.items():
                path, table = f"trips/day={START + timedelta(days=day):%Y-%m-%d}/part-0.parquet", trips(day, text)
                reuse_key = logical_hash(table, ["trip"])
                if not writer.keep(path, reuse_key):
                    writer.write(path, reuse_key, table, ["trip"])
            manifest = writer.finish(SNAPSHOT_ABOUT)
        self.report(is_passed=True, examined=manifest.logical_hash)
        return manifest

    def split(self, name: str) -> Manifest:
        """Run the stage here, with the parameters as they stand, and return what it wrote."""
        self.write_params()
        load_stage("split").run(replace(self.context, variant=name))
        return read_manifest(self.paths.split(name), made_by=f"split@{name}")

    def assignments(self, name: str) -> dict[str, str]:
        """Row key -> part, of all partitions."""
        folder = self.paths.split(name)
        table = read_table(folder, read_manifest(folder, made_by="split"), "assignments")
        return dict(zip(table.column("row_key").to_pylist(), table.column("part").to_pylist(), strict=True))

    def metadata(self, name: str) -> SplitMetadata:
        path = self.paths.split(name) / "metadata.json"
        return SplitMetadata.from_json(path.read_bytes(), origin=path.name)

    def files(self, name: str) -> dict[str, bytes]:
        """Every file of the split, byte by byte."""
        folder = self.paths.split(name)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trips(day: int, text: str = "") -> pa.Table:
    """Trips of one day by 25 cars; every raw name begins with ``RAW``; the last row has no car."""
    cars = [f"RAW-car-{text}{(day + number) % 25}" for number in range(TRIPS - 1)]
    return pa.table(
        {
            "trip": [f"RAW-trip-{day}-{number}" for number in range(TRIPS)],
            "car": pa.array([*cars, None], pa.string()),
            "driver": [f"RAW-driver-{number}" for number in range(TRIPS)],
            "start_utc": pa.array([START + timedelta(days=day, minutes=number) for number in range(TRIPS)], MOMENT),
            "is_late": [number % 2 for number in range(TRIPS)],
            "score": [day + number / TRIPS for number in range(TRIPS)],
        }
    )
