"""The nightly refresh: the lake as of now, the same challenger judged again, landed as a commit on ``data/<date>``."""

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import Flow, State, flow, task
from prefect.client.schemas.objects import FlowRun

from flows.leak_search import search_for_leaks
from flows.params_edit import edit_params
from flows.pin_production import pin_production
from flows.production import reach_moment
from flows.programs import enter_project
from flows.server_watch import end_with_worker
from flows.stage_runner import TASK_RUNNER, run_stages
from flows.verdict_store import newest_verdict
from flows.verdicts import announce, publish_verdict
from flows.worktrees import DATA_BRANCHES, land, open_worktree, push, retire
from tasks.params import load_params
from tasks.paths import ProjectPaths


@task(task_run_name="take lake as of", persist_result=False)
def take_lake_as_of(root: str, as_of_utc: datetime | None) -> str:
    """The moment that this refresh looks at, as RFC 3339; the demo's production is brought there."""
    return reach_moment(ProjectPaths(Path(root)), as_of_utc)


def announce_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell automations that a refresh has failed."""
    announce("refresh.failed", "refresh", run=flow_run.name, flow=flow.name, message=str(state.message))


@flow(
    name="refresh_data",
    task_runner=TASK_RUNNER,
    persist_result=False,
    on_failure=[announce_failure],
    on_crashed=[announce_failure],
    on_cancellation=[announce_failure],
)
def refresh_data(as_of_utc: datetime | None = None, reason: str = "scheduled") -> str:
    """Refresh snapshot, masking, validation and splits as of ``as_of_utc`` (none: now), judge again, and land the result.

    Returns the branch. Emits ``windtunnel.verdict.changed`` where it differs from the last one, and
    ``windtunnel.refresh.failed`` where anything fails. The checkout that it is started in is not touched.

    Args:
        as_of_utc: The moment at which production is looked at; None: now (the demo: its next unseen day).
        reason: Why; kept in the commit.
    """
    root = enter_project()
    refresh = load_params(root / "params.yaml").refresh
    last = newest_verdict(root)
    before = last.verdict.standing(last.look) if last else None
    with end_with_worker(), open_worktree(root, "refresh") as tree:
        as_of = take_lake_as_of(str(tree.paths.root), as_of_utc)
        edit_params(tree.paths.params, {"snapshot.as_of_utc": as_of})
        pin_production(str(tree.paths.root))
        run_stages(tree.paths.root)
        branch = f"{DATA_BRANCHES}{as_of[:10]}"
        search_for_leaks(str(tree.paths.root))
        decision, receipts = publish_verdict(str(tree.paths.root), branch)
        commit = land(tree, branch, f"Refresh as of {as_of}: {decision}\n\n{reason}\n", receipts=[Path(file) for file in receipts])
        announce("refresh.landed", "refresh", branch=branch, commit=commit, decision=decision, reason=reason)
        if before not in (None, decision):
            announce("verdict.changed", "verdict", before=str(before), after=decision, branch=branch)
        if refresh.push:
            push(tree)
    retire(root, refresh.keep)
    return branch
