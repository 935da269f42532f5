"""The workflow server with worker and deployments on a small real project: started, used, broken and stopped as by a user.

One server for the whole file. The fixtures are the chapters of its story, each on the data of the one before it.
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
import yaml
from processes import processes_in, wait_until
from server_api import Api
from sign_demo_policy import sign_demo_policy
from small_project import call, make_small_project

from flows.params_edit import edit_params

pytestmark = [pytest.mark.slow, pytest.mark.faults]
AS_OF = "2013-02-09T00:00:00Z"
NEXT_DAY = "2013-02-10T00:00:00Z"
LANDED = "data/2013-02-09"
RETIRED = "data/2013-01-05"
STAGES = 16
LENIENT = {
    "validation": {"evidence": "validation", "critical": True},
    "ranking": {"metric": "roc_auc", "bound": 0.5, "margin": 0.05, "min_rows": 500, "critical": True},
}
CHALLENGER = """
from sklearn.ensemble import HistGradientBoostingClassifier

estimator = HistGradientBoostingClassifier(max_iter=20)
"""


@dataclass(frozen=True)
class Served:
    """A project whose server is up."""

    folder: Path
    api: Api

    def commit(self, changes: dict[str, Any]) -> None:
        edit_params(self.folder / "params.yaml", changes)
        sign_demo_policy(self.folder)
        call(self.folder, "git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-a", "-m", "change")

    def pids(self) -> dict[str, int]:
        return json.loads((self.folder / ".windtunnel/server/server.json").read_text())

    def slots_in_use(self) -> int:
        return int(self.api.deployments()["refresh_data"]["global_concurrency_limit"]["active_slots"])


def _up(folder: Path, **extra: str) -> Api:
    return Api(json.loads(call(folder, "windtunnel", "up", "--port", "0", "--json", **extra).stdout)["api"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A project without data, whose challenger will be promoted, after `windtunnel up`; no git identity."""
    folder = make_small_project(tmp_path_factory.mktemp("served") / "project")
    try:
        served = Served(folder, _up(folder))
        boundaries = {"train": "2013-01-20", "validation": "2013-01-25"}
        served.commit({"gates.criteria": LENIENT, "splits.by_time.boundaries": boundaries})
        yield served
    finally:
        call(folder, "windtunnel", "down")


@pytest.fixture(scope="module")
def refreshed(served: Served) -> tuple[str, str]:
    """Two refreshes, the second started while the first is at work."""
    first = served.api.start("refresh_data", as_of_utc=AS_OF, reason="chapter one")
    wait_until("the first runs", lambda: served.api.run(first)["state"]["name"] == "Running")
    second = served.api.start("refresh_data", reason="too early")
    assert served.api.finish(second) == "Cancelled"
    assert served.api.finish(first) == "Completed", served.api.log(first)
    return first, second


@pytest.fixture(scope="module")
def candidate(served: Served, refreshed: tuple[str, str]) -> str:
    """Another challenger, judged through the API on the data that was landed; its branch."""
    (served.folder / "shallow.py").write_text(CHALLENGER)
    run = served.api.start("evaluate_candidate", challenger="shallow.py", reason="chapter two")
    assert served.api.finish(run) == "Completed", served.api.log(run)
    return call(served.folder, "git", "for-each-ref", "--format=%(refname:short)", "refs/heads/candidates").stdout.strip()


@pytest.fixture(scope="module")
def changed(served: Served, candidate: str) -> tuple[str, set[str]]:
    """The same day judged by a stricter criterion, with an automation on the changed verdict and one refresh to keep.

    Returns the run, and the hashes that only the retired branch held.
    """
    retired = _objects(served, candidate) - _objects(served, LANDED)
    assert retired <= _cached(served)
    call(served.folder, "git", "branch", "-M", candidate, RETIRED)
    gate = served.api.deployments()["release_gate"]["id"]
    action = {"type": "run-deployment", "source": "selected", "deployment_id": gate, "parameters": {"verdict": "newest"}}
    trigger = {"type": "event", "posture": "Reactive", "expect": ["windtunnel.verdict.changed"], "threshold": 1, "within": 0}
    served.api.ask("POST", "/automations/", {"name": "gate a changed verdict", "trigger": trigger, "actions": [action]})
    served.commit({"gates.criteria.ranking.bound": 0.99, "refresh.keep": 1})
    run = served.api.start("refresh_data", as_of_utc=AS_OF, reason="stricter")
    assert served.api.finish(run) == "Completed", served.api.log(run)
    return run, retired


