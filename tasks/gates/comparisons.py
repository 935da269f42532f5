"""One criterion on one comparison: which interval is read, which tests are asked of it, and what the outcome says.

What belongs here: from a comparison to an outcome. What does not: which comparisons a criterion is asked of (``criteria``), the
tests themselves (``bounds``), intervals (``intervals``) and Holm's correction (``superiority``).
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from tasks.gates.bounds import LimitOutcome, is_usable, judge_better, judge_bound, judge_margin
from tasks.gates.evidence import plain_outcome, worst
from tasks.gates.intervals import Figure, read_interval
from tasks.gates.noise import hold_against_noise
from tasks.gates.superiority import holm_errors, p_value
from tasks.params.judging import IntervalMethod, MetricCriterion
from tasks.records import Comparison, CriterionOutcome, CriterionStatus, Evaluation, Interval

NO_CHAMPION = "there is no champion to compare with, and no bound to hold"

NOT_TOLD = "how many rows would decide is not told: it would tell of few people"
"""The end of an undecided reason that rests on what is withheld."""
RESAMPLING = "evaluation"
"""The name of the seed that replicates are drawn by, in an evaluation's ``seeds``."""


@dataclass(frozen=True)
class Claim:
    """One claim to be better: its p-value, the one-sided error that Holm's correction leaves it, and among how many."""

    p_value: float
    error: float
    count: int


@dataclass(frozen=True)
class _Found:
    """A comparison under a criterion: intervals as it asks for them, differences in the metric's unit."""

    comparison: Comparison
    challenger: Interval | None
    delta: Interval | None
    margin: float | None
    why: str


def claims_of(
    asked: Collection[tuple[MetricCriterion, Comparison]], evaluation: Evaluation, *, is_later: bool = False
) -> list[Claim]:
    """The claims to be better of all (criterion, comparison) of a verdict, corrected together."""
    errors = [(1 - confidence_of(criterion, evaluation)) / 2 for criterion, _ in asked]
    found = []
    for criterion, comparison in asked:

        def read(confidence: float, of: Comparison = comparison, by: MetricCriterion = criterion) -> Interval | None:
            interval, _ = read_interval(of, "delta", method_of(by), confidence, evaluation, is_later=is_later)
            return interval if is_usable(interval) else None

        found.append(p_value(read, comparison.direction, criterion.better_by or 0.0))
    corrected = holm_errors(found, errors)
    return [Claim(p, error, len(asked)) for p, error in zip(found, corrected, strict=True)]


def judge_comparison(
    name: str, criterion: MetricCriterion, found: Comparison, evaluation: Evaluation, claim: Claim | None, *, is_later: bool = False
) -> CriterionOutcome:
    """The outcome of ``criterion`` on ``found``; ``claim`` where it claims to be better."""
    has_champion = evaluation.champion is not None
    read = _read(criterion, found, evaluation, claim, is_later=is_later)
    outcomes = _limits(criterion, read, claim, evaluation)
    # A first model is held to its bounds; a margin that was not asked is none of what was judged.
    is_asked = criterion.is_compared and (has_champion or criterion.bound is None)
    status = worst([outcome.status for outcome in outcomes])
    telling = [outcome for outcome in outcomes if outcome.status == status]
    rows = [outcome.rows_to_decide for outcome in telling]
    to_decide = max((r for r in rows if r is not None), default=None) if status == "inconclusive" and None not in rows else None
    days = days_that_hold(to_decide, found.rows, evaluation.days)
    reason = "; ".join(outcome.reason for outcome in telling)
    if not any(outcome.says_why for outcome in telling):
        reason += tell_waiting(status, to_decide, days, found.rows, evaluation.days)
    return unjudged(name, criterion, None, reason).model_copy(
        update={
            "slice": None if found.slice_column is None else f"{found.slice_column}={found.slice_value}",
            "direction": found.direction,
            "challenger": _number(found.challenger),
            "champion": _number(found.champion),
            "delta": _number(found.delta),
            "interval": read.delta if is_asked else read.challenger,
            "challenger_interval": read.challenger,
            "n": None if found.is_withheld else found.rows,
            "margin": (criterion.margin if read.margin is None else read.margin) if is_asked else None,
            "relative_margin": criterion.relative_margin if is_asked else None,
            "better_by": criterion.better_by if is_asked else None,
            "test": _test(criterion) if is_asked else None,
            "status": status,
            "rows_to_decide": to_decide,
            "days_to_decide": days,
            "confidence": confidence_of(criterion, evaluation),
            **drawn(evaluation, criterion.method),
            "p_value": claim.p_value if claim else None,
            "claims": claim.count if claim else None,
            "noise_floor": _number(found.noise_floor),
        }
    )


