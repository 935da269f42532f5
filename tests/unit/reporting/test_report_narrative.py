"""The first screen's words follow from the records: decision, what is not shown, and one next step."""

import pytest
from verdict_stories import STORIES, make_outcome, make_pin, make_verdict, story_inputs, story_verdict

from tasks.records import ClassOutcome, ClassScores, CriterionOutcome, FoldsJudged, Interval
from tasks.reporting.narrative import Action, Limit, action_of, headline, limits_of


def _limits(story: str, time_column: str = "departed_utc", **changes: object) -> dict[str, str]:
    found = story_inputs(story).provenance
    evaluation = found.evaluation.model_copy(update=changes)
    return {limit.title: limit.text for limit in limits_of(found.verdict, evaluation, found.pin, time_column)}


def _action(story: str) -> Action:
    found = story_inputs(story).provenance
    return action_of(found.verdict, found.evaluation, 7)


@pytest.mark.parametrize(
    ("decision", "reason", "expected"),
    [
        ("reject", "REJECT: worse on one carrier", ("Reject", "worse on one carrier")),
        ("not_judged", "NOT JUDGED: no figures", ("Not judged", "no figures")),
        ("reject", "worse on one carrier", ("Reject", "worse on one carrier")),
        ("promote", "PROMOTE (after a change): all hold", ("Promote", "all hold (after a change)")),
        ("reject", "REJECT: line one\nline two", ("Reject", "line one line two")),
        ("reject", "Rejected by its author", ("Reject", "Rejected by its author")),
    ],
)
def test_headline_says_the_decision_once(decision: str, reason: str, expected: tuple[str, str]) -> None:
    """The decision's word is set apart, whether or not the reason begins with it."""
    assert headline(make_verdict(decision=decision).model_copy(update={"reason": reason})) == expected


def test_a_rubber_stamp_is_in_the_headline() -> None:
    """A first model is never promoted with the same word as one that was compared."""
    assert headline(story_verdict("rubber_stamp"))[0] == "Promote (rubber stamp)"


def _limits_of_verdict(story: str, **changes: object) -> dict[str, str]:
    found = story_inputs(story).provenance
    verdict = found.verdict.model_copy(update=changes)
    return {limit.title: limit.text for limit in limits_of(verdict, found.evaluation, found.pin, "departed_utc")}


def test_folds_are_told_by_who_saw_them() -> None:
    """Models of other folds that were fitted here; or scores of which nobody here knows; never of one part."""
    fitted = _limits_of_verdict("reject", folds=FoldsJudged(count=5, draws=1))["Out of fold"]
    assert fitted == "Each of 5 folds was scored by a model of the others. None of these models is kept."
    drawn = FoldsJudged(count=5, draws=3)
    brought = _limits_of_verdict("reject", folds=drawn, evidence_level="scores_brought_along")["Out of fold"]
    assert "means of 3 draws, in which each row counts once" in brought
    assert "was not seen" in brought
    assert "Out of fold" not in _limits("reject")


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"judging": "units"}, ("weighted by units", "not weighted")),
        ({"challenger": "units"}, ("not weighted", "weighted by units")),
        ({"judging": "units", "challenger": "units"}, None),
        ({}, None),
    ],
)
def test_weights_on_one_side_only_are_told(weights: dict[str, str], told: tuple[str, str] | None) -> None:
    """Where judging and fitting agree there is nothing to say."""
    judging, fitting = told or ("", "")
    expected = f"Rows are {judging} in the figures; those that the challenger was fitted on are {fitting}."
    assert _limits_of_verdict("reject", weights=weights).get("Weights") == (expected if told else None)


def test_two_views_are_told() -> None:
    """Champion raw and logged, challenger masked: not the same data."""
    assert _limits("reject")["Two views"] == (
        "The champion's logged scores come from raw data; the challenger was trained and scored on masked data."
    )


def test_a_masked_challenger_alone_is_told() -> None:
    """Without a champion the view still limits what was shown."""
    assert "Masked view" in _limits("rubber_stamp")


def test_rows_without_label_or_score_are_counted() -> None:
    """Both kinds with their share of the part."""
    assert _limits("reject")["Rows not judged"].startswith(
        "1,204 rows (2.4 %) have no label yet, 311 rows (0.6 %) no champion score"
    )
    assert "Rows not judged" not in _limits("reject", unlabelled_rows=0, unscored_rows=0)


def test_recipe_age_slices_and_rubber_stamp_are_told() -> None:
    """What was judged, how old it is, and what nothing is known of."""
    assert "this verdict promotes it" in _limits("reject")["One fit of the recipe"]
    assert "One fit of the recipe" not in _limits_of_verdict("reject", folds=FoldsJudged(count=5, draws=1))
    assert "2013-09-02 to 2013-10-30 (59 days), data as of 2013-10-31" in _limits("reject")["Age"]
    assert _limits("not_judged")["Unseen slices"].startswith("origin=LGA, carrier=OO")
    assert next(iter(_limits("rubber_stamp"))) == "Rubber stamp"


def test_times_of_files_are_not_taken_for_days_of_data() -> None:
    """Where rows have no time, their files' is all that is known."""
    told = _limits("reject", "lake_file_utc", from_utc="2013-09-02T00:00:00Z", to_utc="2013-09-02T12:00:00Z", days=1)["Age"]
    assert told.startswith(
        "The rows have no times of their own: the files that hold the judged ones appeared in the lake on 2013-09-02,"
    )
    assert "day)" not in told
    assert "between 2013-09-02 and 2013-10-30" in _limits("reject", "lake_file_utc")["Age"]


