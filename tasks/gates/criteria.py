"""Each criterion of ``gates.criteria`` against the evidence: one outcome, or one per slice.

What belongs here: which comparison or report a criterion is asked of, and what is missing. What does not: the tests
themselves (``bounds``), and the decision (``decision``). Missing evidence is ``not_judged``; nothing examined never passes.
"""

import math
from collections.abc import Mapping

from tasks.gates.bounds import LimitOutcome, is_usable, judge_bound, judge_margin
from tasks.params.judging import EvidenceCriterion, GatesParams, MetricCriterion
from tasks.records import (
    Comparison,
    CriterionOutcome,
    CriterionStatus,
    DisclosureReport,
    Evaluation,
    SuiteOutcome,
    ValidationReport,
)

SUBJECTS = ("raw", "masked", "splits", "features", "predictions")
"""The validation reports that a verdict needs, all of them."""
NO_CHAMPION = "there is no champion to compare with, and no bound to hold"
WORST_FIRST: tuple[CriterionStatus, ...] = ("fail", "not_judged", "inconclusive", "pass")
"""A failure stands, whatever else could not be judged: it would not go away if the rest were known."""


def judge_criteria(
    evaluation: Evaluation | None,
    reports: Mapping[str, ValidationReport | None],
    gates: GatesParams,
    subjects: tuple[str, ...] = SUBJECTS,
    disclosure: DisclosureReport | None = None,
) -> tuple[CriterionOutcome, ...]:
    """The outcomes of all criteria, in the order of ``gates.criteria``; a criterion on slices has one per slice."""
    outcomes: list[CriterionOutcome] = []
    for name, criterion in gates.criteria.items():
        if isinstance(criterion, EvidenceCriterion) and criterion.evidence == "disclosure":
            outcomes.append(_judge_disclosure(name, criterion, evaluation, disclosure))
        elif isinstance(criterion, EvidenceCriterion):
            outcomes.append(_judge_evidence(name, criterion, evaluation, reports, subjects))
        elif evaluation is None:
            outcomes.append(_unjudged(name, criterion, None, "there is no evaluation"))
        else:
            outcomes += _judge_metric(name, criterion, evaluation)
    return tuple(outcomes)


def _judge_disclosure(
    name: str, criterion: EvidenceCriterion, evaluation: Evaluation | None, report: DisclosureReport | None
) -> CriterionOutcome:
    """Data above its limits is not released, so nothing that was measured on it is judged; never a failure of the model."""
    if report is None:
        return _outcome(name, criterion.critical, "not_judged", "there is no disclosure report")
    exceeded = [f"{view.who}: {reason}" for view in report.views for reason in view.exceeded]
    if exceeded or not report.is_released or not report.views:
        columns = ", ".join(dict.fromkeys(c.column for view in report.views for c in view.columns)) or "none"
        proposed = "; ".join(f"{c.column}: {{{c.becomes}}}" for view in report.views for c in view.proposal if c.becomes)
        reason = f"the masked data is not released: {'; '.join(exceeded) or 'the report does not say why'}; columns: {columns}"
        return _outcome(name, criterion.critical, "not_judged", f"{reason}; proposed: {proposed}" if proposed else reason)
    if evaluation is None:
        return _outcome(name, criterion.critical, "not_judged", "there is no evaluation")
    others = [
        of for of in ("masked", "features") if report.inputs.get(of) is None or report.inputs[of] != evaluation.inputs.get(of)
    ]
    if others:
        told = f"the disclosure report is of other data than was evaluated ({', '.join(others)})"
        return _outcome(name, criterion.critical, "not_judged", told)
    return _outcome(name, criterion.critical, "pass", "the masked data holds its disclosure limits; it is still personal data")


def _judge_evidence(
    name: str,
    criterion: EvidenceCriterion,
    evaluation: Evaluation | None,
    reports: Mapping[str, ValidationReport | None],
    subjects: tuple[str, ...],
) -> CriterionOutcome:
    found = {subject: _judge_report(subject, reports.get(subject), evaluation) for subject in subjects}
    if evaluation is None:  # reports alone say that data is sound, and nothing of a model
        found["evaluation"] = "not_judged", "there is no evaluation"
    status = _worst([status for status, _ in found.values()] or ["not_judged"])
    told = [reason for outcome, reason in found.values() if outcome == status]
    reason = f"{', '.join(subjects)} passed" if status == "pass" else "; ".join(told) or "no report is asked for"
    return _outcome(name, criterion.critical, status, reason)


