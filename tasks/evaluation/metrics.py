"""The metrics that a comparison may name: their direction, and what they need of labels and scores.

What belongs here: what a metric is, row by row, and what makes its input unusable. What does not: resampling
(``bootstrap``), ranking (``ranking``), and how many rows of which slice are measured (``compare``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.errors import EvaluationError
from tasks.records import Direction

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 in ``log_loss``, as scikit-learn does, so that one certain mistake is finite."""


@dataclass(frozen=True)
class Metric:
    """One metric of a binary label and the predicted probability of the positive class."""

    name: str
    direction: Direction
    row_values: Callable[[Floats, Floats], Floats] | None
    """(labels, scores) -> one value per row whose mean is the metric; None for a metric of the ranking as a whole."""

    @property
    def needs_both_classes(self) -> bool:
        """A ranking of positives against negatives says nothing where one of them is missing."""
        return self.row_values is None


def _log_loss(labels: Floats, scores: Floats) -> Floats:
    likelihood = np.where(labels == 1, scores, 1 - scores)
    losses: Floats = -np.log(np.clip(likelihood, _SMALLEST, 1 - _SMALLEST))
    return losses


def _brier(labels: Floats, scores: Floats) -> Floats:
    losses: Floats = np.square(scores - labels)
    return losses


def _accuracy(labels: Floats, scores: Floats) -> Floats:
    hits: Floats = ((scores >= 0.5) == (labels == 1)).astype(np.float64)
    return hits


METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", "higher_is_better", None),
        Metric("pr_auc", "higher_is_better", None),
        Metric("log_loss", "lower_is_better", _log_loss),
        Metric("brier", "lower_is_better", _brier),
        Metric("accuracy", "higher_is_better", _accuracy),
    )
}
"""By name. ``pr_auc`` is average precision (no interpolation); ``accuracy`` takes a score of 0.5 and more for positive."""


def metric_named(name: str) -> Metric:
    """The metric called ``name``; raises :class:`~tasks.errors.EvaluationError` naming those there are."""
    if name not in METRICS:
        raise EvaluationError(
            f"metric {name!r}",
            found="no such metric",
            expected=f"one of {', '.join(METRICS)}",
            next_step="mend evaluation.metrics in params.yaml",
        )
    return METRICS[name]


def check_scores(scores: Floats, whose: str) -> None:
    """Refuse ``scores`` that are no probabilities; ``whose`` names them in the error.

    Raises :class:`~tasks.errors.EvaluationError` with counts where a score is NaN, infinite, below 0 or above 1.
    """
    finite = np.isfinite(scores)
    outside = int(np.count_nonzero((scores[finite] < 0) | (scores[finite] > 1)))
    broken = len(scores) - int(np.count_nonzero(finite))
    if broken or outside:
        raise EvaluationError(
            f"scores of the {whose}",
            found=f"{broken:,} that are NaN or infinite and {outside:,} outside 0 to 1, of {len(scores):,}",
            expected="the probability of the positive class for each row",
            next_step=f"mend what writes the scores of the {whose}; `dvc repro evaluate` then compares again",
        )
