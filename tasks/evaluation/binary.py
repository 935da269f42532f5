"""Metrics of a label that is 0 or 1 and the predicted probability of 1.

What belongs here: definitions, as scikit-learn has them. What does not: their resampling. What counts hits takes a
probability of 0.5 and more for positive.
"""

import numpy as np

from tasks.evaluation.sample import Floats, Metric, Sample, calibration_gaps, mean_gap, ratio, with_count

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 in ``log_loss``, as scikit-learn does, so that one certain mistake is finite."""


def _log_loss(sample: Sample) -> Floats:
    likelihood = np.where(sample.labels == 1, sample.scores, 1 - sample.scores)
    return with_count(-np.log(np.clip(likelihood, SMALLEST, 1 - SMALLEST)))


def _brier(sample: Sample) -> Floats:
    return with_count(np.square(sample.scores - sample.labels))


def _confusion(sample: Sample) -> Floats:
    """True positives, false positives, false negatives, true negatives."""
    hit, label = sample.hits, sample.labels
    return np.column_stack([hit * label, hit * (1 - label), (1 - hit) * label, (1 - hit) * (1 - label)])


def _ece(sample: Sample) -> Floats:
    return calibration_gaps(sample.scores, sample.labels)


def _accuracy(sums: Floats) -> Floats:
    return ratio(sums[:, 0] + sums[:, 3], sums.sum(axis=1))


def _balanced_accuracy(sums: Floats) -> Floats:
    return (_recall(sums) + ratio(sums[:, 3], sums[:, 3] + sums[:, 1])) / 2


def _precision(sums: Floats) -> Floats:
    return ratio(sums[:, 0], sums[:, 0] + sums[:, 1])


def _recall(sums: Floats) -> Floats:
    return ratio(sums[:, 0], sums[:, 0] + sums[:, 2])


def _f1(sums: Floats) -> Floats:
    return ratio(2 * sums[:, 0], 2 * sums[:, 0] + sums[:, 1] + sums[:, 2])


def _mcc(sums: Floats) -> Floats:
    """Matthews' correlation (1975, BBA 405); 0 where all are predicted alike, undefined where all are labelled alike."""
    tp, fp, fn, tn = sums.T
    spread = np.sqrt((tp + fp) * (tn + fn)) * np.sqrt((tp + fn) * (tn + fp))
    found = np.where(spread == 0, 0.0, ratio(tp * tn - fp * fn, spread))
    return np.where((tp + fn) * (tn + fp) == 0, np.nan, found)


_NO_POSITIVE = "no row is positive"
METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", "higher_is_better"),
        Metric("pr_auc", "higher_is_better"),
        Metric("log_loss", "lower_is_better", _log_loss),
        Metric("brier", "lower_is_better", _brier),
        Metric("ece", "lower_is_better", _ece, mean_gap),
        Metric("accuracy", "higher_is_better", _confusion, _accuracy),
        Metric("balanced_accuracy", "higher_is_better", _confusion, _balanced_accuracy),
        Metric("precision", "higher_is_better", _confusion, _precision, "no row is predicted positive"),
        Metric("recall", "higher_is_better", _confusion, _recall, _NO_POSITIVE),
        Metric("f1", "higher_is_better", _confusion, _f1, "no row is positive, or predicted so"),
        Metric("mcc", "higher_is_better", _confusion, _mcc),
    )
}
"""By name. ``pr_auc`` is average precision (no interpolation)."""
