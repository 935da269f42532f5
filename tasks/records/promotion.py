"""Who was made champion, by which verdict, and when.

What belongs here: one champion, how a recipe that was fitted again was checked, and the order in which champions came. What does
not: how that is read from the event log, and moving an alias (``tasks.registry``).
"""

from typing import Literal

from tasks.records.base import Record, View
from tasks.records.events import Event
from tasks.records.verdict import CriterionOutcome


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
    """Of the model that the registry has to hold: the one that was judged, or the one that its recipe was fitted to again."""
    promoted: str
    """What was promoted: ``fitted_model``, or its ``recipe``, fitted again on rows of another view."""
    view: View
    """What the model that the registry holds was fitted on."""
    split: str
    part: str
    rubber_stamp: bool = False
    """Whether there was no champion to compare it with when it was judged."""
    at_utc: str
    actor: str
    event: str
    """The hash of the event that says that its promotion was done."""
    check: str = ""
    """What became of a recipe that was fitted again, held against its verdict; empty of a fitted model."""
    compared_with: str = ""
    """Whom its verdict compared it with, where that is not known to be the champion that it replaced; empty where it is."""


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


class RolledBack(Record):
    """That the champion of a verdict was rolled back, and nobody has made it champion since."""

    verdict: str
    """SHA-256 of the verdict's bytes."""
    version: str
    """The version of the registered model that left."""
    at_utc: str
    """When the rollback was begun, to the microsecond."""
    actor: str
    reason: str
    event: str
    """The hash of the event that began it."""


class RefitCheck(Record):
    """How a recipe, fitted again on raw rows, was held against its verdict; aggregates alone, and none of a few people."""

    schema_version: Literal[1] = 1
    judged_hash: str
    """Of the fitted model that the verdict judged."""
    refitted_hash: str
    """Of the model that its recipe was fitted to on raw rows."""
    repeats: Literal["the same model", "the same scores"]
    """What fitting once more with the same seed gave; scores count as the same where no row's differs by more than 1e-9."""
    champion: Literal["fitted again on raw rows", "its logged scores", "none"]
    """What it was compared with on raw rows."""
    rows: int
    on_raw: tuple[CriterionOutcome, ...]
    """The signed criteria on metrics, decided anew: both models in the view raw, on the rows that were judged."""
    agreement: tuple[CriterionOutcome, ...]
    """The same criteria's margins, with the model that was judged in the place of the champion."""
    rank_correlation: float | None
    """Spearman's, of its scores and the judged model's; of several classes the least. None where one gives all rows one score."""
    same_decisions: float | None
    """The share of rows that both decide alike: at 0.5, or the likeliest class. None of a regression."""
    by_rule: tuple[str, ...] = ()
    """Features that raw rows give by masking's own rule for a column, which whoever serves the model has to carry out too."""
