"""Faults of production: each ends in one message and exit code 2, and what was there before stays as it was."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from faults import (
    LAKE,
    assert_told,
    assert_told_by_dvc,
    contents,
    forget_runs,
    lake_files,
    replace_column,
    rewrite,
    set_params,
)
from small_project import call, environment

pytestmark = [pytest.mark.slow, pytest.mark.faults]
WITHOUT_ROOTS_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def _no_lake(project: Path) -> None:
    (project / LAKE).rename(project / "elsewhere")


def _no_table(project: Path) -> None:
    shutil.rmtree(project / LAKE / "planes")


def _no_file(project: Path) -> None:
    _no_table(project)
    (project / LAKE / "planes").mkdir()


def _no_row(project: Path) -> None:
    for file in lake_files(project, "planes"):
        rewrite(file, lambda table: table.slice(0, 0))


def _other_type(project: Path) -> None:
    rewrite(lake_files(project, "weather")[3], replace_column("wind_speed", lambda values: values.cast(pa.string())))


def _truncated(project: Path) -> None:
    file = lake_files(project, "weather")[3]
    file.write_bytes(file.read_bytes()[:-100])


def _no_label_column(project: Path) -> None:
    for file in lake_files(project, "outcomes"):
        rewrite(file, lambda table: table.drop_columns(["is_late"]))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_lake, ("lake ", "no such folder", "snapshot.lake")),
        (_no_table, ("lake table planes", "no files at planes/")),
        (_no_file, ("lake table planes", "no files at planes/")),
        (_no_row, ("lake table planes", "0 rows in 1 files")),
        (_other_type, ("lake table weather: column wind_speed", "string in weather/day=2013-01-04/part-0.parquet", "double")),
        (_truncated, ("lake file weather/day=2013-01-04/part-0.parquet", "not readable as a whole file", "truncated")),
        (_no_label_column, ("outcomes/day=2013-01-01/part-0.parquet: column is_late", "the declared column is_late")),
    ],
    ids=["no lake", "no table", "no file", "no row", "another type", "truncated", "no label column"],
)
def test_pin_refuses(project: Path, spoil: Callable[[Path], None], words: tuple[str, ...]) -> None:
    """The table, file or column is named; the last pin and all data stay."""
    spoil(project)
    before = contents(project / "data")
    assert_told(call(project, "windtunnel", "pin", code=None), *words)
    assert contents(project / "data") == before


def test_pin_refuses_a_file_that_it_may_not_read(project: Path) -> None:
    """Also for root, who may read everything unless that right is taken away."""
    file = lake_files(project, "weather")[3]
    os.utime(file)
    file.chmod(0)
    prefix = WITHOUT_ROOTS_RIGHTS if os.geteuid() == 0 else []
    done = call(project, *prefix, "windtunnel", "pin", code=None)
    assert_told(done, "weather/day=2013-01-04/part-0.parquet", "Permission denied")


def test_a_file_that_changed_between_pin_and_copy_ends_the_run(project: Path) -> None:
    """The whole flow says what the stage said; no manifest is left; with the file restored, the run goes on where it stopped."""
    whole = contents(project / "data/snapshots")
    file = lake_files(project, "weather")[3]
    pinned = file.read_bytes()
    file.write_bytes(pinned[:-100])
    forget_runs(project, "data/snapshots")
    done = call(project, "windtunnel", "run", code=None)
    assert_told(done, "stage snapshot failed", "weather/day=2013-01-04/part-0.parquet: changed or deleted", "windtunnel pin")
    assert not (project / "data/snapshots/manifest.json").exists()
    assert "windtunnel pin" in call(project, "python", "-m", "tasks", "snapshot", code=2).stderr
    file.write_bytes(pinned)
    call(project, "dvc", "repro", "-s", "snapshot")
    assert contents(project / "data/snapshots") == whole


def test_a_file_that_was_deleted_between_pin_and_copy_is_told(project: Path) -> None:
    """By its name; nothing that looks like a whole snapshot is left."""
    lake_files(project, "bookings")[0].unlink()
    forget_runs(project, "data/snapshots")
    done = call(project, "dvc", "repro", "-s", "snapshot", code=None)
    assert_told_by_dvc(done, "snapshot", "lake file bookings/day=", "it was deleted")
    assert not (project / "data/snapshots/manifest.json").exists()
    assert not list((project / "data/snapshots").rglob("*.part"))


def test_duplicate_keys_stop_the_line_before_masking(project: Path) -> None:
    """`dvc repro` ends at mask, which names the key; the report on it is written, the masked data stay as they were."""
    before = contents(project / "data/masked")
    rewrite(lake_files(project, "flights")[-3], lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    call(project, "windtunnel", "pin")
    done = call(project, "dvc", "repro", "mask", code=None)
    assert_told_by_dvc(done, "mask", "flights 2013-02", "expect_column_values_to_be_unique(flight_id)")
    assert '"is_passed": false' in (project / "data/validation/raw.json").read_text()
    assert contents(project / "data/masked") == before


@pytest.mark.parametrize(
    ("table", "column", "change", "words"),
    [
        ("outcomes", "is_late", lambda values: pa.nulls(len(values), values.type), ("outcomes.is_late", "NULL in every row")),
        (
            "predictions",
            "score",
            lambda values: pc.replace_with_mask(values, pa.array([i == 0 for i in range(len(values))]), pa.array([float("nan")])),
            ("predictions 2013-02", "score", "fewer than 5 of"),
        ),
    ],
    ids=["label without values", "NaN score"],
)
def test_values_that_no_metric_can_use_stop_the_line(
    project: Path, table: str, column: str, change: Callable[[pa.Array], pa.Array], words: tuple[str, ...]
) -> None:
    """A label without a value, a champion's score that is no number: masking refuses to start, and says why."""
    before = contents(project / "data/masked")
    for file in lake_files(project, table) if table == "outcomes" else lake_files(project, table)[-3:-2]:
        rewrite(file, replace_column(column, change))
    call(project, "windtunnel", "pin")
    call(project, "python", "-m", "tasks", "snapshot")
    call(project, "python", "-m", "tasks", "validate", "raw")
    assert_told(call(project, "python", "-m", "tasks", "mask", code=None), "validation of raw", *words)
    assert contents(project / "data/masked") == before


def test_constant_label_is_told_before_anything_is_trained(project: Path) -> None:
    """With a positive value that no row has, the label is constant: `features` says so and writes nothing."""
    before = contents(project / "data/features")
    set_params(project, label__positive=7)
    done = call(project, "dvc", "repro", "-s", "features", code=None)
    assert_told_by_dvc(done, "features", "label outcomes.is_late", "only 0 in the labelled rows")
    assert contents(project / "data/features") == before


def test_lake_is_never_written_to(project: Path) -> None:
    """Pin and snapshot work on a lake that nobody may write to, and leave it as it is."""
    before = contents(project / LAKE)
    subprocess.run(["chmod", "-R", "a-w", LAKE], cwd=project, check=True)
    try:
        prefix = WITHOUT_ROOTS_RIGHTS if os.geteuid() == 0 else []
        forget_runs(project, "data/snapshots", "data/pin.json")
        command = "windtunnel pin && python -m tasks snapshot"
        subprocess.run([*prefix, "sh", "-c", command], cwd=project, env=environment(), check=True, capture_output=True)
    finally:
        subprocess.run(["chmod", "-R", "u+w", LAKE], cwd=project, check=True)
    assert contents(project / LAKE) == before
