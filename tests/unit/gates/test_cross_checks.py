"""From rows to an interval, a gap or an error: each statistic against another implementation, as a whole."""

import numpy as np
import pyarrow as pa
import pytest
from evidence_records import evaluation, reports
from scipy import stats
from scipy.spatial import distance
from sklearn.metrics import recall_score

from tasks.evaluation.compare import compare
from tasks.evaluation.discovery import Limits, discover
from tasks.evaluation.drift import measure_drift
from tasks.evaluation.spread import tails_of
from tasks.gates import judge_criteria
from tasks.gates.intervals import read_interval
from tasks.params.judging import EvaluationParams, GatesParams

CLUSTERS, DRAWN = 12, 10_000


def _rows(count=900, seed=4):
    """Rows of twelve clusters of unequal size and skill, in two slices that have rows in each."""
    random = np.random.default_rng(seed)
    cluster = np.minimum(random.geometric(0.15, count) - 1, CLUSTERS - 1)
    strength = random.normal(size=count) + random.normal(size=CLUSTERS)[cluster]
    labels = (random.random(count) < 1 / (1 + np.exp(-strength))).astype(float)
    scores = [1 / (1 + np.exp(-pull * strength - random.normal(size=count))) for pull in (0.6, 1.0)]
    table = {"label": labels, "champion_score": scores[0], "challenger_score": scores[1], "cluster": [f"{c:02}" for c in cluster]}
    return pa.table(table | {"slice_half": random.choice(["a", "b"], count, p=[0.6, 0.4])})


def _evaluated(rows, metric, slices=()):
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": DRAWN, "confidence": 0.9}
    asked = {"split": "s", "part": "test", "metrics": (metric,), "slices": slices, "interval": interval}
    found = compare(rows, EvaluationParams.model_validate(asked), 1)
    return evaluation(*found, confidence=0.9, replicates=DRAWN, tails=tails_of(DRAWN))


def _brier(rows, counts):
    """The difference under how often each cluster is drawn, of squared errors."""
    cluster = rows["cluster"].to_numpy().astype(int)
    lost = [(rows[f"{role}_score"].to_numpy() - rows["label"].to_numpy()) ** 2 for role in ("champion", "challenger")]
    champion, challenger = (counts @ np.bincount(cluster, loss) for loss in lost)
    return (challenger - champion) / (counts @ np.bincount(cluster))


def _area(rows, counts):
    """The same of the area under the ROC curve, each pair of rows looked at."""
    cluster, positive = rows["cluster"].to_numpy().astype(int), rows["label"].to_numpy() == 1
    member = np.eye(CLUSTERS)[cluster]
    pairs = member[positive].sum(axis=0)[:, None] * member[~positive].sum(axis=0)
    areas = []
    for role in ("champion", "challenger"):
        score = rows[f"{role}_score"].to_numpy()
        won = (score[positive][:, None] > score[~positive]) + (score[positive][:, None] == score[~positive]) / 2
        wins = member[positive].T @ won @ member[~positive]
        areas.append(np.einsum("...i,ij,...j->...", counts, wins, counts) / np.einsum("...i,ij,...j->...", counts, pairs, counts))
    return areas[1] - areas[0]


@pytest.fixture(scope="module", params=[("brier", _brier), ("roc_auc", _area)], ids=["brier", "roc_auc"])
def both(request):
    """What the product measured, and scipy's BCa bootstrap of the same clusters, drawn and measured by itself."""
    metric, value = request.param
    rows = _rows()

    def statistic(drawn, axis):
        return value(rows, (np.moveaxis(drawn, axis, -1)[..., None] == np.arange(CLUSTERS)).sum(axis=-2))

    theirs = stats.bootstrap(
        (np.arange(CLUSTERS),), statistic, n_resamples=DRAWN, method="BCa", confidence_level=0.9, rng=np.random.default_rng(2)
    )
    return _evaluated(rows, metric), theirs


def _near(interval, low, high):
    """Within what 10,000 replicates of either can tell: a twentieth of the width."""
    return np.allclose([interval.low, interval.high], [low, high], rtol=0, atol=(high - low) / 20)


def test_bca_of_few_clusters_is_scipys(both):
    """Twelve clusters of unequal size: bias, acceleration by leaving each out, and percentiles, from the rows on."""
    ours, theirs = both
    found, _ = read_interval(ours.comparisons[0], "delta", "bca", 0.9, ours)
    assert _near(found, *theirs.confidence_interval)


