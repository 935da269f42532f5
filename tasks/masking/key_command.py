"""A command that prints the master key: a vault's client, or a program of the user's.

What belongs here: running it without a shell, within its time, and keeping what it says to ourselves. What does not: what a
key looks like (``keys``). Nothing that the command prints stands in an error or a log: it may be the key.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from tasks.errors import MaskingKeyError

_PIECE = 4096


def read_from_command(command: Sequence[str], folder: Path, seconds: float, *, at_most: int, origin: str) -> str:
    """What ``command`` prints on its standard output, run in ``folder``; its standard error is thrown away.

    It gets this process's environment and no input. Raises :class:`~tasks.errors.MaskingKeyError` where it cannot be started,
    fails, takes longer than ``seconds``, or prints more than ``at_most`` bytes; it and what it started in its process group
    is ended then.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own program, from the user's own params.yaml; no shell
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
    except OSError as error:
        raise _refuse(origin, f"it cannot be started: {error.strerror}", f"install {command[0]}, or mend its name") from None
    try:
        printed = _read(process, time.monotonic() + seconds, at_most)
        if printed is None:
            raise _refuse(origin, f"no end after {seconds:g} seconds", "run it by hand; masking.key.command_seconds is its limit")
        if len(printed) > at_most:
            raise _refuse(origin, f"more than {at_most} bytes of output", "let it print the key and nothing else")
    finally:
        _end(process)
    if process.returncode != 0:
        how = f"by signal {-process.returncode}" if process.returncode < 0 else f"with exit code {process.returncode}"
        raise _refuse(origin, f"it ended {how}", "run it by hand to see why; what it prints is never shown here")
    return printed.decode("ascii", errors="replace")


def _read(process: subprocess.Popen[bytes], deadline: float, at_most: int) -> bytes | None:
    """What it prints until its end, or a little more than ``at_most`` bytes; None where the deadline came first."""
    printed = b""
    with selectors.DefaultSelector() as selector, cast(IO[bytes], process.stdout) as stream:
        selector.register(stream, selectors.EVENT_READ)
        while len(printed) <= at_most:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                return None
            piece = os.read(stream.fileno(), _PIECE)
            if not piece:
                break
            printed += piece
    try:
        if len(printed) <= at_most:
            process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return None
    return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of its process group behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _refuse(origin: str, found: str, next_step: str) -> MaskingKeyError:
    return MaskingKeyError(origin, found=found, expected="the key, 64 hexadecimal digits, as its output", next_step=next_step)
