"""A criterion on measured evidence: what passes, what fails, and what says nothing of the candidate."""

import math

import pytest
from evidence_records import comparison, evaluation, gates, interval, provenance, reports
from pydantic import ValidationError

from tasks.gates import StoredEvidence, find_flip, judge, judge_criteria, judge_on_raw, later_gates
from tasks.gates import selftest as self_tests
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import hold_self_test
from tasks.params.judging import GatesParams
from tasks.records import FoldsJudged, MeasuredEvidence

MODEL = {"models/challenger": "c" * 64}
ASKED = {"measured": "latency", "measure": "p99_ms", "most": 50, "min_count": 1000, "critical": True}
P99 = {"value": 41.0, "low": 38.0, "high": 44.0, "count": 12_000, "unit": "ms"}


def latency(inputs=MODEL, confidence=0.95, kind="latency", **changes):
    return MeasuredEvidence(kind=kind, inputs=inputs, confidence=confidence, measures={"p99_ms": P99 | changes})


def asked(**changes):
    criterion = {name: value for name, value in (ASKED | changes).items() if value is not None}
    return GatesParams.model_validate({"max_age_days": 7, "criteria": {"served": criterion}})


def evaluated(**changes):
    """An evaluation of the model ``c...c``."""
    return evaluation(inputs=evaluation().inputs | MODEL, **changes)


def outcome(evidence, found=None, **changes):
    kept = {} if evidence is None else {"latency": evidence}
    (judged,) = judge_criteria(found or evaluated(), {}, asked(**changes), measured=kept)
    return judged


@pytest.mark.parametrize(
    ("low", "value", "high", "status"),
    [(38, 41, 50, "pass"), (38, 41, 50.1, "inconclusive"), (51, 55, 60, "fail"), (50, 50, 50, "pass")],
)
def test_the_whole_interval_holds_the_limit_or_lies_beyond_it(low, value, high, status):
    """By the bounds of metrics; numbers, limit and unit are told."""
    found = outcome(latency(low=low, value=value, high=high))
    assert found.status == status
    assert f"p99_ms {value} ms ({low} to {high})" in found.reason
    assert "at most 50 ms wanted" in found.reason


def test_at_least_is_held_from_the_other_side():
    """A share that has to be kept."""
    share = {"low": 0.9, "value": 0.92, "high": 0.94, "unit": ""}
    statuses = [outcome(latency(**share), most=None, least=least).status for least in (0.9, 0.93, 0.95)]
    assert statuses == ["pass", "inconclusive", "fail"]


def test_undecided_names_the_count_that_would_decide():
    """At today's value."""
    found = outcome(latency(high=51.0))
    assert (found.status, "a count of about" in found.reason, "12,000 are there" in found.reason) == ("inconclusive", True, True)


def test_a_measure_on_its_limit_says_that_no_count_would_decide():
    """Nor is one named."""
    found = outcome(latency(low=47, value=50, high=53))
    assert (found.status, found.reason.endswith("lies on the limit, so that no count can be named")) == ("inconclusive", True)


@pytest.mark.parametrize(("count", "status"), [(0, "inconclusive"), (999, "inconclusive"), (1000, "pass")])
def test_fewer_than_the_least_count_are_inconclusive(count, status):
    """However well they look."""
    assert outcome(latency(count=count)).status == status


@pytest.mark.parametrize("name", ["value", "low", "high"])
@pytest.mark.parametrize("number", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_judged(name, number):
    """NaN compares with nothing, and an end that is infinite says nothing."""
    found = outcome(latency(**{name: number}))
    assert (found.status, "is no number" in found.reason) == ("not_judged", True)


@pytest.mark.parametrize("changes", [{"low": 44.0, "high": 38.0}, {"value": 10.0}, {"value": 45.0}])
def test_ends_out_of_order_are_not_judged(changes):
    """An interval lies round its value."""
    assert "within its own interval" in outcome(latency(**changes)).reason
    assert outcome(latency(**changes)).status == "not_judged"


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (None, "data/evidence/latency.json"),
        (latency(kind="robustness"), "is one of robustness"),
        (latency(inputs={}), "does not say that it is of the candidate"),
        (latency(inputs={"features": "f" * 64}), "does not say that it is of the candidate"),
        (latency(inputs={"predictions": "f" * 64}), "(models/challenger)"),
        (latency(inputs={"models/challenger": "d" * 64}), "another model or other data than was evaluated (models/challenger)"),
        (latency(inputs=MODEL | {"features": "0" * 64}), "(features)"),
        (latency(confidence=None), "at which confidence"),
    ],
)
def test_missing_evidence_and_that_of_something_else_is_not_judged(evidence, told):
    """Never a pass on nothing, nor on another model, other data or another kind."""
    found = outcome(evidence)
    assert found.status == "not_judged"
    assert told in found.reason


def test_unknown_measure_names_the_known_ones():
    """A misspelt one is no pass."""
    assert outcome(latency(), measure="p90_ms").reason == "the evidence of latency has no measure 'p90_ms', but p99_ms"
    none = latency().model_copy(update={"measures": {}})
    assert (outcome(none).status, "none at all" in outcome(none).reason) == ("not_judged", True)


