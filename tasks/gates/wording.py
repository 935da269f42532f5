"""A verdict in one sentence, for a reader with thirty seconds.

What belongs here: words made from outcomes. What does not: deciding anything.
"""

from collections.abc import Sequence

from tasks.gates.bounds import is_usable
from tasks.gates.noise import NOISE_NEEDS, UNKNOWN_NOISE, WITHIN_NOISE
from tasks.records import ClassOutcome, CriterionOutcome, CriterionStatus, Decision, FoldsJudged

_NAMED_AT_MOST = 3
_HEADS: dict[Decision, str] = {
    "promote": "PROMOTE",
    "reject": "REJECT",
    "inconclusive": "INCONCLUSIVE",
    "not_judged": "NOT JUDGED",
}
_REHEARSAL = "; a rehearsal: nobody has signed masking policy and criteria as they are"
_DECIDED_BY: dict[Decision, CriterionStatus] = {"reject": "fail", "not_judged": "not_judged", "inconclusive": "inconclusive"}


def explain(
    decision: Decision,
    outcomes: Sequence[CriterionOutcome],
    *,
    is_rubber_stamp: bool,
    is_rehearsal: bool = False,
    classes: Sequence[ClassOutcome] = (),
    folds: FoldsJudged | None = None,
) -> str:
    """One plain sentence: the decision, how the challenger did overall, what decided, and what was advised against.

    Of ``classes`` (the label's, on the judged rows) those with too few rows to say much are named; of ``folds``, how many.
    """
    head = _HEADS[decision] + (" (rubber stamp: there is no champion to compare with)" if is_rubber_stamp else "")
    critical = [outcome for outcome in outcomes if outcome.is_critical]
    parts = [_overall(outcomes)]
    if decision == "promote":
        parts.append(_holds(len(critical)))
    else:
        decisive = [outcome for outcome in critical if outcome.status == _DECIDED_BY[decision]]
        parts.append(_listed([_told(outcome) for outcome in decisive]) or "no critical criterion was asked")
    advised = [outcome for outcome in outcomes if not outcome.is_critical and outcome.status == "fail"]
    advice = f"; not decisive: {_listed([_told(outcome) for outcome in advised])}" if advised else ""
    rare = [f"{found.name} ({_rows(found)})" for found in classes if found.is_rare]
    thin = f"; little is known of {'a class' if len(rare) == 1 else 'classes'} with few rows: {_listed(rare)}" if rare else ""
    rehearsal = _REHEARSAL if is_rehearsal else ""
    return f"{head}: {', '.join(part for part in parts if part)}{advice}{thin}{_out_of_fold(folds)}{rehearsal}"


def _rows(found: ClassOutcome) -> str:
    return "few rows" if found.rows is None else f"{found.rows:,} rows"


def _out_of_fold(folds: FoldsJudged | None) -> str:
    if folds is None:
        return ""
    drawn = "" if folds.draws == 1 else f", the mean of {folds.draws} draws"
    return f"; out of {folds.count} folds{drawn}, and no model is kept"


def _holds(count: int) -> str:
    return "the critical criterion holds" if count == 1 else f"all {count} critical criteria hold"


def _overall(outcomes: Sequence[CriterionOutcome]) -> str:
    """How the challenger did on all rows, by the first criterion that compares it there; empty where none does.

    A criterion that failed on all rows is among those that decided, and is not told twice.
    """
    for outcome in outcomes:
        if outcome.metric is None or outcome.slice is not None or not outcome.is_compared or outcome.status == "fail":
            continue
        if outcome.interval is None or not is_usable(outcome.interval):
            continue
        sign = 1 if outcome.direction == "higher_is_better" else -1
        worst, best = sorted(sign * end for end in (outcome.interval.low, outcome.interval.high))
        if worst > 0 and outcome.noise_floor is None:
            return f"no worse overall ({UNKNOWN_NOISE}, so that it is not called better)"
        is_noise = outcome.noise_floor is not None and abs(outcome.delta or 0.0) <= outcome.noise_floor
        if is_noise:
            return "no clear difference overall"
        return "better overall" if worst > 0 else "slightly worse overall" if best < 0 else "no clear difference overall"
    return ""


def _told(outcome: CriterionOutcome) -> str:
    where = f"on {outcome.slice}" if outcome.slice else "overall"
    if outcome.metric is None or outcome.slices_searched is not None:
        return outcome.reason
    if outcome.status == "not_judged":
        return f"{outcome.metric} {where} could not be judged ({outcome.reason})"
    if outcome.status == "inconclusive":
        return _undecided(outcome, where)
    if outcome.better_by is not None and not _breaks_bound(outcome):
        more = f" by more than {outcome.better_by:g}" if outcome.better_by else ""
        return f"not better{more} {where} ({outcome.metric} {outcome.delta:+.3f})"
    if outcome.margin is not None and _is_beyond_margin(outcome):
        return f"clearly worse {where} ({outcome.metric} {outcome.delta:+.3f}, margin {outcome.margin:g})"
    word = "below" if outcome.direction == "higher_is_better" else "above"
    return f"{outcome.metric} {where} {word} {outcome.bound:g} ({outcome.challenger:.3f})"


def _undecided(outcome: CriterionOutcome, where: str) -> str:
    if outcome.reason.startswith(WITHIN_NOISE):
        return f"{outcome.metric} {where} differs no more than a model does from itself"
    if outcome.reason.startswith(UNKNOWN_NOISE):
        return f"{outcome.metric} {where} is called no better: {UNKNOWN_NOISE}, {NOISE_NEEDS}"
    return f"too little to tell {outcome.metric} {where}{_wait(outcome)}"


def _breaks_bound(outcome: CriterionOutcome) -> bool:
    if outcome.bound is None or outcome.challenger_interval is None:
        return False
    sign = 1 if outcome.direction == "higher_is_better" else -1
    return max(sign * outcome.challenger_interval.low, sign * outcome.challenger_interval.high) < sign * outcome.bound


def _is_beyond_margin(outcome: CriterionOutcome) -> bool:
    if outcome.interval is None or outcome.margin is None:
        return False
    sign = 1 if outcome.direction == "higher_is_better" else -1
    return max(sign * outcome.interval.low, sign * outcome.interval.high) < -outcome.margin


def _wait(outcome: CriterionOutcome) -> str:
    return "" if outcome.rows_to_decide is None else f" (about {outcome.rows_to_decide:,} rows would, {outcome.n or 0:,} are there)"


def _listed(told: Sequence[str]) -> str:
    more = f" and {len(told) - _NAMED_AT_MOST} more" if len(told) > _NAMED_AT_MOST else ""
    return ", ".join(told[:_NAMED_AT_MOST]) + more
