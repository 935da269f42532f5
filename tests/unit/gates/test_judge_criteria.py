"""Each criterion against each kind of evidence: pass, fail, inconclusive, not judged."""

import math

import pytest
from evidence_records import EXAMINED, card, comparison, difference, evaluation, finding, gates, interval, report, reports
from hypothesis import given
from hypothesis import strategies as st

from tasks.gates import SUBJECTS, judge_criteria
from tasks.gates.evidence import WORST_FIRST

NUMBERS = st.floats(-0.5, 0.5)
INTERVALS = st.tuples(NUMBERS, NUMBERS).map(sorted)
MARGINS = st.floats(0, 0.2)
DIRECTIONS = st.sampled_from(["higher_is_better", "lower_is_better"])


def judged(*comparisons, criterion=None, **changes):
    """The outcomes of one criterion on an evaluation."""
    return judge_criteria(evaluation(*comparisons, **changes), reports(), gates(c=criterion or {"margin": 0.005}))


def status(*comparisons, **changes):
    (outcome,) = judged(*comparisons, **changes)
    return outcome.status


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.005, 0.01, "pass"),
        (-0.004, -0.001, "pass"),
        (-0.0051, 0.01, "inconclusive"),
        (-0.02, -0.005, "inconclusive"),
        (-0.02, -0.0051, "fail"),
    ],
)
def test_margin_passes_only_where_the_whole_interval_lies_within_it(low, high, expected):
    """The worst end decides a pass, the best end a failure."""
    assert status(difference(low, high)) == expected


def test_margin_follows_the_metrics_direction():
    """For a loss, more is worse."""
    assert status(difference(-0.02, -0.01, direction="lower_is_better")) == "pass"
    assert status(difference(0.006, 0.01, direction="lower_is_better")) == "fail"


@pytest.mark.parametrize(
    ("direction", "bound", "expected"),
    [
        ("higher_is_better", 0.71, "pass"),
        ("higher_is_better", 0.72, "inconclusive"),
        ("higher_is_better", 0.74, "fail"),
        ("lower_is_better", 0.73, "pass"),
        ("lower_is_better", 0.72, "inconclusive"),
        ("lower_is_better", 0.70, "fail"),
    ],
)
def test_bound_holds_for_the_challengers_whole_interval(direction, bound, expected):
    """An absolute bound asks for the challenger's interval (0.71 to 0.73), not for its figure."""
    assert status(comparison(direction=direction), criterion={"bound": bound}) == expected


def test_bound_and_margin_together_take_the_worse():
    """Within the margin but below the bound fails, and the other way round."""
    assert status(criterion={"margin": 0.005, "bound": 0.74}) == "fail"
    assert status(difference(-0.03, -0.02), criterion={"margin": 0.005, "bound": 0.6}) == "fail"
    assert status(criterion={"margin": 0.005, "bound": 0.72}) == "inconclusive"
    assert status(criterion={"margin": 0.005, "bound": 0.71}) == "pass"


def test_too_few_rows_are_inconclusive_and_say_how_many_are_missing():
    """500 rows in 20 days, 1,000 wanted: 500 more rows, 20 more days."""
    (outcome,) = judged(comparison(rows=500))
    assert outcome.status == "inconclusive"
    assert (outcome.n, outcome.rows_to_decide, outcome.days_to_decide) == (500, 1000, 40)
    assert "500 more rows would decide (about 20 more days at today's rate)" in outcome.reason


def test_days_are_not_named_where_rows_have_no_times():
    """When files appeared in the lake says nothing of how fast rows come."""
    (outcome,) = judged(comparison(rows=500), days=0)
    assert (outcome.rows_to_decide, outcome.days_to_decide) == (1000, None)
    assert outcome.reason.endswith("about 500 more rows would decide")


def test_the_least_rows_are_not_named_where_they_would_not_decide():
    """At 1,000 rows the interval of 500 would still be too wide: as many as decide are named, or none where none would do."""
    (outcome,) = judged(difference(-0.25, 0.25, rows=500), criterion={"margin": 0.125})
    assert (outcome.status, outcome.rows_to_decide, outcome.days_to_decide) == ("inconclusive", 4087, 164)
    (outcome,) = judged(difference(-0.25, 0.0, rows=500), criterion={"margin": 0.125})
    assert (outcome.status, outcome.rows_to_decide) == ("inconclusive", None)


