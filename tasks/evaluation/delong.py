"""Variances of areas under ROC curves without resampling.

What belongs here: DeLong, DeLong & Clarke-Pearson (1988, Biometrics 44) by ranks (Sun & Xu 2014, IEEE Signal Processing
Letters 21), and its form for clustered rows (Obuchowski 1997, Biometrics 53), which is the same where each row is its own cluster.
What does not: intervals made of these (``tasks.gates``), and the areas under resampling (``ranking``).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.sample import Floats, Ints
from tasks.records import AreaErrors

Bools = NDArray[np.bool_]
_FEWEST = 2
"""Clusters of a class, of which a variance has a meaning."""


def area_errors(labels: Floats, scores: Mapping[str, Floats], clusters: Ints | None, cluster_count: int) -> AreaErrors | None:
    """Variances and covariance of the areas of ``scores`` (by role: ``challenger``, and perhaps ``champion``).

    ``labels`` are 0 and 1; ``clusters`` are 0 .. ``cluster_count`` - 1, None where rows are independent. None where a class has
    fewer than two clusters.
    """
    is_positive = labels == 1
    counts = [_present(is_positive, clusters, cluster_count), _present(~is_positive, clusters, cluster_count)]
    if min(counts) < _FEWEST:
        return None
    found = {role: _components(values, is_positive, clusters, cluster_count) for role, values in scores.items()}

    def covariance(one: str, other: str) -> float:
        (positives, negatives), (others_positives, others_negatives) = found[one], found[other]
        total = _corrected(positives @ others_positives, counts[0]) + _corrected(negatives @ others_negatives, counts[1])
        if clusters is not None:  # a row that is its own cluster is of one class, so that these products are all zero
            total += _corrected(positives @ others_negatives + negatives @ others_positives, cluster_count)
        return float(total)

    has_champion = "champion" in scores
    return AreaErrors(
        champion=covariance("champion", "champion") if has_champion else None,
        challenger=covariance("challenger", "challenger"),
        covariance=covariance("champion", "challenger") if has_champion else None,
    )


def _components(scores: Floats, is_positive: Bools, clusters: Ints | None, cluster_count: int) -> tuple[Floats, Floats]:
    """How much each cluster's positives, and its negatives, move the area: sums over its rows, as shares of their class.

    Without clusters the rows of each class stand by themselves, in their own order.
    """
    positives, negatives = scores[is_positive], scores[~is_positive]
    orders = np.argsort(positives), np.argsort(negatives)
    rising = positives[orders[0]], negatives[orders[1]]
    won = _share_below(rising[0], rising[1], orders[0])
    held = 1 - _share_below(rising[1], rising[0], orders[1])
    area = won.mean()
    parts = (won - area) / len(positives), (held - area) / len(negatives)
    if clusters is None:
        return parts
    return (
        np.bincount(clusters[is_positive], weights=parts[0], minlength=cluster_count).astype(np.float64),
        np.bincount(clusters[~is_positive], weights=parts[1], minlength=cluster_count).astype(np.float64),
    )


def _share_below(rising: Floats, others: Floats, order: Ints) -> Floats:
    """The share of ``others`` below each of ``rising`` (both by rising score), equal ones counting half; put back by ``order``."""
    found = np.empty(len(rising))
    found[order] = (np.searchsorted(others, rising, "left") + np.searchsorted(others, rising, "right")) / (2 * len(others))
    return found


def _present(is_of_class: Bools, clusters: Ints | None, cluster_count: int) -> int:
    """The clusters that have a row of the class."""
    if clusters is None:
        return int(np.count_nonzero(is_of_class))
    return int(np.count_nonzero(np.bincount(clusters[is_of_class], minlength=cluster_count)))


def _corrected(total: Any, count: int) -> Any:
    """A sum of squares, corrected for the mean that was taken from the same ``count`` values."""
    return total * count / (count - 1)
