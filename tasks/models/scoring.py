"""Scores of a fitted model.

What belongs here: probabilities and predicted numbers, checked. What does not: what the scores are held against.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import ModelError
from tasks.params.models import Task
from tasks.user_code import quote_error

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
_OFF_ONE = 1e-3
"""How far the probabilities of one row may sum from 1: float32 models round, and nothing sound is further off."""


def predict_scores(model: Any, frame: "pd.DataFrame", task: Task, classes: Sequence[str] = ()) -> Floats:
    """What ``model`` says of each row of ``frame``, as its task is scored.

    ``binary``: :func:`predict_positive`; ``regression``: :func:`predict_number`; ``multiclass``: :func:`predict_classes`, one
    column per class in the order of ``classes``. Raises :class:`~tasks.errors.ModelError` as these do.
    """
    if task == "multiclass":
        return predict_classes(model, frame, classes)
    return predict_positive(model, frame) if task == "binary" else predict_number(model, frame)


def predict_positive(model: Any, frame: "pd.DataFrame") -> Floats:
    """The probability of class 1 for each row of ``frame`` (columns of :func:`~tasks.models.frames.feature_frame`).

    Raises :class:`~tasks.errors.ModelError` where the model raises, knows no class 1, or gives anything but one number from 0
    to 1 per row.
    """
    classes = list(getattr(model, "classes_", ()))
    if 1 not in classes or not hasattr(model, "predict_proba"):
        raise ModelError(
            f"model {type(model).__name__}",
            found=f"the classes {classes}" if hasattr(model, "predict_proba") else "no predict_proba",
            expected="a fitted classifier of the classes 0 and 1 with predict_proba",
            next_step="train it on the labels 0 and 1",
        )
    return np.ascontiguousarray(_probabilities(model, frame, len(classes))[:, classes.index(1)])


def predict_classes(model: Any, frame: "pd.DataFrame", classes: Sequence[str]) -> Floats:
    """The probability of each of ``classes`` (rows x classes, in their order); 0 for a class that the model never saw.

    Raises :class:`~tasks.errors.ModelError` where the model raises, knows a class that is not among ``classes``, or gives
    anything but probabilities that sum to 1 per row.
    """
    name, known = type(model).__name__, class_names(model)
    others = sorted(set(known) - set(classes))
    if len(known) < 2 or others or not hasattr(model, "predict_proba"):
        raise ModelError(
            f"model {name}",
            found=f"{len(others)} classes that no row of the data has" if others else "no classes, or no predict_proba",
            expected="a fitted classifier of the label's classes with predict_proba",
            next_step="train it on the classes of label.column",
        )
    found = _probabilities(model, frame, len(known))
    off = int(np.count_nonzero(np.abs(found.sum(axis=1) - 1) > _OFF_ONE))
    if off:
        _refuse(name, f"{off:,} rows whose probabilities do not sum to 1", "probabilities that sum to 1 per row")
    place = {label: column for column, label in enumerate(known)}
    scores = np.zeros((len(frame), len(classes)))
    for column, label in enumerate(classes):
        if label in place:
            scores[:, column] = found[:, place[label]]
    return scores


def predict_number(model: Any, frame: "pd.DataFrame") -> Floats:
    """The predicted number for each row of ``frame``.

    Raises :class:`~tasks.errors.ModelError` where the model raises, is a classifier, or gives anything but one finite number
    per row.
    """
    name = type(model).__name__
    if hasattr(model, "classes_") or not hasattr(model, "predict"):
        raise ModelError(
            f"model {name}",
            found="a classifier" if hasattr(model, "classes_") else "no predict",
            expected="a fitted regressor",
            next_step="train a regressor, or set label.task to what the model predicts",
        )
    found = _asked(model.predict, name, frame)
    if found.shape not in ((len(frame),), (len(frame), 1)):
        _refuse(name, f"predictions of the shape {found.shape} for {len(frame):,} rows", "one number per row")
    numbers = np.ascontiguousarray(found.reshape(-1))
    broken = len(numbers) - int(np.count_nonzero(np.isfinite(numbers)))
    if broken:
        _refuse(name, f"{broken:,} that are NaN or infinite", "one finite number per row")
    return numbers


def class_names(model: Any) -> tuple[str, ...]:
    """The classes of a fitted classifier as the label's class names, in the order of its probabilities."""
    return tuple(_class_name(value) for value in getattr(model, "classes_", ()))


def _class_name(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return str(plain).lower()
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() else str(plain)


def _probabilities(model: Any, frame: "pd.DataFrame", width: int) -> Floats:
    name = type(model).__name__
    found = _asked(model.predict_proba, name, frame)
    expected = "one probability from 0 to 1 per row and class"
    if found.shape != (len(frame), width):
        _refuse(name, f"predict_proba of the shape {found.shape} for {len(frame):,} rows and {width} classes", expected)
    if not np.all((found >= 0) & (found <= 1)):  # NaN is neither
        outside = int(((found < 0) | (found > 1)).sum())
        _refuse(name, f"{int(np.isnan(found).sum()):,} NaN and {outside:,} outside of 0 to 1", expected)
    return found


def _asked(method: Any, name: str, frame: "pd.DataFrame") -> Floats:
    try:
        return np.asarray(method(frame), dtype=np.float64)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"model {name}",
            found=quote_error(error, known=frame.columns),
            expected="scores for these features",
            next_step="train it on the features that params.yaml declares",
        ) from None


def _refuse(name: str, found: str, expected: str) -> None:
    raise ModelError(
        f"scores of model {name}",
        found=found,
        expected=expected,
        next_step="mend the estimator; a Pipeline gets missing values as NaN and None",
    )