def test_a_withheld_slice_names_no_rows_and_says_why():
    """Nobody here knows how many it has: any number would tell of few people, or be made up."""
    hidden = comparison(
        slice_column="o", slice_value="x", rows=0, is_withheld=True, reason="withheld: it would rest on fewer than 5 people"
    )
    (outcome,) = judged(hidden, criterion={"margin": 0.005, "slice": "o"})
    assert (outcome.status, outcome.n, outcome.rows_to_decide) == ("inconclusive", None, None)
    assert outcome.reason == f"{hidden.reason}; how many rows would decide is not told: it would tell of few people"


def test_too_wide_an_interval_says_how_many_rows_would_decide():
    """Twice as wide as the figure's distance (0.125) from the limit: four times the rows, times 1 + 0.84 / 1.96 squared."""
    (outcome,) = judged(difference(-0.25, 0.25), criterion={"margin": 0.125})
    assert (outcome.status, outcome.rows_to_decide, outcome.days_to_decide) == ("inconclusive", 81_729, 164)
    assert "about 71,729 more rows would decide (about 144 more days at today's rate)" in outcome.reason


def test_a_figure_on_the_limit_names_no_number_of_rows():
    """At the margin itself no number of rows would decide."""
    (outcome,) = judged(difference(-0.25, 0.0), criterion={"margin": 0.125})
    assert (outcome.status, outcome.rows_to_decide, outcome.days_to_decide) == ("inconclusive", None, None)
    assert "lies on the limit" in outcome.reason


@pytest.mark.parametrize(
    "missing",
    [
        {"challenger": None},
        {"challenger": math.nan},
        {"champion": None},
        {"delta": None},
        {"delta": math.nan},
        {"delta_interval": None},
        {"delta_interval": interval(math.nan, 0.1)},
        {"delta_interval": interval(0.0, math.inf)},
        {"delta_interval": interval(0.1, 0.0)},
        {"challenger_interval": None},
    ],
    ids=str,
)
def test_missing_or_broken_figures_are_not_judged(missing):
    """None, NaN, infinity and an interval the wrong way round never pass and never fail."""
    (outcome,) = judged(comparison(**missing, reason="because"))
    assert outcome.status == "not_judged"
    assert "because" in outcome.reason


def test_metric_that_was_not_measured_is_not_judged():
    """A criterion on a metric without a comparison has one outcome, not judged."""
    (outcome,) = judged(comparison(metric="brier", direction="lower_is_better"))
    assert (outcome.status, outcome.reason) == ("not_judged", "roc_auc was not measured")


def test_without_evaluation_every_metric_is_not_judged():
    """No evaluation at all is missing evidence, not a pass."""
    outcomes = judge_criteria(None, reports(), gates(a={"margin": 0.1}, b={"bound": 0.1, "slice": "origin"}))
    assert [outcome.status for outcome in outcomes] == ["not_judged", "not_judged"]


def test_slice_criterion_has_one_outcome_per_slice():
    """Each slice value is judged by name, and overall figures do not stand in for it."""
    slices = [
        difference(low, low + 0.01, slice_column="origin", slice_value=name)
        for name, low in (("EWR", 0.0), ("JFK", -0.1), ("LGA", -0.01))
    ]
    outcomes = judged(comparison(), *slices, criterion={"margin": 0.005, "slice": "origin"})
    assert [(o.name, o.slice, o.status) for o in outcomes] == [
        ("c[EWR]", "origin=EWR", "pass"),
        ("c[JFK]", "origin=JFK", "fail"),
        ("c[LGA]", "origin=LGA", "inconclusive"),
    ]


def test_missing_slice_is_not_judged_by_name():
    """A slice that the part lacks has an outcome of its own; another column's does not."""
    found = comparison(slice_column="origin", slice_value="EWR")
    missing = ("carrier=AA", "origin=JFK")
    outcomes = judged(found, criterion={"margin": 0.005, "slice": "origin"}, missing_slices=missing)
    assert [(o.name, o.slice, o.status) for o in outcomes] == [
        ("c[EWR]", "origin=EWR", "pass"),
        ("c[JFK]", "origin=JFK", "not_judged"),
    ]


