"""Running a suite: every supported type judges rightly, nothing unexamined passes, no value of a row gets out."""

import logging
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from tasks.errors import ValidationError
from tasks.records import SuiteOutcome
from tasks.validation.engine import COLUMN_HAS_VALUES, validate_table
from tasks.validation.frames import to_frame
from tasks.validation.suites import ROW_BY_ROW, SUPPORTED, Suite, SuiteExpectation

CANARY = "canary.ada@example.com"
_NOON = datetime(2013, 1, 1, 12, tzinfo=timezone.utc)
_TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "text": pa.array(["a", "b", "a", None]).dictionary_encode(),
        "number": pa.array([0.5, 1.5, 1.5, None], pa.float32()),
        "small": pa.array([1, 2, 3, 4], pa.int8()),
        "day": pa.array([date(2013, 1, 1 + n) for n in range(4)]),
        "start": pa.array([_NOON] * 4, pa.timestamp("us", "UTC")),
        "end": pa.array([_NOON + timedelta(hours=1)] * 4, pa.timestamp("ns", "UTC")),
        "nothing": pa.nulls(4, pa.float64()),
    }
)
_COLUMNS = list(_TABLE.column_names)

_CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "expect_column_distinct_values_to_be_in_set": (
        {"column": "text", "value_set": ["a", "b", "c"]},
        {"column": "text", "value_set": ["a"]},
    ),
    "expect_column_distinct_values_to_contain_set": (
        {"column": "text", "value_set": ["a"]},
        {"column": "text", "value_set": ["c"]},
    ),
    "expect_column_distinct_values_to_equal_set": (
        {"column": "text", "value_set": ["b", "a"]},
        {"column": "text", "value_set": ["a"]},
    ),
    "expect_column_max_to_be_between": ({"column": "small", "max_value": 4}, {"column": "small", "max_value": 3}),
    "expect_column_mean_to_be_between": ({"column": "small", "min_value": 2.5}, {"column": "small", "min_value": 2.6}),
    "expect_column_median_to_be_between": ({"column": "number", "min_value": 1.5}, {"column": "number", "max_value": 1.4}),
    "expect_column_min_to_be_between": ({"column": "number", "min_value": 0.5}, {"column": "number", "min_value": 0.6}),
    "expect_column_most_common_value_to_be_in_set": (
        {"column": "text", "value_set": ["a"]},
        {"column": "text", "value_set": ["b"]},
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "end", "column_B": "start"},
        {"column_A": "start", "column_B": "end"},
    ),
    "expect_column_pair_values_to_be_equal": ({"column_A": "id", "column_B": "small"}, {"column_A": "id", "column_B": "number"}),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        {"column": "text", "max_value": 0.75},
        {"column": "text", "min_value": 0.8},
    ),
    "expect_column_proportion_of_unique_values_to_be_between": (
        {"column": "id", "min_value": 1},
        {"column": "id", "max_value": 0.9},
    ),
    "expect_column_stdev_to_be_between": ({"column": "id", "min_value": 1}, {"column": "id", "max_value": 1}),
    "expect_column_sum_to_be_between": ({"column": "id", "max_value": 10}, {"column": "id", "max_value": 9}),
    "expect_column_unique_value_count_to_be_between": ({"column": "text", "min_value": 2}, {"column": "text", "min_value": 3}),
    "expect_column_value_lengths_to_be_between": ({"column": "text", "max_value": 1}, {"column": "text", "min_value": 2}),
    "expect_column_value_lengths_to_equal": ({"column": "text", "value": 1}, {"column": "text", "value": 2}),
    "expect_column_values_to_be_between": (
        {"column": "day", "max_value": "2013-01-04T00:00:00Z"},
        {"column": "day", "max_value": "2013-01-03T00:00:00Z"},
    ),
    "expect_column_values_to_be_in_set": ({"column": "small", "value_set": [1, 2, 3, 4]}, {"column": "small", "value_set": [1]}),
    "expect_column_values_to_be_null": ({"column": "nothing"}, {"column": "text"}),
    "expect_column_values_to_be_unique": ({"column": "id"}, {"column": "text"}),
    "expect_column_values_to_match_regex": ({"column": "text", "regex": "^[ab]$"}, {"column": "text", "regex": "^a$"}),
    "expect_column_values_to_not_be_in_set": ({"column": "text", "value_set": ["c"]}, {"column": "text", "value_set": ["a"]}),
    "expect_column_values_to_not_be_null": ({"column": "id"}, {"column": "text"}),
    "expect_column_values_to_not_match_regex": ({"column": "text", "regex": "c"}, {"column": "text", "regex": "b"}),
    "expect_compound_columns_to_be_unique": ({"column_list": ["id", "text"]}, {"column_list": ["text", "start"]}),
    "expect_table_column_count_to_equal": ({"value": 8}, {"value": 7}),
    "expect_table_columns_to_match_set": ({"column_set": _COLUMNS}, {"column_set": [*_COLUMNS, "more"]}),
    "expect_table_row_count_to_be_between": ({"min_value": 4}, {"min_value": 5}),
    "expect_table_row_count_to_equal": ({"value": 4}, {"value": 5}),
}


