"""How many pairs the positives of each cluster win over the negatives of each other: the ranking, once for all replicates.

What belongs here: this matrix. What does not: areas (``ranking``), and drawing clusters (``bootstrap``). The ranking is cut into
blocks: pairs of different blocks are a product of counts by block and cluster, and only those within a block are looked at one by
one. Ties count half; a tie that is wider than a block is a product of counts too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.evaluation.sample import Floats, Ints

_LEAST_WIDTH = 32
_CLUSTERS_PER_ROW = 8
"""Clusters for each row of a block's width: where pairs within blocks cost as much as products between them."""
_CELLS = 500_000
"""Blocks x clusters held at once (4 MB, and the pairs within them some 30 MB)."""


@dataclass(frozen=True)
class ClassRows:
    """The rows of one class by rising score."""

    scores: Floats
    clusters: Ints
    weights: Floats | None

    def between(self, start: int, end: int) -> "ClassRows":
        """Some of them."""
        weights = None if self.weights is None else self.weights[start:end]
        return ClassRows(self.scores[start:end], self.clusters[start:end], weights)

    def count(self, columns: Ints, width: int, clusters: int) -> Floats:
        """The rows' weight by cluster and column: clusters x ``width``."""
        counted = np.bincount(self.clusters * width + columns, weights=self.weights, minlength=clusters * width)
        return counted.reshape(clusters, width).astype(np.float64, copy=False)


def count_wins(positives: ClassRows, negatives: ClassRows, clusters: int) -> Floats:
    """Clusters x clusters: the weight of the pairs that positives of the one win over negatives of the other."""
    width = max(_LEAST_WIDTH, clusters // _CLUSTERS_PER_ROW)
    below = np.searchsorted(negatives.scores, positives.scores, "left")
    upto = np.searchsorted(negatives.scores, positives.scores, "right")
    # A row's block is that of the first row with its score, so that no tie lies in two of them.
    block = (below + np.searchsorted(positives.scores, positives.scores, "left")) // width
    before = np.searchsorted(positives.scores, negatives.scores, "left")
    negative_block = (np.searchsorted(negatives.scores, negatives.scores, "left") + before) // width
    blocks = 1 + int(max(block[-1] if len(block) else 0, negative_block[-1] if len(negative_block) else 0))
    held = np.zeros(clusters)
    wins = np.zeros((clusters, clusters))
    step = max(1, min(blocks, _CELLS // clusters))
    for start in range(0, blocks, step):
        rows = slice(*np.searchsorted(block, [start, start + step]))
        others = slice(*np.searchsorted(negative_block, [start, start + step]))
        own, beaten = positives.between(rows.start, rows.stop), negatives.between(others.start, others.stop)
        by_block = own.count(block[rows] - start, step, clusters)
        lost = beaten.count(negative_block[others] - start, step, clusters)
        reached = np.cumsum(lost, axis=1)
        wins += by_block @ (reached - lost + held[:, None]).T
        held += reached[:, -1]
        inside = np.searchsorted(negative_block, block[rows], "left") - others.start
        wins += _within(own, beaten, (inside, below[rows] - others.start, upto[rows] - others.start), width, clusters)
    return wins


def _within(own: ClassRows, beaten: ClassRows, ends: tuple[Ints, Ints, Ints], width: int, clusters: int) -> Floats:
    """Pairs within a block: each positive with the negatives between the first two ``ends``, half with those up to the third."""
    first, below, upto = ends
    is_wide = upto - below > width
    last = np.where(is_wide, below, upto)
    counts = last - first
    owner = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    weight: Any = None
    if own.weights is not None and beaten.weights is not None:
        weight = own.weights[owner] * beaten.weights[place]
    if np.any((upto > below) & ~is_wide):
        weight = np.where(place >= below[owner], 0.5, 1.0) * (1.0 if weight is None else weight)
    cells = own.clusters[owner] * clusters + beaten.clusters[place]
    wins: Floats = np.bincount(cells, weights=weight, minlength=clusters**2).reshape(clusters, clusters).astype(np.float64)
    return wins + _wide_ties(own, beaten, (below, upto), is_wide, clusters) if is_wide.any() else wins


def _wide_ties(own: ClassRows, beaten: ClassRows, ends: tuple[Ints, Ints], is_wide: Any, clusters: int) -> Floats:
    """Half the pairs of equal scores, of those that more rows share than a block is wide."""
    below, upto = ends
    starts, at, column = np.unique(below[is_wide], return_index=True, return_inverse=True)
    ties = len(starts)
    lengths = upto[is_wide][at] - starts
    weights = None if own.weights is None else own.weights[is_wide]
    tied = ClassRows(own.scores[is_wide], own.clusters[is_wide], weights).count(column, ties, clusters)
    places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths - starts, lengths)
    weights = None if beaten.weights is None else beaten.weights[places]
    equal = ClassRows(beaten.scores[places], beaten.clusters[places], weights)
    return tied @ equal.count(np.repeat(np.arange(ties), lengths), ties, clusters).T / 2