def _objects(served: Served, commit: str) -> set[str]:
    """The hashes of all folders that ``commit`` keeps in the cache, and of the files in them."""
    lock = yaml.safe_load(call(served.folder, "git", "show", f"{commit}:dvc.lock").stdout)
    folders = {out["md5"] for stage in lock["stages"].values() for out in stage["outs"] if out["md5"].endswith(".dir")}
    cache = served.folder / ".dvc/cache/files/md5"
    files = {file["md5"] for md5 in folders for file in json.loads((cache / md5[:2] / md5[2:]).read_text())}
    return folders | files


def _cached(served: Served) -> set[str]:
    return {f"{path.parent.name}{path.name}" for path in (served.folder / ".dvc/cache/files/md5").glob("*/*")}


def test_up_is_told_by_status_and_doctor(served: Served) -> None:
    """Server, worker and SQLite are there, below .windtunnel/server, and both commands say so."""
    status = json.loads(call(served.folder, "windtunnel", "status", "--json").stdout)
    assert status["server"] == served.api.url.removesuffix("/api")
    assert status["is_worker_running"] is True
    findings = json.loads(call(served.folder, "windtunnel", "doctor", "--json").stdout)
    assert {finding["name"]: finding["found"] for finding in findings}["workflow server"] == status["server"]
    assert list((served.folder / ".windtunnel/server").rglob("prefect.db"))
    assert any("worker start" in command for command in processes_in(served.folder).values())


def test_forms_are_typed_and_explained(served: Served) -> None:
    """Each flow's parameters have their type and a description in the form."""
    found = {name: deployment["parameter_openapi_schema"]["properties"] for name, deployment in served.api.deployments().items()}
    assert {name: list(properties) for name, properties in found.items()} == {
        "refresh_data": ["as_of_utc", "reason"],
        "evaluate_candidate": ["challenger", "split", "reason", "view"],
        "release_gate": ["verdict"],
        "promote_model": ["verdict", "refit_on_raw"],
    }
    assert {"type": "string", "format": "date-time"} in found["refresh_data"]["as_of_utc"]["anyOf"]
    assert found["refresh_data"]["reason"]["type"] == "string"
    assert {"type": "string"} in found["evaluate_candidate"]["challenger"]["anyOf"]
    assert found["release_gate"]["verdict"]["type"] == "string"
    assert all(form["description"] for properties in found.values() for form in properties.values())


def test_up_again_keeps_the_worker_and_takes_the_new_schedule(served: Served) -> None:
    """A second `up` starts nothing; the nightly schedule, one at a time and in UTC, is as params.yaml now says."""
    before = served.pids()
    served.commit({"refresh.cron": "30 4 * * *"})
    _up(served.folder)
    assert served.pids() == before
    nightly = served.api.deployments()["refresh_data"]
    assert [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in nightly["schedules"]] == [
        ("30 4 * * *", "UTC", True)
    ]
    assert nightly["global_concurrency_limit"]["limit"] == 1
    assert nightly["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    workers = served.api.ask("POST", "/work_pools/windtunnel/workers/filter", {})
    assert len(workers) == 1


def test_second_refresh_is_cancelled_and_the_first_lands(served: Served, refreshed: tuple[str, str]) -> None:
    """One at a time: the second says why it was cancelled, the first is a commit with its reason, made without an identity."""
    _, second = refreshed
    assert "concurrency" in served.api.run(second)["state"]["message"].lower()
    shown = call(served.folder, "git", "show", "-s", "--format=%an %B", LANDED).stdout
    assert "chapter one" in shown
    assert shown.startswith("Windtunnel ")
    assert not (served.folder / ".windtunnel/worktrees/refresh").exists()
    landed = served.api.wait_for_event("windtunnel.refresh.landed", branch=LANDED)
    assert landed["payload"]["commit"] == call(served.folder, "git", "rev-parse", LANDED).stdout.strip()
    assert served.slots_in_use() == 0


def test_each_stage_is_a_task_with_state_log_and_outputs(served: Served, refreshed: tuple[str, str]) -> None:
    """Every stage of dvc.yaml is Completed, its lines are in the log, and its outputs stand in a table with their hash."""
    first, _ = refreshed
    lock = yaml.safe_load(call(served.folder, "git", "show", f"{LANDED}:dvc.lock").stdout)["stages"]
    assert len(lock) == STAGES
    tasks, artifacts, log = served.api.tasks(first), served.api.artifacts(first), served.api.log(first)
    assert {name: tasks[name]["state"]["name"] for name in lock} == dict.fromkeys(lock, "Completed")
    assert "mask: " in log
    for name, stage in lock.items():
        artifact = artifacts[f"stage-{name.replace('@', '-').replace('_', '-')}"]
        assert artifact["type"] == "table"
        assert {(row["output"], row["md5"]) for row in json.loads(artifact["data"])} == {
            (out["path"], out["md5"]) for out in stage["outs"]
        }
        assert artifact["task_run_id"] == tasks[name]["id"]


def test_verdict_and_report_can_be_read_after_the_worktree_is_gone(served: Served, refreshed: tuple[str, str]) -> None:
    """The verdict is shown as Markdown; the report's link leads to a page that is there."""
    artifacts = served.api.artifacts(refreshed[0])
    assert artifacts["verdict"]["data"].startswith("## Promote")
    address = artifacts["report"]["data"].partition("](")[2].rstrip(")")
    page = Path(urlparse(address).path)
    assert "<html" in page.read_text()
    assert page.is_relative_to(served.folder / ".windtunnel/results" / LANDED)
    assert address in artifacts["report"]["description"]


def test_candidate_lands_on_a_branch_of_its_own(served: Served, candidate: str) -> None:
    """Only what depends on the challenger ran again; file, parameters and verdict are on the branch, results are kept."""
    run = served.api.ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["evaluate_candidate"]}}})[0]["id"]
    states = {name: task["state"]["name"] for name, task in served.api.tasks(run).items()}
    assert candidate.startswith("candidates/shallow-")
    assert states["features"] == states["mask"] == "UpToDate"
    assert states["train"] == states["gate"] == "Completed"
    assert (served.folder / ".windtunnel/results" / candidate / "report.html").exists()
    assert not (served.folder / "challengers").exists()


