"""Metrics of decisions at a threshold: what a name may ask, and what is refused."""

import pytest
from pydantic import ValidationError
from sample_rows import params, rows

from tasks.errors import EvaluationError
from tasks.evaluation.compare import compare
from tasks.evaluation.metrics import metric_named
from tasks.params.judging import CostParams, EvaluationParams

COSTS = CostParams(false_positive=1, false_negative=5)


@pytest.mark.parametrize(
    "name", ["recall@0", "recall@1", "recall@1.2", "recall@", "roc_auc@0.3", "f0", "f", "f0@0.3", "cost", "f2[a]"]
)
def test_a_threshold_or_a_beta_that_is_none_is_refused(name):
    """Thresholds lie between 0 and 1, a beta above 0, and only decisions have one; what there is is named."""
    with pytest.raises(EvaluationError, match=r"f2, recall@0\.2, cost@0\.2 and so on"):
        metric_named(name, costs=COSTS)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_a_threshold_is_of_a_binary_label(task):
    """Of several classes the most probable one is predicted, and a number is none."""
    with pytest.raises(EvaluationError, match="no such metric"):
        metric_named("recall@0.3", task)


def test_at_half_the_plain_metric_is_meant():
    """``recall@0.5`` is ``recall``, and ``f1.0`` is ``f1``, to the last digit and in its interval."""
    found = compare(rows(), params(("recall", "recall@0.5", "f1", "f1.0", "f1.0@0.5"), 100), 3)
    figures = [(one.challenger, one.delta_interval) for one in found]
    assert figures[0] == figures[1]
    assert [figure[0] for figure in figures[3:]] == pytest.approx([figures[2][0]] * 2, abs=1e-15)


def test_less_cost_is_better_and_more_of_the_rest():
    """The direction comes with the metric."""
    assert metric_named("cost@0.2", costs=COSTS).direction == "lower_is_better"
    assert metric_named("f2").direction == "higher_is_better"


def test_a_cost_without_costs_is_refused():
    """Nobody guesses what a wrong decision costs."""
    asked = params().model_dump()
    with pytest.raises(ValidationError, match=r"cost@0\.2 needs evaluation\.costs"):
        EvaluationParams.model_validate({**asked, "metrics": ("cost@0.2",), "costs": None})


@pytest.mark.parametrize("costs", [{"false_positive": 0, "false_negative": 0}, {"false_positive": -1, "false_negative": 1}])
def test_costs_that_cannot_be_are_refused(costs):
    """Below 0, or none at all: no decision could ever be wrong."""
    with pytest.raises(ValidationError):
        CostParams.model_validate(costs)
