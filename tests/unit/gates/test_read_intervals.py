"""Intervals as a criterion asks for them, against independent computations."""

import math

import numpy as np
import pytest
from evidence_records import comparison, evaluation, interval
from scipy import optimize, stats

from tasks.evaluation.spread import tails_of
from tasks.gates.intervals import read_interval
from tasks.params.judging import MetricCriterion, ParityCriterion
from tasks.records import AreaErrors, Discordance, Replicates, Spread

TAILS = tails_of(100_000)
EVALUATION = evaluation(tails=TAILS)
PARITY = {"parity": "recall", "slice": "sex", "gap": 0.1}


NORMAL = stats.norm(0.02, 0.005).ppf


def replicates(quantile=NORMAL, below=0.5, acceleration=0.0):
    return Replicates(quantiles=tuple(map(float, quantile(TAILS))), below=below, acceleration=acceleration)


def spread(**kept):
    return Spread(**{"challenger": replicates(), "delta": replicates(), "relative": None} | kept)


def read(figure, method, confidence, **kept):
    return read_interval(comparison(spread=spread(**kept)), figure, method, confidence, EVALUATION)[0]


def test_the_evaluations_own_confidence_gives_its_own_interval():
    """The default is the interval that the evaluation computed, to the last digit."""
    assert read("delta", "cluster_bootstrap", 0.95) == interval(0.01, 0.03)


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.99, 0.9973, 0.9999])
@pytest.mark.parametrize("family", [stats.norm(0.02, 0.005), stats.t(30), stats.gamma(60)], ids=["normal", "t", "skewed"])
def test_other_confidences_are_read_between_the_kept_quantiles(family, confidence):
    """What lies between two quantiles is off by less than a hundredth of the interval's width."""
    found = read("delta", "cluster_bootstrap", confidence, delta=replicates(family.ppf))
    low, high = family.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    assert abs(found.low - low) < 0.01 * (high - low)
    assert abs(found.high - high) < 0.01 * (high - low)
    assert found.confidence == confidence


def test_no_interval_is_made_up_beyond_the_replicates():
    """A confidence that no replicate lies beyond has no interval, and says so."""
    found, why = read_interval(comparison(spread=spread()), "delta", "cluster_bootstrap", 0.999999, EVALUATION)
    assert found is None
    assert "draw more" in why


def test_an_evaluation_that_kept_nothing_has_only_its_own_interval():
    """An older evaluation answers what it was asked, and nothing else."""
    assert read_interval(comparison(), "delta", "bca", 0.95, EVALUATION)[0] is None
    assert read_interval(comparison(), "delta", "cluster_bootstrap", 0.9, EVALUATION)[0] is None


def test_bca_equals_scipys():
    """Bias and acceleration are put to use as scipy does, on the mean of skewed blocks."""
    sample = np.random.default_rng(3).gamma(2, 1, 40)
    drawn = stats.bootstrap(
        (sample,), np.mean, n_resamples=20_000, method="BCa", confidence_level=0.9, rng=np.random.default_rng(1)
    )
    values = drawn.bootstrap_distribution
    left_out = (sample.sum() - sample) / 39
    off = left_out.mean() - left_out
    kept = Replicates(
        quantiles=tuple(np.quantile(values, TAILS)),
        below=float(np.mean(values < sample.mean())),
        acceleration=float((off**3).sum() / (6 * (off**2).sum() ** 1.5)),
    )
    found = read("challenger", "bca", 0.9, challenger=kept)
    assert np.allclose([found.low, found.high], drawn.confidence_interval, rtol=2e-3)


@pytest.mark.parametrize("kept", [{"below": 0.0}, {"below": 1.0}, {"acceleration": None}, {"acceleration": 0.9}], ids=str)
def test_bca_is_not_guessed_where_it_is_undefined(kept):
    """Replicates all on one side, a figure that hangs on one cluster, and far too few clusters give no interval."""
    assert read("delta", "bca", 0.95, delta=replicates(**kept)) is None


def test_bca_without_bias_or_skewness_is_the_percentile_interval():
    """Corrections of zero correct nothing, for equal models too."""
    found, plain = (read("challenger", method, 0.9) for method in ("bca", "cluster_bootstrap"))
    assert np.allclose([found.low, found.high], [plain.low, plain.high])
    equal = read("delta", "bca", 0.9, delta=replicates(np.zeros_like))
    assert (equal.low, equal.high) == (0.0, 0.0)


def test_delong_is_students_t_on_the_variance():
    """Twenty clusters: nineteen degrees of freedom; of the difference with the covariance taken off."""
    errors = AreaErrors(champion=4e-4, challenger=1e-4, covariance=1.5e-4)
    own, delta = (read(figure, "delong", 0.95, areas=errors) for figure in ("challenger", "delta"))
    assert np.allclose([own.low, own.high], stats.t(19, 0.72, 0.01).interval(0.95))
    assert np.allclose([delta.low, delta.high], stats.t(19, 0.02, math.sqrt(2e-4)).interval(0.95))


