"""Evidence that no criterion may pass: reports and figures that are missing, empty, no numbers, or as bad as they can be.

What belongs here: what is made of good evidence. What does not: challengers that are no good, which are measured where predictions
are, and what a criterion must do about any of it (``selftest``).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tasks.gates.measured import MODEL, SCORES
from tasks.params.judging import DiscoveredCriterion, DriftCriterion, MeasuredCriterion, MetricCriterion, ParityCriterion
from tasks.records import (
    Comparison,
    DisclosureReport,
    Evaluation,
    Finding,
    MeasuredEvidence,
    SuspectSlice,
    UtilityReport,
    ValidationReport,
)

_LEAK = Finding(kind="target_leak", name="planted", is_blocking=True, found="a feature that gives the label away", expected="none")


@dataclass(frozen=True)
class SelfTestEvidence:
    """All that criteria are asked of."""

    evaluation: Evaluation | None
    reports: Mapping[str, ValidationReport | None]
    disclosure: DisclosureReport | None
    subjects: tuple[str, ...]
    utility: UtilityReport | None = None
    measured: Mapping[str, MeasuredEvidence] = field(default_factory=dict)
    """By its kind, what stages measured beside the evaluation."""


def bad_reports(evidence: SelfTestEvidence) -> Iterator[tuple[str, SelfTestEvidence]]:
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


def bad_measured(evidence: SelfTestEvidence, criterion: MeasuredCriterion) -> Iterator[tuple[str, SelfTestEvidence]]:
    """``evidence`` whose measure is not there, of another model, no number, of nothing counted, or beyond the limit."""
    kind, name = criterion.measured, criterion.measure
    left = {other: found for other, found in evidence.measured.items() if other != kind}
    yield "evidence that nobody measured", replace(evidence, measured=left)
    found = evidence.measured.get(kind)
    if found is None or name not in found.measures:
        return

    def planted(**changes: object) -> SelfTestEvidence:
        return replace(evidence, measured={**left, kind: found.model_copy(update=changes)})

    def with_measure(**numbers: float) -> SelfTestEvidence:
        return planted(measures={**found.measures, name: found.measures[name].model_copy(update=numbers)})

    others = {one: "0" * 64 if one in (MODEL, SCORES) else value for one, value in found.inputs.items()}
    yield "evidence of another model", planted(inputs=others)
    yield "evidence of no named model", planted(inputs={})
    yield "a NaN measure", with_measure(value=math.nan)
    yield "a measure with a NaN interval", with_measure(low=math.nan, high=math.nan)
    yield "a measure of nothing counted", with_measure(count=0)
    limit = criterion.most if criterion.most is not None else criterion.least or 0.0
    beyond = limit + (1 if criterion.most is not None else -1) * (1 + abs(limit))
    yield "a measure beyond the limit", with_measure(value=beyond, low=beyond, high=beyond)


def bad_figures(
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
        unknown = [c.model_copy(update={"noise_floor": None}) for c in evaluation.comparisons]
        yield "an unknown noise floor", _with(evaluation, unknown)


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
    # How far an index moves with the draw (variance_ratio) is known of what was measured, not of what is planted.
    for what, moved in (("shifted columns", asked), ("one shifted column", asked[:1])):
        features = tuple(
            found.model_copy(update={"psi": 2 * criterion.most + (found.by_chance or 0.0), "variance_ratio": None})
            if found.feature in moved
            else found
            for found in drift.features
        )
        yield what, evaluation.model_copy(update={"drift": drift.model_copy(update={"features": features})})
    yield "zero rows", evaluation.model_copy(update={"drift": drift.model_copy(update={"rows": 0})})
    # All judged rows in a bin in which the reference has none: no index of so many rows is larger.
    gone = sum((1 - 1 / (2 * rows)) * math.log(2 * rows) for rows in (drift.rows, drift.reference_rows) if rows)
    features = tuple(
        found.model_copy(update={"psi": gone, "variance_ratio": None}) if found.feature in asked else found
        for found in drift.features
    )
    yield "columns that went missing", evaluation.model_copy(update={"drift": drift.model_copy(update={"features": features})})


def _with(evaluation: Evaluation, comparisons: list[Comparison]) -> Evaluation:
    return evaluation.model_copy(update={"comparisons": tuple(comparisons)})


def _undefined(found: Comparison, figure: float | None) -> Comparison:
    """A comparison whose figures are ``figure`` and whose intervals still look well: only the figure tells."""
    return found.model_copy(update={"challenger": figure, "delta": figure, "is_withheld": False})
