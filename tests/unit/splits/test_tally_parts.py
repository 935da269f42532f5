"""Tallies: what each partition adds to the parts, and parts that come out empty."""

from datetime import datetime, timezone

import pyarrow as pa
import pytest

from tasks.errors import SplitError
from tasks.params.splits import KeyedHashSplit, TimeSplit
from tasks.splits import PartitionTally, Tallies, check_parts, make_metadata, read_tallies, tally_partition

BY_TIME = TimeSplit(
    kind="time", column="at", boundaries={"train": "2013-08-01", "validation": "2013-09-01"}, embargo_days=1, why="because"
)
BY_TAIL = KeyedHashSplit(kind="keyed_hash", unit="tail", salt="v1", parts={"train": 0.7, "test": 0.3}, why="because")


def tally(*rows: tuple[str, int | None]) -> PartitionTally:
    """Rows of (part, day of July 2013)."""
    times = [None if day is None else datetime(2013, 7, day, tzinfo=timezone.utc) for _, day in rows]
    parts = pa.array([part for part, _ in rows], pa.string())
    return tally_partition(parts, pa.array(times, pa.timestamp("us", "UTC")), "key", where="t.at")


def test_partitions_add_up():
    """Rows, earliest and latest time of each part over all partitions; a row without a time counts as a row."""
    total = check_parts("s", BY_TAIL, [tally(("train", 3), ("test", 9), ("train", 2)), tally(("train", 7), ("test", None))])
    metadata = make_metadata("s", BY_TAIL, {"kind": "keyed_hash"}, total, strata={}, logical_hash="hash")
    assert metadata.parts == {"train": 3, "test": 2}
    assert metadata.from_utc == {"train": "2013-07-02T00:00:00Z", "test": "2013-07-09T00:00:00Z"}
    assert metadata.to_utc == {"train": "2013-07-07T00:00:00Z", "test": "2013-07-09T00:00:00Z"}
    assert (metadata.why, metadata.logical_hash) == ("because", "hash")


def test_part_without_any_time_has_no_range():
    """Its rows are counted; no time is made up."""
    total = check_parts("s", BY_TAIL, [tally(("train", None), ("test", 1))])
    metadata = make_metadata("s", BY_TAIL, {}, total, strata={}, logical_hash="hash")
    assert metadata.parts == {"train": 1, "test": 1}
    assert set(metadata.from_utc) == set(metadata.to_utc) == {"test"}


def test_empty_part_is_refused_with_what_was_seen():
    """Which part, the boundaries, and the range of times that there is."""
    with pytest.raises(SplitError, match="split s: validation and test would be empty") as caught:
        check_parts("s", BY_TIME, [tally(("train", 3)), tally(("train", 30), ("embargo", 31))])
    assert caught.value.found == "rows from 2013-07-03T00:00:00Z to 2013-07-31T00:00:00Z: embargo 1, train 2"
    assert "train before 2013-08-01, validation before 2013-09-01, embargo 1 days" in caught.value.expected
    assert caught.value.exit_code == 2


def test_nothing_at_all_is_refused():
    """No partition, or partitions without rows, are no split."""
    for tallies in ([], [tally()]):
        with pytest.raises(SplitError) as caught:
            check_parts("s", BY_TAIL, tallies)
        assert caught.value.found == "no rows at all"
        assert "train 0.7, test 0.3" in caught.value.expected


def test_tallies_of_another_version_are_counted_again(tmp_path):
    """A file that cannot be read, or is not there, is no tally; a whole one comes back as it was."""
    path = tmp_path / "counts.json"
    assert read_tallies(path) == {}
    path.write_text("{}")
    assert read_tallies(path) == {}
    kept = {"assignments/a.parquet": tally(("train", 3))}
    path.write_text(Tallies(partitions=kept).to_json())
    assert read_tallies(path) == kept
