"""The bootstrap on sufficient statistics against resampling rows by hand, and scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_rows import CLASSES, SAMPLES, params, rows
from sklearn import metrics as sk

from tasks.evaluation.bootstrap import MOST_DRAWN, cluster_weights, percentile_interval, quantiles
from tasks.evaluation.compare import compare, read_labels, read_scores
from tasks.evaluation.draws import ClusterDraws
from tasks.evaluation.measures import Group, measures_of
from tasks.evaluation.median import ClusterMedian
from tasks.evaluation.metrics import METRICS, metric_named, metrics_asked
from tasks.evaluation.precision import ClusterPrecision
from tasks.evaluation.ranking import ClusterRanking


def _hit(metric, **settings):
    return lambda y, p, w: metric(y, p >= 0.5, sample_weight=w, **settings)


def _at(threshold, metric, **settings):
    return lambda y, p, w: metric(y, p >= threshold, sample_weight=w, **settings)


def _cost(y, p, w):
    """At 0.2, by the costs of ``sample_rows``: 1 for a false positive, 5 for a false negative."""
    (_, false_positives), (false_negatives, _) = sk.confusion_matrix(y, p >= 0.2, sample_weight=w, labels=[0, 1])
    return (false_positives + 5 * false_negatives) / w.sum()


def _best(metric, **settings):
    return lambda y, p, w: metric(y, p.argmax(axis=1), sample_weight=w, **settings)


def _of_class(metric, name):
    return lambda y, p, w: metric(y, p.argmax(axis=1), sample_weight=w, labels=[CLASSES.index(name)], average="macro")


def _weighed(metric, **settings):
    return lambda y, p, w: metric(y, p, sample_weight=w, **settings)


def _ece(hits, probability, w):
    """By hand, bin by bin: scikit-learn has none."""
    edges = np.linspace(0, 1, 16)
    place = np.clip(np.searchsorted(edges, probability, "right") - 1, 0, 14)
    gaps = [abs((w * (probability - hits))[place == number].sum()) for number in range(15)]
    return sum(gaps) / w.sum()


SKLEARN = {
    "binary": {
        "roc_auc": _weighed(sk.roc_auc_score),
        "pr_auc": _weighed(sk.average_precision_score),
        "log_loss": _weighed(sk.log_loss, labels=[0, 1]),
        "brier": _weighed(sk.brier_score_loss),
        "ece": _ece,
        "accuracy": _hit(sk.accuracy_score),
        "balanced_accuracy": _hit(sk.balanced_accuracy_score),
        "precision": _hit(sk.precision_score),
        "recall": _hit(sk.recall_score),
        "f1": _hit(sk.f1_score),
        "mcc": _hit(sk.matthews_corrcoef),
        "recall@0.3": _at(0.3, sk.recall_score),
        "f1@0.25": _at(0.25, sk.f1_score),
        "mcc@.6": _at(0.6, sk.matthews_corrcoef),
        "f2": _hit(sk.fbeta_score, beta=2),
        "f0.5@0.3": _at(0.3, sk.fbeta_score, beta=0.5),
        "cost@0.2": _cost,
    },
    "multiclass": {
        "roc_auc_ovr": lambda y, p, w: np.mean([sk.roc_auc_score(y == k, p[:, k], sample_weight=w) for k in range(3)]),
        "log_loss": _weighed(sk.log_loss, labels=[0, 1, 2]),
        "brier": _weighed(sk.brier_score_loss, labels=[0, 1, 2]),
        "ece": lambda y, p, w: _ece(p.argmax(axis=1) == y, p.max(axis=1), w),
        "accuracy": _best(sk.accuracy_score),
        "balanced_accuracy": _best(sk.balanced_accuracy_score),
        "macro_f1": _best(sk.f1_score, average="macro"),
        "mcc": _best(sk.matthews_corrcoef),
        "precision[ant]": _of_class(sk.precision_score, "ant"),
        "recall[bee]": _of_class(sk.recall_score, "bee"),
        "f1[cat]": _of_class(sk.f1_score, "cat"),
    },
    "regression": {
        "mae": _weighed(sk.mean_absolute_error),
        "median_ae": _weighed(sk.median_absolute_error),
        "rmse": _weighed(sk.root_mean_squared_error),
        "r2": _weighed(sk.r2_score),
        "mape": _weighed(sk.mean_absolute_percentage_error),
        "bias": lambda y, p, w: abs(np.average(p - y, weights=w)),
    },
}
CASES = [(task, metric) for task, of_task in SKLEARN.items() for metric in of_task]


def _sample(task, is_weighted=False):
    make, classes = SAMPLES[task]
    table = make()
    if is_weighted:
        table = table.append_column("weight", [np.random.default_rng(5).gamma(2, 1, table.num_rows)])
    return table, classes


def naive(table, task, metric, weights):
    """The metric of both models and their difference, each replicate by scikit-learn with the weights of its rows."""
    labels, classes = read_labels(table, task, SAMPLES[task][1]), len(SAMPLES[task][1])
    cluster = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    own = table["weight"].to_numpy() if "weight" in table.column_names else np.ones(len(labels))
    values = []
    for weight in weights:
        drawn = weight[cluster] * own
        kept = drawn > 0
        scores = [read_scores(table, role, task, classes)[kept] for role in ("champion", "challenger")]
        pair = [SKLEARN[task][metric](labels[kept], found, drawn[kept]) for found in scores]
        values.append((*pair, pair[1] - pair[0]))
    return np.array(values)


def test_every_metric_is_held_against_scikit_learn():
    """No metric is left out of the comparison; of the classes' own one each."""
    assert {(task, name) for task, of_task in METRICS.items() for name in of_task} <= set(CASES)


