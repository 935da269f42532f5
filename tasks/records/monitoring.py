"""A difference that is watched over time.

What belongs here: what a look at it says. What does not: how that is computed (``tasks.gates``).
"""

from typing import Literal

from tasks.records.base import Direction, Record

MonitoringStatus = Literal["holds", "broken", "undecided"]


class Monitoring(Record):
    """What a confidence sequence of daily differences says, after its last day."""

    status: MonitoringStatus
    since: str | None
    """The first day on which it was told."""
    reason: str
    days: int
    mean: float | None
    """Challenger less champion, over all days; None where there are too few."""
    low: float | None
    high: float | None
    """Ends of the sequence on the last day: they hold on all days together with a chance of 1 - ``alpha``."""
    direction: Direction
    margin: float
    alpha: float
