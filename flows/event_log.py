"""The event log of a project, as the command line and flows find it: this checkout's, and the one that came with a branch.

What belongs here: where logs lie, and reading them. What does not: what they mean (``tasks.ledger``).
"""

from pathlib import Path

from tasks.ledger import check_logs, read_content, read_log
from tasks.paths import ProjectPaths, main_root
from tasks.records import Check, Event


def live_log(paths: ProjectPaths) -> Path:
    """The log that events are written to: the main checkout's, whatever worktree asks."""
    return ProjectPaths(main_root(paths.root)).events


def read_events(paths: ProjectPaths) -> tuple[Event, ...]:
    """All events of the project, oldest first. Raises :class:`~tasks.errors.LedgerError` where the chain is broken."""
    return read_log(live_log(paths)).events


def check_event_logs(paths: ProjectPaths) -> tuple[Check, ...]:
    """Whether the project's log holds, and the one that came with a checkout of a landed branch."""
    files = {".windtunnel/events.jsonl": live_log(paths), "data/events.jsonl": paths.landed_events}
    return check_logs({name: read_content(file) for name, file in files.items()})
