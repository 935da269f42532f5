"""Before anything is judged, every criterion is held against planted failures; one that cannot fail voids the verdict."""

import pytest
from evidence_records import comparison, difference, evaluation, gates, interval, provenance, reports

from tasks.gates import asked_by, judge
from tasks.gates import selftest as self_tests
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import SELF_TEST, hold_self_test, plan_self_test
from tasks.params.judging import EvaluationParams, GatesParams

DECLARED = EvaluationParams(
    split="s",
    part="test",
    metrics=("roc_auc", "brier"),
    slices=("shop", "city"),
    interval={"method": "cluster_bootstrap", "cluster": "day", "replicates": 100, "confidence": 0.95},
)
WRECK = evaluation(difference(-0.25, -0.15))
WRECKS = dict.fromkeys(("labels shuffled", "constant scores", "swapped columns"), WRECK)


def held(criteria=None, planted=None, found=None):
    evidence = SelfTestEvidence(found or evaluation(), reports(), None, ("raw", "masked", "splits", "features", "predictions"))
    return hold_self_test(evidence, gates(**(criteria or {})), planted)


def test_sound_criteria_have_no_flaw():
    """They notice what was planted, and the verdict says what that was."""
    found = held({"ranking": {"margin": 0.005}, "validation": {"evidence": "validation", "critical": True}}, WRECKS)
    assert found.flaws == ()
    assert {"labels shuffled", "constant scores", "swapped columns", "a NaN metric", "zero rows", "a missing slice"} <= set(
        found.planted
    )
    assert {"missing reports", "a leak of the label", "reports that examined nothing"} <= set(found.planted)


def test_criterion_that_cannot_fail_is_named():
    """A margin so wide that a challenger which knows nothing passes too."""
    (flaw,) = held({"ranking": {"margin": 0.4}}, WRECKS).flaws
    assert flaw.startswith("ranking cannot fail: it passes a challenger with constant scores, with labels shuffled")


def test_one_wreck_that_fails_is_enough_for_a_criterion_and_not_for_all_together():
    """A calibration criterion does not notice a constant, and need not, where another critical one does."""
    planted = WRECKS | {"constant scores": evaluation(difference(0.0, 0.0))}
    (flaw,) = held({"calibrated": {"margin": 0.005}}, planted).flaws
    assert flaw == "no critical criterion stops a challenger with constant scores"
    assert held({"calibrated": {"margin": 0.005}, "better": {"better_by": 0.0}}, planted).flaws == ()
    told = {"calibrated": {"margin": 0.005}, "better": {"better_by": 0.0, "critical": False}}
    assert held(told, planted).flaws == (flaw,)


def test_criteria_that_look_at_nothing_let_every_wreck_through():
    """Validation alone would promote whatever comes, and says nothing of the model."""
    flaws = held({"validation": {"evidence": "validation", "critical": True}}, WRECKS).flaws
    assert flaws == ("no critical criterion stops a challenger with constant scores, with labels shuffled, with swapped columns",)


def test_criterion_that_sees_no_interval_on_any_wreck_is_named():
    """Which it passed as not having been passed; its pass of the challenger would say nothing."""
    unread = difference(-0.25, -0.15, reason="0 of 40 rows are positive").model_copy(update={"delta_interval": None})
    (flaw,) = held({"ranking": {"margin": 0.005}}, dict.fromkeys(WRECKS, evaluation(unread))).flaws
    assert flaw.startswith("ranking cannot be held against a challenger that is no good: there is no interval")
    assert "positive" not in flaw  # a planted slice is withheld from nobody


def test_a_gap_does_not_keep_the_others_from_being_tried_together():
    """It stops no coin, and on wrecks it is not even measured."""
    planted = WRECKS | {"constant scores": evaluation(difference(0.0, 0.0))}
    fair = {"parity": "recall", "slice": "sex", "gap": 0.1, "min_rows": 10, "critical": True}
    asked = gates(calibrated={"margin": 0.005})
    both = asked.model_copy(update={"criteria": asked.criteria | GatesParams(max_age_days=1, criteria={"f": fair}).criteria})
    found = hold_self_test(SelfTestEvidence(evaluation(), reports(), None, ()), both, planted)
    assert found.flaws == ("no critical criterion stops a challenger with constant scores",)


