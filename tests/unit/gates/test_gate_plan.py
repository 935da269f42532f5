"""`windtunnel gate plan`: the smallest difference that a holdout can show, against closed forms."""

import json

import numpy as np
import pytest
from evidence_records import card, comparison, difference, evaluation, gates, interval, reports
from scipy import stats

from flows.cli.render_plan import show_plan
from tasks.evaluation.spread import tails_of
from tasks.gates import judge_criteria, later_gates, list_unplanned, plan_tests
from tasks.params.judging import GatesParams
from tasks.records import GatePlan, NextLook, PlannedFrom, Replicates, Spread, Unplanned

TAILS = tails_of(2000)
ERROR = 0.004


def normal(middle=-0.3, **changes):
    """A comparison whose difference is normal with a standard error of 0.004, and lies where it pleases."""
    kept = Replicates(quantiles=tuple(map(float, stats.norm(middle, ERROR).ppf(TAILS))), below=0.5, acceleration=0.0)
    spread = Spread(challenger=None, delta=kept, relative=None)
    return difference(*stats.norm(middle, ERROR).interval(0.95), spread=spread, **changes)


def planned(found, **criterion):
    return plan_tests(evaluation(found, tails=TAILS), gates(c=criterion))


@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_a_margin_takes_two_quantiles_of_standard_errors(direction):
    """(1.96 + 0.84) standard errors, wherever the figure lies today; an equal model needs the square of its share of the margin."""
    (test,) = planned(normal(direction=direction), margin=0.005)
    assert test.smallest_difference == pytest.approx((1.959964 + 0.841621) * ERROR, rel=1e-6)
    assert (test.one_sided_confidence, test.power, test.does_equal_pass) == (0.975, 0.8, False)
    assert test.rows_for_equal == pytest.approx(10_000 * (2.801585 * ERROR / 0.005) ** 2, abs=1)
    assert test.days_for_equal == pytest.approx(test.rows_for_equal / 500, abs=1)


def test_a_plan_names_no_days_where_rows_have_no_times():
    """The rows that it takes are known all the same."""
    (test,) = plan_tests(evaluation(normal(), tails=TAILS, days=0), gates(c={"margin": 0.005}))
    assert test.rows_for_equal > 10_000
    assert test.days_for_equal is None


def test_an_equal_model_passes_a_margin_that_is_wide_enough():
    """A margin above the smallest difference that shows."""
    assert planned(normal(), margin=0.012)[0].does_equal_pass is True


def test_what_is_planned_is_the_power():
    """Of differences drawn at the planned distance from the margin, four in five have an interval that passes."""
    (test,) = planned(normal(), margin=0.005)
    drawn = stats.norm(test.smallest_difference - 0.005, ERROR).rvs(20_000, random_state=1)
    assert abs((drawn - 1.959964 * ERROR >= -0.005).mean() - 0.8) < 0.01


@pytest.mark.parametrize("criterion", [{"margin": 0.005}, {"better_by": 0.0}], ids=str)
def test_rows_that_would_decide_do_four_times_in_five(criterion):
    """Where today's figure is the true one, and an interval's width shrinks with the root of the rows."""
    (outcome,) = judge_criteria(evaluation(normal(middle=0.001, clusters=100_000), tails=TAILS), reports(), gates(c=criterion))
    reach, limit = 1.959964 * ERROR * (10_000 / outcome.rows_to_decide) ** 0.5, -criterion.get("margin", 0.0)
    drawn = stats.norm(0.001, reach / 1.959964).rvs(20_000, random_state=1)
    assert outcome.status == "inconclusive"
    assert abs((drawn - reach >= limit).mean() - 0.8) < 0.012


