"""The same evidence judged as that of a candidate that was not the first on its holdout.

What belongs here: how strict later looks are, and what the evidence comes to then. What does not: which look a verdict cost
(``tasks.ledger``), and what stands after it (:meth:`tasks.records.Verdict.standing`): the verdict is the same on every run.

The first look is judged at the one-sided error ``a`` that is asked for; the others of a budget of ``B`` share half of it between
them, ``a / 2 (B - 1)`` each. By the union bound the chance that any of ``B`` candidates at a limit passes is at most ``1.5 a``.
The two-sided confidence ``1 - 2 a`` promises ``2 a``: the rest is left for intervals, which so far out err somewhat more often
than they say (docs/gate-statistics.md). It holds for candidates that were made without the holdout's figures, pass or fail apart
(as does the budget of ease.ml/ci: Renggli et al., 2019, MLSys).
"""

from collections.abc import Callable, Sequence

from tasks.params.judging import Criterion, GatesParams, MeasuredCriterion, MetricCriterion, ParityCriterion
from tasks.records import CriterionOutcome, Decision, Evaluation, LaterLooks, LaterOutcome

LATER_SHARE = 0.5
"""The error that all later looks together may make, as a share of the first one's."""


def later_confidence(confidence: float, budget: int) -> float:
    """The two-sided confidence of each later look, where the first is judged at ``confidence``; ``budget`` is two or more."""
    return 1 - (1 - confidence) * LATER_SHARE / (budget - 1)


def later_gates(gates: GatesParams, evaluation: Evaluation) -> GatesParams:
    """The criteria as a later look is held to them: stricter where a pass has to be shown.

    Measured evidence has its ends moved out (``measured``), for whichever candidate it is; what is exact stays.
    A search for bad slices stays as it is: it fails where harm is shown, and more confidence would make it pass more easily.
    """

    def stricter(criterion: Criterion) -> Criterion:
        if not isinstance(criterion, MetricCriterion | ParityCriterion | MeasuredCriterion):
            return criterion
        asked = evaluation.confidence if criterion.confidence is None else criterion.confidence
        return criterion.model_copy(update={"confidence": later_confidence(asked, gates.looks.budget)})

    return gates.model_copy(update={"criteria": {name: stricter(criterion) for name, criterion in gates.criteria.items()}})


def differing(first: Sequence[CriterionOutcome], later: Sequence[CriterionOutcome]) -> tuple[LaterOutcome, ...]:
    """The outcomes of ``later`` whose status is another than that of the same criterion at the ``first`` look."""
    was = {outcome.name: outcome.status for outcome in first}
    return tuple(
        LaterOutcome(
            name=outcome.name,
            status=outcome.status,
            reason=outcome.reason,
            rows_to_decide=outcome.rows_to_decide,
            days_to_decide=outcome.days_to_decide,
        )
        for outcome in later
        if outcome.status != was.get(outcome.name)
    )


def is_told(first: Sequence[CriterionOutcome], later: LaterLooks, decide: Callable[[Sequence[CriterionOutcome]], Decision]) -> bool:
    """Whether the decision of ``later`` is the one that its outcomes, in the place of the ``first``, come to."""
    changed = {outcome.name: outcome.status for outcome in later.outcomes}
    if not changed.keys() <= {outcome.name for outcome in first}:
        return False
    now = [outcome.model_copy(update={"status": changed.get(outcome.name, outcome.status)}) for outcome in first]
    return decide(now) == later.decision
