"""Names and schedules of the deployments; run as ``python -m flows.deployments`` by ``windtunnel up``."""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from prefect import Flow, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Cron

from flows.server import WORK_POOL
from tasks.params import load_params
from tasks.paths import main_root

ENTRYPOINTS = {
    "refresh_data": "flows/refresh_data.py:refresh_data",
    "evaluate_candidate": "flows/evaluate_candidate.py:evaluate_candidate",
    "release_gate": "flows/release_gate.py:release_gate",
}
NIGHTLY = "refresh_data"


def deploy_all(root: Path) -> tuple[str, ...]:
    """Register the work pool and every deployment with the API that ``PREFECT_API_URL`` names; returns the names."""
    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))
    cron = load_params(root / "params.yaml").refresh.cron
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    for name, entrypoint in ENTRYPOINTS.items():
        is_nightly = name == NIGHTLY
        loaded = cast(Flow[..., Any], flow.from_source(source=str(root), entrypoint=entrypoint))
        loaded.deploy(
            name=name,
            work_pool_name=WORK_POOL,
            print_next_steps=False,
            build=False,
            push=False,
            schedule=Cron(cron, timezone="UTC") if is_nightly else None,
            concurrency_limit=one_at_a_time if is_nightly else None,
        )
    return tuple(ENTRYPOINTS)


if __name__ == "__main__":
    deploy_all(main_root(Path.cwd()))