def test_claims_to_be_better_are_planned_at_holms_first_step():
    """Four slices: a quarter of the error each, and no equal model."""
    slices = [normal(slice_column="o", slice_value=name, clusters=100_000) for name in "abcd"]
    found = plan_tests(evaluation(*slices, tails=TAILS), gates(c={"better_by": 0, "slice": "o"}))
    assert {test.one_sided_confidence for test in found} == {1 - 0.025 / 4}
    expected = (stats.norm.isf(0.025 / 4) + 0.841621) * ERROR
    assert [test.smallest_difference for test in found] == [pytest.approx(expected, rel=0.01)] * 4
    assert {test.does_equal_pass for test in found} == {None}


@pytest.mark.parametrize("by", [0.0, 0.004])
def test_a_claim_has_to_lie_beyond_the_noise_floor_too(by):
    """A floor of 0.02 asks for more than the interval does; one of 0.001 for nothing."""
    (wide,) = planned(normal(noise_floor=0.02, clusters=100_000), better_by=by)
    (narrow,), (none,) = (planned(normal(noise_floor=floor, clusters=100_000), better_by=by) for floor in (0.001, 0.0))
    assert wide.smallest_difference == pytest.approx(0.02 - by + 0.841621 * ERROR, rel=1e-3)
    assert narrow.smallest_difference == none.smallest_difference


def test_a_claim_without_a_noise_floor_is_planned_only_where_a_run_measures_one():
    """As it is judged: nothing is called an improvement where a model may differ as much from itself."""
    brought = evaluation(normal(noise_floor=None), challenger=card("challenger", basis="score_file"), tails=TAILS)
    refitted = evaluation(normal(noise_floor=None), tails=TAILS)
    asked = gates(c={"better_by": 0})
    for of, measured in ((brought, None), (brought, brought), (refitted, None)):
        (test,) = plan_tests(of, asked, measured=measured)
        assert test.smallest_difference is None
        assert "no noise floor is known" in test.reason
    assert plan_tests(refitted, asked, measured=refitted)[0].smallest_difference > 0