def _validate(table: pa.Table, *expectations: tuple[str, dict[str, Any]], severity: Any = "critical", k: int = 1) -> SuiteOutcome:
    entries = tuple(SuiteExpectation(kind=k, kwargs=kwargs, severity=severity, why="") for k, kwargs in expectations)
    suite = Suite(name="suite", sha256="", expectations=entries)
    return validate_table(suite, to_frame(table), table="things", period="all", k=k)


def test_every_supported_type_has_a_case() -> None:
    """A type may not be supported without having been seen to pass and to fail."""
    assert set(_CASES) == SUPPORTED


@pytest.mark.parametrize("kind", sorted(_CASES))
def test_supported_type_passes_and_fails(kind: str) -> None:
    """Each type passes where it should and fails where it should, by judgement and not by an error."""
    good, bad = _CASES[kind]
    passing, failing = _validate(_TABLE, (kind, good), (kind, bad)).expectations[:2]
    assert (passing.is_passed, failing.is_passed) == (True, False)
    assert "could not be computed" not in failing.reason


def test_failure_counts_what_broke_it() -> None:
    """The report says how many of how many, never which."""
    outcome = _validate(_TABLE, ("expect_column_values_to_be_in_set", {"column": "text", "value_set": ["b"]})).expectations[0]
    assert (outcome.element_count, outcome.unexpected_count) == (4, 2)
    assert outcome.reason.startswith("2 of 3 values outside what is expected (value_set=['b'])")


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_only_critical_failures_fail_the_suite(severity: str) -> None:
    """A warning is told, and lets the suite pass."""
    outcome = _validate(_TABLE, ("expect_column_values_to_be_unique", {"column": "text"}), severity=severity)
    assert outcome.is_passed
    assert not outcome.expectations[0].is_passed


def test_zero_rows_never_pass() -> None:
    """Great Expectations passes not-null and ranges over no rows; nothing examined is no pass."""
    outcome = _validate(_TABLE.slice(0, 0), ("expect_column_values_to_not_be_null", {"column": "id"}))
    assert not outcome.is_passed
    assert "nothing was examined" in outcome.expectations[0].reason


def test_suite_of_warnings_does_not_pass_zero_rows() -> None:
    """No rows fail a suite whatever its severities."""
    assert not _validate(_TABLE.slice(0, 0), ("expect_column_values_to_be_unique", {"column": "id"}), severity="info").is_passed


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [(kind, good) for kind, (good, _) in sorted(_CASES.items()) if "column" in good and kind != "expect_column_values_to_be_null"],
)
def test_column_without_values_never_passes(kind: str, kwargs: dict[str, Any]) -> None:
    """Great Expectations passes ranges, sets and patterns over a column of NULLs; here each fails, whatever its bounds."""
    table = _TABLE.set_column(_COLUMNS.index(kwargs["column"]), kwargs["column"], pa.nulls(4, _TABLE[kwargs["column"]].type))
    outcome = _validate(table, (kind, kwargs))
    assert not outcome.is_passed
    assert "holds no value" in outcome.expectations[0].reason


