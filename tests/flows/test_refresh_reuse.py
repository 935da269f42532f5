"""A refresh by one day, stage by stage, under the kernel's watch: what did not change is not opened."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from opened_files import opened_files
from small_project import call

from flows.params_edit import edit_params
from tasks.datasets import read_manifest
from tasks.paths import CANARY_FILE
from tasks.records import Pin
from tasks.validation.periods import name_period

pytestmark = pytest.mark.slow

DATASETS = ("snapshots", "masked", "splits/by_time", "splits/by_aircraft")
STAGES = ("snapshot", "validate raw", "mask", "validate masked", "split by_time", "split by_aircraft", "validate splits")
LAKE = ".windtunnel/demo-lake"


@dataclass(frozen=True)
class Refreshed:
    """What one more day changed, and what each stage opened: Parquet files, relative to the project."""

    opened: dict[str, set[str]]
    changed: dict[str, set[str]]
    """Dataset -> its partitions that were written anew, and ``lake`` -> the files whose known content is another one."""
    everything: dict[str, set[str]]

    def of(self, stage: str, folder: str) -> set[str]:
        return {path for path in self.opened[stage] if path.startswith(f"{folder}/")}


@pytest.fixture(scope="module")
def refreshed(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """The finished project after the stages of a refresh by one day."""
    root = Path(shutil.copytree(finished, tmp_path_factory.mktemp("refresh") / "project", symlinks=True))
    before = _contents(root)
    call(root, "windtunnel", "demo-lake", "--as-of", "2013-02-10")
    edit_params(root / "params.yaml", {"snapshot.as_of_utc": "2013-02-10T00:00:00Z"})
    call(root, "windtunnel", "pin")
    opened = {}
    for stage in STAGES:
        with opened_files(root / LAKE, root / "data") as found:
            call(root, sys.executable, "-m", "tasks", *stage.split())
        opened[stage] = {
            path.relative_to(root).as_posix() for path in found if path.suffix == ".parquet" and path.name != CANARY_FILE
        }
    after = _contents(root)
    changed = {
        name: {path for path, content in files.items() if before[name].get(path) != content} for name, files in after.items()
    }
    return Refreshed(opened, changed, {name: set(files) for name, files in after.items()})


def _contents(root: Path) -> dict[str, dict[str, object]]:
    """Path -> what it holds: of the pinned files of the lake, and of every partition."""
    pin = Pin.from_json((root / "data/pin.json").read_bytes(), origin="pin")
    contents: dict[str, dict[str, object]] = {
        "lake": {f"{LAKE}/{file.path}": (file.sha256, file.known_rows) for table in pin.tables.values() for file in table.files}
    }
    for name in DATASETS:
        manifest = read_manifest(root / "data" / name, made_by="the run before")
        partitions = (partition for table in manifest.tables.values() for partition in table.partitions)
        contents[name] = {f"data/{name}/{partition.path}": partition.sha256 for partition in partitions}
    return contents


def _months(paths: set[str], folder: str) -> set[tuple[str, str]]:
    return {(path.removeprefix(f"{folder}/").split("/")[0], name_period(path)) for path in paths}


def test_a_day_changes_little(refreshed: Refreshed) -> None:
    """The other tests would show nothing if nothing, or everything, had changed."""
    for name, paths in refreshed.changed.items():
        assert 0 < len(paths) < 0.2 * len(refreshed.everything[name]), name


def test_snapshot_opens_only_what_changed_in_the_lake(refreshed: Refreshed) -> None:
    """Each changed file is read once; no partition of the snapshot is opened, for new ones are renamed into place."""
    assert refreshed.of("snapshot", LAKE) == refreshed.changed["lake"]
    assert refreshed.of("snapshot", "data") == set()


def test_mask_opens_only_what_changed_in_the_snapshot(refreshed: Refreshed) -> None:
    """And what it made of that, to search it; nothing of what it masked before."""
    made = {path.replace("data/snapshots/", "data/masked/", 1) for path in refreshed.changed["snapshots"]}
    assert refreshed.of("mask", "data") == refreshed.changed["snapshots"] | made


@pytest.mark.parametrize("name", ["by_time", "by_aircraft"])
def test_split_opens_only_what_changed_in_the_rows(refreshed: Refreshed, name: str) -> None:
    """The changed partitions of the one table that is split; no assignment of an earlier run."""
    rows = {path for path in refreshed.changed["snapshots"] if path.startswith("data/snapshots/flights/")}
    assert refreshed.of(f"split {name}", "data") == rows


@pytest.mark.parametrize(("subject", "folder"), [("raw", "data/snapshots"), ("masked", "data/masked")])
def test_validation_opens_only_months_that_changed(refreshed: Refreshed, subject: str, folder: str) -> None:
    """A month with a changed day is examined whole, no other is."""
    opened = refreshed.of(f"validate {subject}", "data")
    changed = _months(refreshed.changed[folder.removeprefix("data/")], folder)
    assert _months(opened, folder) == changed
    assert opened < refreshed.everything[folder.removeprefix("data/")]


def test_search_for_leaks_opens_the_parted_rows_and_nothing_else(refreshed: Refreshed) -> None:
    """It compares each part with the others, so all rows of the split's table and all assignments; no other table."""
    rows = {path for path in refreshed.everything["masked"] if path.startswith("data/masked/flights/")}
    assigned = refreshed.everything["splits/by_time"] | refreshed.everything["splits/by_aircraft"]
    assert refreshed.of("validate splits", "data") == rows | assigned


def test_only_the_snapshot_opens_the_lake(refreshed: Refreshed) -> None:
    """Production is read by one stage."""
    assert [stage for stage in STAGES if refreshed.of(stage, LAKE)] == ["snapshot"]