def test_release_gate_completes_for_a_promoted_verdict_only(served: Served, candidate: str) -> None:
    """The landed verdict promotes; a branch that is not there fails the flow."""
    assert served.api.finish(served.api.start("release_gate", verdict=LANDED)) == "Completed"
    assert served.api.finish(served.api.start("release_gate", verdict="data/2000-01-01")) == "Failed"


def test_changed_verdict_is_an_event_that_an_automation_acts_on(served: Served, changed: tuple[str, set[str]]) -> None:
    """Promote became reject: the automation starts the release gate, which fails; untouched stages are UpToDate."""
    event = served.api.wait_for_event("windtunnel.verdict.changed")
    assert event["payload"] == {"before": "promote", "after": "reject", "branch": LANDED}
    states = {name: task["state"]["name"] for name, task in served.api.tasks(changed[0]).items()}
    assert states["snapshot"] == states["evaluate"] == "UpToDate"
    assert states["gate"] == "Completed"

    def started() -> Any:
        wanted = {"deployments": {"name": {"any_": ["release_gate"]}}, "sort": "START_TIME_DESC"}
        runs = served.api.ask("POST", "/flow_runs/filter", wanted)
        return next((run for run in runs if run["parameters"] == {"verdict": "newest"}), None)

    run = wait_until("the automation starts the gate", started)
    assert served.api.finish(run["id"]) == "Failed"
    assert "reject" in served.api.run(run["id"])["state"]["message"]


def test_retention_drops_the_old_refresh_and_nothing_in_use(served: Served, changed: tuple[str, set[str]]) -> None:
    """With keep 1 the older branch is gone, and from the cache what only it held; all that the kept one holds is there."""
    _, retired = changed
    branches = call(served.folder, "git", "for-each-ref", "--format=%(refname:short)", "refs/heads/data").stdout.split()
    assert branches == [LANDED]
    assert _objects(served, LANDED) <= _cached(served)
    assert retired
    assert not retired & _cached(served)


def test_cancelled_run_leaves_no_orphan_and_is_an_event(served: Served, changed: tuple[str, set[str]]) -> None:
    """Cancelled through the API in a stage: no process of it is left, its slot is free, and it is told as failed."""
    run = served.api.start("refresh_data", as_of_utc=NEXT_DAY, reason="to be cancelled")
    served.api.wait_for_task(run, "snapshot", "Running")
    served.api.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    assert served.api.finish(run) == "Cancelled"
    worktree = served.folder / ".windtunnel/worktrees/refresh"
    wait_until("its processes end", lambda: not processes_in(worktree))
    assert not [command for command in processes_in(served.folder).values() if "prefect.engine" in command]
    assert served.api.wait_for_event("windtunnel.refresh.failed", run=served.api.run(run)["name"])
    wait_until("its slot is free", lambda: served.slots_in_use() == 0)