@pytest.mark.parametrize(("task", "metric"), CASES)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_point_estimates_equal_scikit_learn(task, metric, is_weighted):
    """Both models' figures are those of scikit-learn, ties and row weights and all."""
    table, classes = _sample(task, is_weighted)
    found = compare(table, params((metric,), replicates=100), 7, task, classes)[0]
    expected = naive(table, task, metric, np.ones((1, 15)))[0]
    assert np.allclose([found.champion, found.challenger, found.delta], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_replicates_equal_scikit_learn_under_the_same_weights(task, metric):
    """Sums by cluster give, under any weights of the clusters, what scikit-learn makes of the rows."""
    table, classes = _sample(task, is_weighted=True)
    weights = next(cluster_weights(15, 8, 7))
    labels, scores = read_labels(table, task, classes), read_scores(table, "challenger", task, len(classes))
    clusters = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    group = Group(None, None, labels, {"challenger": scores}, table["weight"].to_numpy(), clusters, 15)
    [measure] = measures_of(group, metrics_asked(params((metric,)), task, classes), 8)
    assert np.allclose(measure(weights)[metric, "challenger"], naive(table, task, metric, weights)[:, 1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("task", "metric"), [("binary", "brier"), ("multiclass", "accuracy"), ("regression", "mae")])
def test_intervals_equal_those_of_explicitly_resampled_rows(task, metric):
    """The percentiles are those of the replicates, for either model and the difference."""
    table, classes = _sample(task, is_weighted=True)
    found = compare(table, params((metric,), replicates=100), 7, task, classes)[0]
    replicates = naive(table, task, metric, np.concatenate(list(cluster_weights(15, 100, 7))))
    expected = np.quantile(replicates, [0.05, 0.95], axis=0)
    intervals = (found.champion_interval, found.challenger_interval, found.delta_interval)
    assert np.allclose([[i.low for i in intervals], [i.high for i in intervals]], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("task", SAMPLES)
def test_rows_as_their_own_clusters_equal_explicit_ones(task):
    """``row`` is the cluster bootstrap in which every row has a cluster of its own."""
    table, classes = _sample(task, is_weighted=True)
    names = pa.array([f"r{number:04}" for number in range(table.num_rows)])
    named = table.set_column(table.column_names.index("cluster"), "cluster", names)
    metrics = tuple(SKLEARN[task])
    by_row = compare(table, params(metrics, 100, ("origin",), cluster="row"), 7, task, classes)
    by_name = compare(named, params(metrics, 100, ("origin",)), 7, task, classes)
    for one, other in zip(by_row, by_name, strict=True):
        assert one.clusters == one.rows == other.clusters
        ends = [(found.delta_interval.low, found.delta_interval.high) for found in (one, other)]
        assert np.allclose(*ends, rtol=1e-10, atol=1e-12)


def test_many_rows_are_drawn_by_poisson_counts():
    """Beyond some thousand clusters each is drawn by itself: mean and variance 1, and the interval that a mean should have."""
    count = MOST_DRAWN + 1
    weights = np.concatenate(list(cluster_weights(count, 300, 1)))
    assert weights.shape == (300, count)
    assert abs(weights.mean() - 1) < 1e-3
    assert abs(weights.var() - 1) < 5e-3
    errors = np.random.default_rng(0).normal(size=count)
    table = pa.table({"label": np.arange(count) * 1.0, "challenger_score": np.arange(count) + errors, "cluster": ["c"] * count})
    found = compare(table, params(("rmse",), 300, cluster="row"), 1, "regression")[0].challenger_interval
    expected = 2 * 1.645 * np.sqrt(np.var(errors**2) / count) / 2  # the delta method
    assert found.high - found.low == pytest.approx(expected, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_areas_of_many_rows_are_linear_in_them(task):
    """Beyond some thousand rows the area moves with the rows' weights, and hardly differs from the exact one."""
    make, classes = SAMPLES[task]
    table = make(MOST_DRAWN + 5_000)
    name = "roc_auc" if task == "binary" else "roc_auc_ovr"
    labels, scores = read_labels(table, task, classes), read_scores(table, "challenger", task, len(classes))
    own = np.random.default_rng(2).gamma(4, 0.25, len(labels))
    group = Group(None, None, labels, {"challenger": scores}, own, None, len(labels))
    [measure] = measures_of(group, [metric_named(name, task, classes)], 40)
    weights = np.concatenate(list(cluster_weights(len(labels), 40, 1)))
    exact = [SKLEARN[task][name](labels[w > 0], scores[w > 0], (own * w)[w > 0]) for w in weights]
    found = measure(weights)[name, "challenger"]
    assert measure(np.ones((1, len(labels))))[name, "challenger"][0] == pytest.approx(SKLEARN[task][name](labels, scores, own))
    assert np.abs(found - exact).max() < 0.05 * np.std(exact)


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(11, 30))
@settings(max_examples=25, deadline=None)
def test_every_way_to_rank_agrees(seed, decimals, clusters):
    """The pair matrix, the weighted ranks, and those of few rows under all weights at once are the same number."""
    table = rows(120, clusters, seed, decimals)
    labels, scores = table["label"].to_numpy().astype(float), table["champion_score"].to_numpy()
    cluster = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    count = int(cluster.max()) + 1
    weights = next(cluster_weights(count, 20, seed))
    by_pairs = ClusterRanking(labels, scores, cluster, count, replicates=10**9)
    by_rank = ClusterRanking(labels, scores, cluster, count, replicates=0)
    rank_by_rank = ClusterRanking(labels, scores, cluster, count, replicates=0, weights=np.ones(len(labels)))
    assert by_pairs._wins is not None
    assert by_rank.few is not None
    assert (rank_by_rank.few, rank_by_rank._wins) == (None, None)
    for drawn in (weights, 300 * weights):
        areas = by_pairs.roc_auc(drawn)
        assert np.array_equal(areas, by_rank.roc_auc(drawn), equal_nan=True)
        assert np.array_equal(areas, rank_by_rank.roc_auc(drawn), equal_nan=True)


def test_a_ranking_of_no_rows_has_no_area():
    """Undefined under any weights, and no error."""
    nothing = ClusterRanking(np.zeros(0), np.zeros(0), np.zeros(0, np.intp), 5, 100)
    assert np.isnan(nothing.roc_auc(np.ones((3, 5)))).all()


def test_many_clusters_agree_with_resampled_rows():
    """One cluster per row, where adding up along the ranks is the cheaper way."""
    table = rows(400, 4000)
    cluster = np.unique(table["cluster"].to_numpy(), return_inverse=True)[1]
    count = int(cluster.max()) + 1
    weights = next(cluster_weights(count, 5, 1))
    labels, scores = table["label"].to_numpy().astype(float), table["challenger_score"].to_numpy()
    ranking = ClusterRanking(labels, scores, cluster, count, 5)
    assert ranking._wins is None
    assert np.allclose(ranking.roc_auc(weights), naive(table, "binary", "roc_auc", weights)[:, 1], atol=1e-12)
    precision = ClusterPrecision(labels, scores, cluster, count)
    assert np.allclose(precision.pr_auc(weights), naive(table, "binary", "pr_auc", weights)[:, 1], atol=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 1500), st.integers(1, 30), st.sampled_from([1, 2, 512]))
@settings(max_examples=40, deadline=None)
def test_medians_of_replicates_equal_those_of_their_rows(seed, count, clusters, stretch):
    """However the rows are cut into stretches; the mean of the middle two where there are two, none where no row was drawn."""
    random = np.random.default_rng(seed)
    values, cluster = np.round(random.gamma(2, 1, count), 1), random.integers(0, clusters, count)
    weights = random.integers(0, 3, (4, clusters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.evaluation.median._STRETCH", stretch)
        found = ClusterMedian(values, cluster, clusters).median(weights)
    drawn = [np.repeat(values, drawn[cluster]) for drawn in weights]
    assert np.allclose(found, [np.median(rows) if len(rows) else np.nan for rows in drawn], equal_nan=True)


def test_precision_of_many_rows_equals_scikit_learn():
    """Beyond some thousand rows, drawn in wide blocks of bytes: as exact as before, with ties and without."""
    count = MOST_DRAWN + 2_000
    for decimals in (2, 9):
        table = rows(count, decimals=decimals)
        labels, scores = table["label"].to_numpy().astype(float), table["challenger_score"].to_numpy()
        weights = next(cluster_weights(count, 3, 1))
        assert weights.dtype == np.uint8
        found = ClusterPrecision(labels, scores, np.arange(count), count).pr_auc(weights)
        expected = [sk.average_precision_score(labels, scores, sample_weight=drawn) for drawn in weights]
        assert np.allclose(found, expected, rtol=1e-12)


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
    assert reason == "it is undefined in 6.0% of the replicates (they lack a class, or a prediction of one)"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_quantiles_are_numpys(values, shares):
    """To the last digit: what is stored must not depend on who computes it."""
    assert quantiles(np.sort(values), shares) == np.quantile(values, shares).tolist()


def test_what_was_drawn_is_handed_out_again():
    """The same weights as drawn anew, for as many clusters as before and for others in between, and beyond what is kept."""
    drawn = ClusterDraws(30, 5)
    for clusters in (12, 40, 12, MOST_DRAWN + 5, 40):
        anew = np.concatenate(list(cluster_weights(clusters, 30, 5)))
        assert np.array_equal(np.concatenate(list(drawn.of(clusters))), anew)
