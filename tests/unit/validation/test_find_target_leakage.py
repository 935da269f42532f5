"""A single feature that gives the label away is named; honest features, and labels that tell nothing, are told apart."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tasks.records import Finding
from tasks.validation.target_leakage import Task, _association, _rank
from tasks.validation.target_leakage import find_target_leakage as find_leakage

ROWS = 600


def find_target_leakage(table: pa.Table, names: list[str], *, task: Task) -> tuple[Finding, ...]:
    return find_leakage(table.column("label"), ((name, table.column(name)) for name in names), task=task)


def _label(seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(ROWS) < 0.3).astype("int8")


def _find(values: Any, label: Any | None = None, task: Any = "binary") -> list[str]:
    table = pa.table({"label": pa.array(_label() if label is None else label), "f": pa.array(values)})
    return [finding.kind for finding in find_target_leakage(table, ["f"], task=task)]


def _noise(seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=ROWS)


def test_honest_feature_is_not_suspected() -> None:
    """A feature that helps, but does not give the label away, passes."""
    assert _find(_label() + _noise()) == []


@pytest.mark.parametrize("sign", [1, -1])
def test_feature_that_gives_the_label_away_is_named(sign: int) -> None:
    """In either direction, and the finding names the feature and the AUC."""
    table = pa.table({"label": pa.array(_label()), "honest": _noise(), "told": sign * _label() + 0.1 * _noise()})
    (finding,) = find_target_leakage(table, ["honest", "told"], task="binary")
    assert (finding.kind, finding.name, finding.is_blocking) == ("suspected_target_leakage", "told", True)
    assert f"AUC of {1.0 if sign > 0 else 0.0:.4f}" in finding.found


@pytest.mark.parametrize("period", [2, 3, 5, 10, 15])
def test_a_label_that_comes_round_is_told_by_no_category(period: int) -> None:
    """A balanced panel, five rows to a person, the label set in the first: which row it is says nothing of a category."""
    label = (np.arange(ROWS) % period == 0).astype("int8")
    assert _find([f"kind {n * n % 7}" for n in range(ROWS)], label) == []


def test_remarkable_feature_is_named_without_blocking() -> None:
    """A tumour's size tells malignant from benign with an AUC of 0.97 and is no leak: a person looks at it, the run goes on."""
    table = pa.table({"label": pa.array(_label()), "strong": _label() + 0.35 * _noise()})
    (finding,) = find_target_leakage(table, ["strong"], task="binary")
    assert (finding.name, finding.is_blocking) == ("strong", False)
    assert "beyond 0.05 and 0.95" in finding.expected


def test_feature_that_leaks_where_it_has_a_value_is_suspected() -> None:
    """Many NULLs do not hide a feature that tells the label in the remaining rows."""
    values = [float(late) if row % 5 == 0 else None for row, late in enumerate(_label())]
    assert _find(values) == ["suspected_target_leakage"]


@pytest.mark.parametrize("absent", [None, float("nan")])
def test_absence_that_gives_the_label_away_is_suspected(absent: float | None) -> None:
    """A value that is only there for one class tells the label by being there."""
    assert _find([absent if late else 1.0 for late in _label()]) == ["suspected_target_leakage"]


def test_text_that_gives_the_label_away_is_suspected() -> None:
    """A text is judged by the label's mean among rows that share it."""
    assert _find(["cancelled" if late else f"gate {row % 7}" for row, late in enumerate(_label())]) == ["suspected_target_leakage"]


@pytest.mark.parametrize("distinct", [1, 3, 40, ROWS])
def test_text_that_tells_nothing_is_not_suspected(distinct: int) -> None:
    """Not even one that is different in each row: only rows of other folds count."""
    assert _find([f"text {row * 7 % distinct}" for row in range(ROWS)]) == []


def test_rows_without_a_label_are_left_out() -> None:
    """Labels come late; rows that still lack theirs neither accuse nor acquit."""
    label = [int(late) if row < 300 else None for row, late in enumerate(_label())]
    values = [float(late) if row < 300 else 0.5 for row, late in enumerate(_label())]
    assert _find(values, pa.array(label, pa.int8())) == ["suspected_target_leakage"]


@pytest.mark.parametrize("label", [[None] * ROWS, [1] * ROWS, [0] * (ROWS - 5) + [1] * 5])
def test_label_without_contrast_is_a_finding(label: list[int | None]) -> None:
    """A label that is missing, constant, or all but constant lets nothing be examined, and that is no pass."""
    assert _find(_noise(), pa.array(label, pa.int8())) == ["label_without_contrast"]


def test_feature_without_values_is_not_suspected() -> None:
    """A column of NULLs tells nothing (that it is empty is another finding)."""
    assert _find(pa.nulls(ROWS, pa.float64())) == []


NAMES = np.array(["on time", "late", "cancelled", "diverted"])


def _of_classes(values: Any, code: np.ndarray) -> list[tuple[str, bool]]:
    table = pa.table({"label": pa.array(NAMES[code]), "f": pa.array(values)})
    return [(found.kind, found.is_blocking) for found in find_target_leakage(table, ["f"], task="multiclass")]


def test_one_class_of_many_given_away_is_named_without_blocking() -> None:
    """An honest feature may set one class apart from the others; that it does is said."""
    code = np.arange(ROWS) % 4
    assert _of_classes((code == 1) + 0.1 * _noise(), code) == [("suspected_target_leakage", False)]
    assert _of_classes(_noise(), code) == []


@pytest.mark.parametrize("as_text", [False, True])
def test_all_classes_given_away_are_blocked(as_text: bool) -> None:
    """A copy of the label under a code of its own, in whose order the classes mean nothing."""
    code = np.random.default_rng(3).integers(0, 4, ROWS)
    values = [f"code {number}" for number in code] if as_text else code + 0.01 * _noise()
    assert _of_classes(values, code) == [("suspected_target_leakage", True)]


def test_a_number_is_told_by_its_rank_correlation() -> None:
    """The finding speaks of what was measured."""
    table = pa.table({"label": pa.array(_noise(5)), "f": pa.array(-_noise(5))})
    (finding,) = find_target_leakage(table, ["f"], task="regression")
    assert "a rank correlation of -1.0000" in finding.found
    assert "beyond -0.98 and 0.98" in finding.expected


@pytest.mark.parametrize("sign", [1, -1])
def test_rank_correlation_with_a_number_is_suspected(sign: int) -> None:
    """A regression's label is given away by a feature of the same or the reversed order."""
    label = _noise(5)
    assert _find(sign * np.exp(label), label, "regression") == ["suspected_target_leakage"]
    assert _find(label + 3 * _noise(6), label, "regression") == []


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=40, max_size=80))
@settings(deadline=None, max_examples=40)
def test_auc_equals_scikit_learns(pairs: list[tuple[int, bool]]) -> None:
    """The rank-sum AUC, ties included, is the one of scikit-learn."""
    scores = np.array([float(score) for score, _ in pairs])
    target = np.array([float(late) for _, late in pairs])
    if min(target.sum(), len(target) - target.sum()) >= 10:
        assert _association(_rank(scores), target) == pytest.approx(roc_auc_score(target, scores))
