"""What a gate could show on today's holdout.

What belongs here: planned tests of criteria, and what they were planned from. What does not: what was decided (``verdict``).
"""

from typing import Literal

from tasks.records.base import Record


class PlannedTest(Record):
    """One test of one criterion, or of one slice of it, and the smallest true difference that it would pass on."""

    name: str
    metric: str
    slice: str | None
    test: Literal["bound", "non_inferiority", "superiority", "parity"]
    is_relative: bool
    """Whether limit and difference are shares of the champion's figure, instead of the metric's unit."""
    limit: float
    n: int | None
    """Rows of the holdout; foretold ones where it was planned from another part. None: withheld."""
    one_sided_confidence: float
    power: float
    smallest_difference: float | None
    """How far the truth must lie on the good side of the limit for the test to pass with ``power``; None where unknown."""
    does_equal_pass: bool | None
    """Of a margin: whether a model equal to the champion would pass with ``power``; of parity: whether slices that are alike."""
    rows_for_equal: int | None
    """Of a margin, or of parity: the rows in all at which it would."""
    days_for_equal: int | None
    reason: str
    """Why there is no smallest difference, or empty."""


class Unplanned(Record):
    """A criterion, or one slice of it, that has no smallest difference."""

    name: str
    kind: Literal["evidence", "metric", "parity", "drift", "discovered", "measured"]
    reason: str


class PlannedFrom(Record):
    """The rows whose figures' spread a plan rests on."""

    basis: Literal["evaluation", "free_look"]
    """The last evaluation of the holdout itself; or rows that a verdict is not kept for, whose spread was scaled to the holdout."""
    split: str
    part: str
    rows: int
    clusters: int | None
    cluster: str
    """What clusters are of."""
    why: str
    """Why the holdout's own evaluation was not taken, or empty."""


class GatePlan(Record):
    """What the criteria could show at a first look at the holdout, and at a later one."""

    split: str
    part: str
    rows: int
    """Of the holdout; those that are expected to be judged, where it was planned from another part."""
    clusters: int | None
    planned_from: PlannedFrom
    confidence: float
    """Two-sided, of a first look, for criteria that name none of their own."""
    later_confidence: float | None
    """Of each later look; None where the budget is one look."""
    tests: tuple[PlannedTest, ...]
    """At a first look."""
    later_tests: tuple[PlannedTest, ...]
    """The same tests at a later one, in the same order."""
    unplanned: tuple[Unplanned, ...]
    holdout: str | None
    """The hash that looks at the holdout are known by; None where it is not known, since labels are part of it."""


class NextLook(Record):
    """Which look at a holdout the next candidate would take."""

    number: int | None
    """From 1; None where it cannot be told without the holdout's labels."""
    budget: int
    left: int | None
    taken_at_part: int
    """Looks in the event log at this split and part, whatever rows it had then."""
    confidence: float
    """Two-sided, that it would be judged at; of a later look where the number is not known."""
