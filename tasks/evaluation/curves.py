"""The curves that a reader looks at: ROC, and calibration in quantile bins.

What belongs here: a model's labels and scores as a few points. What does not: drawing them (``tasks.reporting``), and any
figure that is judged.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from tasks.evaluation.metrics import Floats

ROC_POINTS = 200
CALIBRATION_BINS = 15
_ROLES = ("champion", "challenger")


def roc_points(labels: Floats, scores: Floats, most: int = ROC_POINTS) -> list[tuple[float, float]]:
    """At most ``most`` points (false positive rate, true positive rate) of the ROC curve, (0, 0) and (1, 1) among them.

    Of the curve's own corners those are taken that lie nearest to equal steps along it; both classes must be there.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order], labels[order] == 1
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true = np.append(0, np.cumsum(positive)[last_of_tie]) / positive.sum()
    false = np.append(0, np.cumsum(~positive)[last_of_tie]) / (~positive).sum()
    walked = true + false
    kept = np.unique(np.searchsorted(walked, np.linspace(0, 2, most)).clip(0, len(walked) - 1))
    return [(float(false[index]), float(true[index])) for index in kept]


def calibration_bins(labels: Floats, scores: Floats, bins: int = CALIBRATION_BINS) -> list[tuple[float, float, int]]:
    """(mean score, share of positives, rows) of at most ``bins`` groups of nearly equal size, by rising score.

    Equal scores share a bin, so that a model with few distinct scores has fewer bins.
    """
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, scores, "left")
    rows = np.bincount(place, minlength=len(edges) + 1)
    is_filled = rows > 0
    predicted = np.bincount(place, weights=scores, minlength=len(rows))[is_filled] / rows[is_filled]
    observed = np.bincount(place, weights=labels, minlength=len(rows))[is_filled] / rows[is_filled]
    return [(float(p), float(o), int(n)) for p, o, n in zip(predicted, observed, rows[is_filled], strict=True)]


def roc_csv(predictions: pa.Table) -> str:
    """Both models' ROC curves as CSV: model, false_positive_rate, true_positive_rate."""
    points = [(role, *point) for role in _ROLES for point in roc_points(*_columns(predictions, role))]
    return _csv(("model", "false_positive_rate", "true_positive_rate"), points)


def calibration_csv(predictions: pa.Table) -> str:
    """Both models' calibration as CSV: model, predicted, observed, rows."""
    bins = [(role, *found) for role in _ROLES for found in calibration_bins(*_columns(predictions, role))]
    return _csv(("model", "predicted", "observed", "rows"), bins)


def _columns(predictions: pa.Table, role: str) -> tuple[Floats, Floats]:
    return predictions.column("label").to_numpy().astype(np.float64), predictions.column(f"{role}_score").to_numpy()


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str | float, ...]]) -> str:
    lines = (",".join(f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows)
    return "\n".join((",".join(header), *lines)) + "\n"
