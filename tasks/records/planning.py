"""What a gate could show on today's holdout.

What belongs here: one planned test of a criterion. What does not: what was decided (``verdict``).
"""

from typing import Literal

from tasks.records.base import Record


class PlannedTest(Record):
    """One test of one criterion, or of one slice of it, and the smallest true difference that it would pass on."""

    name: str
    metric: str
    slice: str | None
    test: Literal["bound", "non_inferiority", "superiority"]
    is_relative: bool
    """Whether limit and difference are shares of the champion's figure, instead of the metric's unit."""
    limit: float
    n: int | None
    one_sided_confidence: float
    power: float
    smallest_difference: float | None
    """How far the truth must lie on the good side of the limit for the test to pass with ``power``; None where unknown."""
    does_equal_pass: bool | None
    """Of a margin: whether a model equal to the champion would pass with ``power``."""
    rows_for_equal: int | None
    """Of a margin: the rows in all at which it would."""
    days_for_equal: int | None
    reason: str
    """Why there is no smallest difference, or empty."""
