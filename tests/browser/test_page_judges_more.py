"""What a page judges again beside margins on a binary label: classes, gaps between slices, methods without resampling, statuses."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from found_records import make_feature, make_search
from judged_pages import LINE, READ, outcomes
from judged_rows import METRICS, class_rows, gap, judged_inputs, judged_rows, on
from playwright.sync_api import Page

from tasks.gates.drift import passes_and_fails
from tasks.params.judging import Criterion, DiscoveredCriterion, DriftCriterion
from tasks.records import Drift, FeatureDrift, SuspectSlice
from tasks.reporting import ReportInputs, render_report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def gaps() -> ReportInputs:
    """Gaps between origins by three methods, and DeLong's intervals of areas, from days."""
    criteria: dict[str, Criterion] = {
        "brier": gap("brier", 0.1),
        "corrected": gap("roc_auc", 0.3, method="bca"),
        "without_draws": gap("roc_auc", 0.3, method="delong"),
        "area": on("roc_auc", method="delong", bound=0.6),
        "share": on("roc_auc", method="delong", relative_margin=0.1),
    }
    return judged_inputs(criteria, judged_rows(per_day=420))


@pytest.fixture(scope="module")
def single_rows() -> ReportInputs:
    """Rows that are clusters of their own: McNemar's and DeLong's intervals, and one that no sums are published of."""
    criteria: dict[str, Criterion] = {
        "decisions": on("accuracy", method="mcnemar"),
        "each": on("accuracy", method="mcnemar", slice="origin"),
        "area": on("roc_auc", method="delong"),
        "gap": gap("roc_auc", 0.2, method="delong"),
        "drawn": on("brier"),
    }
    return judged_inputs(criteria, cluster="row")


def exact(page: Page, inputs: ReportInputs) -> set[str]:
    """The criteria that agree to the ninth digit."""
    made = outcomes(page, inputs)
    return {name for name, found in made.items() if found["level"] == "exact" and found["isSame"] and found["apart"] <= 1e-9}


def edited(page: str, inputs: ReportInputs, change: Callable[[Any], None]) -> str:
    """``page`` with another verdict, which nobody signed."""
    carried = json.loads(inputs.verdict_bytes)
    change(carried)
    old, new = (base64.b64encode(text).decode() for text in (inputs.verdict_bytes, json.dumps(carried).encode()))
    return page.replace(old, new)


def test_every_metric_of_classes_agrees_with_python(show: Show) -> None:
    """Counts by class, of which means, ratios and correlations are made, and areas of each class against the rest."""
    inputs = judged_inputs({name: on(name) for name in METRICS["multiclass"]}, class_rows(), task="multiclass")
    assert exact(show(render_report(inputs)), inputs) == set(METRICS["multiclass"])


def test_calibration_error_agrees_with_python(show: Show) -> None:
    """Where each bin of each day has people enough."""
    rows = judged_rows(days=12, per_day=400)
    for role in ("champion", "challenger"):
        place = rows.column_names.index(f"{role}_score")
        rows = rows.set_column(place, f"{role}_score", [[0.3 if score < 0.5 else 0.7 for score in rows.column(place).to_pylist()]])
    inputs = judged_inputs({"calibration": on("ece")}, rows)
    assert exact(show(render_report(inputs)), inputs) == {"calibration"}


def test_gaps_and_variances_agree_with_python(show: Show, gaps: ReportInputs) -> None:
    """Gaps from the slices' replicates, or the variances of their areas, which are made of pairs of days."""
    page = show(render_report(gaps))
    assert exact(page, gaps) == {"brier", "corrected", "without_draws", "area", "share"}
    assert "the areas' variances, from pairs of blocks" in page.locator("#judge-criteria").inner_text()


def test_methods_of_single_rows_agree_with_python(show: Show, single_rows: ReportInputs) -> None:
    """From four counts, and from the variances that the evaluation took; a drawn one follows."""
    page = show(render_report(single_rows))
    wanted = {"decisions", "area", "gap", *(f"each[{origin}]" for origin in ("EWR", "JFK", "LGA"))}
    assert exact(page, single_rows) == wanted
    assert outcomes(page, single_rows)["drawn"]["level"] == "follows"
    assert "Of 1 more the status follows" in page.locator(LINE).inner_text()


@pytest.mark.parametrize("kind", ["decisions", "area_variances"])
def test_edited_counts_and_variances_are_found(show: Show, single_rows: ReportInputs, kind: str) -> None:
    """Other ones make other figures than the verdict's."""
    page = render_report(single_rows)
    figure = next(found for found in single_rows.blocks.figures if found.formula == kind and found.slice is None)
    if kind == "decisions":
        held = figure.sums["both"][0].data
        assert page.count(held) == 1
        text = page.replace(held, ("B" if held[0] != "B" else "C") + held[1:])
    else:
        text = page.replace(str(figure.numbers[0]), str(1.5 * figure.numbers[0]))
    assert "Do not rely on this page" in show(text).locator(LINE).inner_text()


