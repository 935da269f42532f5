"""Average precision under cluster weights, the rows sorted once.

What belongs here: what turns weights of clusters into average precision. What does not: drawing the weights (``bootstrap``), and
the area under the ROC curve (``ranking``).

Average precision is the mean, over positives, of the precision among all rows scored at least as high; equal scores count
together, as in scikit-learn's ``average_precision_score``. So no more is needed of a ranking than the weight of the positives at
each of their distinct scores, and of the negatives down to there: its stretches. Which clusters lie in which stretch is a sparse
matrix. Times the clusters' weights it gives every stretch's weight, for many replicates in one pass over the rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.sample import Floats, Ints

_WIDTH = 32
"""Replicates that are weighed together; measured: with fewer each row is looked up more often, with more the cache is left."""
_STRETCHES = 4096
"""Stretches that are weighed together, whose sums stay in the cache (1 MB)."""


class ClusterPrecision:
    """One model's average precision as seen by a resampling of clusters.

    ``labels`` (0 or 1), ``scores``, ``clusters`` (0 .. ``cluster_count`` - 1) and ``weights`` (how much a row counts; None: all
    alike) have one entry per row.
    """

    def __init__(
        self, labels: Floats, scores: Floats, clusters: Ints, cluster_count: int, *, weights: Floats | None = None
    ) -> None:
        is_positive = labels == 1
        levels = np.unique(scores[is_positive])
        # The highest is 0. What lies below every positive is a stretch too: without it nobody knew whether there are negatives.
        stretches = len(levels) - np.searchsorted(levels, scores, "right")
        self._is_weighted = weights is not None
        positives, negatives = (
            _Side(stretches[side], clusters[side], None if weights is None else weights[side], len(levels) + 1, cluster_count)
            for side in (is_positive, ~is_positive)
        )
        self._blocks = list(zip(positives.blocks, negatives.blocks, strict=True))
        self._longest = max(positives.longest, negatives.longest)

    def pr_auc(self, weights: NDArray[Any]) -> Floats:
        """Average precision under each row of ``weights`` (replicates x clusters, whole numbers); NaN where a class has none."""
        kind = self._sums_type(weights)
        found = [
            self._weigh(np.ascontiguousarray(weights[start : start + _WIDTH].T, dtype=kind))
            for start in range(0, len(weights), _WIDTH)
        ]
        return np.concatenate(found) if found else np.zeros(0)

    def _sums_type(self, weights: NDArray[Any]) -> Any:
        """What holds the weight of any stretch exactly: half the bytes are half the time."""
        if self._is_weighted:
            return np.float64
        most = int(weights.max(initial=0)) * self._longest
        return np.int16 if most <= np.iinfo(np.int16).max else np.int64

    def _weigh(self, block: NDArray[Any]) -> Floats:
        """Of one block of weights (clusters x replicates)."""
        true, false, precise = np.zeros((3, block.shape[1]))
        for positive, negative in self._blocks:
            mine = positive.astype(block.dtype, copy=False) @ block
            reached = np.cumsum(mine, axis=0, dtype=np.float64)
            reached += true
            ranked = np.cumsum(negative.astype(block.dtype, copy=False) @ block, axis=0, dtype=np.float64)
            ranked += false
            true, false = reached[-1].copy(), ranked[-1].copy()
            ranked += reached
            ranked[ranked == 0] = 1  # nothing is ranked as high, and nothing of it is true
            reached /= ranked
            precise += np.einsum("sr,sr->r", mine, reached, dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            average: Floats = np.where(false == 0, np.nan, precise / true)
        return average


class _Side:
    """The positives, or the negatives: which clusters lie in which stretch, in blocks of stretches."""

    def __init__(self, stretches: Ints, clusters: Ints, weights: Floats | None, count: int, cluster_count: int) -> None:
        from scipy.sparse import csr_array

        order = np.argsort(stretches, kind="stable")
        lengths = np.bincount(stretches, minlength=count)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        values = np.ones(len(order), np.int16) if weights is None else weights[order]
        columns = clusters[order].astype(np.int32)
        self.longest = int(lengths.max())
        self.blocks: list[Any] = []
        for start in range(0, count, _STRETCHES):
            bounds = ends[start : start + _STRETCHES + 1]
            rows = slice(bounds[0], bounds[-1])
            shape = (len(bounds) - 1, cluster_count)
            self.blocks.append(csr_array((values[rows], columns[rows], (bounds - bounds[0]).astype(np.int32)), shape=shape))
