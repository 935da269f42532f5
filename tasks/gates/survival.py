"""What the utility certificate means for a verdict: whether the ranking of models survived masking.

What belongs here: judging the certificate, and taking back figures of masked rows where it fails. What does not: how it is made
(``tasks.utility``), and the other criteria (``criteria``).
"""

from collections.abc import Iterable

from tasks.gates.evidence import plain_outcome
from tasks.params.judging import EvidenceCriterion
from tasks.records import CriterionOutcome, Evaluation, UtilityReport

_MADE_OF = ("snapshots", "masked", "features")
HOLDS = "the ranking of models survives masking, as far as the panel can tell"


def judge_utility(
    name: str, criterion: EvidenceCriterion, evaluation: Evaluation | None, report: UtilityReport | None
) -> CriterionOutcome:
    """``pass`` where the certificate of the very data that was evaluated holds, else ``not_judged``; never a model's failure."""
    if report is None or evaluation is None:
        missing = "utility certificate" if report is None else "evaluation"
        return plain_outcome(name, criterion.critical, "not_judged", f"there is no {missing}")
    why_not = _why_not(evaluation, report)
    return plain_outcome(name, criterion.critical, "not_judged" if why_not else "pass", why_not or HOLDS)


def _why_not(evaluation: Evaluation, report: UtilityReport) -> str:
    """Why the certificate does not hold for what was evaluated; what it claims is not believed, but derived again."""
    others = [name for name in _made_of(evaluation) if report.inputs.get(name, "") != evaluation.inputs.get(name)]
    if others:
        return f"the utility certificate is of other data than was evaluated ({', '.join(others)})"
    if report.outcome != "holds":
        word = "fails" if report.outcome == "fails" else "cannot be given"
        return f"the utility certificate {word}: {'; '.join(report.reasons) or 'it does not say why'}"
    low = report.correlation.spearman_interval.low if report.correlation.spearman_interval else None
    reached = {"min_rank_correlation": low, "min_agreement": report.agreement.same}
    if not report.agreement.told_apart or any((reached[name] or -1.0) < report.bounds.get(name, 2.0) for name in reached):
        return "the utility certificate says that it holds, and its own figures do not"
    return ""


def take_back(
    outcomes: Iterable[CriterionOutcome], evaluation: Evaluation | None, report: UtilityReport | None
) -> tuple[CriterionOutcome, ...]:
    """``outcomes``, of which those that rest on scores of masked rows are void where the certificate of the same data fails.

    A figure that masking may have turned round neither promotes nor rejects. What it was stays to be seen; its status goes.
    """
    found = tuple(outcomes)
    if report is None or evaluation is None or report.outcome != "fails" or evaluation.challenger.view == "raw":
        return found
    if any(report.inputs.get(name, "") != evaluation.inputs.get(name) for name in _made_of(evaluation)):
        return found  # of other data: it says nothing of this one, and a criterion that asks for it is not judged
    reason = f"void: the ranking of models does not survive masking ({'; '.join(report.reasons) or 'it does not say why'})"
    void = {"status": "not_judged", "reason": reason, "rows_to_decide": None, "days_to_decide": None}
    return tuple(outcome if outcome.metric is None else outcome.model_copy(update=void) for outcome in found)


def _made_of(evaluation: Evaluation) -> tuple[str, ...]:
    return (*_MADE_OF, f"splits/{evaluation.split}")
