"""Names and schedules of the deployments; run as ``python -m flows.deployments`` by ``windtunnel up``."""

import importlib
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from prefect import Flow, State, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Cron
from prefect.states import Crashed
from prefect.types.entrypoint import EntrypointType

from flows.programs import PROJECT
from flows.server import WORK_POOL
from flows.verdicts import announce
from tasks.params import load_params
from tasks.paths import ProjectPaths, main_root, make_private

ENTRYPOINTS = {
    "refresh_data": "flows/refresh_data.py:refresh_data",
    "evaluate_candidate": "flows/evaluate_candidate.py:evaluate_candidate",
    "release_gate": "flows/release_gate.py:release_gate",
    "promote_model": "flows/promote_model.py:promote_model",
}
NIGHTLY = "refresh_data"
END_LOST_RUNS = "--end-lost-runs"


def deploy_all(root: Path) -> tuple[str, ...]:
    """Register the work pool and every deployment with the API that ``PREFECT_API_URL`` names; returns the names."""
    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))
    cron = load_params(root / "params.yaml").refresh.cron
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    for name in ENTRYPOINTS:
        is_nightly = name == NIGHTLY
        loaded, where = _load_flow(root, name)
        loaded.deploy(
            name=name,
            work_pool_name=WORK_POOL,
            print_next_steps=False,
            build=False,
            push=False,
            schedule=Cron(cron, timezone="UTC") if is_nightly else None,
            concurrency_limit=one_at_a_time if is_nightly else None,
            **where,
        )
    return tuple(ENTRYPOINTS)


def _load_flow(root: Path, name: str) -> tuple[Flow[..., Any], dict[str, Any]]:
    """The flow ``name``, and how a worker finds it again: by its file in a clone, from the package in a user's project.

    There a run begins in an empty folder (:func:`~flows.programs.enter_project` says why).
    """
    if not ProjectPaths(root).version_lock.is_file():
        return cast(Flow[..., Any], flow.from_source(source=str(root), entrypoint=ENTRYPOINTS[name])), {}
    module = importlib.import_module(f"flows.{name}")
    nowhere = ProjectPaths(root).server / "runs"
    make_private(nowhere)
    variables = {"working_dir": str(nowhere), "env": {PROJECT: str(root)}}
    return getattr(module, name), {"entrypoint_type": EntrypointType.MODULE_PATH, "job_variables": variables}


def end_lost_runs() -> tuple[str, ...]:
    """Call each run that was at work when its worker ended a crashed one; returns their names.

    To be called only while no worker is at work. Without it a refresh that died with its machine would count as running for
    ever, and every later one would be cancelled.
    """
    state = FlowRunFilterState(
        type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]),
    )
    crashed: State[Any] = Crashed(message="the worker that ran it ended before it did")
    lost: list[str] = []
    with get_client(sync_client=True) as client:
        for name in ENTRYPOINTS:
            deployment = DeploymentFilter(name=DeploymentFilterName(any_=[name]))
            for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(state=state), deployment_filter=deployment):
                client.set_flow_run_state(run.id, crashed, force=True)
                lost.append(run.name)
                if name == NIGHTLY:
                    announce("refresh.failed", "refresh", run=run.name, flow=name, message=str(crashed.message))
    return tuple(lost)


if __name__ == "__main__":
    deploy_all(main_root(Path.cwd()))
    if END_LOST_RUNS in sys.argv[1:]:
        end_lost_runs()
