"""Criteria that ask for evidence other than a metric: validation reports, and the disclosure report.

What belongs here: whether a report is there, passed, examined something, and is of the data that was evaluated. What does not:
metrics (``criteria``). Missing evidence is ``not_judged``; nothing examined never passes.
"""

from collections.abc import Mapping

from tasks.params.judging import EvidenceCriterion
from tasks.records import CriterionOutcome, CriterionStatus, DisclosureReport, Evaluation, SuiteOutcome, ValidationReport

WORST_FIRST: tuple[CriterionStatus, ...] = ("fail", "not_judged", "inconclusive", "pass")
"""A failure stands, whatever else could not be judged: it would not go away if the rest were known."""


def judge_disclosure(
    name: str, criterion: EvidenceCriterion, evaluation: Evaluation | None, report: DisclosureReport | None
) -> CriterionOutcome:
    """Data above its limits is not released, so nothing that was measured on it is judged; never a failure of the model."""
    if report is None:
        return plain_outcome(name, criterion.critical, "not_judged", "there is no disclosure report")
    exceeded = [f"{view.who}: {reason}" for view in report.views for reason in view.exceeded]
    if exceeded or not report.is_released or not report.views:
        columns = ", ".join(dict.fromkeys(c.column for view in report.views for c in view.columns)) or "none"
        proposed = "; ".join(f"{c.column}: {{{c.becomes}}}" for view in report.views for c in view.proposal if c.becomes)
        reason = f"the masked data is not released: {'; '.join(exceeded) or 'the report does not say why'}; columns: {columns}"
        return plain_outcome(name, criterion.critical, "not_judged", f"{reason}; proposed: {proposed}" if proposed else reason)
    if evaluation is None:
        return plain_outcome(name, criterion.critical, "not_judged", "there is no evaluation")
    others = [
        of for of in ("masked", "features") if report.inputs.get(of) is None or report.inputs[of] != evaluation.inputs.get(of)
    ]
    if others:
        told = f"the disclosure report is of other data than was evaluated ({', '.join(others)})"
        return plain_outcome(name, criterion.critical, "not_judged", told)
    return plain_outcome(name, criterion.critical, "pass", "the masked data holds its disclosure limits; it is still personal data")


def judge_validation(
    name: str,
    criterion: EvidenceCriterion,
    evaluation: Evaluation | None,
    reports: Mapping[str, ValidationReport | None],
    subjects: tuple[str, ...],
) -> CriterionOutcome:
    """All reports of ``subjects`` are there, passed, examined something, and are of the data that was evaluated."""
    found = {subject: _judge_report(subject, reports.get(subject), evaluation) for subject in subjects}
    if evaluation is None:  # reports alone say that data is sound, and nothing of a model
        found["evaluation"] = "not_judged", "there is no evaluation"
    status = worst([status for status, _ in found.values()] or ["not_judged"])
    told = [reason for outcome, reason in found.values() if outcome == status]
    reason = f"{', '.join(subjects)} passed" if status == "pass" else "; ".join(told) or "no report is asked for"
    return plain_outcome(name, criterion.critical, status, reason)


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


def worst(statuses: list[CriterionStatus]) -> CriterionStatus:
    """The worst of ``statuses``, of which there is at least one."""
    return min(statuses, key=WORST_FIRST.index)


def plain_outcome(name: str, is_critical: bool, status: CriterionStatus, reason: str) -> CriterionOutcome:
    """An outcome without figures."""
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
