"""Whether each criterion can fail: planted failures, judged by the very code that judges.

What belongs here: what is planted into evidence, and what a criterion must do about it. What does not: wrecked challengers' figures
(they are measured where predictions are), and what follows (``decision``).

A criterion that passes every challenger that is no good cannot fail, and whatever it passes says nothing. One that passes a figure
that is not there, or no rows at all, fails to fail. Either voids the verdict.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.gates.criteria import judge_criteria
from tasks.gates.evidence import plain_outcome
from tasks.params.judging import (
    DiscoveredCriterion,
    DriftCriterion,
    EvaluationParams,
    EvidenceCriterion,
    GatesParams,
    MetricCriterion,
    ParityCriterion,
)
from tasks.records import (
    Comparison,
    CriterionOutcome,
    DisclosureReport,
    Evaluation,
    Finding,
    Interval,
    SuspectSlice,
    UtilityReport,
    ValidationReport,
)

SELF_TEST = "self_test"
"""The name of the outcome that voids a verdict."""
_AGAIN = "champion as challenger"
_BAD_SLICE = "a slice made worse"
_LEAK = Finding(kind="target_leak", name="planted", is_blocking=True, found="a feature that gives the label away", expected="none")


@dataclass(frozen=True)
class SelfTestEvidence:
    """All that criteria are asked of."""

    evaluation: Evaluation | None
    reports: Mapping[str, ValidationReport | None]
    disclosure: DisclosureReport | None
    subjects: tuple[str, ...]
    utility: UtilityReport | None = None


@dataclass(frozen=True)
class SelfTest:
    """The failures that were planted, and what is wrong with which criterion."""

    planted: tuple[str, ...]
    flaws: tuple[str, ...]


def hold_self_test(evidence: SelfTestEvidence, gates: GatesParams, planted: Mapping[str, Evaluation] | None) -> SelfTest:
    """Hold every criterion against planted failures.

    ``planted`` are evaluations of challengers that are no good, and of the champion as challenger, by name; None where the caller
    has no predictions to plant them in, empty where they should be there and are not, which is a flaw.
    """
    flaws: list[str] = []
    for name, criterion in gates.criteria.items():
        one = gates.model_copy(update={"criteria": {name: criterion}})
        if isinstance(criterion, EvidenceCriterion):
            flaws += [f"{name} passes {what}" for what, bad in _bad_reports(evidence) if _passes(bad, one)]
        elif evidence.evaluation is not None:
            flaws += [f"{name} passes {what}" for what, bad in _bad_figures(evidence.evaluation, criterion) if _passes_of(bad, one)]
            # A coin is as fair to all, and moves no feature: what has no skill is no wreck to criteria on parity and drift.
            if isinstance(criterion, DiscoveredCriterion):
                flaws += _overlooked(name, one, planted)
            elif isinstance(criterion, ParityCriterion):
                flaws += _too_wide(name, one, planted)
            elif isinstance(criterion, MetricCriterion):
                flaws += _wrecked(name, one, planted)
    if planted is not None and not planted and evidence.evaluation is not None:
        flaws.append("the predictions, in which failures are planted, are not there")
    return SelfTest(tuple(sorted(_planted_names(gates, evidence, planted))), tuple(flaws))


def asked_by(gates: GatesParams, evaluation: EvaluationParams) -> EvaluationParams:
    """``evaluation`` with the metrics and slices that a criterion asks for, and no other: planted failures cost what they must."""
    asked = [criterion for criterion in gates.criteria.values() if isinstance(criterion, MetricCriterion)]
    gaps = {criterion.parity for criterion in gates.criteria.values() if isinstance(criterion, ParityCriterion)}
    metrics = tuple(name for name in evaluation.metrics if name in gaps or any(criterion.metric == name for criterion in asked))
    slices = tuple(name for name in evaluation.slices if any(criterion.slice == name for criterion in asked))
    is_searched = any(isinstance(criterion, DiscoveredCriterion) for criterion in gates.criteria.values())
    searched = {"discover": evaluation.discover if is_searched else None}
    return evaluation.model_copy(update={"metrics": metrics or evaluation.metrics[:1], "slices": slices, **searched})


def columns_apart(gates: GatesParams) -> tuple[str, ...]:
    """The columns of which a slice is made worse, to see whether a criterion on parity notices."""
    return tuple(sorted({criterion.slice for criterion in gates.criteria.values() if isinstance(criterion, ParityCriterion)}))


def voided_by(found: SelfTest) -> tuple[CriterionOutcome, ...]:
    """The outcome that voids a verdict and names each criterion that has a flaw; none where there is no flaw."""
    if not found.flaws:
        return ()
    return (plain_outcome(SELF_TEST, True, "not_judged", f"the self-test voids this verdict: {'; '.join(found.flaws)}"),)


def _wrecked(name: str, one: GatesParams, planted: Mapping[str, Evaluation] | None) -> Iterator[str]:
    """A criterion that passes every wreck, or that calls the champion better than itself."""
    wrecks = {what: found for what, found in (planted or {}).items() if what != _AGAIN and not what.startswith(_BAD_SLICE)}
    if wrecks and all(_passes_of(found, one) for found in wrecks.values()):
        yield f"{name} cannot fail: it passes a challenger with {', with '.join(sorted(wrecks))}"
    again = (planted or {}).get(_AGAIN)
    if again is not None and any(outcome.status == "pass" and outcome.test == "superiority" for outcome in _judged(again, one)):
        yield f"{name} calls the champion better than itself"


def _overlooked(name: str, one: GatesParams, planted: Mapping[str, Evaluation] | None) -> Iterator[str]:
    """A search that does not find the slice that was made worse."""
    found = (planted or {}).get(_BAD_SLICE)
    if found is not None and _passes_of(found, one):
        yield f"{name} does not find {_BAD_SLICE}"


def _too_wide(name: str, one: GatesParams, planted: Mapping[str, Evaluation] | None) -> Iterator[str]:
    """A gap that is not too wide even where one slice is as badly off as it can be."""
    for what, found in (planted or {}).items():
        if what in {f"{_BAD_SLICE}: {column}" for column in columns_apart(one)} and _passes_of(found, one):
            yield f"{name} cannot fail: it passes {what}"


def _bad_reports(evidence: SelfTestEvidence) -> Iterator[tuple[str, SelfTestEvidence]]:
    """Evidence without a report, and with one that found the label leaking."""
    nothing: dict[str, ValidationReport | None] = dict.fromkeys(evidence.subjects)
    yield "missing reports", SelfTestEvidence(evidence.evaluation, nothing, None, evidence.subjects)
    leaking = {
        subject: None if report is None else report.model_copy(update={"findings": (*report.findings, _LEAK)})
        for subject, report in evidence.reports.items()
    }
    empty = {
        subject: None if report is None else report.model_copy(update={"suites": ()})
        for subject, report in evidence.reports.items()
    }
    unreleased = evidence.disclosure.model_copy(update={"is_released": False}) if evidence.disclosure else None
    turned = evidence.utility.model_copy(update={"outcome": "fails"}) if evidence.utility else None
    unseen = evidence.utility and evidence.utility.model_copy(
        update={"agreement": evidence.utility.agreement.model_copy(update={"told_apart": 0})}
    )
    yield "a leak of the label", SelfTestEvidence(evidence.evaluation, leaking, unreleased, evidence.subjects, turned)
    yield "reports that examined nothing", SelfTestEvidence(evidence.evaluation, empty, unreleased, evidence.subjects, unseen)


def _bad_figures(
    evaluation: Evaluation, criterion: MetricCriterion | ParityCriterion | DriftCriterion | DiscoveredCriterion
) -> Iterator[tuple[str, Evaluation]]:
    """``evaluation`` with a metric that is NaN, of no rows, or not measured on a slice; with features that moved."""
    if isinstance(criterion, DiscoveredCriterion):
        yield from _bad_searches(evaluation)
        return
    if isinstance(criterion, DriftCriterion):
        yield from _bad_drift(evaluation, criterion)
        return
    yield "a NaN metric", _with(evaluation, [_undefined(c, math.nan) for c in evaluation.comparisons])
    yield "zero rows", _with(evaluation, [_undefined(c, None).model_copy(update={"rows": 0}) for c in evaluation.comparisons])
    left = [c for c in evaluation.comparisons if c.slice_column != criterion.slice]
    gone = {f"{c.slice_column}={c.slice_value}" for c in evaluation.comparisons if c.slice_column is not None}
    missing = tuple(sorted({*evaluation.missing_slices, *gone}))
    yield "a missing slice", _with(evaluation, left).model_copy(update={"missing_slices": missing})
    if isinstance(criterion, MetricCriterion) and criterion.better_by is not None:
        noisy = [c.model_copy(update={"noise_floor": 2 * abs(c.delta or 0.0)}) for c in evaluation.comparisons]
        yield "a difference within the noise floor", _with(evaluation, noisy)
    if isinstance(criterion, ParityCriterion):
        yield "a slice that is far worse off", _with(evaluation, _apart(evaluation.comparisons, criterion))


def _bad_searches(evaluation: Evaluation) -> Iterator[tuple[str, Evaluation]]:
    """``evaluation`` with a search that nobody made, one of no slice, and one whose error is no number."""
    yield "a search that nobody made", evaluation.model_copy(update={"discovery": None})
    if evaluation.discovery is not None:
        for what, changed in (
            ("a search of no slice", {"searched": 0, "suspects": ()}),
            ("a NaN metric", {"suspects": (SuspectSlice(p_value=math.nan),)}),
        ):
            yield what, evaluation.model_copy(update={"discovery": evaluation.discovery.model_copy(update=changed)})


def _bad_drift(evaluation: Evaluation, criterion: DriftCriterion) -> Iterator[tuple[str, Evaluation]]:
    """``evaluation`` with features that drifted, one of them alone, and with drift of no rows or no feature."""
    drift = evaluation.drift
    yield "drift that nobody measured", evaluation.model_copy(update={"drift": None})
    if drift is None:
        return
    asked = [found.feature for found in drift.features if not criterion.features or found.feature in criterion.features]
    for what, moved in (("shifted columns", asked), ("one shifted column", asked[:1])):
        features = tuple(
            found.model_copy(update={"psi": 2 * criterion.most + (found.by_chance or 0.0)}) if found.feature in moved else found
            for found in drift.features
        )
        yield what, evaluation.model_copy(update={"drift": drift.model_copy(update={"features": features})})
    yield "zero rows", evaluation.model_copy(update={"drift": drift.model_copy(update={"rows": 0})})
    # All judged rows in a bin in which the reference has none: no index of so many rows is larger.
    gone = sum((1 - 1 / (2 * rows)) * math.log(2 * rows) for rows in (drift.rows, drift.reference_rows) if rows)
    features = tuple(found.model_copy(update={"psi": gone}) if found.feature in asked else found for found in drift.features)
    yield "columns that went missing", evaluation.model_copy(update={"drift": drift.model_copy(update={"features": features})})


def _apart(comparisons: tuple[Comparison, ...], criterion: ParityCriterion) -> list[Comparison]:
    """``comparisons`` with the worst slice of the criterion's column so far from the others that no gap is left to it."""
    own = [
        c for c in comparisons if c.slice_column == criterion.slice and c.metric == criterion.parity and c.challenger is not None
    ]
    worst = min(own, key=lambda c: c.challenger or 0.0, default=None)
    return [_moved(c, -2 * criterion.gap) if c is worst else c for c in comparisons]


