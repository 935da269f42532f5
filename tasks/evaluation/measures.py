"""The metrics of one group of rows under any weighting of its clusters, the rows themselves looked at once.

What belongs here: sums by cluster, rankings by cluster, and metrics from these. What does not: which rows make a group, and
intervals (``compare``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tasks.evaluation.ranking import ClusterRanking
from tasks.evaluation.sample import Floats, Ints, Metric, Sample, Statistics

Measure = Callable[[Floats], dict[str, Floats]]
"""Cluster weights (replicates x clusters) -> by metric, its value under each of them."""


@dataclass(frozen=True)
class Group:
    """The rows that one set of figures is of: all of them, or one slice."""

    column: str | None
    value: str | None
    labels: Floats
    """0 and 1; the number of the class; the number to predict."""
    scores: dict[str, Floats]
    """By role: rows, or rows x classes."""
    weights: Floats | None
    clusters: Ints | None
    """0 .. ``cluster_count`` - 1; None where each row is its own cluster."""
    cluster_count: int

    @property
    def positives(self) -> int:
        """Rows labelled 1, where the label is binary."""
        return int(np.count_nonzero(self.labels == 1))

    def sum_by_cluster(self, statistics: Any) -> Any:
        """The columns of ``statistics`` (rows x k, dense or sparse), weighted and summed by cluster: clusters x k."""
        from scipy.sparse import csr_array, diags_array

        if self.clusters is None:
            return statistics if self.weights is None else diags_array(self.weights).tocsr() @ statistics
        rows = np.arange(len(self.labels))
        values = np.ones(len(rows)) if self.weights is None else self.weights
        summed = csr_array((values, (self.clusters, rows)), shape=(self.cluster_count, len(rows))) @ statistics
        return summed

    def rank(self, labels: Floats, scores: Floats, replicates: int) -> ClusterRanking:
        """The ranking of ``labels`` (0 and 1) by ``scores``."""
        clusters = np.arange(len(labels)) if self.clusters is None else self.clusters
        return ClusterRanking(labels, scores, clusters, self.cluster_count, replicates, weights=self.weights)


def measures_of(group: Group, role: str, metrics: Sequence[Metric], replicates: int) -> list[Measure]:
    """What turns cluster weights into ``metrics`` of the model ``role``; sums and rankings are shared between metrics."""
    sample = Sample(group.labels, group.scores[role])
    by_statistics: dict[Statistics, list[Metric]] = {}
    for metric in metrics:
        if metric.statistics is not None:
            by_statistics.setdefault(metric.statistics, []).append(metric)
    found: list[Measure] = [
        partial(_from_sums, group.sum_by_cluster(statistics(sample)), tuple(shared)) for statistics, shared in by_statistics.items()
    ]
    names = [metric.name for metric in metrics if metric.statistics is None]
    if names and sample.scores.ndim == 1:
        found.append(partial(_from_ranking, group.rank(sample.labels, sample.scores, replicates), names))
    elif names:
        found.append(partial(_from_classes, _rank_classes(group, sample, replicates), names))
    return found


def _from_sums(sums: Any, metrics: Iterable[Metric], weights: Floats) -> dict[str, Floats]:
    drawn = weights @ sums
    with np.errstate(invalid="ignore"):
        return {metric.name: metric.value(drawn) for metric in metrics}


def _from_ranking(ranking: ClusterRanking, names: Iterable[str], weights: Floats) -> dict[str, Floats]:
    return {name: ranking.roc_auc(weights) if name == "roc_auc" else ranking.pr_auc(weights) for name in names}


def _rank_classes(group: Group, sample: Sample, replicates: int) -> list[ClusterRanking]:
    """Each class against the rest, of the classes that some rows have and others have not."""
    counts = np.bincount(sample.labels.astype(np.intp), minlength=sample.scores.shape[1])
    asked = np.flatnonzero((counts > 0) & (counts < len(sample.labels)))
    return [
        group.rank((sample.labels == place).astype(np.float64), np.ascontiguousarray(sample.scores[:, place]), replicates)
        for place in asked
    ]


def _from_classes(rankings: Sequence[ClusterRanking], names: Iterable[str], weights: Floats) -> dict[str, Floats]:
    """The mean over classes; a replicate without one of them has none, as it would be of another set of classes."""
    each = [ranking.roc_auc(weights) for ranking in rankings]
    mean = np.mean(each, axis=0) if each else np.full(len(weights), np.nan)
    return dict.fromkeys(names, mean)
