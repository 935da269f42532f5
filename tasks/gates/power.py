"""What a holdout can show: planned from how far its figures spread, before anyone looks at which way they went.

What belongs here: the smallest true difference that each criterion would pass on, and the rows that an equal model would need. What
does not: judging (``comparisons``). An interval that reaches ``r`` on its worse side, at a one-sided error with the normal quantile
``z``, has a standard error of ``r / z``; a true distance of ``(z + z_power) r / z`` from the limit passes with that power (Julious
2004, Statistics in Medicine 23). Claims to be better are planned at the first step of Holm's correction, the hardest.
"""

import math
from collections.abc import Iterator
from statistics import NormalDist

from tasks.gates.bounds import POWER, is_usable
from tasks.gates.comparisons import confidence_of, days_that_hold, method_of
from tasks.gates.criteria import comparisons_of
from tasks.gates.intervals import Figure, read_interval
from tasks.params.judging import GatesParams, MetricCriterion
from tasks.records import Comparison, Evaluation, PlannedTest

_NORMAL = NormalDist()


def plan_tests(evaluation: Evaluation, gates: GatesParams) -> tuple[PlannedTest, ...]:
    """What each test of each metric criterion could show on the rows of ``evaluation``, in the order of the criteria."""
    asked = [
        (name, criterion, found)
        for name, criterion in gates.criteria.items()
        if isinstance(criterion, MetricCriterion)
        for found in comparisons_of(criterion, evaluation)
    ]
    claims = sum(criterion.better_by is not None for _, criterion, _ in asked) if evaluation.champion is not None else 0
    return tuple(planned for one in asked for planned in _plan(*one, evaluation, claims))


def _plan(name: str, criterion: MetricCriterion, found: Comparison, evaluation: Evaluation, claims: int) -> Iterator[PlannedTest]:
    error = (1 - confidence_of(criterion, evaluation)) / 2
    if criterion.bound is not None:
        yield _planned(name, criterion, found, evaluation, ("bound", "challenger", criterion.bound, error))
    if evaluation.champion is None:
        return
    if criterion.better_by is not None:
        yield _planned(name, criterion, found, evaluation, ("superiority", "delta", criterion.better_by, error / max(1, claims)))
    elif criterion.margin is not None:
        yield _planned(name, criterion, found, evaluation, ("non_inferiority", "delta", criterion.margin, error))
    elif criterion.relative_margin is not None:
        yield _planned(name, criterion, found, evaluation, ("non_inferiority", "relative", criterion.relative_margin, error))


def _planned(
    name: str, criterion: MetricCriterion, found: Comparison, evaluation: Evaluation, test: tuple[str, Figure, float, float]
) -> PlannedTest:
    kind, figure, limit, error = test
    smallest, reason = _smallest_difference(criterion, found, evaluation, figure, error)
    rows = None
    if kind == "non_inferiority" and smallest is not None and limit > 0:
        rows = math.ceil(found.rows * (smallest / limit) ** 2)
    return PlannedTest(
        name=name if found.slice_value is None else f"{name}[{found.slice_value}]",
        metric=criterion.metric,
        slice=None if found.slice_column is None else f"{found.slice_column}={found.slice_value}",
        test=kind,
        is_relative=figure == "relative",
        limit=limit,
        n=None if found.is_withheld else found.rows,
        one_sided_confidence=1 - error,
        power=POWER,
        smallest_difference=smallest,
        does_equal_pass=None if kind != "non_inferiority" or smallest is None else smallest <= limit,
        rows_for_equal=rows,
        days_for_equal=days_that_hold(rows, found.rows, evaluation.days),
        reason=reason,
    )


def _smallest_difference(
    criterion: MetricCriterion, found: Comparison, evaluation: Evaluation, figure: Figure, error: float
) -> tuple[float | None, str]:
    if found.is_withheld:
        return None, found.reason
    if found.rows < criterion.min_rows:
        return None, f"{found.rows:,} rows, {criterion.min_rows - found.rows:,} fewer than the least that is judged"
    method = method_of(criterion) if figure == "delta" else criterion.method
    interval, why = read_interval(found, figure, method, 1 - 2 * error, evaluation)
    value = _value(found, figure)
    if interval is None or value is None or not is_usable(interval):
        return None, why or "there is no interval to plan from"
    reach = value - interval.low if found.direction == "higher_is_better" else interval.high - value
    level = _NORMAL.inv_cdf(1 - error)
    return max(0.0, reach) * (1 + _NORMAL.inv_cdf(POWER) / level), ""


def _value(found: Comparison, figure: Figure) -> float | None:
    if figure == "challenger":
        return found.challenger
    if figure == "delta" or found.delta is None or not found.champion:
        return found.delta
    return found.delta / found.champion
