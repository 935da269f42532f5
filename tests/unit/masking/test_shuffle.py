"""Shuffle: the same values in a keyed order, whatever the rows' own order."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, policy, rule
from pydantic import ValidationError

from tasks.errors import MaskingError
from tasks.masking import mask_table

RULES = policy({"a": rule("shuffle", "sensitive", per="id")}, safe=("id",))
ROWS = st.lists(st.tuples(st.integers(0, 10**6), st.none() | st.integers()), min_size=1, max_size=12, unique_by=lambda row: row[0])


def _table(rows: list) -> pa.Table:
    values = [v if v is None else str(v) for _, v in rows]
    return pa.table({"id": pa.array([i for i, _ in rows], pa.int64()), "a": pa.array(values, pa.string())})


@settings(deadline=None, max_examples=60)
@given(ROWS, st.randoms())
def test_values_stay_and_rows_order_decides_nothing(rows: list, random: object) -> None:
    """What leaves is what came, NULL in its place, and each row gets the same value however the rows lie."""
    masked = mask_table("t", _table(rows), RULES, KEY)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = mask_table("t", _table(shuffled), RULES, KEY)
    assert dict(zip(masked["id"].to_pylist(), masked["a"].to_pylist(), strict=True)) == dict(
        zip(again["id"].to_pylist(), again["a"].to_pylist(), strict=True)
    )
    valid = sorted(str(v) for _, v in rows if v is not None)
    kept = sorted(v for v in masked["a"].to_pylist() if v is not None)
    assert kept == (valid if len(valid) > 1 else [])


def test_golden_order() -> None:
    """Ten values in an order that must not change by itself, and another one under another key."""
    table = _table([(i, i) for i in range(10)])
    assert "".join(mask_table("t", table, RULES, KEY)["a"].to_pylist()) == "2731849560"
    assert mask_table("t", table, RULES, OTHER_KEY)["a"] != mask_table("t", table, RULES, KEY)["a"]


def test_values_stay_within_their_group() -> None:
    """Each group keeps its own values; NULL is a group; who is alone in a group loses the value."""
    rules = policy({"a": rule("shuffle", per="id", within=["g", "h"])}, safe=("id", "g", "h"))
    groups = [("x", 1)] * 4 + [("y", 1)] * 4 + [(None, 2)] * 3 + [("z", 1)]
    values = [f"{group}-{i}" for i, group in enumerate(groups)]
    table = pa.table({"id": range(12), "g": [g for g, _ in groups], "h": [h for _, h in groups], "a": values})
    masked = mask_table("t", table, rules, KEY)["a"].to_pylist()
    for start, stop in ((0, 4), (4, 8), (8, 11)):
        assert sorted(masked[start:stop]) == sorted(values[start:stop])
    assert masked[11] is None


def test_shuffling_depends_on_the_partition() -> None:
    """The one transform that does: the values of a partition stay in it."""
    whole = _table([(i, i) for i in range(20)])
    first = mask_table("t", whole.slice(0, 10), RULES, KEY)["a"].to_pylist()
    assert sorted(first, key=int) == [str(i) for i in range(10)]


def test_rows_that_per_does_not_tell_apart_are_refused() -> None:
    """Their order would be that of the file."""
    with pytest.raises(MaskingError, match=r"t\.a: shuffle") as caught:
        mask_table("t", pa.table({"id": [1, 1], "a": [1, 2]}), RULES, KEY)
    assert "per" in caught.value.found


def test_row_without_a_key_loses_its_value() -> None:
    """It could not be moved."""
    table = pa.table({"id": pa.array([1, 2, None]), "a": ["x", "y", "z"]})
    masked = mask_table("t", table, RULES, KEY)["a"].to_pylist()
    assert (sorted(masked[:2]), masked[2]) == (["x", "y"], None)


@pytest.mark.parametrize("setting", [{"per": "a"}, {"per": "id", "within": ["a"]}, {"per": []}])
def test_rule_that_makes_no_sense_is_refused(setting: dict) -> None:
    """A column within its own values would not move at all."""
    with pytest.raises(ValidationError):
        policy({"a": rule("shuffle", **setting)})


def test_empty_and_all_null_columns() -> None:
    """Nothing to move."""
    assert mask_table("t", _table([]), RULES, KEY)["a"].to_pylist() == []
    assert mask_table("t", pa.table({"id": [1, 2], "a": pa.nulls(2)}), RULES, KEY)["a"].null_count == 2
