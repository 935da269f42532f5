"""Before anything is judged, every criterion is held against planted failures; one that cannot fail voids the verdict."""

import pytest
from evidence_records import comparison, difference, evaluation, gates, interval, provenance, reports

from tasks.gates import asked_by, judge
from tasks.gates import selftest as self_tests
from tasks.gates.selftest import SELF_TEST, SelfTestEvidence, hold_self_test
from tasks.params.judging import EvaluationParams

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


def test_one_wreck_that_fails_is_enough():
    """A calibration criterion does not notice a constant, and need not: it notices another wreck."""
    planted = WRECKS | {"constant scores": evaluation(difference(0.0, 0.0))}
    assert held({"ranking": {"margin": 0.005}}, planted).flaws == ()


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
    declared = EvaluationParams(
        split="s",
        part="test",
        metrics=("roc_auc", "brier"),
        slices=("shop", "city"),
        interval={"method": "cluster_bootstrap", "cluster": "day", "replicates": 100, "confidence": 0.95},
    )
    asked = asked_by(gates(a={"metric": "brier", "slice": "city", "margin": 0.1}), declared)
    assert (asked.metrics, asked.slices) == (("brier",), ("city",))
    none = asked_by(gates(v={"evidence": "validation", "critical": True}), declared)
    assert (none.metrics, none.slices) == (("roc_auc",), ())
