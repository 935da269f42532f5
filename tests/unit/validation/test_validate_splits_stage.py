"""The subject splits: every declared split against the masked rows that it parts."""

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from validation_tables import CONFORMING, ROOT

from tasks.datasets import DatasetWriter
from tasks.errors import DatasetError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import ValidationReport
from tasks.stages import StageContext, load_stage

ROWS = 240
_ABOUT = {"snapshots": "a snapshot", "key_id": "demo-1"}
_START = datetime(2013, 7, 1, tzinfo=timezone.utc)
_TIMES = [_START + timedelta(hours=12 * row) for row in range(ROWS)]
_KEYS = [f"{row:08x}-0000-4000-8000-000000000000" for row in range(ROWS)]
_AIRCRAFT = [f"{row % 30:08x}-0000-4000-8000-00000000000a" for row in range(ROWS)]


def _flights() -> pa.Table:
    columns = CONFORMING["masked/flights"]().slice(0, 1).to_pylist()[0]
    table = pa.table({name: pa.repeat(pa.scalar(value), ROWS) for name, value in columns.items()})
    delays = np.random.default_rng(1).integers(-20, 900, (2, ROWS))
    replaced = {
        "flight_id": pa.array(_KEYS),
        "tailnum": pa.array(_AIRCRAFT),
        "scheduled_utc": pa.array(_TIMES, pa.timestamp("us", "UTC")),
        "dep_delay": pa.array(delays[0]),
        "arr_delay": pa.array(delays[1]),
    }
    for name, column in replaced.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _part_by_time(time: datetime) -> str:
    if time.month == 7:
        return "train"
    if time.day == 1 and time.month in (8, 9):
        return "embargo"
    return "validation" if time.month == 8 else "test"


BY_TIME = [_part_by_time(time) for time in _TIMES]
BY_AIRCRAFT = [("train", "train", "validation", "test")[row % 30 % 4] for row in range(ROWS)]


@pytest.fixture
def project(tmp_path: Path) -> ProjectPaths:
    """A project with masked flights and the demo's two splits of them, all in order."""
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    shutil.copytree(ROOT / "expectations", tmp_path / "expectations")
    paths = ProjectPaths(tmp_path)
    with DatasetWriter(paths.masked, "masked") as writer:
        writer.write("flights/part-0.parquet", "key", _flights(), ["flight_id"])
        writer.finish(_ABOUT)
    _write_split(paths, "by_time", BY_TIME)
    _write_split(paths, "by_aircraft", BY_AIRCRAFT)
    return paths


def _write_split(
    project: ProjectPaths, name: str, parts: list[str], keys: list[str] = _KEYS, about: dict[str, str] = _ABOUT
) -> None:
    table = pa.table({"row_key": pa.array(keys, pa.string()), "part": pa.array(parts, pa.string())})
    with DatasetWriter(project.split(name), f"splits/{name}") as writer:
        if table.num_rows:
            writer.write("assignments/part-0.parquet", "key", table, ["row_key"])
        writer.finish(about)


def _run(project: ProjectPaths) -> ValidationReport:
    load_stage("validate").run(StageContext(project, load_params(project.params), "splits"))
    path = project.validation_report("splits")
    return ValidationReport.from_json(path.read_bytes(), origin=path.name)


def _blocking(report: ValidationReport) -> set[str]:
    return {finding.name for finding in report.findings if finding.is_blocking}


def test_splits_in_order_pass(project: ProjectPaths) -> None:
    """Both splits are examined, and named with their hashes among the inputs."""
    report = _run(project)
    assert report.is_passed
    assert set(report.inputs) == {"masked", "splits/by_time", "splits/by_aircraft", "params/validate_splits"}
    assert {suite.table for suite in report.suites} == {"by_time/assignments", "by_aircraft/assignments"}


def test_leak_stops_the_line(project: ProjectPaths) -> None:
    """One aircraft on two sides of a split by aircraft: the suites hold, the search for leaks does not."""
    _write_split(project, "by_aircraft", ["test" if row == 0 else part for row, part in enumerate(BY_AIRCRAFT)])
    report = _run(project)
    assert all(suite.is_passed for suite in report.suites)
    assert not report.is_passed
    assert _blocking(report) == {"by_aircraft"}


def test_part_that_nobody_declared_stops_the_line(project: ProjectPaths) -> None:
    """The suite notices a part that training and evaluation would leave out."""
    _write_split(project, "by_time", ["holdout" if part == "test" else part for part in BY_TIME])
    assert {suite.table for suite in _run(project).suites if not suite.is_passed} == {"by_time/assignments"}


def test_split_of_another_snapshot_stops_the_line(project: ProjectPaths) -> None:
    """Equal keys are not enough: a split belongs to the snapshot and the key that it was made with."""
    _write_split(project, "by_time", BY_TIME, about=_ABOUT | {"snapshots": "an older one"})
    report = _run(project)
    assert not report.is_passed
    assert [(finding.kind, finding.name) for finding in report.findings] == [("other_source", "by_time")]


def test_split_without_assignments_stops_the_line(project: ProjectPaths) -> None:
    """A split that is there but empty is a missing table, and the other split is examined nevertheless."""
    _write_split(project, "by_time", [], [])
    report = _run(project)
    assert not report.is_passed
    assert [(finding.kind, finding.name) for finding in report.findings] == [("missing_table", "by_time/assignments")]
    assert {suite.table for suite in report.suites} == {"by_aircraft/assignments"}


def test_missing_split_is_an_error(project: ProjectPaths) -> None:
    """A declared split that was never made cannot be judged."""
    shutil.rmtree(project.split("by_aircraft"))
    with pytest.raises(DatasetError, match="by_aircraft"):
        _run(project)