def test_bound_and_margin_are_planned_apart():
    """Two tests of one criterion; a first model has only its bound."""
    assert [test.test for test in planned(normal(), margin=0.005, bound=0.6)] == ["bound", "non_inferiority"]
    first = evaluation(comparison(), champion=None, tails=TAILS)
    assert [test.test for test in plan_tests(first, gates(c={"margin": 0.005, "bound": 0.6}))] == ["bound"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": 999}, "999 rows, 1 fewer than the least"),
        ({"delta_interval": None, "reason": "no interval: 3 clusters"}, "3 clusters"),
        ({"is_withheld": True, "reason": "withheld: few people"}, "withheld"),
        ({"delta_interval": interval(float("nan"), 0.1)}, "no interval to plan from"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_says_why(changes, reason):
    """No figure is made up, and nothing is promised."""
    (test,) = planned(comparison(**changes), margin=0.005)
    assert (test.smallest_difference, test.does_equal_pass, test.rows_for_equal) == (None, None, None)
    assert reason in test.reason


def test_the_plan_tells_nothing_of_which_way_it_went():
    """A better and a worse challenger of equal spread have one plan."""
    better, worse = (difference(middle - 0.01, middle + 0.01, champion=0.7) for middle in (0.25, -0.25))
    assert planned(better, margin=0.5) == planned(worse, margin=0.5)


@pytest.mark.parametrize(("measured_on", "clusters"), [(20, 20), (15, 60), (60, 15), (200, 200), (30, 10_000)])
def test_a_spread_that_was_estimated_elsewhere_asks_for_more(measured_on, clusters):
    """Both standard errors drawn as of so many clusters: four in five pass at the planned distance, not fewer."""
    found = normal(clusters=clusters)
    elsewhere = evaluation(normal(clusters=measured_on), tails=TAILS)
    (known,) = planned(found, margin=0.005)
    (test,) = plan_tests(evaluation(found, tails=TAILS), gates(c={"margin": 0.005}), measured=elsewhere)
    random, count = np.random.default_rng(measured_on), 200_000
    own, other = (np.sqrt(random.chisquare(n - 1, count) / (n - 1)) for n in (measured_on, clusters))
    passed = random.normal(test.smallest_difference / ERROR * own, 1) > 1.959964 * other
    assert test.smallest_difference > known.smallest_difference
    assert abs(passed.mean() - 0.8) < 0.01


def test_a_later_look_asks_for_more():
    """The same spread at 99.914 %, as it would be judged; the first one is not changed by it."""
    of, asked = evaluation(normal(), tails=TAILS), gates(c={"margin": 0.005})
    (first,), (later,) = plan_tests(of, asked), plan_tests(of, later_gates(asked, of), is_later=True)
    assert later.one_sided_confidence == pytest.approx(1 - 0.025 / 58)
    assert later.smallest_difference == pytest.approx((stats.norm.isf(0.025 / 58) + 0.841621) * ERROR, rel=0.02)
    assert later.smallest_difference > first.smallest_difference


def test_what_is_not_planned_is_named_with_its_reason():
    """Evidence, drift, a search and what is measured; slices that are missing or too small; a margin without a champion."""
    criteria = GatesParams.model_validate(
        {
            "max_age_days": 1,
            "criteria": {
                "sound": {"evidence": "validation", "critical": True},
                "each": {"metric": "roc_auc", "slice": "o", "margin": 0.1, "min_rows": 1000, "critical": True},
                "other": {"metric": "brier", "margin": 0.1, "min_rows": 1, "critical": True},
                "fair": {"parity": "roc_auc", "slice": "p", "gap": 0.1, "min_rows": 1, "critical": True},
                "same": {"drift": "psi", "most": 0.2, "min_rows": 1, "critical": True},
                "harm": {"discovered": "roc_auc", "critical": True},
                "size": {"measured": "resources", "measure": "model_bytes", "most": 1, "critical": True},
            },
        }
    )
    of = evaluation(normal(slice_column="o", slice_value="a", rows=9), tails=TAILS, missing_slices=("o=b", "q=c"))
    told = {one.name: one.reason for one in list_unplanned(of, criteria, plan_tests(of, criteria))}
    assert list(told) == ["sound", "each[b]", "each[a]", "other", "fair", "same", "harm", "size"]
    assert (told["other"], told["each[a]"]) == ("brier was not measured", "9 rows, 991 fewer than the least that is judged")
    assert "parity needs two" in told["fair"]
    first = evaluation(normal(), champion=None, tails=TAILS)
    assert [one.name for one in list_unplanned(first, gates(c={"margin": 0.1}), ())] == ["c"]


def plan_of(found, *, basis="evaluation", unplanned=(), is_single=False, criteria=None):
    of, asked = evaluation(found, tails=TAILS), criteria or gates(c={"margin": 0.005})
    rows = {"split": "by_time", "part": "test", "rows": 10_000, "clusters": 20}
    later = () if is_single else plan_tests(of, later_gates(asked, of), is_later=True)
    return GatePlan(
        **rows,
        planned_from=PlannedFrom(basis=basis, **rows | {"part": "validation"}, cluster="day", why="no evaluation yet"),
        confidence=0.95,
        later_confidence=None if is_single else 0.99914,
        tests=plan_tests(of, asked),
        later_tests=later,
        unplanned=unplanned,
        holdout=None,
    )


def look(number, budget=30, taken=4):
    left = None if number is None else budget - number + 1
    return NextLook(number=number, budget=budget, left=left, taken_at_part=taken, confidence=0.95)


def test_plan_is_printed_as_table_and_as_json(capsys):
    """The table names both differences and what the next look makes of them; JSON has the record's fields."""
    found = plan_of(normal(), basis="free_look", unplanned=(Unplanned(name="sound", kind="evidence", reason="no figure"),))
    show_plan(found, look(1), is_json=False)
    printed = capsys.readouterr().out
    expected = (
        "0.01121",
        f"{found.later_tests[0].smallest_difference:.4g}",
        "an equal model needs about 50,2",
        "by_time/validation",
        "no evaluation yet",
        "sound: no figure",
    )
    for told in expected:
        assert told in printed, told
    assert "number 1 of 30, a first look" in printed
    show_plan(found, look(2), is_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["tests"][0]["does_equal_pass"], told["looks"]["number"], told["planned_from"]["part"]) == (False, 2, "validation")


@pytest.mark.parametrize(
    ("number", "taken", "told"),
    [
        (2, 4, "number 2 of 30, a later one"),
        (31, 4, "30 of 30 taken at by_time/test: none is left, refresh the holdout"),
        (None, 4, "4 taken at by_time/test before: the next is a later one, unless its rows are others now"),
        (None, 0, "some were taken, none at by_time/test by this name: the next is a later one, unless its rows were never"),
    ],
)
def test_the_next_look_is_told_with_the_plan(capsys, number, taken, told):
    """A later one is what the last column speaks of, at its confidence."""
    show_plan(plan_of(normal()), look(number, taken=taken), is_json=False)
    printed = capsys.readouterr().out
    assert told in printed
    assert "99.9569 %" in printed
    assert "97.5 %" not in printed


def test_a_budget_of_one_look_has_no_later_one(capsys):
    """The plan says so instead of a figure."""
    show_plan(plan_of(normal(), is_single=True), look(1, 1), is_json=False)
    printed = capsys.readouterr().out
    assert "no such look" in printed
    assert "97.5 %" in printed


def parity(errors, gap=0.1, **changes):
    """Slices whose figures are normal with these standard errors, and a limit on how far they lie apart."""
    slices = []
    for name, error in zip("abcdefgh", errors, strict=False):
        kept = Replicates(quantiles=tuple(map(float, stats.norm(0.5, error).ppf(TAILS))), below=0.5, acceleration=0.0)
        spread = Spread(challenger=kept, delta=None, relative=None)
        slices.append(comparison(slice_column="o", slice_value=name, challenger=0.5, spread=spread, **changes))
    criterion = {"parity": "roc_auc", "slice": "o", "gap": gap, "min_rows": 1000, "critical": True, "method": "bca"}
    return plan_tests(evaluation(*slices, tails=TAILS), GatesParams(max_age_days=1, criteria={"fair": criterion}))


@pytest.mark.parametrize("errors", [(0.01, 0.01), (0.01, 0.012, 0.008), (0.012, 0.01, 0.002, 0.001), (0.01,) * 6], ids=str)
def test_a_gap_is_planned_to_its_power(errors):
    """Of slices whose two widest lie the planned gap apart, four in five are judged to hold the limit."""
    (test,) = parity(errors)
    assert (test.test, test.does_equal_pass, test.n) == ("parity", True, 10_000 * len(errors))
    widths = np.array(sorted(errors, reverse=True))
    true = np.array([0.5, -0.5, *[0.0] * (len(errors) - 2)]) * (test.limit - test.smallest_difference)
    drawn = np.random.default_rng(1).normal(true, widths, (100_000, len(errors)))
    reach = stats.norm.isf(0.0125) * widths
    assert abs(((drawn + reach).max(axis=1) - (drawn - reach).min(axis=1) <= 0.1).mean() - 0.8) < 0.01


def test_a_gap_that_no_slices_could_hold_says_how_many_rows_would():
    """Even slices that are alike fail at this spread; with the named rows they pass four times in five."""
    (test,) = parity((0.05, 0.05, 0.05))
    assert test.does_equal_pass is False
    assert test.smallest_difference > 0.1
    shrunk = 0.05 * (30_000 / test.rows_for_equal) ** 0.5
    assert parity((shrunk * 0.999,) * 3)[0].does_equal_pass is True
    assert parity((shrunk * 1.01,) * 3)[0].does_equal_pass is False


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"rows": 9}, "fewer than 1,000 rows"), ({"is_withheld": True}, "withheld")],
    ids=str,
)
def test_a_gap_with_a_slice_that_is_not_known_is_not_planned(changes, reason):
    """It could be the one that is worst off."""
    (test,) = parity((0.01, 0.01), **changes)
    assert test.smallest_difference is None
    assert reason in test.reason
