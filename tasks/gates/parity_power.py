"""What a holdout can show of a gap between slices.

What belongs here: how far below its limit the largest true gap must lie for a criterion on parity to pass. What does not: the gap's
interval, and judging (``parity``).

A gap passes where the highest upper end less the lowest lower end is within the limit. Figures of slices are taken to be normal and
independent of one another (blocks that slices share make the gap steadier), the two slices that are known least to lie farthest
apart, the others in the middle. The chance is then that of a range: for each slice the density of being the highest, times the
chance that all others lie below it and not too far (as in Tukey's studentized range), added up on a grid. A spread that was
measured on few other clusters is taken as known: such a plan promises somewhat too much.
"""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tasks.gates.bounds import POWER, is_usable
from tasks.gates.comparisons import days_that_hold
from tasks.gates.intervals import read_interval
from tasks.params.judging import ParityCriterion
from tasks.records import Comparison, Evaluation, PlannedTest

Floats = NDArray[np.float64]
_FEWEST = 2
_GRID, _FARTHEST = 2001, 6.0
"""Points, and standard errors beyond the outermost slice, over which densities are added up."""
_SHARPEST = 50
"""A slice that is known this many times better than the worst is as good as known: the grid tells no finer."""
_HALVINGS = 40


def plan_parity(name: str, criterion: ParityCriterion, evaluation: Evaluation, *, is_later: bool = False) -> Iterator[PlannedTest]:
    """The planned test of ``criterion``; none where there are fewer than two slices to lie apart."""
    found = [c for c in evaluation.comparisons if c.metric == criterion.parity and c.slice_column == criterion.slice]
    if len(found) < _FEWEST:
        return
    error = (1 - (criterion.confidence or evaluation.confidence)) / 2
    reaches, reason = _reaches(found, criterion, evaluation, error / 2, is_later=is_later)
    smallest = None if reaches is None else _smallest_difference(reaches, error / 2, criterion.gap)
    rows = sum(c.rows for c in found)
    needed = None if smallest is None else math.ceil(rows * max(1.0, smallest / criterion.gap) ** 2)
    does_pass = None if smallest is None else smallest <= criterion.gap
    yield PlannedTest(
        name=name,
        metric=f"parity[{criterion.parity} by {criterion.slice}]",
        slice=None,
        test="parity",
        is_relative=False,
        limit=criterion.gap,
        n=None if any(c.is_withheld for c in found) else rows,
        one_sided_confidence=1 - error,
        power=POWER,
        smallest_difference=smallest,
        does_equal_pass=does_pass,
        rows_for_equal=needed,
        days_for_equal=days_that_hold(needed, rows, evaluation.days),
        reason=reason,
    )


def _reaches(
    found: Sequence[Comparison], criterion: ParityCriterion, evaluation: Evaluation, error: float, *, is_later: bool
) -> tuple[Floats | None, str]:
    """How far each slice's interval reaches at the one-sided ``error``, or None and why one is not known."""
    few = [str(c.slice_value) for c in found if c.is_withheld or c.rows < criterion.min_rows]
    if few:
        return None, f"fewer than {criterion.min_rows:,} rows, or withheld: {', '.join(few)}"
    reaches = []
    for one in found:
        interval, why = read_interval(one, "challenger", criterion.method, 1 - 2 * error, evaluation, is_later=is_later)
        if interval is None or not is_usable(interval):
            return None, f"{one.slice_value}: {why or one.reason or 'there is no interval to plan from'}"
        reaches.append((interval.high - interval.low) / 2)
    return np.array(reaches), ""


def _smallest_difference(reaches: Floats, error: float, limit: float) -> float:
    """How far the true gap must lie below ``limit``; the least limit that slices without any gap hold, where that is beyond it."""
    errors = reaches / NormalDist().inv_cdf(1 - error)
    if not errors.max() > 0:
        return 0.0
    if _chance(reaches, errors, 0.0, limit) >= POWER:
        low, high = 0.0, limit
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if _chance(reaches, errors, middle, limit) >= POWER else (low, middle)
        return limit - low
    low, high = limit, limit + 2 * float((reaches + _FARTHEST * errors).max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _chance(reaches, errors, 0.0, middle) >= POWER else (middle, high)
    return high


def _chance(reaches: Floats, errors: Floats, gap: float, limit: float) -> float:
    """The chance that the gap passes ``limit`` where the two widest slices truly lie ``gap`` apart, the others between them."""
    from scipy.special import ndtr

    widest = np.argsort(-reaches, kind="stable")
    centres = np.zeros(len(reaches))
    centres[widest[0]], centres[widest[1]] = gap / 2, -gap / 2
    scale = np.maximum(errors, errors.max() / _SHARPEST)
    upper = centres + reaches
    grid = np.linspace((upper - _FARTHEST * scale).min(), (upper + _FARTHEST * scale).max(), _GRID)
    highest = (grid - upper[:, None]) / scale[:, None]
    lowest = (grid - limit - centres[:, None] + reaches[:, None]) / scale[:, None]
    within = np.log(np.maximum(ndtr(highest) - ndtr(lowest), np.finfo(np.float64).tiny))
    density = np.exp(-np.square(highest) / 2) / (math.sqrt(2 * math.pi) * scale[:, None])
    is_able = (2 * reaches <= limit)[:, None]
    total = (is_able * density * np.exp(within.sum(axis=0) - within)).sum(axis=0)
    return float(np.trapezoid(total, grid))
