"""A chain of events as bytes, and back.

What belongs here: what a line holds, what follows what, and what a line that was cut off means; pure functions of bytes and a
moment that is passed in. What does not: the file (``log``), and what events of a kind mean (``looks``).

Each event holds the hash of the one before, so that no line can be changed, moved or taken out without every later hash being
wrong. A chain does not show that its *end* was cut away: whoever keeps the hash of an event (a receipt does) can tell.

A process that is killed while it writes leaves a last line that is no event. Nothing is ever cut away for it: the next write ends
that line and puts an event of the kind ``recovered`` after it, which holds the SHA-256 of those bytes. A line that is no event is
accepted in that one place, and, until then, at the end.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tasks.errors import DatasetError, LedgerError
from tasks.records import Event, EventKind

FIRST = "0" * 64
"""What stands for the hash before the first event."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far a clock may have gone back between two events: two machines', or one that was set right."""
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_RESTORE = "restore the log from a branch that holds it (data/events.jsonl) or from a backup; never write into it by hand"


@dataclass(frozen=True)
class Draft:
    """What a new event is to say."""

    kind: EventKind
    about: Mapping[str, str]


@dataclass(frozen=True)
class Chain:
    """The events of a log, and what a write that was cut off has left at its end."""

    events: tuple[Event, ...]
    torn: bytes = b""
    """Bytes at the end that are no event."""
    is_end_missing: bool = False
    """Whether only the line end of the last event is missing; the event counts."""

    @property
    def head(self) -> str:
        """The hash of the last event; 64 zeros where there is none."""
        return self.events[-1].hash if self.events else FIRST


def next_event(chain: Chain, draft: Draft, *, actor: str, now: datetime) -> Event:
    """The event that ``draft`` becomes after ``chain``, at the moment ``now`` (with a zone).

    Raises :class:`~tasks.errors.LedgerError` where the clock has gone back by more than five minutes since the last event.
    """
    moment = now.astimezone(timezone.utc)
    if chain.events and moment < _moment(chain.events[-1].at_utc, "the event log") - CLOCK_SKEW:
        raise LedgerError(
            "the clock",
            found=f"{moment.strftime(_TIME)}, before the last event of the log ({chain.events[-1].at_utc})",
            expected="a clock that does not go back",
            next_step="set the clock right",
        )
    at = max([moment.strftime(_TIME), *(event.at_utc for event in chain.events[-1:])])
    event = Event(
        number=len(chain.events) + 1, kind=draft.kind, at_utc=at, actor=actor, about=dict(draft.about), previous=chain.head, hash=""
    )
    return event.model_copy(update={"hash": _hash(event)})


def bytes_after(chain: Chain, draft: Draft, *, actor: str, now: datetime) -> tuple[Event, bytes]:
    """The event that ``draft`` becomes, and what has to be written at the end of the file for it, in one piece.

    What a crash has left there is ended and named by an event of its own first.
    """
    start = b"\n" if chain.is_end_missing else b""
    if chain.torn:
        about = {"sha256": _hash_torn(chain.torn)}
        recovered = next_event(chain, Draft("recovered", about), actor=actor, now=now)
        start = (b"" if chain.torn.endswith(b"\n") else b"\n") + _line(recovered)
        chain = Chain((*chain.events, recovered))
    event = next_event(chain, draft, actor=actor, now=now)
    return event, start + _line(event)


def read_chain(content: bytes, *, origin: str) -> Chain:
    """The events that ``content`` holds; ``origin`` names the file in errors.

    Raises :class:`~tasks.errors.LedgerError` naming the line at which the chain is broken.
    """
    events: list[Event] = []
    odd: list[bytes] = []
    *whole, tail = content.split(b"\n")
    lines = [line + b"\n" for line in whole] + ([tail] if tail else [])
    for number, line in enumerate(lines, start=1):
        event = _parse(line)
        if event is None:
            odd.append(line)
            continue
        _require_next(event, events, f"{origin}, line {number}")
        if odd:
            _require_recovered(event, b"".join(odd), f"{origin}, line {number - 1}")
            odd = []
        events.append(event)
    is_end_missing = bool(content) and not odd and not content.endswith(b"\n")
    return Chain(tuple(events), b"".join(odd), is_end_missing)


def _line(event: Event) -> bytes:
    return _encode(event.model_dump(mode="json")) + b"\n"


def _hash(event: Event) -> str:
    return hashlib.sha256(_encode(event.model_dump(mode="json", exclude={"hash"}))).hexdigest()


def _encode(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def _hash_torn(torn: bytes) -> str:
    """SHA-256 of what a crash left, without its line end, which the recovery gives it."""
    return hashlib.sha256(torn.rstrip(b"\n")).hexdigest()


def _parse(line: bytes) -> Event | None:
    """The event on a line (its line end may be missing); None where it is none as this module writes them, byte for byte."""
    try:
        event = Event.from_json(line, origin="")
    except DatasetError:
        return None
    return event if _line(event).rstrip(b"\n") == line.rstrip(b"\n") else None


def _require_next(event: Event, before: list[Event], where: str) -> None:
    """Refuse an event that does not follow from those before it, or is not the one that its hash was made of."""
    previous = before[-1].hash if before else FIRST
    if event.hash != _hash(event):
        raise _broken(where, "an event that was changed after it was written (its hash is of another)")
    if event.previous != previous or event.number != len(before) + 1:
        raise _broken(where, f"event {event.number}, which does not follow event {len(before)}: one was taken out, put in or moved")
    if _moment(event.at_utc, where) < (_moment(before[-1].at_utc, where) if before else _moment(event.at_utc, where)):
        raise _broken(where, f"a time ({event.at_utc}) before that of the event before it")


def _require_recovered(event: Event, odd: bytes, where: str) -> None:
    if event.kind != "recovered" or event.about.get("sha256") != _hash_torn(odd):
        raise _broken(where, "a line that is no event, and that no recovery accounts for")


def _moment(text: str, where: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        raise _broken(where, "a time that cannot be read") from None


def _broken(where: str, found: str) -> LedgerError:
    return LedgerError(
        where, found=found, expected="the events as they were written, each after the one before", next_step=_RESTORE
    )