def _judge_report(subject: str, report: ValidationReport | None, evaluation: Evaluation | None) -> tuple[CriterionStatus, str]:
    if report is None:
        return "not_judged", f"there is no validation report of {subject}"
    if report.subject != subject:
        return "not_judged", f"the validation report of {subject} is one of {report.subject}"
    blocking = sum(finding.is_blocking for finding in report.findings)
    failed = sum(_has_failed(suite) for suite in report.suites)
    if not report.is_passed or blocking or failed:
        return "fail", f"validation of {subject} failed ({failed} suites, {blocking} findings)"
    if not report.suites or not all(suite.rows and suite.expectations for suite in report.suites):
        return "not_judged", f"the validation report of {subject} examined nothing, in one suite or in all"
    return ("pass", "") if evaluation is None else _judge_subject_data(subject, report.inputs, evaluation)


def _has_failed(suite: SuiteOutcome) -> bool:
    """Whether a suite failed, derived again from its parts: what it claims may have been edited."""
    return not suite.is_passed or any(not e.is_passed and e.severity == "critical" for e in suite.expectations)


def _judge_subject_data(subject: str, examined: Mapping[str, str], evaluation: Evaluation) -> tuple[CriterionStatus, str]:
    """Whether the report is of the very data that was evaluated: a hash that is missing on one side agrees with nothing."""
    own = {"raw": "snapshots", "splits": f"splits/{evaluation.split}"}.get(subject, subject)
    evaluated = evaluation.inputs
    others = {name for name, value in examined.items() if evaluated.get(name, value) != value}
    if own not in examined or own not in evaluated:
        others.add(own)
    if others:
        told = ", ".join(sorted(others))
        return "not_judged", f"the validation report of {subject} is of other data than was evaluated ({told})"
    return "pass", ""


def _judge_metric(name: str, criterion: MetricCriterion, evaluation: Evaluation) -> list[CriterionOutcome]:
    of_metric = [c for c in evaluation.comparisons if c.metric == criterion.metric and c.slice_column == criterion.slice]
    if criterion.slice is None:
        return [_judge_comparison(name, criterion, c, evaluation) for c in of_metric] or [
            _unjudged(name, criterion, None, f"{criterion.metric} was not measured")
        ]
    outcomes = [_judge_comparison(f"{name}[{c.slice_value}]", criterion, c, evaluation) for c in of_metric]
    prefix = f"{criterion.slice}="
    for missing in evaluation.missing_slices:
        if missing.startswith(prefix):
            reason = "no row of this slice was judged, though the split's other parts have some"
            outcomes.append(_unjudged(f"{name}[{missing.removeprefix(prefix)}]", criterion, missing, reason))
    return outcomes or [_unjudged(name, criterion, None, f"no slice of {criterion.slice} was measured")]


def _judge_comparison(name: str, criterion: MetricCriterion, found: Comparison, evaluation: Evaluation) -> CriterionOutcome:
    has_champion = evaluation.champion is not None
    outcomes = _limits(criterion, found, has_champion=has_champion)
    # A first model is held to its bounds; a margin that was not asked is none of what was judged.
    margin = criterion.margin if has_champion or criterion.bound is None else None
    status = _worst([outcome.status for outcome in outcomes])
    telling = [outcome for outcome in outcomes if outcome.status == status]
    rows = [outcome.rows_to_decide for outcome in telling]
    to_decide = max((r for r in rows if r is not None), default=None) if status == "inconclusive" and None not in rows else None
    days = _days(to_decide, found.rows, evaluation.days)
    reason = "; ".join(outcome.reason for outcome in telling)
    return CriterionOutcome(
        name=name,
        metric=criterion.metric,
        slice=None if found.slice_column is None else f"{found.slice_column}={found.slice_value}",
        direction=found.direction,
        challenger=_number(found.challenger),
        champion=_number(found.champion),
        delta=_number(found.delta),
        interval=found.challenger_interval if margin is None else found.delta_interval,
        challenger_interval=found.challenger_interval,
        n=None if found.is_withheld else found.rows,
        min_rows=criterion.min_rows,
        bound=criterion.bound,
        margin=margin,
        is_critical=criterion.critical,
        status=status,
        reason=reason + _waiting(status, to_decide, days, found.rows, evaluation.days),
        rows_to_decide=to_decide,
        days_to_decide=days,
    )


