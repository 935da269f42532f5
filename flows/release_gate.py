"""The gate of a release flow: it fails where the verdict does not promote."""

from datetime import datetime, timezone

from prefect import flow, get_run_logger

from flows.approval import require_actionable
from flows.champion_logs import unknown_note
from flows.programs import enter_project
from flows.rolled_back import require_not_rolled_back
from flows.verdict_checks import check_stored, require_promotes
from flows.verdict_store import find_looks, find_verdict
from tasks.paths import ProjectPaths
from tasks.reporting import looks_sentence, notes_on


@flow(name="release_gate", persist_result=False)
def release_gate(verdict: str = "newest") -> str:
    """Check ``verdict``: a branch such as ``data/2013-11-01``, ``newest``, or a path to a verdict.json.

    Completes only for a whole, unexpired, signed verdict of what lies beside it, whose decision is promote, which is no
    rehearsal, and whose model nobody has rolled back; fails in every other case.

    Args:
        verdict: A branch such as `data/2013-11-01`, `newest`, or a path to a verdict.json.
    """
    root, now = enter_project(), datetime.now(timezone.utc)
    stored = find_verdict(root, verdict)
    decision = check_stored(stored, now=now)
    look = find_looks(ProjectPaths(root), stored.verdict, stored.receipt)
    for told in (f"{verdict}: {decision}", *notes_on(stored.verdict), looks_sentence(look)):
        get_run_logger().info(told)
    require_promotes(f"release gate on {verdict}", stored, decision)
    require_actionable(root, stored, now)
    require_not_rolled_back(root, stored, now)
    if note := unknown_note(root):
        get_run_logger().warning(note)
    return decision
