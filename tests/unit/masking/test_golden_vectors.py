"""What each transform makes of values that are written down: what is out in masked data must never change by itself."""

from datetime import date, datetime, timezone
from typing import Any

import pyarrow as pa
import pytest
from masking_policies import KEY, policy, rule

from tasks.masking import mask_table

BIG = 2**62
EVENING = datetime(2019, 12, 31, 23, 30, 5, tzinfo=timezone.utc)
DAYS = pa.array([date(1899, 12, 31), date(2013, 2, 28), date(2201, 1, 1), None])
TIMES = pa.array([EVENING, None], pa.timestamp("us", "Asia/Tokyo"))
NUMBERS = [17.0, 18.0, 64.5, 65.0, -1e300, float("inf"), None]

VECTORS: list[tuple[str, dict[str, Any], pa.Array, pa.DataType, list[Any]]] = [
    ("redact", {}, pa.array(["Ada", "", None]), pa.string(), ["[redacted]", "[redacted]", None]),
    ("constant", {"value": "x"}, pa.array([1, None]), pa.string(), ["x", None]),
    ("constant", {"value": ""}, pa.array(["Ada", None]), pa.string(), ["", None]),
    ("constant", {"value": 0}, pa.array(["Ada", None]), pa.int64(), [0, None]),
    ("constant", {"value": 0.5}, pa.array(["Ada", None]), pa.float64(), [0.5, None]),
    ("constant", {"value": True}, pa.array([False, None]), pa.bool_(), [True, None]),
    ("bucket", {"edges": [18, 65]}, pa.array(NUMBERS), pa.int32(), [0, 1, 1, 2, 0, 2, None]),
    ("bucket", {"edges": [18], "labels": ["minor", "of age"]}, pa.array([17, 18, None]), pa.string(), ["minor", "of age", None]),
    ("bucket", {"edges": [0.0]}, pa.array([float("nan"), 0.0]), pa.int32(), [None, 1]),
    ("round", {"step": 10}, pa.array([4, 5, 15, -5, -6, None]), pa.int64(), [0, 0, 20, 0, -10, None]),
    ("round", {"step": 1000}, pa.array([BIG + 1]), pa.int64(), [4611686018427388000]),
    ("round", {"step": 0.1}, pa.array([0.34, -0.04, 1e22, None]), pa.float64(), [0.3, 0.0, 1e22, None]),
    ("round", {"step": 2.5}, pa.array([3.75, 6.25], pa.float32()), pa.float64(), [5.0, 5.0]),
    ("clip", {"low": 0, "high": 90}, pa.array([-1, 0, 90, 91, None], pa.int8()), pa.int64(), [0, 0, 90, 90, None]),
    ("clip", {"high": 1e6}, pa.array([2e6, -5.5, None]), pa.float64(), [1e6, -5.5, None]),
    ("date_part", {"part": "year"}, DAYS, pa.int32(), [1899, 2013, 2201, None]),
    ("date_part", {"part": "quarter"}, DAYS, pa.int32(), [4, 1, 1, None]),
    ("date_part", {"part": "month"}, DAYS, pa.int32(), [12, 2, 1, None]),
    ("date_part", {"part": "week"}, DAYS, pa.int32(), [52, 9, 1, None]),
    ("date_part", {"part": "day"}, DAYS, pa.int32(), [31, 28, 1, None]),
    ("date_part", {"part": "weekday"}, DAYS, pa.int32(), [6, 3, 3, None]),
    ("date_part", {"part": "year"}, TIMES, pa.int32(), [2019, None]),
    ("date_part", {"part": "hour"}, TIMES, pa.int32(), [23, None]),
    ("date_part", {"part": "minute"}, TIMES, pa.int32(), [30, None]),
]


@pytest.mark.parametrize(
    ("transform", "setting", "values", "kind", "expected"), VECTORS, ids=[f"{i}-{vector[0]}" for i, vector in enumerate(VECTORS)]
)
def test_golden_vector(transform: str, setting: dict, values: pa.Array, kind: pa.DataType, expected: list) -> None:
    """Value by value, and of the documented type."""
    masked = mask_table("t", pa.table({"a": values}), policy({"a": rule(transform, **setting)}), KEY).column("a")
    assert (masked.type, masked.to_pylist()) == (kind, expected)


def test_kept_for_a_reason_of_its_own() -> None:
    """`keep` does what `safe` does."""
    table = pa.table({"a": pa.array([1.5, None], pa.float32())})
    rules = policy({"a": {"class": "safe", "transform": "keep", "reason": "published"}})
    assert mask_table("t", table, rules, KEY).equals(table)
