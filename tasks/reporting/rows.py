"""A verdict's criteria as rows of text: the one table that the page, the Markdown and the terminal share.

What belongs here: which figures stand in a criterion's row, and which criteria decided. What does not: markup and colour.
"""

from dataclasses import dataclass

from tasks.records import CriterionOutcome, CriterionStatus, Decision, Interval, Verdict
from tasks.reporting.figures import (
    NONE,
    change_edge,
    digits_to_tell_apart,
    format_change,
    format_confidence,
    format_count,
    format_interval,
    format_level,
    format_limit,
    label_metric,
)

STATUS_WORDS: dict[CriterionStatus, str] = {
    "pass": "pass",
    "fail": "fail",
    "inconclusive": "inconclusive",
    "not_judged": "not judged",
}
DECISION_WORDS: dict[Decision, str] = {
    "promote": "Promote",
    "reject": "Reject",
    "inconclusive": "Inconclusive",
    "not_judged": "Not judged",
}
DECIDING_STATUS: dict[Decision, CriterionStatus] = {
    "promote": "pass",
    "reject": "fail",
    "inconclusive": "inconclusive",
    "not_judged": "not_judged",
}
METHOD_WORDS: dict[str | None, str] = {
    "expanded": "expanded cluster bootstrap",
    "cluster_bootstrap": "percentiles of a cluster bootstrap",
    "bca": "BCa cluster bootstrap",
    "delong": "DeLong",
    "mcnemar": "McNemar",
}
_MOST_DECIDING = 3
_MOST_CONTEXT = 2


@dataclass(frozen=True)
class VerdictRow:
    """One criterion (or one slice of it) as a reader sees it; every field is text, a dash where there is nothing."""

    criterion: str
    """The criterion's name in ``params.yaml``."""
    slice: str
    """``column=value``, or ``all rows``."""
    metric: str
    champion: str
    challenger: str
    difference: str
    """Challenger less champion, in the metric's unit."""
    interval: str
    """Of the difference where it is tested, of the challenger's metric otherwise."""
    limit: str
    rows: str
    status: str
    """pass, fail, inconclusive or not judged; with ``(not critical)`` where it cannot stop a promotion."""
    reason: str
    is_critical: bool

    @property
    def name(self) -> str:
        """Criterion and slice in one: ``each_carrier · carrier=AA``."""
        return self.criterion if self.slice == "all rows" else f"{self.criterion} · {self.slice}"

    @property
    def is_told_by_reason(self) -> bool:
        """Whether figures and their limit stand in the reason alone: those of measured evidence, of drift, and of a search."""
        return self.rows != NONE and (self.metric == NONE or self.metric.startswith("discovered of "))

    @property
    def change(self) -> str:
        """Difference with interval: ``−0.0050 (−0.0120 to +0.0020)``."""
        return self.difference if self.interval == NONE else f"{self.difference} ({self.interval})"


def verdict_table(verdict: Verdict) -> list[VerdictRow]:
    """The criteria of ``verdict`` in its own order, formatted; one row per outcome."""
    return [_row(outcome) for outcome in verdict.criteria]


def _row(outcome: CriterionOutcome) -> VerdictRow:
    is_change = outcome.is_compared
    digits = digits_needed(outcome)
    status = STATUS_WORDS[outcome.status]
    return VerdictRow(
        criterion=criterion_name(outcome),
        slice=outcome.slice if outcome.slice is not None else "all rows",
        metric=label_metric(outcome.metric),
        champion=format_level(outcome.champion),
        challenger=format_level(outcome.challenger),
        difference=format_change(outcome.delta, digits),
        interval=format_interval(outcome.interval, is_change=is_change, digits=digits),
        limit=format_limit(outcome),
        rows=format_count(outcome.n),
        status=status if outcome.is_critical else f"{status} (not critical)",
        reason=outcome.reason,
        is_critical=outcome.is_critical,
    )


def criterion_name(outcome: CriterionOutcome) -> str:
    """The criterion's name in ``params.yaml``: a slice's outcome is called ``each_carrier[AA]``."""
    if outcome.slice is None:
        return outcome.name
    return outcome.name.removesuffix(f"[{outcome.slice.partition('=')[2]}]")


def digits_needed(outcome: CriterionOutcome) -> int:
    """The digits at which an outcome's interval is told apart from its limit."""
    if outcome.interval is None:
        return digits_to_tell_apart()
    limit = change_edge(outcome) if outcome.is_compared else outcome.bound
    return digits_to_tell_apart((outcome.interval.low, limit), (outcome.interval.high, limit))


