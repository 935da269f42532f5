"""The metrics of one group of rows under any weighting of its clusters, the rows themselves looked at once.

What belongs here: sums by cluster, rankings by cluster, and metrics from these. What does not: which rows make a group, and
intervals (``compare``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.bootstrap import MOST_DRAWN, in_numbers
from tasks.evaluation.median import ClusterMedian
from tasks.evaluation.multiclass import ROC_AUC
from tasks.evaluation.precision import ClusterPrecision
from tasks.evaluation.ranking import ClusterRanking, areas_under
from tasks.evaluation.sample import Floats, Ints, Metric, Sample, Statistics, mean, with_count

Key = tuple[str, str]
"""A metric's name and a role."""
Measure = Callable[[NDArray[Any]], dict[Key, Floats]]
"""Cluster weights (replicates x clusters; whole numbers of any type) -> by metric and role, its value under each of them."""
_AREAS = ("roc_auc", ROC_AUC)
_FEWEST_LINEAR = 500
"""Rows of the rarer class from which the area under a ROC curve is taken for linear in the rows."""


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
        if isinstance(statistics, np.ndarray):
            return self._sum_dense(statistics)
        from scipy.sparse import csr_array, diags_array

        if self.clusters is None:
            return statistics if self.weights is None else diags_array(self.weights).tocsr() @ statistics
        rows = np.arange(len(self.labels))
        values = np.ones(len(rows)) if self.weights is None else self.weights
        summed = csr_array((values, (self.clusters, rows)), shape=(self.cluster_count, len(rows))) @ statistics
        return summed

    def _sum_dense(self, statistics: Floats) -> Floats:
        """The same figures as by a sparse product, without what loading one costs a process that has no other."""
        if self.clusters is None:
            return statistics if self.weights is None else statistics * self.weights[:, None]
        columns = np.ascontiguousarray(statistics.T)
        weighted = columns if self.weights is None else (column * self.weights for column in columns)
        summed = [np.bincount(self.clusters, weights=column, minlength=self.cluster_count) for column in weighted]
        return np.column_stack(summed)

    def rank(self, labels: Floats, scores: Floats, replicates: int) -> ClusterRanking:
        """The ranking of ``labels`` (0 and 1) by ``scores``."""
        return ClusterRanking(labels, scores, self._own_clusters, self.cluster_count, replicates, weights=self.weights)

    def rank_precision(self, labels: Floats, scores: Floats) -> ClusterPrecision:
        """The stretches of the ranking of ``labels`` (0 and 1) by ``scores``."""
        return ClusterPrecision(labels, scores, self._own_clusters, self.cluster_count, weights=self.weights)

    def sort(self, values: Floats) -> ClusterMedian:
        """The rows by ``values``, of which there is one per row."""
        return ClusterMedian(values, self._own_clusters, self.cluster_count, weights=self.weights)

    @property
    def _own_clusters(self) -> Ints:
        return np.arange(len(self.labels)) if self.clusters is None else self.clusters


def measures_of(group: Group, metrics: Sequence[Metric], replicates: int) -> list[Measure]:
    """What turns cluster weights into ``metrics`` of every role; sums and rankings are shared between metrics."""
    summed = _Sums()
    rankings: dict[Key, list[ClusterRanking]] = {}
    found: list[Measure] = []
    for role, scores in group.scores.items():
        sample = Sample(group.labels, scores)
        by_statistics: dict[Statistics, list[Metric]] = {}
        for metric in metrics:
            if metric.statistics is not None:
                by_statistics.setdefault(metric.statistics, []).append(metric)
            elif metric.median_of is not None:
                found.append(partial(_from_median, group.sort(metric.median_of(sample)), metric.name, role))
            elif metric.of_rows is not None:
                found.append(partial(_from_rows, group, sample, metric, role))
        for statistics, shared in by_statistics.items():
            summed.add(group.sum_by_cluster(statistics(sample)), [((m.name, role), m.value) for m in shared])
        ranked = [metric.name for metric in metrics if metric.is_of_ranking]
        if ranked:
            found += _rank(group, (role, ranked), replicates, summed, rankings)
    if rankings:
        found.append(partial(_from_rankings, rankings))
    return [*found, summed.measure] if summed.has_any else found


