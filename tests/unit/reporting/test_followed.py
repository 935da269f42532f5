"""What a status follows from where no sums are published: indices of drift and p-values, with the limits as declared."""

import math

import pytest
from found_records import make_feature, make_search
from verdict_stories import PARAMS, story_inputs

from tasks.params.judging import DiscoveredCriterion, DriftCriterion, GatesParams, ParityCriterion
from tasks.records import Drift, Evaluation, SuspectSlice
from tasks.reporting.followed import followed_from
from tasks.stages.report import figures_asked


def _gates(**criteria: object) -> GatesParams:
    return GatesParams.model_validate({"max_age_days": 7, "criteria": {**PARAMS.gates.criteria, **criteria}})


def _evaluation(*, p_value: float = 0.01) -> Evaluation:
    search = make_search(SuspectSlice(p_value=p_value), columns=("origin",), margin=0.01, min_rows=50, searched=9)
    features = (make_feature("a", 0.02, 0.01, 1.5), make_feature("b", None))
    drift = Drift(reference="train", reference_rows=90, rows=80, features=features)
    return story_inputs("promote").provenance.evaluation.model_copy(update={"drift": drift, "discovery": search})


def test_drift_is_followed_from_the_features_that_are_asked() -> None:
    """With the smaller side's rows, and whether a feature that is named is not there."""
    drift = {"drift": "psi", "most": 0.2, "min_rows": 50, "critical": True}
    gates = _gates(
        every=DriftCriterion.model_validate(drift), some=DriftCriterion.model_validate({**drift, "features": ("a", "z")})
    )
    found = followed_from(gates, _evaluation())["drifts"]
    assert found["every"]["features"] == [
        {"psi": 0.02, "by_chance": 0.01, "bins": 10, "variance_ratio": 1.5},
        {"psi": None, "by_chance": None, "bins": 10, "variance_ratio": None},
    ]
    assert found["every"]["scale"] == 1 / 80 + 1 / 90
    assert (found["every"]["rows"], found["every"]["lacks"], found["some"]["lacks"]) == (80, False, True)
    assert len(found["some"]["features"]) == 1


@pytest.mark.parametrize(
    ("asked", "p_value", "is_told"), [("brier", 0.01, True), ("log_loss", 0.01, False), ("brier", math.nan, False)]
)
def test_a_search_is_followed_where_it_was_made_and_has_errors(asked: str, p_value: float, is_told: bool) -> None:
    """By the metric that is asked, with p-values that are numbers."""
    gates = _gates(search=DiscoveredCriterion.model_validate({"discovered": asked, "critical": False}))
    found = followed_from(gates, _evaluation(p_value=p_value))["searches"]
    assert found == ({"search": {"p_values": [0.01], "searched": 9, "undefined": 0}} if is_told else {})


def test_sums_are_asked_for_gaps_too() -> None:
    """Of every slice of the column, by the method of the criterion."""
    told = {"parity": "log_loss", "slice": "origin", "gap": 0.1, "min_rows": 5, "critical": True, "method": "bca"}
    params = PARAMS.model_copy(update={"gates": _gates(gap=ParityCriterion.model_validate(told))})
    asked, methods = figures_asked(params)
    assert ("log_loss", "origin") in asked
    assert ("bca", "origin") in methods
