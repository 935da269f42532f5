"""The curves that a reader looks at: ROC, and predicted against observed in quantile bins.

What belongs here: a model's labels and scores as a few points. What does not: drawing them (``tasks.reporting``), and any
figure that is judged.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.evaluation.compare import read_labels, read_scores
from tasks.evaluation.measured import ROLES
from tasks.evaluation.outcomes import quantile_bins
from tasks.evaluation.sample import Floats, Sample
from tasks.params.models import Task

ROC_POINTS = 200
CALIBRATION_BINS = 15


def roc_points(labels: Floats, scores: Floats, most: int = ROC_POINTS, k: int = 1) -> list[tuple[float, float]]:
    """At most ``most`` points (false positive rate, true positive rate) of the ROC curve, (0, 0) and (1, 1) among them.

    Of the curve's own corners those are taken that lie nearest to equal steps along it, with ``k`` rows or more between any two;
    both classes must be there.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order], labels[order] == 1
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true = np.append(0, np.cumsum(positive)[last_of_tie]) / positive.sum()
    false = np.append(0, np.cumsum(~positive)[last_of_tie]) / (~positive).sum()
    walked = true + false
    kept = np.unique(np.searchsorted(walked, np.linspace(0, 2, most)).clip(0, len(walked) - 1))
    passed = np.append(0, last_of_tie + 1)[kept]
    apart = [0]
    for place in range(1, len(kept) - 1):
        if passed[place] - passed[apart[-1]] >= k and passed[-1] - passed[place] >= k:
            apart.append(place)
    return [(float(false[index]), float(true[index])) for index in kept[[*apart, len(kept) - 1]]]


def calibration_bins(labels: Floats, scores: Floats, bins: int = CALIBRATION_BINS, k: int = 1) -> list[tuple[float, float, int]]:
    """(mean score, mean label, rows) of at most ``bins`` groups of nearly equal size, ``k`` rows or more, by rising score.

    Equal scores share a bin, so that a model with few distinct scores has fewer bins.
    """
    place = quantile_bins(scores, bins, k)
    rows = np.bincount(place)
    is_filled = rows > 0
    predicted = np.bincount(place, weights=scores, minlength=len(rows))[is_filled] / rows[is_filled]
    observed = np.bincount(place, weights=labels, minlength=len(rows))[is_filled] / rows[is_filled]
    return [(float(p), float(o), int(n)) for p, o, n in zip(predicted, observed, rows[is_filled], strict=True)]


def roc_csv(predictions: pa.Table, task: Task = "binary", classes: Sequence[str] = (), k: int = 1) -> str:
    """The models' ROC curves as CSV: model, false_positive_rate, true_positive_rate; ``k`` rows or more between two points.

    ``multiclass``: the mean over classes of each against the rest. ``regression``: how well predictions rank rows above the
    labels' median before the others.
    """
    labels = read_labels(predictions, task, classes)
    points = [(role, *point) for role, scores in _scores(predictions, task, classes) for point in _roc(labels, scores, task, k)]
    return _csv(("model", "false_positive_rate", "true_positive_rate"), points)


def calibration_csv(predictions: pa.Table, task: Task = "binary", classes: Sequence[str] = (), k: int = 1) -> str:
    """What the models predict against what is observed, as CSV: model, predicted, observed, rows (``k`` or more).

    ``binary``: mean probability, share of positives. ``multiclass``: mean probability of the predicted class, share of rows on
    which it is right. ``regression``: mean prediction, mean label.
    """
    labels = read_labels(predictions, task, classes)
    rows = []
    for role, scores in _scores(predictions, task, classes):
        if task == "multiclass":
            is_right = (Sample(labels, scores).hits == labels).astype(np.float64)
            rows += [(role, *found) for found in calibration_bins(is_right, scores.max(axis=1), k=k)]
        else:
            rows += [(role, *found) for found in calibration_bins(labels, scores, k=k)]
    return _csv(("model", "predicted", "observed", "rows"), rows)


def _scores(predictions: pa.Table, task: Task, classes: Sequence[str]) -> Iterator[tuple[str, Floats]]:
    for role in ROLES:
        scores = read_scores(predictions, role, task, len(classes))
        if scores is not None:
            yield role, scores


def _roc(labels: Floats, scores: Floats, task: Task, k: int) -> list[tuple[float, float]]:
    if task == "binary":
        return roc_points(labels, scores, k=k)
    if task == "regression":
        median = np.median(labels)
        is_high = labels > median if (labels > median).any() else labels >= median
        return roc_points(is_high.astype(np.float64), scores, k=k)
    false = np.linspace(0, 1, ROC_POINTS)
    counts = np.bincount(labels.astype(np.intp), minlength=scores.shape[1])
    true = [_true_rates(labels == place, scores[:, place], false, k) for place in np.flatnonzero(counts)]
    return list(zip(false.tolist(), np.mean(true, axis=0).tolist(), strict=True))


def _true_rates(is_class: NDArray[np.bool_], scores: Floats, false: Floats, k: int) -> Floats:
    """One class's curve at the rates ``false``."""
    points = np.array(roc_points(is_class.astype(np.float64), scores, k=k))
    rates: Floats = np.interp(false, points[:, 0], points[:, 1])
    return rates


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str | float, ...]]) -> str:
    lines = (",".join(f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows)
    return "\n".join((",".join(header), *lines)) + "\n"
