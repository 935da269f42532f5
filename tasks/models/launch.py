"""One program under limits, and nothing of it left behind: run as a script, by its path, with the standard library alone.

What belongs here: limits, and ending every process that the program started. What does not: what the program is given and
gives (``command``). Usage: ``launch.py PARENT MEMORY_BYTES FILE_BYTES PROGRAM [ARGUMENT ...]``, where PARENT is the process that
calls. The exit code is the program's, or 128 and the number of the signal that ended it.

The program gets a process group of its own. Where the system can (Linux), processes that it leaves behind become this one's
children, also those that left the group, and are killed when it ends, when this one is asked to stop, or when its parent dies.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_NOT_STARTED = 127
_SIGNALLED = 128


class _Stopped(BaseException):
    """This process is asked to stop, or its parent is gone."""


def main() -> int:
    """Run the program that the command line names, and end all that it started; returns the exit code."""
    parent, memory, size, *program = sys.argv[1:]
    signal.signal(signal.SIGTERM, _stop)
    _ask_kernel(_PR_SET_CHILD_SUBREAPER, 1)
    _ask_kernel(_PR_SET_PDEATHSIG, signal.SIGTERM)
    child, launcher = 0, os.getpid()
    try:
        if os.getppid() != int(parent):  # it died before the kernel was asked
            raise _Stopped
        child = os.fork()
        if child == 0:
            _become(program, launcher, int(memory), int(size))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
    except _Stopped:
        code = -signal.SIGTERM
    finally:
        if child:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _end_all(child)
    return code if code >= 0 else _SIGNALLED - code


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


def _ask_kernel(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _become(program: list[str], launcher: int, memory: int, size: int) -> None:
    """Turn this process into the program; never returns."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        _ask_kernel(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:
            os._exit(_NOT_STARTED)
        for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, size), (resource.RLIMIT_CORE, 0)):
            _, hard = resource.getrlimit(kind)
            limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (limit, limit))
        os.execvp(program[0], program)  # noqa: S606 - the user's own program, named by the user
    except OSError as error:
        os.write(2, f"{program[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(_NOT_STARTED)


def _end_all(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    while True:
        for orphan in _children():
            try:
                os.kill(orphan, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            _, _, after_name = (process / "stat").read_text().rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        if int(after_name.split()[1]) == os.getpid():
            found.append(int(process.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
