"""A criterion on drift: what passes, what fails, and what nobody can tell."""

import numpy as np
import pytest
from evidence_records import comparison, evaluation, gates, provenance, reports
from found_records import make_feature
from scipy import stats

from tasks.evaluation.drift import index_by_chance, stability_index, variance_ratio
from tasks.gates import SUBJECTS, judge, judge_criteria
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import hold_self_test
from tasks.params.judging import GatesParams
from tasks.records import Drift


def drifted(*features, rows=5000):
    return Drift(reference="train", reference_rows=9000, rows=rows, features=features)


CHANCE = 16.919 * (1 / 5000 + 1 / 9000)
"""Of ten bins, of so many rows."""
ASKED = {"drift": "psi", "most": 0.2, "min_rows": 1000, "critical": True}


def asked(**changes):
    criterion = ASKED | changes
    return GatesParams.model_validate({"max_age_days": 7, "criteria": {"stable": criterion}})


def outcome(drift, **changes):
    (found,) = judge_criteria(evaluation(comparison(), drift=drift), {}, asked(**changes))
    return found


@pytest.mark.parametrize(
    ("psi", "expected"),
    [(0.0, "pass"), (0.17, "pass"), (0.18, "inconclusive"), (0.2, "inconclusive"), (0.23, "inconclusive"), (0.24, "fail")],
)
def test_beyond_the_limit_by_more_than_chance_fails(psi, expected):
    """And within it by as much passes; the worst feature decides, and is named."""
    found = outcome(drifted(make_feature("steady", 0.01), make_feature("delay", psi)))
    assert found.status == expected
    assert ("delay" if psi > 0.01 else "steady") in found.reason


@pytest.mark.parametrize(("psi", "expected"), [(0.01, "pass"), (0.011, "inconclusive"), (0.5, "inconclusive")])
def test_more_than_the_limit_never_passes(psi, expected):
    """Though of many bins and few rows chance alone explains more than a small limit."""
    feature = make_feature("delay", psi, by_chance=stats.chi2.ppf(0.95, 99) * 0.01).model_copy(update={"bins": 100})
    few = Drift(reference="train", reference_rows=200, rows=200, features=(feature,))
    assert outcome(few, most=0.01, min_rows=1).status == expected


def test_only_features_that_are_asked_count():
    """Another one may have moved as far as it likes; one that was not measured is no pass."""
    both = drifted(make_feature("steady", 0.01), make_feature("delay", 0.9))
    assert outcome(both, features=["steady"]).status == "pass"
    assert outcome(both, features=["steady", "gone"]).status == "not_judged"


def test_what_was_not_measured_is_not_judged_and_few_rows_are_inconclusive():
    """Nothing examined is never a pass."""
    assert outcome(None).status == outcome(drifted()).status == "not_judged"
    assert outcome(drifted(make_feature("steady", 0.0), rows=999)).status == "inconclusive"
    (none,) = judge_criteria(None, {}, asked())
    assert (none.status, none.reason) == ("not_judged", "there is no evaluation")


def test_few_rows_say_how_many_more():
    """Of judged rows, and the days that they take; rows of the reference come with no day, and it says where from."""
    few = outcome(drifted(make_feature("steady", 0.0), rows=500))
    assert (few.rows_to_decide, few.days_to_decide, few.n, few.min_rows) == (1000, 40, 500, 1000)
    assert few.reason.endswith("about 500 more rows would decide (about 20 more days at today's rate)")
    thin = drifted(make_feature("steady", 0.0)).model_copy(update={"reference_rows": 400})
    found = outcome(thin)
    assert (found.status, found.rows_to_decide) == ("inconclusive", None)
    assert found.reason.endswith("no number of judged rows alone would decide: it takes 600 more of train")


def test_what_few_people_hide_is_told_as_that():
    """Their number is not."""
    found = outcome(drifted(make_feature("steady", 0.01), make_feature("delay", None)))
    assert (found.status, found.rows_to_decide) == ("inconclusive", None)
    assert found.reason.endswith("how many rows would decide is not told: it would tell of few people")


def test_an_index_on_the_limit_names_no_rows():
    """Nor one that only more rows of the reference could tell."""
    scale = 1 / 5000 + 1 / 9000
    found = outcome(drifted(make_feature("delay", 0.2 + 9 * scale, by_chance=16.9 * scale)))
    assert (found.status, found.rows_to_decide) == ("inconclusive", None)
    assert (
        "no number of judged rows can be named: an index lies on the limit, or the 9,000 rows of train are too few" in found.reason
    )