def drawn(evaluation: Evaluation, method: IntervalMethod) -> dict[str, int | None]:
    """``replicates`` and ``seed`` of an outcome whose interval is read by ``method``; None where that resamples nothing."""
    if method in ("delong", "mcnemar"):
        return {"replicates": None, "seed": None}
    return {"replicates": evaluation.replicates, "seed": evaluation.seeds.get(RESAMPLING)}


def method_of(criterion: MetricCriterion) -> IntervalMethod:
    """How the difference's interval is read: a claim to be better looks far out, where percentiles are too short."""
    is_expanded = criterion.better_by is not None and criterion.method == "cluster_bootstrap"
    return "expanded" if is_expanded else criterion.method


def unjudged(name: str, criterion: MetricCriterion, slice_name: str | None, reason: str) -> CriterionOutcome:
    """The outcome of a criterion on something that was not measured."""
    names = ("metric", "min_rows", "bound", "margin", "relative_margin", "better_by")
    asked = {key: getattr(criterion, key) for key in names}
    test = {"test": _test(criterion), "confidence": criterion.confidence, "method": method_of(criterion)}
    found = plain_outcome(name, criterion.critical, "not_judged", reason)
    return found.model_copy(update={"slice": slice_name, **asked, **test})


def _test(criterion: MetricCriterion) -> str | None:
    if criterion.better_by is not None:
        return "superiority"
    return "non_inferiority" if criterion.is_compared else None


def confidence_of(criterion: MetricCriterion, evaluation: Evaluation) -> float:
    """The two-sided confidence of a criterion: its own, or the evaluation's."""
    return evaluation.confidence if criterion.confidence is None else criterion.confidence


def _read(criterion: MetricCriterion, found: Comparison, evaluation: Evaluation, claim: Claim | None, *, is_later: bool) -> _Found:
    confidence = confidence_of(criterion, evaluation)
    # McNemar's is of a difference alone; the challenger's own figure is shown with the bootstrap's interval beside it.
    own_method = "cluster_bootstrap" if criterion.method == "mcnemar" else criterion.method
    own, why = read_interval(found, "challenger", own_method, confidence, evaluation, is_later=is_later)
    figure: Figure = "delta" if criterion.relative_margin is None else "relative"
    asked = 1 - 2 * claim.error if claim else confidence
    delta, why_not = read_interval(found, figure, method_of(criterion), asked, evaluation, is_later=is_later)
    margin = None
    if criterion.relative_margin is not None and found.champion is not None and math.isfinite(found.champion):
        margin = criterion.relative_margin * abs(found.champion)
        if delta is not None:
            ends = {"low": delta.low * found.champion, "high": delta.high * found.champion}
            delta = delta.model_copy(update=ends)
    return _Found(found, own, delta, margin, why_not or why)


