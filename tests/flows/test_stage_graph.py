"""The plan is DVC's own graph and DVC's own opinion of what is stale."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows.stage_graph import count_stages, plan_stages, read_outputs
from tasks.errors import StageError

pytestmark = pytest.mark.slow


def _repro(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=folder, check=True)


def test_edges_and_order_come_from_dvc(toy: Path) -> None:
    """Upstream stages come first, each with the stages it waits for."""
    planned = {stage.address: stage.upstream for stage in plan_stages(toy)}
    assert planned == {"first": (), "second": ("first",), "aside": (), "third": ("second", "aside")}
    assert list(planned).index("third") == 3


def test_a_target_brings_only_what_it_needs(toy: Path) -> None:
    """Stages that the target does not need are not planned."""
    assert [stage.address for stage in plan_stages(toy, ["second"])] == ["first", "second"]


def test_nothing_is_stale_after_dvc_repro(toy: Path) -> None:
    """A finished pipeline has nothing to run; a changed input makes what is below it stale, and no more."""
    _repro(toy)
    assert not any(stage.is_stale for stage in plan_stages(toy))
    (toy / "b.txt").unlink()
    assert [stage.address for stage in plan_stages(toy) if stage.is_stale] == ["second", "third"]


def test_unknown_target_is_named(toy: Path) -> None:
    """A target that dvc.yaml does not have is an error that lists the stages."""
    with pytest.raises(StageError, match="'nothing'") as error:
        plan_stages(toy, ["nothing"])
    assert "third" in error.value.expected


def test_broken_graph_is_named(toy: Path) -> None:
    """A dvc.yaml that DVC cannot read is an error, not a traceback."""
    (toy / "dvc.yaml").write_text("stages: [")
    for ask in (plan_stages, count_stages):
        with pytest.raises(StageError, match=r"dvc\.yaml"):
            ask(toy)


def test_stages_are_counted_without_looking_at_data(toy: Path) -> None:
    """As many as a plan has, also where nothing has been run."""
    assert count_stages(toy) == len(plan_stages(toy)) == 4


def test_outputs_are_those_of_the_lock(toy: Path) -> None:
    """Hash and size are what dvc.lock records."""
    _repro(toy)
    (output,) = read_outputs(toy, "first")
    assert (output.path, output.size) == ("a.txt", 5)
    assert output.md5 in (toy / "dvc.lock").read_text()


def test_locks_of_a_killed_dvc_are_released_although_its_number_lives_on(toy: Path) -> None:
    """It has ended and nobody asks for it, as in a container without an init; DVC alone would wait for it for ever."""
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    living = {"pid": os.getpid(), "cmd": "another run"}
    held = {"pid": ended.pid, "cmd": "dvc repro"}
    rwlock = toy / ".dvc/tmp/rwlock"
    rwlock.write_text(json.dumps({"write": {"a.txt": held}, "read": {"seed.txt": [held, living]}}))
    plan_stages(toy)
    assert json.loads(rwlock.read_text()) == {"write": {}, "read": {"seed.txt": [living]}}
    ended.wait()


@pytest.mark.parametrize(
    "half", ["", "schema: '2.0'\n", "stages:\n  first: {cmd: x, outs: [{pa"], ids=["empty", "no stages", "cut"]
)
def test_a_lock_that_is_being_written_is_read_again(toy: Path, half: str) -> None:
    """Another stage ends at the same moment, and DVC writes dvc.lock anew: what is read meanwhile is no crash."""
    _repro(toy)
    whole = (toy / "dvc.lock").read_text()
    (toy / "dvc.lock").write_text(half)
    writer = threading.Timer(0.3, lambda: (toy / "dvc.lock").write_text(whole))
    writer.start()
    (output,) = read_outputs(toy, "first")
    writer.join()
    assert output.path == "a.txt"


def test_a_lock_without_the_stage_is_told(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it never comes, the message names the stage."""
    monkeypatch.setattr("flows.stage_graph._WHOLE_WITHIN_SECONDS", 0.1)
    _repro(toy)
    with pytest.raises(StageError, match="no outputs of the stage fifth"):
        read_outputs(toy, "fifth")
