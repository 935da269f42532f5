"""A candidate that is not the first on its holdout is judged more strictly."""

import numpy as np
import pytest
from evidence_records import comparison, evaluation, gates, provenance, reports
from scipy import stats

from tasks.evaluation.spread import tails_of
from tasks.gates import judge, judge_criteria
from tasks.gates.intervals import read_interval
from tasks.gates.later import later_confidence, later_gates
from tasks.params.judging import DiscoveredCriterion
from tasks.records import LookTaken, Replicates, Spread

TAILS = tails_of(2000)
EQUAL = stats.norm(0.0, 0.005)


def look(number, budget=30):
    return LookTaken(candidate="c", holdout="h", number=number, budget=budget, left=budget - number, event="e")


def measured(family=EQUAL, **changes):
    """A difference whose replicates follow ``family``, kept as of 2,000 of them."""
    kept = Replicates(quantiles=tuple(map(float, family.ppf(TAILS))), below=0.5, acceleration=0.0)
    found = comparison(
        delta=float(family.median()), clusters=200, spread=Spread(challenger=kept, delta=kept, relative=None), **changes
    )
    return evaluation(found, tails=TAILS)


def judged(found, budget=30, **criterion):
    asked = gates(ranking={"method": "expanded"} | criterion)
    asked = asked.model_copy(update={"looks": asked.looks.model_copy(update={"budget": budget})})
    return judge(found, reports(), asked, provenance())


@pytest.mark.parametrize(
    ("margin", "first", "later"),
    [(0.02, "promote", "promote"), (0.012, "promote", "inconclusive"), (0.005, "inconclusive", "inconclusive")],
)
def test_what_stands_is_what_a_later_look_still_shows(margin, first, later):
    """An equal model with a standard error of 0.005: two of them are enough for a first look, and not for a fourth."""
    verdict = judged(measured(), margin=margin)
    assert (verdict.decision, verdict.later_looks.decision) == (first, later)
    assert [verdict.standing(at) for at in (None, look(1), look(4))] == [first, first, later]
    assert bool(verdict.later_looks.outcomes) == (first != later)


def test_a_rejection_stays_one():
    """Shown to be worse at a first look and not quite at a later one: the weaker of both stands."""
    verdict = judged(measured(stats.norm(-0.022, 0.005)), margin=0.011)
    assert (verdict.decision, verdict.later_looks.decision, verdict.standing(look(2))) == ("reject", "inconclusive", "reject")


def test_all_looks_together_err_no_more_than_the_first_and_half_of_it():
    """Of a budget of 30, and of 2; with one look there are no later ones."""
    for budget in (2, 30, 1000):
        later = (budget - 1) * (1 - later_confidence(0.95, budget)) / 2
        assert later == pytest.approx(0.0125)
    assert judged(measured(), budget=1, margin=0.02).later_looks is None


def test_a_criterions_own_confidence_is_divided_likewise():
    """And a search for bad slices is not: more confidence would make it pass more easily."""
    asked = gates(ranking={"margin": 0.01, "confidence": 0.99})
    assert later_gates(asked, evaluation()).criteria["ranking"].confidence == later_confidence(0.99, 30)
    search = DiscoveredCriterion.model_validate({"discovered": "brier", "confidence": 0.99, "critical": True})
    found = later_gates(asked.model_copy(update={"criteria": asked.criteria | {"search": search}}), evaluation())
    assert (found.criteria["search"].confidence, found.criteria["ranking"].confidence > 0.99) == (0.99, True)


@pytest.mark.parametrize("family", [stats.norm(0, 1), stats.t(8), stats.gamma(9)], ids=["normal", "heavy", "skewed"])
@pytest.mark.parametrize("confidence", [0.9, 0.99, 0.9991, 0.99997])
def test_the_line_lies_at_or_beyond_every_kept_quantile(family, confidence):
    """Never nearer than what the same method reads between quantiles; of normal replicates it is the normal's own, however far."""
    found = measured(family)
    line, _ = read_interval(found.comparisons[0], "delta", "cluster_bootstrap", confidence, found, is_later=True)
    low, high = stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    if family.dist.name == "norm":
        assert (line.low, line.high) == pytest.approx((low, high), rel=1e-6)
    kept, _ = read_interval(found.comparisons[0], "delta", "cluster_bootstrap", confidence, found)
    if kept is not None:
        assert line.low <= kept.low + 1e-12
        assert line.high >= kept.high - 1e-12


def test_few_clusters_ask_for_so_much_that_nothing_is_shown():
    """Four clusters: Student's t is so wide there that a later look is inconclusive, and none is left unjudged."""
    found = measured()
    few = found.model_copy(update={"comparisons": (found.comparisons[0].model_copy(update={"clusters": 4}),)})
    verdict = judged(few, margin=0.02)
    assert verdict.later_looks.decision == "inconclusive"
    assert verdict.later_looks.outcomes[0].rows_to_decide > few.rows


def test_simulated_looks_err_no_more_often_than_they_say():
    """2,000 means of 60 normal days at the margin, read from 400 replicates each, at a first look and at a later one of three."""
    random, days, tails = np.random.default_rng(20130101), 60, tails_of(400)
    passed = {"first": 0, "later": 0}
    for _ in range(2000):
        daily = random.normal(-1.0, 1.0, days)
        drawn = daily[random.integers(0, days, (400, days))].mean(axis=1)
        kept = Replicates(quantiles=tuple(np.quantile(drawn, tails)), below=0.5, acceleration=0.0)
        found = evaluation(
            comparison(delta=float(daily.mean()), clusters=days, spread=Spread(challenger=kept, delta=kept, relative=None)),
            tails=tails,
        )
        asked = gates(ranking={"method": "expanded", "margin": 1.0})
        passed["first"] += judge_criteria(found, reports(), asked)[0].status == "pass"
        strict = asked.model_copy(update={"looks": asked.looks.model_copy(update={"budget": 3})})
        passed["later"] += judge_criteria(found, reports(), later_gates(strict, found), is_later=True)[0].status == "pass"
    assert 30 < passed["first"] < 75  # 2.5 % of 2,000 are 50
    assert 2 < passed["later"] < 25  # 0.625 % are 12