def test_expanded_reads_scipys_replicates_further_out(both):
    """By Student's t of eleven degrees of freedom and the root of 12/11."""
    ours, theirs = both
    reach = stats.t.ppf(0.95, CLUSTERS - 1) * np.sqrt(CLUSTERS / (CLUSTERS - 1))
    found, _ = read_interval(ours.comparisons[0], "delta", "expanded", 0.9, ours)
    assert _near(found, *np.quantile(theirs.bootstrap_distribution, stats.norm.cdf([-reach, reach])))


def test_a_gap_between_slices_is_that_of_rows_resampled_by_hand():
    """Recall by scikit-learn on drawn rows: half the error each above, a quarter of it each below (two slices)."""
    rows = _rows(count=3000)
    off = np.where(rows["slice_half"].to_numpy() == "b", 0.6, 1.0)
    rows = rows.set_column(2, "challenger_score", pa.array(off * rows["challenger_score"].to_numpy()))
    criterion = {"parity": "recall", "slice": "half", "gap": 0.2, "min_rows": 1, "critical": True, "method": "cluster_bootstrap"}
    judged = judge_criteria(
        _evaluated(rows, "recall", ("half",)),
        reports(),
        GatesParams.model_validate({"max_age_days": 1, "criteria": {"g": criterion}}),
    )[0]
    random, ends = np.random.default_rng(3), []
    figures = []
    for half in ("a", "b"):
        label, score, cluster = (
            rows[name].to_numpy()[rows["slice_half"].to_numpy() == half] for name in ("label", "challenger_score", "cluster")
        )
        figures.append(recall_score(label, score >= 0.5))
        hit, true = (np.bincount(cluster.astype(int), of, CLUSTERS) for of in (label * (score >= 0.5), label))
        present = np.unique(cluster.astype(int))
        drawn = random.multinomial(len(present), np.full(len(present), 1 / len(present)), DRAWN)
        ends.append(np.quantile((drawn @ hit[present]) / (drawn @ true[present]), [0.0125, 0.025, 0.975, 0.9875]))
    (a1, a2, a3, a4), (b1, b2, b3, b4) = ends
    assert judged.challenger == pytest.approx(max(figures) - min(figures))
    assert judged.interval.low > 0.1
    expected = max(0.0, max(a1, b1) - min(a4, b4)), max(a3, b3) - min(a2, b2)
    assert np.allclose([judged.interval.low, judged.interval.high], expected, rtol=0, atol=0.01)


def test_a_searched_slices_error_is_students():
    """Clusters of one size: the one-sided t test on the clusters' mean differences, which knows nothing of resampling."""
    random, days, of_day = np.random.default_rng(6), 40, 30
    labels = random.integers(0, 2, days * of_day).astype(float)
    champion = np.clip(0.2 + 0.6 * labels + random.normal(0, 0.1, len(labels)), 0, 1)
    challenger = np.clip(champion + random.normal(0.004, 0.12, len(labels)), 0, 1)
    cluster = np.repeat(np.arange(days), of_day)
    rows = pa.table(
        {"label": labels, "champion_score": champion, "challenger_score": challenger, "cluster": [f"{c:02}" for c in cluster]}
        | {"discover_all": ["x"] * len(labels)}
    )
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 500, "confidence": 0.9}
    asked = {"columns": ("all",), "metric": "brier", "min_rows": 60}
    params = EvaluationParams(split="s", part="test", metrics=("brier",), interval=interval, discover=asked)
    found = discover(rows, params, 1, ("binary", ()), Limits((), 5))
    worse = (challenger - labels) ** 2 - (champion - labels) ** 2
    expected = stats.ttest_1samp(np.bincount(cluster, worse) / of_day, 0, alternative="greater")
    (suspect,) = found.suspects
    assert stats.t.isf(suspect.p_value, days - 1) == pytest.approx(expected.statistic, rel=0.1)


def test_drift_of_five_numbers_is_scipys():
    """Each number has a bin of its own: the index is both divergences together, and the distances are those of all values."""
    random = np.random.default_rng(8)
    before, now = random.choice(5, 800, p=[0.3, 0.25, 0.2, 0.15, 0.1]), random.choice(5, 500, p=[0.2, 0.2, 0.2, 0.2, 0.2])
    (found,) = measure_drift(*(pa.table({"f": side.astype(float)}) for side in (before, now)), ("f",), 5)
    p, q = (np.bincount(side, minlength=5) / len(side) for side in (before, now))
    assert found.psi == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))
    assert found.total_variation == pytest.approx(distance.cityblock(p, q) / 2)
    assert found.kolmogorov_smirnov == pytest.approx(stats.ks_2samp(before, now).statistic)
