"""DeLong's variances against their definition by pairs, and what is kept of the replicates."""

import numpy as np
import pytest
from sample_rows import params, rows
from scipy import stats

from tasks.evaluation.bootstrap import cluster_weights
from tasks.evaluation.compare import compare
from tasks.evaluation.delong import area_errors
from tasks.evaluation.spread import tails_of


def _by_pairs(labels, scores, clusters):
    """Obuchowski's covariance matrix, each pair of rows looked at; with singletons it is DeLong's."""
    positive, negative = labels == 1, labels == 0
    names, count = np.unique(clusters), len(np.unique(clusters))
    sums = []
    for values in scores:
        won = (values[positive][:, None] > values[negative]) + (values[positive][:, None] == values[negative]) / 2
        parts = np.zeros((2, count))
        for place, name in enumerate(names):
            parts[0, place] = (won.mean(axis=1)[clusters[positive] == name] - won.mean()).sum()
            parts[1, place] = (won.mean(axis=0)[clusters[negative] == name] - won.mean()).sum()
        sums.append(parts)
    m, n = positive.sum(), negative.sum()
    with_positive, with_negative = (len(np.unique(clusters[of])) for of in (positive, negative))
    found = np.empty((2, 2))
    for i, one in enumerate(sums):
        for j, other in enumerate(sums):
            s10 = with_positive / ((with_positive - 1) * m) * (one[0] * other[0]).sum()
            s01 = with_negative / ((with_negative - 1) * n) * (one[1] * other[1]).sum()
            s11 = count / (count - 1) * ((one[0] * other[1]).sum() + (one[1] * other[0]).sum())
            found[i, j] = s10 / m + s01 / n + s11 / (m * n)
    return found


@pytest.mark.parametrize("cluster_count", [None, 15])
def test_variances_equal_their_definition(cluster_count):
    """By ranks as by pairs, ties counting half, with independent and with clustered rows."""
    random = np.random.default_rng(2)
    labels = (random.random(150) < 0.3).astype(float)
    scores = {
        role: np.round(labels * shift + random.normal(size=150), 1) for role, shift in (("champion", 0.5), ("challenger", 1.0))
    }
    clusters = np.arange(150) if cluster_count is None else random.integers(0, cluster_count, 150)
    found = area_errors(labels, scores, None if cluster_count is None else clusters, cluster_count or 150)
    expected = _by_pairs(labels, list(scores.values()), clusters)
    assert np.allclose([found.champion, found.challenger, found.covariance], [expected[0, 0], expected[1, 1], expected[0, 1]])


def test_a_class_in_one_cluster_has_no_variance():
    """One positive cluster says nothing of how positives differ."""
    labels = np.array([1.0, 1, 0, 0, 0, 0])
    scores = {"challenger": np.linspace(0, 1, 6)}
    assert area_errors(labels, scores, np.array([0, 0, 1, 2, 3, 4]), 5) is None
    assert area_errors(np.zeros(6), scores, None, 6) is None


def test_identical_models_differ_by_nothing():
    """The covariance is the variance, to the last digit, so that a model is never better than itself."""
    random = np.random.default_rng(4)
    labels, score = (random.random(300) < 0.4).astype(float), random.random(300)
    found = area_errors(labels, {"champion": score, "challenger": score}, None, 300)
    assert found.challenger + found.champion - 2 * found.covariance == 0


def test_delong_and_the_bootstrap_tell_the_same_spread():
    """On clustered rows the standard errors of both agree."""
    table = rows(count=6000, clusters=120, seed=3)
    (found,) = compare(table, params(("roc_auc",), replicates=1000), 7)
    errors = found.spread.areas
    width = (found.delta_interval.high - found.delta_interval.low) / 2 / stats.norm.ppf(0.95)
    assert abs(np.sqrt(errors.challenger + errors.champion - 2 * errors.covariance) / width - 1) < 0.1


@pytest.mark.parametrize(("replicates", "least"), [(100, 0.01), (2000, 5e-4), (100_000, 1e-5)])
def test_quantiles_are_kept_only_where_replicates_lie_beyond(replicates, least):
    """At least one replicate lies beyond the outermost quantile, and the shares are symmetric and rising."""
    tails = tails_of(replicates)
    assert tails[0] == least
    assert np.allclose(tails, 1 - np.array(tails)[::-1])
    assert list(tails) == sorted(tails)


def test_what_is_kept_are_the_replicates_quantiles():
    """The outer quantiles are those of the interval; the share below and the acceleration are those of the replicates."""
    table = rows(clusters=12)
    (found,) = compare(table, params(("brier",), replicates=400), 7)
    kept, tails = found.spread, tails_of(400)
    assert kept.delta.quantiles[tails.index(0.05)] == pytest.approx(found.delta_interval.low)
    cluster = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    loss = {role: (table[f"{role}_score"].to_numpy() - table["label"].to_numpy()) ** 2 for role in ("champion", "challenger")}
    sums = {role: np.bincount(cluster, values) for role, values in loss.items()}
    counts = np.bincount(cluster)
    (weights,) = cluster_weights(12, 400, 7)
    drawn = {role: weights @ of / (weights @ counts) for role, of in sums.items()}
    assert np.allclose(kept.delta.quantiles, np.quantile(drawn["challenger"] - drawn["champion"], tails))
    assert np.allclose(kept.relative.quantiles, np.quantile(drawn["challenger"] / drawn["champion"] - 1, tails))
    assert kept.challenger.below == pytest.approx(np.mean(drawn["challenger"] < found.challenger), abs=0.003)
    left = (sums["challenger"].sum() - sums["challenger"]) / (counts.sum() - counts)
    off = left.mean() - left
    assert kept.challenger.acceleration == pytest.approx((off**3).sum() / (6 * (off**2).sum() ** 1.5))


def test_discordant_decisions_are_counted_where_rows_are_independent():
    """The rows that one model decides rightly and the other wrongly; of clustered rows none are kept."""
    table = rows()
    (found,) = compare(table, params(("accuracy",), replicates=100, cluster="row"), 7)
    right = {
        role: (table[f"{role}_score"].to_numpy() >= 0.5) == (table["label"].to_numpy() == 1) for role in ("champion", "challenger")
    }
    counts = found.spread.discordance
    assert counts.only_challenger == np.sum(right["challenger"] & ~right["champion"])
    assert (counts.only_challenger - counts.only_champion) / found.rows == pytest.approx(found.delta)
    (clustered,) = compare(table, params(("accuracy",), replicates=100), 7)
    assert clustered.spread.discordance is None
