"""Stratified parting: equal shares in each stratum, whole entities, and no row that growth moves."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import SplitError
from tasks.params.splits import StratifiedSplit
from tasks.splits import assign_stratified
from tasks.splits.strata import describe_rare

ROW = st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 20), st.sampled_from(["u1", "u2", "u3", "u4", None]))
"""stratum, moment of being known, entity"""


def stratified(**changes) -> StratifiedSplit:
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    return StratifiedSplit.model_validate(
        {"kind": "stratified", "by": "kind", "salt": "v1", "why": "x", "parts": shares, **changes}
    )


def assign(rows, keys, split=None, *, name="s", seed=1, scope="p", slices=None):
    split = split or stratified()
    units = None if split.unit is None else pa.array([row[2] for row in rows], pa.string())
    return assign_stratified(
        pa.array([row[0] for row in rows], pa.string()),
        np.array([row[1] for row in rows], np.int64),
        units,
        pa.array(keys, pa.string()),
        split,
        name=name,
        seed=seed,
        scope=scope,
        slices=slices or (len(rows),),
    )


def parts_by_key(rows, keys, split=None, **options):
    return dict(zip(keys, assign(rows, keys, split, **options).parts.to_pylist(), strict=True))


@pytest.mark.parametrize("unit", [None, "owner"])
@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=60), st.integers(0, 20), st.randoms())
def test_growth_moves_no_row(unit, rows, as_of, shuffle):
    """Rows that were known by a moment keep their parts when all later ones join them, in whatever order they are stored."""
    split = stratified(unit=unit)
    keys = [f"k{number}" for number in range(len(rows))]
    early = [(row, key) for row, key in zip(rows, keys, strict=True) if row[1] <= as_of]
    if not early:
        return
    before = parts_by_key(*zip(*early, strict=True), split)
    everything = list(zip(rows, keys, strict=True))
    shuffle.shuffle(everything)
    after = parts_by_key(*zip(*everything, strict=True), split)
    assert {key: after[key] for key in before} == before


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=60))
def test_an_entity_is_in_one_part(rows):
    """All rows of an entity go where its first row goes, whatever their own strata."""
    parts = assign(rows, [f"k{number}" for number in range(len(rows))], stratified(unit="owner")).parts.to_pylist()
    by_entity = {(row[2], part) for row, part in zip(rows, parts, strict=True) if row[2] is not None}
    assert len(by_entity) == len({entity for entity, _ in by_entity})


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 1000), st.sampled_from([(0.7, 0.3), (0.5, 0.25, 0.25), (0.98, 0.01, 0.01)]))
def test_each_stratum_is_shared_out_to_within_two_rows(count, seed, shares):
    """Also at every moment on the way: a stratum's shares hold for any number of rows."""
    names = ("train", "test") if len(shares) == 2 else ("train", "validation", "test")
    split = stratified(parts=dict(zip(names, shares, strict=True)))
    rows = [("a", number, None) for number in range(count)]
    found = Counter(assign(rows, [f"k{n}" for n in range(count)], split, seed=seed).parts.to_pylist())
    for part, share in split.parts.items():
        assert abs(found[part] - share * count) <= 2.5


def test_shares_of_a_rare_value_are_closer_than_draws_of_single_rows_would_be():
    """1 % of positives in 20,000 rows: 40 of 200 in a part of a fifth, where single draws give 40 give or take 6."""
    rows = [("rare" if number % 100 == 0 else "common", number // 7, None) for number in range(20_000)]
    parts = assign(rows, [f"k{number}" for number in range(len(rows))]).parts.to_pylist()
    found = Counter((row[0], part) for row, part in zip(rows, parts, strict=True))
    assert abs(found[("rare", "test")] - 40) <= 2
    assert abs(found[("rare", "train")] - 120) <= 2


def test_another_salt_name_or_partition_is_another_draw():
    """Two splits of one table, or two partitions, do not part their rows alike."""
    rows, keys = [("a", 0, None)] * 200, [f"k{number}" for number in range(200)]
    draws = [
        parts_by_key(rows, keys),
        parts_by_key(rows, keys, stratified(salt="v2")),
        parts_by_key(rows, keys, name="t"),
        parts_by_key(rows, keys, seed=2),
        parts_by_key(rows, keys, scope="q"),
    ]
    assert len({tuple(draw.values()) for draw in draws}) == 5


def test_counts_are_of_strata_by_partition_of_the_first_row():
    """An entity is counted once, in the partition where it was first seen; a missing value is a stratum of its own."""
    rows = [("a", 5, "u1"), ("b", 1, "u2"), ("a", 2, "u1"), (None, 3, "u3")]
    found = assign(rows, ["k0", "k1", "k2", "k3"], stratified(unit="owner"), slices=(2, 2))
    assert found.counts == ({"b": 1}, {"a": 1, "(missing)": 1})


def test_rare_strata_are_said():
    """Fewer rows than parts: some part must lack the value."""
    assert describe_rare(stratified(), {"a": 3, "b": 2, "c": 1}) == (
        "2 of 3 values of kind have fewer rows than the 3 parts: c (1), b (2)",
    )
    assert describe_rare(stratified(), {"a": 3}) == ()


def test_a_column_of_too_many_values_is_refused():
    """An identifier makes no strata."""
    rows = [(f"v{number}", 0, None) for number in range(1001)]
    with pytest.raises(SplitError, match="split by kind") as caught:
        assign(rows, [f"k{n}" for n in range(1001)])
    assert caught.value.found == "1,001 values"


def test_truth_values_and_integers_are_strata_and_floats_are_not():
    """A label of either kind can be stratified by."""
    common = (np.zeros(4, np.int64), None, pa.array(list("wxyz")), stratified(parts={"train": 0.5, "test": 0.5}))
    for column in (pa.array([True, False, True, None]), pa.array([1, 0, 1, None])):
        found = assign_stratified(column, *common, name="s", seed=1, scope="", slices=(4,))
        assert sorted(found.counts[0].values()) == [1, 1, 2]
    with pytest.raises(SplitError, match="split by kind"):
        assign_stratified(pa.array([0.5, 0.1, 1.0, 2.0]), *common, name="s", seed=1, scope="", slices=(4,))
