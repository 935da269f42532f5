"""Folds by a keyed hash: equal shares, whole entities, repeats that differ, and no row that anything else moves."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.params.splits import KFoldSplit, assignments_of, resolve_parts
from tasks.splits import assign_to_folds
from tasks.splits.draws import draw_numbers


def folds(**changes) -> KFoldSplit:
    return KFoldSplit.model_validate({"kind": "kfold", "k": 5, "salt": "v1", "why": "x", **changes})


def assign(keys, split=None, units=None):
    found = assign_to_folds(None if units is None else pa.array(units, pa.string()), pa.array(keys), split or folds(), "s", 1)
    return {table: parts.to_pylist() for table, parts in found.items()}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=40, unique=True), st.integers(1, 39))
def test_a_row_stays_where_it_is_whatever_other_rows_there_are(keys, kept):
    """A fold rests on the row's own key alone."""
    everything = dict(zip(keys, assign(keys)["assignments"], strict=True))
    assert assign(keys[:kept])["assignments"] == [everything[key] for key in keys[:kept]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["u1", "u2", "u3", None]), min_size=1, max_size=40))
def test_an_entity_is_in_one_fold_of_each_repeat(units):
    """Grouped folds keep an entity's rows together."""
    found = assign([f"k{n}" for n in range(len(units))], folds(unit="owner", repeats=3), units)
    for parts in found.values():
        pairs = {(unit, part) for unit, part in zip(units, parts, strict=True) if unit}
        assert len(pairs) == len({unit for unit, _ in pairs})


def test_folds_are_of_equal_share_and_repeats_differ():
    """10,000 rows in five folds: 2,000 each, give or take; another repeat draws anew."""
    found = assign([f"k{number}" for number in range(10_000)], folds(repeats=2))
    counts = Counter(found["assignments"])
    assert sorted(counts) == ["fold_1", "fold_2", "fold_3", "fold_4", "fold_5"]
    assert all(abs(count - 2000) < 200 for count in counts.values())
    assert sorted(set(found["assignments_r2"])) == [f"r2_fold_{fold}" for fold in range(1, 6)]
    same = sum(one[-1] == other[-1] for one, other in zip(found["assignments"], found["assignments_r2"], strict=True))
    assert abs(same - 2000) < 200


def test_many_values_are_hashed_as_few_are():
    """The database's hashes are Python's, to the bit."""
    keys = [f"ключ-{number}" for number in range(20_001)]
    many = draw_numbers(pa.array(keys), b"k" * 32, "x")
    assert many[:50].tolist() == draw_numbers(pa.array(keys[:50]), b"k" * 32, "x").tolist()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("fold_2", ("fold_2",)),
        (["fold_3", "fold_1"], ("fold_1", "fold_3")),
        ("not fold_1", ("fold_2", "fold_3")),
        ("not r2_fold_3", ("r2_fold_1", "r2_fold_2")),
    ],
)
def test_parts_are_named_singly_together_or_by_what_is_left_out(wanted, found):
    """`not` means the others of the same repeat."""
    split = folds(k=3, repeats=2)
    assert resolve_parts(split, wanted) == found
    assert {assignments_of(part) for part in found} <= set(split.tables)


@pytest.mark.parametrize("wanted", ["fold_9", "not fold_9", [], ["fold_1", "r2_fold_2"]])
def test_parts_that_are_not_there_or_overlap_are_refused(wanted):
    """Folds of two repeats hold the same rows."""
    with pytest.raises(ValueError, match=r"no part|two repeats"):
        resolve_parts(folds(k=3, repeats=2), wanted)