def test_without_an_evaluation_nothing_is_judged():
    """Evidence alone is of no candidate."""
    (found,) = judge_criteria(None, {}, asked(), measured={"latency": latency()})
    assert found.status == "not_judged"


def test_scores_without_a_model_are_named_by_predictions():
    """A score file's, and those out of folds."""
    of_scores = latency(inputs={"predictions": "f" * 64})
    challenger = evaluated().challenger.model_copy(update={"basis": "score_file"})
    assert outcome(of_scores, evaluated(challenger=challenger)).status == "pass"
    folds = FoldsJudged.model_construct(count=5, draws=1)
    assert outcome(of_scores, evaluated().model_copy(update={"folds_judged": folds})).status == "pass"


def test_exact_measures_pass_by_the_default_count():
    """What is read off counts one."""
    exact = latency(confidence=None, low=41.0, high=41.0, count=1)
    found = outcome(exact, min_count=None)
    assert (found.status, found.reason) == ("pass", "p99_ms 41 ms, at most 50 ms wanted")


def test_ends_of_less_confidence_than_is_asked_are_moved_out():
    """By the normal's quantiles: 1.96 / 0.674 of the way at 95 % for 50.1 %; those of more stay."""
    assert outcome(latency(confidence=0.6)).status == "pass"
    assert outcome(latency(confidence=0.6, high=47.0)).status == "inconclusive"
    assert outcome(latency(confidence=0.95, high=47.0)).status == "pass"
    assert outcome(latency(confidence=0.999, high=47.0)).status == "pass"
    assert outcome(latency(confidence=0.95, high=47.0), confidence=0.9999).status == "inconclusive"


def test_later_looks_ask_for_more_confidence():
    """As of metrics; what is exact stays."""
    found, params = evaluated(), asked()
    wide, exact = latency(high=47.0), latency(confidence=None, low=41.0, high=41.0)
    later = [
        judge_criteria(found, {}, later_gates(params, found), measured={"latency": one}, is_later=True)[0] for one in (wide, exact)
    ]
    assert [one.status for one in later] == ["inconclusive", "pass"]


def test_failures_are_planted_before_each_judgement():
    """The criterion notices each of them, and the verdict lists them."""
    criteria = asked().criteria | gates(ranking={"bound": 0.0}).criteria
    both = asked().model_copy(update={"criteria": criteria})
    verdict = judge(evaluated(), reports(), both, provenance(), measured={"latency": latency()})
    assert verdict.decision == "promote"
    planted = {"evidence that nobody measured", "evidence of another model", "a NaN measure", "a measure beyond the limit"}
    assert planted <= set(verdict.self_test)
    assert judge(evaluated(), reports(), both, provenance()).decision == "not_judged"
    assert (
        judge(evaluated(), reports(), both, provenance(), measured={"latency": latency(low=60, value=61, high=62)}).decision
        == "reject"
    )


def test_a_criterion_that_passes_planted_evidence_is_named(monkeypatch):
    """Judged by code that passes all, each planted failure is a flaw."""
    passed = judge_criteria(evaluated(), {}, asked(), measured={"latency": latency()})
    monkeypatch.setattr(self_tests, "judge_criteria", lambda *_, **__: passed)
    held = hold_self_test(SelfTestEvidence(evaluated(), {}, None, (), measured={"latency": latency()}), asked(), None)
    wanted = {"a measure of nothing counted", "a measure with a NaN interval", "evidence of no named model"}
    assert {f"served passes {what}" for what in wanted} <= set(held.flaws)


def test_stored_evidence_is_judged_again_by_other_criteria():
    """A loosening that would have turned a past verdict is found."""
    stored = StoredEvidence("then", evaluated(), {}, None, None, {"latency": latency(low=60, value=61, high=62)})
    flip = find_flip(stored, asked(), asked(most=70))
    assert flip is not None
    assert (flip.was, flip.now, flip.by) == ("reject", "promote", ("served",))


def test_a_refit_on_raw_rows_is_not_asked():
    """Of its model nobody has measured anything."""
    both = asked().model_copy(update={"criteria": asked().criteria | gates(ranking={"bound": 0.0}).criteria})
    assert [one.name for one in judge_on_raw(evaluation(comparison(challenger_interval=interval(0.7, 0.8))), both)] == ["ranking"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"least": 10}, "one of most and least"),
        ({"most": None}, "one of most and least"),
        ({"most": math.nan}, "finite number"),
        ({"measured": "Latency"}, "pattern"),
        ({"measured": "../verdict"}, "pattern"),
        ({"measure": ""}, "at least 1 character"),
        ({"min_count": 0}, "greater than or equal to 1"),
        ({"at_most": 5}, "Extra inputs"),
    ],
)
def test_a_criterion_that_could_not_fail_is_refused(changes, told):
    """When params.yaml is read."""
    with pytest.raises(ValidationError, match=told):
        asked(**changes)
