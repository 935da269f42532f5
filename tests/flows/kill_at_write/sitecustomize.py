"""Kills a Python process, as `kill -9` does, when it is about to put its n-th file in place below a folder; put on PYTHONPATH."""

import os
import signal
import sys

_WANTED, _, _COUNT = os.environ.get("KILL_AT_WRITE", "").rpartition(":")
_left = int(_COUNT or 0)


def _watch(event: str, arguments: tuple) -> None:
    global _left  # noqa: PLW0603 - an audit hook is one function for the whole process
    if event == "os.rename" and os.path.realpath(arguments[1]).startswith(os.path.realpath(_WANTED)):
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if _WANTED:
    sys.addaudithook(_watch)
