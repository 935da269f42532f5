"""`windtunnel gate plan`: the smallest difference that a holdout can show, against closed forms."""

import json
from pathlib import Path

import pytest
from evidence_records import card, comparison, difference, evaluation, gates, interval, reports
from scipy import stats

from flows.cli.render_plan import show_plan
from tasks.datasets import write_atomically
from tasks.errors import GateError
from tasks.evaluation.spread import tails_of
from tasks.gates import judge_criteria, plan_tests
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Replicates, Spread
from tasks.stages.gate import plan_gate

TAILS = tails_of(2000)
ERROR = 0.004
PARAMS = Path(__file__).parents[3] / "params.yaml"


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


def test_plan_is_printed_as_table_and_as_json(capsys):
    """The table names the difference and what it means; JSON has the record's fields."""
    found = planned(normal(), margin=0.005)
    show_plan(found, None, is_json=False)
    printed = capsys.readouterr().out
    assert "0.01121" in printed
    assert "an equal model needs about 50,2" in printed
    show_plan(found, None, is_json=True)
    assert json.loads(capsys.readouterr().out)["tests"][0]["does_equal_pass"] is False


def test_without_evaluation_there_is_nothing_to_plan_from(tmp_path):
    """Exit code 2 and the next command, and the same where the parameters are of another evaluation."""
    paths, params = ProjectPaths(tmp_path), load_params(PARAMS)
    with pytest.raises(GateError, match="no evaluation yet") as caught:
        plan_gate(paths, params)
    assert caught.value.exit_code == 2
    other = evaluation(part="validation", champion=card("champion"))
    write_atomically(paths.evaluation_report, other.to_json().encode())
    with pytest.raises(GateError, match="part validation"):
        plan_gate(paths, params)
