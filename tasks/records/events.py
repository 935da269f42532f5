"""What happened, in the one event log.

What belongs here: one event, and a look at a holdout. What does not: the chain that
events form, and the file that holds it (``tasks.ledger``).
"""

from typing import Literal

from tasks.records.base import Record

EventKind = Literal["look", "approval", "promotion", "rollback", "change", "recovered"]
"""``look``: a candidate was measured on a holdout; ``recovered``: a write that a crash had cut off was found and set aside."""


class LookTaken(Record):
    """One look at a holdout: what was measured on what, which look it was, and how many are left."""

    candidate: str
    """Logical hash of the challenger's model, or of its scores."""
    holdout: str
    """Logical hash of the judged part's times and labels."""
    number: int
    """1 for the first candidate that was measured on this holdout."""
    budget: int
    left: int
    """Candidates that may still be measured on it, when this was written."""
    event: str
    """The hash of the look in the event log."""


class LooksLeft(Record):
    """What is left of a holdout's budget of looks, whoever asks."""

    holdout: str
    """Logical hash of the judged part's times and labels."""
    budget: int
    left: int


class Event(Record):
    """One line of the event log. Its hash is of all the rest, the hash of the event before included."""

    schema_version: Literal[1] = 1
    number: int
    """1 for the first, then one more each."""
    kind: EventKind
    at_utc: str
    """To the microsecond, so that text order is time order."""
    actor: str
    about: dict[str, str]
    """What the kind calls for; never a value of a row."""
    previous: str
    """The hash of the event before; of the first, 64 zeros."""
    hash: str
