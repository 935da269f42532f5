"""Calling programs: their environment, their end with ours, and their last line as the error.

What belongs here: how they are called. What does not: why. What they write is for its owner only, because DVC's cache, a
worktree and a local remote may hold raw personal data.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.__main__ import RUN_PROCESS
from tasks.credentials import without_lake, without_models
from tasks.errors import WorktreeError
from tasks.stages import LAKE_READER, MODEL_FETCHER

PRIVATE_UMASK = 0o077
PROJECT = "WINDTUNNEL_PROJECT"
"""The environment variable that names the project of a run which a worker started elsewhere."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter_project() -> Path:
    """The project's folder, which becomes the current one: the one that :data:`PROJECT` names, or where the process is.

    A worker starts the runs of a user's project in a folder without modules, for Prefect puts the current folder first on the
    module path, and a ``flows.py`` of the user's would be taken for ours. By now ours are imported.
    """
    root = Path(os.environ.get(PROJECT) or Path.cwd())
    os.chdir(root)
    return root


def end_with_parent() -> None:
    """For a child, before it becomes its program: let the kernel send SIGTERM when the parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def stage_environment(stage: str | None = None) -> dict[str, str]:
    """The environment of DVC and its ``stage``: this one, with this interpreter's scripts first on ``PATH``.

    ``dvc.yaml`` says ``python``. It names this process, so that a stage that is still starting when this one is killed ends
    itself. What opens the lake, or a registry's models, is left to the stage that reads them; DVC keeps what opens its remotes.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    own = os.environ if stage == LAKE_READER else without_lake(os.environ)
    own = own if stage == MODEL_FETCHER else without_models(own)
    return {**own, "PATH": path, "PYTHONUNBUFFERED": "1", RUN_PROCESS: str(os.getpid())}


def call(command: Sequence[str], cwd: Path, extra: Mapping[str, str] | None = None, *, given: bytes | None = None) -> bytes:
    """What ``command`` prints, being ``given`` that on its input.

    Raises :class:`~tasks.errors.WorktreeError` with its last line where it fails, or is not there.
    """
    env = {**stage_environment(), **(extra or {})}
    if shutil.which(command[0], path=env["PATH"]) is None:
        raise WorktreeError(
            command[0], found="no such program", expected=f"{command[0]} on PATH", next_step=f"install {command[0]}"
        )
    done = subprocess.run(  # noqa: S603 - git and dvc
        command, cwd=cwd, env=env, input=given, capture_output=True, check=False, umask=PRIVATE_UMASK
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or b"nothing was printed").decode(errors="replace").splitlines()[-1]
        by_hand = f"see it fail by hand: cd {cwd} && {' '.join(command)}"
        raise WorktreeError(" ".join(command[:2]), found=said, expected="the command to succeed", next_step=by_hand)
    return done.stdout


def git(root: Path, *words: str) -> str:
    """What ``git`` prints in ``root``, stripped."""
    return call(["git", *words], root).decode().strip()


def dvc(root: Path, *words: str) -> str:
    """What ``dvc`` prints in ``root``, stripped; it waits for another DVC that is at work."""
    return call(["dvc", "--wait-for-lock", *words], root).decode().strip()
