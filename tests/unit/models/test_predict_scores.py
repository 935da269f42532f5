"""Scores of classes and of numbers: one row of probabilities, or one number, per row, or an error."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from small_models import small_frame

from tasks.errors import ModelError
from tasks.models import class_names, dump_model, fit_recipe, load_estimator, load_model, predict_classes, predict_number
from tasks.params.models import Recipe


class _Model:
    """A model that gives what it is told to."""

    def __init__(self, scores, classes=None):
        self._scores = np.asarray(scores, dtype=float)
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def predict_proba(self, frame):
        return self._scores

    predict = predict_proba


FRAME = pd.DataFrame({"size": [1.0]})


def test_columns_follow_the_asked_classes():
    """Whatever the model's own order; a class that it never saw has no chance."""
    model = _Model([[0.7, 0.3]], classes=("b", "a"))
    assert predict_classes(model, FRAME, ("a", "b", "c")).tolist() == [[0.3, 0.7, 0.0]]


@pytest.mark.parametrize(
    ("classes", "names"), [([1, 2], ("1", "2")), ([1.0, 2.5], ("1", "2.5")), ([False, True], ("false", "true")), (["a"], ("a",))]
)
def test_classes_are_named_as_labels_are(classes, names):
    """A stored model that learned numbers tells the same classes as the label's texts."""
    assert class_names(_Model([[1.0]], classes=classes)) == names


@pytest.mark.parametrize(
    "model",
    [
        _Model([[0.5, np.nan]], ("a", "b")),
        _Model([[0.5, 0.4]], ("a", "b")),
        _Model([[1.5, -0.5]], ("a", "b")),
        _Model([[0.2, 0.8]], ("a", "other")),
        _Model([[1.0]], ("a",)),
        _Model([[0.5, 0.5]]),
    ],
    ids=["NaN", "no sum of 1", "out of range", "another class", "one class", "no classes"],
)
def test_scores_that_are_no_probabilities_of_the_classes_are_refused(model):
    """Nothing but probabilities of the label's own classes is a score."""
    with pytest.raises(ModelError):
        predict_classes(model, FRAME, ("a", "b"))


@pytest.mark.parametrize("model", [_Model([np.nan]), _Model([np.inf]), _Model([1.0, 2.0]), _Model([1.0], ("a", "b")), object()])
def test_predictions_that_are_no_numbers_are_refused(model):
    """NaN, infinity, too many, a classifier, no model."""
    with pytest.raises(ModelError):
        predict_number(model, FRAME)


@pytest.mark.parametrize("estimator", [HistGradientBoostingRegressor(max_iter=5), Ridge(), RandomForestRegressor(5)])
def test_a_regressor_learns_from_numbers_texts_and_gaps(estimator):
    """It is prepared as a classifier is, stored without pickle, and predicts the same once loaded."""
    frame, _ = small_frame()
    truth = 3 * frame["size"].to_numpy() + (frame["city"] == "far")
    model = fit_recipe(estimator, frame, truth, seed=1)
    predicted = predict_number(model, frame)
    assert np.corrcoef(predicted, truth)[0, 1] > 0.7
    assert np.array_equal(predict_number(load_model(dump_model(model)), frame), predicted)


@pytest.mark.parametrize("estimator", [HistGradientBoostingClassifier(max_iter=5), LogisticRegression()])
def test_a_classifier_learns_names(estimator):
    """Classes are texts, and stay so in the stored model."""
    frame, label = small_frame()
    names = np.array(["no", "perhaps", "yes"])[label + (frame["size"] > 1)]
    model = load_model(dump_model(fit_recipe(estimator, frame, names, seed=1)))
    scores = predict_classes(model, frame, ("no", "perhaps", "yes"))
    assert (np.array(["no", "perhaps", "yes"])[scores.argmax(axis=1)] == names).mean() > 0.8


@pytest.mark.parametrize(
    ("path", "task", "found"),
    [
        ("sklearn.linear_model.LogisticRegression", "regression", "no regressor"),
        ("sklearn.linear_model.Ridge", "multiclass", "without predict_proba"),
    ],
)
def test_an_estimator_of_another_task_is_refused(tmp_path, path, task, found):
    """Before anything is fitted."""
    with pytest.raises(ModelError, match=found):
        load_estimator(Recipe(estimator=path, split="s", part="train"), tmp_path, task)


def test_a_constant_number_is_refused_without_telling_it():
    """All labels equal: nothing to learn, and the value is a row's own."""
    frame, _ = small_frame()
    with pytest.raises(ModelError) as caught:
        fit_recipe(DummyRegressor(), frame, np.full(len(frame), 41.5), seed=1)
    assert caught.value.found == "only one value in 200 rows"
