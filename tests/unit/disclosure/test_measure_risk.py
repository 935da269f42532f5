"""k-anonymity, uniqueness and the two risks: by hand, by definition, and in rows or in people."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.disclosure import form_crowds, measure_risk
from tasks.errors import DisclosureError

SIX = pa.table(
    {
        "zip": ["130", "130", "130", "148", "148", None],
        "age": [30, 30, 30, 40, 40, None],
        "who": ["a", "a", "b", "c", "d", "e"],
    }
)


def test_by_hand_in_rows() -> None:
    """Crowds of 3, 2 and 1: k is 1, three rows stand below 3, and the mean of 1 / crowd is 3 crowds in 6 rows."""
    risk = measure_risk(form_crowds(SIX, ("zip", "age")), 3)
    assert (risk.rows, risk.crowds, risk.smallest, risk.rows_below, risk.unique_rows) == (6, 3, 1, 3, 1)
    assert (risk.highest, risk.average, risk.below) == (1.0, 0.5, 0.5)


def test_by_hand_in_people() -> None:
    """Person a has two of the three rows of her crowd, so that it hides two people, not three."""
    crowds = form_crowds(SIX, ("zip", "age"), "who")
    assert sorted(crowds.people.tolist()) == [1, 2, 2]
    risk = measure_risk(crowds, 3)
    assert (risk.smallest, risk.rows_below, risk.unique_rows) == (1, 6, 1)
    assert risk.average == pytest.approx((3 / 2 + 2 / 2 + 1) / 6)


def test_without_columns_all_are_one_crowd() -> None:
    """Who knows nothing of anybody finds nobody."""
    risk = measure_risk(form_crowds(SIX, ()), 5)
    assert (risk.smallest, risk.crowds, risk.rows_below) == (6, 1, 0)


def test_missing_values_stand_together() -> None:
    """NULL is a value, and NaN is one too: who lacks it is known by that."""
    table = pa.table({"x": pa.array([None, None, 1.0, float("nan"), float("nan")])})
    assert sorted(form_crowds(table, ("x",)).people.tolist()) == [1, 2, 2]


@pytest.mark.parametrize("kind", [pa.null(), pa.bool_(), pa.date32(), pa.dictionary(pa.int8(), pa.string()), pa.large_string()])
def test_every_type_of_column_can_be_counted(kind: pa.DataType) -> None:
    """A column of nothing but NULL tells nobody apart, whatever its type."""
    assert measure_risk(form_crowds(pa.table({"x": pa.nulls(4, kind)}), ("x",)), 2).smallest == 4


def test_no_row_is_no_result() -> None:
    """Nothing examined is never a low risk."""
    with pytest.raises(DisclosureError, match="disclosure risk"):
        form_crowds(SIX.slice(0, 0), ("zip",))


def test_many_wide_columns_do_not_overflow() -> None:
    """Ten columns of 1,000 values have 10^30 combinations; the crowds are still exact."""
    table = pa.table({f"c{n}": [str(value * (n + 1)) for value in range(1000)] * 2 for n in range(10)})
    risk = measure_risk(form_crowds(table, tuple(table.column_names)), 3)
    assert (risk.crowds, risk.smallest) == (1000, 2)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(["x", None])), min_size=1, max_size=60),
    st.integers(2, 6),
)
def test_agrees_with_counting(rows: list[tuple[int, str, str | None]], k: int) -> None:
    """Against Python's own counting of combinations."""
    counted = Counter(rows)
    table = pa.table({name: list(column) for name, column in zip("abc", zip(*rows, strict=True), strict=True)})
    risk = measure_risk(form_crowds(table, ("a", "b", "c")), k)
    assert risk.smallest == min(counted.values())
    assert risk.rows_below == sum(count for count in counted.values() if count < k)
    assert risk.unique_rows == sum(count == 1 for count in counted.values())
    assert risk.average == pytest.approx(len(counted) / len(rows))
