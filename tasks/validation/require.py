"""Reading a validation report as a permission: downstream stages start only behind one that passed.

What belongs here: whether a report is there, whole, and passed. What does not: examining data. This module is imported by
every stage, so it imports no library that examines.
"""

from collections.abc import Iterable
from pathlib import Path

from tasks.errors import DatasetError, EvidenceError
from tasks.records import Finding, SuiteOutcome, ValidationReport

_NAMED_AT_MOST = 5
"""Reasons that an error spells out; the report holds them all."""


def has_passed(suites: Iterable[SuiteOutcome], findings: Iterable[Finding]) -> bool:
    """True when at least one suite examined at least one row, every suite passed, and no finding blocks."""
    outcomes = tuple(suites)
    examined = any(outcome.rows > 0 and outcome.expectations for outcome in outcomes)
    return examined and all(outcome.is_passed for outcome in outcomes) and not any(f.is_blocking for f in findings)


def require_passed(path: Path) -> ValidationReport:
    """The validation report at ``path`` (``data/validation/<subject>.json``), if it is there, whole and passed.

    Raises :class:`~tasks.errors.EvidenceError` where it is missing, unreadable, of another subject, or not passed, naming
    the failed suites, expectations and findings. What the report claims is not believed: it is derived again from its parts.
    """
    subject = path.stem
    again = f"dvc repro validate_{subject}, then read {path.name} under data/validation"
    report = _read(path, subject, again)
    reasons = list_failures(report)
    if not report.is_passed or reasons:
        raise EvidenceError(
            f"validation of {subject}",
            found=_first(reasons) or "a report that does not say why it did not pass",
            expected="every critical expectation to hold, and no blocking finding",
            next_step=f"mend the data or the suite under expectations/{subject}; {again}",
        )
    return report


def _read(path: Path, subject: str, again: str) -> ValidationReport:
    expected = f"a validation report of {subject} that passed"
    try:
        report = ValidationReport.from_json(path.read_bytes(), origin=path.name)
    except OSError as error:
        found = "no report" if isinstance(error, FileNotFoundError) else f"a report that cannot be read: {error.strerror}"
        raise EvidenceError(f"validation of {subject}", found=found, expected=expected, next_step=again) from None
    except DatasetError as error:
        found = f"a report that is not whole: {error.found}"
        raise EvidenceError(f"validation of {subject}", found=found, expected=expected, next_step=again) from None
    if report.subject != subject:
        found = f"a report of {report.subject}"
        raise EvidenceError(f"validation of {subject}", found=found, expected=expected, next_step=again)
    return report


def list_failures(report: ValidationReport) -> list[str]:
    """Why ``report`` may not be relied on, one line each; empty where it passed. Holds counts and names, no value of a row."""
    reasons = [f"{finding.name}: {finding.kind}: {finding.found}" for finding in report.findings if finding.is_blocking]
    for suite in report.suites:
        failed = [e for e in suite.expectations if not e.is_passed and e.severity == "critical"]
        where = f"{suite.table} {suite.period}"
        reasons += [f"{where}: {e.expectation}({e.column or ''}): {e.reason}" for e in failed]
        if not failed and not suite.is_passed:
            reasons.append(f"{where}: nothing was examined ({suite.rows} rows, {len(suite.expectations)} expectations)")
    if not reasons and not has_passed(report.suites, report.findings):
        reasons.append("nothing was examined")
    return reasons


def _first(reasons: list[str]) -> str:
    more = f" (and {len(reasons) - _NAMED_AT_MOST} more)" if len(reasons) > _NAMED_AT_MOST else ""
    return "; ".join(reasons[:_NAMED_AT_MOST]) + more
