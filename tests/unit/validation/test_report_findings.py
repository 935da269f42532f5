"""Findings that no month shows: missing tables, columns without values, keys that stand twice, splits of another snapshot."""

import pyarrow as pa
import pytest

from tasks.records import ExpectationOutcome, PartitionRecord, SuiteOutcome, TableRecord
from tasks.validation.findings import (
    find_columns_without_values,
    find_duplicate_keys,
    find_missing_tables,
    find_other_source,
    find_unasked,
)
from tasks.validation.suites import Suite


def _record(rows: int) -> TableRecord:
    partition = PartitionRecord(path="t/a.parquet", rows=rows, bytes=1, sha256="", logical_hash="", reuse_key="")
    return TableRecord(key=("id",), columns={"id": "int64"}, partitions=(partition,))


def _outcome(period: str, *empty: str, table: str = "flights") -> SuiteOutcome:
    absent = [
        ExpectationOutcome(
            expectation="column_has_values",
            column=column,
            severity="warning",
            is_passed=False,
            element_count=9,
            unexpected_count=9,
            reason="every value is NULL",
        )
        for column in empty
    ]
    return SuiteOutcome(suite="s", table=table, period=period, rows=9, is_passed=True, reuse_key="", expectations=tuple(absent))


def _keys(*values: str) -> pa.ChunkedArray:
    return pa.chunked_array([list(values[:2]), list(values[2:])], pa.string())


def test_what_was_not_asked_is_told_and_does_not_block() -> None:
    """A suite of no table, and the columns that a suite speaks of in vain, are named."""
    suites = {"flights": Suite("s", "0", (), ("dest",)), "weather": Suite("s", "0", ())}
    found = find_unasked(suites, ["planes"])
    assert [(finding.name, finding.is_blocking) for finding in found] == [("flights", False), ("planes", False)]
    assert "dest" in found[0].found


def test_missing_empty_and_undeclared_tables_block() -> None:
    """Each declared table must be there with rows, and no other."""
    findings = find_missing_tables(["flights", "planes", "weather"], {"flights": _record(3), "planes": _record(0), "x": _record(1)})
    assert [(f.kind, f.name) for f in findings] == [
        ("empty_table", "planes"),
        ("missing_table", "weather"),
        ("undeclared_table", "x"),
    ]
    assert all(f.is_blocking for f in findings)


def test_column_without_values_in_every_period_blocks() -> None:
    """A month may lack a column; a table may not."""
    outcomes = [_outcome("2013-01", "a", "b"), _outcome("2013-02", "b"), _outcome("2013-01", table="planes")]
    (finding,) = find_columns_without_values(outcomes)
    assert (finding.name, finding.is_blocking) == ("flights.b", True)


def test_duplicate_keys_block() -> None:
    """Over all months: suites look at one month at a time."""
    assert find_duplicate_keys("features", _keys("a", "b", "c")) == ()
    assert "2 rows" in find_duplicate_keys("features", _keys("a", "b", "a", "a"))[0].found


@pytest.mark.parametrize("about", [{}, {"snapshots": "old", "key_id": "demo-1"}, {"snapshots": "new", "key_id": "demo-2"}])
def test_split_of_another_snapshot_or_key_blocks(about: dict[str, str]) -> None:
    """A split that was not made from what was masked does not fit it."""
    masked = {"snapshots": "new", "key_id": "demo-1"}
    assert [f.kind for f in find_other_source("by_time", about, masked)] == ["other_source"]
    assert find_other_source("by_time", masked, masked) == ()
