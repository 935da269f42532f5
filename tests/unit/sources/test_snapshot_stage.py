"""``python -m tasks snapshot`` as DVC runs it: one summary line, and faults that lose nothing."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from small_lake import MOMENT, after

from tasks.datasets import read_manifest
from tasks.errors import DatasetError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Manifest
from tasks.sources import open_lake, pin_lake, write_pin

_REPOSITORY = Path(__file__).parents[3]
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
_COMMAND = (sys.executable, "-m", "tasks", "snapshot")


class Project:
    """A project with the repository's own parameters, and a lake of whatever columns they declare."""

    def __init__(self, root: Path, days: int = 2, rows: int = 50) -> None:
        self.paths = ProjectPaths(root)
        (root / "tasks/stages").mkdir(parents=True)  # as in a clone, which has no version lock
        root.mkdir(exist_ok=True)
        content = yaml.safe_load((_REPOSITORY / "params.yaml").read_bytes())
        content["snapshot"] |= {"lake": "lake", "as_of_utc": after(days).isoformat()}
        self.paths.params.write_text(yaml.safe_dump(content))
        for name, table in content["snapshot"]["tables"].items():
            for day in range(days):
                self._write_day(name, table, day, rows)
        self.pin()

    def _write_day(self, name: str, table: dict[str, object], day: int, rows: int) -> None:
        columns = {column: pa.array([f"{column} {day} {row}" for row in range(rows)]) for column in table["columns"]}
        columns[table["known"]] = pa.array([after(day)] * rows, MOMENT)
        file = self.paths.root / "lake" / name / f"day={day}" / "part-0.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), file)

    def pin(self) -> None:
        params = load_params(self.paths.params).snapshot
        write_pin(self.paths.pin, pin_lake(open_lake(params.lake, self.paths.root), params, None))

    def run(self, command: Sequence[str] = _COMMAND, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.paths.root, env=_ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False, **options
        )

    def manifest(self) -> Manifest:
        return read_manifest(self.paths.snapshots, made_by="snapshot")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project with a pin."""
    return Project(tmp_path / "project")


def test_says_what_it_did(project: Project) -> None:
    """One line; the second run leaves everything alone, to the byte."""
    first = project.run()
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "snapshot: 12 partitions written, 0 unchanged, 600 rows\n"
    before = {path: path.stat().st_mtime_ns for path in project.paths.snapshots.rglob("*.parquet")}
    manifest = project.manifest()
    assert project.run().stdout == "snapshot: 0 partitions written, 12 unchanged, 600 rows\n"
    assert {path: path.stat().st_mtime_ns for path in project.paths.snapshots.rglob("*.parquet")} == before
    assert project.manifest() == manifest


def _without_pin(project: Project) -> None:
    project.paths.pin.unlink()


def _without_lake(project: Project) -> None:
    shutil.rmtree(project.paths.root / "lake")


def _with_a_deleted_file(project: Project) -> None:
    next((project.paths.root / "lake").rglob("*.parquet")).unlink()


def _with_another_as_of(project: Project) -> None:
    content = yaml.safe_load(project.paths.params.read_text())
    content["snapshot"]["as_of_utc"] = after(9).isoformat()
    project.paths.params.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_without_pin, "next:     windtunnel pin"),
        (_without_lake, "no such folder"),
        (_with_a_deleted_file, "changed or deleted between pin and copy"),
        (_with_another_as_of, "as_of_utc"),
    ],
)
def test_fault_is_one_message_and_exit_2(project: Project, spoil, says: str) -> None:
    """No traceback, no summary, no manifest."""
    spoil(project)
    done = project.run()
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (project.paths.snapshots / "manifest.json").exists()


_HEAVY = """
import sys
from tasks.__main__ import main
main(["snapshot"])
print(sorted({"pandas", "duckdb", "sklearn", "prefect"} & set(sys.modules)))
"""


def test_loads_no_heavy_library(project: Project) -> None:
    """The stage pays for Arrow only; pandas alone would double a refresh."""
    done = project.run((sys.executable, "-c", _HEAVY))
    assert done.stdout.splitlines() == ["snapshot: 12 partitions written, 0 unchanged, 600 rows", "[]"]


_KILLED = """
import os, signal
from pathlib import Path
from tasks.__main__ import main

rename = Path.replace
def die_at_the_fifth(self, target):
    if len(list(Path("data/snapshots").rglob("*.parquet"))) >= 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)

Path.replace = die_at_the_fifth
main(["snapshot"])
"""


@pytest.mark.slow
def test_killed_run_is_finished_by_the_next(project: Project) -> None:
    """``kill -9`` half-way: what is there is refused, and the next run ends where an undisturbed one does."""
    assert project.run((sys.executable, "-c", _KILLED)).returncode == -signal.SIGKILL
    assert list(project.paths.snapshots.rglob("*.part"))
    with pytest.raises(DatasetError, match="interrupted"):
        project.manifest()
    assert project.run().returncode == 0
    finished = project.manifest()
    shutil.rmtree(project.paths.snapshots)
    assert project.run().returncode == 0
    assert project.manifest() == finished
    assert {path.suffix for path in project.paths.snapshots.rglob("*") if path.is_file()} == {".parquet", ".json"}


@pytest.mark.slow
def test_killed_refresh_trusts_only_whole_files(project: Project) -> None:
    """A run cut off in a finished dataset: a file that is not as the last manifest says is written again."""
    project.run()
    whole = project.manifest()
    (project.paths.snapshots / "manifest.json").rename(project.paths.snapshots / "manifest.previous.json")
    first = next(project.paths.snapshots.rglob("*.parquet"))
    first.write_bytes(b"x" * first.stat().st_size)
    done = project.run()
    assert done.stdout == "snapshot: 1 partitions written, 11 unchanged, 600 rows\n"
    assert project.manifest() == whole


def _limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))


@pytest.mark.slow
def test_no_room_to_write(project: Project) -> None:
    """A write that fails is told as such; nothing half-written stays, and with room the next run finishes."""
    done = project.run(preexec_fn=_limit_file_size)
    assert done.returncode == 2
    assert "a file may not grow further" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.paths.snapshots / "manifest.json").exists()
    assert not list(project.paths.snapshots.rglob("*.part"))
    assert project.run().returncode == 0


_CAN_MOUNT = os.geteuid() == 0 and subprocess.run(("unshare", "-m", "true"), capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _CAN_MOUNT, reason="only root may mount the small disk; test_no_room_to_write covers the rest")
def test_full_disk(tmp_path: Path) -> None:
    """On a disk that is really full: exit 2, one message, nothing half-written; with room, the same snapshot as ever."""
    project = Project(tmp_path / "project", days=4, rows=400)
    assert project.run().returncode == 0
    expected = project.manifest()
    shutil.rmtree(project.paths.snapshots)
    script = """
        mkdir small && mount -t tmpfs -o size=100k tmpfs small && cp data/pin.json small/ && mount --bind small data || exit 99
        "$@"; echo "full: $?"
        find data -name '*.part' -o -name manifest.json
        mount -o remount,size=50m small || exit 99
        "$@" > /dev/null; echo "room: $?"
        cat data/snapshots/manifest.json
    """
    done = project.run(("unshare", "-m", "sh", "-c", script, "sh", *_COMMAND))
    full, room, manifest = done.stdout.split("\n", 2)
    assert (full, room) == ("full: 2", "room: 0")
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert Manifest.from_json(manifest, origin="the small disk") == expected
