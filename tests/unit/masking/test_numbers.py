"""Buckets, rounding, clipping, parts of dates: what holds for any value, and what is refused."""

import math
from bisect import bisect_right
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, policy, rule

from tasks.errors import MaskingError
from tasks.masking import mask_table

FLOATS = st.lists(st.none() | st.floats(allow_nan=False), max_size=8)
INTEGERS = st.lists(st.none() | st.integers(-(2**62), 2**62), max_size=8)


def _masked(values: pa.Array, transform: str, **setting: object) -> pa.ChunkedArray:
    return mask_table("t", pa.table({"a": values}), policy({"a": rule(transform, **setting)}), KEY).column("a")


@settings(deadline=None)
@given(FLOATS, st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5, unique=True))
def test_bucket_is_the_number_of_edges_not_above(values: list, edges: list[float]) -> None:
    """As Python's bisect has it; NULL stays NULL."""
    rising = sorted(edges)
    expected = [None if value is None else bisect_right(rising, value) for value in values]
    assert _masked(pa.array(values, pa.float64()), "bucket", edges=rising).to_pylist() == expected


@settings(deadline=None)
@given(INTEGERS, st.integers(1, 2**40))
def test_rounded_integer_is_the_nearest_multiple(values: list, step: int) -> None:
    """Exactly, beyond what floats can tell; halves go to the even multiple, as Python's round."""
    expected = [None if v is None else _nearest(v, step) for v in values]
    assert _masked(pa.array(values, pa.int64()), "round", step=step).to_pylist() == expected


def _nearest(value: int, step: int) -> int:
    times, rest = divmod(value, step)
    return (times + (2 * rest > step or (2 * rest == step and times % 2 == 1))) * step


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), max_size=8), st.sampled_from([0.01, 0.1, 0.25, 1.0, 2.5, 100.0]))
def test_rounded_float_is_near_and_a_multiple(values: list, step: float) -> None:
    """No further than half a step, give or take a float's last digits; never a zero with a sign."""
    for value, near in zip(values, _masked(pa.array(values, pa.float64()), "round", step=step).to_pylist(), strict=True):
        assert abs(value - near) <= step / 2 + 1e-6
        assert abs(near / step - round(near / step)) < 1e-3
        assert near != 0 or math.copysign(1, near) == 1


@settings(deadline=None)
@given(FLOATS, INTEGERS)
def test_clip_leaves_what_lies_within(floats: list, integers: list) -> None:
    """Bounds for what lies outside, the value itself within; the same of floats and integers."""
    for values, kind in ((floats, pa.float64()), (integers, pa.int64())):
        expected = [None if v is None else min(max(v, -5), 90) for v in values]
        assert _masked(pa.array(values, kind), "clip", low=-5, high=90).to_pylist() == expected


@settings(deadline=None)
@given(st.lists(st.none() | st.dates(), max_size=8))
def test_date_parts_are_the_calendars(values: list) -> None:
    """From year 1 to 9999, with weeks as ISO 8601 counts them."""
    days = pa.array(values, pa.date32())
    for part, tell in {
        "month": lambda d: d.month,
        "quarter": lambda d: (d.month + 2) // 3,
        "week": lambda d: d.isocalendar().week,
        "weekday": lambda d: d.weekday(),
        "day": lambda d: d.day,
    }.items():
        assert _masked(days, "date_part", part=part).to_pylist() == [None if d is None else tell(d) for d in values]


def test_nan_says_nothing_and_stays() -> None:
    """Rounded or clipped, NaN is NaN."""
    values = pa.array([float("nan")])
    assert math.isnan(_masked(values, "round", step=1)[0].as_py())
    assert math.isnan(_masked(values, "clip", low=0)[0].as_py())


@pytest.mark.parametrize(
    ("values", "transform", "setting", "said"),
    [
        (pa.array(["7"]), "bucket", {"edges": [1]}, "numbers for bucket"),
        (pa.array([True]), "round", {"step": 1}, "numbers for round"),
        (pa.array([date(2020, 1, 1)]), "clip", {"low": 1}, "numbers for clip"),
        (pa.array(["2020-01-01"]), "date_part", {"part": "year"}, "dates, or timestamps"),
        (pa.array([date(2020, 1, 1)]), "date_part", {"part": "hour"}, "timestamps in microseconds for date_part hour"),
        (pa.array([7]), "round", {"step": 0.5}, "step to be a whole number"),
        (pa.array([7]), "clip", {"low": 0.5}, "low to be a whole number"),
        (pa.array([7]), "clip", {"high": 1e30}, "high to be a whole number"),
        (pa.array([2**64 - 77], pa.uint64()), "round", {"step": 1}, "at most 63 bits"),
        (pa.array([2**63 - 1]), "round", {"step": 1000}, "numbers that can be rounded"),
    ],
)
def test_what_does_not_fit_is_refused(values: pa.Array, transform: str, setting: dict, said: str) -> None:
    """The error names the column and what would fit, and shows no value."""
    with pytest.raises(MaskingError, match=r"t\.a") as caught:
        _masked(values, transform, **setting)
    assert said in caught.value.expected
    assert not any(str(value) in str(caught.value) for value in values.to_pylist() if str(value) not in ("7", "True"))


def test_slices_and_chunks_are_read_where_they_begin() -> None:
    """A column of chunks, each cut from a longer one, is rounded row by row."""
    whole = pa.array([1, None, 14, 26, 99])
    column = pa.chunked_array([whole.slice(1, 2), whole.slice(3), whole.slice(0, 0)])
    masked = mask_table("t", pa.table({"a": column}), policy({"a": rule("round", step=10)}), KEY).column("a")
    assert masked.to_pylist() == [None, 10, 30, 100]


@pytest.mark.parametrize(
    ("transform", "setting", "kind"),
    [
        ("constant", {"value": 1}, pa.int64()),
        ("bucket", {"edges": [1]}, pa.int32()),
        ("bucket", {"edges": [1], "labels": ["a", "b"]}, pa.string()),
        ("round", {"step": 1}, pa.float64()),
        ("clip", {"low": 1}, pa.float64()),
        ("date_part", {"part": "hour"}, pa.int32()),
    ],
)
@pytest.mark.parametrize("rows", [0, 2])
def test_column_of_only_null(transform: str, setting: dict, kind: pa.DataType, rows: int) -> None:
    """NULL in every row, of Arrow's null type, or no row at all: NULLs of the type that the transform gives."""
    masked = _masked(pa.nulls(rows), transform, **setting)
    assert (masked.type, masked.null_count, len(masked)) == (kind, rows, rows)
