"""The search for bad slices: what is found, how often nothing is, and what is never told."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.errors import EvaluationError
from tasks.evaluation.disclosing import Told, published_values
from tasks.evaluation.discovery import Limits, discover
from tasks.gates.discovered import shown_worse
from tasks.params.judging import EvaluationParams

DAYS, ROWS = 40, 2400
ASKED = {"columns": ("shop", "tier", "spent"), "metric": "brier", "min_rows": 60}


def params(metrics=("brier", "roc_auc"), **asked):
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 200, "confidence": 0.95}
    return EvaluationParams(split="s", part="test", metrics=metrics, interval=interval, discover={**ASKED, **asked})


def holdout(seed, *, worse=None, people=None):
    """Rows of equal models; where ``worse`` (a function of the columns) holds, the challenger is off."""
    random = np.random.default_rng(seed)
    shop, tier = random.choice(["a", "b", "c"], ROWS), random.choice(["x", "y"], ROWS)
    spent = random.gamma(2, 50, ROWS)
    day = random.integers(0, DAYS, ROWS)
    strength = random.normal(size=ROWS) + random.normal(0, 0.4, DAYS)[day]
    labels = (random.random(ROWS) < 1 / (1 + np.exp(-strength))).astype(float)
    scores = [1 / (1 + np.exp(-0.7 * strength - random.normal(0, 0.5, ROWS))) for _ in range(2)]
    if worse is not None:
        off = worse(shop, tier, spent)
        scores[1][off] = 1 - scores[1][off]
    table = {"label": labels, "champion_score": scores[0], "challenger_score": scores[1], "cluster": [f"d{d:02}" for d in day]}
    table |= {"discover_shop": shop, "discover_tier": tier, "discover_spent": spent}
    return pa.table(table | ({} if people is None else {"person": people(random)}))


def search(rows, k=5, published=(), **asked):
    return discover(rows, params(**asked), 1, ("binary", ()), Limits(tuple(published), k))


def test_a_pair_that_is_worse_off_is_found_and_named_first():
    """Nobody declared shop b of tier y."""
    found = search(holdout(1, worse=lambda shop, tier, _: (shop == "b") & (tier == "y")))
    first = shown_worse(found, 0.025)[0]
    assert first.slice == "shop=b & tier=y"
    assert first.delta > 0.05
    assert first.rows > 300


def test_numbers_are_searched_in_ranges():
    """The quarter that spends most, at an edge rounded to three digits."""
    found = search(holdout(2, worse=lambda _shop, _tier, spent: spent > 139))
    assert shown_worse(found, 0.025)[0].slice == "spent>139"


def test_with_no_difference_little_is_called_bad():
    """Of sixty searches of thirty slices each, at 5 % for a whole search, no more than chance allows (one in a thousand)."""
    bad = [bool(shown_worse(search(holdout(seed)), 0.05)) for seed in range(60)]
    assert sum(bad) <= 9


def test_a_margin_forgives():
    """Worse by less than the margin is not worse."""
    rows = holdout(1, worse=lambda shop, tier, _: (shop == "b") & (tier == "y"))
    assert not shown_worse(search(rows, margin=0.5), 0.025)


def test_slices_that_are_too_small_are_counted_not_searched():
    """Fewer rows than asked for, or fewer clusters than a bootstrap needs."""
    found = search(holdout(3), min_rows=500)
    assert found.searched + found.too_small == search(holdout(3), min_rows=1).searched
    few = holdout(3).set_column(3, "cluster", pa.array(["a", "b", "c"] * (ROWS // 3)))
    assert search(few).searched == 0


def test_where_no_slice_is_large_enough_the_rows_for_one_are_counted():
    """The largest slice's share of all rows says it, or its clusters do; not where it is of too few people, or one was searched."""
    rows = holdout(3)
    most = max(np.unique(rows["discover_tier"].to_pylist(), return_counts=True)[1])
    found = search(rows, min_rows=3000)
    assert (found.searched, found.rows_for_one) == (0, -(-3000 * ROWS // most))
    few = rows.set_column(3, "cluster", pa.array(["a", "b", "c"] * (ROWS // 3)))
    assert search(few).rows_for_one == -(-10 * ROWS // 3)
    assert search(rows, min_rows=3000, k=ROWS).rows_for_one is None
    assert (search(rows).rows_for_one, search(rows).replicates) == (None, 200)


def test_a_slice_without_a_figure_of_the_challenger_is_not_too_small():
    """A challenger that never says yes in shop b has no precision there; where the champion says no either, none is missing."""
    rows = holdout(8)
    is_b = np.array(rows.column("discover_shop").to_pylist()) == "b"

    def searched(*silent):
        table = rows
        for name in silent:
            scores = np.where(is_b, 0.1, rows.column(name).to_numpy())
            table = table.set_column(table.column_names.index(name), name, pa.array(scores))
        return search(table, metrics=("precision",), columns=("shop",), metric="precision")

    whole, alone, both = searched(), searched("challenger_score"), searched("champion_score", "challenger_score")
    assert (whole.searched, whole.too_small, whole.undefined) == (3, 0, 0)
    assert (alone.searched, alone.too_small, alone.undefined) == (2, 0, 1)
    assert (both.searched, both.too_small, both.undefined) == (2, 1, 0)


def test_without_pairs_single_values_are_searched():
    """Three shops, two tiers, four ranges."""
    assert search(holdout(4), pairs=False).searched == 9


def test_nothing_is_searched_unasked_or_without_champion():
    """No search is no finding."""
    rows = holdout(5)
    assert discover(rows.drop_columns("champion_score"), params(), 1, ("binary", ()), Limits((), 5)) is None
    assert discover(rows, params().model_copy(update={"discover": None}), 1, ("binary", ()), Limits((), 5)) is None


def test_too_many_slices_are_refused():
    """Rather than searched in part."""
    rows = holdout(6)
    many = rows.set_column(rows.column_names.index("discover_shop"), "discover_shop", pa.array([str(n) for n in range(ROWS)]))
    with pytest.raises(EvaluationError, match="more than 2,000 slices"):
        search(many, min_rows=1)


def test_slices_of_few_people_are_not_searched():
    """However many rows they have: all rows of shop b are of three people."""

    def people(random):
        return pa.array([f"p{n}" for n in range(ROWS)])

    rows = holdout(7, worse=lambda shop, _tier, _spent: shop == "b", people=people)
    shops = rows.column("discover_shop").to_pylist()
    owners = [f"owner{n % 3}" if shop == "b" else f"p{n}" for n, shop in enumerate(shops)]
    few = rows.set_column(rows.column_names.index("person"), "person", pa.array(owners))
    assert "shop=b" in [one.slice for one in shown_worse(search(rows), 0.025)]
    assert not any("shop=b" in (one.slice or "") for one in search(few).suspects)


def test_what_would_leave_a_few_by_subtraction_is_withheld():
    """Shop a has 300 rows of tier x and three of tier y: with shop a published, the pair a & x would tell of the three."""
    shop, tier = np.repeat(["a", "a", "b"], [300, 3, 697]), np.repeat(["x", "y", "y"], [300, 3, 697])
    rows = pa.table({"row": range(1000)})
    shops = (shop == "b").astype(np.intp) + 1
    pair, other = np.flatnonzero((shop == "a") & (tier == "x")), np.flatnonzero((shop == "b") & (np.arange(1000) % 2 == 0))
    assert not Told(rows, [shops], 5).may_tell(pair)
    assert Told(rows, [shops], 3).may_tell(pair)
    assert Told(rows, [shops], 5).may_tell(other)


def test_clusters_of_one_person_give_no_leave():
    """Forty people of region a, of whom 37 are of tier x: the page's sums by cluster are no reason to tell of the other three."""
    person = np.repeat(np.arange(100), 5)
    rows = pa.table({"cluster": [f"c{of}" for of in person], "person": [f"p{of}" for of in person]})
    told = Told(rows, published_values(rows, (), has_folds=False), 5)
    assert told.may_tell(np.flatnonzero(person < 40))
    assert not told.may_tell(np.flatnonzero(person < 37))


def test_two_slices_that_together_leave_a_few_are_not_both_told():
    """Each alone is fine beside all rows; all rows less both are two people."""
    rows = pa.table({"row": range(100)})
    told = Told(rows, [], 5)
    assert told.may_tell(np.arange(0, 60))
    assert not told.may_tell(np.arange(60, 98))
    assert told.may_tell(np.arange(60, 90))


@pytest.mark.parametrize("seed", range(8))
def test_no_combination_of_what_is_told_rests_on_a_few(seed):
    """Every sum and difference of up to three told sets, of all rows and of values, is nobody's or k people's."""
    random = np.random.default_rng(seed)
    count, k = 60, 6
    value = random.integers(1, 4, count)
    people = random.integers(0, 40, count)
    told = Told(pa.table({"person": [f"p{n}" for n in people]}), [value], k)
    if min(len(np.unique(people[value == of])) for of in (1, 2, 3)) < k:
        pytest.fail("the values themselves are published, and have to be of k people")
    sets = [np.ones(count), *(np.where(value == of, 1.0, 0.0) for of in (1, 2, 3))]
    for _ in range(40):
        chosen = np.flatnonzero(random.random(count) < random.random())
        if told.may_tell(chosen):
            sets.append(np.isin(np.arange(count), chosen).astype(float))
    signs = (-1, 0, 1)
    for one in range(len(sets)):
        for two in range(one):
            for three in range(two):
                for a in signs:
                    for b in signs:
                        rests_on = np.flatnonzero(sets[one] + a * sets[two] + b * sets[three])
                        assert len(rests_on) == 0 or len(np.unique(people[rests_on])) >= k
