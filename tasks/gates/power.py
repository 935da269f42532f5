"""What a holdout can show: planned from how far its figures spread, before anyone looks at which way they went.

What belongs here: the smallest true difference that each criterion would pass on, and the rows that an equal model would need. What
does not: judging (``comparisons``), gaps between slices (``parity_power``), and criteria of which nothing can be planned
(``unplanned``). An interval that reaches ``r`` on its worse side, at a one-sided error with the normal quantile
``z``, has a standard error of ``r / z``; a true distance of ``(z + z_power) r / z`` from the limit passes with that power (Julious
2004, Statistics in Medicine 23). Claims to be better are planned at the first step of Holm's correction, the hardest.

Where the spread was measured on other rows, it is itself an estimate, of as many degrees of freedom as those have clusters less
one, and so is the one that will judge: the distance takes in what both may be off by (after Julious and Owen 2006, Pharmaceutical
Statistics 5; the standard deviation of ``f`` degrees of freedom errs by about the root of 1 / 2f of itself).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

from tasks.gates.bounds import POWER, is_usable
from tasks.gates.comparisons import confidence_of, days_that_hold, method_of
from tasks.gates.criteria import comparisons_of
from tasks.gates.intervals import Figure, read_interval
from tasks.gates.noise import UNKNOWN_NOISE, is_measured_by_runs, why_unknown
from tasks.gates.parity_power import plan_parity
from tasks.params.judging import GatesParams, MetricCriterion, ParityCriterion
from tasks.records import Comparison, Evaluation, PlannedTest

_NORMAL = NormalDist()


@dataclass(frozen=True)
class _Basis:
    """The evaluation that is planned from, and how its intervals are read."""

    evaluation: Evaluation
    is_later: bool
    is_foretold: bool
    clusters: Mapping[tuple[str, str | None, str | None], int]
    """Of what is foretold, by metric and slice the clusters that the spread was measured on."""
    claims: int


def plan_tests(
    evaluation: Evaluation, gates: GatesParams, *, is_later: bool = False, measured: Evaluation | None = None
) -> tuple[PlannedTest, ...]:
    """What each test of each criterion on figures could show on the rows of ``evaluation``, in the order of the criteria.

    ``is_later``: intervals are read as for a later look, at the confidence of ``gates`` (:func:`tasks.gates.later.later_gates`).
    ``measured``: the evaluation of other rows whose spread ``evaluation`` has; None: it was measured on its own.
    """
    metric = [criterion for criterion in gates.criteria.values() if isinstance(criterion, MetricCriterion)]
    claims = sum(len(comparisons_of(criterion, evaluation)) for criterion in metric if criterion.better_by is not None)
    clusters = {(c.metric, c.slice_column, c.slice_value): c.clusters for c in measured.comparisons} if measured else {}
    basis = _Basis(evaluation, is_later, measured is not None, clusters, claims)
    found: list[PlannedTest] = []
    for name, criterion in gates.criteria.items():
        if isinstance(criterion, MetricCriterion):
            for comparison in comparisons_of(criterion, evaluation):
                found += _plan(name, criterion, comparison, basis)
        elif isinstance(criterion, ParityCriterion):
            found += plan_parity(name, criterion, evaluation, is_later=is_later)
    return tuple(found)


def _plan(name: str, criterion: MetricCriterion, found: Comparison, basis: _Basis) -> Iterator[PlannedTest]:
    error = (1 - confidence_of(criterion, basis.evaluation)) / 2
    if criterion.bound is not None:
        yield _planned(name, criterion, found, basis, ("bound", "challenger", criterion.bound, error))
    if basis.evaluation.champion is None:
        return
    if criterion.better_by is not None:
        yield _planned(name, criterion, found, basis, ("superiority", "delta", criterion.better_by, error / max(1, basis.claims)))
    elif criterion.margin is not None:
        yield _planned(name, criterion, found, basis, ("non_inferiority", "delta", criterion.margin, error))
    elif criterion.relative_margin is not None:
        yield _planned(name, criterion, found, basis, ("non_inferiority", "relative", criterion.relative_margin, error))


def _planned(
    name: str, criterion: MetricCriterion, found: Comparison, basis: _Basis, test: tuple[str, Figure, float, float]
) -> PlannedTest:
    kind, figure, limit, error = test
    smallest, reason = _smallest_difference(criterion, found, basis, figure, error)
    if kind == "superiority" and smallest is not None:
        smallest, reason = _beyond_noise(smallest, found, limit, _NORMAL.inv_cdf(1 - error), basis)
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
        days_for_equal=days_that_hold(rows, found.rows, basis.evaluation.days),
        reason=reason,
    )


def _smallest_difference(
    criterion: MetricCriterion, found: Comparison, basis: _Basis, figure: Figure, error: float
) -> tuple[float | None, str]:
    if found.is_withheld:
        return None, found.reason
    if found.rows < criterion.min_rows:
        return None, f"{found.rows:,} rows, {criterion.min_rows - found.rows:,} fewer than the least that is judged"
    method = method_of(criterion) if figure == "delta" else criterion.method
    interval, why = read_interval(found, figure, method, 1 - 2 * error, basis.evaluation, is_later=basis.is_later)
    value = _value(found, figure)
    if interval is None or value is None or not is_usable(interval):
        return None, why or found.reason or "there is no interval to plan from"
    reach = value - interval.low if found.direction == "higher_is_better" else interval.high - value
    measured_on = basis.clusters.get((found.metric, found.slice_column, found.slice_value))
    return max(0.0, reach) * _distance(_NORMAL.inv_cdf(1 - error), measured_on, found.clusters), ""


def _distance(level: float, measured_on: int | None, clusters: int) -> float:
    """How far from the limit the truth must lie, where the interval reaches 1: with a standard error of 1 / ``level``.

    With the standard error known, ``level`` and the normal quantile ``z`` of the power together. Estimated on so many clusters
    (``measured_on``), as is the one that judges, the distance ``d`` solves ``(d - level)^2 = z^2 (1 + d^2 / 2f + level^2 / 2g)``,
    each estimate taken as the share ``1 - 1 / 4f`` of the truth that it is in the mean.
    """
    power = _NORMAL.inv_cdf(POWER)
    if measured_on is None:
        return 1 + power / level
    own_degrees, other_degrees = max(1, measured_on - 1), max(1, clusters - 1)
    own, judged = power**2 / (2 * own_degrees), level * (1 - 1 / (4 * other_degrees))
    rest = judged**2 - power**2 * (1 + judged**2 / (2 * other_degrees))
    distance = (judged + math.sqrt(judged**2 - (1 - own) * rest)) / (1 - own)
    return distance / (1 - 1 / (4 * own_degrees)) / level


def _beyond_noise(smallest: float, found: Comparison, limit: float, level: float, basis: _Basis) -> tuple[float | None, str]:
    """How far beyond ``limit`` the truth must lie for the figure to lie beyond the noise floor as well; None where none is known.

    ``smallest`` is so many standard errors as ``level`` and the power's quantile have together. Before a run the floor is not known
    yet, and only the interval is planned.
    """
    floor = found.noise_floor
    if floor is not None:
        power = _NORMAL.inv_cdf(POWER)
        return max(smallest, floor - limit + smallest * power / (level + power)), ""
    if basis.is_foretold and is_measured_by_runs(basis.evaluation):
        return smallest, ""
    return None, f"{UNKNOWN_NOISE}: {why_unknown(basis.evaluation)}"


def _value(found: Comparison, figure: Figure) -> float | None:
    if figure == "challenger":
        return found.challenger
    if figure == "delta" or found.delta is None or not found.champion:
        return found.delta
    return found.delta / found.champion