def test_small_slices_do_not_hide_that_the_others_cannot_fail():
    """Too few rows pass nothing: a margin that every large slice of every wreck holds is named all the same."""
    slices = [
        comparison(slice_column="city", slice_value=name, rows=rows, delta_interval=interval(-0.25, -0.15), delta=-0.2)
        for name, rows in (("large", 5000), ("small", 10))
    ]
    whole = comparison(delta_interval=interval(-0.25, -0.15), delta=-0.2)
    planted = dict.fromkeys(WRECKS, evaluation(whole, *slices))
    asked = {"ranking": {"margin": 0.005}, "each": {"slice": "city", "margin": 0.9, "min_rows": 300, "critical": False}}
    (flaw,) = held(asked, planted).flaws
    assert flaw.startswith("each cannot fail")


@pytest.mark.parametrize(
    ("criteria", "replicates"),
    [
        ({"a": {"margin": 0.1}}, 119),
        ({"a": {"margin": 0.1, "confidence": 0.99}}, 602),
        ({"a": {"margin": 0.1, "method": "bca"}}, 5000),
        ({"a": {"margin": 0.1, "method": "delong"}}, 100),
        ({"a": {"metric": "accuracy", "margin": 0.1, "method": "mcnemar", "confidence": 0.99}}, 500),
        ({"a": {"better_by": 0}, "b": {"better_by": 0.1}, "c": {"better_by": 0.2}}, 707),
    ],
)
def test_as_many_replicates_as_the_farthest_interval_asks(criteria, replicates):
    """An interval that reads further out than the replicates go would not be seen on any wreck; BCa may go anywhere."""
    found = evaluation(comparison(), comparison(metric="accuracy"), replicates=5000)
    plan = plan_self_test(gates(**criteria), DECLARED, found)
    assert plan.replicates == pytest.approx(replicates, rel=0.25)
    assert plan_self_test(gates(**criteria), DECLARED, found.model_copy(update={"replicates": 100})).replicates == 100


def test_champion_is_not_better_than_itself():
    """A claim to be better that holds for the champion against itself is void; an equal model passes no such claim."""
    asked = {"ranking": {"better_by": 0.0}}
    equal = evaluation(comparison(challenger=0.7, delta=0.0, delta_interval=interval(0.0, 0.0), spread=None))
    assert held(asked, WRECKS | {"champion as challenger": equal}).flaws == ()


def test_predictions_that_are_not_there_are_a_flaw():
    """What could not be planted was not tested."""
    assert held(planted={}).flaws == ("the predictions, in which failures are planted, are not there",)
    assert held(planted=None).flaws == ()


def test_flaw_voids_the_verdict_and_is_named():
    """A challenger that passes everything is not promoted by a criterion that cannot fail."""
    verdict = judge(evaluation(), reports(), gates(ranking={"margin": 0.4}), provenance(), planted=WRECKS)
    assert verdict.decision == "not_judged"
    assert verdict.criteria[-1].name == SELF_TEST
    assert "ranking cannot fail" in verdict.reason
    sound = judge(evaluation(), reports(), gates(ranking={"margin": 0.005}), provenance(), planted=WRECKS)
    assert (sound.decision, len(sound.criteria)) == ("promote", 1)
    assert "labels shuffled" in sound.self_test


def test_advisory_criterion_that_cannot_fail_voids_too():
    """It is told to readers as passed, and its pass means nothing."""
    criteria = {"ranking": {"margin": 0.005}, "told": {"margin": 0.4, "critical": False}}
    verdict = judge(evaluation(), reports(), gates(**criteria), provenance(), planted=WRECKS)
    assert verdict.decision == "not_judged"
    assert "told cannot fail" in verdict.reason


@pytest.mark.parametrize("what", ["a NaN metric", "zero rows", "a missing slice", "missing reports", "a leak of the label"])
def test_code_that_fails_to_fail_is_caught(monkeypatch, what):
    """Judging that passes whatever it is given is found by each failure that is planted."""
    criteria = {"ranking": {"margin": 0.005}, "validation": {"evidence": "validation", "critical": True}}
    sound = judge(evaluation(), reports(), gates(**criteria), provenance()).criteria

    def pass_all(_evaluation, _reports, one, *_, **__):
        return tuple(outcome.model_copy(update={"status": "pass"}) for outcome in sound if outcome.name in one.criteria)

    monkeypatch.setattr(self_tests, "judge_criteria", pass_all)
    assert any(flaw.endswith(f"passes {what}") for flaw in held(criteria, WRECKS).flaws)


def test_only_what_is_asked_is_planted():
    """Metrics and slices of criteria; with none, one metric is left to plant."""
    declared = DECLARED
    asked = asked_by(gates(a={"metric": "brier", "slice": "city", "margin": 0.1}), declared)
    assert (asked.metrics, asked.slices) == (("brier",), ("city",))
    none = asked_by(gates(v={"evidence": "validation", "critical": True}), declared)
    assert (none.metrics, none.slices) == (("roc_auc",), ())
