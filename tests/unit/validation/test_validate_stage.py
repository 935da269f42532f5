"""The stage from dataset to report: data that fails is a report, what cannot be judged is an error, nothing leaks."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from validation_tables import CONFORMING, ROOT, ROWS

from tasks.datasets import DatasetWriter, logical_hash
from tasks.errors import DatasetError, EvidenceError, StageError, ValidationError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Manifest, ValidationReport
from tasks.stages import StageContext, load_stage
from tasks.validation import periods, require_passed

CANARY = "canary.ada@example.com"
_FOLDERS = {"raw": "snapshots", "masked": "masked", "features": "features", "predictions": "predictions"}


@pytest.fixture
def project(tmp_path: Path) -> ProjectPaths:
    """A project with the demo's parameters and suites, and no data."""
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    shutil.copytree(ROOT / "expectations", tmp_path / "expectations")
    return ProjectPaths(tmp_path)


def _conforming(subject: str) -> dict[str, pa.Table]:
    names = [name.split("/")[1] for name in CONFORMING if name.startswith(f"{subject}/")]
    return {name: CONFORMING[f"{subject}/{name}"]() for name in names}


def _write(project: ProjectPaths, subject: str, tables: Mapping[str, pa.Table]) -> Manifest:
    folder = project.data / _FOLDERS[subject]
    with DatasetWriter(folder, _FOLDERS[subject]) as writer:
        for name, table in tables.items():
            path = f"{name}/part-0.parquet" if name == "planes" else f"{name}/day=2013-05-01/part-0.parquet"
            key = table.column_names[:1]
            writer.write(path, logical_hash(table, key), table, key)
        return writer.finish({})


def _run(project: ProjectPaths, subject: str) -> ValidationReport:
    load_stage("validate").run(StageContext(project, load_params(project.params), subject))
    path = project.validation_report(subject)
    return ValidationReport.from_json(path.read_bytes(), origin=path.name)


def _replace(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["raw", "masked", "predictions"])
def test_conforming_dataset_passes(project: ProjectPaths, subject: str) -> None:
    """Every table by month, with the dataset's hash, and a permission for the stages after it."""
    manifest = _write(project, subject, _conforming(subject))
    report = _run(project, subject)
    assert report.is_passed
    carried = {name for name in report.inputs if name.startswith("params/")}
    assert carried == {f"params/validate_{subject}"}
    assert {name: value for name, value in report.inputs.items() if name not in carried} == {
        _FOLDERS[subject]: manifest.logical_hash
    }
    assert {suite.table for suite in report.suites} == set(manifest.tables)
    assert {suite.period for suite in report.suites} <= {"2013-05", "all"}
    assert require_passed(project.validation_report(subject)) == report


@pytest.mark.slow
def test_second_run_opens_nothing_and_writes_the_same(project: ProjectPaths) -> None:
    """With its partitions gone, an unchanged dataset still gives the same bytes: none was opened."""
    _write(project, "raw", _conforming("raw"))
    _run(project, "raw")
    first = project.validation_report("raw").read_bytes()
    for partition in project.snapshots.rglob("*.parquet"):
        partition.unlink()
    _run(project, "raw")
    assert project.validation_report("raw").read_bytes() == first


@pytest.mark.slow
def test_data_that_fails_is_a_report_without_a_value(project: ProjectPaths, capsys: pytest.CaptureFixture[str]) -> None:
    """The stage ends well, the report says no, the next stage refuses, and no value of a row is anywhere."""
    tables = _conforming("raw")
    secrets = pa.array([CANARY] * ROWS)
    for name in ("carrier", "tailnum", "flight_id", "dest"):
        tables["flights"] = _replace(tables["flights"], name, secrets)
    tables["weather"] = _replace(tables["weather"], "wind_speed", secrets)
    tables["bookings"] = _replace(tables["bookings"], "birth_date", secrets)
    _write(project, "raw", tables)
    report = _run(project, "raw")
    assert not report.is_passed
    assert {suite.table for suite in report.suites if not suite.is_passed} == {"flights", "weather", "bookings"}
    printed = capsys.readouterr()
    assert CANARY not in project.validation_report("raw").read_text() + printed.out + printed.err
    assert "NOT PASSED" in printed.out
    with pytest.raises(EvidenceError) as caught:
        require_passed(project.validation_report("raw"))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(("rows", "kind"), [(None, "missing_table"), (0, "empty_table")])