def test_failing_refresh_is_an_event_and_replaces_the_worktree(served: Served, changed: tuple[str, set[str]]) -> None:
    """Without its lake a refresh fails with the reason in the event; what the last failed run left is gone."""
    leftover = served.folder / ".windtunnel/worktrees/refresh/leftover"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.touch()
    lake = served.folder / ".windtunnel/demo-lake"
    lake.rename(lake.with_name("away"))
    try:
        run = served.api.start("refresh_data", reason="no lake")
        assert served.api.finish(run) == "Failed"
    finally:
        lake.with_name("away").rename(lake)
    event = served.api.wait_for_event("windtunnel.refresh.failed", run=served.api.run(run)["name"])
    assert "demo-lake" in event["payload"]["message"]
    assert not leftover.exists()
    assert call(served.folder, "git", "rev-parse", LANDED).stdout.strip()


def test_run_that_died_with_its_machine_is_ended_by_the_next_up(served: Served, changed: tuple[str, set[str]]) -> None:
    """All killed at once, as by a power cut: `up` calls the run crashed, tells it, and the next refresh is not cancelled."""
    run = served.api.start("refresh_data", as_of_utc=NEXT_DAY, reason="power cut")
    served.api.wait_for_task(run, "snapshot", "Running")
    for name in ("server_pid", "worker_pid"):
        os.killpg(served.pids()[name], signal.SIGKILL)
    wait_until("nothing runs", lambda: not processes_in(served.folder))
    object.__setattr__(served, "api", _up(served.folder))
    assert served.api.run(run)["state"]["name"] == "Crashed"
    assert served.slots_in_use() == 0
    assert served.api.wait_for_event("windtunnel.refresh.failed", run=served.api.run(run)["name"])


def test_down_in_a_run_leaves_no_process_and_frees_the_slot(served: Served, changed: tuple[str, set[str]]) -> None:
    """`down` stops run, worker and server; after `up` the run is crashed and a refresh may start again."""
    run = served.api.start("refresh_data", as_of_utc=NEXT_DAY, reason="to be stopped")
    served.api.wait_for_task(run, "snapshot", "Running")
    assert call(served.folder, "windtunnel", "down").stdout == "stopped\n"
    assert processes_in(served.folder) == {}
    assert json.loads(call(served.folder, "windtunnel", "status", "--json").stdout)["server"] is None
    assert call(served.folder, "windtunnel", "down").stdout == "nothing was running\n"
    object.__setattr__(served, "api", _up(served.folder))
    assert served.api.run(run)["state"]["name"] == "Crashed"
    assert served.slots_in_use() == 0


def test_given_server_is_honoured_and_not_stopped(served: Served, prefect_api: str, tmp_path: Path) -> None:
    """With PREFECT_API_URL the deployments and a worker are registered there; `down` stops the worker only."""
    folder = tmp_path / "other"
    shutil.copytree(served.folder, folder, ignore=shutil.ignore_patterns(".windtunnel", "cache"))
    try:
        assert _up(folder, PREFECT_API_URL=prefect_api).url == prefect_api
        api = Api(prefect_api)
        assert {"refresh_data", "evaluate_candidate", "release_gate", "promote_model"} <= set(api.deployments())
        assert wait_until("its worker is known", lambda: api.ask("POST", "/work_pools/windtunnel/workers/filter", {}))
        assert json.loads((folder / ".windtunnel/server/server.json").read_text())["server_pid"] == 0
        assert prefect_api in call(folder, "windtunnel", "doctor", code=None, PREFECT_API_URL=prefect_api).stdout
    finally:
        call(folder, "windtunnel", "down")
    assert processes_in(folder) == {}
    assert api.ask("GET", "/health") is True


def test_two_servers_at_once_are_refused(served: Served, prefect_api: str) -> None:
    """`up` for another server, while one runs for this project, would forget it: exit code 2, and nothing changes."""
    before = served.pids()
    refused = call(served.folder, "windtunnel", "up", code=2, PREFECT_API_URL=prefect_api)
    assert "windtunnel down" in refused.stderr
    assert served.pids() == before