def test_edited_pairs_won_are_found(show: Show, gaps: ReportInputs) -> None:
    """The number that variances of areas need beside the pairs."""
    figure = next(found for found in gaps.blocks.figures if found.wins and found.slice is None)
    held = figure.wins["champion"][0].data
    text = render_report(gaps).replace(held, ("B" if held[0] != "B" else "C") + held[1:])
    line = show(text).locator(LINE).inner_text()
    assert "not the same verdict" in line
    assert "area" in line


def test_an_edited_claim_is_found(show: Show) -> None:
    """Two claims to be better: with another p-value Holm's correction leaves another confidence."""
    inputs = judged_inputs({name: on(name, better_by=0.001) for name in ("brier", "log_loss")})
    page = render_report(inputs)
    assert show(page).evaluate(READ)["isSame"]

    def change(verdict: Any) -> None:
        outcome = next(outcome for outcome in verdict["criteria"] if outcome["name"] == "brier")
        outcome["p_value"] = 0.04

    assert "not the same verdict" in show(edited(page, inputs, change)).locator(LINE).inner_text()


def test_a_page_calls_nothing_better_where_no_floor_is_known(show: Show) -> None:
    """As Python does: undecided, and again if somebody writes a pass into it; a margin below zero asks the same."""
    claims = {name: on(name, better_by=0.0) for name in ("brier", "log_loss")}
    inputs = judged_inputs({**claims, "ranking": on("roc_auc", margin=0.01)}, floor=None)
    decided = {outcome.name: outcome.status for outcome in inputs.provenance.verdict.criteria}
    assert (decided["brier"], decided["log_loss"], decided["ranking"]) == ("inconclusive", "inconclusive", "pass")
    page = render_report(inputs)
    opened = show(page)
    made = outcomes(opened, inputs)
    assert {name: made[name]["status"] for name in (*claims, "ranking")} == {name: decided[name] for name in (*claims, "ranking")}
    assert opened.evaluate(READ)["isSame"]
    place = list(decided).index("brier")

    def change(verdict: Any) -> None:
        verdict["criteria"][place]["status"] = "pass"

    assert "not the same verdict" in show(edited(page, inputs, change)).locator(LINE).inner_text()


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.6, {(1, 4): "promote", (0.5, 2): "promote", (1, 4.4): "inconclusive", (1.1, 4): "inconclusive", (0, 4): "inconclusive"}),
        (1.5, {(1, 4): "inconclusive", (2, 8): "inconclusive"}),
    ],
)
def test_a_floor_is_known_at_the_declared_costs_and_in_proportion(
    show: Show, share: float, expected: dict[tuple[float, float], str]
) -> None:
    """A claim on a cost at other costs: both moved by one factor move the floor too; of any others nobody measured it."""
    rows = judged_rows(days=20, per_day=400)

    def claimed(floor: float) -> ReportInputs:
        return judged_inputs({"cost": on("cost@0.3", better_by=0.0)}, rows, floor=floor)

    delta = next(o.delta for o in claimed(0.0).provenance.verdict.criteria if o.name == "cost")
    assert delta is not None
    inputs = claimed(share * abs(delta))
    ask = """([verdict, asked]) => judged.then((found) => asked.map(
        (costs) => asking.about(verdict, found.again).under({ margins: new Map(), costs }).decision))"""
    decisions = show(render_report(inputs)).evaluate(ask, [json.loads(inputs.verdict_bytes), list(expected)])
    assert decisions == list(expected.values())


def test_a_margin_below_zero_is_a_claim_to_be_better(show: Show) -> None:
    """With a floor of 0 the slider promotes below zero, as far as the interval goes; without one it decides nothing there."""
    turned = {}
    for floor in (0.0, None):
        page = show(render_report(judged_inputs({"ranking": on("roc_auc", margin=0.01)}, floor=floor)))
        turned[floor] = page.locator(".judge-slider .judge-turns").inner_text()
    assert "inconclusive from there to \N{MINUS SIGN}0.016, promote from" in turned[0.0]
    assert "inconclusive from there to 0, promote from 0 on" in turned[None]


@pytest.mark.parametrize(("name", "field"), [("brier", "interval"), ("without_draws", "challenger"), ("area", "n")])
def test_an_edited_gap_is_found(show: Show, gaps: ReportInputs, name: str, field: str) -> None:
    """In the verdict itself: a smaller gap, a narrower interval, more rows."""
    place = [outcome.name for outcome in gaps.provenance.verdict.criteria].index(name)

    def change(verdict: Any) -> None:
        outcome = verdict["criteria"][place]
        if field == "interval":
            outcome["interval"]["high"] -= 0.001
        else:
            outcome[field] = outcome[field] * 2

    line = show(edited(render_report(gaps), gaps, change)).locator(LINE).inner_text()
    assert "not the same verdict" in line
    assert name in line


