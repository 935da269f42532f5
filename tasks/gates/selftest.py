"""Whether each criterion can fail: planted failures, judged by the very code that judges.

What belongs here: what a criterion, and all of them together, must do about evidence that is no good. What does not: that evidence
(``bad_evidence``; wrecked challengers are measured where predictions are), and what follows (``decision``).

A criterion that passes every challenger that is no good cannot fail, and whatever it passes says nothing; one that sees no interval
on any of them says as little. One that passes a figure that is not there, or no rows at all, fails to fail. Either voids the
verdict, and so does a challenger that is no good and that all criteria together would promote.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tasks.gates.bad_evidence import SelfTestEvidence, bad_figures, bad_measured, bad_reports
from tasks.gates.comparisons import method_of
from tasks.gates.criteria import comparisons_of, judge_criteria
from tasks.gates.evidence import plain_outcome
from tasks.gates.intervals import enough_replicates
from tasks.params.judging import (
    DiscoveredCriterion,
    DriftCriterion,
    EvaluationParams,
    EvidenceCriterion,
    GatesParams,
    IntervalMethod,
    MeasuredCriterion,
    MetricCriterion,
    ParityCriterion,
)
from tasks.records import BAD_SLICE, CHAMPION_AGAIN, WRECKS, Comparison, CriterionOutcome, Evaluation, bad_slice_of

SELF_TEST = "self_test"
"""The name of the outcome that voids a verdict."""
_FEWEST_REPLICATES = 100
"""As many as tell a wreck, where no criterion reads further out."""


@dataclass(frozen=True)
class SelfTest:
    """The failures that were planted, and what is wrong with which criterion."""

    planted: tuple[str, ...]
    flaws: tuple[str, ...]


@dataclass(frozen=True)
class PlantedFigures:
    """What has to be measured of planted challengers so that every criterion can be held against them."""

    params: EvaluationParams
    """With the metrics and slices that a criterion asks for, and no other: planted failures cost what they must."""
    replicates: int
    """As many as the criterion asks for that reads furthest out; no more than the judgement itself has."""
    gaps: Mapping[str, tuple[str, ...]]
    """Slice column -> metrics of which a criterion asks for the gap between its slices."""


def hold_self_test(evidence: SelfTestEvidence, gates: GatesParams, planted: Mapping[str, Evaluation] | None) -> SelfTest:
    """Hold every criterion against planted failures.

    ``planted`` are evaluations of challengers that are no good, and of the champion as challenger, by name; None where the caller
    has no predictions to plant them in, empty where they should be there and are not, which is a flaw.
    """
    flaws: list[str] = []
    for name, criterion in gates.criteria.items():
        one = gates.model_copy(update={"criteria": {name: criterion}})
        if isinstance(criterion, EvidenceCriterion):
            flaws += [f"{name} passes {what}" for what, bad in bad_reports(evidence) if _any_pass(_criteria_of(bad, one))]
        elif isinstance(criterion, MeasuredCriterion):
            flaws += [
                f"{name} passes {what}" for what, bad in bad_measured(evidence, criterion) if _any_pass(_criteria_of(bad, one))
            ]
        elif evidence.evaluation is not None:
            bad_ones = bad_figures(evidence.evaluation, criterion)
            flaws += [f"{name} passes {what}" for what, bad in bad_ones if _any_pass(_judged(bad, one))]
            # A coin is as fair to all, and moves no feature: what has no skill is no wreck to criteria on parity and drift.
            if isinstance(criterion, DiscoveredCriterion):
                flaws += _overlooked(name, one, planted, BAD_SLICE)
            elif isinstance(criterion, ParityCriterion):
                flaws += _overlooked(name, one, planted, bad_slice_of(criterion.slice))
            elif not isinstance(criterion, DriftCriterion):
                flaws += _wrecked(name, one, planted, evidence.evaluation)
    if planted is not None and not planted and evidence.evaluation is not None:
        flaws.append("the predictions, in which failures are planted, are not there")
    flaws = flaws or list(_let_through(evidence, gates, planted))
    return SelfTest(tuple(sorted(_planted_names(gates, evidence, planted))), tuple(flaws))


def asked_by(gates: GatesParams, evaluation: EvaluationParams) -> EvaluationParams:
    """``evaluation`` with the metrics and slices that a criterion asks for, and no other."""
    asked = [criterion for criterion in gates.criteria.values() if isinstance(criterion, MetricCriterion)]
    metrics = tuple(name for name in evaluation.metrics if any(criterion.metric == name for criterion in asked))
    slices = tuple(name for name in evaluation.slices if any(criterion.slice == name for criterion in asked))
    is_searched = any(isinstance(criterion, DiscoveredCriterion) for criterion in gates.criteria.values())
    searched = {"discover": evaluation.discover if is_searched else None}
    return evaluation.model_copy(update={"metrics": metrics or evaluation.metrics[:1], "slices": slices, **searched})


def plan_self_test(gates: GatesParams, params: EvaluationParams, evaluation: Evaluation) -> PlantedFigures:
    """What of planted challengers has to be measured, beside the ``evaluation`` of the one that is judged."""
    gaps: dict[str, tuple[str, ...]] = {}
    for criterion in gates.criteria.values():
        if isinstance(criterion, ParityCriterion):
            gaps[criterion.slice] = tuple(dict.fromkeys((*gaps.get(criterion.slice, ()), criterion.parity)))
    needed = [evaluation.replicates if count is None else count for count in _replicates(gates, evaluation)]
    replicates = min(max([_FEWEST_REPLICATES, *needed]), evaluation.replicates)
    return PlantedFigures(asked_by(gates, params), replicates, gaps)


def _replicates(gates: GatesParams, evaluation: Evaluation) -> Iterator[int | None]:
    """How many replicates each criterion needs to see an interval; None where it takes all there are."""
    metric = [criterion for criterion in gates.criteria.values() if isinstance(criterion, MetricCriterion)]
    claims = sum(len(comparisons_of(criterion, evaluation)) for criterion in metric if criterion.better_by is not None)
    for criterion in gates.criteria.values():
        error = (1 - (getattr(criterion, "confidence", None) or evaluation.confidence)) / 2
        if isinstance(criterion, MetricCriterion):
            found = comparisons_of(criterion, evaluation)
            # A claim among others is judged at the share of the error that Holm leaves the first of them.
            error /= max(1, claims) if criterion.better_by is not None else 1
            # McNemar's interval is of a difference; that of the challenger's own figure is the bootstrap's.
            method = "cluster_bootstrap" if criterion.method == "mcnemar" else method_of(criterion)
            yield from _enough(method, error, found, criterion.min_rows)
        elif isinstance(criterion, ParityCriterion):
            found = [c for c in evaluation.comparisons if (c.metric, c.slice_column) == (criterion.parity, criterion.slice)]
            yield from _enough(criterion.method, error / 2, found, criterion.min_rows)


def _enough(method: IntervalMethod, error: float, found: Iterable[Comparison], min_rows: int) -> Iterator[int | None]:
    for clusters in {comparison.clusters for comparison in found if comparison.rows >= min_rows}:
        yield enough_replicates(method, 1 - 2 * error, clusters)


def voided_by(found: SelfTest) -> tuple[CriterionOutcome, ...]:
    """The outcome that voids a verdict and names each criterion that has a flaw; none where there is no flaw."""
    if not found.flaws:
        return ()
    return (plain_outcome(SELF_TEST, True, "not_judged", f"the self-test voids this verdict: {'; '.join(found.flaws)}"),)


def _wrecked(name: str, one: GatesParams, planted: Mapping[str, Evaluation] | None, good: Evaluation) -> Iterator[str]:
    """A criterion that passes every wreck, or passes the challenger and sees nothing on any wreck; or calls equals better."""
    judged = [_telling(_judged(found, one)) for found in _wrecks(planted).values()]
    statuses = {outcome.status for outcomes in judged for outcome in outcomes}
    if judged and all(judged) and statuses == {"pass"}:
        yield f"{name} cannot fail: it passes a challenger with {', with '.join(sorted(_wrecks(planted)))}"
    elif judged and statuses <= {"pass", "not_judged"} and _any_pass(_judged(good, one)):
        # No outcome's own words: a planted slice is withheld from nobody, and they would tell of few people.
        yield f"{name} cannot be held against a challenger that is no good: there is no interval of it; draw more replicates"
    again = (planted or {}).get(CHAMPION_AGAIN)
    if again is not None and any(outcome.status == "pass" and outcome.test == "superiority" for outcome in _judged(again, one)):
        yield f"{name} calls the champion better than itself"


def _wrecks(planted: Mapping[str, Evaluation] | None) -> dict[str, Evaluation]:
    return {what: found for what, found in (planted or {}).items() if what in WRECKS}


def _telling(outcomes: Iterable[CriterionOutcome]) -> list[CriterionOutcome]:
    """``outcomes`` but those of slices with too few rows for any: they pass nothing, and would hide that the others cannot fail."""
    return [found for found in outcomes if found.status != "inconclusive" or found.n is None or found.n >= (found.min_rows or 0)]


def _overlooked(name: str, one: GatesParams, planted: Mapping[str, Evaluation] | None, what: str) -> Iterator[str]:
    """A criterion that does not notice the slice that was made worse."""
    found = (planted or {}).get(what)
    if found is not None and _any_pass(_judged(found, one)):
        yield f"{name} does not find {what}"


def _let_through(evidence: SelfTestEvidence, gates: GatesParams, planted: Mapping[str, Evaluation] | None) -> Iterator[str]:
    """Criteria of which each may be sound, and that would together promote a challenger that is no good."""
    # A coin is as fair to all, so that a gap stops none of these, and is not measured on them.
    others = {name: criterion for name, criterion in gates.criteria.items() if not isinstance(criterion, ParityCriterion)}
    asked = gates.model_copy(update={"criteria": others})
    promoted = []
    for what, found in _wrecks(planted).items():
        worthless = replace(evidence, evaluation=found)
        critical = [outcome for outcome in _criteria_of(worthless, asked) if outcome.is_critical]
        if critical and all(outcome.status == "pass" for outcome in critical):
            promoted.append(what)
    if promoted:
        yield f"no critical criterion stops a challenger with {', with '.join(sorted(promoted))}"


def _criteria_of(evidence: SelfTestEvidence, gates: GatesParams) -> tuple[CriterionOutcome, ...]:
    found = (evidence.evaluation, evidence.reports, gates, evidence.subjects)
    return judge_criteria(*found, disclosure=evidence.disclosure, utility=evidence.utility, measured=evidence.measured)


def _judged(evaluation: Evaluation, one: GatesParams) -> tuple[CriterionOutcome, ...]:
    return judge_criteria(evaluation, {}, one)


def _any_pass(outcomes: Iterable[CriterionOutcome]) -> bool:
    return any(outcome.status == "pass" for outcome in outcomes)


def _planted_names(gates: GatesParams, evidence: SelfTestEvidence, planted: Mapping[str, Evaluation] | None) -> set[str]:
    criteria = gates.criteria.values()
    names = set(planted or {})
    if any(isinstance(criterion, EvidenceCriterion) for criterion in criteria):
        names |= {what for what, _ in bad_reports(evidence)}
    for criterion in criteria:
        if isinstance(criterion, MeasuredCriterion):
            names |= {what for what, _ in bad_measured(evidence, criterion)}
        elif not isinstance(criterion, EvidenceCriterion) and evidence.evaluation is not None:
            names |= {what for what, _ in bad_figures(evidence.evaluation, criterion)}
    return names
