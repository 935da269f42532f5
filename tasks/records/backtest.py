"""What a gate would have decided in the past, and what that was worth.

What belongs here: one decision, and how often which margins would have been right. What does not: how they come about
(``tasks.backtesting``).
"""

from typing import Literal

from tasks.records.base import Record
from tasks.records.verdict import Decision

BacktestCandidate = Literal["challenger", "swapped", "refit", "stale"]
"""``challenger``: against production; ``swapped``: the champion as candidate, against a production that runs the challenger;
``refit``: the challenger's recipe, fitted anew, against itself as it was fitted a period before; ``stale``: that fit against it."""


class BacktestDecision(Record):
    """One decision at the end of a period, and what the period after it showed."""

    candidate: BacktestCandidate
    judged: str
    """The period whose rows it was judged on, as far as their labels were known at its end."""
    live: str
    """The period that it would have been in production."""
    fitted_rows: int
    judged_rows: int
    live_rows: int
    decision: Decision
    stopped_by: tuple[str, ...]
    """The criteria that did not pass."""
    judged_delta: float | None
    """Candidate less production, by the headline metric; None where there is no production model."""
    live_delta: float | None
    is_good: bool | None
    """Whether, by the figures of ``live``, no critical limit was broken; None where nothing of it was measured."""


class MarginTally(Record):
    """What margins ``scale`` times as wide would have done. Undecided releases (inconclusive, not judged) are blocked ones."""

    scale: float
    good_passed: int
    good_blocked: int
    good_undecided: int
    """Of those that were blocked, those that were not rejected."""
    bad_passed: int
    bad_blocked: int
    bad_undecided: int
    unknown: int
    """Decisions of which nobody knows what came of them."""


class Backtest(Record):
    """Every decision, and the table over margins."""

    period: Literal["month", "week", "day"]
    split: str
    parts: tuple[str, ...]
    """The parts that were read."""
    metric: str
    """The headline metric: that of the first critical criterion on a figure."""
    decisions: tuple[BacktestDecision, ...]
    margins: tuple[MarginTally, ...]
    note: str
