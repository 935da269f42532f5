"""Intervals by resampling clusters: rows of one day, or of one entity, are not independent, so they are drawn together.

What belongs here: drawing cluster weights, and turning replicates into an interval. What does not: what is measured
(``metrics``, ``ranking``). A replicate draws as many clusters as there are, with replacement, so that it is a vector of
multinomial counts; champion and challenger are measured under the same counts, which makes their difference a paired one
(percentile interval: Efron & Tibshirani 1993, chapter 13; clusters as units: Field & Welsh 2007, JRSS B 69).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.sample import Floats
from tasks.records import Interval

FEWEST_CLUSTERS = 10
"""With fewer, the interval of a cluster bootstrap is far too narrow; there is none rather than a wrong one."""
MOST_UNDEFINED_FRACTION = 0.05
"""Replicates that lack a class are left out up to this share; beyond it, what is left is no picture of the whole."""
_CELLS = 2_000_000
"""Weights that are drawn, or worked on as numbers of 8 bytes, at once (16 MB): memory does not grow with clusters x replicates."""
_MOST_CELLS = 64_000_000
"""Weights of one byte that are held at once (64 MB)."""
_WIDTH = 32
"""Replicates of one block, where its cells allow: a ranking then looks at each row once for all of them."""
MOST_DRAWN = 20_000
"""Clusters up to which exactly as many are drawn; beyond it each is drawn a Poisson number of times, mean 1, by itself."""


def cluster_weights(clusters: int, replicates: int, seed: int) -> Iterator[NDArray[Any]]:
    """How often each of ``clusters`` is drawn, ``replicates`` rows in all, in blocks (rows x clusters) of bounded memory.

    The counts are whole numbers, of type float64, or uint8 beyond ``MOST_DRAWN`` clusters.

    Multinomial counts of as many draws as there are clusters; beyond ``MOST_DRAWN`` clusters independent Poisson counts, which
    a multinomial with many cells tends to (Poisson bootstrap: Chamandy et al. 2012, Google) and which cost a tenth. Every
    metric is a ratio of sums, so that the number of rows in a replicate, which then varies, cancels.
    """
    generator = np.random.default_rng(seed)
    block = max(1, _CELLS // clusters)
    if clusters > MOST_DRAWN:
        yield from _poisson_weights(clusters, replicates, generator, block)
        return
    for start in range(0, replicates, block):
        rows = min(block, replicates - start)
        drawn = generator.integers(0, clusters, size=(rows, clusters))
        drawn += np.arange(rows)[:, None] * clusters
        yield np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)


def _poisson_weights(clusters: int, replicates: int, generator: np.random.Generator, block: int) -> Iterator[NDArray[np.uint8]]:
    """Drawn ``block`` replicates at a time, on which what is drawn depends, and handed out in wider blocks."""
    width = max(block, min(_WIDTH, _MOST_CELLS // clusters) // block * block)
    for first in range(0, replicates, width):
        last = min(first + width, replicates)
        counts = np.empty((last - first, clusters), np.uint8)
        for start in range(first, last, block):
            rows = min(block, last - start)
            drawn = generator.integers(0, len(_POISSON), size=(rows, clusters), dtype=np.uint16)
            np.take(_POISSON, drawn, out=counts[start - first : start - first + rows])
        yield counts


def in_numbers(weights: NDArray[Any]) -> Iterator[Floats]:
    """``weights`` (replicates x clusters) as float64, a few replicates at a time where they are many cells."""
    block = max(1, _CELLS // max(1, weights.shape[1]))
    for start in range(0, len(weights), block):
        yield weights[start : start + block].astype(np.float64, copy=False)


def _poisson_table(size: int) -> NDArray[np.uint8]:
    """A Poisson variable of mean 1 by inversion, at ``size`` evenly spaced quantiles: one look-up per draw."""
    counts = np.arange(20)
    reached = np.cumsum(np.exp(-1) / np.array([math.factorial(count) for count in counts]))
    return np.searchsorted(reached, (np.arange(size) + 0.5) / size).astype(np.uint8)


_POISSON = _poisson_table(2**16)


def percentile_interval(values: Floats, confidence: float) -> tuple[Interval | None, str]:
    """The central ``confidence`` share of replicate ``values`` (NaN: undefined), or None and why there is none."""
    is_defined = np.isfinite(values)
    undefined = np.count_nonzero(~is_defined) / len(values)
    if undefined > MOST_UNDEFINED_FRACTION:
        return None, f"it is undefined in {undefined:.1%} of the replicates (they lack a class, or a prediction of one)"
    tail = (1 - confidence) / 2
    low, high = quantiles(np.sort(values[is_defined]), (tail, 1 - tail))
    return Interval(low=low, high=high, confidence=confidence), ""


def quantiles(rising: Floats, shares: Sequence[float]) -> list[float]:
    """The quantiles of ``rising`` values at ``shares``: ``numpy.quantile``'s to the last digit, at a tenth of its cost."""
    place = np.asarray(shares) * (len(rising) - 1)
    before = np.floor(place).astype(np.intp)
    low, high, share = rising[before], rising[np.minimum(before + 1, len(rising) - 1)], place - before
    return [float(value) for value in np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1 - share))]