def test_a_gap_slider_turns_the_verdict(show: Show, gaps: ReportInputs) -> None:
    """By keyboard: down to a gap that the slices do not hold."""
    page = show(render_report(gaps))
    slider = page.get_by_label(re.compile("^brier gap between slices, declared 0.1"))
    slider.focus()
    page.keyboard.press("Home")
    assert (
        "With brier moved: inconclusive, where the verdict is promote" in page.locator("#judge-whatif [role=status]").inner_text()
    )
    interval = next(o.interval for o in gaps.provenance.verdict.criteria if o.name == "brier")
    assert interval is not None
    turns = page.locator(".judge-slider", has_text="brier").locator(".judge-turns").inner_text()
    turned = re.search(r"promote from ([\d.]+) on", turns)
    assert turned is not None
    assert float(turned[1]) == pytest.approx(interval.high, rel=5e-3)


def _followed(features: tuple[FeatureDrift, ...], p_values: tuple[float, ...]) -> ReportInputs:
    drift = Drift(reference="train", reference_rows=900, rows=800, features=features)
    suspects = (SuspectSlice(p_value=p_value) for p_value in p_values)
    search = make_search(*suspects, columns=("origin",), margin=0.01, min_rows=50, searched=20)
    criteria: dict[str, Criterion] = {
        "plain": on("brier"),
        "drift": DriftCriterion.model_validate({"drift": "psi", "most": 0.1, "min_rows": 50, "critical": True}),
        "search": DiscoveredCriterion.model_validate({"discovered": "brier", "critical": True}),
    }
    return judged_inputs(criteria, drift=drift, discovery=search)


@pytest.mark.parametrize(
    ("psi", "p_value", "statuses"),
    [
        (0.05, 0.04, ("pass", "pass")),
        (0.07, 0.002, ("inconclusive", "pass")),
        (0.15, 0.002, ("inconclusive", "pass")),
        (0.175, 0.002, ("fail", "pass")),
        (None, 0.001, ("inconclusive", "fail")),
        (0.2, 0.001, ("fail", "fail")),
    ],
)
def test_statuses_of_drift_and_of_a_search_follow(show: Show, psi: float | None, p_value: float, statuses: tuple[str, str]) -> None:
    """From the indices and p-values that the page shows: the same rule, and an edited status does not follow."""
    inputs = _followed((make_feature("a", 0.01), make_feature("b", psi, None if psi is None else 0.01)), (p_value, 0.045))
    verdict = inputs.provenance.verdict
    by_name = {outcome.name: outcome.status for outcome in verdict.criteria}
    assert (by_name["drift"], by_name["search"]) == statuses
    page = render_report(inputs)
    made = outcomes(show(page), inputs)
    assert {made[name]["level"] for name in ("drift", "search")} == {"follows"}
    assert (made["drift"]["status"], made["search"]["status"]) == statuses

    def change(carried: Any) -> None:
        for outcome in carried["criteria"]:
            if outcome["name"] == "drift":
                outcome["status"] = "pass" if statuses[0] != "pass" else "fail"

    assert not show(edited(page, inputs, change)).evaluate(READ)["isSame"]


def test_more_drift_than_the_limit_never_passes(show: Show, gaps: ReportInputs) -> None:
    """Of many bins and few rows chance alone explains more than a small limit, in the page as in Python."""
    ask = """(indices) => indices.map((psi) => statuses.follows({ name: "d" }, { searches: {}, drifts: { d: {
        most: 0.01, min_rows: 1, rows: 200, scale: 0.01, lacks: false, features: [{ psi, by_chance: 1.232, bins: 100 }] } } }))"""
    assert show(render_report(gaps)).evaluate(ask, [0.01, 0.011, 0.5]) == ["pass", "inconclusive", "inconclusive"]


def test_uneven_drift_is_judged_as_in_python(show: Show, gaps: ReportInputs) -> None:
    """A bin that held few rows moves the index further; an evaluation of before does not say so."""
    ask = """(ratios) => ratios.map((variance_ratio) => statuses.follows({ name: "d" }, { searches: {}, drifts: { d: {
        most: 0.1, min_rows: 1, rows: 200, scale: 0.001, lacks: false,
        features: [{ psi: 0.14, by_chance: 0.004, bins: 2, variance_ratio }] } } }))"""
    feature = make_feature("d", 0.14, by_chance=0.004).model_copy(update={"bins": 2})
    ratios = [None, 1, 4]
    turns = [passes_and_fails(feature.model_copy(update={"variance_ratio": ratio}), 0.1, 0.001) for ratio in ratios]
    expected = ["fail" if fails < 0.14 else "inconclusive" for _, fails in turns]
    assert show(render_report(gaps)).evaluate(ask, ratios) == expected == ["fail", "fail", "inconclusive"]


def test_an_edited_status_of_withheld_blocks_is_found(show: Show) -> None:
    """Its interval cannot be made again, and still tells what the status has to be."""
    inputs = judged_inputs({"each": on("brier", slice="origin", min_rows=9)}, judged_rows(days=28, per_day=12))
    page = render_report(inputs)
    made = outcomes(show(page), inputs)
    assert {found["level"] for name, found in made.items() if name.startswith("each")} == {"follows"}

    def change(carried: Any) -> None:
        told = [outcome for outcome in carried["criteria"] if outcome["name"].startswith("each")]
        told[0]["status"] = "fail" if told[0]["status"] != "fail" else "pass"

    line = show(edited(page, inputs, change)).locator(LINE).inner_text()
    assert "not the same verdict" in line
