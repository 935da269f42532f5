"""The stage ``split``: masked row keys and their parts, nothing raw, nothing moved, and only what changed is opened."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from opened_files import opened_files
from splits_project import DAYS, TRIPS, SplitsProject, find_leaks

from tasks.datasets import read_manifest, read_partition, read_table, row_keys
from tasks.errors import DatasetError, EvidenceError, MaskingError, SplitError
from tasks.params import load_params
from tasks.stages import StageContext, load_stage

REPOSITORY = Path(__file__).parents[3]
NAMES = ("by_time", "by_car")


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WT_TEST_KEY", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> SplitsProject:
    """Six days of trips, and both kinds of split."""
    return SplitsProject(tmp_path)


def day(number: int) -> str:
    return f"assignments/day=2024-01-{number + 1:02}/part-0.parquet"


def test_time_split_publishes_each_row_once(project: SplitsProject) -> None:
    """One partition a day, as the rows have; parts by day, with one day of embargo behind each boundary."""
    manifest = project.split("by_time")
    assert [p.path for p in manifest.tables["assignments"].partitions] == [day(number) for number in range(DAYS)]
    assert manifest.tables["assignments"].columns == {"row_key": "string", "part": "string"}
    assert len(project.assignments("by_time")) == TRIPS * DAYS
    expected = ["train", "train", "embargo", "validation", "embargo", "test"]
    for partition, part in zip(manifest.tables["assignments"].partitions, expected, strict=True):
        table = read_partition(project.paths.split("by_time"), partition)
        assert table.column("part").to_pylist() == [part] * TRIPS


def test_metadata_says_how_and_how_much(project: SplitsProject) -> None:
    """Why, definition, rows and times of each part, and the hash of the assignments that it speaks of."""
    manifest, metadata = project.split("by_time"), project.metadata("by_time")
    assert (metadata.name, metadata.why, metadata.logical_hash) == ("by_time", "as a release", manifest.logical_hash)
    assert metadata.parts == {"train": 80, "embargo": 80, "validation": 40, "test": 40}
    assert metadata.from_utc["validation"] == "2024-01-04T00:00:00Z"
    assert metadata.to_utc["train"] == "2024-01-02T00:39:00Z"
    assert manifest.about["definition"] == metadata.definition_hash
    project.split("by_car")
    by_car = project.metadata("by_car")
    assert sum(by_car.parts.values()) == TRIPS * DAYS
    assert set(by_car.parts) == {"train", "validation", "test"}
    assert {"salt", "seed", "unit"} <= set(by_car.definition)


def test_manifest_says_what_it_was_made_from(project: SplitsProject) -> None:
    """The snapshot and the key by which validation holds it against the masked tables."""
    snapshots = read_manifest(project.paths.snapshots, made_by="snapshot")
    about = project.split("by_car").about
    assert {name: value for name, value in about.items() if not name.startswith("params/")} == {
        "split": "by_car",
        "definition": project.metadata("by_car").definition_hash,
        "snapshots": snapshots.logical_hash,
        "key_id": "test-1",
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_leak_between_the_parts_of_what_is_published(project: SplitsProject, name: str) -> None:
    """Row keys are those of the masked table, entities and times keep apart: the whole way, checked on masked data."""
    project.split(name)
    load_stage("mask").run(StageContext(project.paths, load_params(project.paths.params)))
    masked = read_manifest(project.paths.masked, made_by="mask")
    rows = read_table(project.paths.masked, masked, "trips")
    rows = rows.append_column("row_key", row_keys(rows, ["trip"]))
    manifest = read_manifest(project.paths.split(name), made_by="split")
    assignments = read_table(project.paths.split(name), manifest, "assignments")
    split = load_params(project.paths.params).splits[name]
    found = find_leaks(name, split, assignments, rows, time_column="start_utc", key_columns=("trip",))
    assert [finding for finding in found if finding.is_blocking] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_raw_value_in_any_output(project: SplitsProject, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """No raw key or entity in any cell, any file, or anything that is said."""
    project.split(name)
    assert not [key for key in project.assignments(name) if "RAW" in key]
    assert not [path for path, data in project.files(name).items() if b"RAW" in data]
    out, err = capfd.readouterr()
    assert "RAW" not in out + err


@pytest.mark.parametrize("name", NAMES)
def test_second_run_opens_nothing_and_changes_nothing(project: SplitsProject, name: str) -> None:
    """Every partition is left alone, and every file is byte for byte what it was."""
    project.split(name)
    before = project.files(name)
    with opened_files(project.paths.snapshots) as opened:
        project.split(name)
    assert [path for path in opened if path.suffix == ".parquet"] == []
    assert project.files(name) == before


@pytest.mark.parametrize("name", NAMES)
def test_refresh_opens_only_what_changed_and_equals_a_run_from_scratch(project: SplitsProject, name: str) -> None:
    """One day more, one corrected, one gone; the same bytes as from nothing, and nobody has moved."""
    project.split(name)
    before = project.assignments(name)
    days = {0: "", 2: "", 3: "", 4: "", 5: "corrected", 6: ""}
    project.take_snapshot(days)
    with opened_files(project.paths.snapshots) as opened:
        project.split(name)
    assert {path.parent.name for path in opened if path.suffix == ".parquet"} == {"day=2024-01-06", "day=2024-01-07"}
    refreshed, after = project.files(name), project.assignments(name)
    shutil.rmtree(project.paths.split(name))
    project.split(name)
    assert project.files(name) == refreshed
    stayed = [key for key in before if key in after]
    assert len(stayed) == TRIPS * 5
    moved = [key for key in stayed if before[key] != after[key]]
    assert len(moved) <= (TRIPS if name == "by_car" else 0)  # the corrected day's rows have other cars


def test_another_masking_key_moves_no_row(project: SplitsProject) -> None:
    """New row keys, the same parts: splits are computed on raw values."""
    project.split("by_car")
    before = list(project.assignments("by_car").items())
    project.write_key("cd" * 32)
    project.content["masking"]["key"]["id"] = "test-2"
    project.split("by_car")
    after = list(project.assignments("by_car").items())
    assert [key for key, _ in before] != [key for key, _ in after]
    assert [part for _, part in before] == [part for _, part in after]


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("by_car", ("splits", "by_car", "salt", "v2"), "salt v2"),
        ("by_car", ("seed", 2), "seed"),
        ("by_car", ("splits", "by_car", "parts", {"train": 0.5, "validation": 0.25, "test": 0.25}), "parts train 0.5"),
        ("by_time", ("splits", "by_time", "boundaries", "train", "2024-01-02"), "boundaries train before 2024-01-02"),
        ("by_time", ("splits", "by_time", "embargo_days", 0), "embargo_days 0"),
    ],
)
def test_changed_definition_is_refused_and_leaves_the_split(
    project: SplitsProject, name: str, change: tuple[object, ...], field: str
) -> None:
    """Exit 2 before anything is written; restored, the split is what it was."""
    project.split(name)
    before = project.files(name)
    *path, key, value = change
    section = project.content
    for step in path:
        section = section[step]
    earlier, section[key] = section[key], value
    with pytest.raises(SplitError, match="its definition changed") as caught:
        project.split(name)
    assert field in caught.value.found
    assert caught.value.exit_code == 2
    assert project.files(name) == before
    section[key] = earlier
    project.split(name)
    assert project.files(name) == before


def test_root_seed_does_not_matter_to_a_split_by_time(project: SplitsProject) -> None:
    """It draws nothing, so another seed is no other split."""
    first = project.split("by_time").logical_hash
    before = project.files("by_time")
    project.content["seed"] = 2
    assert project.split("by_time").logical_hash == first
    after = project.files("by_time")
    manifests = [json.loads(files.pop("manifest.json"))["about"] for files in (before, after)]
    assert after == before
    assert {name for name in manifests[0] if manifests[0][name] != manifests[1][name]} == {"params/split@by_time"}


def test_empty_part_writes_nothing(project: SplitsProject) -> None:
    """A boundary after the last row: which part, the boundaries, and the times that there are; no file is left."""
    project.content["splits"]["by_time"]["boundaries"] = {"train": "2024-01-03", "validation": "2025-01-01"}
    with pytest.raises(SplitError, match="split by_time: test would be empty") as caught:
        project.split("by_time")
    assert "from 2024-01-01T00:00:00Z to 2024-01-06T00:39:00Z" in caught.value.found
    assert "validation before 2025-01-01" in caught.value.expected
    assert not project.paths.split("by_time").exists()


def test_part_that_becomes_empty_leaves_the_stored_split(project: SplitsProject) -> None:
    """A snapshot that lost the test days: the split of the snapshot before stays whole."""
    project.split("by_time")
    before = project.files("by_time")
    project.take_snapshot({0: "", 1: "", 2: "", 3: ""})
    with pytest.raises(SplitError, match="test would be empty"):
        project.split("by_time")
    assert project.files("by_time") == before


def test_snapshot_without_the_rows_table_is_refused(project: SplitsProject) -> None:
    """Nothing to part is no split."""
    project.take_snapshot({})
    with pytest.raises(SplitError, match="would be empty") as caught:
        project.split("by_car")
    assert caught.value.found == "no rows at all"


def test_raw_data_that_did_not_pass_is_not_split(project: SplitsProject) -> None:
    """Neither without a report, nor on a failed one, nor on one of another snapshot."""
    logical_hash = read_manifest(project.paths.snapshots, made_by="snapshot").logical_hash
    for is_passed, examined in ((False, logical_hash), (True, "another")):
        project.report(is_passed=is_passed, examined=examined)
        with pytest.raises(EvidenceError):
            project.split("by_time")
    project.paths.validation_report("raw").unlink()
    with pytest.raises(EvidenceError):
        project.split("by_time")
    assert not project.paths.split("by_time").exists()


def test_unit_that_masking_drops_is_refused(project: SplitsProject) -> None:
    """A split by an entity that nobody can look for afterwards would never be known to leak."""
    project.content["splits"]["by_car"]["unit"] = "driver"
    with pytest.raises(SplitError, match=r"trips\.driver") as caught:
        project.split("by_car")
    assert "masking.domains" in caught.value.next_step


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rule", [None, {"class": "quasi", "transform": "generalise", "to": "year", "reason": "a year is enough"}])
def test_time_that_masking_does_not_keep_is_refused(project: SplitsProject, name: str, rule: dict[str, str] | None) -> None:
    """Metadata and counts publish the earliest and latest time of parts; a masked time must not leave that way."""
    policy = project.content["masking"]["tables"]["trips"]
    policy["safe"].remove("start_utc")
    if rule is not None:
        policy["start_utc"] = rule
    with pytest.raises(SplitError, match=r"trips\.start_utc"):
        project.split(name)
    assert not project.paths.split(name).exists()


def test_key_that_masking_drops_is_refused(project: SplitsProject) -> None:
    """Rows without a masked key cannot be named."""
    del project.content["masking"]["domains"]["trip"]
    with pytest.raises(MaskingError, match=r"trips\.trip"):
        project.split("by_time")


def test_interrupted_write_is_not_taken_for_a_split_and_is_mended(project: SplitsProject) -> None:
    """Stopped while partitions are written: no reader takes it, custody still holds, and the next run ends as if nothing was."""
    project.split("by_car")
    whole = project.files("by_car")
    folder = project.paths.split("by_car")
    (folder / "manifest.json").rename(folder / "manifest.previous.json")
    (folder / day(0)).write_bytes(b"half")
    (folder / day(1)).unlink()
    with pytest.raises(DatasetError):
        read_manifest(folder, made_by="split@by_car")
    project.content["splits"]["by_car"]["salt"] = "v2"
    with pytest.raises(SplitError, match="its definition changed"):
        project.split("by_car")
    project.content["splits"]["by_car"]["salt"] = "v1"
    project.split("by_car")
    assert project.files("by_car") == whole


def test_lost_counts_are_counted_again(project: SplitsProject) -> None:
    """The sidecar is a saving, not a source: without it, or with a broken one, the same comes out."""
    project.split("by_time")
    before = project.files("by_time")
    for text in (None, "{", json.dumps({"schema_version": 1, "partitions": {}})):
        counts = project.paths.split("by_time") / "counts.json"
        counts.unlink() if text is None else counts.write_text(text)
        project.split("by_time")
        assert project.files("by_time") == before


@pytest.mark.slow
def test_stage_does_not_import_pandas(project: SplitsProject) -> None:
    """It would cost each refresh a quarter of a CPU second, for nothing."""
    project.split("by_car")
    shutil.rmtree(project.paths.split("by_car"))
    code = (
        "import sys; from tasks.__main__ import main; code = main(['split', 'by_car']); sys.exit(code or ('pandas' in sys.modules))"
    )
    root = project.paths.root
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
