"""The draws of one comparison: many slices have as many clusters as others, and are resampled under the same weights.

What belongs here: keeping what was drawn. What does not: drawing (``bootstrap``). What is handed out is what would be drawn
anew, to the last digit.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.bootstrap import MOST_DRAWN, cluster_weights

_MOST_KEPT = 64_000_000
"""Weights of one byte that are kept (64 MB); beyond them each group draws for itself."""


class ClusterDraws:
    """``replicates`` draws of any number of clusters, by ``seed``."""

    def __init__(self, replicates: int, seed: int) -> None:
        self.replicates, self._seed = replicates, seed
        self._kept: dict[int, list[NDArray[np.uint8]]] = {}
        self._room = _MOST_KEPT

    def of(self, clusters: int) -> Iterator[NDArray[Any]]:
        """As :func:`~tasks.evaluation.bootstrap.cluster_weights`."""
        kept = self._kept.get(clusters)
        if kept is not None:
            yield from (block.astype(np.float64) for block in kept)
            return
        is_kept = clusters <= MOST_DRAWN and clusters * self.replicates <= self._room
        blocks = []
        for block in cluster_weights(clusters, self.replicates, self._seed):
            if is_kept:  # a count above 255 is as likely as one over the factorial of 255
                blocks.append(block.astype(np.uint8))
            yield block
        if is_kept:
            self._kept[clusters] = blocks
            self._room -= clusters * self.replicates
