"""Faults of a run: killed, stopped, doubled, out of disk, without its server. Nothing half-written counts, nothing lives on."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults import assert_told, assert_told_by_dvc, contents, forget_runs, hold_training, running
from processes import PATIENCE_SECONDS, processes_in, wait_until
from small_project import call, environment

pytestmark = [pytest.mark.slow, pytest.mark.faults]
KILLER = Path(__file__).parent / "kill_at_write"
STAGES = [
    ("snapshot", ("snapshot",), ("data/snapshots",), 3),
    ("mask", ("mask",), ("data/masked",), 3),
    ("split@by_time", ("split", "by_time"), ("data/splits/by_time",), 3),
    ("features", ("features",), ("data/features",), 3),
    ("train", ("train",), ("data/models", "data/evidence"), 1),
    ("evaluate", ("evaluate",), ("data/evaluation", "data/predictions"), 1),
    ("gate", ("gate",), ("data/verdict.json",), 1),
    ("report", ("report",), ("data/reports",), 1),
]
"""Address, command, outputs, and the write below the first output at which the stage is killed."""
WHOLE = ("data/snapshots/manifest.json", "data/masked/manifest.json", "data/splits/by_time/manifest.json")
WHOLE += ("data/features/manifest.json", "data/models/challenger.json", "data/evaluation/evaluation.json")
WHOLE += ("data/verdict.json", "data/reports/report.html")
"""What each stage's readers go by."""


def _all_contents(project: Path, outputs: tuple[str, ...]) -> dict[str, str]:
    data = contents(project / "data")
    return {path: digest for path, digest in data.items() if f"data/{path}".startswith(outputs)}


@pytest.mark.parametrize(("address", "command", "outputs", "write"), STAGES, ids=[stage[0] for stage in STAGES])
def test_a_stage_that_is_killed_leaves_nothing_whole_and_runs_again(
    project: Path, address: str, command: tuple[str, ...], outputs: tuple[str, ...], write: int
) -> None:
    """`kill -9` while it writes: no manifest, no card, no verdict; the re-run leaves what an undisturbed run leaves."""
    undisturbed = _all_contents(project, outputs)
    forget_runs(project, *outputs)
    killed = {"PYTHONPATH": str(KILLER), "KILL_AT_WRITE": f"{project / outputs[0]}:{write}"}
    assert call(project, "python", "-m", "tasks", *command, code=None, **killed).returncode == -signal.SIGKILL
    left = _all_contents(project, outputs)
    assert any(".part" in path for path in left), "it was killed while it wrote"
    assert not [path for path in WHOLE if path.startswith(outputs[0]) and (project / path).exists()]
    call(project, "dvc", "repro", "-s", address)
    assert _all_contents(project, outputs) == undisturbed


def test_a_validation_that_is_killed_permits_nothing(project: Path) -> None:
    """The permission that was there is withdrawn before anything is examined; the re-run gives it again."""
    report = project / "data/validation/raw.json"
    undisturbed = report.read_text()
    forget_runs(project)
    killed = {"PYTHONPATH": str(KILLER), "KILL_AT_WRITE": f"{report}:2"}
    assert call(project, "python", "-m", "tasks", "validate", "raw", code=None, **killed).returncode == -signal.SIGKILL
    assert json.loads(report.read_text())["is_passed"] is False
    assert_told(call(project, "python", "-m", "tasks", "mask", code=None), "validation of raw")
    call(project, "dvc", "repro", "-s", "validate_raw")
    assert report.read_text() == undisturbed


def test_two_runs_at_once(project: Path) -> None:
    """The second run, and a `dvc repro` beside it, are told to wait; the first is not disturbed and ends in its verdict."""
    go = hold_training(project)
    with running(project) as first:
        assert_told(call(project, "windtunnel", "run", code=None), "another run at work", f"process {first.pid}")
        beside = call(project, "dvc", "repro", "-s", "train", code=None)
        assert beside.returncode not in (0, 1)
        assert "lock" in beside.stderr.lower()
        go.touch()
        said = first.communicate(timeout=300)[1]
    assert "train                  done" in said
    assert "report                 done" in said
    assert "up to date" in call(project, "dvc", "status").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "SIGTERM", "kill -9"])
