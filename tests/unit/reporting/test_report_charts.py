# ruff: noqa: RUF001 - minus signs and dashes are what readers see
"""What is drawn lies where the numbers say, right is better, and a limit's forbidden side is the left one."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_stories import HOSTILE, make_outcome, make_verdict, story_inputs

from tasks.records import Interval, ResidualBin
from tasks.reporting import CalibrationBin, RocPoint
from tasks.reporting.charts import Mark, Scale, draw_axis, draw_track, scale_of, ticks_of
from tasks.reporting.forest import decisive_groups, slice_tables
from tasks.reporting.squares import draw_calibration, draw_observed, draw_residuals, draw_roc


def _mark(value: float = 0.01, low: float = 0.0, high: float = 0.02, limit: float | None = -0.05, **changes: object) -> Mark:
    fields = {"reference": 0.0, "status": "pass", "description": "d", **changes}
    return Mark(value=value, low=low, high=high, limit=limit, **fields)  # type: ignore[arg-type]


def _lines(svg: str, name: str) -> list[tuple[float, float]]:
    return [(_percent(e.get("x1")), _percent(e.get("x2"))) for e in ET.fromstring(svg).iter("line") if e.get("class") == name]


def _percent(text: str | None) -> float:
    assert text is not None
    assert text.endswith("%")
    return float(text[:-1])


def test_slices_that_are_all_withheld_have_no_axis() -> None:
    """There is nothing to draw, and a scale of nothing would be figures of rounding."""
    found = story_inputs("reject").provenance
    one = next(c for c in found.evaluation.comparisons if c.slice_column is not None)
    names = ("champion", "challenger", "delta", "champion_interval", "challenger_interval", "delta_interval")
    (table,) = slice_tables([one.model_copy(update=dict.fromkeys(names) | {"is_withheld": True})], found.verdict)
    (drawn,) = slice_tables([one], found.verdict)
    assert (str(table.axis), table.rows[0].rows) == ("", "withheld")
    assert "svg" in str(drawn.axis)


@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_interval_ends_lie_on_the_scale(direction: str) -> None:
    """The whisker spans the interval's ends, to a hundredth of a per cent of the width."""
    mark = _mark(value=-0.02, low=-0.031, high=-0.007)
    scale = scale_of([mark], direction)  # type: ignore[arg-type]
    width = scale.high - scale.low
    at = {
        v: 100 * (v - scale.low) / width if direction == "higher_is_better" else 100 * (scale.high - v) / width
        for v in (-0.031, -0.007)
    }
    whisker = max(_lines(str(draw_track(mark, scale)), "whisker"), key=lambda line: line[1] - line[0])
    assert whisker == pytest.approx(sorted(at.values()), abs=0.006)


@pytest.mark.parametrize(("direction", "limit", "worse"), [("higher_is_better", -0.02, -0.05), ("lower_is_better", 0.02, 0.05)])
def test_the_forbidden_side_of_a_margin_is_left(direction: str, limit: float, worse: float) -> None:
    """A worse difference lies left of the margin, the margin left of zero, whatever the metric's direction."""
    mark = _mark(value=worse, low=worse - 0.01, high=worse + 0.01, limit=limit, status="fail")
    scale = scale_of([mark], direction)  # type: ignore[arg-type]
    svg = str(draw_track(mark, scale))
    beyond = next(e for e in ET.fromstring(svg).iter("rect") if e.get("class") == "beyond")
    assert scale.percent(worse) < scale.percent(limit) < scale.percent(0.0)
    assert beyond.get("x") == "0"
    assert _percent(beyond.get("width")) == pytest.approx(scale.percent(limit), abs=0.006)
    assert _lines(svg, "limit")[0] == pytest.approx((scale.percent(limit),) * 2, abs=0.006)
    assert _lines(svg, "zero")[0] == pytest.approx((scale.percent(0.0),) * 2, abs=0.006)


