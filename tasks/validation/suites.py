"""Expectation suites: read from ``expectations/<subject>/<table>.json``, and refused where they could not fail.

What belongs here: reading Great Expectations' JSON, and every check that needs no data and no import of Great
Expectations. What does not: running a suite (``tasks.validation.engine``).
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from tasks.errors import ValidationError

Severity = Literal["critical", "warning", "info"]

SUPPORTED = frozenset(
    {
        "expect_column_distinct_values_to_be_in_set",
        "expect_column_distinct_values_to_contain_set",
        "expect_column_distinct_values_to_equal_set",
        "expect_column_max_to_be_between",
        "expect_column_mean_to_be_between",
        "expect_column_median_to_be_between",
        "expect_column_min_to_be_between",
        "expect_column_most_common_value_to_be_in_set",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_sum_to_be_between",
        "expect_column_unique_value_count_to_be_between",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_compound_columns_to_be_unique",
        "expect_table_column_count_to_equal",
        "expect_table_columns_to_match_set",
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
    }
)
"""Types that a test has seen pass and fail on the pandas and numpy we build on. Others crash there, or judge wrongly
(quantiles, type lists), or need a database: a type enters this list with a case in that test."""

ROW_BY_ROW = (
    "expect_column_pair_values_",
    "expect_column_value_lengths_",
    "expect_column_values_",
    "expect_compound_columns_",
)
"""Types that count the rows they examined, and so can be seen to have examined none under a row condition."""


class _Entry(BaseModel):
    """One expectation, in Great Expectations' own form."""

    model_config = ConfigDict(extra="forbid")

    type: str
    kwargs: dict[str, Any]
    severity: Severity = "critical"
    meta: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None
    notes: Any = None
    description: str | None = None


class _SuiteFile(BaseModel):
    """A suite, in Great Expectations' own form."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    expectations: list[_Entry]
    meta: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None
    notes: Any = None


@dataclass(frozen=True)
class SuiteExpectation:
    """One expectation of a suite; ``why`` is its ``meta.why``."""

    kind: str
    kwargs: Mapping[str, Any]
    severity: Severity
    why: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it examines; none for an expectation about the table as a whole."""
        single = [self.kwargs[name] for name in ("column", "column_A", "column_B") if name in self.kwargs]
        return (*single, *self.kwargs.get("column_list", ()))


@dataclass(frozen=True)
class Suite:
    """The expectations of one table, and the hash of the file that they come from."""

    name: str
    sha256: str
    expectations: tuple[SuiteExpectation, ...]


def load_suites(folder: Path, tables: Mapping[str, Collection[str] | None]) -> dict[str, Suite]:
    """The suite of each of ``tables`` (name → its columns, None for a table that is missing) from ``folder/<table>.json``.

    Raises :class:`~tasks.errors.ValidationError` where a declared table has no suite, a suite belongs to no declared table,
    or a suite cannot be read, is empty, has no critical expectation, or names a type or a column that is not there: each
    would let data through that nobody examined.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.json"))}
    for table in tables:
        if table not in files:
            _refuse(folder / f"{table}.json", "no such file", f"a suite for the table {table}")
    for table, path in files.items():
        if table not in tables:
            _refuse(path, "a suite for a table that is not declared", f"a file for each of {', '.join(tables)} and no other")
    return {table: load_suite(files[table], columns) for table, columns in tables.items()}


def load_suite(path: Path, columns: Collection[str] | None) -> Suite:
    """The suite in ``path``, checked against the table's ``columns`` where given; raises as :func:`load_suites`."""
    try:
        data = path.read_bytes()
        content = _SuiteFile.model_validate_json(data)
    except OSError as error:
        _refuse(path, error.strerror or "a file that cannot be read", "a suite in Great Expectations' JSON form")
    except PydanticError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        _refuse(path, f"{where}: {first['msg']}", "a suite in Great Expectations' JSON form")
    expectations = tuple(
        SuiteExpectation(kind=entry.type, kwargs=entry.kwargs, severity=entry.severity, why=str(entry.meta.get("why", "")))
        for entry in content.expectations
    )
    if not expectations:
        _refuse(path, "an empty suite", "at least one expectation: an empty suite would pass whatever the data")
    for expectation in expectations:
        _check(path, expectation, columns)
    if all(expectation.severity != "critical" for expectation in expectations):
        _refuse(path, "no critical expectation", "at least one: a suite of warnings would pass whatever the data")
    return Suite(name=content.name, sha256=hashlib.sha256(data).hexdigest(), expectations=expectations)


def _check(path: Path, expectation: SuiteExpectation, columns: Collection[str] | None) -> None:
    if expectation.kind not in SUPPORTED:
        _refuse(path, f"the type {expectation.kind}", f"one of {', '.join(sorted(SUPPORTED))}")
    unknown = [column for column in expectation.columns if columns is not None and column not in columns]
    if unknown:
        declared = ", ".join(columns or ())
        _refuse(path, f"{expectation.kind}: no column {unknown[0]!r}", f"one of the table's columns {declared}")
    mostly = expectation.kwargs.get("mostly", 1)
    if not (isinstance(mostly, (int, float)) and 0 < mostly <= 1):
        _refuse(path, f"{expectation.kind}: mostly {mostly!r}", "a share above 0 and up to 1: with 0 it could not fail")
    if "row_condition" in expectation.kwargs and not expectation.kind.startswith(ROW_BY_ROW):
        _refuse(path, f"{expectation.kind} with a row_condition", "none: it would pass where no row meets the condition")


def _refuse(path: Path, found: str, expected: str) -> NoReturn:
    name = "/".join(path.parts[-3:])
    raise ValidationError(f"suite {name}", found=found, expected=expected, next_step=f"mend {name}") from None
