"""Room for training: what the rows were read into is let go before the estimator makes copies of its own."""

import gc
import weakref
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from tasks.models import Brought, feature_frame, fit_recipe, train_recipe
from tasks.models import challengers as module
from tasks.params.models import Recipe
from tasks.records import ModelCard


class Watcher(ClassifierMixin, BaseEstimator):
    """Notes, when it is fitted, which of what it watches is still there."""

    watched: ClassVar[list[Any]] = []

    def fit(self, x: Any, y: Any) -> "Watcher":
        gc.collect()
        self.alive_ = [reference() is not None for reference in self.watched]
        self.classes_ = np.unique(y)
        return self


def _frame() -> pd.DataFrame:
    frame = feature_frame(pa.table({"size": [1.0, 2.0, None], "city": ["x", "y", None]}), ["size", "city"])
    Watcher.watched.append(weakref.ref(frame))
    return frame


def test_the_frame_is_gone_when_the_estimator_is_fitted() -> None:
    """What was prepared from it is enough."""
    Watcher.watched.clear()
    model = fit_recipe(Watcher(), _frame(), np.array([0, 1, 1]), seed=1)
    assert model[-1].alive_ == [False]


def test_the_rows_are_gone_when_the_estimator_is_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table that was read too, whoever read it."""
    Watcher.watched.clear()
    monkeypatch.setattr("tasks.models.training.load_estimator", lambda *_: Watcher())

    def read(_: Recipe) -> tuple[tuple[str, ...], pa.Table]:
        rows = pa.table({"label": pa.array([0, 1, 1], pa.int8()), "size": [1.0, 2.0, 3.0]})
        Watcher.watched.append(weakref.ref(rows))
        return ("train",), rows

    recipe = Recipe(estimator="any.Watcher", split="s", part="train")
    model, card = train_recipe(recipe, tmp_path, read, ("size",), seed=1, role="challenger")
    assert (model[-1].alive_, card.rows) == ([False], 3)


def test_equal_texts_are_one_object() -> None:
    """A column of a few words costs a reference per row, in however many pieces it was read."""
    column = pa.chunked_array([["far", None], ["far" + "", "near"], ["f" + "ar"]])
    city = feature_frame(pa.table({"city": column}), ["city"])["city"]
    assert city.tolist() == ["far", None, "far", "near", "far"]
    assert city[0] is city[2] is city[4]


def test_a_frame_may_be_written_to() -> None:
    """A user's pipeline may change what it is given, and the table stays as it was."""
    table = pa.table({"size": [1.0, 2.0], "city": ["x", "y"]})
    frame = feature_frame(table, ["city", "size"])
    frame.loc[0, "size"] = 9.0
    assert frame["size"].tolist() == [9.0, 2.0]
    assert table["size"].to_pylist() == [1.0, 2.0]


@pytest.mark.parametrize("rows", [0, 1, 5, 6])
def test_rows_are_scored_in_batches(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scores, whatever the batches; a model gets no frame of all rows."""
    sizes: list[int] = []

    class Model:
        def predict(self, frame: pd.DataFrame) -> np.ndarray:
            sizes.append(len(frame))
            return frame["size"].to_numpy() * 2

    card = ModelCard.model_construct(features=("size",), classes=())
    table = pa.table({"row_key": [str(n) for n in range(rows)], "size": pa.array(range(rows), pa.float64())})
    monkeypatch.setattr(module, "_SCORED_AT_ONCE", 2)
    assert Brought(card, Model()).score(table, "regression").tolist() == [2.0 * n for n in range(rows)]
    assert max(sizes) <= 2
