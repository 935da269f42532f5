"""The bootstrap on sufficient statistics against resampling rows by hand, and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_rows import params, rows
from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, log_loss, roc_auc_score

from tasks.evaluation.bootstrap import cluster_weights, percentile_interval
from tasks.evaluation.compare import compare
from tasks.evaluation.metrics import METRICS
from tasks.evaluation.ranking import ClusterRanking

SKLEARN = {
    "roc_auc": roc_auc_score,
    "pr_auc": average_precision_score,
    "log_loss": lambda y, p: log_loss(y, p, labels=[0, 1]),
    "brier": brier_score_loss,
    "accuracy": lambda y, p: accuracy_score(y, p >= 0.5),
}


def naive(table, metric, weights):
    """The metric of both models and their difference, each replicate made by repeating rows."""
    labels, cluster = table["label"].to_numpy(), np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    values = []
    for weight in weights.astype(int):
        chosen = np.repeat(np.arange(len(labels)), weight[cluster])
        pair = [SKLEARN[metric](labels[chosen], table[f"{role}_score"].to_numpy()[chosen]) for role in ("champion", "challenger")]
        values.append((*pair, pair[1] - pair[0]))
    return np.array(values)


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_equal_those_of_explicitly_resampled_rows(metric):
    """Cluster statistics and rows repeated by hand give the same percentiles, for either model and the difference."""
    table = rows()
    found = compare(table, params((metric,)), seed=7)[0]
    replicates = naive(table, metric, np.concatenate(list(cluster_weights(15, 200, 7))))
    expected = np.quantile(replicates, [0.05, 0.95], axis=0)
    intervals = (found.champion_interval, found.challenger_interval, found.delta_interval)
    assert np.allclose([[i.low for i in intervals], [i.high for i in intervals]], expected, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_point_estimates_equal_scikit_learn(metric):
    """Both models' figures are those of scikit-learn, ties and all."""
    table = rows()
    found = compare(table, params((metric,)), seed=7)[0]
    labels = table["label"].to_numpy()
    expected = [SKLEARN[metric](labels, table[f"{role}_score"].to_numpy()) for role in ("champion", "challenger")]
    assert np.allclose([found.champion, found.challenger], expected, atol=1e-12)
    assert found.delta == found.challenger - found.champion


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(11, 40))
@settings(max_examples=25, deadline=None)
def test_both_ways_to_rank_agree(seed, decimals, clusters):
    """The pair matrix and the weighted ranks are the same number under any weights."""
    table = rows(120, clusters, seed, decimals)
    labels, scores = table["label"].to_numpy().astype(float), table["champion_score"].to_numpy()
    cluster = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    count = int(cluster.max()) + 1
    weights = next(cluster_weights(count, 20, seed))
    by_pairs = ClusterRanking(labels, scores, cluster, count, replicates=10**9)
    by_rank = ClusterRanking(labels, scores, cluster, count, replicates=0)
    assert by_pairs._wins is not None
    assert by_rank._wins is None
    assert np.array_equal(by_pairs.roc_auc(weights), by_rank.roc_auc(weights), equal_nan=True)


def test_many_clusters_agree_with_resampled_rows():
    """One cluster per row, where adding up along the ranks is the cheaper way."""
    table = rows(400, 4000)
    cluster = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    count = int(cluster.max()) + 1
    weights = next(cluster_weights(count, 5, 1))
    labels, scores = table["label"].to_numpy().astype(float), table["challenger_score"].to_numpy()
    ranking = ClusterRanking(labels, scores, cluster, count, 5)
    assert ranking._wins is None
    assert np.allclose(ranking.roc_auc(weights), naive(table, "roc_auc", weights)[:, 1], atol=1e-12)
    assert np.allclose(ranking.pr_auc(weights), naive(table, "pr_auc", weights)[:, 1], atol=1e-12)


def test_weights_draw_as_many_clusters_as_there_are():
    """Each replicate is a draw with replacement: counts that sum to the number of clusters."""
    weights = np.concatenate(list(cluster_weights(30, 500, 3)))
    assert weights.shape == (500, 30)
    assert set(weights.sum(axis=1)) == {30}
    assert abs(weights.mean() - 1) < 1e-9
    assert abs(weights.var() - (1 - 1 / 30)) < 0.05


def test_weights_do_not_depend_on_the_block_size(monkeypatch):
    """Memory is bounded by drawing in blocks, and the blocks do not show."""
    whole = np.concatenate(list(cluster_weights(30, 50, 3)))
    monkeypatch.setattr("tasks.evaluation.bootstrap._CELLS", 70)
    assert np.array_equal(np.concatenate(list(cluster_weights(30, 50, 3))), whole)


def test_undefined_replicates_beyond_a_share_leave_no_interval():
    """Up to 5 % of the replicates may lack a class; more, and there is no interval but a reason."""
    values = np.linspace(0, 1, 100)
    values[:5] = np.nan
    assert percentile_interval(values, 0.95)[0] is not None
    values[:6] = np.nan
    interval, reason = percentile_interval(values, 0.95)
    assert interval is None
    assert reason == "6.0% of the replicates lack a class"
