"""The whole pipeline in the folder it is started in, as ``dvc repro`` would run it; used by ``windtunnel run``."""

from pathlib import Path

from prefect import flow

from flows.leak_search import search_for_leaks
from flows.pin_production import is_pin_needed, pin_production
from flows.stage_runner import TASK_RUNNER, run_stages
from flows.verdict_store import HERE
from flows.verdicts import publish_verdict
from flows.worktrees import only_run_in
from tasks.paths import ProjectPaths


@flow(name="run_pipeline", task_runner=TASK_RUNNER, persist_result=False)
def run_pipeline() -> str:
    """Pin production if that has not been done, bring every stage up to date, and publish the verdict; returns the decision."""
    root = Path.cwd()
    with only_run_in(root):
        if is_pin_needed(ProjectPaths(root)):
            pin_production(str(root))
        run_stages(root)
        search_for_leaks(str(root))
        decision, _ = publish_verdict(str(root), HERE)
    return decision
