"""What judges: the packages whose version can change a result, and the release of Python.

What belongs here: naming them, and telling two environments apart. What does not: a user's version lock (``tasks.projects``), and
the rest of a machine, of which a verdict says nothing: it is the same wherever the lock is.
"""

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from tasks.projects.version_lock import LIBRARIES, PACKAGE

_PYTHON = "python"
JUDGE_ANEW = "install what requirements.lock names; or judge all anew with what is here: dvc repro --force, then windtunnel run"


def judging_environment() -> dict[str, str]:
    """Package -> version, as installed here, and Python's major and minor number."""
    return {name: _version(name) for name in (PACKAGE, *LIBRARIES)} | {
        _PYTHON: f"{sys.version_info.major}.{sys.version_info.minor}"
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a release flow may have less installed; it judges nothing, and cannot say that it would agree
        return "none"


def told_difference(named: Mapping[str, str]) -> str:
    """How the environment that a verdict names differs from the one here, package by package; empty where it does not."""
    here = judging_environment()
    others = sorted(name for name in {*named, *here} if named.get(name) != here.get(name))
    return ", ".join(f"{name} {named.get(name, 'none')}, here {here.get(name, 'none')}" for name in others)
