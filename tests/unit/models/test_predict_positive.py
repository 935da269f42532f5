"""Scores are one probability per row, or an error."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from small_models import small_frame

from tasks.errors import ModelError
from tasks.models import fit_recipe, predict_positive


class _Model:
    """A model that gives what it is told to."""

    def __init__(self, scores, classes=(0, 1)):
        self._scores = np.asarray(scores, dtype=float)
        self.classes_ = np.asarray(classes)

    def predict_proba(self, frame):
        return self._scores


@pytest.mark.parametrize(
    "scores",
    [[[0.5, np.nan]], [[-0.5, 1.5]], [[0.5, np.inf]], [[0.5, 0.5], [0.5, 0.5]], [0.5], [[1.0]]],
    ids=["NaN", "out of range", "infinite", "too many rows", "no classes", "one class"],
)
def test_scores_that_are_no_probabilities_are_refused(scores):
    """NaN never passes for a score."""
    frame, _ = small_frame(rows=1)
    with pytest.raises(ModelError):
        predict_positive(_Model(scores), frame)


def test_the_column_of_class_one_is_taken():
    """Whatever the order of a model's classes."""
    frame, _ = small_frame(rows=1)
    assert predict_positive(_Model([[0.2, 0.8]], classes=(1, 0)), frame).tolist() == [0.2]
    assert predict_positive(_Model([[0.2, 0.8]], classes=(False, True)), frame).tolist() == [0.8]


@pytest.mark.parametrize(
    "model", [_Model([[1.0, 0.0]], classes=("no", "yes")), LogisticRegression(), object()], ids=["texts", "unfitted", "no model"]
)
def test_a_model_without_a_class_one_is_refused(model):
    """There is no telling which class is the positive one."""
    frame, _ = small_frame(rows=1)
    with pytest.raises(ModelError, match="classes 0 and 1"):
        predict_positive(model, frame)


def test_a_model_that_ends_the_program_is_refused():
    """Its exit code would be taken for a verdict."""

    class Quits:
        classes_ = (0, 1)

        def predict_proba(self, _: object) -> None:
            raise SystemExit(1)

    frame, _ = small_frame(rows=1)
    with pytest.raises(ModelError, match="SystemExit"):
        predict_positive(Quits(), frame)


def test_features_that_a_model_does_not_know_are_refused():
    """A model of other features raises; the message says what it said."""
    frame, label = small_frame()
    model = fit_recipe(LogisticRegression(), frame, label, seed=1)
    with pytest.raises(ModelError, match="columns"):
        predict_positive(model, frame.drop(columns="speed"))
