"""Labels of each task: their values, and those that nothing could be learned from."""

import numpy as np
import pyarrow as pa
import pytest
from shop_tables import AS_OF, FEATURES, LABEL, TABLES, compute_features, features, make_shop

from tasks.errors import FeatureError
from tasks.features.label import MOST_CLASSES
from tasks.params.models import LabelParams


def _compute(values: pa.Array, task: str, positive: object = None) -> pa.ChunkedArray:
    """The labels, in order of the results' rows, where the label column holds ``values``."""
    shop = make_shop(3)
    results = shop["results"].slice(0, len(values))
    shop["results"] = results.set_column(results.column_names.index("is_late"), "is_late", values)
    label = LabelParams.model_validate({**LABEL.model_dump(), "task": task, "positive": positive})
    found = compute_features(shop, features(van=FEATURES["van"]), TABLES, label, as_of=AS_OF)
    kept = zip(*(results[name].to_pylist() for name in ("delivery", "leg")), strict=True)
    order = {key: number for number, key in enumerate(kept)}
    keys = zip(*(shop["deliveries"][name].to_pylist() for name in ("delivery", "leg")), strict=True)
    place = [order.get(key) for key in keys]
    chosen = sorted((number, index) for index, number in enumerate(place) if number is not None)
    return found["label"].take(pa.array([index for _, index in chosen]))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pa.array(["b", "a", None]), ["b", "a", None]),
        (pa.array([2, 10, None], pa.int16()), ["2", "10", None]),
        (pa.array([2.0, 1.5, np.nan]), ["2", "1.5", None]),
        (pa.array([True, False, None]), ["true", "false", None]),
    ],
)
def test_classes_are_named_by_text(values, names):
    """Texts stay, whole numbers lose what pandas adds for gaps, and NULL and NaN are no class."""
    found = _compute(values, "multiclass")
    assert (found.type, found.to_pylist()) == (pa.string(), names)


def test_a_number_is_a_float_and_nan_is_no_label():
    """Integers and floats alike become float64."""
    assert _compute(pa.array([3, -1, None], pa.int32()), "regression").to_pylist() == [3.0, -1.0, None]
    assert _compute(pa.array([3.5, np.nan, 1.0]), "regression").to_pylist() == [3.5, None, 1.0]


def test_nan_is_no_label_of_a_binary_task():
    """A gap in a float column is not a negative."""
    assert _compute(pa.array([1.0, np.nan, 0.0]), "binary", 1).to_pylist() == [1, None, 0]


@pytest.mark.parametrize(
    ("values", "task", "found"),
    [
        (pa.array(["a", "a", None]), "multiclass", "only one value in the labelled rows"),
        (pa.array([None, None], pa.string()), "multiclass", "no labelled row"),
        (pa.array(["a", "b", " "]), "multiclass", "a class without a name"),
        (pa.array([7.0, 7.0]), "regression", "only one value in the labelled rows"),
        (pa.array([7.0, np.inf, -np.inf]), "regression", "2 infinite of 3 labels"),
        (pa.array(["7", "8"]), "regression", "values of type string for the task regression"),
        (pa.array([True, False]), "regression", "values of type bool for the task regression"),
        (pa.array([0, 1], pa.timestamp("us", "UTC")), "multiclass", "values of type timestamp[UTC] for the task multiclass"),
    ],
)
def test_useless_labels_are_refused(values, task, found):
    """One class, none, infinite, without a name, of a type that cannot be: each says so."""
    with pytest.raises(FeatureError) as caught:
        _compute(values, task)
    assert found in caught.value.found


def test_too_many_classes_are_refused_with_advice():
    """An identifier, or a number, taken for a class ends in a message that names the limit and the other task."""
    shop = make_shop(3, rows=2 * 10_000)
    results = shop["results"]
    names = pa.array([f"c{number % 10_000}" for number in range(results.num_rows)])
    shop["results"] = results.set_column(results.column_names.index("is_late"), "is_late", names)
    label = LabelParams.model_validate({**LABEL.model_dump(), "task": "multiclass", "positive": None})
    with pytest.raises(FeatureError, match=f"(?s)10,000 classes.*at most {MOST_CLASSES}.*regression"):
        compute_features(shop, features(van=FEATURES["van"]), TABLES, label, as_of=AS_OF)
