"""What a metric is: sums over rows, and a function of these sums.

What belongs here: the form of metrics, and of what they are computed from. What does not: any one metric (``binary``,
``multiclass``, ``regression``), and resampling (``bootstrap``). A metric that is a function of sums over rows is resampled
without looking at a row again: each cluster's sums are taken once, and a replicate only weighs them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.records import Direction

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

ECE_BINS = 15
"""Bins of equal width in the expected calibration error, as Guo et al. (2017, ICML) take them."""


@dataclass(frozen=True)
class Sample:
    """The labels of some rows, and one model's scores of them."""

    labels: Floats
    """0 and 1; or the number of the class in the sorted classes; or the number to predict."""
    scores: Floats
    """The positive's probability, or the predicted number (rows); or each class's probability (rows x classes)."""

    @property
    def hits(self) -> Floats:
        """The class that is predicted: the most probable one, the first of equals; of two, the positive from 0.5 on."""
        if self.scores.ndim == 1:
            found: Floats = (self.scores >= 0.5).astype(np.float64)
        else:
            found = self.scores.argmax(axis=1).astype(np.float64)
        return found


Statistics = Callable[[Sample], Any]
"""A sample -> rows x k, a dense or a sparse array (scipy) whose columns are summed over rows."""


def ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, NaN where ``whole`` is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(whole == 0, np.nan, part / whole)
    return found


def mean(sums: Floats) -> Floats:
    """The mean of a column whose sums are ``sums[:, 0]``, over rows whose weights sum to ``sums[:, 1]``."""
    return ratio(sums[:, 0], sums[:, 1])


@dataclass(frozen=True)
class Metric:
    """One metric: of sums over rows (``statistics``), the median of one number per row (``median_of``), of rows and their
    weights (``of_rows``), or of the whole ranking."""

    name: str
    direction: Direction
    statistics: Statistics | None = None
    value: Callable[[Floats], Floats] = mean
    """Sums (replicates x k) -> the metric of each replicate; NaN where it is undefined."""
    undefined_where: str = "a class is missing"
    """When the metric has no value, for the reader of a figure that is not there."""
    median_of: Callable[[Sample], Floats] | None = None
    of_rows: Callable[[Sample, Floats], float] | None = None
    """A sample and its rows' weights (all above 0) -> the metric: for what is no function of sums, and none of the ranking."""

    @property
    def is_of_ranking(self) -> bool:
        """Whether it looks at the whole ranking of the rows."""
        return self.statistics is None and self.median_of is None and self.of_rows is None


def with_count(*columns: Floats) -> Floats:
    """``columns`` and a column of ones, whose sum is the weight of the rows."""
    return np.column_stack([*columns, np.ones(len(columns[0]))])


def calibration_gaps(probability: Floats, is_hit: Floats) -> Floats:
    """Per row, in the column of its bin of ``probability``: probability less hit; then the count."""
    place = np.minimum((probability * ECE_BINS).astype(np.intp), ECE_BINS - 1)
    gaps = np.zeros((len(probability), ECE_BINS))
    gaps[np.arange(len(place)), place] = probability - is_hit
    return with_count(*gaps.T)


def mean_gap(sums: Floats) -> Floats:
    """The expected calibration error of the sums of :func:`calibration_gaps`."""
    return ratio(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1])
