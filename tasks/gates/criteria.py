"""Each criterion of ``gates.criteria`` against the evidence: one outcome, or one per slice.

What belongs here: which comparison or report a criterion is asked of, and what is missing. What does not: reports (``evidence``),
one metric on one slice (``comparisons``), and the decision (``decision``).
"""

from collections.abc import Mapping

from tasks.gates.comparisons import Claim, claims_of, judge_comparison, unjudged
from tasks.gates.discovered import judge_discovered
from tasks.gates.drift import judge_drift
from tasks.gates.evidence import judge_disclosure, judge_validation
from tasks.gates.measured import judge_measured
from tasks.gates.parity import judge_parity
from tasks.gates.survival import judge_utility, take_back
from tasks.params.judging import (
    DiscoveredCriterion,
    DriftCriterion,
    EvidenceCriterion,
    GatesParams,
    MeasuredCriterion,
    MetricCriterion,
    ParityCriterion,
)
from tasks.records import (
    Comparison,
    CriterionOutcome,
    DisclosureReport,
    Evaluation,
    MeasuredEvidence,
    UtilityReport,
    ValidationReport,
)

SUBJECTS = ("raw", "masked", "splits", "features", "predictions")
"""The validation reports that a verdict needs, all of them."""


def judge_criteria(
    evaluation: Evaluation | None,
    reports: Mapping[str, ValidationReport | None],
    gates: GatesParams,
    subjects: tuple[str, ...] = SUBJECTS,
    *,
    disclosure: DisclosureReport | None = None,
    utility: UtilityReport | None = None,
    measured: Mapping[str, MeasuredEvidence] | None = None,
    is_later: bool = False,
) -> tuple[CriterionOutcome, ...]:
    """The outcomes of all criteria, in the order of ``gates.criteria``; a criterion on slices has one per slice.

    ``measured``: by its kind, what stages measured beside the evaluation. ``is_later``: intervals are read as a later look at the
    holdout needs it. A utility certificate that fails takes back what was measured on masked rows, whether a criterion asks for it
    or not.
    """
    claims = _claims(evaluation, gates, is_later=is_later)
    outcomes: list[CriterionOutcome] = []
    for name, criterion in gates.criteria.items():
        if isinstance(criterion, EvidenceCriterion) and criterion.evidence == "disclosure":
            outcomes.append(judge_disclosure(name, criterion, evaluation, disclosure))
        elif isinstance(criterion, EvidenceCriterion) and criterion.evidence == "utility":
            outcomes.append(judge_utility(name, criterion, evaluation, utility))
        elif isinstance(criterion, EvidenceCriterion):
            outcomes.append(judge_validation(name, criterion, evaluation, reports, subjects))
        elif isinstance(criterion, ParityCriterion):
            outcomes.append(judge_parity(name, criterion, evaluation, is_later=is_later))
        elif isinstance(criterion, DiscoveredCriterion):
            outcomes.append(judge_discovered(name, criterion, evaluation))
        elif isinstance(criterion, DriftCriterion):
            outcomes.append(judge_drift(name, criterion, evaluation))
        elif isinstance(criterion, MeasuredCriterion):
            outcomes.append(judge_measured(name, criterion, evaluation, measured or {}))
        elif evaluation is None:
            outcomes.append(unjudged(name, criterion, None, "there is no evaluation"))
        else:
            outcomes += _judge_metric(name, criterion, evaluation, claims, is_later=is_later)
    return take_back(outcomes, evaluation, utility)


def comparisons_of(criterion: MetricCriterion, evaluation: Evaluation) -> list[Comparison]:
    """The comparisons that a criterion is asked of: one, or one per slice; none where nothing was measured."""
    return [c for c in evaluation.comparisons if c.metric == criterion.metric and c.slice_column == criterion.slice]


def _claims(evaluation: Evaluation | None, gates: GatesParams, *, is_later: bool) -> dict[tuple[str, str | None], Claim]:
    """By criterion and slice value, every claim to be better: all of a verdict are corrected together."""
    if evaluation is None or evaluation.champion is None:
        return {}
    asked = {
        (name, found.slice_value): (criterion, found)
        for name, criterion in gates.criteria.items()
        if isinstance(criterion, MetricCriterion) and criterion.better_by is not None
        for found in comparisons_of(criterion, evaluation)
    }
    return dict(zip(asked, claims_of(asked.values(), evaluation, is_later=is_later), strict=True))


def _judge_metric(
    name: str,
    criterion: MetricCriterion,
    evaluation: Evaluation,
    claims: Mapping[tuple[str, str | None], Claim],
    *,
    is_later: bool,
) -> list[CriterionOutcome]:
    def judge(called: str, found: Comparison) -> CriterionOutcome:
        claim = claims.get((name, found.slice_value))
        return judge_comparison(called, criterion, found, evaluation, claim, is_later=is_later)

    asked = comparisons_of(criterion, evaluation)
    if criterion.slice is None:
        return [judge(name, c) for c in asked] or [unjudged(name, criterion, None, f"{criterion.metric} was not measured")]
    outcomes = [judge(f"{name}[{c.slice_value}]", c) for c in asked]
    prefix = f"{criterion.slice}="
    for missing in evaluation.missing_slices:
        if missing.startswith(prefix):
            reason = "no row of this slice was judged, though the split's other parts have some"
            outcomes.append(unjudged(f"{name}[{missing.removeprefix(prefix)}]", criterion, missing, reason))
    return outcomes or [unjudged(name, criterion, None, f"no slice of {criterion.slice} was measured")]
