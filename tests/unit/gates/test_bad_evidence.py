"""Rows on which nothing can be judged, from the comparison to the outcome: each has a reason, and none passes."""

import numpy as np
import pyarrow as pa
import pytest
from evidence_records import evaluation, gates, reports

from tasks.errors import EvaluationError
from tasks.evaluation.compare import compare
from tasks.evaluation.spread import tails_of
from tasks.gates import judge_criteria
from tasks.params.judging import EvaluationParams, GatesParams

METHODS = ("cluster_bootstrap", "expanded", "bca", "delong")
"""Of ROC AUC; ``mcnemar`` is of accuracy, and by itself below."""
TESTS = ({"bound": 0.1}, {"margin": 0.5}, {"relative_margin": 0.5}, {"better_by": 0})


def _rows(**changes):
    """400 rows of 20 days in two slices, on which the challenger is far better."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 400).astype(float)
    columns = {
        "label": labels,
        "champion_score": random.random(400),
        "challenger_score": np.clip(0.6 * labels + 0.4 * random.random(400), 0, 1),
        "cluster": [f"{number % 20:02}" for number in range(400)],
        "slice_half": ["a"] * 200 + ["b"] * 200,
    }
    return pa.table(columns | changes)


def _judged(rows, metric="roc_auc", *, cluster="day", **criterion):
    """The outcomes by half, over a noise floor of 0: a model that was fitted again gave the same scores."""
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": 1000, "confidence": 0.95}
    asked = {"split": "s", "part": "test", "metrics": (metric,), "slices": ("half",), "interval": interval}
    compared = compare(rows, EvaluationParams.model_validate(asked), 1)
    found = [one.model_copy(update={"noise_floor": 0.0}) for one in compared]
    criteria = gates(c={"metric": metric, "slice": "half", "min_rows": 1, **criterion})
    return judge_criteria(evaluation(*found, replicates=1000, tails=tails_of(1000)), reports(), criteria)


@pytest.mark.parametrize("test", TESTS, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_a_slice_of_one_class_is_not_judged_by_any_method(method, test):
    """The other slice passes, so that it is the class that is missing."""
    rows = _rows()
    labels = np.where(np.arange(400) < 200, rows["label"].to_numpy(), 1.0)
    one, other = _judged(_rows(label=labels), method=method, **test)
    assert (one.status, other.status) == ("pass", "not_judged")
    assert "200 of 200 rows are positive" in other.reason


@pytest.mark.parametrize("test", TESTS, ids=str)
@pytest.mark.parametrize("metric", ["roc_auc", "pr_auc", "brier", "ece", "accuracy", "f1"])
def test_a_slice_whose_rows_weigh_nothing_is_not_judged(metric, test):
    """Rows that count for nothing are no evidence, however many they are."""
    weights = np.where(np.arange(400) < 200, 1.0, 0.0)
    outcomes = _judged(_rows(weight=weights), metric, **test)
    assert outcomes[1].status == "not_judged"


@pytest.mark.parametrize("broken", [np.nan, np.inf, -0.1, 1.1])
@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_a_score_that_is_no_probability_stops_the_evaluation(role, broken):
    """One in 400 is enough, of either model, and nothing reaches the gate."""
    scores = _rows()[f"{role}_score"].to_numpy().copy()
    scores[7] = broken
    with pytest.raises(EvaluationError, match=f"scores of the {role}"):
        _judged(_rows(**{f"{role}_score": scores}), margin=0.5)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_constant_labels_stop_the_evaluation(label):
    """Where all rows are alike no model can be told from another."""
    with pytest.raises(EvaluationError, match="rows of both classes"):
        _judged(_rows(label=np.full(400, label)), margin=0.5)


@pytest.mark.parametrize("test", TESTS, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_constant_scores_of_the_challenger_never_pass_against_a_better_champion(method, test):
    """A model that says the same of each row ranks like chance."""
    rows = _rows()
    swapped = {"champion_score": rows["challenger_score"].to_numpy(), "challenger_score": np.full(400, 0.5)}
    criterion = {"bound": 0.6} if "bound" in test else {"margin": 0.1} if "margin" in test else test | {"relative_margin": 0.1}
    criterion = {"better_by": 0} if "better_by" in test else criterion
    assert {outcome.status for outcome in _judged(_rows(**swapped), method=method, **criterion)} == {"fail"}


AGAINST = ({"margin": 0.1}, {"better_by": 0})
"""What McNemar's interval can be held against: it is of a difference."""


@pytest.mark.parametrize("test", AGAINST, ids=str)
def test_mcnemar_fails_a_challenger_that_says_the_same_of_each_row(test):
    """Of single rows it is read, and the honest challenger passes by it."""
    rows = _rows()
    swapped = {"champion_score": rows["challenger_score"].to_numpy(), "challenger_score": np.full(400, 0.9)}
    asked = {"metric": "accuracy", "method": "mcnemar", "cluster": "row", **test}
    assert {outcome.status for outcome in _judged(_rows(**swapped), **asked)} == {"fail"}
    assert {outcome.status for outcome in _judged(rows, **asked)} == {"pass"}


@pytest.mark.parametrize("test", AGAINST, ids=str)
@pytest.mark.parametrize("changed", [{"cluster": "day"}, {"weight": np.ones(400)}], ids=["days", "weights"])
def test_mcnemar_is_not_read_where_rows_are_no_independent_trials(changed, test):
    """Rows of a day belong together, and weighted ones are no counts: no interval, whatever it would have said."""
    cluster, columns = changed.get("cluster", "row"), {name: value for name, value in changed.items() if name == "weight"}
    found = _judged(_rows(**columns), metric="accuracy", method="mcnemar", cluster=cluster, **test)
    assert {outcome.status for outcome in found} == {"not_judged"}
    assert "no counts of discordant decisions" in found[0].reason


def test_too_few_days_have_no_interval_by_resampling():
    """Nine days are refused rather than given an interval that is far too narrow; DeLong's t is wide, and says so."""
    cluster = [f"{number % 9}" for number in range(400)]
    assert {outcome.status for outcome in _judged(_rows(cluster=cluster), margin=0.5)} == {"not_judged"}


@pytest.mark.parametrize("criteria", [{}, {"idle": {"metric": "brier", "min_rows": 1, "critical": True}}], ids=["none", "idle"])
def test_no_criteria_are_refused(criteria):
    """An empty list, and a criterion that asks nothing, are errors of the parameters."""
    with pytest.raises(ValueError, match=r"at least 1 item|judges nothing"):
        GatesParams(max_age_days=1, criteria=criteria)
