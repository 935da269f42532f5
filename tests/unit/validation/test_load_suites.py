"""Suites that could let data through unexamined are refused when they are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ValidationError
from tasks.validation.suites import SuiteFolder, plain_contents, read_contents

_NOT_NULL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}, "meta": {"why": "a key"}}


def _write(folder: Path, table: str, *expectations: dict[str, Any], **other: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{table}.json").write_text(json.dumps({"name": table, "expectations": expectations, "meta": {}} | other))


def test_suites_are_read(tmp_path: Path) -> None:
    """Severity defaults to critical, as in Great Expectations; meta.why is kept."""
    _write(tmp_path, "things", _NOT_NULL, _NOT_NULL | {"severity": "warning"})
    first, second = SuiteFolder(tmp_path).load({"things": ["id"]})["things"].expectations
    assert (first.severity, first.why, first.columns, second.severity) == ("critical", "a key", ("id",), "warning")


def test_what_is_written_after_the_reading_is_not_asked(tmp_path: Path) -> None:
    """A suite that is replaced while its data is examined gives neither its words nor its hash to the report."""
    _write(tmp_path, "things", _NOT_NULL)
    read = SuiteFolder(tmp_path)
    before = read.sha256
    _write(tmp_path, "things", _NOT_NULL | {"severity": "info"})
    assert read.load({"things": ["id"]})["things"].expectations[0].severity == "critical"
    assert read.sha256 == before != SuiteFolder(tmp_path).sha256


def test_missing_suite_is_refused(tmp_path: Path) -> None:
    """A declared table without a suite would pass unexamined."""
    _write(tmp_path, "things", _NOT_NULL)
    with pytest.raises(ValidationError, match=r"others\.json\n.*no such file"):
        SuiteFolder(tmp_path).load({"things": ["id"], "others": ["id"]})


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """No folder of suites is no suite."""
    with pytest.raises(ValidationError, match="no such file"):
        SuiteFolder(tmp_path / "nothing").load({"things": ["id"]})


def test_suite_of_undeclared_table_is_told(tmp_path: Path) -> None:
    """Whoever copies fewer tables need not delete suites; a misspelt file name is seen, and its table has no suite."""
    _write(tmp_path, "things", _NOT_NULL)
    _write(tmp_path, "thigns", _NOT_NULL)
    assert list(SuiteFolder(tmp_path).load({"things": ["id"]})) == ["things"]
    assert SuiteFolder(tmp_path).list_unasked(["things"]) == ("thigns",)


def test_what_a_suite_expects_of_other_columns_is_not_asked_and_told(tmp_path: Path) -> None:
    """Whoever copies fewer columns need not rewrite suites; the set that columns must match shrinks, and stays a set."""
    columns = {"type": "expect_table_columns_to_match_set", "kwargs": {"column_set": ["id", "no"], "exact_match": True}}
    pair = {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["id", "other"]}}
    _write(tmp_path, "things", columns, _NOT_NULL, pair)
    suite = SuiteFolder(tmp_path).load({"things": ["id", "new"]})["things"]
    assert [e.kind for e in suite.expectations] == ["expect_table_columns_to_match_set", "expect_column_values_to_not_be_null"]
    assert suite.expectations[0].kwargs == {"column_set": ["id"], "exact_match": True}
    assert suite.unasked_columns == ("no", "other")


@pytest.mark.parametrize(
    ("expectations", "named"),
    [
        ([], "an empty suite"),
        ([_NOT_NULL | {"severity": "warning"}], "no critical expectation"),
        ([_NOT_NULL | {"type": "expect_the_best"}], "expect_the_best"),
        ([_NOT_NULL | {"type": "expect_column_quantile_values_to_be_between"}], "quantile"),
        ([_NOT_NULL | {"kwargs": {"column": "idd"}}], "no column idd"),
        ([{"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["id", "no"]}}], "no column no"),
        ([_NOT_NULL | {"kwargs": {"column": "id", "mostly": 0}}], "mostly 0"),
        (
            [{"type": "expect_column_sum_to_be_between", "kwargs": {"column": "id", "min_value": 0, "row_condition": "id > 1"}}],
            "row_condition",
        ),
        ([_NOT_NULL | {"severity": "fatal"}], "severity"),
        ([_NOT_NULL | {"kwarg": {}}], "kwarg"),
        ([{"kwargs": {}}], "type"),
    ],
)
def test_suite_that_cannot_be_relied_on_is_refused(tmp_path: Path, expectations: list[dict[str, Any]], named: str) -> None:
    """Each of these would pass whatever the data, or be left out of the run."""
    _write(tmp_path, "things", *expectations)
    with pytest.raises(ValidationError, match=named):
        SuiteFolder(tmp_path).load({"things": ["id"]})


def test_suite_that_is_no_json_is_refused(tmp_path: Path) -> None:
    """A file that was cut off is not an empty suite."""
    (tmp_path / "things.json").write_text('{"name": "things", "expec')
    with pytest.raises(ValidationError, match="Invalid JSON"):
        SuiteFolder(tmp_path).load({"things": ["id"]})


def test_suite_of_missing_table_needs_no_columns(tmp_path: Path) -> None:
    """Where the table itself is missing its suite is still read; that it is missing is a finding of the report."""
    _write(tmp_path, "things", _NOT_NULL)
    assert SuiteFolder(tmp_path).load({"things": None})["things"].name == "things"


def test_default_and_number_written_otherwise_say_the_same(tmp_path: Path) -> None:
    """A suite asks the same with a default written out, with 1.0 for 1 and with null for no bound; it has the same hash."""
    between, match = "expect_column_values_to_be_between", "expect_table_columns_to_match_set"
    short = [{"min_value": 1, "mostly": 0.5}, {"column_set": ["id"]}]
    long = [{"min_value": 1.0, "max_value": None, "strict_min": False, "mostly": 0.5}, {"column_set": ["id"], "exact_match": True}]
    for table, (one, other) in {"short": short, "long": long}.items():
        _write(tmp_path / table, "things", {"type": between, "kwargs": one}, {"type": match, "kwargs": other})
    said = read_contents(tmp_path / "short")
    assert read_contents(tmp_path / "long") == said == plain_contents(said)
    assert SuiteFolder(tmp_path / "long").sha256 == SuiteFolder(tmp_path / "short").sha256
    _write(tmp_path / "whole", "things", {"type": between, "kwargs": {"mostly": 1.0}}, {"type": between, "kwargs": {}})
    assert [each["kwargs"] for each in read_contents(tmp_path / "whole")["things.json"]["expectations"]] == [{}, {}]


def test_null_that_turns_a_default_off_is_said(tmp_path: Path) -> None:
    """Without exact_match a table may have further columns."""
    loose = {"column_set": ["id"], "exact_match": None}
    _write(tmp_path, "things", {"type": "expect_table_columns_to_match_set", "kwargs": loose})
    assert read_contents(tmp_path)["things.json"]["expectations"][0]["kwargs"] == loose
