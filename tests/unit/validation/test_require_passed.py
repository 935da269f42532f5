"""A report is a permission only when it is there, whole, of the right subject, and passed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import EvidenceError
from tasks.records import ExpectationOutcome, Finding, SuiteOutcome, ValidationReport
from tasks.validation import require_passed


def _outcome(*, is_passed: bool = True) -> ExpectationOutcome:
    return ExpectationOutcome(
        expectation="expect_column_values_to_not_be_null",
        column="flight_id",
        severity="critical",
        is_passed=is_passed,
        element_count=3,
        unexpected_count=0 if is_passed else 2,
        reason="" if is_passed else "2 of 3 values",
    )


def _suite(*, is_passed: bool = True, rows: int = 3) -> SuiteOutcome:
    return SuiteOutcome(
        suite="raw/flights.json",
        table="flights",
        period="2013-01",
        rows=rows,
        is_passed=is_passed,
        reuse_key="k",
        expectations=(_outcome(is_passed=is_passed),),
    )


def _report(**changes: object) -> ValidationReport:
    whole = ValidationReport(subject="raw", is_passed=True, engine="gx", inputs={}, suites=(_suite(),), findings=())
    return whole.model_copy(update=changes)


_LEAK = Finding(kind="leak", name="by_time", is_blocking=True, found="3 entities in two parts", expected="none")


def test_passed_report_is_returned(tmp_path: Path) -> None:
    """A passed report opens the way and is handed on."""
    path = tmp_path / "raw.json"
    path.write_text(_report().to_json())
    assert require_passed(path) == _report()


@pytest.mark.parametrize(
    ("report", "named"),
    [
        (_report(is_passed=False, suites=(_suite(is_passed=False),)), "expect_column_values_to_not_be_null.flight_id"),
        (_report(suites=(_suite(is_passed=False),)), "flights 2013-01"),
        (_report(is_passed=False, findings=(_LEAK,)), "3 entities in two parts"),
        (_report(findings=(_LEAK,)), "by_time"),
        (_report(suites=()), "nothing was examined"),
        (_report(suites=(_suite(rows=0),)), "nothing was examined"),
        (_report(is_passed=False), "does not say why"),
        (_report(subject="masked"), "a report of masked"),
    ],
)
def test_report_that_did_not_pass_is_refused(tmp_path: Path, report: ValidationReport, named: str) -> None:
    """A report is refused, with what failed, whatever its own is_passed claims."""
    path = tmp_path / "raw.json"
    path.write_text(report.to_json())
    with pytest.raises(EvidenceError, match=named) as caught:
        require_passed(path)
    assert "dvc repro validate_raw" in caught.value.next_step


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: None,
        lambda path: path.write_text(_report().to_json()[:-40]),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.mkdir(),
    ],
    ids=["missing", "cut off", "not text", "a folder"],
)
def test_missing_or_corrupt_report_is_refused(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """No report, or not a whole one, is no permission."""
    path = tmp_path / "raw.json"
    spoil(path)
    with pytest.raises(EvidenceError, match="validation of raw"):
        require_passed(path)
