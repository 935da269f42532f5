"""The stage ``mask``: everything masked, nothing raw, and only what changed is opened."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from masking_policies import SECRET, expected_token, rule
from masking_project import ROWS, MaskingProject
from opened_files import opened_files

from tasks.datasets import read_partition, read_table
from tasks.errors import DatasetError, EvidenceError, MaskingError, MaskingKeyError
from tasks.records import PrivacyReport
from tasks.stages import load_stage

_REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WT_TEST_KEY", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> MaskingProject:
    """A small project with three days of sales."""
    return MaskingProject(tmp_path)


def _day(number: int) -> str:
    return f"sales/day=2024-01-{number + 1:02}/part-0.parquet"


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_masks_every_partition(project: MaskingProject) -> None:
    """Same tables and paths, less what is dropped; rows keep their number; tokens join across tables."""
    masked = project.mask()
    assert {name: [p.path for p in table.partitions] for name, table in masked.tables.items()} == {
        "sales": [_day(0), _day(1), _day(2)],
        "visits": ["visits/part-0.parquet"],
    }
    assert masked.tables["sales"].rows == 3 * ROWS
    assert masked.tables["sales"].key == ("sale",)
    sales = read_table(project.paths.masked, masked, "sales")
    visits = read_table(project.paths.masked, masked, "visits")
    assert sales.column_names == ["sale", "buyer", "mail", "joined", "zip", "note", "amount", "is_returned", "sold_utc"]
    assert visits.column_names == ["visit", "buyer"]
    assert set(sales.column("buyer").to_pylist()) - {None} == set(visits.column("buyer").to_pylist())
    assert expected_token("sale", "RAW-sale-0-0") in sales.column("sale").to_pylist()


def test_manifest_says_what_it_was_made_from(project: MaskingProject) -> None:
    """View, snapshot, pin, moment, the key's name and fingerprint, and the policy."""
    snapshot = project.take_snapshot({0: ""})
    about = project.mask().about
    policy = about.pop("policy")
    assert len(about.pop("params/mask")) == 64
    assert about == {
        "view": "masked",
        "snapshots": snapshot.logical_hash,
        "pin": "p",
        "as_of_utc": "2024-06-01T00:00:00Z",
        "key_id": "test-1",
        "key_fingerprint": "d7c55bbbacb48810",
    }
    assert len(policy) == 64


def test_no_raw_value_and_no_key_in_any_output(project: MaskingProject, capfd: pytest.CaptureFixture[str]) -> None:
    """Every cell, every byte of every file that masking leaves, and everything it says: no raw text, no key in any form."""
    masked = project.mask()
    for name in masked.tables:
        for row in read_table(project.paths.masked, masked, name).to_pylist():
            assert not [cell for cell in row.values() if "RAW" in str(cell)]
    said = "".join(capfd.readouterr()).encode()
    state = {name: content for name, content in _files(project.paths.state).items() if not name.startswith("raw-keys/")}
    assert project.paths.raw_keys.stat().st_mode & 0o077 == 0  # of the restricted zone
    outputs = {**_files(project.paths.masked), **state, "stdout and stderr": said}
    for name, content in outputs.items():
        for secret in (SECRET, SECRET.hex().encode(), SECRET.hex().upper().encode(), b"RAW"):
            assert secret not in content, name


def test_row_order_tells_nothing_of_raw_keys(project: MaskingProject) -> None:
    """Rows lie in order of their tokens, not in that of the raw keys they came with."""
    masked = project.mask()
    sales = read_partition(project.paths.masked, masked.tables["sales"].partitions[0])
    assert sales.column("sale").to_pylist() == sorted(expected_token("sale", f"RAW-sale-0-{i}") for i in range(ROWS))


