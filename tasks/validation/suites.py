"""Expectation suites: read from ``expectations/<subject>/<table>.json``, and refused where they could not fail.

What belongs here: reading Great Expectations' JSON, and every check that needs no data and no import of Great
Expectations. What does not: running a suite (``tasks.validation.engine``).
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from tasks.datasets import hash_mapping
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

_COLUMN_SET = "expect_table_columns_to_match_set"

_DEFAULTS = {"mostly": 1, "strict_min": False, "strict_max": False, "or_equal": False, "exact_match": True}
"""What Great Expectations takes where a suite does not say."""
_NONE_IS_NOTHING = frozenset(
    {"condition_parser", "max_value", "min_value", "or_equal", "row_condition", "strict_max", "strict_min", "ties_okay"}
)
"""Settings for which null is what they are without being written; elsewhere, as in ``exact_match``, it asks for something else."""
_EXACT = 2**53
"""Below it each whole number is one float."""

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
    """The expectations of one table, and the hash of what their file says (:func:`read_contents`)."""

    name: str
    sha256: str
    expectations: tuple[SuiteExpectation, ...]
    unasked_columns: tuple[str, ...] = ()
    """Columns that the file speaks of and the table does not have; what it expects of them is not asked."""


class SuiteFolder:
    """The suites of one subject as one reading of their files found them; what is written there later is not seen."""

    def __init__(self, folder: Path) -> None:
        """Read ``folder``; raises :class:`~tasks.errors.ValidationError` where a file in it is no suite."""
        self._folder = folder
        self._files = {path.stem: _read_file(path) for path in sorted(folder.glob("*.json"))}

    @property
    def contents(self) -> dict[str, dict[str, Any]]:
        """As :func:`read_contents`."""
        return {f"{name}.json": _content(file) for name, file in self._files.items()}

    @property
    def sha256(self) -> str:
        """As :func:`hash_contents`."""
        contents = self.contents
        return hash_mapping(contents) if contents else ""

    def load(self, tables: Mapping[str, Collection[str] | None]) -> dict[str, Suite]:
        """The suite of each of ``tables`` (name → its columns, None for a table that is missing), which bears the table's name.

        A table and a column exist where ``params.yaml`` declares them. What a suite expects of others is not asked and told
        (``unasked_columns``, :meth:`list_unasked`): whoever copies less need not rewrite the suites. Raises
        :class:`~tasks.errors.ValidationError` where a declared table has no suite, or a suite is empty, names a type that is not
        supported, or has no critical expectation left to ask: each would let data through that nobody examined.
        """
        for table in tables:
            if table not in self._files:
                _refuse(self._folder / f"{table}.json", "no such file", f"a suite for the table {table}")
        return {
            table: _require_able(self._folder / f"{table}.json", _suite(self._files[table]), columns)
            for table, columns in tables.items()
        }

    def list_unasked(self, tables: Collection[str]) -> tuple[str, ...]:
        """The suites of tables that are none of ``tables``, by name."""
        return tuple(name for name in self._files if name not in tables)


def _require_able(path: Path, suite: Suite, columns: Collection[str] | None) -> Suite:
    """``suite`` of the file ``path``, narrowed to the table's ``columns`` where given, once it is found that it can fail."""
    if not suite.expectations:
        _refuse(path, "an empty suite", "at least one expectation: an empty suite would pass whatever the data")
    for expectation in suite.expectations:
        _check(path, expectation)
    if columns is not None:
        suite = _narrow(suite, columns)
    if all(expectation.severity != "critical" for expectation in suite.expectations):
        unasked = f" (no column {', '.join(suite.unasked_columns)})" if suite.unasked_columns else ""
        _refuse(path, f"no critical expectation{unasked}", "at least one, on a column that is there: warnings would pass any data")
    return suite


def read_contents(folder: Path) -> dict[str, dict[str, Any]]:
    """What each suite in ``folder`` says, by file name, whether its table is declared or not; none where there is no folder.

    Layout, defaults written out, 1.0 for 1 and ids (which Great Expectations makes up) say nothing; words and order do. Raises
    :class:`~tasks.errors.ValidationError` where a file is no suite.
    """
    return SuiteFolder(folder).contents


