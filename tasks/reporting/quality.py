"""Validation reports, summed up for a reader: suites by table and period, what failed, what was found beside.

What belongs here: counting and choosing what to list. What does not: examining data (``tasks.validation``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.records import ExpectationOutcome, Finding, SuiteOutcome, ValidationReport

MOST_LISTED = 200
"""Failed expectations that a page lists; the counts above them are always complete."""


@dataclass(frozen=True)
class Cell:
    """One table in one period: how many expectations held, or why nothing can be said."""

    is_passed: bool
    held: int
    total: int
    rows: int
    has_warning: bool

    @property
    def text(self) -> str:
        """Held of asked, ``11/12``."""
        return f"{self.held}/{self.total}"


@dataclass(frozen=True)
class FailedExpectation:
    """One expectation that did not hold, in counts."""

    table: str
    period: str
    outcome: ExpectationOutcome


@dataclass(frozen=True)
class SubjectSummary:
    """One validated subject: a grid of tables by periods, what failed, and the findings."""

    subject: str
    is_passed: bool
    engine: str
    inputs: dict[str, str]
    suites: int
    expectations: int
    periods: tuple[str, ...]
    grid: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    """(table, one cell per period; None where the table has no such period)."""
    failed: tuple[FailedExpectation, ...]
    unlisted: int
    findings: tuple[Finding, ...]


def summarise_validation(report: ValidationReport) -> SubjectSummary:
    """Sum up one validation report; ``all`` is the first period, months follow in order."""
    periods = sorted({s.period for s in report.suites}, key=lambda period: (period != "all", period))
    tables = sorted({s.table for s in report.suites})
    grid = tuple((t, tuple(_cell([s for s in report.suites if (s.table, s.period) == (t, p)]) for p in periods)) for t in tables)
    failed = [FailedExpectation(s.table, s.period, e) for s in report.suites for e in s.expectations if not e.is_passed]
    order = {"critical": 0, "warning": 1, "info": 2}
    failed.sort(key=lambda f: (order[f.outcome.severity], f.table, f.period, f.outcome.expectation, f.outcome.column or ""))
    return SubjectSummary(
        subject=report.subject,
        is_passed=report.is_passed,
        engine=report.engine,
        inputs=report.inputs,
        suites=len(report.suites),
        expectations=sum(len(s.expectations) for s in report.suites),
        periods=tuple(periods),
        grid=grid,
        failed=tuple(failed[:MOST_LISTED]),
        unlisted=max(0, len(failed) - MOST_LISTED),
        findings=tuple(sorted(report.findings, key=lambda f: (not f.is_blocking, f.kind, f.name))),
    )


def _cell(suites: Iterable[SuiteOutcome]) -> Cell | None:
    suites = tuple(suites)
    if not suites:
        return None
    outcomes = [e for s in suites for e in s.expectations]
    return Cell(
        is_passed=all(s.is_passed for s in suites),
        held=sum(e.is_passed for e in outcomes),
        total=len(outcomes),
        rows=max(s.rows for s in suites),
        has_warning=any(not e.is_passed for e in outcomes),
    )
