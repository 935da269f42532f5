"""Evidence that a stage measured beside the judged figures (latency, robustness, resources) as a criterion.

What belongs here: whether it is there, of the very candidate that was evaluated, and within its limit. What does not: measuring
(the stage that delivers it), and reading files. Intervals and limits are held by the code that holds a metric's bound (``bounds``).
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist

from tasks.gates.bounds import LimitOutcome, judge_bound
from tasks.gates.evidence import plain_outcome
from tasks.params.judging import MeasuredCriterion
from tasks.records import CriterionOutcome, Evaluation, Interval, Measure, MeasuredEvidence

MODEL, SCORES = "models/challenger", "predictions"
"""What evidence names of the candidate: its model, or, where there is none, what was predicted."""
_NORMAL = NormalDist()
_NAMED = 10


def judge_measured(
    name: str, criterion: MeasuredCriterion, evaluation: Evaluation | None, measured: Mapping[str, MeasuredEvidence]
) -> CriterionOutcome:
    """The outcome of a criterion on a measure; ``measured`` by kind. What is missing, or of something else, is ``not_judged``."""
    if evaluation is None:
        return plain_outcome(name, criterion.critical, "not_judged", "there is no evaluation")
    found = measured.get(criterion.measured)
    if found is None:
        reason = f"there is no evidence of {criterion.measured} (data/evidence/{criterion.measured}.json)"
        return plain_outcome(name, criterion.critical, "not_judged", reason)
    why_not = _why_not(criterion, evaluation, found)
    if why_not:
        return plain_outcome(name, criterion.critical, "not_judged", why_not)
    measure = found.measures[criterion.measure]
    if measure.count < criterion.min_count:
        reason = f"{criterion.measure} rests on {measure.count:,}, and at least {criterion.min_count:,} are judged"
        held = LimitOutcome("inconclusive", reason)
    else:
        held = _hold(criterion, measure, found.confidence, criterion.confidence or evaluation.confidence)
    outcome = plain_outcome(name, criterion.critical, held.status, held.reason)
    return outcome.model_copy(update={"n": measure.count, "min_rows": criterion.min_count})


def _why_not(criterion: MeasuredCriterion, evaluation: Evaluation, found: MeasuredEvidence) -> str:
    """Why nothing can be said by this evidence; empty where something can."""
    kind, evaluated = criterion.measured, evaluation.inputs
    if found.kind != kind:
        return f"the evidence of {kind} is one of {found.kind}"
    is_model = evaluation.challenger.basis != "score_file" and evaluation.folds_judged is None and MODEL in evaluated
    known = [one for one in ((MODEL,) if is_model else (MODEL, SCORES)) if one in found.inputs and one in evaluated]
    if not known:
        return (
            f"the evidence of {kind} does not say that it is of the candidate that was evaluated ({MODEL if is_model else SCORES})"
        )
    others = sorted(one for one, value in found.inputs.items() if evaluated.get(one, value) != value)
    if others:
        return f"the evidence of {kind} was measured on another model or other data than was evaluated ({', '.join(others)})"
    measure = found.measures.get(criterion.measure)
    if measure is None:
        names = sorted(found.measures)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return (
            f"the evidence of {kind} has no measure {criterion.measure!r}, but {', '.join(names[:_NAMED]) or 'none at all'}{more}"
        )
    return _no_number(criterion.measure, measure, found.confidence)


def _no_number(name: str, measure: Measure, confidence: float | None) -> str:
    numbers = (measure.low, measure.value, measure.high)
    if any(number is None or not math.isfinite(number) for number in numbers):
        return f"{name} or an end of its interval is no number"
    low, value, high = (number for number in numbers if number is not None)
    if not low <= value <= high:
        return f"{name} does not lie within its own interval"
    if confidence is None and low < high:
        return f"{name} has an interval, and the evidence does not say at which confidence"
    return ""


def _hold(criterion: MeasuredCriterion, measure: Measure, own: float | None, asked: float) -> LimitOutcome:
    """The measure, whose numbers are known to be some, against its limit at the confidence that is ``asked``."""
    value, low, high = measure.value or 0.0, measure.low or 0.0, measure.high or 0.0
    if own is not None and own < asked:
        # Measured at less confidence than is asked: each end is moved out, from the value, as far as a normal's would lie.
        farther = _NORMAL.inv_cdf((1 + asked) / 2) / _NORMAL.inv_cdf((1 + own) / 2)
        low, high = value - (value - low) * farther, value + (high - value) * farther
    at_most = criterion.most is not None
    limit = criterion.most if criterion.most is not None else criterion.least or 0.0
    interval = Interval(low=low, high=high, confidence=asked)
    held = judge_bound(value, interval, "lower_is_better" if at_most else "higher_is_better", limit, measure.count)
    told = _told(value, measure.unit) if own is None else f"{_told(value, measure.unit)} ({_number(low)} to {_number(high)})"
    reason = f"{criterion.measure} {told}, at {'most' if at_most else 'least'} {_told(limit, measure.unit)} wanted"
    if held.status == "inconclusive":
        enough = "; today's figure lies on the limit, so that no count can be named"
        if held.rows_to_decide:
            enough = f"; a count of about {held.rows_to_decide:,} would decide, {measure.count:,} are there"
        reason = f"too wide to tell: {reason}{enough}"
    return replace(held, reason=reason)


def _told(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    whole = value.is_integer() and abs(value) < 2**53
    return f"{int(value):,}" if whole else f"{value:,.6g}"
