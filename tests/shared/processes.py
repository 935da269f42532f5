"""What the tests see of the system's processes, and waiting that is bounded."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 240


def wait_until(what: str, look: Callable[[], Any]) -> Any:
    """What ``look`` gives as soon as it gives anything; fails after PATIENCE_SECONDS, which only a fault explains."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE_SECONDS} s in vain until {what}")


def processes_in(folder: Path) -> dict[int, str]:
    """The processes that work in ``folder`` or below it, but this one: their numbers and command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_here = (process / "cwd").resolve(strict=True).is_relative_to(folder.resolve())
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:  # it has ended meanwhile
            continue
        if is_here and command and int(process.name) != os.getpid():
            found[int(process.name)] = command
    return found
