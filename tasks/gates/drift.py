"""Drift as a criterion: whether the world that is judged is still the one that the challenger was fitted on.

What belongs here: measured drift against a limit. What does not: measuring it (``tasks.evaluation``). A feature fails where its
index lies beyond the limit by more than chance explains, passes where it lies within it by as much, and is undecided between the
two. Chance is that of rows that are independent of one another: features that are alike all day move further.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from tasks.gates.bounds import POWER
from tasks.gates.comparisons import NOT_TOLD, days_that_hold, tell_waiting
from tasks.gates.evidence import plain_outcome, worst
from tasks.params.judging import DriftCriterion
from tasks.records import CriterionOutcome, CriterionStatus, Drift, Evaluation, FeatureDrift

METHOD = "chi_squared"
"""How far chance alone takes the index of so many rows (``tasks.evaluation.drift``)."""
_NAMED = 3
_FEWEST_BINS = 2
_LEVEL = NormalDist().inv_cdf(0.95)
_MOST_TIMES_MORE_ROWS = 1000
"""Beyond this the index lies on the limit for all that the rows can tell, and no number is named."""


@dataclass(frozen=True)
class _Few:
    """Why rows do not tell, and how many judged rows in all would; None: the reason says why no number is named."""

    reason: str
    rows_to_decide: int | None = None


def judge_drift(name: str, criterion: DriftCriterion, evaluation: Evaluation | None) -> CriterionOutcome:
    """The outcome of a criterion on drift: the worst of its features."""
    drift = evaluation.drift if evaluation is not None else None
    if evaluation is None or drift is None or not drift.features:
        why = "there is no evaluation" if evaluation is None else "drift was not measured"
        return plain_outcome(name, criterion.critical, "not_judged", why)
    counted = {"n": drift.rows, "min_rows": criterion.min_rows, "method": METHOD}
    if min(drift.rows, drift.reference_rows) < criterion.min_rows:
        return _undecided(name, criterion, evaluation, _too_few(criterion, drift)).model_copy(update=counted)
    asked = [found for found in drift.features if not criterion.features or found.feature in criterion.features]
    absent = sorted(set(criterion.features) - {found.feature for found in asked})
    if absent:
        return plain_outcome(name, criterion.critical, "not_judged", f"drift was not measured of {', '.join(absent)}")
    scale = 1 / drift.rows + 1 / drift.reference_rows
    judged = [(found, _status(found, criterion.most, scale)) for found in asked]
    status = worst([status for _, status in judged])
    telling = [found for found, own in judged if own == status]
    reason = _reason(status, telling, criterion, drift)
    if status == "inconclusive":
        few = _waiting(telling, criterion, drift)
        return _undecided(name, criterion, evaluation, replace(few, reason=reason + few.reason)).model_copy(update=counted)
    return plain_outcome(name, criterion.critical, status, reason).model_copy(update=counted)


def _undecided(name: str, criterion: DriftCriterion, evaluation: Evaluation, few: _Few) -> CriterionOutcome:
    rows = evaluation.drift.rows if evaluation.drift is not None else 0
    days = days_that_hold(few.rows_to_decide, rows, evaluation.days)
    waiting = tell_waiting("inconclusive", few.rows_to_decide, days, rows, evaluation.days) if few.rows_to_decide else ""
    found = plain_outcome(name, criterion.critical, "inconclusive", few.reason + waiting)
    return found.model_copy(update={"rows_to_decide": few.rows_to_decide, "days_to_decide": days})


def _too_few(criterion: DriftCriterion, drift: Drift) -> _Few:
    """Rows of the reference do not come with time: it is the parts of the split that hold them."""
    least = criterion.min_rows
    reason = f"{drift.rows:,} rows against {drift.reference_rows:,}, and at least {least:,} are judged"
    if drift.reference_rows >= least:
        return _Few(reason, least)
    lacking = f"{least - drift.reference_rows:,} more of {drift.reference}"
    also = f", and {least - drift.rows:,} more judged ones" if drift.rows < least else ""
    return _Few(f"{reason}; no number of judged rows alone would decide: it takes {lacking}{also}")


def _waiting(telling: Sequence[FeatureDrift], criterion: DriftCriterion, drift: Drift) -> _Few:
    """The judged rows at which the last of the features is decided, or why no number is named."""
    if any(found.psi is None or found.by_chance is None for found in telling):
        return _Few(f"; {NOT_TOLD}")
    needed = [rows_that_decide(found, criterion.most, drift.rows, drift.reference_rows) for found in telling]
    if None in needed:
        against = f"or the {drift.reference_rows:,} rows of {drift.reference} are too few"
        return _Few(f"; no number of judged rows can be named: an index lies on the limit, {against}")
    return _Few("", max(rows for rows in needed if rows is not None))


def passes_and_fails(found: FeatureDrift, most: float, scale: float) -> tuple[float, float]:
    """The index up to which ``found`` passes and that above which it fails, each wrongly in about 5 of 100 draws.

    Of rows whose true index is ``most`` it is ``scale`` (1 / rows + 1 / reference rows) times a noncentral chi squared of the bins
    less one, ``f``: ``most + f scale`` in the mean, with a variance of ``2 f scale^2 + 4 most scale``, as long as all bins change
    little; where some change much, the second term is ``variance_ratio`` times as large. What chance alone explains
    (``by_chance``) takes the place of the first term where it is upwards, since chi squared leans that way. More than ``most``
    never passes, though the index errs upwards.
    """
    freedom = found.bins - 1
    if freedom < 1:
        return most, most
    middle, drifts = most + freedom * scale, _LEVEL**2 * 4 * most * scale * (found.variance_ratio or 1.0)
    low = middle - math.sqrt(_LEVEL**2 * 2 * freedom * scale**2 + drifts)
    return min(most, low), middle + math.sqrt(((found.by_chance or 0.0) - freedom * scale) ** 2 + drifts)


def rows_that_decide(found: FeatureDrift, most: float, rows: int, reference_rows: int) -> int | None:
    """The judged rows at which ``found`` is decided with a chance of ``POWER``, were its excess over chance the true index.

    None where 1,000 times the rows would not do, or there is no index.
    """
    if found.psi is None or found.by_chance is None or found.bins < _FEWEST_BINS:
        return None
    freedom, scale = found.bins - 1, 1 / rows + 1 / reference_rows
    excess, by_chance = max(0.0, found.psi - freedom * scale), found.by_chance / scale
    power = NormalDist().inv_cdf(POWER)

    def decides(count: int) -> bool:
        now = 1 / count + 1 / reference_rows
        passes, fails = passes_and_fails(found.model_copy(update={"by_chance": by_chance * now}), most, now)
        index, moves = (
            excess + freedom * now,
            power * math.sqrt(2 * freedom * now**2 + 4 * excess * now * (found.variance_ratio or 1.0)),
        )
        return index + moves <= passes if excess <= most else index - moves > fails

    low, high = rows, _MOST_TIMES_MORE_ROWS * rows
    if not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def _status(found: FeatureDrift, most: float, scale: float) -> CriterionStatus:
    if found.psi is None or found.by_chance is None:
        return "inconclusive"
    passes, fails = passes_and_fails(found, most, scale)
    if found.psi <= passes:
        return "pass"
    return "fail" if found.psi > fails else "inconclusive"


def _reason(status: CriterionStatus, telling: Sequence[FeatureDrift], criterion: DriftCriterion, drift: Drift) -> str:
    rising = sorted(telling, key=lambda found: -(found.psi or 0.0))
    told = [f"{f.feature} {f.psi:.3f}" if f.psi is not None else f"{f.feature} ({f.reason})" for f in rising[:_NAMED]]
    more = f" and {len(rising) - _NAMED} more" if len(rising) > _NAMED else ""
    against = f"PSI against {drift.reference}, at most {criterion.most:g} wanted"
    if status == "pass":
        return f"no feature drifted further than {told[0]} ({against})"
    word = "drifted" if status == "fail" else "too little to tell whether these drifted"
    return f"{word}: {', '.join(told)}{more} ({against})"
