"""Metrics of a label that is one of several classes and the predicted probability of each.

What belongs here: definitions, as scikit-learn has them. What does not: their resampling. The class that is predicted is the
most probable one. Confusion is counted per class in sparse columns: a row touches three of them, however many classes there are.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tasks.evaluation.binary import SMALLEST
from tasks.evaluation.sample import Floats, Metric, Sample, calibration_gaps, mean_gap, ratio, with_count

ROC_AUC = "roc_auc_ovr"
"""The mean over classes of the area under the curve of that class against the rest (Provost & Domingos 2000)."""
_PER_CLASS = re.compile(r"(precision|recall|f1)\[(.*)\]")


def _log_loss(sample: Sample) -> Floats:
    likelihood = sample.scores[np.arange(len(sample.labels)), sample.labels.astype(np.intp)]
    return with_count(-np.log(np.clip(likelihood, SMALLEST, 1 - SMALLEST)))


def _brier(sample: Sample) -> Floats:
    """The sum over classes of the squared distance (Brier 1950): from 0 to 2."""
    likelihood = sample.scores[np.arange(len(sample.labels)), sample.labels.astype(np.intp)]
    return with_count(np.square(sample.scores).sum(axis=1) - 2 * likelihood + 1)


def _ece(sample: Sample) -> Floats:
    """Of the predicted class: its probability against whether it is right."""
    return calibration_gaps(sample.scores.max(axis=1), (sample.hits == sample.labels).astype(np.float64))


def _confusion(sample: Sample) -> Any:
    """Per class: right predictions; then labels; then predictions (rows x 3 classes, sparse)."""
    from scipy.sparse import csr_array

    rows, width = sample.scores.shape
    label, hit = sample.labels.astype(np.intp), sample.hits.astype(np.intp)
    columns = np.column_stack([label, width + label, 2 * width + hit]).ravel()
    values = np.column_stack([label == hit, np.ones((rows, 2))]).astype(np.float64).ravel()
    return csr_array((values, columns, np.arange(0, 3 * rows + 1, 3)), shape=(rows, 3 * width))


def _parts(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Right predictions, labels, predictions: replicates x classes each."""
    right, label, hit = np.split(sums, 3, axis=1)
    return right, label, hit


def _mean_defined(values: Floats) -> Floats:
    """The mean over the classes for which there is a value; NaN where there is none."""
    is_defined = ~np.isnan(values)
    return ratio(np.where(is_defined, values, 0).sum(axis=1), is_defined.sum(axis=1).astype(np.float64))


def _accuracy(sums: Floats) -> Floats:
    right, label, _ = _parts(sums)
    return ratio(right.sum(axis=1), label.sum(axis=1))


def _precisions(sums: Floats) -> Floats:
    right, _, hit = _parts(sums)
    return ratio(right, hit)


def _recalls(sums: Floats) -> Floats:
    right, label, _ = _parts(sums)
    return ratio(right, label)


def _f1s(sums: Floats) -> Floats:
    right, label, hit = _parts(sums)
    return ratio(2 * right, label + hit)


def _mcc(sums: Floats) -> Floats:
    """The correlation of Gorodkin (2004); 0 where all are predicted alike, undefined where all are labelled alike."""
    right, label, hit = _parts(sums)
    rows = label.sum(axis=1)
    covariance = right.sum(axis=1) * rows - (label * hit).sum(axis=1)
    of_hits, of_labels = (rows**2 - (counts**2).sum(axis=1) for counts in (hit, label))
    found = np.where(of_hits == 0, 0.0, ratio(covariance, np.sqrt(of_hits) * np.sqrt(of_labels)))
    return np.where(of_labels == 0, np.nan, found)


_BY_CLASS: dict[str, tuple[Callable[[Floats], Floats], str]] = {
    "precision": (_precisions, "no row is predicted to be of the class"),
    "recall": (_recalls, "no row is of the class"),
    "f1": (_f1s, "no row is of the class, or predicted so"),
}
METRICS = {
    metric.name: metric
    for metric in (
        Metric(ROC_AUC, "higher_is_better"),
        Metric("log_loss", "lower_is_better", _log_loss),
        Metric("brier", "lower_is_better", _brier),
        Metric("ece", "lower_is_better", _ece, mean_gap),
        Metric("accuracy", "higher_is_better", _confusion, _accuracy),
        Metric("balanced_accuracy", "higher_is_better", _confusion, lambda sums: _mean_defined(_recalls(sums))),
        Metric("macro_f1", "higher_is_better", _confusion, lambda sums: _mean_defined(_f1s(sums))),
        Metric("mcc", "higher_is_better", _confusion, _mcc),
    )
}
"""By name; beside them ``precision[class]``, ``recall[class]`` and ``f1[class]`` of each class (:func:`metric_of_class`).
``balanced_accuracy`` is the mean recall of the classes that have rows, ``macro_f1`` the mean F1 of those that have rows or
predictions."""


def class_asked(name: str) -> str | None:
    """The class in a metric's name, ``f1[class]``; None where it is no metric of one class."""
    found = _PER_CLASS.fullmatch(name)
    return found[2] if found else None


def metric_of_class(name: str, classes: Sequence[str]) -> Metric:
    """The metric ``precision[class]``, ``recall[class]`` or ``f1[class]``, of a class that is among ``classes``."""
    kind, _, rest = name.partition("[")
    place = list(classes).index(rest.removesuffix("]"))
    values, undefined = _BY_CLASS[kind]
    return Metric(name, "higher_is_better", _confusion, lambda sums: values(sums)[:, place], undefined)


def class_scores(sample: Sample, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each class; NaN where undefined."""
    sums = weights[None, :] @ _confusion(sample)
    return _precisions(sums)[0], _recalls(sums)[0], _f1s(sums)[0]