def _moved(found: Comparison, by: float) -> Comparison:
    """A comparison whose challenger's figure, with its interval and replicates, lies ``by`` further up."""

    def shifted(interval: Interval | None) -> Interval | None:
        return None if interval is None else interval.model_copy(update={"low": interval.low + by, "high": interval.high + by})

    spread = found.spread
    if spread is not None and spread.challenger is not None:
        quantiles = tuple(value + by for value in spread.challenger.quantiles)
        spread = spread.model_copy(update={"challenger": spread.challenger.model_copy(update={"quantiles": quantiles})})
    figure = None if found.challenger is None else found.challenger + by
    return found.model_copy(
        update={"challenger": figure, "challenger_interval": shifted(found.challenger_interval), "spread": spread}
    )


def _with(evaluation: Evaluation, comparisons: list[Comparison]) -> Evaluation:
    return evaluation.model_copy(update={"comparisons": tuple(comparisons)})


def _undefined(found: Comparison, figure: float | None) -> Comparison:
    """A comparison whose figures are ``figure`` and whose intervals still look well: only the figure tells."""
    return found.model_copy(update={"challenger": figure, "delta": figure, "is_withheld": False})


def _passes(evidence: SelfTestEvidence, one: GatesParams) -> bool:
    return _all_pass(_criteria_of(evidence, one))


