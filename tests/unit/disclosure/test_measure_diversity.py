"""l-diversity and t-closeness: the examples of their papers, hand-computed vectors, and the definitions."""

import math
from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.disclosure import form_crowds, measure_diversity


def _diversity(crowds: list, sensitive: pa.Array) -> object:
    table = pa.table({"q": crowds})
    return measure_diversity(form_crowds(table, ("q",)), pa.chunked_array([sensitive]))


def test_salaries_of_the_paper_on_t_closeness() -> None:
    """Li et al. (2007), section 4.1: {3, 4, 5}k of {3, ..., 11}k is 0.375 away, {6, 8, 11}k is 0.167."""
    salaries = pa.array([3, 4, 5, 6, 8, 11, 7, 9, 10])
    alone = [_diversity([group == n // 3 for n in range(9)], salaries) for group in (0, 1)]
    # The rest of nine people without the three lies half as far on the other side, so the three are the largest.
    assert [found.closeness for found in alone] == [pytest.approx(0.375), pytest.approx(1 / 6)]
    assert all(found.is_ordered and found.distinct == 3 for found in alone)


def test_total_variation_of_words() -> None:
    """Whole: 1/2, 1/4, 1/4. A crowd of nothing but a lies 1/2 away; the other (b, c) as far."""
    found = _diversity([1, 1, 2, 2], pa.array(["a", "a", "b", "c"]))
    assert (found.closeness, found.is_ordered, found.distinct) == (0.5, False, 1)


def test_entropy_is_below_distinct_values_where_one_prevails() -> None:
    """Three values at 2/4, 1/4, 1/4 have 1.5 bits: as diverse as 2.83 equal ones."""
    found = _diversity([1] * 4, pa.array(["a", "a", "b", "c"]))
    assert found.distinct == 3
    assert found.entropy == pytest.approx(2**1.5)
    assert found.closeness == 0


def test_a_single_value_is_no_distance() -> None:
    """Where all have the same there is nothing to learn, and nothing is hidden either."""
    found = _diversity([1, 2], pa.array([7, 7]))
    assert (found.closeness, found.distinct, found.entropy) == (0, 1, pytest.approx(1))


def test_missing_values_are_a_value() -> None:
    """A crowd of nothing but NULL is as telling as any other."""
    found = _diversity([1, 1, 2, 2], pa.array([None, None, 1.0, 2.0]))
    assert found.distinct == 1
    assert found.closeness == pytest.approx((1 / 2 + 1 / 4) / 2)


_ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=50)


@given(_ROWS)
def test_ordered_distance_agrees_with_its_definition(rows: list[tuple[int, int]]) -> None:
    """Sum over values of the differences of the two distribution functions, by number of values less one."""
    crowds, values = zip(*rows, strict=True)
    grid = sorted(set(values))
    members = defaultdict(list)
    for crowd, value in rows:
        members[crowd].append(value)
    distances = [
        sum(abs(sum(v <= g for v in held) / len(held) - sum(v <= g for v in values) / len(values)) for g in grid)
        / max(len(grid) - 1, 1)
        for held in members.values()
    ]
    assert _diversity(list(crowds), pa.array(values)).closeness == pytest.approx(max(distances), abs=1e-12)


@given(_ROWS)
def test_words_agree_with_their_definitions(rows: list[tuple[int, int]]) -> None:
    """Total variation, distinct values and entropy, counted in Python."""
    crowds, values = zip(*rows, strict=True)
    whole = {value: count / len(rows) for value, count in Counter(values).items()}
    distances, entropies, distinct = [], [], []
    for crowd in set(crowds):
        held = Counter(value for c, value in rows if c == crowd)
        shares = {value: count / held.total() for value, count in held.items()}
        distances.append(sum(abs(shares.get(value, 0) - share) for value, share in whole.items()) / 2)
        entropies.append(-sum(share * math.log(share) for share in shares.values()))
        distinct.append(len(held))
    found = _diversity(list(crowds), pa.array([str(value) for value in values]))
    assert found.closeness == pytest.approx(max(distances), abs=1e-12)
    assert found.entropy == pytest.approx(math.exp(min(entropies)))
    assert found.distinct == min(distinct)