@pytest.mark.parametrize("shift", [0.26, 0.31])
def test_as_many_rows_as_are_named_decide(shift):
    """Simulated with features whose true index is above or below the limit: of 400 at so many rows, 75 to 90 % are decided."""
    random, most, reference = np.random.default_rng(8), 0.08, 200_000
    edges = stats.norm.ppf(np.arange(1, 10) / 10)
    shares = [np.diff(np.concatenate([[0], stats.norm.cdf(edges - by), [1]])) for by in (0.0, shift)]
    true = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())

    def measured(rows, psi=None):
        counts = np.stack([random.multinomial(reference, shares[0]), random.multinomial(rows, shares[1])]).astype(float)
        index = stability_index(counts) if psi is None else psi
        found = make_feature("delay", index, by_chance=index_by_chance(counts))
        return Drift(reference="train", reference_rows=reference, rows=rows, features=(found,))

    # Today's index is just what is to be expected of 500 rows.
    today = measured(500, psi=true + 9 * (1 / 500 + 1 / reference))
    first = outcome(today, most=most, min_rows=1)
    assert (first.status, true > most) == ("inconclusive", shift == 0.31)
    enough = first.rows_to_decide
    assert 500 < enough < 50_000
    decided = [outcome(measured(enough), most=most, min_rows=1).status for _ in range(400)]
    assert 0.75 <= np.mean([status == ("fail" if true > most else "pass") for status in decided]) <= 0.9


TENTHS = stats.norm.ppf(np.arange(1, 10) / 10)
"""Of a standard normal."""
EVEN = np.full(10, 0.1)
MOVED = {
    "shifted": (EVEN, np.diff(np.concatenate([[0], stats.norm.cdf(TENTHS - 0.45), [1]]))),
    "wider": (EVEN, np.diff(np.concatenate([[0], stats.norm.cdf(TENTHS / 1.4), [1]]))),
    "nearly gone": (np.array([0.97, 0.03]), np.array([0.999, 0.001])),
    "hardly there before": (np.array([0.9995, 0.0005]), np.array([0.97, 0.03])),
}
"""The shares of tenths, and of a text of two values, before and after the feature has drifted."""


@pytest.mark.parametrize("sizes", [(9_000, 1_000), (200_000, 20_000)], ids=str)
@pytest.mark.parametrize("how", MOVED)
def test_a_true_index_at_the_limit_is_called_as_rarely_as_is_said(how, sizes):
    """Simulated apart from the rule: of 2,000 pairs of samples some 5 of 100 pass and as many fail (8 at most, and some)."""
    random, (before, now) = np.random.default_rng(8), MOVED[how]
    if len(before) < 10 and min(sizes) < 20_000:
        sizes = (90_000, 10_000)  # bins of fewer rows are no longer normal
    most = float(((now - before) * np.log(now / before)).sum())
    counts = np.stack([random.multinomial(size, of, 2000) for size, of in zip(sizes, (before, now), strict=True)], axis=1)
    drifts = (
        make_feature("delay", stability_index(one), index_by_chance(one), variance_ratio(one)).model_copy(
            update={"bins": len(before)}
        )
        for one in counts.astype(float)
    )
    called = [
        outcome(Drift(reference="train", reference_rows=sizes[0], rows=sizes[1], features=(one,)), most=most).status
        for one in drifts
    ]
    for status in ("pass", "fail"):
        assert 0.025 < called.count(status) / len(called) < 0.08


def test_shifted_columns_are_planted_before_each_judgement():
    """All of them and one alone; a criterion on drift notices, and the verdict lists what was planted."""
    found = evaluation(comparison(), drift=drifted(make_feature("steady", 0.01), make_feature("delay", 0.05)))
    criteria = {"stable": {"drift": "psi", "most": 0.2, "min_rows": 1000, "critical": True}}
    both = gates(ranking={"margin": 1.0}).model_copy(update={"criteria": asked().criteria | gates(ranking={"bound": 0.0}).criteria})
    assert set(both.criteria) == {*criteria, "ranking"}
    verdict = judge(found, reports(), both, provenance())
    assert {"shifted columns", "one shifted column", "drift that nobody measured"} <= set(verdict.self_test)
    assert [one.status for one in verdict.criteria if one.name == "stable"] == ["pass"]
    assert not [one for one in verdict.criteria if one.name == "self_test" and "stable" in one.reason]


@pytest.mark.parametrize(("most", "is_flawed"), [(15.0, False), (25.0, True)])
def test_a_limit_that_no_drift_could_exceed_voids(most, is_flawed):
    """Of 5,000 rows against 9,000, all of them where the reference has none have an index of 19.01: more there cannot be."""
    gates_of = GatesParams.model_validate({"max_age_days": 7, "criteria": {"stable": dict(ASKED, most=most)}})
    judged = evaluation(comparison(), drift=drifted(make_feature("delay", 0.05)))
    held = hold_self_test(SelfTestEvidence(judged, reports(), None, SUBJECTS), gates_of, None)
    assert held.flaws == (("stable passes columns that went missing",) if is_flawed else ())
