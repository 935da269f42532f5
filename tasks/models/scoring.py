"""Scores of a fitted model.

What belongs here: the probability of the positive class, checked. What does not: what the scores are held against.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd


def predict_positive(model: Any, frame: "pd.DataFrame") -> NDArray[np.float64]:
    """The probability of class 1 for each row of ``frame`` (columns of :func:`~tasks.models.frames.feature_frame`).

    Raises :class:`~tasks.errors.ModelError` where the model raises, knows no class 1, or gives anything but one number from 0
    to 1 per row.
    """
    name = type(model).__name__
    classes = list(getattr(model, "classes_", ()))
    if 1 not in classes or not hasattr(model, "predict_proba"):
        raise ModelError(
            f"model {name}",
            found=f"the classes {classes}" if hasattr(model, "predict_proba") else "no predict_proba",
            expected="a fitted classifier of the classes 0 and 1 with predict_proba",
            next_step="train it on the labels 0 and 1",
        )
    try:
        found = np.asarray(model.predict_proba(frame), dtype=np.float64)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"model {name}",
            found=f"{type(error).__name__}: {' '.join(str(error).split())}",
            expected="scores for these features",
            next_step="train it on the features that params.yaml declares",
        ) from None
    if found.shape != (len(frame), len(classes)):
        _refuse(name, f"predict_proba of the shape {found.shape} for {len(frame):,} rows and {len(classes)} classes")
    scores = np.ascontiguousarray(found[:, classes.index(1)])
    if not np.all((scores >= 0) & (scores <= 1)):  # NaN is neither
        _refuse(name, f"{int(np.isnan(scores).sum()):,} NaN and {int(((scores < 0) | (scores > 1)).sum()):,} outside of 0 to 1")
    return scores


def _refuse(name: str, found: str) -> None:
    raise ModelError(
        f"scores of model {name}",
        found=found,
        expected="one probability from 0 to 1 per row",
        next_step="mend the estimator; a Pipeline gets missing values as NaN and None",
    )