def test_every_status_has_a_shape_of_its_own() -> None:
    """Without colour, pass, fail, inconclusive and not judged can still be told apart."""
    scale = Scale(-1, 1, is_flipped=False)
    drawn = {str(draw_track(_mark(status=status), scale)) for status in ("pass", "fail", "inconclusive", "not_judged")}
    shapes = {drawing.split('class="mark"')[1] for drawing in drawn}
    assert len(shapes) == 4


def test_far_outlier_is_cut_off_and_marked() -> None:
    """One tiny slice with an enormous interval does not flatten the others; its arrow says that it goes on."""
    usual = [_mark(value=0.01 * i, low=0.01 * i - 0.01, high=0.01 * i + 0.01) for i in range(8)]
    wild = _mark(value=0.02, low=-0.9, high=0.9)
    scale = scale_of([*usual, wild], "higher_is_better")
    assert scale.high - scale.low < 0.9
    assert str(draw_track(wild, scale)).count('class="arrow"') == 2
    assert 'class="arrow"' not in str(draw_track(usual[0], scale))


def test_a_mark_without_figures_is_drawn_without_them() -> None:
    """A slice that has no interval has no whisker, and one without a value no point."""
    svg = str(draw_track(Mark(None, None, None, -0.02, 0.0, None, "nothing"), Scale(-0.1, 0.1, is_flipped=False)))
    assert "whisker" not in svg
    assert 'class="mark"' not in svg
    assert "limit" in svg


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12),
    st.one_of(st.none(), st.floats(-0.5, 0.5)),
    st.sampled_from(["higher_is_better", "lower_is_better"]),
)
def test_a_scale_holds_every_point_and_limit(rows: list[tuple[float, float, float]], limit: float | None, direction: str) -> None:
    """Points, limits and zero are never cut off; positions stay within the drawing and follow the order of values."""
    marks = [_mark(value=v, low=v - below, high=v + above, limit=limit) for v, below, above in rows]
    scale = scale_of(marks, direction)  # type: ignore[arg-type]
    assert all(scale.holds(mark.value) for mark in marks if mark.value is not None)
    assert scale.holds(0.0)
    assert limit is None or scale.holds(limit)
    values = sorted(v for v, _, _ in rows)
    places = [scale.percent(v) for v in values]
    assert all(0 <= place <= 100 for place in places)
    assert places == sorted(places, reverse=direction == "lower_is_better")
    assert len(ticks_of(scale)) <= 5


def test_ticks_are_round_and_labelled_in_the_metrics_unit() -> None:
    """Ticks are multiples of a round step, and a difference's carry their sign."""
    scale = Scale(-0.031, 0.024, is_flipped=False)
    assert ticks_of(scale) == (-0.02, 0.0, 0.02)
    texts = [e.text for e in ET.fromstring(str(draw_axis(scale, is_change=True))).iter("text")]
    assert texts == ["−0.02", "0.00", "+0.02"]


def test_a_lower_is_better_axis_runs_downwards() -> None:
    """The axis is flipped, not the numbers: the figures on the page stay the figures of the table."""
    svg = ET.fromstring(str(draw_axis(Scale(-0.02, 0.02, is_flipped=True), is_change=True)))
    places = [(_percent(e.get("x")), e.text) for e in svg.iter("text")]
    assert [text for _, text in sorted(places)] == ["+0.02", "+0.01", "0.00", "−0.01", "−0.02"]


def test_bound_that_fails_is_drawn_beside_the_margin_that_holds() -> None:
    """A criterion with margin and bound shows the one that decided."""
    failing = make_outcome(bound=0.8, status="fail")
    groups, undrawn = decisive_groups(make_verdict(failing, decision="reject"))
    assert [group.title for group in groups] == ["ROC AUC, challenger less champion", "ROC AUC, of the challenger"]
    assert [group.rows[0].limit for group in groups] == ["≥ −0.005", "≥ 0.8"]
    assert undrawn == ()


def test_metrics_do_not_share_a_scale() -> None:
    """Differences of two metrics are drawn on two axes."""
    loss = make_outcome(
        name="loss",
        metric="log_loss",
        direction="lower_is_better",
        delta=-0.4,
        interval=Interval(low=-0.5, high=-0.3, confidence=0.95),
    )
    groups, _ = decisive_groups(make_verdict(make_outcome(), loss))
    assert [group.title.split(",")[0] for group in groups] == ["ROC AUC", "Log loss"]


