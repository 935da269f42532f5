"""The champion's splits, parameters and seeds, laid out in a folder of their own.

What belongs here: finding the commit that the champion is kept on, here or fetched, and a git worktree of it with its data. What
does not: keeping it (``flows.champion_branches``), verifying it (``flows.verification``), printing, and Prefect.
"""

import fcntl
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from flows.alias_moves import read_standing
from flows.champion_branches import CURRENT
from flows.champion_logs import FETCH
from flows.programs import call, git
from flows.verification import fetch_by_dvc
from flows.worktrees import Worktree, configure_dvc, hold_cache
from tasks.errors import GateError, RegistryError, WorktreeError
from tasks.ledger import read_chain
from tasks.params import load_params
from tasks.params.models import MlflowParams
from tasks.paths import ProjectPaths, main_root, make_private
from tasks.records import Champion
from tasks.registry import read_championship


@dataclass(frozen=True)
class CheckedOut:
    """Where the champion was checked out, and what of its data could not be had."""

    champion: Champion
    folder: Path
    commit: str
    outputs: tuple[str, ...]
    """What DVC tracks of it, by path."""
    missing: tuple[str, ...]
    """Those of them that are neither in the cache nor on the remote ``shared``."""


def check_out_champion(root: Path, folder: Path) -> CheckedOut:
    """Check the champion's branch out into ``folder`` as a git worktree, detached, with its data; the checkout ``root`` stays.

    Raises :class:`~tasks.errors.RegistryError` where there is no champion, :class:`~tasks.errors.WorktreeError` where the folder is
    in use or lies in the project, or the branch is not here, and :class:`~tasks.errors.GateError` where it holds another verdict.
    """
    main = ProjectPaths(main_root(root))
    _require_free(folder, main.root)
    champion = _find_champion(root, main)
    commit = _commit_of(root, champion.branch)
    if commit is None:
        raise WorktreeError(
            f"the branch {champion.branch}",
            found="not here, and on no remote that was fetched",
            expected=f"the branch that keeps version {champion.version}",
            next_step=FETCH,
        )
    if hashlib.sha256(call(["git", "show", f"{commit}:data/verdict.json"], root)).hexdigest() != champion.verdict:
        raise GateError(
            f"the branch {champion.branch}",
            found="another verdict than the one that the event log names",
            expected=f"verdict {champion.verdict[:12]}",
            next_step=f"windtunnel log; then restore the branch: {FETCH}",
        )
    paths = ProjectPaths(folder)
    with hold_cache(main, fcntl.LOCK_SH):
        _lay_out(main, paths, commit)
    outputs = _outputs(paths)
    return CheckedOut(champion, folder, commit, outputs, tuple(name for name in outputs if not (folder / name).exists()))


def _require_free(folder: Path, project: Path) -> None:
    """Refuse a folder that holds something, or in which the project's own Git and DVC would find the champion's."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorktreeError(
            str(folder),
            found="a file, or a folder that is not empty",
            expected="no such folder, or an empty one",
            next_step="name another folder",
        )
    if folder.is_relative_to(project.resolve()):
        raise WorktreeError(
            str(folder), found="a folder in the project", expected="one outside of it", next_step="name one beside it: ../champion"
        )


def _find_champion(root: Path, main: ProjectPaths) -> Champion:
    """The champion by the project's event log; in a clone without one, by the log on ``champions/current``."""
    model = (load_params(ProjectPaths(root).params).models.mlflow or MlflowParams()).name
    champion = read_standing(main, model).champion
    if champion is None and (current := _commit_of(root, CURRENT)) is not None:
        chain = read_chain(call(["git", "show", f"{current}:data/events.jsonl"], root), origin=CURRENT)
        champion = read_championship(chain.events, model).champion
    if champion is None:
        raise RegistryError(
            f"the champion of {model}",
            found=f"none by the event log, and no branch {CURRENT}",
            expected="a champion",
            next_step=f"windtunnel promote makes one; in a clone: {FETCH}",
        )
    return champion


def _commit_of(root: Path, branch: str) -> str | None:
    """The commit of a branch: the one here, else the one that was fetched. Several remotes that differ are refused."""
    if not any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents)):
        return None
    own = git(root, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").split()
    found = own or sorted(set(git(root, "for-each-ref", "--format=%(objectname)", f"refs/remotes/*/{branch}").split()))
    if len(found) > 1:
        raise WorktreeError(
            f"the branch {branch}",
            found=f"different ones on {len(found)} remotes",
            expected="one",
            next_step=f"git branch {branch} REMOTE/{branch}",
        )
    return found[0] if found else None


def _lay_out(main: ProjectPaths, paths: ProjectPaths, commit: str) -> None:
    """The worktree with its data, readable by its owner only, as a snapshot may be raw; nothing is left where that fails.

    DVC lays the data down, not links into the cache: here somebody may write.
    """
    is_new = not paths.root.exists()
    git(main.root, "worktree", "prune")
    try:
        make_private(paths.root)
        git(main.root, "worktree", "add", "--quiet", "--detach", str(paths.root), commit)
        configure_dvc(Worktree(paths, main, commit))
        fetch_by_dvc(paths)
    except BaseException:
        shutil.rmtree(paths.root)
        git(main.root, "worktree", "prune")
        if not is_new:
            paths.root.mkdir()
        raise


def _outputs(paths: ProjectPaths) -> tuple[str, ...]:
    """What the ``dvc.lock`` of the branch names."""
    lock = yaml.safe_load(paths.lock.read_text()) if paths.lock.exists() else {}
    stages = (lock or {}).get("stages", {}).values()
    return tuple(sorted(str(out["path"]) for stage in stages for out in stage.get("outs", ())))
