"""Who was made champion, by which verdict, and when.

What belongs here: one champion, and the order in which they came. What does not: how that is read from the event log, and moving
an alias (``tasks.registry``).
"""

from tasks.records.base import Record, View
from tasks.records.events import Event


class Champion(Record):
    """A version of the registered model that was promoted, and what it was promoted on."""

    model: str
    """The registered model's name."""
    version: str
    verdict: str
    """SHA-256 of the verdict's bytes."""
    branch: str
    """The branch that keeps verdict, receipt, parameters, pin and the hashes of all data."""
    logical_hash: str
    """Of the fitted model that was judged, and that the registry has to hold."""
    promoted: str
    """What the registry holds: ``fitted_model``."""
    view: View
    split: str
    part: str
    at_utc: str
    actor: str
    event: str
    """The hash of the event that says that its promotion was done."""


class Championship(Record):
    """The champions of one registered model, as the event log tells."""

    model: str
    standing: tuple[Champion, ...]
    """The champion is the last; the one that a rollback returns to stands before it."""
    unfinished: Event | None
    """A move that was begun and neither done nor undone: whoever made it was cut off."""
    rolled_back: dict[str, int]
    """SHA-256 of a verdict whose champion was rolled back -> the number of the last event that did."""
    moves: tuple[Event, ...]
    """Every promotion and rollback of it, the earliest first."""

    @property
    def champion(self) -> Champion | None:
        """The champion; None before the first."""
        return self.standing[-1] if self.standing else None

    @property
    def previous(self) -> Champion | None:
        """The champion that a rollback returns to; None where there is none."""
        return self.standing[-2] if len(self.standing) > 1 else None
