"""Fitting: seeds, preparation, the card, and refusals."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from small_models import ESTIMATORS, small_frame

from tasks.errors import DatasetError, ModelError
from tasks.models import (
    describe_stored_model,
    feature_frame,
    fit_recipe,
    predict_positive,
    select_parts,
    train_recipe,
    training_seed,
)
from tasks.models.training import seed_estimator
from tasks.params.models import Recipe, StoredModel

FEATURES = ("size", "speed", "city", "van")


def _table(rows: int = 200, unlabelled: int = 0) -> pa.Table:
    frame, label = small_frame(rows=rows)
    columns = {name: pa.array(frame[name], from_pandas=True) for name in FEATURES}
    known = pa.array(label, mask=np.arange(rows) < unlabelled)
    return pa.table({"row_key": [f"r{i}" for i in range(rows)], "label": known, **columns})


def _recipe(**parameters) -> Recipe:
    parameters = {"max_iter": 3} | parameters
    return Recipe(estimator="sklearn.ensemble.HistGradientBoostingClassifier", parameters=parameters, split="by_day", part="train")


def _train(recipe: Recipe, table: pa.Table, root: Path = Path(), role: str = "challenger"):
    return train_recipe(recipe, root, lambda _: (("train",), table), FEATURES, seed=training_seed(5), role=role)


def test_the_card_says_how_the_model_came_to_be():
    """Recipe, rows that had a label, features, seed, view, and every parameter, the derived seed included."""
    _, card = _train(_recipe(), _table(unlabelled=20))
    assert (card.role, card.basis, card.view, card.split, card.part) == ("challenger", "recipe", "masked", "by_day", "train")
    assert (card.rows, card.features, card.seed) == (180, FEATURES, training_seed(5))
    assert card.estimator == "sklearn.ensemble.HistGradientBoostingClassifier"
    parameters = json.loads(card.parameters)
    assert parameters["max_iter"] == 3
    assert isinstance(parameters["random_state"], int)


def test_the_card_of_a_file_names_no_folder(tmp_path: Path):
    """Where a user keeps his file is nobody's business."""
    source = "from sklearn.linear_model import LogisticRegression\nestimator = LogisticRegression()\n"
    (tmp_path / "mine.py").write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    recipe = Recipe(file=str(tmp_path / "mine.py"), sha256=digest, split="s", part="train")
    _, card = _train(recipe, _table(), tmp_path)
    assert (card.name, card.estimator) == ("mine", "mine.py: LogisticRegression")
    assert str(tmp_path) not in card.to_json()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_kind_of_estimator_learns_from_numbers_texts_and_gaps(name):
    """Prepared for or with a pipeline of its own, it tells the label on rows it has not seen, with texts it has not seen."""
    frame, label = small_frame()
    model = fit_recipe(ESTIMATORS[name](), frame, label, seed=1)
    other, truth = small_frame(seed=9)
    other.loc[0, ["city", "van"]] = "nowhere" if name not in ("own pipeline", "calibrated pipeline") else "far"
    scores = predict_positive(model, other)
    assert scores.shape == (200,)
    assert scores[truth == 1].mean() > scores[truth == 0].mean() + 0.1


@pytest.mark.parametrize("name", ["boosting", "logistic"])
def test_a_feature_without_a_value_in_training_does_no_harm(name):
    """A number or a text that was never there in training may come up later."""
    frame, label = small_frame()
    gone = frame.assign(speed=np.nan, van=pd.Series([None] * len(frame), dtype=object))
    model = fit_recipe(ESTIMATORS[name](), gone, label, seed=1)
    assert predict_positive(model, frame).shape == (200,)


def test_a_text_with_many_values_is_an_order_not_a_category():
    """Beyond the bins of gradient boosting a text still is a feature."""
    frame, label = small_frame(rows=800)
    frame["van"] = pd.Series([f"van {i}" for i in range(800)], dtype=object)
    model = fit_recipe(HistGradientBoostingClassifier(max_iter=2), frame, label, seed=1)
    assert model[-1].categorical_features == [0]


def test_categories_that_the_recipe_names_are_left_alone():
    """Own settings of a recipe stand."""
    frame, label = small_frame()
    model = fit_recipe(HistGradientBoostingClassifier(max_iter=2, categorical_features=None), frame, label, seed=1)
    assert model[-1].categorical_features is None


