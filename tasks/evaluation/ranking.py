"""How one model ranks positives against negatives, summarised so that clusters can be resampled without ranking again.

What belongs here: ROC AUC under cluster weights. What does not: drawing the weights (``bootstrap``), and average precision
(``precision``).

ROC AUC is the share of (positive, negative) pairs that are ranked rightly, ties counting half (Hanley & McNeil 1982, Radiology
143). Under cluster weights ``w`` it is ``w A w / (w p)(w n)``, where ``A[c, d]`` counts the pairs that the positives of cluster
c win over the negatives of cluster d, and ``p`` and ``n`` count positives and negatives: exact, and the rows are looked at once.
With many clusters ``A`` costs more than it saves, and each replicate adds up weights along the sorted rows instead; of few rows
all replicates do so at once (``few_rows``).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.few_rows import MOST_ROWS, RankedRows, count_wins_of_few
from tasks.evaluation.pairs import ClassRows, count_wins
from tasks.evaluation.sample import Floats, Ints

_PAIR_NS, _FLOP_NS, _RANK_NS, _FEW_RANK_NS = 1.2, 0.15, 5.0, 1.5
"""Measured cost per element of the ways; a wrong guess costs time, never exactness."""
_MOST_PAIRS = 4_000_000
"""Cells of a pair matrix (32 MB), whatever it would save."""
_WIDTH = 4
"""Replicates that are added up together; measured: fewer look up each row more often, more fall out of the cache."""
_CELLS = 4_000_000
"""Rows times replicates held at once (32 MB), so that memory does not grow with both."""


class ClusterRanking:
    """One model's scores as seen by a resampling of clusters.

    ``labels`` (0 or 1), ``scores``, ``clusters`` (0 .. ``cluster_count`` - 1) and ``weights`` (how much a row counts; None: all
    alike) have one entry per row. ``replicates`` is how often the ranking will be asked, from which the cheaper of two exact
    ways is chosen.
    """

    def __init__(
        self,
        labels: Floats,
        scores: Floats,
        clusters: Ints,
        cluster_count: int,
        replicates: int,
        *,
        weights: Floats | None = None,
    ) -> None:
        # Without weights sums are of whole numbers, and the order of equal scores cannot be told from them.
        order = np.argsort(scores, kind="quicksort" if weights is None else "stable")
        is_positive = labels[order] == 1
        ranked, ranked_clusters = scores[order], clusters[order]
        positives, negatives = ranked[is_positive], ranked[~is_positive]
        self._positive_clusters = ranked_clusters[is_positive]
        self._negative_clusters = ranked_clusters[~is_positive]
        row_weights = None if weights is None else weights[order]
        self._positive_weights = None if row_weights is None else row_weights[is_positive]
        self._negative_weights = None if row_weights is None else row_weights[~is_positive]
        self._below = np.searchsorted(negatives, positives, "left")
        self._upto = np.searchsorted(negatives, positives, "right")
        self._scores = positives, negatives
        self._order, self._is_positive = order, is_positive
        self._count = cluster_count
        self._positives = _counts(self._positive_clusters, self._positive_weights, cluster_count)
        self._negatives = _counts(self._negative_clusters, self._negative_weights, cluster_count)
        rows = len(labels)
        self._is_of_few = weights is None and rows <= MOST_ROWS
        by_pairs = cluster_count * rows * _PAIR_NS + replicates * cluster_count**2 * _FLOP_NS
        by_rank = replicates * rows * (_FEW_RANK_NS if self._is_of_few else _RANK_NS)
        is_cheaper = by_pairs < by_rank and cluster_count**2 <= _MOST_PAIRS
        self._wins = self.pair_wins() if is_cheaper else None

    def class_weights(self) -> Floats:
        """The weight of each cluster's positives, and of its negatives (clusters x 2)."""
        return np.column_stack([self._positives, self._negatives])

    @property
    def few(self) -> RankedRows | None:
        """Its rows, where they are few, count alike, and are looked at in each replicate."""
        if self._wins is not None or not self._is_of_few:
            return None
        return RankedRows(self._positive_clusters, self._negative_clusters, self._below, self._upto)

    def pair_wins(self) -> Floats:
        """``A``: the pairs that the positives of each cluster (row) win over the negatives of each (column), ties counting half."""
        won = ClassRows(self._scores[0], self._positive_clusters, self._positive_weights)
        lost = ClassRows(self._scores[1], self._negative_clusters, self._negative_weights)
        return count_wins(won, lost, self._count)

    def roc_auc(self, weights: Floats) -> Floats:
        """ROC AUC under each row of ``weights`` (replicates x clusters); NaN where a class has no weight."""
        return areas_under(weights, [self])[0]

    def wins(self, weights: Floats) -> Floats:
        """The weight of the pairs won under each row of ``weights``."""
        return ((weights @ self._wins) * weights).sum(axis=1) if self._wins is not None else self._wins_by_rank(weights)

    def _wins_by_rank(self, weights: Floats) -> Floats:
        won = []
        for block in self._transposed(weights):
            before = self._weight_before(block)
            beaten = before.take(self._below, axis=0)
            beaten += before.take(self._upto, axis=0)
            won.append(_dot(_weighted(block.take(self._positive_clusters, axis=0), self._positive_weights), beaten))
        return np.concatenate(won) / 2

    def roc_auc_parts(self) -> Floats:
        """How the ROC AUC moves with each row's weight: one number per row, in their order, whose weighted sum is 0.

        ``auc(w) = auc + sum(w * part) / sum(w)`` to first order in the weights (Hajek's projection, of which DeLong et al. 1988,
        Biometrics 44, take the variance): the next order falls with the rows, the interval only with their root.
        """
        below = _before(self._negative_weights, len(self._negative_clusters))
        above = _before(self._positive_weights, len(self._positive_clusters))
        negatives, positives = below[-1], above[-1]
        beaten = (below[self._below] + below[self._upto]) / 2 / negatives
        places = (np.searchsorted(*self._scores, side) for side in ("left", "right"))
        lost = 1 - sum(above[place] for place in places) / 2 / positives
        auc = float(_mean(beaten, self._positive_weights))
        rows = positives + negatives
        parts = np.empty(len(self._order))
        parts[self._order[self._is_positive]] = (beaten - auc) * rows / positives
        parts[self._order[~self._is_positive]] = (lost - auc) * rows / negatives
        return parts

    def _transposed(self, weights: Floats) -> Iterator[NDArray[np.int64]]:
        """``weights`` as clusters x replicates, a few replicates at a time: one look-up of a row then serves them all."""
        width = max(1, min(_WIDTH, _CELLS // max(1, len(self._below) + len(self._negative_clusters))))
        for start in range(0, len(weights), width):
            yield np.ascontiguousarray(weights[start : start + width].T, dtype=np.int64)

    def _weight_before(self, block: NDArray[np.int64]) -> Any:
        """The weight of the negatives ranked before each position, and of all of them at the end."""
        return _running_sums(_weighted(block.take(self._negative_clusters, axis=0), self._negative_weights))


def areas_under(weights: Floats, rankings: Sequence[ClusterRanking]) -> list[Floats]:
    """The ROC AUC of each of ``rankings`` under each row of ``weights`` (replicates x clusters); NaN where a class has no weight.

    What rankings of few rows need of the weights is made ready once for all of them.
    """
    few = {place: rows for place, ranking in enumerate(rankings) if (rows := ranking.few) is not None}
    won = dict(zip(few, count_wins_of_few(weights, list(few.values())), strict=True))
    areas = []
    for place, ranking in enumerate(rankings):
        positives, negatives = (weights @ ranking.class_weights()).T
        with np.errstate(invalid="ignore"):
            areas.append((won[place] if place in won else ranking.wins(weights)) / (positives * negatives))
    return areas


def _before(weights: Floats | None, count: int) -> Floats:
    """The weight of the rows before each position, and of all of them at the end."""
    sums = np.zeros(count + 1)
    np.cumsum(np.ones(count) if weights is None else weights, out=sums[1:])
    return sums


def _mean(values: Floats, weights: Floats | None) -> Any:
    return np.average(values, weights=weights)


def _counts(clusters: Ints, weights: Floats | None, count: int) -> Floats:
    return np.bincount(clusters, weights=weights, minlength=count).astype(np.float64)


def _weighted(values: Any, weights: Floats | None) -> Any:
    """``values`` (rows, or rows x replicates) times each row's weight; without weights they stay whole numbers."""
    if weights is None:
        return values
    return values * (weights if values.ndim == 1 else weights[:, None])


def _running_sums(values: Any) -> Any:
    """Sums of the rows before each position, beginning with none and ending with all."""
    sums = np.zeros((len(values) + 1, values.shape[1]), values.dtype)
    np.cumsum(values, axis=0, out=sums[1:])
    return sums


def _dot(left: Any, right: Any) -> Floats:
    """Per replicate (column) the sum of products."""
    product: Floats = np.einsum("pr,pr->r", left, right, dtype=np.float64)
    return product