def _criteria_of(evidence: SelfTestEvidence, one: GatesParams) -> tuple[CriterionOutcome, ...]:
    found = (evidence.evaluation, evidence.reports, one, evidence.subjects)
    return judge_criteria(*found, disclosure=evidence.disclosure, utility=evidence.utility)


def _passes_of(evaluation: Evaluation, one: GatesParams) -> bool:
    return _all_pass(_judged(evaluation, one))


def _judged(evaluation: Evaluation, one: GatesParams) -> tuple[CriterionOutcome, ...]:
    return judge_criteria(evaluation, {}, one)


def _all_pass(outcomes: tuple[CriterionOutcome, ...]) -> bool:
    return bool(outcomes) and all(outcome.status == "pass" for outcome in outcomes)


def _planted_names(gates: GatesParams, evidence: SelfTestEvidence, planted: Mapping[str, Evaluation] | None) -> set[str]:
    criteria = gates.criteria.values()
    names = set(planted or {})
    if any(isinstance(criterion, EvidenceCriterion) for criterion in criteria):
        names |= {what for what, _ in _bad_reports(evidence)}
    for criterion in criteria:
        if not isinstance(criterion, EvidenceCriterion) and evidence.evaluation is not None:
            names |= {what for what, _ in _bad_figures(evidence.evaluation, criterion)}
    return names
