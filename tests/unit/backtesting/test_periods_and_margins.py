"""Calendars of a backtest, and what margins would have done: pure functions."""

from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cli.render_backtest import CANDIDATES, DECISIONS, MARGINS
from tasks.backtesting import choose_unit, cut_periods, is_good_release, plan_steps, scale_margins, tally
from tasks.gates.bounds import lies_beyond
from tasks.params.judging import GatesParams
from tasks.records import BacktestDecision, Comparison

DOCUMENT = Path(__file__).parents[3] / "docs" / "gate-backtest.md"


def days(count, start=date(2020, 1, 25)):
    return [start + timedelta(days=number) for number in range(count)]


def gates(**criteria):
    default = {"metric": "roc_auc", "min_rows": 100, "critical": True}
    return GatesParams(max_age_days=7, criteria={name: default | given for name, given in criteria.items()})


def comparison(delta, rows=1000, challenger=0.7, **changes):
    fields = {"metric": "roc_auc", "direction": "higher_is_better", "slice_column": None, "slice_value": None, "positives": None}
    nothing = dict.fromkeys(("champion_interval", "challenger_interval", "delta_interval"))
    found = {"rows": rows, "clusters": 20, "challenger": challenger, "champion": challenger - delta, "delta": delta, "reason": ""}
    return Comparison(**fields | nothing | found | changes)


def is_beyond(criterion, found):
    return lies_beyond(found, bound=criterion.bound, margin=criterion.margin, better_by=criterion.better_by)


def decision(is_good):
    counts = dict.fromkeys(("fitted_rows", "judged_rows", "live_rows"), 1)
    told = {"candidate": "challenger", "judged": "a", "live": "b", "decision": "promote", "stopped_by": ()}
    return BacktestDecision(**told, **counts, judged_delta=None, live_delta=None, is_good=is_good)


@given(st.lists(st.dates(date(1990, 1, 1), date(2100, 1, 1)), min_size=1), st.sampled_from(["month", "week", "day"]))
def test_every_day_lies_in_one_period(found, unit):
    """Periods ascend and do not overlap."""
    periods = cut_periods(found, unit)
    for day in found:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=timezone.utc)
        assert sum(period.start <= noon < period.end for period in periods) == 1
    assert all(one.end <= other.start for one, other in pairwise(periods))


def test_months_weeks_and_days_are_named_by_their_start():
    """A week begins on Monday."""
    assert [p.name for p in cut_periods(days(10), "month")] == ["2020-01", "2020-02"]
    assert [p.name for p in cut_periods(days(10), "week")] == ["2020-01-20", "2020-01-27", "2020-02-03"]
    assert cut_periods([date(2020, 12, 31)], "month")[0].end == datetime(2021, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(("count", "unit"), [(120, "month"), (40, "week"), (13, "day"), (2, "day")])
def test_the_longest_unit_with_two_decisions_is_taken(count, unit):
    """Four periods make two decisions; a history too short for any has the shortest."""
    assert choose_unit(days(count)) == unit


def test_a_decision_has_a_period_before_and_one_after_it():
    """What is fitted on is known when the judged period begins, and what it is judged by when it ends."""
    steps = plan_steps(cut_periods(days(100), "month"), "month")
    assert [(step.judged.name, step.live.name) for step in steps] == [
        ("2020-02", "2020-03"),
        ("2020-03", "2020-04"),
        ("2020-04", "2020-05"),
    ]
    assert steps[0].fitted_until == steps[0].judged.start
    assert steps[0].decided_at == steps[0].judged.end
    assert plan_steps(cut_periods(days(2), "day"), "day") == ()


def test_weeks_are_judged_together():
    """One has too few days for an interval over days: four of them, or half of all there are."""
    steps = plan_steps(cut_periods(days(100), "week"), "week")
    assert (steps[0].judged.name, steps[0].live.name) == ("2020-01-27 to 2020-02-17", "2020-02-24")
    assert [step.decided_at for step in steps] == [step.live.start for step in steps]
    short = plan_steps(cut_periods(days(7), "day"), "day")
    assert [step.judged.name for step in short] == [f"2020-01-{day} to 2020-01-{day + 1}" for day in (26, 27, 28, 29)]


def test_margins_are_scaled_and_nothing_else_is():
    """A relative margin never becomes the whole figure; bounds and claims to be better stay."""
    found = gates(
        wide={"margin": 0.01, "bound": 0.6}, share={"relative_margin": 0.2}, better={"better_by": 0.01, "method": "expanded"}
    )
    scaled = scale_margins(found, 8).criteria
    assert (scaled["wide"].margin, scaled["wide"].bound) == (pytest.approx(0.08), 0.6)
    assert scaled["share"].relative_margin == 0.999
    assert scaled["better"] == found.criteria["better"]


@pytest.mark.parametrize(
    ("criterion", "later", "is_good"),
    [
        ({"margin": 0.01}, comparison(-0.009), True),
        ({"margin": 0.01}, comparison(-0.011), False),
        ({"bound": 0.8}, comparison(0.1), False),
        ({"better_by": 0.0}, comparison(0.0), False),
        ({"margin": 0.01}, comparison(-0.5, rows=99), None),
        ({"margin": 0.01}, comparison(-0.5, metric="brier"), None),
        ({"margin": 0.01}, comparison(0.0).model_copy(update={"challenger": None}), None),
    ],
)
def test_a_release_is_good_where_no_limit_was_broken_later(criterion, later, is_good):
    """By figures of rows enough; where there are none, nobody knows."""
    assert is_good_release(gates(one=criterion), [later], is_beyond) is is_good


def test_decisions_are_counted_by_what_came_of_them():
    """A release that is not decided on is a blocked one; what nobody knows is counted apart."""
    good, bad, unknown = decision(True), decision(False), decision(None)
    found = tally(
        2.0,
        [(good, "promote"), (good, "inconclusive"), (good, "reject"), (bad, "promote"), (bad, "not_judged"), (unknown, "promote")],
    )
    assert found.model_dump() == {
        "scale": 2.0,
        "good_passed": 1,
        "good_blocked": 2,
        "good_undecided": 1,
        "bad_passed": 1,
        "bad_blocked": 1,
        "bad_undecided": 1,
        "unknown": 1,
    }


def test_the_documented_table_over_margins_is_what_its_decisions_come_to():
    """The demo's output in the document has the command's columns and candidates, and its sums are right."""
    tables = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOCUMENT.read_text().splitlines() if "|" in line]
    decided = tables[tables.index(list(DECISIONS)) + 2 : tables.index(list(MARGINS))]
    assert decided
    assert {row[1] for row in decided} <= set(CANDIDATES.values())
    counted = [(decision({"good": True, "bad": False}[row[7]]), row[4].split(" (")[0].replace(" ", "_")) for row in decided]
    (told,) = [row[1:] for row in tables if row[0] == "as in params.yaml"]
    found = tally(1.0, counted)
    counts = (found.bad_passed, found.bad_blocked, found.good_passed, found.good_blocked, found.good_undecided)
    assert [int(cell) for cell in told] == list(counts)
