"""The branches that keep what a champion was promoted on: ``champions/<verdict>``, and ``champions/current``.

What belongs here: making and moving them. What does not: who is champion (``flows.promotion``). A branch holds verdict, receipt,
parameters, pin and ``dvc.lock``, so that DVC drops none of its data while the branch is there.
"""

import hashlib
import tempfile
from pathlib import Path

from flows.programs import call, git
from flows.verdict_store import receipt_path
from flows.worktrees import LANDED, commit_tree
from tasks.paths import ProjectPaths

CHAMPIONS = "champions/"
CURRENT = f"{CHAMPIONS}current"
_ANSWERED_BY = ("policies", "expectations")
"""What a verdict is signed and validated by: written by commands, and maybe in no commit yet; without it, no rollback holds."""


def champion_branch(sha256: str) -> str:
    """The branch of the champion that was promoted by the verdict with this hash."""
    return f"{CHAMPIONS}{sha256[:12]}"


def keep_champion(root: Path, commit: str | None) -> str:
    """Keep the verdict of ``commit``, or of this checkout (None), on a branch of its own; returns the branch.

    A commit, not a branch: that may have moved since it was verified. The index and the files of the checkout are not touched.
    """
    if commit is not None:
        branch = champion_branch(hashlib.sha256(call(["git", "show", f"{commit}:data/verdict.json"], root)).hexdigest())
        _move_on(root, branch, commit, f"Keep {branch} again\n")
        return branch
    paths = ProjectPaths(root)
    content = paths.verdict.read_bytes()
    branch = champion_branch(hashlib.sha256(content).hexdigest())
    return _keep_checkout(paths, branch, receipt_path(paths, content))


def _keep_checkout(paths: ProjectPaths, branch: str, receipt: Path) -> str:
    """Commit the checkout as it lies: what git tracks or not of policy and suites, what a run lands, and the receipt."""
    root = paths.root
    kept = [name for name in (*LANDED, *_ANSWERED_BY) if (root / name).exists()]
    kept += [file.relative_to(root).as_posix() for file in receipt.parent.glob(f"{receipt.stem}.*")]
    add = [["git", "add", "--update", "."], ["git", "add", "--force", "--", *kept]]
    tree = _tree_of(root, "HEAD", *add)
    commit_tree(root, tree, branch, git(root, "rev-parse", "HEAD"), f"Keep {branch}: what its champion was promoted on\n")
    return branch


def point_current(root: Path, branch: str) -> None:
    """Let ``champions/current`` hold what the champion's branch does, with the event log as it stands, for clones to know."""
    _land_log(ProjectPaths(root), branch)
    _move_on(root, CURRENT, git(root, "rev-parse", branch), f"The champion is kept on {branch}\n")


def _move_on(root: Path, branch: str, commit: str, message: str) -> None:
    """Let ``branch`` hold what ``commit`` does: as that commit at first, and then as one that its former tip is a parent of.

    So it never leaves what was pushed and fetched before: Git refuses to push a branch that does, and clones would not hear of it.
    """
    if git(root, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}"):
        commit_tree(root, git(root, "rev-parse", f"{commit}^{{tree}}"), branch, commit, message)
    else:
        git(root, "update-ref", f"refs/heads/{branch}", commit)


def _land_log(main: ProjectPaths, branch: str) -> None:
    """Without it, a clone would hold a receipt whose look no log has, an approval that nobody gave, and no champion."""
    root, tip = main.root, git(main.root, "rev-parse", branch)
    blob = git(root, "hash-object", "-w", str(main.events))
    place = main.landed_events.relative_to(root).as_posix()
    tree = _tree_of(root, tip, ["git", "update-index", "--add", "--cacheinfo", f"100644,{blob},{place}"])
    commit_tree(root, tree, branch, tip, f"The event log after the move to {branch}\n")


def _tree_of(root: Path, start: str, *changes: list[str]) -> str:
    """The tree that ``changes`` make of the commit ``start``, in an index of its own: the checkout's stays as it is."""
    with tempfile.TemporaryDirectory(prefix="windtunnel-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        for words in (["git", "read-tree", start], *changes):
            call(words, root, index)
        return call(["git", "write-tree"], root, index).decode().strip()