def _limits(criterion: MetricCriterion, read: _Found, claim: Claim | None, evaluation: Evaluation) -> list[LimitOutcome]:
    """The outcome of each test that the criterion asks, or one that there are too few rows, or people, for any."""
    found = read.comparison
    if found.is_withheld:
        return [LimitOutcome("inconclusive", f"{found.reason}; {NOT_TOLD}", says_why=True)]
    outcomes = _tests(criterion, read, claim, evaluation)
    if found.rows >= criterion.min_rows:
        return outcomes
    reason = f"{found.rows:,} rows, {criterion.min_rows - found.rows:,} fewer than the least that is judged"
    noise = next((outcome.reason for outcome in outcomes if outcome.says_why), "")
    if noise:
        return [LimitOutcome("inconclusive", f"{reason}; {noise}", says_why=True)]
    # The least that is judged decides nothing where today's interval would still be too wide at that many rows.
    needed = [outcome.rows_to_decide for outcome in outcomes if outcome.status == "inconclusive"]
    enough = max([criterion.min_rows, *(rows for rows in needed if rows is not None)])
    return [LimitOutcome("inconclusive", reason, None if None in needed else enough)]


def _tests(criterion: MetricCriterion, read: _Found, claim: Claim | None, evaluation: Evaluation) -> list[LimitOutcome]:
    """The outcome of each test that the criterion asks, however few rows there are; a missing figure leaves none."""
    found, interval = read.comparison, read.challenger
    why = f": {found.reason or read.why}" if found.reason or read.why else ""
    if _number(found.challenger) is None or found.challenger is None:
        return [LimitOutcome("not_judged", f"no {found.metric} of the challenger{why}")]
    if not is_usable(interval) or interval is None:
        return [LimitOutcome("not_judged", f"no interval of the challenger's {found.metric}{why}")]
    outcomes = []
    if criterion.bound is not None:
        outcomes.append(judge_bound(found.challenger, interval, found.direction, criterion.bound, found.rows))
    elif evaluation.champion is None:
        outcomes.append(LimitOutcome("not_judged", NO_CHAMPION))
    if criterion.is_compared and evaluation.champion is not None:
        outcomes.append(_against_champion(criterion, read, claim, evaluation, why))
    return outcomes


def _against_champion(
    criterion: MetricCriterion, read: _Found, claim: Claim | None, evaluation: Evaluation, why: str
) -> LimitOutcome:
    found = read.comparison
    if _number(found.champion) is None or found.delta is None or _number(found.delta) is None:
        return LimitOutcome("not_judged", f"no difference in {found.metric} to the champion{why}")
    if not is_usable(read.delta) or read.delta is None:
        return LimitOutcome("not_judged", f"no interval of the difference in {found.metric}{why}")
    if criterion.better_by is not None:
        outcome = judge_better(found.delta, read.delta, found.direction, criterion.better_by, found.rows)
        among = f"; {claim.count} claims to be better, corrected together (Holm)" if claim and claim.count > 1 else ""
        claimed = LimitOutcome(outcome.status, outcome.reason + among, outcome.rows_to_decide)
        return hold_against_noise(claimed, found, criterion.better_by, evaluation)
    margin = criterion.margin if read.margin is None else read.margin
    return judge_margin(found.delta, read.delta, found.direction, margin or 0.0, found.rows)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def days_that_hold(rows_to_decide: int | None, rows: int, days: int) -> int | None:
    """The days that hold ``rows_to_decide`` rows at today's rate, the slice's own; None where no days are known."""
    return None if rows_to_decide is None or not rows or not days else math.ceil(rows_to_decide * days / rows)


def tell_waiting(status: CriterionStatus, rows_to_decide: int | None, days_to_decide: int | None, rows: int, days: int) -> str:
    """What an undecided outcome waits for, as the end of its reason; empty where it is decided.

    ``rows`` and ``days`` are there, and so many ``to_decide``: None where no number can be named, or no days are known.
    """
    if status != "inconclusive":
        return ""
    if rows_to_decide is None:
        return "; today's figure lies on the limit, so that no number of rows can be named"
    more = f"; about {max(1, rows_to_decide - rows):,} more rows would decide"
    return more if days_to_decide is None else f"{more} (about {max(1, days_to_decide - days):,} more days at today's rate)"
