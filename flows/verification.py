"""Verifying a verdict where it lies: in this checkout, or on a branch, whose data is fetched into a worktree for it.

What belongs here: finding the verdict and its data, and running the pipeline anew. What does not: what is checked
(``tasks.verification``), and Prefect.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from flows.dvc_cache import cache_folder, lay_down, remote_urls
from flows.event_log import check_event_logs
from flows.programs import dvc, git
from flows.signed_checks import check_signatures
from flows.verdict_store import find_verdict, read_verdict
from flows.worktrees import REMOTES, checkout_of, newest_refresh
from tasks.errors import DatasetError, GateError, WindtunnelError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Check, Verdict, Verification
from tasks.stages import StageContext
from tasks.verification import check_environment, check_figures, check_hashes

Level = Literal["hashes", "metrics", "rerun"]


def verify_verdict(root: Path, name: str, level: Level) -> Verification:
    """Hold the verdict ``name`` (``data/verdict.json``, a branch, or newest) against its receipt, its evidence and the event log.

    ``hashes``: every hash, down to the snapshot; ``metrics``: also every score, figure and outcome made again; ``rerun``: also the
    whole pipeline run anew from the pin. Raises :class:`~tasks.errors.GateError` where there is no such verdict.
    """
    with checkout_of_verdict(root, name) as paths:
        found = verify_checkout(paths, level)
        return found.model_copy(update={"checks": (*found.checks, check_environment(read_verdict(paths)))})


@contextmanager
def checkout_of_verdict(
    root: Path, name: str, *, worktree: str = "verify", only: Sequence[str] | None = None
) -> Iterator[ProjectPaths]:
    """Where the verdict ``name`` lies with all that it was judged on: this checkout, or a worktree of its branch, with its data.

    ``worktree``: its name, of which there is one at a time, so that nobody waits for somebody else's errand. ``only``: the outputs
    that are fetched of its data, by path. Raises :class:`~tasks.errors.GateError` where it is a copy of a file, and
    :class:`~tasks.errors.WorktreeError` where there is no such branch.
    """
    paths = ProjectPaths(root)
    branch = newest_refresh(root) if name == "newest" else name
    if branch is None or (root / branch).resolve() == paths.verdict.resolve():
        yield paths
        return
    if (root / branch).is_file():
        raise GateError(
            f"verdict {name}",
            found="a copy, without what it was judged on",
            expected="data/verdict.json of a checkout, a branch such as data/2013-11-01, or newest",
            next_step="windtunnel verify, or windtunnel verify data/2013-11-01",
        )
    with checkout_of(root, branch, worktree) as tree:
        _fetch(tree, only)
        yield tree


def verify_checkout(paths: ProjectPaths, level: Level) -> Verification:
    """As :func:`verify_verdict`, of the verdict in the checkout ``paths``."""
    stored = find_verdict(paths.root, "data/verdict.json") if paths.verdict.is_file() else None
    if stored is None:
        raise GateError(str(paths.verdict), found="no verdict", expected="the verdict of a run", next_step="windtunnel run")
    context = StageContext(paths, load_params(paths.params))
    checks = check_event_logs(paths) + check_hashes(context, stored.content, stored.receipt)
    checks += check_signatures(paths, context.params, stored)
    if level != "hashes":
        checks += check_figures(context, stored.content)
    if level == "rerun":
        checks += (_run_again(paths, stored.content),)
    return Verification(checks=checks)


def _fetch(tree: ProjectPaths, only: Sequence[str] | None) -> None:
    """Lay the data down from the cache, or fetch what the remote ``shared`` holds.

    What cannot be had is found missing, by name, when it is checked.
    """
    if not lay_down(tree, cache_folder(tree.root), only):
        fetch_by_dvc(tree, only or ())


def fetch_by_dvc(tree: ProjectPaths, only: Sequence[str] = ()) -> None:
    """Let DVC check out the data of ``tree`` from the cache, or fetch it from the remote ``shared``: for whoever may write there.

    ``only``: these outputs, by path; without any, all. What cannot be had is left out.
    """
    root = tree.root
    try:
        dvc(root, "checkout", "--force", "--quiet", *only)
    except WindtunnelError:  # something is not in the cache
        with suppress(WindtunnelError):
            dvc(root, "checkout", "--force", "--allow-missing", "--quiet", *only)
    else:
        return
    if REMOTES[1] in remote_urls(root):
        with suppress(WindtunnelError):
            dvc(root, "pull", "--quiet", "--allow-missing", "--remote", REMOTES[1], *only)


def _run_again(paths: ProjectPaths, content: bytes) -> Check:
    """Run every stage anew from the pin in a worktree without any output or run cache, and hold its verdict against this one."""
    what, again = "rerun", None
    try:
        with _from_the_pin(paths) as tree:
            dvc(tree.root, "repro", "--no-run-cache", "--quiet", "gate")
            again = tree.verdict.read_bytes()
    except (WindtunnelError, OSError) as error:
        lines = str(error).strip().splitlines()
        return Check(
            what=what, status="not_checked", reason=f"the pipeline does not run anew here: {lines[-1].strip() if lines else error}"
        )
    if again == content:
        return Check(
            what=what, status="holds", reason="every stage run anew from the pin, and the verdict is the same byte for byte"
        )
    return Check(what=what, status="does_not_hold", reason=_told_difference(content, again))


def _told_difference(content: bytes, again: bytes) -> str:
    try:
        was, now = (Verdict.from_json(text, origin="verdict.json") for text in (content, again))
    except DatasetError as error:
        return error.found
    others = sorted(name for name in {*was.inputs, *now.inputs} if was.inputs.get(name) != now.inputs.get(name))
    others += ["packages"] if was.environment != now.environment else []
    return f"run anew it says {now.decision}, and said {was.decision}; other {', '.join(others) or 'figures'}"


@contextmanager
def _from_the_pin(paths: ProjectPaths) -> Iterator[ProjectPaths]:
    """A worktree with the parameters, pin, suites, policies and challengers of ``paths`` as they lie there, and no data."""
    with checkout_of(paths.root, git(paths.root, "rev-parse", "HEAD"), "rerun") as tree:
        tree.lock.unlink(missing_ok=True)
        for file in (paths.params, paths.pin):
            there = tree.root / file.relative_to(paths.root)
            there.parent.mkdir(exist_ok=True)  # in a project of one's own Git holds nothing of data/ at first
            shutil.copy2(file, there)
        if (paths.root / "challengers").is_dir():
            shutil.copytree(paths.root / "challengers", tree.root / "challengers", dirs_exist_ok=True)
        for folder in (paths.policies, paths.expectations):
            if folder.is_dir():
                shutil.rmtree(tree.root / folder.relative_to(paths.root), ignore_errors=True)
                shutil.copytree(folder, tree.root / folder.relative_to(paths.root))
        yield tree
