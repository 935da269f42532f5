"""One run, one git worktree on the shared cache: so that nobody's checkout is touched under his hands.

What belongs here: making a worktree with the newest data in it, landing a run as a commit, and retiring old refreshes.
What does not: what runs inside.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.dvc_cache import cache_folder, remote_urls
from flows.programs import call, dvc, git
from tasks.datasets import hash_file, write_atomically
from tasks.errors import WorktreeError
from tasks.ledger import read_content
from tasks.paths import ProjectPaths, main_root, make_private
from tasks.records import Pin

DATA_BRANCHES = "data/"
REMOTES = ("restricted", "shared")
_IDENTITY = {"NAME": "Windtunnel", "EMAIL": "windtunnel@localhost"}
"""Used for commits of refreshes where git knows no identity, so that a nightly run on a server does not fail on it."""
LANDED = (
    "params.yaml",
    "dvc.lock",
    "data/pin.json",
    "data/validation",
    "data/disclosure",
    "data/utility",
    "data/evidence",
    "data/evaluation",
    "data/verdict.json",
    "data/events.jsonl",
)


@dataclass(frozen=True)
class Worktree:
    """A checkout of its own for one run: its paths, the main checkout's, and the commit that it starts from."""

    paths: ProjectPaths
    main: ProjectPaths
    commit: str


@contextmanager
def open_worktree(root: Path, name: str) -> Iterator[Worktree]:
    """A worktree ``name`` of HEAD, with the newest data checked out from the cache; removed when all went well.

    A run that fails leaves its worktree behind for a look; the next run of that name replaces it.
    """
    main = ProjectPaths(main_root(root))
    if shutil.which("git") is None or not (main.root / ".git").exists():
        raise WorktreeError(
            str(main.root),
            found="no git repository",
            expected="a clone made by git",
            next_step="git init && git add -A && git commit",
        )
    paths = ProjectPaths(main.worktrees / name)
    with hold_lock(main.state / f"{name}.lock", f"the worktree {name}"), hold_cache(main, fcntl.LOCK_SH):
        _discard(main, paths)
        make_private(main.state)
        make_private(main.worktrees)
        git(main.root, "worktree", "add", "--quiet", "--detach", str(paths.root), "HEAD")
        worktree = Worktree(paths, main, git(paths.root, "rev-parse", "HEAD"))
        _refuse_other_lock(worktree)
        configure_dvc(worktree)
        _bring_newest_data(worktree)
        yield worktree
        _discard(main, paths)


@contextmanager
def checkout_of(root: Path, commit: str, name: str) -> Iterator[ProjectPaths]:
    """A worktree ``name`` of a commit or branch as it was landed, on the shared cache, without data; removed afterwards.

    Raises :class:`~tasks.errors.WorktreeError` where there is no such commit.
    """
    main = ProjectPaths(main_root(root))
    paths = ProjectPaths(main.worktrees / name)
    with hold_lock(main.state / f"{name}.lock", f"the worktree {name}"), hold_cache(main, fcntl.LOCK_SH):
        _discard(main, paths)
        make_private(main.worktrees)
        git(main.root, "worktree", "add", "--quiet", "--detach", str(paths.root), commit)
        try:
            configure_dvc(Worktree(paths, main, commit))
            yield paths
        finally:
            _discard(main, paths)


def _discard(main: ProjectPaths, paths: ProjectPaths) -> None:
    if paths.root.exists():
        shutil.rmtree(paths.root)
    git(main.root, "worktree", "prune")


def _refuse_other_lock(worktree: Worktree) -> None:
    here, there = hash_file(worktree.paths.environment_lock), hash_file(worktree.main.environment_lock)
    if here != there:
        name = worktree.main.environment_lock.name
        raise WorktreeError(
            name,
            found="HEAD and the checkout, whose environment runs this, differ",
            expected="one lock, or results could not be repeated",
            next_step=f"commit {name}; install what it names",
        )


def configure_dvc(worktree: Worktree) -> None:
    """Share the main checkout's cache and its settings of remotes, which Git does not carry: keys, endpoints, URLs.

    URLs are resolved against it: a relative one would push elsewhere without a word.
    """
    own, copy = (paths.root / ".dvc" / "config.local" for paths in (worktree.main, worktree.paths))
    if own.exists():
        write_atomically(copy, own.read_bytes())
        copy.chmod(0o600)  # it may hold keys
    cache, urls = cache_folder(worktree.main.root), remote_urls(worktree.main.root)
    from dvc.config import Config

    # As the command `dvc config --local` does it, once for all: each call of it takes a second of starting.
    with Config(dvc_dir=str(worktree.paths.root / ".dvc"), validate=False).edit("local") as settings:
        settings["cache"]["dir"] = str(cache)
        for name, url in urls.items():
            settings["remote"].setdefault(name, {})["url"] = url


def newest_refresh(root: Path) -> str | None:
    """The newest ``data/*`` branch by its name, which is the date (and number) of the refresh; None before the first."""
    branches = refreshes(root)
    return branches[-1] if branches else None


def refreshes(root: Path) -> tuple[str, ...]:
    """All branches of refreshes, oldest first."""
    listed = git(root, "for-each-ref", "--format=%(refname:short)", f"refs/heads/{DATA_BRANCHES}").splitlines()
    return tuple(sorted(branch for branch in listed if re.fullmatch(r"data/\d{4}-\d{2}-\d{2}", branch)))