class _Sums:
    """Sums by cluster of all metrics and roles side by side, so that a block of weights is read once for all of them."""

    def __init__(self) -> None:
        self._dense: list[Any] = []
        self._sparse: list[Any] = []
        self._values: list[tuple[Key, Callable[[Floats], Floats], bool, slice]] = []
        self._joined: dict[bool, Any] | None = None

    @property
    def has_any(self) -> bool:
        return bool(self._values)

    def add(self, sums: Any, values: Iterable[tuple[Key, Callable[[Floats], Floats]]]) -> None:
        """Add the columns ``sums`` (clusters x k), and what is made of their weighted totals (replicates x k)."""
        is_dense = isinstance(sums, np.ndarray)
        blocks = self._dense if is_dense else self._sparse
        start = sum(block.shape[1] for block in blocks)
        blocks.append(sums)
        self._values += [(key, value, is_dense, slice(start, start + sums.shape[1])) for key, value in values]

    def measure(self, weights: NDArray[Any]) -> dict[Key, Floats]:
        if self._joined is None:
            self._joined = self._join()
        totals = {
            is_dense: np.concatenate([numbers @ block for numbers in in_numbers(weights)])
            for is_dense, block in self._joined.items()
        }
        with np.errstate(invalid="ignore"):
            return {key: value(totals[is_dense][:, columns]) for key, value, is_dense, columns in self._values}

    def _join(self) -> dict[bool, Any]:
        """The dense and the sparse columns, by whether they are dense; the blocks they were joined from are let go."""
        joined: dict[bool, Any] = {}
        if self._dense:
            joined[True] = np.hstack(self._dense)
        if self._sparse:
            from scipy.sparse import hstack

            joined[False] = hstack(self._sparse, format="csr")
        self._dense, self._sparse = [], []
        return joined


def _rank(
    group: Group, of: tuple[str, Sequence[str]], replicates: int, summed: _Sums, rankings: dict[Key, list[ClusterRanking]]
) -> Iterator[Measure]:
    """Measures of a role and its metrics of the ranking (``of``); areas that are linear in the rows are added to ``summed``
    instead, others to ``rankings``: one for each class."""
    role, names = of
    labels, scores = group.labels, group.scores[role]
    if scores.ndim == 1:
        targets = [(labels, scores)]
    else:
        # Each class against the rest, of the classes that some rows have and others have not.
        counts = np.bincount(labels.astype(np.intp), minlength=scores.shape[1])
        places = np.flatnonzero((counts > 0) & (counts < len(labels)))
        targets = [((labels == place).astype(np.float64), np.ascontiguousarray(scores[:, place])) for place in places]
    is_linear = group.clusters is None and len(labels) > MOST_DRAWN and min(map(_rarest, targets), default=0) >= _FEWEST_LINEAR
    areas = [name for name in names if name in _AREAS]
    for name in names:
        if name not in _AREAS:
            yield partial(_from_precision, group.rank_precision(labels, scores), name, role)
    if areas and not is_linear:
        of_role = [group.rank(*target, replicates) for target in targets]
        rankings.update({(name, role): of_role for name in areas})
    elif areas:
        area, parts = 0.0, np.zeros(len(labels))
        everything = np.ones((1, group.cluster_count))
        for target in targets:
            ranking = group.rank(*target, replicates)
            area += float(ranking.roc_auc(everything)[0]) / len(targets)
            parts += ranking.roc_auc_parts() / len(targets)
        moved = group.sum_by_cluster(with_count(parts))
        summed.add(moved, [((name, role), partial(_moved, area)) for name in areas])


def _rarest(target: tuple[Floats, Floats]) -> int:
    """The rows of the class that has fewer."""
    positives = int(np.count_nonzero(target[0] == 1))
    return min(positives, len(target[0]) - positives)


def _moved(area: float, sums: Floats) -> Floats:
    return area + mean(sums)


def _from_median(sorted_rows: ClusterMedian, name: str, role: str, weights: NDArray[Any]) -> dict[Key, Floats]:
    return {(name, role): sorted_rows.median(weights)}


def _from_precision(precision: ClusterPrecision, name: str, role: str, weights: NDArray[Any]) -> dict[Key, Floats]:
    return {(name, role): precision.pr_auc(weights)}


def _from_rows(group: Group, sample: Sample, metric: Metric, role: str, weights: NDArray[Any]) -> dict[Key, Floats]:
    """Replicate by replicate, of the rows that it drew; none of no rows."""
    values = np.full(len(weights), np.nan)
    own = np.ones(len(sample.labels)) if group.weights is None else group.weights
    for place, drawn in enumerate(weights):
        each = own * (drawn if group.clusters is None else drawn[group.clusters])
        kept = np.flatnonzero(each > 0)
        if len(kept) and metric.of_rows is not None:
            values[place] = metric.of_rows(Sample(sample.labels[kept], sample.scores[kept]), each[kept])
    return {(metric.name, role): values}


def _from_rankings(rankings: Mapping[Key, Sequence[ClusterRanking]], weights: NDArray[Any]) -> dict[Key, Floats]:
    """The mean over classes; a replicate without one of them has none, as it would be of another set of classes."""
    every = list({id(ranking): ranking for each in rankings.values() for ranking in each}.values())
    blocks = [areas_under(numbers, every) for numbers in in_numbers(weights)]
    areas = {id(ranking): np.concatenate(parts) for ranking, parts in zip(every, zip(*blocks, strict=True), strict=True)}
    return {
        key: np.mean([areas[id(ranking)] for ranking in each], axis=0) if each else np.full(len(weights), np.nan)
        for key, each in rankings.items()
    }
