"""Square plots as inline SVG: ROC curves, predicted against observed, residuals by size of prediction.

What belongs here: geometry, and the text inside a drawing. What does not: colours (the page's style sheet, by class) and the
choice of what is drawn. The challenger is solid with round dots, the champion dashed with square ones, so that colour alone
tells nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.records import ResidualBin
from tasks.reporting.charts import Scale, number, ticks_of
from tasks.reporting.curves import CalibrationBin, RocPoint

_SIDE = 300
"""Side of the drawing, in units of its view box."""
_MARGIN = 46
_FOUR_DIGITS = 4
_BOX = 4.5
"""Half the width of a box of residuals, and how far the champion's stands beside the challenger's."""


@dataclass(frozen=True)
class _Frame:
    """Values to places: ``across`` from left to right, ``up`` from bottom to top."""

    across: tuple[float, float]
    up: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[str, str]:
        return number(self.x(x)), number(self.y(y))

    def x(self, value: float) -> float:
        low, high = self.across
        return _MARGIN + _SIDE * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.up
        return 8 + _SIDE * (1 - (value - low) / (high - low))


def draw_roc(curves: Mapping[str, Sequence[RocPoint]], description: str) -> Markup:
    """ROC curves by model: challenger solid, champion dashed, chance as the diagonal."""
    frame = _Frame((0.0, 1.0), (0.0, 1.0))
    lines = [
        _curve(name, [(p.false_positive_rate, p.true_positive_rate) for p in points], frame) for name, points in curves.items()
    ]
    return _square([_diagonal(frame), *lines], frame, ("False positive rate", "True positive rate"), description)


def draw_calibration(curves: Mapping[str, Sequence[CalibrationBin]], description: str) -> Markup:
    """Observed share against mean score, per bin; the diagonal is a score that can be taken at its word."""
    values = [value for bins in curves.values() for b in bins for value in (b.predicted, b.observed)]
    top = min(1.0, max(0.1, math.ceil(max(values, default=1.0) * 10 - 1e-9) / 10))
    return _draw_bins(curves, _Frame((0.0, top), (0.0, top)), ("Mean score", "Observed share"), description)


def draw_observed(curves: Mapping[str, Sequence[CalibrationBin]], description: str) -> Markup:
    """Mean label against mean prediction, per bin, both in the label's unit; on the diagonal they agree."""
    values = [value for bins in curves.values() for b in bins for value in (b.predicted, b.observed)]
    span = _padded(values)
    return _draw_bins(curves, _Frame(span, span), ("Mean prediction", "Mean label"), description)


def _draw_bins(curves: Mapping[str, Sequence[CalibrationBin]], frame: _Frame, names: tuple[str, str], description: str) -> Markup:
    parts = [_diagonal(frame)]
    for name, bins in curves.items():
        points = [(b.predicted, b.observed) for b in bins]
        parts += [_curve(name, points, frame)] if points else []
        parts += [_dot(name, *frame.at(x, y)) for x, y in points]
    return _square(parts, frame, names, description)


def draw_residuals(bins: Mapping[str, Sequence[ResidualBin]], description: str) -> Markup:
    """Residuals by tenth of the predictions: a line from the 5 % to the 95 % quantile, the middle half thick, the median a dot."""
    ends = [value for of_role in bins.values() for b in of_role for value in (b.low, b.high)]
    count = max((len(of_role) for of_role in bins.values()), default=1)
    frame = _Frame((0.5, count + 0.5), _padded([*ends, 0.0]))
    left, zero = frame.at(0.5, 0)
    parts = [Markup('<line class="diagonal" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(left, number(_MARGIN + _SIDE), zero, zero)]
    for role, of_role in bins.items():
        shift = 0.0 if len(bins) == 1 else -_BOX if role == "champion" else _BOX
        for place, found in enumerate(of_role, start=1):
            parts += _box(role, frame.x(place) + shift, frame, found)
    return _square(parts, frame, ("Tenth of the rows, by rising prediction", "Label less prediction"), description)


def _box(role: str, x: float, frame: _Frame, found: ResidualBin) -> list[Markup]:
    low, lower, median, upper, high = (
        frame.y(value) for value in (found.low, found.lower_quartile, found.median, found.upper_quartile, found.high)
    )
    across = number(x)
    return [
        Markup('<line class="curve {0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>').format(role, across, number(low), number(high)),
        Markup('<rect class="box {}" x="{}" y="{}" width="{}" height="{}"/>').format(
            role, number(x - _BOX / 2), number(upper), number(_BOX), number(max(lower - upper, 0.5))
        ),
        _dot(role, across, number(median)),
    ]


def _padded(values: Sequence[float]) -> tuple[float, float]:
    """A span that holds ``values`` with some room, and is never empty."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def _curve(name: str, points: Iterable[tuple[float, float]], frame: _Frame) -> Markup:
    path = " ".join(",".join(frame.at(x, y)) for x, y in points)
    return Markup('<polyline class="curve {}" points="{}"/>').format(name, path)


def _dot(name: str, across: str, down: str) -> Markup:
    if name == "champion":
        corner = number(float(across) - 3), number(float(down) - 3)
        return Markup('<rect class="dot {}" x="{}" y="{}" width="6" height="6"/>').format(name, *corner)
    return Markup('<circle class="dot {}" cx="{}" cy="{}" r="3.2"/>').format(name, across, down)


def _diagonal(frame: _Frame) -> Markup:
    (left, bottom), (right, upper) = frame.at(frame.across[0], frame.up[0]), frame.at(frame.across[1], frame.up[1])
    return Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(left, bottom, right, upper)


def _square(parts: Sequence[Markup], frame: _Frame, names: tuple[str, str], description: str) -> Markup:
    grid = [_across(value, frame) for value in _ticks(frame.across)] + [_up(value, frame) for value in _ticks(frame.up)]
    border = Markup('<rect class="frame" x="{}" y="8" width="{}" height="{}"/>').format(_MARGIN, _SIDE, _SIDE)
    labels = Markup(
        '<text class="name" x="{0}" y="{1}" text-anchor="middle">{2}</text>'
        '<text class="name" transform="translate(11 {3}) rotate(-90)" text-anchor="middle">{4}</text>'
    ).format(number(_MARGIN + _SIDE / 2), _SIDE + 42, names[0], number(8 + _SIDE / 2), names[1])
    return Markup('<svg class="square" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _SIDE + _MARGIN + 14, _SIDE + 48, description, Markup("").join([*grid, border, *parts, labels])
    )


def _ticks(span: tuple[float, float]) -> tuple[float, ...]:
    return ticks_of(Scale(*span, is_flipped=False), most=6)


def _across(value: float, frame: _Frame) -> Markup:
    return Markup(
        '<line class="grid" x1="{x}" x2="{x}" y1="8" y2="{bottom}"/><text x="{x}" y="{below}" text-anchor="middle">{text}</text>'
    ).format(x=number(frame.x(value)), bottom=8 + _SIDE, below=8 + _SIDE + 15, text=_tick(value))


def _up(value: float, frame: _Frame) -> Markup:
    y = frame.y(value)
    return Markup(
        '<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
        '<text x="{before}" y="{level}" text-anchor="end">{text}</text>'
    ).format(left=_MARGIN, right=_MARGIN + _SIDE, y=number(y), before=_MARGIN - 6, level=number(y + 4), text=_tick(value))


def _tick(value: float) -> str:
    """A tick's value, short: thousands and more as ``12k`` and ``3.5M``, since the margin holds few characters."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.{_FOUR_DIGITS}g}{unit}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) >= 1e-3 or value == 0 else f"{value:.1e}"