def _limits(criterion: MetricCriterion, found: Comparison, *, has_champion: bool) -> list[LimitOutcome]:
    """The outcome of each test that the criterion asks, or one that there are too few rows, or people, for any."""
    if found.is_withheld:
        return [LimitOutcome("inconclusive", found.reason, criterion.min_rows)]
    outcomes = _tests(criterion, found, has_champion=has_champion)
    if found.rows >= criterion.min_rows:
        return outcomes
    reason = f"{found.rows:,} rows, {criterion.min_rows - found.rows:,} fewer than the least that is judged"
    # The least that is judged decides nothing where today's interval would still be too wide at that many rows.
    needed = [outcome.rows_to_decide for outcome in outcomes if outcome.status == "inconclusive"]
    enough = max([criterion.min_rows, *(rows for rows in needed if rows is not None)])
    return [LimitOutcome("inconclusive", reason, None if None in needed else enough)]


def _tests(criterion: MetricCriterion, found: Comparison, *, has_champion: bool) -> list[LimitOutcome]:
    """The outcome of each test that the criterion asks, however few rows there are; a missing figure leaves none."""
    why = f": {found.reason}" if found.reason else ""
    if _number(found.challenger) is None or found.challenger is None:
        return [LimitOutcome("not_judged", f"no {found.metric} of the challenger{why}")]
    interval = found.challenger_interval
    if not is_usable(interval) or interval is None:
        return [LimitOutcome("not_judged", f"no interval of the challenger's {found.metric}{why}")]
    outcomes = []
    if criterion.bound is not None:
        outcomes.append(judge_bound(found.challenger, interval, found.direction, criterion.bound, found.rows))
    elif not has_champion:
        outcomes.append(LimitOutcome("not_judged", NO_CHAMPION))
    if criterion.margin is not None and has_champion:
        outcomes.append(_against_champion(found, criterion.margin, why))
    return outcomes


def _against_champion(found: Comparison, margin: float, why: str) -> LimitOutcome:
    if _number(found.champion) is None or found.delta is None or _number(found.delta) is None:
        return LimitOutcome("not_judged", f"no difference in {found.metric} to the champion{why}")
    if not is_usable(found.delta_interval) or found.delta_interval is None:
        return LimitOutcome("not_judged", f"no interval of the difference in {found.metric}{why}")
    return judge_margin(found.delta, found.delta_interval, found.direction, margin, found.rows)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _worst(statuses: list[CriterionStatus]) -> CriterionStatus:
    return min(statuses, key=WORST_FIRST.index)


def _days(rows_to_decide: int | None, rows: int, days: int) -> int | None:
    """The days that hold ``rows_to_decide`` rows at today's rate, which is that of the slice itself."""
    return None if rows_to_decide is None or not rows or not days else math.ceil(rows_to_decide * days / rows)


def _waiting(status: CriterionStatus, rows_to_decide: int | None, days_to_decide: int | None, rows: int, days: int) -> str:
    if status != "inconclusive":
        return ""
    if rows_to_decide is None:
        return "; today's figure lies on the limit, so that no number of rows can be named"
    more = f"; about {rows_to_decide - rows:,} more rows would decide"
    return more if days_to_decide is None else f"{more} (about {max(1, days_to_decide - days):,} more days at today's rate)"


def _unjudged(name: str, criterion: MetricCriterion, slice_name: str | None, reason: str) -> CriterionOutcome:
    found = _outcome(name, criterion.critical, "not_judged", reason)
    limits = {"min_rows": criterion.min_rows, "bound": criterion.bound, "margin": criterion.margin}
    return found.model_copy(update={"metric": criterion.metric, "slice": slice_name, **limits})


def _outcome(name: str, is_critical: bool, status: CriterionStatus, reason: str) -> CriterionOutcome:
    return CriterionOutcome(
        name=name,
        metric=None,
        slice=None,
        direction=None,
        challenger=None,
        champion=None,
        delta=None,
        interval=None,
        challenger_interval=None,
        n=None,
        min_rows=None,
        bound=None,
        margin=None,
        is_critical=is_critical,
        status=status,
        reason=reason,
        rows_to_decide=None,
        days_to_decide=None,
    )
