"""One DVC stage is one Prefect task, on a real server; what dvc.lock holds is what `dvc repro` would leave."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from processes import PATIENCE_SECONDS, wait_until
from toy_project import make_toy

from flows.process_groups import has_ended

Run = Callable[..., subprocess.CompletedProcess[str]]
FLOW = """
import pathlib, sys
from prefect import flow
from flows.stage_runner import TASK_RUNNER, StageEvent, run_stages, watch_stages
from tasks.errors import WindtunnelError

@flow(task_runner=TASK_RUNNER)
def toy():
    return run_stages(pathlib.Path.cwd())

events = []
try:
    with watch_stages(events.append):
        print("ran", ",".join(toy()))
except WindtunnelError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
finally:
    print("events", " ".join(f"{e.address}={e.state}" for e in events))
"""
pytestmark = pytest.mark.slow


def test_lock_is_what_dvc_repro_leaves(toy: Path, tmp_path: Path, run_in: Run) -> None:
    """One path: the flow's dvc.lock has the entries that `dvc repro` writes; a second run runs nothing."""
    first = run_in(FLOW, toy)
    assert first.returncode == 0, first.stderr
    assert "ran first,second,aside,third" in first.stdout
    twin = make_toy(tmp_path / "twin")
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=twin, check=True)
    assert yaml.safe_load((toy / "dvc.lock").read_text()) == yaml.safe_load((twin / "dvc.lock").read_text())
    second = run_in(FLOW, toy)
    assert "ran \n" in second.stdout
    assert second.stdout.count("=up_to_date") == 4


def test_stages_and_states_reach_the_server(toy: Path, run_in: Run) -> None:
    """The server knows one task run per stage, its state, its log and the table of its outputs."""
    assert run_in(FLOW, toy).returncode == 0
    asked = run_in(
        """
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, LogFilter
with get_client(sync_client=True) as client:
    runs = client.read_task_runs(limit=4)
    print(sorted(r.name for r in runs), {r.state_name for r in runs})
    print([a.key for a in client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["stage-third"])))][:1])
    print("c.txt: 10 characters" in [l.message for l in client.read_logs(limit=200)])
""",
        toy,
    )
    assert asked.stdout.splitlines() == ["['aside', 'first', 'second', 'third'] {'Completed'}", "['stage-third']", "True"], (
        asked.stderr
    )


def test_failure_says_what_the_stage_said(tmp_path: Path, run_in: Run) -> None:
    """The stage's own words reach the user; what depends on it is not started; exit code 2."""
    done = run_in(FLOW, make_toy(tmp_path / "bad", seed="bad"))
    assert done.returncode == 2
    assert "a.txt: a bad seed was found" in done.stderr
    assert "Traceback" not in done.stderr
    assert "third=" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_stage_outlives_its_flow(number: signal.Signals, tmp_path: Path, prefect_api: str) -> None:
    """Ctrl-C, termination and kill -9 of the flow end the stage's process too."""
    toy = make_toy(tmp_path / "slow", seed="slow")
    env = {**os.environ, "PREFECT_API_URL": prefect_api}
    flow = subprocess.Popen([sys.executable, "-c", FLOW], cwd=toy, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pids = toy / "running.pid"
    stage = int(wait_until("the stage runs", lambda: pids.exists() and pids.read_text()))
    flow.send_signal(number)
    flow.communicate(timeout=PATIENCE_SECONDS)
    wait_until("the stage has ended", lambda: has_ended(stage))


def test_ctrl_c_that_gets_lost_still_ends_the_run(tmp_path: Path, prefect_api: str) -> None:
    """Where Python's exception never comes through, the stage is ended all the same, no other is begun, and the run says so."""
    toy = make_toy(tmp_path / "slow", seed="slow")
    env = {**os.environ, "PREFECT_API_URL": prefect_api}
    losing = "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\n" + FLOW
    flow = subprocess.Popen(
        [sys.executable, "-c", losing], cwd=toy, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pids = toy / "running.pid"
    stage = int(wait_until("the stage runs", lambda: pids.exists() and pids.read_text()))
    flow.send_signal(signal.SIGINT)
    said = flow.communicate(timeout=PATIENCE_SECONDS)
    wait_until("the stage has ended", lambda: has_ended(stage))
    assert "KeyboardInterrupt" in said[1]
    assert "ran" not in said[0]
