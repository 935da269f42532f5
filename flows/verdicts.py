"""What a flow does with a verdict: receipt, artifacts, events, and finding one again.

What belongs here: the steps after a gate. What does not: judging (``tasks.gates``) and drawing (``tasks.reporting``).
"""

import getpass
import socket
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.events import emit_event

from flows.worktrees import git, newest_refresh
from tasks.datasets import write_atomically
from tasks.errors import GateError, WorktreeError
from tasks.gates import make_receipt
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Receipt, Verdict

_ENVIRONMENT = ("windtunnel", "prefect", "dvc", "great-expectations", "scikit-learn", "pandas", "pyarrow", "duckdb")


def read_verdict(paths: ProjectPaths) -> Verdict:
    """The verdict in ``data/verdict.json``; raises :class:`~tasks.errors.GateError` where there is none."""
    if not paths.verdict.exists():
        raise GateError(str(paths.verdict), found="no verdict", expected="the verdict of a run", next_step="windtunnel run")
    return Verdict.from_json(paths.verdict.read_bytes(), origin=str(paths.verdict))


def receipt_path(paths: ProjectPaths, verdict: bytes) -> Path:
    """Where the receipt of a verdict lies: under the hash of the verdict's bytes."""
    import hashlib

    return paths.receipts / f"{hashlib.sha256(verdict).hexdigest()}.json"


def write_receipt(paths: ProjectPaths, now: datetime) -> Path:
    """Write who judged, where and when, once: a verdict that already has a receipt keeps its time and does not get younger."""
    content = paths.verdict.read_bytes()
    path = receipt_path(paths, content)
    if not path.exists():
        environment = {name: version(name) for name in _ENVIRONMENT}
        receipt = make_receipt(
            content,
            actor=getpass.getuser(),
            host=socket.gethostname(),
            environment=environment,
            now=now,
            max_age_days=load_params(paths.params).gates.max_age_days,
        )
        write_atomically(path, receipt.to_json().encode())
    return path


@task(name="publish verdict", task_run_name="publish verdict", persist_result=False)
def publish_verdict(root: str) -> tuple[str, str]:
    """Write the receipt and show verdict and report in the UI; returns the decision and the receipt's path."""
    paths = ProjectPaths(Path(root))
    verdict = read_verdict(paths)
    receipt = write_receipt(paths, datetime.now(timezone.utc))
    create_markdown_artifact(paths.report_markdown.read_text(), key="verdict", description=verdict.reason)
    create_link_artifact(
        paths.report_page.resolve().as_uri(), link_text="The report", key="report", description="One page, works offline"
    )
    return verdict.decision, str(receipt)


def announce(event: str, name: str, **payload: str) -> None:
    """Emit ``windtunnel.<event>`` so that an automation can act on it."""
    emit_event(event=f"windtunnel.{event}", resource={"prefect.resource.id": f"windtunnel.{name}"}, payload=dict(payload))


def find_verdict(root: Path, name: str) -> tuple[bytes, Receipt | None]:
    """A verdict's bytes and its receipt, from a branch (``data/2013-11-01``), ``newest``, or a path.

    ``newest`` is the newest refresh, or the checkout's own verdict before the first. Raises
    :class:`~tasks.errors.GateError` where there is none.
    """
    paths = ProjectPaths(root)
    branch = newest_refresh(root) if name == "newest" else name
    path = paths.verdict if branch is None else root / branch
    if path.is_file():
        content = path.read_bytes()
        receipt = receipt_path(paths, content)
        return content, Receipt.from_json(receipt.read_bytes(), origin=str(receipt)) if receipt.exists() else None
    try:
        content = (git(root, "show", f"{branch}:data/verdict.json") + "\n").encode()
        where = receipt_path(paths, content).relative_to(root).as_posix()
        return content, Receipt.from_json(git(root, "show", f"{branch}:{where}"), origin=where)
    except WorktreeError:
        raise GateError(
            f"verdict {name!r}",
            found="no such file, and no branch with a verdict and its receipt",
            expected="a path to a verdict.json, a branch such as data/2013-11-01, or newest",
            next_step="windtunnel run, or git branch --list 'data/*'",
        ) from None