def test_privacy_report(project: MaskingProject, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the data: every column, what was dropped because nobody named it (also said aloud), rows per table."""
    project.mask()
    report = PrivacyReport.from_json(project.paths.privacy_report.read_bytes(), origin="privacy.json")
    undeclared = ("sales.internal", "stock.item", "stock.listed_utc", "visits.seen_utc")
    assert (report.undeclared, report.rows) == (undeclared, {"sales": 3 * ROWS, "visits": 5})
    assert len(report.treatments) == 15
    said = capsys.readouterr().out
    assert ", ".join(undeclared) in said
    assert "dropped whole" in said
    assert "stock" in said.splitlines()[1]


def test_second_run_opens_nothing(project: MaskingProject, capsys: pytest.CaptureFixture[str]) -> None:
    """With every raw file unreadable the second run still ends well, and its outputs are the same to the byte."""
    project.mask()
    before = _files(project.paths.masked)
    for path in project.paths.snapshots.rglob("part-*.parquet"):
        path.write_bytes(b"not Parquet")
    capsys.readouterr()
    project.mask()
    assert _files(project.paths.masked) == before
    assert capsys.readouterr().out.startswith("mask: 0 partitions written, 4 unchanged, 65 rows")


def test_only_the_changed_partition_is_rewritten(project: MaskingProject) -> None:
    """One corrected day, one new day: nothing else is opened, and the result equals a run from scratch."""
    project.mask()
    times = {path: path.stat().st_mtime_ns for path in project.paths.masked.rglob("*.parquet")}
    project.take_snapshot({0: "", 1: "corrected", 2: "", 3: ""})
    corrected = {_day(1), _day(3)}
    for path in project.paths.snapshots.rglob("part-*.parquet"):
        if path.relative_to(project.paths.snapshots).as_posix() not in corrected:
            path.write_bytes(b"not Parquet")
    refreshed = project.mask()
    changed = {p for p, was in times.items() if p.stat().st_mtime_ns != was}
    assert changed == {project.paths.masked / _day(1)}

    scratch = MaskingProject(project.paths.root / "scratch")
    scratch.take_snapshot({0: "", 1: "corrected", 2: "", 3: ""})
    assert scratch.mask() == refreshed


def test_partition_that_is_gone_is_removed(project: MaskingProject) -> None:
    """What left the snapshot leaves the masked data."""
    project.mask()
    project.take_snapshot({0: "", 2: ""})
    assert [p.path for p in project.mask().tables["sales"].partitions] == [_day(0), _day(2)]
    assert not (project.paths.masked / _day(1)).exists()


def test_policy_of_one_table_leaves_the_others(project: MaskingProject) -> None:
    """A changed rule rewrites its table only; a changed reason rewrites no partition, but the report."""
    project.mask()
    visits = project.paths.masked / "visits/part-0.parquet"
    before = visits.stat().st_mtime_ns
    old = project.masked()
    project.content["masking"]["tables"]["sales"]["zip"] = rule("generalise", keep_prefix=1)
    project.write_params()
    new = project.mask()
    assert visits.stat().st_mtime_ns == before
    assert new.tables["sales"].partitions != old.tables["sales"].partitions
    assert new.about["policy"] != old.about["policy"]

    project.content["masking"]["tables"]["sales"]["zip"] = rule("generalise", keep_prefix=1, reason="a region is enough")
    project.write_params()
    assert project.mask().tables == new.tables
    assert "a region is enough" in project.paths.privacy_report.read_text()


def test_new_key_masks_everything_anew(project: MaskingProject) -> None:
    """After a rotation no token of the old key is left."""
    old = project.mask()
    tokens = set(read_table(project.paths.masked, old, "sales").column("sale").to_pylist())
    project.write_key(bytes(range(1, 33)))
    with pytest.raises(MaskingKeyError):
        project.mask()
    project.content["masking"]["key"]["id"] = "test-2"
    project.write_params()
    new = project.mask()
    assert not tokens & set(read_table(project.paths.masked, new, "sales").column("sale").to_pylist())
    assert new.about["key_id"] == "test-2"


def test_does_not_start_without_a_passed_report(project: MaskingProject) -> None:
    """Missing, failed, or of another snapshot: nothing is masked."""
    examined = project.take_snapshot({0: ""}).logical_hash
    for spoil in (
        lambda: project.report(is_passed=False, examined=examined),
        lambda: project.report(is_passed=True, examined="0" * 64),
        lambda: project.paths.validation_report("raw").unlink(),
    ):
        spoil()
        with pytest.raises(EvidenceError, match="raw"):
            project.mask()
    assert not project.paths.masked.exists()


def test_does_not_start_without_a_key(project: MaskingProject) -> None:
    """Nothing is written."""
    project.key_file.unlink()
    with pytest.raises(MaskingKeyError, match="no such file"):
        project.mask()
    assert not project.paths.masked.exists()


def test_snapshot_of_other_declarations_is_refused(project: MaskingProject) -> None:
    """A snapshot made before the parameters changed has to be made again."""
    project.content["snapshot"]["tables"]["visits"]["columns"].append("device")
    project.write_params()
    with pytest.raises(DatasetError, match="visits") as caught:
        project.mask()
    assert caught.value.next_step == "dvc repro snapshot"


def test_key_column_without_a_policy_is_refused(project: MaskingProject) -> None:
    """Before anything is read or written."""
    del project.content["masking"]["domains"]["visit"]
    project.write_params()
    with pytest.raises(MaskingError, match=r"visits\.visit"):
        project.mask()
    assert not project.paths.masked.exists()


def test_wrong_type_leaves_no_dataset(project: MaskingProject) -> None:
    """A column that cannot be treated stops the stage; what it had written does not count as a dataset."""
    project.content["masking"]["tables"]["sales"]["safe"].remove("amount")
    project.content["masking"]["tables"]["sales"]["amount"] = rule("token", "sensitive")
    project.write_params()
    with pytest.raises(MaskingError, match=r"sales\.amount"):
        project.mask()
    with pytest.raises(DatasetError, match="no manifest"):
        project.masked()


@pytest.mark.slow
@pytest.mark.parametrize("has_run_before", [False, True])
def test_killed_in_the_middle_then_run_again(tmp_path: Path, has_run_before: bool) -> None:
    """kill -9 while partitions are written: no dataset until the stage has run again, and then the one of an undisturbed run."""
    disturbed, calm = MaskingProject(tmp_path / "a", days=150), MaskingProject(tmp_path / "b", days=150)
    if has_run_before:
        disturbed.mask()
    for project in (disturbed, calm):
        project.content["masking"]["tables"]["sales"]["zip"] = rule("generalise", keep_prefix=1)
        project.write_params()
    _kill_midway(disturbed, written=disturbed.paths.masked / "sales/day=2024-01-05/part-0.parquet")
    with pytest.raises(DatasetError, match="interrupted"):
        disturbed.masked()
    assert disturbed.mask() == calm.mask()
    assert _files(disturbed.paths.masked) == _files(calm.paths.masked)


def _kill_midway(project: MaskingProject, written: Path) -> None:
    """Start the stage as DVC does and kill it as soon as it has written the file ``written``."""
    before = written.stat().st_mtime_ns if written.exists() else None
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-m", "tasks", "mask"], cwd=project.paths.root, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and (not written.exists() or written.stat().st_mtime_ns == before):
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_reads_and_writes_are_declared(project: MaskingProject) -> None:
    """What the runner checks before and after."""
    stage = load_stage("mask")
    assert stage.reads(project.context) == ("data/snapshots/manifest.json", "data/validation/raw.json")
    assert stage.writes(project.context) == ("data/masked",)
    project.mask()
    assert {path.name for path in project.paths.data.iterdir()} == {"snapshots", "validation", "masked"}


def test_masked_files_are_parquet_that_any_engine_reads(project: MaskingProject) -> None:
    """Plain columns: no dictionary or large types that a reader would have to know of."""
    project.mask()
    schema = pq.read_schema(project.paths.masked / _day(0))
    assert {str(kind) for kind in schema.types} == {"string", "date32[day]", "double", "int64", "timestamp[us, tz=UTC]"}


def test_suppression_and_fakes_over_all_partitions(project: MaskingProject) -> None:
    """What is rare is counted over the whole table; when that changes, unchanged partitions are masked again."""
    sales = project.content["masking"]["tables"]["sales"]
    sales["note"] = rule("fake", "free_text", list="town")
    sales["zip"] = rule("generalise", keep_prefix=4)
    sales["suppress"] = {"columns": ["zip"], "k": 25, "reason": "few"}
    project.write_params()
    masked = project.mask()
    zips = read_table(project.paths.masked, masked, "sales").column("zip")
    assert (zips.null_count, sorted(zips.unique().to_pylist())) == (0, ["1000", "1001"])
    report = PrivacyReport.from_json(project.paths.privacy_report.read_bytes(), origin="report")
    assert [(s.table, s.k, s.combinations, s.rows) for s in report.suppressed] == [("sales", 25, 0, 0)]
    assert [(f.column, f.entries, f.distinct_values, f.distinct_fakes, f.collisions) for f in report.fakes] == [
        ("note", 324, 1, 1, 0)
    ]
    project.take_snapshot({0: "", 1: ""})
    zips = read_table(project.paths.masked, project.mask(), "sales").column("zip")
    assert zips.null_count == len(zips) == 2 * ROWS
    report = PrivacyReport.from_json(project.paths.privacy_report.read_bytes(), origin="report")
    assert [(s.combinations, s.rows) for s in report.suppressed] == [(None, 2 * ROWS)]


def test_a_refresh_observes_the_new_partition_alone(project: MaskingProject) -> None:
    """No raw partition that did not change is opened for the facts of its table, which are those of a run from scratch."""
    sales = project.content["masking"]["tables"]["sales"]
    sales["mail"] = rule("fake", list="email")
    sales["suppress"] = {"columns": ["zip"], "k": 50, "reason": "few"}
    project.write_params()
    project.mask()
    project.take_snapshot(dict.fromkeys(range(4), ""))
    with opened_files(project.paths.snapshots / "sales") as opened:
        refreshed = project.mask()
    assert {path.parent.name for path in opened if path.name == "part-0.parquet"} == {"day=2024-01-04"}
    facts = project.paths.raw_keys / "facts" / "sales"
    assert len(list(facts.iterdir())) == 4
    assert facts.stat().st_mode & 0o077 == 0
    next(facts.iterdir()).write_bytes(b"cut off")
    shutil.rmtree(project.paths.masked)
    assert project.mask() == refreshed


def test_rows_that_others_join_with_are_not_suppressed(project: MaskingProject) -> None:
    """Before anything is masked."""
    project.content["masking"]["tables"]["visits"] = {
        "safe": ["seen_utc"],
        "reason": "times",
        "suppress": {"columns": ["seen_utc"], "k": 2, "what": "rows"},
    }
    project.write_params()
    with pytest.raises(MaskingError, match="suppress rows"):
        project.mask()
