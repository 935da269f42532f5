"""What decisions were worth, by what became known later; and what other margins would have decided.

What belongs here: scaling margins, and counting. What does not: how a decision comes about (``tasks.gates``).
"""

from collections.abc import Callable, Iterable, Mapping

from tasks.params.judging import GatesParams, MetricCriterion
from tasks.records import BacktestDecision, Comparison, Decision, MarginTally

SCALES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""What the margins are multiplied by."""
_WIDEST = 0.999
"""A relative margin of the whole figure allows everything, and is none."""


def scale_margins(gates: GatesParams, scale: float) -> GatesParams:
    """``gates`` with every margin ``scale`` times as wide; bounds, and claims to be better, stay."""

    def scaled(criterion: MetricCriterion) -> MetricCriterion:
        relative = criterion.relative_margin
        return criterion.model_copy(
            update={
                "margin": None if criterion.margin is None else criterion.margin * scale,
                "relative_margin": None if relative is None else min(relative * scale, _WIDEST),
            }
        )

    criteria = {n: scaled(c) if isinstance(c, MetricCriterion) else c for n, c in gates.criteria.items()}
    return gates.model_copy(update={"criteria": criteria})


def is_good_release(
    gates: GatesParams, later: Iterable[Comparison], is_beyond: Callable[[MetricCriterion, Comparison], bool]
) -> bool | None:
    """Whether no critical limit was broken by the figures of what came ``later``; None where none of them was measured.

    Figures of fewer rows than a criterion's ``min_rows`` tell nothing either way.
    """
    found = list(later)
    asked = [
        (criterion, one)
        for criterion in gates.criteria.values()
        if isinstance(criterion, MetricCriterion) and criterion.critical
        for one in found
        if one.metric == criterion.metric
        and one.slice_column == criterion.slice
        and one.rows >= criterion.min_rows
        and one.challenger is not None
        and not one.is_withheld
    ]
    return not any(is_beyond(criterion, one) for criterion, one in asked) if asked else None


def tally(scale: float, decided: Iterable[tuple[BacktestDecision, Decision]]) -> MarginTally:
    """How many good and bad releases passed and were blocked, of (what it was, the decision at this ``scale``)."""
    counts: Mapping[tuple[bool, bool], list[Decision]] = {(good, passed): [] for good in (True, False) for passed in (True, False)}
    unknown = 0
    for one, decision in decided:
        if one.is_good is None:
            unknown += 1
        else:
            counts[one.is_good, decision == "promote"].append(decision)
    return MarginTally(
        scale=scale,
        good_passed=len(counts[True, True]),
        good_blocked=len(counts[True, False]),
        good_undecided=sum(decision != "reject" for decision in counts[True, False]),
        bad_passed=len(counts[False, True]),
        bad_blocked=len(counts[False, False]),
        bad_undecided=sum(decision != "reject" for decision in counts[False, False]),
        unknown=unknown,
    )
