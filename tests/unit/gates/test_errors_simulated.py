"""Error rates on clustered rows with a known truth, seeded and small; `make bench` has the large simulation."""

import numpy as np
import pyarrow as pa
import pytest
from evidence_records import evaluation, gates, reports
from scipy import stats

from tasks.evaluation.compare import compare
from tasks.evaluation.spread import tails_of
from tasks.gates import judge_criteria
from tasks.gates.intervals import read_interval
from tasks.params.judging import EvaluationParams

TRIALS, DAYS, ROWS, REPLICATES = 300, 25, 12, 200
MARGIN = 0.15
TRUTH = -MARGIN
METHODS = ("cluster_bootstrap", "expanded", "bca", "delong")


def _holdout(random, area_of_challenger, *, is_copy=False):
    """Rows whose positives are stronger on some days than on others; the areas are Phi(mu / sqrt(2 + tau^2))."""
    labels = (random.random((DAYS, ROWS)) < 0.4).astype(float)
    scores = {}
    for role, area in (("champion", 0.75), ("challenger", area_of_challenger)):
        pull = np.sqrt(2 + 0.7**2) * stats.norm.ppf(area) + 0.7 * random.normal(size=(DAYS, 1))
        scores[role] = 1 / (1 + np.exp(-(pull * labels + random.normal(size=(DAYS, ROWS)))))
    if is_copy:
        scores["challenger"] = scores["champion"]
    days = pa.array([f"{day:02}" for day in range(DAYS)]).take(pa.array(np.repeat(np.arange(DAYS), ROWS)))
    return pa.table({"label": labels.ravel(), "cluster": days, **{f"{role}_score": of.ravel() for role, of in scores.items()}})


def _evaluated(rows, seed, cluster="day"):
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": REPLICATES, "confidence": 0.9}
    asked = {"split": "s", "part": "test", "metrics": ("roc_auc",), "interval": interval}
    found = compare(rows, EvaluationParams.model_validate(asked), seed)
    given = [one.model_copy(update={"noise_floor": 0.0}) for one in found]  # scores are drawn: no seed moves them
    return evaluation(*given, confidence=0.9, replicates=REPLICATES, tails=tails_of(REPLICATES))


@pytest.fixture(scope="module")
def at_the_margin():
    """Holdouts on which the challenger is truly worse by exactly the margin."""
    random = np.random.default_rng(20130101)
    return [_evaluated(_holdout(random, 0.75 + TRUTH), seed) for seed in range(TRIALS)]


@pytest.mark.parametrize("method", METHODS)
def test_intervals_hold_the_truth_as_often_as_they_say(at_the_margin, method):
    """Of 300 intervals of 90 % on clustered rows 85 to 95 % hold the truth."""
    intervals = [read_interval(found.comparisons[0], "delta", method, 0.9, found)[0] for found in at_the_margin]
    covered = np.mean([interval.low <= TRUTH <= interval.high for interval in intervals])
    assert 0.85 < covered < 0.95


@pytest.mark.parametrize("method", METHODS)
def test_a_model_at_the_margin_passes_as_rarely_as_is_said(at_the_margin, method):
    """A one-sided error of 5 %: fewer than 10 % of 300 pass (four standard errors above)."""
    criteria = gates(c={"margin": MARGIN, "method": method, "min_rows": 1})
    passed = [judge_criteria(found, reports(), criteria)[0].status == "pass" for found in at_the_margin]
    assert 0 < np.mean(passed) < 0.1


def test_rows_of_a_day_that_are_taken_for_independent_promise_too_much():
    """The same rows, each by itself: the interval is too narrow, which is why clusters are drawn."""
    random = np.random.default_rng(20130101)
    found = [_evaluated(_holdout(random, 0.75 + TRUTH), seed, cluster="row") for seed in range(60)]
    intervals = [read_interval(one.comparisons[0], "delta", "delong", 0.9, one)[0] for one in found]
    assert np.mean([interval.low <= TRUTH <= interval.high for interval in intervals]) < 0.83


@pytest.mark.parametrize("method", METHODS)
def test_the_champion_against_itself_is_never_better(method):
    """Not once, by any method: it is not inferior, and shown not to be better."""
    random, tests = np.random.default_rng(3), {"equal": {"margin": 0.0}, "better": {"better_by": 0}}
    criteria = gates(**{name: {**test, "method": method, "min_rows": 1} for name, test in tests.items()})
    for seed in range(20):
        equal, better = judge_criteria(_evaluated(_holdout(random, 0.75, is_copy=True), seed), reports(), criteria)
        assert (equal.status, better.status) == ("pass", "fail")