def hash_contents(folder: Path) -> str:
    """SHA-256 of what the suites in ``folder`` say; empty where there are none. Raises as :func:`read_contents`."""
    return SuiteFolder(folder).sha256


def _content(file: _SuiteFile) -> dict[str, Any]:
    expectations = [{"type": e.type, "kwargs": _asked(e.kwargs), "severity": e.severity, **_words(e)} for e in file.expectations]
    return {"name": file.name, "expectations": expectations, **_words(file)}


def plain_contents(contents: Mapping[str, Any]) -> dict[str, Any]:
    """``contents`` as :func:`read_contents` says them, of those that a release signed with defaults written out."""
    return {
        path: {**content, "expectations": [{**each, "kwargs": _asked(each["kwargs"])} for each in content["expectations"]]}
        for path, content in contents.items()
    }


def _asked(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say more than their defaults, each number in one spelling: 1.0 is 1."""
    plain = {name: _plain(value) for name, value in kwargs.items()}
    return {
        name: value
        for name, value in plain.items()
        if not (name in _DEFAULTS and value == _DEFAULTS[name]) and not (value is None and name in _NONE_IS_NOTHING)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _words(part: _Entry | _SuiteFile) -> dict[str, Any]:
    """What a reader is told, where something is."""
    said = {"meta": part.meta, "notes": part.notes, "description": getattr(part, "description", None)}
    return {name: text for name, text in said.items() if text}


def _read_file(path: Path) -> _SuiteFile:
    try:
        content = _SuiteFile.model_validate_json(path.read_bytes())
        json.dumps(_content(content), allow_nan=False)
    except OSError as error:
        _refuse(path, error.strerror or "a file that cannot be read", "a suite in Great Expectations' JSON form")
    except PydanticError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        _refuse(path, f"{where}: {first['msg']}", "a suite in Great Expectations' JSON form")
    except ValueError:
        _refuse(path, "a number that is none (NaN, or without end)", "numbers: against such a bound nothing could fail")
    return content


def _suite(content: _SuiteFile) -> Suite:
    expectations = tuple(
        SuiteExpectation(kind=entry.type, kwargs=entry.kwargs, severity=entry.severity, why=str(entry.meta.get("why", "")))
        for entry in content.expectations
    )
    return Suite(name=content.name, sha256=hash_mapping(_content(content)), expectations=expectations)


def _narrow(suite: Suite, columns: Collection[str]) -> Suite:
    """``suite`` without what it expects of columns that the table does not have.

    A set of columns that the table must match is narrowed too: a column that the suite does not list still fails it.
    """
    asked: list[SuiteExpectation] = []
    unasked: set[str] = set()
    for expectation in suite.expectations:
        listed = expectation.kwargs.get("column_set") if expectation.kind == _COLUMN_SET else None
        absent = {column for column in (listed or expectation.columns) if column not in columns}
        unasked |= absent
        if listed:
            kept = [column for column in listed if column in columns]
            asked.append(replace(expectation, kwargs={**expectation.kwargs, "column_set": kept}))
        elif not absent:
            asked.append(expectation)
    return replace(suite, expectations=tuple(asked), unasked_columns=tuple(sorted(unasked)))


def _check(path: Path, expectation: SuiteExpectation) -> None:
    if expectation.kind not in SUPPORTED:
        _refuse(path, f"the type {expectation.kind}", f"one of {', '.join(sorted(SUPPORTED))}")
    mostly = expectation.kwargs.get("mostly", 1)
    if not (isinstance(mostly, (int, float)) and 0 < mostly <= 1):
        _refuse(path, f"{expectation.kind}: mostly {mostly!r}", "a share above 0 and up to 1: with 0 it could not fail")
    if "row_condition" in expectation.kwargs and not expectation.kind.startswith(ROW_BY_ROW):
        _refuse(path, f"{expectation.kind} with a row_condition", "none: it would pass where no row meets the condition")


def _refuse(path: Path, found: str, expected: str) -> NoReturn:
    name = "/".join(path.parts[-3:])
    raise ValidationError(f"suite {name}", found=found, expected=expected, next_step=f"mend {name}") from None