def test_no_slice_at_all_is_not_judged():
    """A criterion on slices that are not there is not a pass."""
    assert status(comparison(), criterion={"margin": 0.005, "slice": "origin"}) == "not_judged"


def test_slice_days_are_counted_at_the_slices_own_rate():
    """A slice of 500 rows in 20 days gets 25 a day, however many rows there are in all."""
    (outcome,) = judged(comparison(rows=500, slice_column="o", slice_value="x"), criterion={"margin": 0.005, "slice": "o"})
    assert outcome.days_to_decide == 40


FIRST = comparison(champion=None, delta=None, champion_interval=None, delta_interval=None)


def test_without_champion_a_margin_alone_is_not_judged():
    """Nothing was compared, and a criterion that asks for a comparison has no answer."""
    (outcome,) = judged(FIRST, champion=None)
    assert (outcome.status, outcome.reason) == ("not_judged", "there is no champion to compare with, and no bound to hold")


@pytest.mark.parametrize(("bound", "wanted"), [(0.65, "pass"), (0.715, "inconclusive"), (0.74, "fail")])
def test_without_champion_a_bound_is_held_by_the_challenger_alone(bound, wanted):
    """The margin is not asked, and the interval is of the challenger's own metric."""
    (outcome,) = judged(FIRST, champion=None, criterion={"margin": 0.005, "bound": bound})
    assert (outcome.status, outcome.margin, outcome.bound) == (wanted, None, bound)
    assert outcome.interval == outcome.challenger_interval == FIRST.challenger_interval


def test_a_champion_without_figures_is_no_first_model():
    """Where there is a champion, a missing comparison is missing evidence, whatever the bound."""
    assert status(FIRST, champion=card("champion")) == "not_judged"
    assert status(FIRST, champion=card("champion"), criterion={"margin": 0.005, "bound": 0.65}) == "not_judged"


def test_validation_evidence_passes_with_all_five_reports():
    """All five reports, passed, is the only way to pass."""
    (outcome,) = judge_criteria(evaluation(), reports(), gates(v={"evidence": "validation", "critical": True}))
    assert (outcome.status, outcome.reason) == ("pass", "raw, masked, splits, features, predictions passed")


def test_validation_evidence_alone_is_no_evidence_of_a_model():
    """Where nothing was evaluated, sound data promotes nothing, whatever the criteria are."""
    (outcome,) = judge_criteria(None, reports(), gates(v={"evidence": "validation", "critical": True}))
    assert (outcome.status, outcome.reason) == ("not_judged", "there is no evaluation")


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("inputs", [{}, {"other": "f" * 64}])
def test_a_report_that_names_no_evaluated_data_never_passes(subject, inputs):
    """A report that does not say which data it examined may be of any."""
    criteria = gates(v={"evidence": "validation", "critical": True})
    (outcome,) = judge_criteria(evaluation(), reports(**{subject: report(subject, inputs=inputs)}), criteria)
    assert (outcome.status, EXAMINED[subject] in outcome.reason) == ("not_judged", True)


def test_an_evaluation_that_names_no_data_never_passes():
    """A hash that the evaluation lacks agrees with no report's."""
    criteria = gates(v={"evidence": "validation", "critical": True})
    (outcome,) = judge_criteria(evaluation(inputs={"pin": "a" * 64}), reports(), criteria)
    assert outcome.status == "not_judged"


@pytest.mark.parametrize(
    ("suite_changes", "expectation_changes", "expected"),
    [
        ({"rows": 0}, {}, "not_judged"),
        ({"expectations": ()}, {}, "not_judged"),
        ({}, {"is_passed": False}, "fail"),
        ({}, {"is_passed": False, "severity": "warning"}, "pass"),
    ],
)
def test_a_suites_claim_is_derived_again(suite_changes, expectation_changes, expected):
    """One suite among others that examined nothing, or whose critical expectation failed, does not pass on its own word."""
    (whole,) = report("raw").suites
    (asked,) = whole.expectations
    changed = whole.model_copy(update={"expectations": (asked.model_copy(update=expectation_changes),)} | suite_changes)
    criteria = gates(v={"evidence": "validation", "critical": True})
    (outcome,) = judge_criteria(evaluation(), reports(raw=report("raw", suites=(whole, changed))), criteria)
    assert outcome.status == expected