def test_table_that_is_missing_or_empty_never_passes(project: ProjectPaths, rows: int | None, kind: str) -> None:
    """A declared table must be there, with rows, though all others conform."""
    tables = _conforming("raw")
    planes = tables.pop("planes")
    _write(project, "raw", tables if rows is None else tables | {"planes": planes.slice(0, rows)})
    report = _run(project, "raw")
    assert not report.is_passed
    assert [(finding.kind, finding.name) for finding in report.findings] == [(kind, "planes")]


def test_column_without_any_value_never_passes(project: ProjectPaths) -> None:
    """Though its own expectation in the suite is only a warning."""
    tables = _conforming("raw")
    tables["bookings"] = _replace(tables["bookings"], "note", pa.nulls(ROWS, pa.string()))
    _write(project, "raw", tables)
    report = _run(project, "raw")
    assert all(suite.is_passed for suite in report.suites)
    assert not report.is_passed
    assert [finding.name for finding in report.findings] == ["bookings.note"]


def test_duplicate_key_in_a_month_never_passes(project: ProjectPaths) -> None:
    """A row that came twice is one too many."""
    tables = _conforming("raw")
    tables["outcomes"] = pa.concat_tables([tables["outcomes"], tables["outcomes"].slice(0, 1)])
    _write(project, "raw", tables)
    assert [suite.table for suite in _run(project, "raw").suites if not suite.is_passed] == ["outcomes"]


@pytest.mark.parametrize("subject", ["raw", "masked"])
def test_duplicate_key_in_two_pieces_never_passes(project: ProjectPaths, monkeypatch: pytest.MonkeyPatch, subject: str) -> None:
    """A table too large to be examined at once: each piece conforms, and the same rows stand in both."""
    monkeypatch.setattr(periods, "_ROWS_AT_ONCE", ROWS)
    tables = _conforming(subject)
    folder = project.data / _FOLDERS[subject]
    with DatasetWriter(folder, _FOLDERS[subject]) as writer:
        for name, table in tables.items():
            key = table.column_names[:1]
            for part in range(2 if name == "planes" else 1):
                path = f"{name}/big.csv%2300000{part}.parquet"
                writer.write(path, logical_hash(table, key), table, key)
        writer.finish({})
    report = _run(project, subject)
    assert all(suite.is_passed for suite in report.suites)
    assert [(finding.kind, finding.name, finding.is_blocking) for finding in report.findings] == [
        ("duplicate_keys", "planes", True)
    ]
    assert not report.is_passed


def test_fewer_tables_and_columns_need_no_other_suites(project: ProjectPaths) -> None:
    """Parameters that copy less are validated by the suites as they are; what was not asked is told and does not block."""
    text = (
        project.params.read_text()
        .replace("origin, dest, tailnum,", "origin, tailnum,")
        .replace("origin, dest, distance,", "origin, distance,")
    )
    project.params.write_text(text)
    tables = _conforming("raw")
    tables["flights"] = tables["flights"].drop_columns(["dest"])
    _write(project, "raw", tables)
    (project.expectations / "raw" / "airports.json").write_bytes((project.expectations / "raw" / "planes.json").read_bytes())
    report = _run(project, "raw")
    assert report.is_passed
    assert [(f.kind, f.name) for f in report.findings] == [
        ("expectations_not_asked", "airports"),
        ("expectations_not_asked", "flights"),
    ]


