"""The pairs won in rankings of few rows, under many replicates side by side: a slice then costs what its rows cost, not its calls.

What belongs here: the wins of rankings whose rows all count alike. What does not: making a ranking, and larger ones
(``ranking``). All figures are whole numbers or halves that the type holds exactly, so that none depends on the way taken.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.sample import Floats, Ints

MOST_ROWS = 4_000
"""Measured: from here on, a few replicates at a time cost as little."""
_CELLS = 1_200_000
"""Rows times replicates worked on at once: what lies close to the processor holds them."""
_MOST_EXACT = 2**24
"""Whole numbers that a float32 holds."""


@dataclass(frozen=True)
class RankedRows:
    """The clusters of each class's rows by rising score; of each positive, the negatives below it, and those up to its score."""

    positives: Ints
    negatives: Ints
    below: Ints
    upto: Ints

    @property
    def has_ties(self) -> bool:
        """Whether a positive and a negative have one score."""
        return not np.array_equal(self.below, self.upto)


def count_wins_of_few(weights: Floats, rankings: Sequence[RankedRows]) -> list[Floats]:
    """Of each of ``rankings`` the pairs that its positives win under each row of ``weights`` (replicates x clusters; whole
    numbers), ties counting half. The rankings are of the same rows, or of as many."""
    if not rankings:
        return []
    rows = max(len(ranked.positives) + len(ranked.negatives) for ranked in rankings)
    pairs = max(len(ranked.positives) * len(ranked.negatives) for ranked in rankings)
    most = int(weights.max(initial=0))
    whole: type[Any] = np.int16 if rows * most <= np.iinfo(np.int16).max else np.int32
    real: type[Any] = np.float32 if 2 * pairs * most**2 < _MOST_EXACT else np.float64
    width = max(1, _CELLS // max(1, rows))
    found: list[list[Floats]] = [[] for _ in rankings]
    for start in range(0, len(weights), width):
        by_cluster = np.ascontiguousarray(weights[start : start + width].T, dtype=whole)
        for won, ranked in zip(found, rankings, strict=True):
            won.append(_count(by_cluster, ranked, real))
    return [np.concatenate(won) for won in found]


def _count(by_cluster: NDArray[Any], ranked: RankedRows, real: type[Any]) -> Floats:
    before = _running_sums(by_cluster.take(ranked.negatives, axis=0))
    beaten = before.take(ranked.below, axis=0).astype(real)
    if ranked.has_ties:
        beaten += before.take(ranked.upto, axis=0)
        beaten *= 0.5
    beaten *= by_cluster.take(ranked.positives, axis=0)
    won: Floats = np.add.reduce(beaten, axis=0).astype(np.float64)
    return won


def _running_sums(values: NDArray[Any]) -> NDArray[Any]:
    """Sums of the rows (of ``values``: rows x replicates) before each position, and of all of them; further ones may follow."""
    rows, replicates = values.shape
    width = max(1, math.isqrt(rows))
    stretches = max(1, -(-rows // width))
    sums = np.empty((stretches * width + 1, replicates), values.dtype)
    sums[0], sums[1 : rows + 1], sums[rows + 1 :] = 0, values, 0
    stretch = sums[1:].reshape(stretches, width, replicates)
    for place in range(1, width):  # within each stretch, all stretches at once; then from stretch to stretch
        stretch[:, place] += stretch[:, place - 1]
    for place in range(1, stretches):
        stretch[place] += stretch[place - 1, -1]
    return sums
