"""The champion's splits, parameters and seeds, laid out in a folder of their own.

What belongs here: finding the commit that the champion is kept on, here or fetched, and a git worktree of it with its data. What
does not: keeping it (``flows.champion_branches``), verifying it (``flows.verification``), printing, and Prefect.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from flows.champion_branches import CHAMPIONS
from flows.champion_logs import FETCH, champion_refs, logs_everywhere
from flows.programs import call, git
from flows.verification import fetch_by_dvc
from flows.worktrees import Worktree, configure_dvc, hold_cache, hold_lock
from tasks.errors import GateError, RegistryError, WorktreeError
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
    champion = _find_champion(root)
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
    _lay_out(root, main, folder, commit)
    outputs = _outputs(ProjectPaths(folder))
    return CheckedOut(champion, folder, commit, outputs, tuple(name for name in outputs if not (folder / name).exists()))


def _lay_out(root: Path, main: ProjectPaths, folder: Path, commit: str) -> None:
    """The worktree with its data, readable by its owner only, as a snapshot may be raw; nothing is left where that fails.

    DVC lays the data down, not links into the cache: here somebody may write.
    """
    with hold_cache(main, fcntl.LOCK_SH), _as_worktree_error(folder):
        with hold_lock(main.state / "champion-checkout.lock", "the folder of a champion"):  # or two would claim one folder
            _require_free(folder, (main.root, root))
            is_new = not folder.exists()
            make_private(folder)
            with _taken_away_again(main, folder, is_new=is_new):
                git(main.root, "worktree", "prune")
                git(main.root, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        with _taken_away_again(main, folder, is_new=is_new):
            paths = ProjectPaths(folder)
            configure_dvc(Worktree(paths, main, commit))
            fetch_by_dvc(paths)


def _require_free(folder: Path, checkouts: tuple[Path, ...]) -> None:
    """Refuse a folder that holds something, or that lies in a checkout, whose own Git and DVC would find the champion's."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorktreeError(
            str(folder),
            found="a file, or a folder that is not empty",
            expected="no such folder, or an empty one",
            next_step="name another folder",
        )
    if any(folder.is_relative_to(checkout.resolve()) for checkout in checkouts):
        raise WorktreeError(
            str(folder), found="a folder in the project", expected="one outside of it", next_step="name one beside it: ../champion"
        )


def _find_champion(root: Path) -> Champion:
    """The champion by the event log that goes on from all others that are known here: the project's, landed, on a branch.

    A clone's log may be of long ago, and so may be a branch that was fetched. Logs that part are refused.
    """
    model = (load_params(ProjectPaths(root).params).models.mlflow or MlflowParams()).name
    known = {name: read_championship(events, model) for name, events in logs_everywhere(root).items()}
    moves = {name: [event.hash for event in found.moves] for name, found in known.items()}
    newest = max(moves, key=lambda name: len(moves[name]), default="")
    parted = [name for name, earlier in moves.items() if moves[newest][: len(earlier)] != earlier]
    if parted:
        raise RegistryError(
            f"the champion of {model}",
            found=f"event logs that tell of other moves than one another: {newest}, {', '.join(parted)}",
            expected="one log, and earlier states of it",
            next_step="windtunnel champion shows where the alias stands; drop what is not of this project (git update-ref -d REF)",
        )
    champion = known[newest].champion if newest else None
    if champion is None:
        raise RegistryError(
            f"the champion of {model}",
            found=f"none by any event log here, nor on a branch {CHAMPIONS}*",
            expected="a champion",
            next_step=f"windtunnel promote makes one; in a clone: {FETCH}",
        )
    return champion


def _commit_of(root: Path, branch: str) -> str | None:
    """The commit of a branch: the one here, else the one that was fetched. Several remotes that differ are refused."""
    refs = champion_refs(root, branch)
    own = [ref for ref in refs if ref.startswith("refs/heads/")]
    found = sorted({git(root, "rev-parse", ref) for ref in own or refs})
    if len(found) > 1:
        raise WorktreeError(
            f"the branch {branch}",
            found=f"different ones on {len(found)} remotes",
            expected="one",
            next_step=f"git branch {branch} REMOTE/{branch}",
        )
    return found[0] if found else None


@contextmanager
def _as_worktree_error(folder: Path) -> Iterator[None]:
    """A place where nothing can be written, or nothing more, is an error of the folder that was named."""
    try:
        yield
    except OSError as error:
        raise WorktreeError(
            str(folder),
            found=f"a place that cannot be written ({error.strerror})",
            expected="a folder that this account can make, on a disk with room",
            next_step="name another folder",
        ) from None


@contextmanager
def _taken_away_again(main: ProjectPaths, folder: Path, *, is_new: bool) -> Iterator[None]:
    """Nothing is left of a folder, which is ours by now, where this fails: but one that was there, empty, is there again."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        git(main.root, "worktree", "prune")
        if not is_new:
            folder.mkdir(exist_ok=True)
        raise


def _outputs(paths: ProjectPaths) -> tuple[str, ...]:
    """What the ``dvc.lock`` of the branch names."""
    lock = yaml.safe_load(paths.lock.read_text()) if paths.lock.exists() else {}
    stages = (lock or {}).get("stages", {}).values()
    return tuple(sorted(str(out["path"]) for stage in stages for out in stage.get("outs", ())))