def test_missing_suite_withdraws_the_last_permission(project: ProjectPaths) -> None:
    """A run that cannot judge is an error, and leaves no passed report behind; its outcomes serve the run after it."""
    _write(project, "raw", _conforming("raw"))
    passed = _run(project, "raw")
    suite = project.expectations / "raw/planes.json"
    content = suite.read_bytes()
    suite.unlink()
    with pytest.raises(ValidationError, match=r"planes\.json"):
        _run(project, "raw")
    with pytest.raises(EvidenceError, match="cut off"):
        require_passed(project.validation_report("raw"))
    suite.write_bytes(content)
    for partition in project.snapshots.rglob("*.parquet"):
        partition.unlink()
    assert _run(project, "raw") == passed


def test_missing_dataset_is_an_error(project: ProjectPaths) -> None:
    """No manifest, nothing to judge: exit 2, and no report."""
    with pytest.raises(DatasetError, match="no manifest"):
        _run(project, "raw")
    assert not project.validation_report("raw").exists()


def test_broken_last_report_is_no_obstacle(project: ProjectPaths) -> None:
    """A report that was cut off is written anew from the data."""
    _write(project, "predictions", _conforming("predictions"))
    first = _run(project, "predictions")
    project.validation_report("predictions").write_text('{"schema_version": 1, "subj')
    assert _run(project, "predictions") == first


def test_address_that_got_past_masking_never_passes(project: ProjectPaths) -> None:
    """An e-mail address in any text column of the shared zone stops the line."""
    tables = _conforming("masked")
    tables["bookings"] = _replace(tables["bookings"], "note", pa.array([CANARY, *["[redacted]"] * (ROWS - 1)]))
    _write(project, "masked", tables)
    assert [suite.table for suite in _run(project, "masked").suites if not suite.is_passed] == ["bookings"]


def _many_features(rows: int = 200) -> pa.Table:
    """Conforming features with enough labelled rows to tell a leak from chance."""
    table = pa.concat_tables([CONFORMING["features/features"]()] * (rows // ROWS))
    keys = pa.array([f"{row:08x}-0000-4000-8000-000000000000" for row in range(rows)])
    labels = (np.random.default_rng(3).random(rows) < 0.3).astype("int8")
    return _replace(_replace(table, "row_key", keys), "label", pa.array(labels))


def test_conforming_features_pass(project: ProjectPaths) -> None:
    """Features that help without giving the label away."""
    _write(project, "features", {"features": _many_features()})
    assert _run(project, "features").is_passed


def test_feature_that_gives_the_label_away_is_named(project: ProjectPaths) -> None:
    """Suspected target leakage blocks, by the feature's name."""
    table = _many_features()
    told = pa.array(np.where(table["label"].to_numpy() == 1, 60.0, -5.0))
    _write(project, "features", {"features": _replace(table, "aircraft_delay_last", told)})
    report = _run(project, "features")
    assert not report.is_passed
    assert [(f.kind, f.name) for f in report.findings] == [("suspected_target_leakage", "aircraft_delay_last")]


def test_duplicate_row_keys_over_months_never_pass(project: ProjectPaths) -> None:
    """A row that stands in two months is seen by no month's suite."""
    table = _many_features()
    with DatasetWriter(project.features, "features") as writer:
        for month in ("2013-05", "2013-06"):
            writer.write(f"features/day={month}-01/part-0.parquet", month, table, ["row_key"])
        writer.finish({})
    report = _run(project, "features")
    assert all(suite.is_passed for suite in report.suites)
    assert [finding.kind for finding in report.findings] == ["duplicate_keys"]


@pytest.mark.parametrize("subject", [None, "raww"])
def test_unknown_subject_is_an_error(project: ProjectPaths, subject: str | None) -> None:
    """The error names the subjects there are."""
    with pytest.raises(StageError, match="raw, masked, splits, features, predictions"):
        load_stage("validate").run(StageContext(project, load_params(project.params), subject))