def _as_of(text: str | None) -> str:
    return Pin.from_json(text, origin="data/pin.json").as_of_utc if text else ""


def _bring_newest_data(worktree: Worktree) -> None:
    """Take dvc.lock, pin and reports from the newest refresh or the main checkout, whichever is of later data."""
    root, main = worktree.paths.root, worktree.main
    branch = newest_refresh(main.root)
    of_branch = _as_of(git(main.root, "show", f"{branch}:data/pin.json")) if branch else ""
    of_checkout = _as_of(main.pin.read_text()) if main.lock.exists() and main.pin.exists() else ""
    if branch and of_branch > of_checkout:
        present = git(main.root, "ls-tree", "-r", "--name-only", branch, "--", *LANDED[1:]).splitlines()
        git(root, "checkout", branch, "--", *present)
        git(root, "reset", "--quiet")
    elif of_checkout:
        for name in LANDED[1:]:
            source, target = main.root / name, root / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    if worktree.paths.lock.exists():
        dvc(root, "checkout", "--force", "--allow-missing", "--quiet")


def land(worktree: Worktree, branch: str, message: str, receipts: Sequence[Path] = (), sources: Sequence[str] = ()) -> str:
    """Commit the worktree's parameters, pin, dvc.lock, reports, receipts and the event log to ``branch``; returns the commit.

    The branch's former tip becomes a second parent, so that nothing that was landed before is lost. A tree that the branch
    already holds is not committed again.
    """
    root, main = worktree.paths.root, worktree.main.root
    if (events := read_content(worktree.main.events)) is not None:
        write_atomically(worktree.paths.landed_events, events)
    for receipt in receipts:
        write_atomically(worktree.paths.receipts / receipt.name, receipt.read_bytes())
    names = [name for name in (*LANDED, *sources) if (root / name).exists()]
    names += [(worktree.paths.receipts / receipt.name).relative_to(root).as_posix() for receipt in receipts]
    git(root, "add", "--force", "--", *names)
    return commit_tree(main, git(root, "write-tree"), branch, worktree.commit, message)


def commit_tree(main: Path, tree: str, branch: str, start: str, message: str) -> str:
    """Commit ``tree`` to ``branch`` after the commit ``start`` and the branch's former tip, unless the tip holds it; the commit."""
    former = git(main, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
    if former and git(main, "rev-parse", f"{former}^{{tree}}") == tree:
        return former
    parents = ["-p", start, *(["-p", former] if former and former != start else [])]
    commit = call(["git", "commit-tree", tree, *parents, "-m", message], main, identity(main)).decode().strip()
    git(main, "update-ref", f"refs/heads/{branch}", commit, former or "0" * 40)
    return commit


def identity(main: Path) -> dict[str, str]:
    """What a commit in ``main`` needs in its environment: nothing where Git knows whose it is, else a name of ours."""
    known = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], cwd=main, capture_output=True, check=False).returncode == 0  # noqa: S607
    return {} if known else {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _IDENTITY.items()}


def push(worktree: Worktree) -> tuple[str, ...]:
    """Push what the run wrote to the remotes that are configured; each remote takes only the outputs that name it."""
    configured = remote_urls(worktree.paths.root)
    pushed = tuple(name for name in REMOTES if name in configured)
    for name in pushed:
        if "://" not in configured[name]:
            make_private(Path(configured[name]))  # it holds raw or pseudonymised personal data
        dvc(worktree.paths.root, "push", "--quiet", "--remote", name)
    return pushed


def retire(root: Path, keep: int) -> tuple[str, ...]:
    """Delete all but the ``keep`` newest refreshes and drop from the cache what no branch and no checkout needs any more.

    While another run is at work nothing is dropped: its data is not yet in any branch. Remotes are left alone.
    """
    main = ProjectPaths(main_root(root))
    old = refreshes(main.root)[:-keep]
    for branch in old:
        git(main.root, "branch", "--quiet", "-D", branch)
    if old:
        try:
            with hold_cache(main, fcntl.LOCK_EX | fcntl.LOCK_NB):
                dvc(main.root, "gc", "--workspace", "--all-branches", "--force", "--quiet")
        except BlockingIOError:
            return old
    return old


@contextmanager
def only_run_in(root: Path) -> Iterator[None]:
    """Hold the folder for one run; raises :class:`~tasks.errors.WorktreeError` where another one is at work in it."""
    with (
        hold_lock(root / ".windtunnel" / "run.lock", f"the project in {root}"),
        hold_cache(ProjectPaths(main_root(root)), fcntl.LOCK_SH),
    ):
        yield


@contextmanager
def hold_lock(lock: Path, what: str) -> Iterator[None]:
    """Hold the file ``lock`` for one run; raises :class:`~tasks.errors.WorktreeError` naming ``what`` where another one has it."""
    make_private(lock.parent)
    with lock.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise WorktreeError(
                what,
                found=f"another run at work in it (process {stream.read().strip() or 'unknown'})",
                expected="one run at a time",
                next_step="wait until it has finished, then start again",
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


@contextmanager
def hold_cache(main: ProjectPaths, mode: int) -> Iterator[None]:
    """Shared by runs, exclusive for dropping from the cache: what a run has written is in no branch before it lands."""
    make_private(main.state)
    with (main.state / "cache.lock").open("w") as stream:
        fcntl.flock(stream, mode)
        yield