def test_a_run_that_is_stopped_leaves_no_process(project: Path, number: signal.Signals) -> None:
    """Neither stage nor DVC nor server outlives it; it says that it was stopped, if it can; the same stages then finish."""
    go = hold_training(project)
    # Training, with what it measured, and the utility certificate are made again for this challenger, one beside the other.
    made_again = ("models/", "evidence/", "utility/")
    whole = {path: digest for path, digest in contents(project / "data").items() if not path.startswith(made_again)}
    with running(project) as run:
        assert any("prefect server" in line for line in processes_in(project).values())
        run.send_signal(number)
        said = run.communicate(timeout=PATIENCE_SECONDS)[1]
        wait_until("nothing of the run is left", lambda: not processes_in(project))
    assert run.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert number == signal.SIGKILL or said.rstrip().splitlines()[-1].startswith("stopped;"), said
    after = contents(project / "data")
    assert {path: after[path] for path in whole} == whole
    assert not [path for path in after if path.endswith(".part")]
    assert not (project / "data/models/challenger.json").exists()
    go.touch()
    resumed = call(project, "windtunnel", "run", code=None).stderr
    unchanged = {line.split()[0] for line in resumed.splitlines() if line.endswith("up to date")}
    # The certificate is made beside training, before it or after.
    assert unchanged - {"utility"} == {"snapshot", "mask", "split@by_time", "split@by_aircraft", "features", "disclosure"} | {
        f"validate_{subject}" for subject in ("raw", "masked", "splits", "features")
    }, resumed
    assert (project / "data/models/challenger.json").exists()
    assert json.loads((project / "data/utility/utility.json").read_text())["outcome"] in ("holds", "fails", "cannot_tell")


def test_a_server_that_dies_ends_the_run(project: Path) -> None:
    """With one message, exit code 2 and no stage left behind; not in minutes of attempts to reach it."""
    hold_training(project)
    with running(project) as run:
        for number, line in processes_in(project).items():
            if "prefect server" in line:
                os.kill(number, signal.SIGKILL)
        out, said = run.communicate(timeout=PATIENCE_SECONDS)
        assert_told(subprocess.CompletedProcess(run.args, run.returncode, out, said), "the Prefect server at", "dvc repro")
        wait_until("nothing of the run is left", lambda: not processes_in(project))


def test_a_server_that_is_down_is_told(project: Path) -> None:
    """PREFECT_API_URL names a port that nobody listens on: exit code 2 at once, for each command that needs it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    before = contents(project / "data")
    for command in ("run", "run --challenger examples/calibrated.py", "data refresh", "up"):
        done = call(project, "windtunnel", *command.split(), code=None, PREFECT_API_URL=url)
        assert_told(done, f"the Prefect server at {url}", "no answer", "PREFECT_API_URL")
    assert contents(project / "data") == before
    assert "up to date" in call(project, "dvc", "repro", PREFECT_API_URL=url).stdout


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of its own, as large as asked for (in bytes); asked again, it grows."""
    folder = tmp_path / "disk"
    folder.mkdir()
    probe = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if probe.returncode != 0:
        assert not os.environ.get("CI"), "CI may mount a tmpfs"
        pytest.skip("needs root, to mount a small disk")

    def resize(size: int) -> Path:
        subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)
        return folder

    try:
        yield resize
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk(project: Path, disk: Callable[[int], Path]) -> None:
    """The stage says that the disk is full, leaves nothing whole, and finishes once there is room."""
    undisturbed = contents(project / "data/masked")
    forget_runs(project, "data/masked")
    tight = Path(shutil.copytree(project, disk(1 << 30) / "project", symlinks=True))
    used = shutil.disk_usage(tight).used
    disk(used + (1 << 20))
    done = call(tight, "dvc", "repro", "-s", "mask", code=None)
    assert_told_by_dvc(done, "mask", "the disk is full", "make room")
    assert not (tight / "data/masked/manifest.json").exists()
    disk(1 << 30)
    call(tight, "dvc", "repro", "-s", "mask")
    assert contents(tight / "data/masked") == undisturbed


def test_a_disk_that_is_full_at_the_first_byte(project: Path) -> None:
    """As every user can have it, with the kernel's own full device in the place of a partition's file."""
    first = next((project / "data/masked/flights").rglob("*.parquet"))
    forget_runs(project, "data/masked")
    first.parent.mkdir(parents=True)
    # The names of unfinished partitions are drawn; here every one of them is the full device.
    code = (
        "import pathlib, sys; from tasks.__main__ import main\n"
        "write = pathlib.Path.write_bytes\n"
        "def full(path, data):\n"
        f"    if path.name.startswith({first.name!r}): path.symlink_to('/dev/full')\n"
        "    return write(path, data)\n"
        "pathlib.Path.write_bytes = full\n"
        "sys.exit(main(['mask']))"
    )
    done = subprocess.run(["python", "-c", code], cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert_told(done, "stage mask", "the disk is full", "make room")
    assert not (project / "data/masked/manifest.json").exists()
    assert not list((project / "data/masked").rglob("*.part"))