def worst_end(interval: Interval, outcome: CriterionOutcome) -> float:
    """The end of an interval that a gate looks at: the lower one where higher is better."""
    return interval.high if outcome.direction == "lower_is_better" else interval.low


def slack(outcome: CriterionOutcome) -> float:
    """How far an outcome's interval lies inside its limit, in margins; below zero outside, lowest where nothing is known."""
    limit = change_edge(outcome) if outcome.is_compared else outcome.bound
    if outcome.interval is None or limit is None:
        return float("-inf")
    distance = worst_end(outcome.interval, outcome) - limit
    if outcome.direction == "lower_is_better":
        distance = -distance
    return distance / (outcome.margin or 1.0)


def has_figures(outcome: CriterionOutcome) -> bool:
    """Whether there is something to draw: a difference under a margin, or the challenger's metric under a bound."""
    has_difference = outcome.is_compared and outcome.delta is not None
    return has_difference or (outcome.bound is not None and outcome.challenger is not None)


def is_beyond_margin(outcome: CriterionOutcome) -> bool:
    """Whether the whole interval of the difference lies beyond the margin: the challenger is worse by more than is allowed."""
    limit = change_edge(outcome)
    if limit is None or outcome.margin is None or outcome.interval is None:
        return False
    return outcome.interval.low > limit if outcome.direction == "lower_is_better" else outcome.interval.high < limit


def is_below_bound(outcome: CriterionOutcome) -> bool:
    """Whether the challenger's whole interval breaks the bound."""
    if outcome.bound is None or outcome.challenger_interval is None:
        return False
    interval = outcome.challenger_interval
    return interval.low > outcome.bound if outcome.direction == "lower_is_better" else interval.high < outcome.bound


def decisive_criteria(verdict: Verdict, most: int = _MOST_DECIDING + _MOST_CONTEXT) -> tuple[int, ...]:
    """The few outcomes that a reader must see, as indices into ``verdict.criteria``.

    First those that decided (critical ones where there are any, all rows before slices, the worst first), then an advisory
    criterion that failed, which a promotion must not hide, then the overall figures as context ("better overall, clearly
    worse on one carrier" shows both), and for a promotion those that came closest to their limit.
    """
    outcomes = verdict.criteria
    deciding = [i for i, outcome in enumerate(outcomes) if outcome.status == DECIDING_STATUS[verdict.decision]]
    deciding = [i for i in deciding if outcomes[i].is_critical] or deciding
    is_drawn = [has_figures(outcome) for outcome in outcomes]
    if verdict.decision == "promote":
        deciding = [i for i in deciding if is_drawn[i]]

    def rank(index: int) -> tuple[bool, bool, float, int]:
        outcome = outcomes[index]
        return (not outcome.is_critical, outcome.slice is not None, slack(outcome), index)

    chosen = sorted(deciding, key=rank)[:_MOST_DECIDING]
    advised = [i for i, outcome in enumerate(outcomes) if outcome.status == "fail" and i not in chosen]
    chosen += sorted(advised, key=rank)[:1]
    overall = [i for i, outcome in enumerate(outcomes) if outcome.slice is None and is_drawn[i] and i not in chosen]
    chosen += sorted(overall, key=lambda i: (not outcomes[i].is_critical, i))[:_MOST_CONTEXT]
    if verdict.decision == "promote":
        tight = [i for i in deciding if i not in chosen]
        chosen += sorted(tight, key=lambda i: slack(outcomes[i]))
    return tuple(chosen[:most])


def method_text(verdict: Verdict) -> str:
    """How the intervals that decided were computed, each way once: ``expanded cluster bootstrap, 95 %``; empty where none did."""
    ways = {(o.method, o.confidence): None for o in verdict.criteria if o.method in METHOD_WORDS and o.confidence is not None}
    return "; ".join(f"{METHOD_WORDS[method]}, {format_confidence(confidence)}" for method, confidence in ways)


def intervals_text(verdict: Verdict) -> str:
    """The same with what was drawn: ``expanded cluster bootstrap, 95 %; 2,000 replicates, seed 5``."""
    drawn = {(o.replicates, o.seed): None for o in verdict.criteria if o.method in METHOD_WORDS and o.replicates is not None}
    told = [f"{format_count(count)} replicates{'' if seed is None else f', seed {seed}'}" for count, seed in drawn]
    return "; ".join([method_text(verdict), *told]) if method_text(verdict) else ""
