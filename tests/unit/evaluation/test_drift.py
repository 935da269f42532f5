"""Drift of features between the rows that were learnt and those that are judged."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from toy_evidence import make_card, make_params, toy_rows, write_toy

from tasks.evaluation import open_evidence, read_part
from tasks.evaluation.drift import _join_small, index_by_chance, measure_drift, measure_part_drift, stability_index, variance_ratio

K = 5


def rows(values, person=None):
    kind = pa.string() if any(isinstance(value, str) for value in values) else pa.float64()
    table = pa.table({"f": pa.array(values, kind)})
    return table if person is None else table.append_column("person", pa.array(person))


def drift(before, now, people=(None, None)):
    [found] = measure_drift(rows(before, people[0]), rows(now, people[1]), ("f",), K)
    return found


def test_rows_that_did_not_move_have_no_drift():
    """Of numbers with gaps, and of texts."""
    values = [*np.random.default_rng(0).normal(size=500).tolist(), *[None] * 20]
    for same in (values, ["a"] * 50 + ["b"] * 30 + [None] * 20):
        found = drift(same, same)
        assert (found.psi, found.total_variation) == (0.0, 0.0)
        assert found.by_chance > 0


def test_texts_are_compared_share_by_share():
    """The index and the total variation as by hand, of a value that is new and of one that is gone."""
    found = drift(["a"] * 60 + ["b"] * 40, ["a"] * 80 + ["c"] * 120)
    p, q = (0.6, 0.4, 0.5 / 100), (0.4, 0.5 / 200, 0.6)
    assert found.psi == pytest.approx(sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True)))
    assert found.total_variation == pytest.approx(0.6)
    assert (found.bins, found.kolmogorov_smirnov) == (3, None)


def test_numbers_are_compared_in_the_references_tenths():
    """A shift shows; the Kolmogorov-Smirnov distance at the bins' edges is at most that of all values."""
    random = np.random.default_rng(1)
    before, now = random.normal(size=4000), random.normal(0.8, 1, size=3000)
    found = drift(before.tolist(), now.tolist())
    assert found.bins == 10
    assert found.psi == pytest.approx(0.64, abs=0.12)  # of two normals: the shift squared
    assert 0.8 * ks_2samp(before, now).statistic < found.kolmogorov_smirnov <= ks_2samp(before, now).statistic


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_lies_beyond_a_value_that_most_rows_share_is_seen(sign):
    """Nearly all rows are 0 in the reference, and a third of the judged ones are not, on either side."""
    before, now = [0.0] * 190 + [sign] * 10, [0.0] * 200 + [sign] * 100
    assert drift(before, now).total_variation == pytest.approx(1 / 3 - 0.05)


def test_values_that_go_missing_are_drift():
    """Missing is a bin of its own."""
    values = np.random.default_rng(1).normal(size=400).tolist()
    assert drift(values, [None if place % 2 else value for place, value in enumerate(values)]).psi > 0.5


@pytest.mark.parametrize("now", [["a"] * 20, ["a"] * 16 + ["b"] * 4])
def test_no_bin_is_of_a_few_people(now):
    """Rows of one value, or of a few people, are joined with others; where nothing is left, nothing is said."""
    before = ["a"] * 17 + ["b"] * 3
    assert (drift(before, now).psi, drift(before, now).bins) == (None, 0)
    of_two = (["a", "b"] * 100, ["x", "y"] * 100)
    many = drift(of_two[0], of_two[0], people=(of_two[1], of_two[1]))
    assert (many.psi, many.reason) == (None, "its bins would rest on fewer than 5 people")


def test_a_feature_of_one_value_did_not_move():
    """One bin that was one from the start is an answer."""
    assert (drift([1.0] * 40, [1.0] * 30).psi, drift(["a"] * 40, ["a"] * 30).by_chance) == (0.0, 0.0)


COUNTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=15)


@given(COUNTS)
@settings(max_examples=200, deadline=None)
def test_joined_bins_hold_nobody_or_k_people_and_lose_no_row(counts):
    """Whatever the bins."""
    held = np.array(counts).T
    found = _join_small(held, held, K)
    if found is None:
        return
    assert found.sum(axis=1).tolist() == held.sum(axis=1).tolist()
    assert ((found == 0) | (found >= K)).all()
    assert found.sum(axis=1).all()


def test_chance_explains_95_of_100_draws():
    """Of two samples of one distribution, the index lies below the bound about that often."""
    random = np.random.default_rng(2)
    shares = np.full(10, 0.1)
    tables = [np.stack([random.multinomial(3000, shares), random.multinomial(2000, shares)]).astype(float) for _ in range(600)]
    assert np.mean([stability_index(table) <= index_by_chance(table) for table in tables]) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("now", [(0.999, 0.001), (0.93, 0.07)])
def test_the_variance_ratio_is_that_of_draws(now):
    """Of a bin that is nearly gone or far fuller, beside 4 (1/n + 1/m) times the index; 1 where nothing moved."""
    random, before, sizes = np.random.default_rng(2), (0.98, 0.02), (200_000, 50_000)
    expected = np.stack([np.array(shares) * size for shares, size in zip((before, now), sizes, strict=True)])
    draws = np.stack([random.multinomial(size, shares, 4000) for size, shares in zip(sizes, (before, now), strict=True)], axis=1)
    spread = np.var([stability_index(one) for one in draws.astype(float)])
    found = spread / (4 * (1 / sizes[0] + 1 / sizes[1]) * stability_index(expected))
    assert found > 1.05
    assert variance_ratio(expected) == pytest.approx(found, rel=0.07)
    assert variance_ratio(np.array([[50.0, 50.0], [30.0, 30.0]])) == 1.0


def test_chance_is_that_of_rows_as_they_are_measured():
    """From rows to bins and index, of every kind of feature: 400 pairs of one distribution lie above it in 5 of 100 (within 3)."""
    random = np.random.default_rng(3)
    words, often = np.array([f"w{place}" for place in range(60)]), 1 / np.arange(1, 61)

    def drawn(count):
        gaps = np.where(random.random(count) < 0.1, np.nan, random.normal(size=count))
        numbers = {"number": pa.array(gaps, from_pandas=True), "count": pa.array(random.poisson(1.5, count).astype(float))}
        return pa.table(numbers | {"text": pa.array(random.choice(words, count, p=often / often.sum()))})

    found = [measure_drift(drawn(1000), drawn(300), ("number", "count", "text"), K) for _ in range(400)]
    for place in range(3):
        assert np.mean([one[place].psi > one[place].by_chance for one in found]) == pytest.approx(0.05, abs=0.03)


def test_the_judged_part_is_compared_with_what_was_learnt(tmp_path):
    """Else with all other parts; of more rows than are needed every nth is taken, the same each time."""
    params = make_params()
    paths = write_toy(tmp_path, toy_rows())
    evidence = open_evidence(paths, "by_time", params.splits["by_time"].part_names)
    features = read_part(evidence, params, params.evaluation.part).features
    learnt = measure_part_drift(evidence, params, features, make_card("by_time"))
    assert (learnt.reference, learnt.rows) == ("train", features.num_rows)
    assert [found.feature for found in learnt.features] == list(params.features.names)
    elsewhere = measure_part_drift(evidence, params, features, make_card(None, None))
    assert set(elsewhere.reference.split(", ")) == set(params.splits["by_time"].part_names) - {"test"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.evaluation.drift._MOST_REFERENCE_ROWS", 50)
        few, again = (measure_part_drift(evidence, params, features, make_card("by_time")) for _ in range(2))
    assert few == again
    assert 25 <= few.reference_rows <= 50
