"""Process groups that outlive the command that started them: whether one is still at work, and ending it.

What belongs here: the groups of a Prefect server and its worker, known by the process that leads them. What does not: what
runs in them. A number that was written down is not trusted: after a reboot it may be anybody's, so only a process that is
Prefect's counts.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

STOP_SECONDS = 15
"""So long may a group take to end politely: runs in it stop their stages and tell the server that they were stopped."""
_OURS = b"prefect"
_ENDED = "ZX"
_children: list[subprocess.Popen[bytes]] = []


def adopt(child: subprocess.Popen[bytes]) -> None:
    """Take note of a child that leads a group, so that it is asked for when it has ended."""
    _children.append(child)


def is_group_alive(group: int) -> bool:
    """Whether any process of Prefect's runs in the process group ``group`` (0: no group); its leader may be gone."""
    for child in _children:
        child.poll()
    return group > 0 and any(ours[1] == group for ours in _our_processes().values())


def has_ended(process: int) -> bool:
    """Whether a process is gone, or has ended and only waits to be asked for."""
    try:
        _, _, after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")
    except OSError:
        return True
    return after_name.split()[0] in _ENDED


def groups_started_by(parent: int) -> tuple[int, ...]:
    """The process groups that are led by a child of the process ``parent``: a worker gives each run one of its own."""
    return tuple(pid for pid, (its_parent, group) in _our_processes().items() if its_parent == parent and group == pid)


def _our_processes() -> dict[int, tuple[int, int]]:
    """Parent and group of each process of Prefect's; one that has ended and only waits to be asked for is none."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            _, _, after_name = (process / "stat").read_text().rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        _state, parent, group, *_ = after_name.split()
        is_ours = _OURS in command or not command  # it has none for a moment while its program is being loaded
        if is_ours and not has_ended(int(process.name)):
            found[int(process.name)] = (int(parent), int(group))
    return found


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