def test_delongs_relative_difference_has_the_spread_of_simulated_areas():
    """The delta method against drawing both areas from their covariance."""
    errors = AreaErrors(champion=4e-5, challenger=1e-5, covariance=1.5e-5)
    drawn = np.random.default_rng(0).multivariate_normal([0.70, 0.72], [[4e-5, 1.5e-5], [1.5e-5, 1e-5]], 200_000)
    found = read("relative", "delong", 0.9, areas=errors)
    low, high = np.quantile(drawn[:, 1] / drawn[:, 0] - 1, [0.05, 0.95])
    assert abs((found.high - found.low) / (high - low) * stats.norm.ppf(0.95) / stats.t.ppf(0.95, 19) - 1) < 0.01


def test_delong_needs_variances_and_a_champion():
    """Without them there is no interval, never the bootstrap's instead."""
    assert read("delta", "delong", 0.95) is None
    assert read("delta", "delong", 0.95, areas=AreaErrors(champion=None, challenger=1e-4, covariance=None)) is None


def _score_by_likelihood(won, lost, rows, delta):
    """Tango's statistic with the nuisance found by maximising the likelihood numerically."""

    def unlikely(share):
        cells = ((share + delta, won), (share, lost), (1 - 2 * share - delta, rows - won - lost))
        return -sum(count * math.log(max(p, 1e-300)) for p, count in cells if count)

    lost_share = optimize.minimize_scalar(
        unlikely, bounds=(max(0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12), method="bounded", options={"xatol": 1e-12}
    ).x
    return (won - lost - rows * delta) / math.sqrt(rows * (2 * lost_share + delta - delta**2))


@pytest.mark.parametrize(("won", "lost", "rows"), [(30, 12, 400), (5, 9, 60), (40, 40, 1000)])
def test_mcnemars_interval_is_where_the_score_test_turns(won, lost, rows):
    """At each end the score, its nuisance found by brute force, is the normal quantile."""
    counts = Discordance(only_challenger=won, only_champion=lost)
    found, _ = read_interval(comparison(rows=rows, spread=spread(discordance=counts)), "delta", "mcnemar", 0.95, EVALUATION)
    ends = [_score_by_likelihood(won, lost, rows, end) for end in (found.low, found.high)]
    assert np.allclose(ends, [1.959964, -1.959964], atol=2e-3)


def test_mcnemar_at_no_difference_is_mcnemars_test():
    """The confidence at which the interval touches zero is one less McNemar's p-value, without continuity correction."""
    p_value = stats.chi2.sf((30 - 12) ** 2 / (30 + 12), 1)
    kept = comparison(rows=400, spread=spread(discordance=Discordance(only_challenger=30, only_champion=12)))
    found, _ = read_interval(kept, "delta", "mcnemar", 1 - p_value, EVALUATION)
    assert abs(found.low) < 1e-9


def test_equal_decisions_are_no_difference():
    """Without a discordant row the interval lies around zero, as wide as the rows allow."""
    kept = comparison(rows=400, spread=spread(discordance=Discordance(only_challenger=0, only_champion=0)))
    found, _ = read_interval(kept, "delta", "mcnemar", 0.95, EVALUATION)
    assert found.low == pytest.approx(-found.high)
    assert 0 < found.high < 0.01


def test_withheld_counts_give_no_interval():
    """McNemar without its counts is not the bootstrap."""
    assert read("delta", "mcnemar", 0.95) is None


@pytest.mark.parametrize(("clusters", "confidence"), [(12, 0.9), (60, 0.95), (5000, 0.95)])
def test_expanded_percentiles_are_students_interval_of_normal_replicates(clusters, confidence):
    """Normal replicates whose spread is that of n clusters' mean give the t interval, whatever the number of clusters."""
    sample = np.random.default_rng(clusters).normal(0.02, 1, clusters)
    error = sample.std() / math.sqrt(clusters)  # the bootstrap's: by n, not by n - 1
    kept = comparison(clusters=clusters, spread=spread(delta=replicates(stats.norm(sample.mean(), error).ppf)))
    found, _ = read_interval(kept, "delta", "expanded", confidence, EVALUATION)
    expected = stats.ttest_1samp(sample, 0).confidence_interval(confidence)
    assert np.allclose([found.low, found.high], expected, rtol=1e-9)


def test_expanded_is_the_default():
    """Of a criterion on a metric and of one on parity."""
    for model, asked in ((MetricCriterion, {"metric": "roc_auc", "margin": 0.1}), (ParityCriterion, PARITY)):
        assert model(**asked, min_rows=1, critical=True).method == "expanded"


def test_too_few_replicates_say_how_many_would_do():
    """Of ten clusters at 95 %, a hundred do not reach far enough; the number that is named does."""
    kept = comparison(clusters=10, spread=spread(delta=Replicates(quantiles=NORMAL(tails_of(100)), below=0.5, acceleration=0.0)))
    found, why = read_interval(kept, "delta", "expanded", 0.95, evaluation(tails=tails_of(100)))
    assert found is None
    enough = tails_of(293)
    kept = comparison(clusters=10, spread=spread(delta=Replicates(quantiles=NORMAL(enough), below=0.5, acceleration=0.0)))
    assert read_interval(kept, "delta", "expanded", 0.95, evaluation(tails=enough))[0] is not None
    assert "evaluation.interval.replicates: 293 or more" in why