def test_curves_draw_each_model_by_line_style() -> None:
    """Champion and challenger are told apart by class, and points are where their values are."""
    roc = {"champion": (RocPoint(0, 0), RocPoint(1, 1)), "challenger": (RocPoint(0, 0), RocPoint(0.25, 0.75), RocPoint(1, 1))}
    svg = ET.fromstring(str(draw_roc(roc, "ROC")))
    lines = {
        e.get("class"): [tuple(map(float, p.split(","))) for p in (e.get("points") or "").split()] for e in svg.iter("polyline")
    }
    start, middle, end = lines["curve challenger"]
    assert len(lines["curve champion"]) == 2
    assert (middle[0] - start[0]) / (end[0] - start[0]) == pytest.approx(0.25)
    assert (middle[1] - start[1]) / (end[1] - start[1]) == pytest.approx(0.75)


def test_calibration_zooms_to_the_scores_there_are() -> None:
    """Rare events fill the plot: both axes end at the next tenth, and stay equal so that the diagonal is one."""
    bins = {"challenger": (CalibrationBin(0.02, 0.03, 10), CalibrationBin(0.11, 0.13, 10))}
    texts = [e.text for e in ET.fromstring(str(draw_calibration(bins, "Calibration"))).iter("text")]
    assert texts.count("0.2") == 2
    assert "0.3" not in texts


def test_predictions_of_any_size_fill_the_plot() -> None:
    """Both axes span what there is, in the label's unit, and short ticks stand for large numbers."""
    bins = {"challenger": (CalibrationBin(1.2e6, 1.25e6, 10), CalibrationBin(2.4e6, 2.2e6, 10))}
    svg = ET.fromstring(str(draw_observed(bins, "Predicted and observed")))
    texts = [e.text for e in svg.iter("text")]
    assert texts.count("1.5M") == 2
    places = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in svg.iter("circle")]
    assert places[0][0] < places[1][0]
    assert places[0][1] > places[1][1]


def _residuals(median: float) -> ResidualBin:
    return ResidualBin(
        rows=9,
        predicted=1,
        observed=1,
        low=median - 4,
        lower_quartile=median - 1,
        median=median,
        upper_quartile=median + 1,
        high=median + 4,
    )


def test_residuals_stand_above_or_below_zero() -> None:
    """Labels above the predictions are drawn above the line of no error; the two models stand side by side."""
    bins = {"champion": (_residuals(-3), _residuals(3)), "challenger": (_residuals(-3), _residuals(3))}
    svg = ET.fromstring(str(draw_residuals(bins, "Residuals")))
    [zero] = [float(line.get("y1", 0)) for line in svg.iter("line") if line.get("class") == "diagonal"]
    below, above = (float(dot.get("cy", 0)) for dot in svg.iter("circle"))
    assert above < zero < below
    boxes = [(box.get("class"), float(box.get("x", 0))) for box in svg.iter("rect") if (box.get("class") or "").startswith("box")]
    assert [name for name, _ in boxes] == ["box champion"] * 2 + ["box challenger"] * 2
    assert boxes[0][1] < boxes[2][1]


@pytest.mark.parametrize("values", [(), (5.0, 5.0)])
def test_a_plot_of_nothing_or_of_one_value_is_drawn(values: tuple[float, ...]) -> None:
    """Equal predictions leave no span, and none is a frame without marks."""
    bins = {"challenger": tuple(CalibrationBin(value, value, 1) for value in values)}
    assert "nan" not in str(draw_observed(bins, "d"))


def test_text_inside_a_drawing_is_escaped() -> None:
    """A description from data cannot leave its attribute."""
    svg = str(draw_track(_mark(description=HOSTILE), Scale(-1, 1, is_flipped=False)))
    assert "<script" not in svg
    assert ET.fromstring(svg).get("aria-label") == HOSTILE
