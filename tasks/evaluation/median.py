"""The weighted median of one number per row under cluster weights, the rows sorted once.

What belongs here: medians of many replicates at once. What does not: whose median is a metric (``regression``), and drawing the
weights (``bootstrap``). A replicate's median is looked for among some hundred stretches of the sorted rows, then among the rows
of one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.bootstrap import in_numbers
from tasks.evaluation.sample import Floats, Ints

_STRETCH = 512
"""Rows of one stretch."""


class ClusterMedian:
    """The median of ``values`` as seen by a resampling of clusters.

    ``values``, ``clusters`` (0 .. ``cluster_count`` - 1) and ``weights`` (how much a row counts; None: all alike) have one entry
    per row.
    """

    def __init__(self, values: Floats, clusters: Ints, cluster_count: int, *, weights: Floats | None = None) -> None:
        from scipy.sparse import csr_array

        order = np.argsort(values, kind="stable")
        self._values, self._clusters = values[order], clusters[order]
        self._weights = np.ones(len(order)) if weights is None else weights[order]
        starts = np.append(np.arange(0, len(order), _STRETCH), len(order))
        shape = (len(starts) - 1, cluster_count)
        self._stretches: Any = csr_array((self._weights, self._clusters.astype(np.int32), starts.astype(np.int32)), shape=shape)

    def median(self, weights: NDArray[Any]) -> Floats:
        """The median under each row of ``weights`` (replicates x clusters); NaN where no row has weight.

        Where half of the weight lies exactly below a value, the mean of it and the next one that has weight, as in scikit-learn's
        ``median_absolute_error`` (the averaged inverse of the distribution: Hyndman & Fan 1996, definition 2).
        """
        return np.concatenate([self._of_block(np.ascontiguousarray(numbers.T)) for numbers in in_numbers(weights)])

    def _of_block(self, block: Floats) -> Floats:
        """Of weights as clusters x replicates."""
        reached = np.cumsum(self._stretches @ block, axis=0)
        half = reached[-1] / 2
        lower = self._find(block, reached, half, is_above=False)
        return np.where(half > 0, (lower + self._find(block, reached, half, is_above=True)) / 2, np.nan)

    def _find(self, block: Floats, reached: Floats, half: Floats, *, is_above: bool) -> Floats:
        """By replicate, the first value up to which ``half`` of the weight lies, or (``is_above``) more than that."""
        is_before = np.less_equal if is_above else np.less
        last = len(self._values) - 1
        stretches = np.minimum(is_before(reached, half).sum(axis=0), len(reached) - 1)
        found = np.empty(len(half))
        for stretch in np.unique(stretches):
            chosen = stretches == stretch
            first = stretch * _STRETCH
            rows = slice(first, first + _STRETCH)
            before = reached[stretch - 1, chosen] if stretch else 0.0
            inside = np.cumsum(block[self._clusters[rows]][:, chosen] * self._weights[rows, None], axis=0) + before
            found[chosen] = self._values[np.minimum(first + is_before(inside, half[chosen]).sum(axis=0), last)]
        return found
