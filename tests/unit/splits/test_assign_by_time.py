"""Splits by time: exact boundaries, and an embargo behind each."""

from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import SplitError
from tasks.params.splits import TimeSplit
from tasks.splits import assign_by_time

MOMENT = pa.timestamp("us", "UTC")
TICK = timedelta(microseconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)


def by_time(embargo_days: int = 0, **boundaries: str) -> TimeSplit:
    return TimeSplit(
        kind="time", column="at", boundaries=boundaries or {"train": "2013-08-01"}, embargo_days=embargo_days, why="test"
    )


def parts(split: TimeSplit, *times: datetime) -> list[str]:
    return assign_by_time(pa.array(times, MOMENT), split).to_pylist()


def test_boundary_is_midnight_utc():
    """The last microsecond before the boundary's day is train, its first instant is test."""
    assert parts(by_time(), utc(2013, 8, 1) - TICK, utc(2013, 8, 1)) == ["train", "test"]


def test_embargo_lasts_whole_days_behind_each_boundary():
    """Two days belong to no part behind train, and two behind validation; both ends are exact."""
    split = by_time(2, train="2013-08-01", validation="2013-09-01")
    edges = [utc(2013, 8, 1), utc(2013, 8, 3), utc(2013, 9, 1), utc(2013, 9, 3)]
    assert parts(split, *(edge - TICK for edge in edges)) == ["train", "embargo", "validation", "embargo"]
    assert parts(split, *edges) == ["embargo", "validation", "embargo", "test"]


def test_order_of_declaration_does_not_matter():
    """Boundaries are taken in the order of time."""
    split = by_time(validation="2013-09-01", train="2013-08-01")
    assert parts(split, utc(2013, 7, 1), utc(2013, 8, 15), utc(2013, 10, 1)) == ["train", "validation", "test"]


def test_embargo_longer_than_a_part_leaves_nothing_of_it():
    """An embargo of 40 days behind train reaches over all of August, and the one behind validation over early October."""
    split = by_time(40, train="2013-08-01", validation="2013-09-01")
    assert parts(split, utc(2013, 8, 15), utc(2013, 9, 5), utc(2013, 10, 10), utc(2013, 10, 11)) == ["embargo"] * 3 + ["test"]


def test_zone_of_a_timestamp_does_not_move_it():
    """The same instant in another zone, unit or type has the same part."""
    noon = pa.array([utc(2013, 7, 31, 23, 30)], MOMENT)
    for kind in (pa.timestamp("us", "America/New_York"), pa.timestamp("s"), pa.timestamp("ns", "UTC")):
        assert assign_by_time(noon.cast(kind), by_time()).to_pylist() == ["train"]


def test_nanoseconds_do_not_round_over_a_boundary():
    """The last nanosecond before the boundary, and before 1970, stays before it."""
    last = pa.array([int(utc(2013, 8, 1).timestamp()) * 10**9 - 1]).cast(pa.timestamp("ns", "UTC"))
    assert assign_by_time(last, by_time()).to_pylist() == ["train"]
    before_epoch = pa.array([int(utc(1969, 8, 1).timestamp()) * 10**9 - 1]).cast(pa.timestamp("ns", "UTC"))
    assert assign_by_time(before_epoch, by_time(train="1969-08-01")).to_pylist() == ["train"]


def test_a_date_is_its_first_instant():
    """Days are parted as days."""
    days = pa.array([date(2013, 7, 31), date(2013, 8, 1)])
    assert assign_by_time(days, by_time()).to_pylist() == ["train", "test"]


def test_chunks_and_slices_are_read_where_they_begin():
    """Chunked and sliced columns give the parts of their own rows; an empty one gives none."""
    times = pa.array([utc(2013, 9, 1), utc(2013, 7, 1), utc(2013, 9, 1)], MOMENT)
    assert assign_by_time(pa.chunked_array([times.slice(1), times.slice(0, 1)]), by_time()).to_pylist() == ["train", "test", "test"]
    assert assign_by_time(pa.chunked_array([], MOMENT), by_time()).to_pylist() == []


def test_row_without_a_time_is_refused():
    """A NULL time could be on either side; the message counts, and shows no value."""
    with pytest.raises(SplitError, match="2 rows without a time") as caught:
        parts(by_time(), utc(2013, 7, 1), None, None)
    assert "2013" not in caught.value.found


def test_a_column_that_holds_no_times_is_refused():
    """Text that looks like a day is not taken for one."""
    with pytest.raises(SplitError, match="type string"):
        assign_by_time(pa.array(["2013-07-01"]), by_time())


@given(st.lists(st.datetimes(datetime(2013, 7, 1), datetime(2013, 10, 1)), max_size=20), st.integers(0, 5))
def test_each_part_keeps_to_its_period(times, embargo_days):
    """Every time lies in the period that its part declares."""
    split = by_time(embargo_days, train="2013-08-01", validation="2013-09-01")
    embargo = timedelta(days=embargo_days)
    periods = {
        "train": [(datetime.min, datetime(2013, 8, 1))],
        "validation": [(datetime(2013, 8, 1) + embargo, datetime(2013, 9, 1))],
        "test": [(datetime(2013, 9, 1) + embargo, datetime.max)],
        "embargo": [(start, start + embargo) for start in (datetime(2013, 8, 1), datetime(2013, 9, 1))],
    }
    for time, part in zip(times, assign_by_time(pa.array(times, pa.timestamp("us")), split).to_pylist(), strict=True):
        assert any(start <= time < end for start, end in periods[part])
