"""No published figure rests on fewer than k people: what is withheld, and that it cannot be computed from the rest."""

from functools import partial
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import EvaluationError
from tasks.evaluation.curves import calibration_bins, roc_points
from tasks.evaluation.disclosing import withhold_crossing
from tasks.evaluation.withholding import count_people, count_together, require_enough_people, withhold_classes, withhold_slices
from tasks.records import ClassOutcome, ClassScores, Comparison

K = 5


def _comparison(value: str | None, rows: int, positives: int | None = None) -> Comparison:
    return Comparison(
        metric="roc_auc",
        direction="higher_is_better",
        slice_column=None if value is None else "city",
        slice_value=value,
        rows=rows,
        positives=positives,
        clusters=rows,
        champion=0.7,
        challenger=0.8,
        delta=0.1,
        champion_interval=None,
        challenger_interval=None,
        delta_interval=None,
        reason="",
    )


def _withheld(people: dict[str, int]) -> dict[str, Comparison]:
    counts = {("city", value): count for value, count in people.items()} | {(None, None): sum(people.values())}
    found = withhold_slices(
        [_comparison(value, count) for value, count in people.items()], counts, K, lambda keys: sum(counts[key] for key in keys)
    )
    return {str(c.slice_value): c for c in found}


def test_a_slice_of_few_is_withheld_in_words() -> None:
    """It is named, with no figure and no count."""
    found = _withheld({"a": 100, "b": 3, "c": 2})
    assert [name for name, c in found.items() if c.is_withheld] == ["b", "c"]
    assert (found["b"].rows, found["b"].clusters, found["b"].challenger, found["b"].delta) == (0, 0, None, None)
    assert found["b"].reason == "withheld: it would rest on fewer than 5 people"
    assert found["a"].challenger == 0.8


def test_what_would_give_it_away_is_withheld_too() -> None:
    """Of three slices the third is the whole less the others."""
    found = _withheld({"a": 100, "b": 3, "c": 40})
    assert [name for name, c in found.items() if c.is_withheld] == ["b", "c"]
    assert found["c"].reason == "withheld: it would give away the figures of fewer than 5 people beside it"


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 30), min_size=1, max_size=8))
def test_no_difference_to_the_whole_is_of_few(people: dict[str, int]) -> None:
    """Whatever slices there are: those withheld are none, all, or k people together."""
    found = _withheld(people)
    hidden = sum(people[name] for name, c in found.items() if c.is_withheld)
    assert all(found[name].is_withheld for name, count in people.items() if count < K)
    assert hidden == 0 or hidden >= K or hidden == sum(people.values())


def test_people_in_two_slices_are_counted_once() -> None:
    """Three people with rows in both of two small slices are three: the whole less the third slice would be theirs."""
    cities = ["a"] * 3 + ["b"] * 3 + ["c"] * 40 + ["d"] * 50
    rows = pa.table({"slice_city": cities, "person": [*"xyzxyz", *(str(number) for number in range(90))]})
    counts, k = count_people(rows, ["city"]), 5
    names = [(None, 93), ("a", 3), ("b", 3), ("c", 40), ("d", 50)]
    found = withhold_slices([_comparison(*of) for of in names], counts, k, partial(count_together, rows))
    assert [c.slice_value for c in found if c.is_withheld] == ["a", "b", "c"]


def _crossed(*columns: str, **values: list[str]) -> set[str]:
    """The slices that are withheld where these columns are declared in this order."""
    rows = pa.table({f"slice_{column}": held for column, held in values.items()})
    found = [
        _comparison(value, held.count(value)).model_copy(update={"slice_column": column})
        for column, held in values.items()
        for value in sorted(set(held))
    ]
    judged = withhold_crossing(rows, found, columns, K, has_folds=False)
    assert all(c.reason.startswith("withheld: beside slices of other columns") for c in judged if c.is_withheld)
    return {f"{c.slice_column}={c.slice_value}" for c in judged if c.is_withheld}


