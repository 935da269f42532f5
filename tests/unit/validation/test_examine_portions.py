"""A long table is examined a few columns at a time, and the report is the one of the whole."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

import tasks.validation.portions as module
from tasks.datasets import DatasetWriter, StoredTable, logical_hash
from tasks.records import PartitionRecord, SuiteOutcome
from tasks.validation.periods import EarlierOutcomes, validate_periods
from tasks.validation.portions import cut_columns
from tasks.validation.suites import Suite, SuiteExpectation

_COLUMNS = ("id", "size", "low", "high", "kind", "gone", "gone_too")
_TABLE = pa.table(
    {
        "id": [1, 2, 3, 3],
        "size": [0.5, 9.0, None, 2.0],
        "low": [1, 2, 3, 4],
        "high": [2, 3, 2, 5],
        "kind": ["a", "b", "b", None],
        "gone": pa.nulls(4, pa.float64()),
        "gone_too": pa.nulls(4, pa.string()),
    }
)


def _expect(kind: str, severity: str = "critical", **kwargs: object) -> SuiteExpectation:
    return SuiteExpectation(kind=kind, kwargs=kwargs, severity=severity, why="")


_SUITE = Suite(
    name="raw.things",
    sha256="suite",
    expectations=(
        _expect("expect_table_columns_to_match_set", column_set=list(_COLUMNS)),
        _expect("expect_column_values_to_be_in_set", column="kind", value_set=["a", "b"]),
        _expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low"),
        _expect("expect_table_row_count_to_be_between", min_value=1, max_value=3),
        _expect("expect_column_values_to_be_unique", "warning", column="id"),
        _expect(
            "expect_column_values_to_be_between",
            column="size",
            max_value=5,
            row_condition={"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": "b"},
        ),
        _expect("expect_column_values_to_not_be_null", "warning", column="gone"),
        _expect("expect_table_column_count_to_equal", value=7),
    ),
)


def _examine(folder: Path) -> tuple[SuiteOutcome, list[tuple[str, ...]]]:
    read: list[tuple[str, ...]] = []
    with DatasetWriter(folder, "made") as writer:
        writer.write("things/all.parquet", logical_hash(_TABLE, ["low"]), _TABLE, ("low",))
        record = writer.finish({}).tables["things"]
    stored = StoredTable(folder, record)

    def noted(partition: PartitionRecord, columns: Sequence[str]) -> pa.Table:
        read.append(tuple(columns))
        return stored.read(partition, columns)

    nothing = EarlierOutcomes.of(())
    (outcome,) = validate_periods(_SUITE, record, name="things", read=noted, earlier=nothing, code_hash="code")
    return outcome, read


@pytest.mark.parametrize("width", [1, 2, 3])
def test_portions_give_the_report_of_the_whole(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each expectation and each column without a value once, in order; no more columns are read at once than must be."""
    whole, read = _examine(tmp_path / "whole")
    assert read == [_COLUMNS]
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", width * _TABLE.num_rows)
    cut, read = _examine(tmp_path / "cut")
    assert cut == whole
    assert [each.is_passed for each in whole.expectations[:8]] == [True, True, False, False, False, False, False, True]
    assert sorted(column for columns in read for column in columns if column.startswith("gone")) == ["gone", "gone_too"]
    assert max(map(len, read)) <= max(width, 2)


def test_a_condition_is_asked_beside_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a row condition names is in the same portion."""
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 4)
    (portion,) = [each for each in cut_columns(_SUITE, _COLUMNS, 4) if 5 in each.positions]
    assert {"size", "kind"} <= set(portion.columns)
