"""The event log of a project, as the command line and flows find it: this checkout's, and the one that came with a branch.

What belongs here: where logs lie, and reading them. What does not: what they mean (``tasks.ledger``).
"""

from pathlib import Path

from tasks.ledger import check_anchors, check_logs, known_events, read_content, read_log
from tasks.paths import ProjectPaths, main_root
from tasks.records import Check, Event, Receipt


def live_log(paths: ProjectPaths) -> Path:
    """The log that events are written to: the main checkout's, whatever worktree asks."""
    return ProjectPaths(main_root(paths.root)).events


def read_events(paths: ProjectPaths) -> tuple[Event, ...]:
    """All events of the project, oldest first. Raises :class:`~tasks.errors.LedgerError` where the chain is broken."""
    return read_log(live_log(paths)).events


def check_event_logs(paths: ProjectPaths) -> tuple[Check, ...]:
    """Whether the project's log holds, and the one that came with a landed branch, and whether they hold what receipts name."""
    files = {".windtunnel/events.jsonl": live_log(paths), "data/events.jsonl": paths.landed_events}
    checks = check_logs({name: read_content(file) for name, file in files.items()})
    if any(check.status == "does_not_hold" for check in checks):
        return checks
    receipts = {
        file.stem[:12]: Receipt.from_json(file.read_bytes(), origin=file.name) for file in sorted(paths.receipts.glob("*.json"))
    }
    return (*checks, check_anchors(receipts, known_events(live_log(paths), paths.landed_events))) if receipts else checks