@pytest.mark.parametrize("limit", [{"margin": float("inf")}, {"bound": float("-inf")}, {"bound": float("nan")}])
def test_a_limit_that_no_figure_can_miss_is_refused(limit):
    """YAML's .inf and .nan are no thresholds."""
    with pytest.raises(ValueError, match="finite number"):
        gates(ranking=limit)


@pytest.mark.parametrize(
    ("changes", "expected", "reason"),
    [
        ({"masked": None}, "not_judged", "no validation report of masked"),
        ({"masked": report("raw")}, "not_judged", "of masked is one of raw"),
        ({"masked": report("masked", suites=())}, "not_judged", "of masked examined nothing"),
        ({"masked": report("masked", is_passed=False)}, "fail", "validation of masked failed"),
        ({"splits": report("splits", findings=(finding(),))}, "fail", "splits failed (0 suites, 1 findings)"),
        ({"masked": None, "raw": report("raw", is_passed=False)}, "fail", "validation of raw failed"),
        ({"features": report("features", inputs={"features": "0" * 64})}, "not_judged", "of other data than was evaluated"),
    ],
)
def test_missing_failed_or_foreign_reports_never_pass(changes, expected, reason):
    """Each defect of a report has its status and is told by subject."""
    criteria = gates(v={"evidence": "validation", "critical": True})
    (outcome,) = judge_criteria(evaluation(), reports(**changes), criteria)
    assert outcome.status == expected
    assert reason in outcome.reason


def test_no_reports_at_all_never_pass():
    """An empty mapping, or no subject asked for, is missing evidence."""
    criteria = gates(v={"evidence": "validation", "critical": True})
    assert judge_criteria(evaluation(), {}, criteria)[0].status == "not_judged"
    assert judge_criteria(evaluation(), reports(), criteria, subjects=())[0].status == "not_judged"


@given(INTERVALS, st.floats(0, 0.3), st.floats(0, 0.3), MARGINS, DIRECTIONS)
def test_a_worse_interval_never_gets_a_better_status(ends, low_falls, high_falls, margin, direction):
    """Moving either end of the interval to the worse never turns fail into less, or anything into a pass."""
    low, high = ends
    worse = (low - low_falls, max(low - low_falls, high - high_falls))
    if direction == "lower_is_better":
        (low, high), worse = (-high, -low), (-worse[1], -worse[0])
    criterion = {"margin": margin}
    before = status(difference(low, high, direction=direction), criterion=criterion)
    after = status(difference(*worse, direction=direction), criterion=criterion)
    assert WORST_FIRST.index(after) <= WORST_FIRST.index(before)


@given(INTERVALS, MARGINS, st.floats(0, 0.3), DIRECTIONS)
def test_a_smaller_margin_never_gets_a_better_status(ends, margin, wider, direction):
    """A stricter limit never helps."""
    found = difference(*ends, direction=direction)
    strict, lax = (status(found, criterion={"margin": m}) for m in (margin, margin + wider))
    assert WORST_FIRST.index(strict) <= WORST_FIRST.index(lax)


@given(st.floats(0, 0.1), st.floats(0, 0.1), DIRECTIONS)
def test_an_equal_model_within_the_margin_passes(half_width, extra, direction):
    """A difference of zero passes once the interval is narrower than the margin."""
    found = difference(-half_width, half_width, direction=direction)
    assert status(found, criterion={"margin": half_width + extra}) == "pass"


@given(INTERVALS, MARGINS)
def test_more_rows_are_asked_for_only_where_nothing_is_decided(ends, margin):
    """Rows to decide go with ``inconclusive`` alone, and are more than there are."""
    (outcome,) = judged(difference(*ends), criterion={"margin": margin})
    if outcome.status != "inconclusive":
        assert (outcome.rows_to_decide, outcome.days_to_decide) == (None, None)
    elif outcome.rows_to_decide is not None:
        assert outcome.rows_to_decide > outcome.n
        assert outcome.days_to_decide >= 20
