"""What a model loses where a feature loses detail: two small fits on a sample, alike but for that feature.

What belongs here: the measurement. What does not: which features a change of the policy reaches (the stage ``disclosure``). The
model is gradient boosting as scikit-learn has it, not the project's own: what is compared is the column's worth, and a model that
takes minutes to train would not be fitted for it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.disclosure.crowds import Floats, encode, encode_in_order
from tasks.params.models import Task

ROWS = 20_000
_FEWEST = 200
_CATEGORIES = 250


@dataclass(frozen=True)
class Loss:
    """A metric (higher is better) on the half of the rows that was not fitted on."""

    metric: str
    before: float
    after: float
    rows: int


def measure_loss(before: pa.Table, after: pa.Table, label: pa.ChunkedArray, task: Task, seed: int) -> Loss | None:
    """The area under the ROC curve (binary), accuracy (multiclass) or R² (regression) on ``before`` and on ``after``.

    Both have the same rows and columns. At most 20,000 labelled rows are drawn by ``seed``, half to fit on and half to measure;
    None where there are fewer than 200, or one half has a single class.
    """
    is_labelled = np.flatnonzero(label.is_valid().to_numpy(zero_copy_only=False))
    random = np.random.default_rng(seed)
    chosen = random.permutation(is_labelled)[:ROWS]
    half = len(chosen) // 2
    if half * 2 < _FEWEST:
        return None
    targets = label.take(pa.array(chosen))
    target = targets.to_numpy().astype(np.float64) if task == "regression" else encode(targets)[0]
    if min(len(np.unique(target[:half])), len(np.unique(target[half:]))) < 2:
        return None
    scores = [_score(_numbers(table.take(pa.array(chosen))), target, half, task, seed) for table in (before, after)]
    return Loss({"binary": "ROC AUC", "multiclass": "accuracy", "regression": "R²"}[task], scores[0], scores[1], half)


def _numbers(rows: pa.Table) -> Floats:
    """Numbers as they are (NULL: NaN); texts as the number of their value, the rarest beyond 250 as one."""
    return np.column_stack([_column(rows.column(name)) for name in rows.column_names])


def _column(column: pa.ChunkedArray) -> Floats:
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers: Floats = column.cast(pa.float64()).to_numpy()
        return numbers
    codes, count = encode_in_order(column.cast(pa.string()))
    by_frequency = np.argsort(-np.bincount(codes, minlength=count), kind="stable")
    place = np.empty(count, np.int64)
    place[by_frequency] = np.arange(count)
    return np.minimum(place[codes], _CATEGORIES).astype(np.float64)


def _score(features: Floats, target: Any, half: int, task: Task, seed: int) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import roc_auc_score

    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    model = kind(max_iter=60, early_stopping=False, random_state=seed).fit(features[:half], target[:half])
    if task == "binary":
        return float(roc_auc_score(target[half:], model.predict_proba(features[half:])[:, 1]))
    return float(model.score(features[half:], target[half:]))
