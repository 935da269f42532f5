"""What a flow does with a verdict: receipt, artifacts and events.

What belongs here: the steps after a gate that Prefect shows. What does not: judging (``tasks.gates``), drawing
(``tasks.reporting``) and finding verdicts (``flows.verdict_store``).
"""

from datetime import datetime, timezone
from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.events import emit_event

from flows.registry_office import show_in_mlflow
from flows.rolled_back import tell_pages, told_rollback
from flows.signatures import sign_verdict
from flows.verdict_store import find_looks, find_verdict, keep_results, read_verdict, write_receipt
from tasks.errors import RegistryError
from tasks.paths import ProjectPaths, main_root
from tasks.records import Receipt
from tasks.reporting import standing_sentence


@task(name="publish verdict", task_run_name="publish verdict", persist_result=False)
def publish_verdict(root: str, name: str) -> tuple[str, list[str]]:
    """Write the receipt, sign the verdict, keep it and its report under ``name``, and show both.

    Returns the decision that stands after the look that it cost (not judged, where its champion was rolled back), and the paths
    of the receipt and, where there is a key to sign with, of the signed decision record.
    """
    paths = ProjectPaths(Path(root))
    main = ProjectPaths(main_root(paths.root))
    verdict = read_verdict(paths)
    receipt = write_receipt(paths, main, datetime.now(timezone.utc))
    signed = sign_verdict(paths, main)
    look = find_looks(paths, verdict, Receipt.from_json(receipt.read_bytes(), origin=str(receipt)))
    kept = keep_results(paths, main, name, look)
    rolled_back = told_rollback(paths.root, find_verdict(paths.root, str(paths.verdict)))
    tell_pages(main.root)
    page = kept / paths.report_page.name
    create_markdown_artifact(
        (kept / paths.report_markdown.name).read_text(),
        key="verdict",
        description=rolled_back or standing_sentence(verdict, look) or verdict.reason,
    )
    address = page.resolve().as_uri()
    copy_it = f"One page, works offline. Browsers follow no link from here to a file, so copy its address: `{address}`"
    create_link_artifact(address, link_text="The report", key="report", description=copy_it)
    _show_in_mlflow(paths, name)
    standing = "not_judged" if rolled_back else verdict.standing(look)
    return standing, [str(path) for path in (receipt, signed) if path is not None]


def _show_in_mlflow(paths: ProjectPaths, name: str) -> None:
    """A registry that is down keeps nobody from a verdict: what it would have shown is shown when the verdict is promoted."""
    try:
        run = show_in_mlflow(paths.root, name)
    except RegistryError as error:
        get_run_logger().warning("not shown in MLflow. %s: %s", error.thing, error.found)
        return
    if run is not None:
        get_run_logger().info("shown in MLflow as run %s", run)


def announce(event: str, name: str, **payload: str) -> None:
    """Emit ``windtunnel.<event>`` so that an automation can act on it."""
    emit_event(event=f"windtunnel.{event}", resource={"prefect.resource.id": f"windtunnel.{name}"}, payload=dict(payload))
