"""What an adversary found.

What belongs here: one cheat's fate, and all of them. What does not: how cheats are made (``tasks.adversary``).
"""

from typing import Literal

from tasks.records.base import Record


class DoorTried(Record):
    """One way in for a cheat, and what shut it."""

    door: Literal[
        "recipe", "feature", "score_file", "stored_model", "predictions", "params_champion", "params_split", "params_seed"
    ]
    stopped_by: str
    """The check that refused it, in its own words; empty where none did."""


class CheatOutcome(Record):
    """One cheat: what it costs to get through the criteria, and which doors are open to it."""

    name: str
    how: str
    unit: str
    tried: tuple[float, ...]
    """The costs that were tried, in the order in which somebody would; the last one got through, where one did."""
    cheapest: float | None
    """The cost at which all critical criteria on figures passed; None where they never did."""
    criteria: tuple[str, ...]
    """Where they never did: the criteria that did not pass at the last attempt."""
    doors: tuple[DoorTried, ...]
    """Where they did: each way in, and what shut it."""

    @property
    def got_through(self) -> bool:
        """Whether the criteria passed it, and a door was open."""
        return self.cheapest is not None and any(not tried.stopped_by for tried in self.doors)


class FoolReport(Record):
    """What became of every cheat that was tried on one project."""

    split: str
    part: str
    rows: int
    bad_share: float
    """The share of the challenger's scores that are made worthless in the bad model that wants to pass."""
    looks: int
    """Candidates that one holdout lets be measured."""
    cheats: tuple[CheatOutcome, ...]
    note: str
