"""Process groups that outlive the command that started them: whether one is still at work, and ending it.

What belongs here: the groups of a Prefect server and its worker, known by the process that leads them. What does not: what
runs in them. A number that was written down is not trusted: after a reboot it may be anybody's, so only a process that is
Prefect's counts.
"""

import os
import signal
import time
from pathlib import Path

STOP_SECONDS = 15
"""So long may a group take to end politely: runs in it stop their stages and tell the server that they were stopped."""
_OURS = b"prefect"
_ENDED = "ZX"


def is_group_alive(group: int) -> bool:
    """Whether any process of Prefect's runs in the process group ``group`` (0: no group); its leader may be gone."""
    return group > 0 and any(_group_of(process) == group for process in Path("/proc").glob("[0-9]*"))


def _group_of(process: Path) -> int:
    """The group of a process of Prefect's; 0 for any other, and for one that has ended and only waits to be asked for."""
    try:
        command = (process / "cmdline").read_bytes()
        _, _, after_name = (process / "stat").read_text().rpartition(")")
    except OSError:  # it has ended meanwhile
        return 0
    state, _parent, group, *_ = after_name.split()
    is_ours = _OURS in command or not command  # it has none for a moment while its program is being loaded
    return int(group) if is_ours and state not in _ENDED else 0


def stop_group(group: int) -> None:
    """End all of a process group, politely, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_group_alive(group):
            return
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while is_group_alive(group) and time.monotonic() < deadline:
            time.sleep(0.1)
