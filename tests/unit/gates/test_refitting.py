"""A refitted recipe against its verdict: which criteria are asked again, and every outcome but a pass refuses."""

from typing import Any

import pytest
from evidence_records import comparison, evaluation
from signed_project import PASSED

from tasks.errors import GateError
from tasks.gates import describe_check, judge_agreement, judge_criteria, judge_on_raw, require_same_verdict
from tasks.params.judging import GatesParams
from tasks.records import CriterionOutcome, RefitCheck, Verdict

GATES = GatesParams.model_validate(
    {
        "max_age_days": 7,
        "criteria": {
            "validation": {"evidence": "validation", "critical": True},
            "ranking": {"metric": "roc_auc", "bound": 0.99, "margin": 0.01, "min_rows": 10, "critical": True},
            "floor": {"metric": "roc_auc", "bound": 0.5, "min_rows": 10, "critical": True},
            "better": {"metric": "roc_auc", "better_by": 0.0, "min_rows": 10, "critical": True},
        },
    }
)


def verdict_of(*criteria: CriterionOutcome) -> Verdict:
    return Verdict(
        decision="promote",
        reason="",
        criteria=criteria,
        missing_slices=(),
        rubber_stamp=False,
        view={"challenger": "masked"},
        judged="recipe",
        evidence_level="refitted_here",
        split="by_time",
        part="test",
        inputs={},
        policy_hash="p",
        params_hash="p",
        seeds={},
    )


def check_of(on_raw: dict[str, Any] | None = None, agreement: dict[str, Any] | None = None, **changes: Any) -> RefitCheck:
    """A check of one criterion that passed both times, but for what is said."""
    fields: dict[str, Any] = {
        "judged_hash": "a",
        "refitted_hash": "b",
        "repeats": "the same model",
        "champion": "its logged scores",
        "rows": 100,
        "on_raw": (PASSED.model_copy(update=on_raw or {}),),
        "agreement": (PASSED.model_copy(update=agreement or {}),),
        "rank_correlation": 0.98,
        "same_decisions": 0.97,
    }
    return RefitCheck(**{**fields, **changes})


def test_every_criterion_on_figures_is_decided_anew() -> None:
    """By the same rules; reports are of the verdict's own data, and are not asked again."""
    found = judge_on_raw(evaluation(comparison()), GATES)
    assert [outcome.name for outcome in found] == ["ranking", "floor", "better"]
    assert found[0].status == judge_criteria(evaluation(comparison()), {}, GATES)[1].status != "pass"


def test_a_later_look_is_held_to_more() -> None:
    """As its verdict was: at the confidence that a later candidate on the same holdout needs."""
    gates = GATES.model_copy(update={"looks": GATES.looks.model_copy(update={"budget": 30})})
    asked = [judge_on_raw(evaluation(comparison()), gates, is_later=is_later)[1].confidence or 0 for is_later in (False, True)]
    assert asked[1] > asked[0] == 0.95


def test_two_fits_of_a_recipe_are_held_to_margins_alone() -> None:
    """Not to a bound, which raw rows hold by themselves, nor to being better than its own twin."""
    (found,) = judge_agreement(evaluation(comparison()), GATES)
    assert (found.name, found.bound, found.margin) == ("ranking", None, 0.01)


def test_what_passes_again_is_let_through() -> None:
    """And is told in one line, with what is advisory and what is stated beside it."""
    check = check_of(by_rule=("region",), repeats="the same scores")
    require_same_verdict(check, verdict_of(PASSED), "it")
    told = describe_check(check)
    assert "1 critical outcome passes again on raw rows; ranking 0.7200 to 0.7000" in told
    assert "rank correlation 0.980" in told
    assert "97.0 % of decisions the same" in told
    assert "region by masking's rule" in told
    assert "the same scores to 1e-9" in told


@pytest.mark.parametrize("status", ["fail", "inconclusive", "not_judged"])
def test_no_outcome_but_a_pass_counts(status: str) -> None:
    """On raw rows, and beside the judged model; each is named with its figures."""
    told = rf"ranking: {status} on raw rows \(0\.6100 to 0\.7000; worse\), and pass when it was judged"
    with pytest.raises(GateError, match=told):
        require_same_verdict(check_of({"status": status, "challenger": 0.61, "reason": "worse"}), verdict_of(PASSED), "it")
    with pytest.raises(GateError, match=rf"ranking: {status} beside the model that was judged \(0\.6100"):
        require_same_verdict(check_of(None, {"status": status, "challenger": 0.61}), verdict_of(PASSED), "it")


def test_an_advisory_one_is_told_and_does_not_decide() -> None:
    """As in the verdict."""
    check = check_of(agreement={"status": "fail", "is_critical": False, "name": "each_origin[EWR]"})
    require_same_verdict(check, verdict_of(PASSED), "it")
    assert "not decisive: each_origin[EWR] failed" in describe_check(check)


def test_a_criterion_that_was_judged_and_is_not_asked_again_refuses() -> None:
    """A slice that raw rows did not give: what was not decided anew is no pass."""
    slice_of = PASSED.model_copy(update={"name": "each_origin[EWR]"})
    with pytest.raises(GateError, match=r"each_origin\[EWR\] could not be decided on raw rows"):
        require_same_verdict(check_of(), verdict_of(PASSED, slice_of), "it")


def test_nothing_examined_is_no_pass() -> None:
    """A policy of reports alone says nothing of a model of raw rows."""
    report = PASSED.model_copy(update={"name": "validation", "metric": None})
    with pytest.raises(GateError, match="no critical criterion that raw rows could decide"):
        require_same_verdict(check_of().model_copy(update={"on_raw": (), "agreement": ()}), verdict_of(report), "it")