def test_a_slice_within_one_of_another_column_is_withheld() -> None:
    """All of Paris but three lies in France: with both told, the three are. Which of them stays follows the order of columns."""
    country = ["fr"] * 43 + ["de"] * 40
    city = ["paris"] * 40 + ["lyon"] * 3 + ["berlin"] * 20 + ["bonn"] * 20
    assert _crossed("country", "city", country=country, city=city) == {"city=paris", "city=lyon"}
    assert _crossed("country", "city", country=country[:40] + country[43:], city=city[:40] + city[43:]) == set()


def test_several_slices_that_nearly_fill_one_are_not_all_told() -> None:
    """Ten of Lyon and thirty of Paris leave three of France, though each leaves enough by itself; the larger is told."""
    country = ["fr"] * 43 + ["de"] * 40
    city = ["paris"] * 30 + ["lyon"] * 10 + ["other"] * 3 + ["berlin"] * 40
    assert "city=paris" not in _crossed("country", "city", country=country, city=city)
    assert _crossed("country", "city", country=country, city=city) & {"city=lyon", "city=other"}


def test_slices_that_cross_are_all_told() -> None:
    """Where every value of one has enough rows in every value of the other, nothing is left over."""
    assert not _crossed("a", "b", a=["x", "y"] * 60, b=["p"] * 60 + ["q"] * 60)


def test_people_are_counted_not_rows() -> None:
    """Ten rows of one person are one person; without a column of people each row is one."""
    rows = pa.table({"slice_city": ["a"] * 10 + [None] * 2, "person": ["x"] * 10 + ["y", "z"]})
    assert count_people(rows, ["city"]) == {(None, None): 3, ("city", "a"): 1, ("city", "(missing)"): 2}
    assert count_people(rows.drop_columns(["person"]), ["city"])["city", "a"] == 10


def test_too_few_people_in_all_are_not_evaluated() -> None:
    """Then nothing could be published."""
    with pytest.raises(EvaluationError, match="rows to judge"):
        require_enough_people(4, K)


def test_few_positives_are_no_count() -> None:
    """Three late flights of a hundred, or three that are not."""
    for positives in (3, 97):
        (found,) = withhold_slices([_comparison(None, 100, positives)], {(None, None): 100}, K, len)
        assert (found.positives, found.is_withheld, found.rows) == (None, False, 100)
    (found,) = withhold_slices([_comparison(None, 100, 50)], {(None, None): 100}, K, len)
    assert found.positives == 50


def _class(name: str, *predicted: int) -> ClassOutcome:
    scores = ClassScores(precision=0.5, recall=0.5, f1=0.5, predicted=predicted)
    return ClassOutcome(name=name, rows=sum(predicted), fraction=0.3, is_rare=False, champion=scores, challenger=scores)


def test_small_cells_of_the_confusion_matrix_go_with_their_complement() -> None:
    """Two of fifty, and the forty-eight that would say so; a zero is nobody, and stays."""
    found = withhold_classes([_class("a", 48, 2), _class("b", 0, 50)], K)
    assert found[0].challenger == ClassScores(precision=None, recall=None, f1=None, predicted=(None, None))
    assert (found[0].rows, found[0].champion) == (50, found[0].challenger)
    assert found[1].challenger.predicted == (0, 50)


def test_a_class_of_few_has_no_count() -> None:
    """Neither has the one whose count would be the rest."""
    found = withhold_classes([_class("a", 2, 1), _class("b", 10, 40), _class("c", 100, 0)], K)
    assert [one.rows for one in found] == [None, None, 100]
    assert found[0].challenger.predicted == (None, None)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=K, max_size=80), st.integers(1, 15))
def test_bins_hold_k_rows(rows: list[tuple[int, int]], bins: int) -> None:
    """However scores are tied, and none is lost."""
    labels, scores = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    found = calibration_bins(labels, scores, bins, K)
    assert all(count >= K for _, _, count in found)
    assert sum(count for _, _, count in found) == len(rows)


def test_points_of_a_curve_lie_k_rows_apart() -> None:
    """From one to the next no single row can be read off; the ends stay."""
    labels, scores = np.array([1.0, 0.0] * 20), np.arange(40.0)
    points = roc_points(labels, scores, k=K)
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    steps = [round((b[0] - a[0]) * 20 + (b[1] - a[1]) * 20) for a, b in pairwise(points)]
    assert min(steps) >= K