@pytest.mark.parametrize("kind", [kind for kind in sorted(SUPPORTED) if kind.startswith(ROW_BY_ROW)])
def test_row_condition_that_no_row_meets_never_passes(kind: str) -> None:
    """Great Expectations passes an expectation whose row condition leaves no row."""
    condition = {"type": "comparison", "column": {"name": "id"}, "operator": ">", "parameter": 99}
    outcome = _validate(_TABLE, (kind, _CASES[kind][0] | {"row_condition": condition}))
    assert not outcome.is_passed


def test_nan_is_no_value() -> None:
    """A column of NaN is a column without values."""
    table = pa.table({"id": pa.array([float("nan")] * 3)})
    assert not _validate(table, ("expect_column_values_to_be_between", {"column": "id", "min_value": 0})).is_passed


def test_column_without_values_is_told_without_an_expectation() -> None:
    """A column that no expectation names is told as well, as a warning."""
    outcome = _validate(_TABLE, ("expect_column_values_to_be_unique", {"column": "id"}))
    assert [(e.expectation, e.column) for e in outcome.expectations if not e.is_passed] == [(COLUMN_HAS_VALUES, "nothing")]
    assert outcome.is_passed


def test_error_in_the_engine_is_a_failure_that_leaks_nothing(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """An expectation that raises has failed, the others stand, and no value is told, logged or printed."""
    table = pa.table({"id": pa.array([1, 2]), "text": pa.array([CANARY, "b"])})
    with caplog.at_level(logging.DEBUG):
        outcome = _validate(
            table,
            ("expect_column_mean_to_be_between", {"column": "text", "min_value": 0}),
            ("expect_column_values_to_be_between", {"column": "text", "min_value": 0}),
            ("expect_column_values_to_be_unique", {"column": "id"}),
        )
    assert [e.is_passed for e in outcome.expectations] == [False, False, True]
    assert "could not be computed (TypeError)" in outcome.expectations[1].reason
    printed = capsys.readouterr()
    assert CANARY not in outcome.to_json() + caplog.text + printed.out + printed.err


def test_expectation_that_crashes_the_engine_does_not_hide_the_others() -> None:
    """Of a suite that crashes as a whole each expectation is run alone: what crashes has failed, the others are judged."""
    crashing = ("expect_column_kl_divergence_to_be_less_than", {"column": "text", "partition_object": None, "threshold": 0.1})
    unique = "expect_column_values_to_be_unique"
    outcome = _validate(_TABLE, crashing, (unique, {"column": "id"}), (unique, {"column": "text"}))
    assert [e.is_passed for e in outcome.expectations[:3]] == [False, True, False]
    assert "could not be computed (KeyError)" in outcome.expectations[0].reason


@pytest.mark.parametrize("kind", sorted(kind for kind, (good, _) in _CASES.items() if "column" in good))
def test_no_type_tells_a_value(kind: str) -> None:
    """Whatever the type and whatever fails, the outcome holds counts and the suite's own settings only."""
    settings = {k: v for k, v in _CASES[kind][1].items() if k != "column"}
    table = pa.table({"text": pa.array([CANARY, CANARY, CANARY + "x", None])})
    assert CANARY not in _validate(table, (kind, {"column": "text"} | settings)).to_json()


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_be_between", {"column": "id"}),
        ("expect_column_values_to_be_between", {"column": "id", "min_valeu": 3}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id"]}),
    ],
)
def test_settings_that_cannot_be_used_are_an_error(kind: str, kwargs: dict[str, Any]) -> None:
    """Great Expectations drops what it cannot build from a suite; here it is an error that names it."""
    with pytest.raises(ValidationError, match=kind):
        _validate(_TABLE, (kind, kwargs))


@pytest.mark.parametrize(("broken", "told"), [(2, "fewer than 5 of 100 values"), (98, "all but fewer than 5 of 100 values")])
def test_counts_of_few_people_are_withheld(broken: int, told: str) -> None:
    """How many values break an expectation is told from k on only; that it was broken is told always."""
    table = pa.table({"x": [-1.0] * broken + [1.0] * (100 - broken)})
    expected = ("expect_column_values_to_be_between", {"column": "x", "min_value": 0})
    outcome = _validate(table, expected, k=5).expectations[0]
    assert (outcome.is_passed, outcome.unexpected_count) == (False, None)
    assert outcome.reason.startswith(told)
    assert _validate(table, expected).expectations[0].unexpected_count == broken
