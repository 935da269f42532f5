"""What Great Expectations found.

What belongs here: outcomes of expectations, suites and findings. What does not: what a split is (``splits``).
"""

from typing import Literal

from tasks.records.base import Record


class ExpectationOutcome(Record):
    """One expectation's outcome, as counts; never a value of a row."""

    expectation: str
    column: str | None
    severity: Literal["critical", "warning", "info"]
    is_passed: bool
    element_count: int | None
    unexpected_count: int | None
    reason: str


class SuiteOutcome(Record):
    """One suite against one table and period: ``YYYY-MM``, or ``all`` where partitions carry no day.

    A very large period is examined in pieces: ``all``, ``all.002``, ``all.003``.
    """

    suite: str
    table: str
    period: str
    rows: int
    is_passed: bool
    """True when no critical expectation failed and something was examined."""
    reuse_key: str
    expectations: tuple[ExpectationOutcome, ...]


class Finding(Record):
    """Something that validation noticed beside the suites: a leak, a suspected target leak, a missing table."""

    kind: str
    name: str
    is_blocking: bool
    found: str
    expected: str


class ValidationReport(Record):
    """Whether one subject (raw, masked, splits, features, predictions) may be used downstream."""

    schema_version: Literal[1] = 1
    subject: str
    is_passed: bool
    engine: str
    inputs: dict[str, str]
    """Logical hashes of the datasets that were examined, by name."""
    suites: tuple[SuiteOutcome, ...]
    findings: tuple[Finding, ...]
    suites_hash: str = ""
    """SHA-256 of what the subject's suites say; empty where there are none, or in a report of before this was kept."""