def test_open_seeds_are_filled_by_name_and_others_stand():
    """Nested estimators and shuffling folds get seeds of their own; a seed that is given is kept."""
    inner = RandomForestClassifier(n_estimators=1)
    estimator = CalibratedClassifierCV(inner, cv=StratifiedKFold(2, shuffle=True))
    seed_estimator(estimator, 3)
    seeds = {estimator.estimator.random_state, estimator.cv.random_state}
    assert None not in seeds
    assert len(seeds) == 2
    fixed = RandomForestClassifier(random_state=11)
    seed_estimator(fixed, 3)
    assert fixed.random_state == 11


def test_equal_recipes_of_both_roles_are_equal_models():
    """One seed for both roles: a champion judged against itself shows no difference."""
    scores = []
    for role in ("champion", "challenger"):
        recipe = _recipe(early_stopping=True)
        model, _ = _train(recipe, _table(), role=role)
        scores.append(predict_positive(model, feature_frame(_table(), FEATURES)))
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize(
    ("label", "found"), [([1] * 200, "only 1 in 200 rows"), ([0] * 200, "only 0"), ([None] * 200, "no labelled row")]
)
def test_a_constant_or_missing_label_is_refused(label, found):
    """There is nothing to learn, and no model that looks as if."""
    table = _table().set_column(1, "label", pa.array(label, pa.int8()))
    with pytest.raises(ModelError) as caught:
        _train(_recipe(), table)
    assert found in caught.value.found


def test_an_estimator_that_cannot_fit_is_one_message():
    """What scikit-learn says, with the estimator's name."""
    with pytest.raises(ModelError, match="HistGradientBoostingClassifier") as caught:
        _train(_recipe(learning_rate=-1.0), _table())
    assert "learning_rate" in caught.value.found


def test_an_estimator_that_ends_the_program_is_refused(tmp_path: Path):
    """Its exit code would be taken for a verdict; the line of the user's file is told instead."""
    source = (
        "import sys\nfrom sklearn.linear_model import LogisticRegression\n\nclass Quits(LogisticRegression):\n"
        "    def fit(self, X, y):\n        sys.exit(1)\n\nestimator = Quits()\n"
    )
    (tmp_path / "mine.py").write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    with pytest.raises(ModelError, match="fit of Quits") as caught:
        _train(Recipe(file="mine.py", sha256=digest, split="by_day", part="train"), _table(), tmp_path)
    assert "line 6: SystemExit: 1" in caught.value.found


def test_a_missing_feature_is_refused():
    """A features dataset of other declarations is no input."""
    with pytest.raises(ModelError, match="speed"):
        feature_frame(_table().drop_columns(["speed"]), FEATURES)


def test_the_frame_has_floats_and_texts_only():
    """NULL is NaN in numbers and None in texts; the order is that of the features."""
    table = pa.table({"city": pa.array(["x", None]), "size": pa.array([1.5, None]), "key": ["a", "b"]})
    frame = feature_frame(table, ["size", "city"])
    assert list(frame.columns) == ["size", "city"]
    assert frame["size"].dtype == np.float64
    assert np.isnan(frame["size"][1])
    assert frame["city"].tolist() == ["x", None]


def test_rows_of_a_part_come_in_order_of_time_and_key():
    """Whatever the partitions, a recipe sees its rows in one order."""
    at = pa.array([3, 1, 2, 1]).cast(pa.timestamp("us", "UTC"))
    features = pa.table({"row_key": ["a", "d", "c", "b"], "at_utc": at})
    assignments = pa.table({"row_key": ["a", "b", "c", "d"], "part": ["train", "train", "test", "train"]})
    pieces = [features.slice(0, 1), features.slice(1)]
    found = select_parts(lambda names: [piece.select(names) for piece in pieces], [assignments], ("train",), ("row_key", "at_utc"))
    assert found.column("row_key").to_pylist() == ["b", "d", "a"]


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_part_without_rows_or_features_is_refused(part):
    """A split of another snapshot, or an empty part, is not trained on."""
    features = pa.table({"row_key": ["a"], "at_utc": pa.array([3]).cast(pa.timestamp("us", "UTC"))})
    assignments = pa.table({"row_key": ["a", "b"], "part": ["train", "train"]})
    with pytest.raises(DatasetError):
        select_parts(lambda names: [features.select(names)], [assignments], (part,), ("row_key", "at_utc"))


def test_a_champion_of_the_raw_view_is_refused():
    """Features are masked: its logged scores are asked for instead."""
    stored = StoredModel(model="production.skops", sha256="0" * 64, view="raw")
    with pytest.raises(ModelError, match="log its scores"):
        describe_stored_model(stored, LogisticRegression(), FEATURES)
