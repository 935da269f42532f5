"""Verdicts whose champion was rolled back: found in every event log that this checkout knows, refused, and said on their pages.

What belongs here: whether a rollback stands against a verdict, and telling it. What does not: rolling back (``flows.promotion``),
what else turns a verdict stale (``flows.verdict_checks``), and Prefect.
"""

import hashlib
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from flows.approval import hash_verdict, require_promotable
from flows.champion_logs import events_everywhere
from flows.verdict_store import StoredVerdict, find_verdict
from tasks.datasets import write_atomically
from tasks.errors import GateError, ReportError, SigningError
from tasks.paths import ProjectPaths, main_root
from tasks.records import Championship, Event, Promotable, RolledBack
from tasks.registry import find_rollback
from tasks.reporting import rollback_sentence, show_rollback
from tasks.signing import moment


def find_rolled_back(root: Path, stored: StoredVerdict, now: datetime) -> RolledBack | None:
    """The rollback that stands against ``stored``: None where there was none, it is champion again, or somebody approved it since.

    A drill is none. Raises :class:`~tasks.errors.LedgerError` where a log is broken.
    """
    return _still_stands(root, stored, events_everywhere(root), now)


def require_not_rolled_back(root: Path, stored: StoredVerdict, now: datetime) -> None:
    """Refuse a verdict against which a rollback stands: raises :class:`~tasks.errors.GateError` (exit code 2) that tells of it."""
    found = find_rolled_back(root, stored, now)
    if found is None:
        return
    raise GateError(
        f"verdict {stored.name}",
        found=f"a stale one: {rollback_sentence(found).removesuffix('.')}",
        expected="one whose model was not taken back, or an approval by somebody who knows of that",
        next_step="judge a new challenger, or this one on new rows (windtunnel data refresh); "
        f"or windtunnel approve {stored.name} --reason ...",
    )


def require_approved_since(root: Path, standing: Championship, promotable: Promotable) -> None:
    """Refuse to promote a verdict whose champion was rolled back, unless who approves it knew of that, and signed after it.

    Rolled back in this registered model, whose champions are ``standing``, or in any other, by every log that is known here. Raises
    :class:`~tasks.errors.GateError`.
    """
    events = events_everywhere(root)
    number = standing.rolled_back.get(promotable.verdict_hash)  # also where its other form is champion again
    times = [event.at_utc for event in standing.moves if event.number == number]
    if found := find_rollback(events, promotable.verdict_hash):
        times.append(found.at_utc)
    approval = next((event for event in events if event.hash == promotable.approval), None)
    if not times or (approval and knows_of(approval, max(times))):
        return
    raise GateError(
        f"verdict {promotable.name}",
        found=f"a champion that was rolled back on {max(times)[:10]}, and an approval from before that",
        expected="an approval by somebody who knows of the rollback",
        next_step=f"windtunnel approve {promotable.name} --reason ...",
    )


def told_rollback(root: Path, stored: StoredVerdict | None) -> str:
    """The rollback that stands against ``stored``, as one sentence; empty where none does, or where there is no verdict."""
    return rollback_sentence(find_rolled_back(root, stored, datetime.now(timezone.utc))) if stored is not None else ""


def tell_pages(root: Path) -> None:
    """Say on each kept page whether a rollback stands against its verdict: it was drawn before anybody knew.

    A page without a place for it, which somebody edited, stays as it is: the commands say it too.
    """
    events, now = events_everywhere(root), datetime.now(timezone.utc)
    for kept in sorted(ProjectPaths(main_root(root)).results.rglob("verdict.json")):
        page = kept.with_name("report.html")
        with suppress(ReportError, FileNotFoundError):
            before = page.read_text()
            found = find_rollback(events, hashlib.sha256(kept.read_bytes()).hexdigest())
            stands = _still_stands(root, find_verdict(root, str(kept)), events, now) if found else None
            after = show_rollback(before, rollback_sentence(stands))
            if after != before:
                write_atomically(page, after.encode())


def knows_of(approval: Event, rollback_utc: str) -> bool:
    """Whether an approval was signed, and written down, after the rollback of this time.

    Times are compared, not places in a log: an approval may be written down after it was signed, or have landed from elsewhere.
    """
    after = moment(rollback_utc)
    to_the_second = after.replace(microsecond=0)  # as a signature tells its time
    return moment(approval.at_utc) > after and moment(approval.about.get("signed_utc", "")) >= to_the_second


def _still_stands(root: Path, stored: StoredVerdict, events: tuple[Event, ...], now: datetime) -> RolledBack | None:
    """The rollback of a verdict, unless the newest approval that counts is by somebody who knew of it."""
    found = find_rollback(events, hash_verdict(stored))
    if found is None:
        return None
    try:
        promotable = require_promotable(root, stored, now)
    except (GateError, SigningError):
        return found
    is_known = any(event.hash == promotable.approval and knows_of(event, found.at_utc) for event in events)
    return None if is_known else found