def test_advisory_criteria_without_an_answer_are_told() -> None:
    """A promotion says nothing about slices that were too small to judge."""
    assert _limits("promote")["Undecided"] == (
        "8 advisory criteria came to no answer: carrier=HA, carrier=MQ, carrier=OO, carrier=UA and 4 more."
    )
    assert "Undecided" not in {limit.title for limit in _limits_of_one(make_outcome())}


def _limits_of_one(outcome: CriterionOutcome) -> tuple[Limit, ...]:
    found = story_inputs("promote").provenance
    return limits_of(make_verdict(outcome), found.evaluation, found.pin, "departed_utc")


@pytest.mark.parametrize("level", ["refitted_here", "scored_here", "scores_brought_along"])
def test_every_evidence_level_is_told(level: str) -> None:
    """No level of evidence goes without its limit."""
    found = story_inputs("promote").provenance
    limits = limits_of(found.verdict.model_copy(update={"evidence_level": level}), found.evaluation, make_pin(2), "departed_utc")
    expected = "Scores brought along" if level == "scores_brought_along" else "Rehearsed, not live"
    assert expected in {limit.title for limit in limits}


def test_promotion_points_to_the_release_flow() -> None:
    """And says for how long."""
    assert _action("promote").command == "windtunnel gate --check"
    assert "7 days" in _action("promote").text


def test_rejection_names_what_to_mend() -> None:
    """Criterion, slice, how far off, and what is allowed; in words, without a sign convention."""
    action = _action("reject")
    assert action.text == "Mend each_origin on origin=LGA: ROC AUC is 0.0712 lower than the champion's, at most 0.02 is allowed."
    assert action.command == "windtunnel try FILE"


def test_rejection_by_a_bound_names_the_bound() -> None:
    """Where the margin holds, the bound is what to mend."""
    outcome = make_outcome(bound=0.8, status="fail")
    found = story_inputs("reject").provenance
    action = action_of(make_verdict(outcome, decision="reject"), found.evaluation, 7)
    assert action.text == "Mend ranking on all rows: ROC AUC is 0.7400, at least 0.8 is asked."


def test_rejection_on_a_loss_says_higher() -> None:
    """Lower is better turns the words around."""
    outcome = make_outcome(
        metric="log_loss",
        direction="lower_is_better",
        delta=0.03,
        interval=Interval(low=0.02, high=0.04, confidence=0.95),
        status="fail",
    )
    action = action_of(make_verdict(outcome, decision="reject"), story_inputs("reject").provenance.evaluation, 7)
    assert "Log loss is 0.0300 higher than the champion's, at most 0.005 is allowed" in action.text


def test_rejection_by_validation_points_to_the_data() -> None:
    """No challenger can mend the data."""
    action = _action("failed_validation")
    assert action.text.startswith("Mend validation: validation of features failed")
    assert action.command == "windtunnel run"


def test_inconclusive_says_how_long_to_wait() -> None:
    """Rows and days that are still to come, from the slowest criterion."""
    action = _action("inconclusive")
    assert action.text == (
        "Wait for more data: each_origin on origin=LGA needs about 88,276 more rows, 292 days at today's rate. Then judge again."
    )
    assert action.command == "windtunnel data refresh"


def test_waiting_is_not_advised_where_it_would_not_help() -> None:
    """A figure on its limit stays undecided."""
    outcome = make_outcome(status="inconclusive")
    action = action_of(make_verdict(outcome, decision="inconclusive"), story_inputs("reject").provenance.evaluation, 7)
    assert "more rows alone would not decide it" in action.text


def test_not_judged_names_what_is_missing() -> None:
    """The slice without rows."""
    assert _action("not_judged").text.startswith("Supply what is missing for each_origin on origin=LGA: no row of this slice")


@pytest.mark.parametrize("decision", ["promote", "reject", "inconclusive", "not_judged"])
def test_there_is_an_action_even_without_criteria(decision: str) -> None:
    """Every verdict ends in one step and its command."""
    action = action_of(make_verdict(decision=decision), story_inputs("reject").provenance.evaluation, 7)
    assert action.text.endswith(".")
    assert action.command.startswith("windtunnel ")


@pytest.mark.parametrize("story", STORIES)
def test_the_first_screen_is_short(story: str) -> None:
    """A director reads at most eight limits and one action of two lines."""
    assert len(_limits(story)) <= 8
    assert len(_action(story).text) < 220


def test_late_scores_and_rare_classes_are_told() -> None:
    """What the champion may have known more, and what nobody can know of a class with few rows."""
    scores = ClassScores(precision=None, recall=None, f1=None, predicted=(1,))
    rare = ClassOutcome(name="frost", rows=12, fraction=0.001, is_rare=True, champion=None, challenger=scores)
    found = _limits("reject", late_scores=4821, classes=(rare, rare.model_copy(update={"name": "sun", "is_rare": False})))
    assert found["Late scores"].startswith("The champion scored 4,821 rows (10.0 %) after their prediction time")
    assert found["Small classes"].startswith("frost (12 rows):")
    assert not {"Late scores", "Small classes"} & set(_limits("reject"))


def test_a_rehearsal_is_the_gravest_limit_and_the_next_step_ends_it() -> None:
    """Before all others; a promotion that promotes nothing sends nobody to the gate."""
    assert next(iter(_limits_of_verdict("promote", rehearsal=True))) == "Rehearsal"
    found = story_inputs("promote").provenance
    rehearsed = found.verdict.model_copy(update={"rehearsal": True})
    assert action_of(rehearsed, found.evaluation, 7).command.startswith("windtunnel policy sign")
