"""Month by month: what is unchanged is not opened, what was edited is not believed, and a refresh equals a first run."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

import tasks.validation.periods as module
from tasks.datasets import DatasetWriter, logical_hash, read_partition
from tasks.errors import DatasetError
from tasks.records import Manifest, PartitionRecord, SuiteOutcome
from tasks.validation.periods import EarlierOutcomes, group_periods, is_cut, name_period, validate_periods
from tasks.validation.suites import Suite, SuiteExpectation

_KEY = SuiteExpectation(kind="expect_column_values_to_be_unique", kwargs={"column": "id"}, severity="critical", why="")
_SUITE = Suite(name="raw.things", sha256="suite", expectations=(_KEY,))
_NOTHING = EarlierOutcomes.of(())
_DAYS = {"things/day=2013-01-30/part-0.parquet": [1, 2], "things/day=2013-01-31/part-0.parquet": [3], "things/all.parquet": [4]}


def _write(folder: Path, days: dict[str, list[int]]) -> Manifest:
    with DatasetWriter(folder, "snapshots") as writer:
        for path, ids in days.items():
            table = pa.table({"id": pa.array(ids, pa.int64())})
            writer.write(path, logical_hash(table, ["id"]), table, ["id"])
        return writer.finish({})


def _validate(
    folder: Path, manifest: Manifest, earlier: EarlierOutcomes = _NOTHING, suite: Suite = _SUITE, code: str = "code"
) -> tuple[tuple[SuiteOutcome, ...], list[str]]:
    opened: list[str] = []

    def read(partition: PartitionRecord, columns: Sequence[str]) -> pa.Table:
        opened.append(partition.path)
        return read_partition(folder, partition, columns)

    table = manifest.tables["things"]
    return validate_periods(suite, table, name="things", read=read, earlier=earlier, code_hash=code), opened


@pytest.mark.parametrize(
    ("path", "period"),
    [
        ("flights/day=2013-01-31/part-0.parquet", "2013-01"),
        ("flights/2013-12-01.parquet", "2013-12"),
        ("predictions/2013-09.parquet", "2013-09"),
        ("flights/year=2013/month=9/day=1/a.parquet", "2013-09"),
        ("flights/year=2013/month=12/a.parquet", "2013-12"),
        ("flights/year=2013%2Fmonth=9%2Fday=1%2Fa.parquet", "2013-09"),
        ("flights/day=2013-01-31%2Fpart-0.parquet", "2013-01"),
        ("planes/part-0.parquet", "all"),
        ("planes/2013-13.parquet", "all"),
        ("planes/82013-101.parquet", "all"),
    ],
)
def test_period_is_the_month_of_the_path(path: str, period: str) -> None:
    """A date in any usual layout gives the month; no date gives the whole."""
    assert name_period(path) == period


def test_periods_and_partitions_are_in_order(tmp_path: Path) -> None:
    """Order is that of names, whatever the order of writing."""
    manifest = _write(tmp_path, dict(reversed(_DAYS.items())))
    periods = group_periods(tuple(reversed(manifest.tables["things"].partitions)))
    assert {name: [p.rows for p in partitions] for name, partitions in periods.items()} == {"2013-01": [2, 1], "all": [1]}
    assert list(periods) == ["2013-01", "all"]


def test_unchanged_periods_are_not_opened(tmp_path: Path) -> None:
    """A second run over the same data reads no partition and says the same."""
    manifest = _write(tmp_path, _DAYS)
    first, opened = _validate(tmp_path, manifest)
    assert sorted(opened) == sorted(_DAYS)
    assert _validate(tmp_path, manifest, EarlierOutcomes.of(first)) == (first, [])


def test_refresh_opens_the_changed_month_only_and_equals_a_first_run(tmp_path: Path) -> None:
    """One more day is examined with its month; the outcome is that of a run from nothing."""
    first, _ = _validate(tmp_path / "a", _write(tmp_path / "a", _DAYS))
    grown = _write(tmp_path / "a", _DAYS | {"things/day=2013-02-01/part-0.parquet": [5, 5]})
    refreshed, opened = _validate(tmp_path / "a", grown, EarlierOutcomes.of(first))
    assert opened == ["things/day=2013-02-01/part-0.parquet"]
    assert refreshed == _validate(tmp_path / "a", grown)[0]
    assert [outcome.is_passed for outcome in refreshed] == [True, False, True]


@pytest.mark.parametrize(("suite_hash", "code"), [("other", "code"), ("suite", "other")])
def test_changed_suite_or_code_examines_all_again(tmp_path: Path, suite_hash: str, code: str) -> None:
    """An outcome of another suite or other code is not reused."""
    manifest = _write(tmp_path, _DAYS)
    earlier = EarlierOutcomes.of(_validate(tmp_path, manifest)[0])
    suite = Suite(name=_SUITE.name, sha256=suite_hash, expectations=_SUITE.expectations)
    assert len(_validate(tmp_path, manifest, earlier, suite, code)[1]) == len(_DAYS)


def test_edited_outcome_is_examined_again(tmp_path: Path) -> None:
    """A failure that was turned into a pass by hand does not survive the next run."""
    manifest = _write(tmp_path, {"things/day=2013-01-30/part-0.parquet": [1, 1]})
    (outcome,), _ = _validate(tmp_path, manifest)
    passed = tuple(e.model_copy(update={"is_passed": True, "reason": ""}) for e in outcome.expectations)
    edited = outcome.model_copy(update={"is_passed": True, "expectations": passed})
    assert not outcome.is_passed
    assert _validate(tmp_path, manifest, EarlierOutcomes.of([edited]))[0] == (outcome,)


def test_partition_with_other_rows_than_its_manifest_is_refused(tmp_path: Path) -> None:
    """Rows that are gone from a file must not go unexamined, whichever of the two is wrong."""
    manifest = _write(tmp_path, _DAYS)
    table = manifest.tables["things"]
    short = tuple(p.model_copy(update={"rows": p.rows + 1}) for p in table.partitions)
    claimed = manifest.model_copy(update={"tables": {"things": table.model_copy(update={"partitions": short})}})
    with pytest.raises(DatasetError, match="as its manifest says"):
        _validate(tmp_path, claimed)
    _write(tmp_path, _DAYS | {"things/all.parquet": [4, 5]})
    with pytest.raises(DatasetError, match="SHA-256"):
        _validate(tmp_path, manifest)


def test_large_period_is_examined_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whole partitions, so many rows at most, or one partition; each row is examined once."""
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 3)
    rows = {
        f"things/big.csv%230000{part}.parquet": list(range(part * 10, part * 10 + size)) for part, size in enumerate([2, 1, 2, 4])
    }
    manifest = _write(tmp_path, rows)
    outcomes, opened = _validate(tmp_path, manifest)
    assert [(outcome.period, outcome.rows) for outcome in outcomes] == [("all", 3), ("all.002", 2), ("all.003", 4)]
    assert opened == list(rows)
    assert is_cut(manifest.tables["things"].partitions)
    assert not is_cut(manifest.tables["things"].partitions[:2])
