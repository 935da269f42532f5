"""Promotion as users see it: the flow suspended in Prefect, a real MLflow registry, DVC's cache, and the command line."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import wait_until
from promotable_project import HERE, judge_promotable, make_promotable, write_params
from server_api import Api
from signed_project import ADA, BOB, ROBOT
from small_project import call

from tasks.paths import ProjectPaths

pytestmark = [pytest.mark.slow, pytest.mark.faults]
GRAPH = 'stages: {toy: {cmd: "true", outs: [data/masked, data/features, data/splits, data/models, data/predictions]}}\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Path]) -> Path:
    """A user's project, judged to promote, with its data in DVC's cache; nobody has approved it."""
    root = make_promotable(tmp_path_factory.mktemp("whole") / "project", keys).root
    (root / "windtunnel.lock").write_text("version: test\n")
    (root / "dvc.yaml").write_text(GRAPH)
    call(root, "dvc", "init", "-q")
    keep_data(root)
    call(root, "git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-a", "-m", "a project with data")
    return root


def keep_data(root: Path) -> None:
    """Let DVC know the data as it lies."""
    call(root, "dvc", "commit", "--force", "-q", "toy")
    call(root, "git", "add", "-A")


@pytest.fixture(scope="module")
def api(root: Path) -> Iterator[Api]:
    try:
        yield Api(json.loads(call(root, "windtunnel", "up", "--port", "0", "--json").stdout)["api"])
    finally:
        call(root, "windtunnel", "down")


@pytest.fixture(scope="module")
def promoted(root: Path, api: Api, keys: dict[str, Path]) -> str:
    """The flow run that promoted the first champion, after a wait for its approval."""
    run = api.start("promote_model", verdict=HERE)
    wait_until("the run is suspended", lambda: api.run(run)["state"]["name"] == "Suspended")
    resume(api, run, sign(root, keys[BOB]))
    assert api.finish(run) == "Completed", api.log(run)
    return run


def sign(root: Path, key: Path) -> str:
    return call(root, "windtunnel", "approve", HERE, "--key", str(key), "--reason", "agreed", "--print").stdout


def resume(api: Api, run: str, approval: str) -> None:
    """Answer the form, which Prefect stores a moment after it has called the run suspended."""

    def answered() -> Any:
        answer = api.ask("POST", f"/flow_runs/{run}/resume", {"run_input": {"approval": approval}})
        return None if answer["details"].get("reason") == "Run input schema not found." else answer

    answer = wait_until("the form is there", answered)
    assert answer["status"] == "ACCEPT", answer


def show(root: Path, *words: str, code: int = 0) -> dict[str, object]:
    found: dict[str, object] = json.loads(call(root, "windtunnel", *words, "--json", code=code).stdout)
    return found


def test_a_signature_resumes_the_run_and_promotes(root: Path, promoted: str, api: Api) -> None:
    """The approval is in the log by its signer, the registry agrees, and an event says so."""
    found = show(root, "champion")
    assert found["registry"]["status"] == "holds"
    assert found["champion"]["version"] == "1"
    assert found["moves"][0]["about"]["approved_by"] == BOB
    api.wait_for_event("windtunnel.champion.promoted", version="1")
    assert "approved by" in api.log(promoted)


def test_a_run_of_an_approved_verdict_waits_for_nobody(root: Path, promoted: str, api: Api) -> None:
    """It is the champion already: the run completes and changes nothing."""
    run = api.start("promote_model", verdict=HERE)
    assert api.finish(run) == "Completed", api.log(run)
    assert len(show(root, "champion")["moves"]) == 2


def test_the_next_one_is_promoted_and_rolled_back_by_hand(root: Path, promoted: str, api: Api, keys: dict[str, Path]) -> None:
    """Another challenger, a name in place of a signature in the form, the command line, a drill and a rollback."""
    paths = ProjectPaths(root)
    write_params(paths, C=0.5)
    judge_promotable(paths, keys[ROBOT])
    keep_data(root)
    run = api.start("promote_model", verdict=HERE)
    wait_until("the run is suspended", lambda: api.run(run)["state"]["name"] == "Suspended")
    resume(api, run, "ada")
    assert api.finish(run) == "Failed"
    assert show(root, "champion")["champion"]["version"] == "1"
    call(root, "windtunnel", "approve", "--key", str(keys[ADA]), "--reason", "agreed")
    assert show(root, "promote")["champion"]["version"] == "2"
    drill = show(root, "rollback", "--drill")
    assert drill["champion"]["version"] == "1"
    assert drill["flip_ms"] > 0
    assert show(root, "champion")["champion"]["version"] == "2"
    rolled = show(root, "rollback", "--reason", "too slow")
    print(f"load {os.getloadavg()[0]:.1f}: drill {drill['flip_ms']} ms in {drill['seconds']} s; rollback {rolled['seconds']} s")
    assert show(root, "champion")["champion"] == rolled["champion"]
    assert rolled["champion"]["version"] == "1"
    refused = call(root, "windtunnel", "promote", code=2).stderr
    assert re.search("rolled back", refused)
    there = root.parent / "champion"
    found = show(root, "champion", "--checkout", str(there))
    assert (found["missing"], found["champion"]) == ([], rolled["champion"])
    call(there, "windtunnel", "verify", "--level", "hashes")
