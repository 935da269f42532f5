"""Champions as the event log tells of them: pure functions of events.

What belongs here: what a move of the alias writes into the log, what all moves come to, and what becomes of one that was cut off.
What does not: writing into the log (``tasks.ledger``), and the registry (``session``).

A move is two events: ``begun`` before the alias moves, ``done`` after it, or ``undone`` where it did not move. A log that ends in
``begun`` was cut off between the two. Where the alias stands then tells which: it is done where it stands where it was to go,
and undone in every other case, since nobody may rely on a promotion that was never confirmed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tasks.errors import LedgerError
from tasks.records import Champion, Championship, Event, RolledBack

ALIAS = "champion"
"""The alias that production reads."""
NOBODY = "none"
"""What the log says for an alias that does not stand anywhere."""
_KINDS = ("promotion", "rollback")
_CHAMPION_FIELDS = ("version", "verdict", "branch", "logical_hash", "promoted", "view", "split", "part", "check", "compared_with")
_RUBBER_STAMP = "rubber_stamp"
_LEAVES_VERDICT = "leaves_verdict"


@dataclass(frozen=True)
class Move:
    """A move of the alias that is to be written down: where from, and to which champion. Its event tells the whole of it."""

    kind: Literal["promotion", "rollback"]
    model: str
    origin: str
    """The version that the alias has to stand at before, or :data:`NOBODY`."""
    about: dict[str, str]
    """The fields of :class:`~tasks.records.Champion` that are known beforehand, and what else the log is to keep."""

    @property
    def target(self) -> str:
        """The version that the alias is to stand at."""
        return self.about["version"]

    def begun(self) -> dict[str, str]:
        """What the event says before the alias moves."""
        return {**self.about, "step": "begun", "model": self.model, "alias": ALIAS, "from": self.origin}


def closing(begun: Event, step: Literal["done", "undone"], reason: str = "") -> dict[str, str]:
    """What the event says that closes the move which ``begun`` opened."""
    told = {"step": step, "model": begun.about["model"], "begun": begun.hash, "version": begun.about["version"]}
    return {**told, "reason": reason} if reason else told


def settle(begun: Event, alias: str | None) -> dict[str, str]:
    """What closes a move that was cut off, now that the alias stands at version ``alias`` (None: nowhere)."""
    if alias == begun.about["version"]:
        return closing(begun, "done", "cut off after the alias had moved")
    return closing(begun, "undone", "cut off before the alias had moved")


def read_championship(events: Iterable[Event], model: str) -> Championship:
    """The champions of the registered model ``model`` after ``events``, in their order.

    Raises :class:`~tasks.errors.LedgerError` where a move does not follow from those before it.
    """
    standing: list[Champion] = []
    rolled_back: dict[str, int] = {}
    unfinished: Event | None = None
    moves = tuple(event for event in events if event.kind in _KINDS and event.about.get("model") == model)
    for event in moves:
        step = event.about.get("step")
        if step == "begun" and unfinished is None:
            unfinished = event
            continue
        if step not in ("done", "undone") or unfinished is None or event.about.get("begun") != unfinished.hash:
            raise _odd(event)
        if step == "done" and unfinished.kind == "promotion":
            if standing and standing[-1].version == unfinished.about.get("version"):
                standing.pop()  # it was champion, and its alias was taken back to it
            standing.append(_champion(unfinished, event))
        elif step == "done":
            if len(standing) < 2 or standing[-2].version != unfinished.about.get("version"):
                raise _odd(event)
            rolled_back[standing.pop().verdict] = event.number
        unfinished = None
    return Championship(model=model, standing=tuple(standing), unfinished=unfinished, rolled_back=rolled_back, moves=moves)


def find_rollback(events: Iterable[Event], verdict: str) -> RolledBack | None:
    """That the champion of the verdict with this hash was rolled back; None where it was not, or is champion again.

    ``events`` may be of several logs and registered models, in any order. What was taken back in one registered model is champion
    again where it is so in that one: under another name it is the same model. A rollback that was begun counts unless it was
    undone, since whoever began it wanted that model gone.
    """
    moves = sorted((event for event in events if event.kind in _KINDS), key=lambda event: event.at_utc)
    came_to = {event.about["begun"]: event.about.get("step") for event in moves if "begun" in event.about}
    standing: dict[str, Event] = {}
    for event in moves:
        if event.about.get("step") != "begun" or came_to.get(event.hash) == "undone":
            continue
        if event.kind == "rollback" and event.about.get(_LEAVES_VERDICT) == verdict:
            standing[event.about.get("model", "")] = event
        if event.about.get("verdict") == verdict and came_to.get(event.hash) == "done":
            standing.pop(event.about.get("model", ""), None)
    if not standing:
        return None
    last = max(standing.values(), key=lambda event: event.at_utc)
    version, reason = last.about.get("leaves", ""), last.about.get("reason", "")
    return RolledBack(verdict=verdict, version=version, at_utc=last.at_utc, actor=last.actor, reason=reason, event=last.hash)


def _champion(begun: Event, done: Event) -> Champion:
    known = {name: begun.about.get(name, "") for name in _CHAMPION_FIELDS}
    return Champion.model_validate(
        {
            **known,
            _RUBBER_STAMP: begun.about.get(_RUBBER_STAMP) == "true",
            "model": begun.about["model"],
            "at_utc": done.at_utc,
            "actor": begun.actor,
            "event": done.hash,
        }
    )


def _odd(event: Event) -> LedgerError:
    return LedgerError(
        f"event {event.number} of the event log",
        found=f"a {event.kind} ({event.about.get('step', 'no step')}) that does not follow from the moves before it",
        expected="each move begun, then done or undone",
        next_step="windtunnel verify checks the chain; restore the log from a branch that holds it (data/events.jsonl)",
    )
