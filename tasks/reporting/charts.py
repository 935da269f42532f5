"""Charts as inline SVG: intervals against a limit, ROC curves, calibration.

What belongs here: geometry, and the text inside a drawing. What does not: colours (the page's style sheet, by class, so that
dark mode and print work) and the choice of what is drawn. Intervals use coordinates in per cent of the drawing's width, so
that they follow the page's width while text and strokes keep their size. No status is told by colour alone: each has a
marker shape of its own.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.records import CriterionStatus, Direction
from tasks.reporting.curves import CalibrationBin, RocPoint
from tasks.reporting.figures import format_change, format_level, is_figure

_TRACK_HEIGHT = 26
_SIDE = 300
"""Side of the square plots, in units of their view box."""
_MARGIN = 46
_PADDING = 0.06
_OUTLIER = 4.0
"""An interval end further out than so many typical ones is cut off and drawn as an arrow, or it would flatten all others."""

_NARROWEST = 1e-6
"""A span below what figures show: all marks lie on one spot, and the axis still needs two different ticks."""


@dataclass(frozen=True)
class Mark:
    """One interval on a track. ``limit`` is the value that the interval may not cross; ``reference`` is drawn as a thin line."""

    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    reference: float | None
    status: CriterionStatus | None
    description: str

    @property
    def numbers(self) -> tuple[float, ...]:
        """Point and interval ends, those that there are."""
        return tuple(v for v in (self.value, self.low, self.high) if v is not None and is_figure(v))


@dataclass(frozen=True)
class Scale:
    """Values to per cent of the width; flipped where lower is better, so that right is always better."""

    low: float
    high: float
    is_flipped: bool

    def percent(self, value: float) -> float:
        """Where ``value`` lies, in per cent from the left, kept within 0 and 100."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return 100 * (1 - share if self.is_flipped else share)

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies within the scale."""
        return self.low <= value <= self.high


def scale_of(marks: Iterable[Mark], direction: Direction | None) -> Scale:
    """A scale that holds every mark's limit, reference and point, and their intervals except for far outliers."""
    marks = tuple(marks)
    fixed = [v for m in marks for v in (m.limit, m.reference) if v is not None and is_figure(v)]
    numbers = [v for m in marks for v in m.numbers]
    centre = fixed[-1] if fixed else (numbers[0] if numbers else 0.0)
    reaches = sorted(max(abs(v - centre) for v in m.numbers) for m in marks if m.numbers)
    points = [abs(v - centre) for v in fixed] + [abs(m.value - centre) for m in marks if m.value is not None and is_figure(m.value)]
    typical = reaches[len(reaches) // 2] if reaches else 0.0
    most = max([*points, _OUTLIER * typical])
    held = [v for v in numbers if abs(v - centre) <= most]
    low = min([*fixed, *held, centre - most if len(held) < len(numbers) else centre])
    high = max([*fixed, *held, centre + most if len(held) < len(numbers) else centre])
    span = high - low if high - low > _NARROWEST else max(abs(centre), _NARROWEST)
    return Scale(low - _PADDING * span, high + _PADDING * span, direction == "lower_is_better")


def ticks_of(scale: Scale, most: int = 5) -> tuple[float, ...]:
    """At most ``most`` round values within ``scale``, evenly spaced, rising."""
    rough = (scale.high - scale.low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    for step in (factor * power for factor in (1, 2, 2.5, 5, 10, 20)):
        first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
        if last - first + 1 <= most:
            return tuple(round(i * step, 12) for i in range(first, last + 1))
    return ()


def draw_track(mark: Mark, scale: Scale) -> Markup:
    """One interval: zero or reference line, limit with what lies beyond it shaded, whiskers, and the point by status."""
    parts = [_beyond(mark.limit, scale)] if mark.limit is not None else []
    if mark.reference is not None and scale.holds(mark.reference):
        parts.append(_vertical(mark.reference, scale, "zero"))
    if mark.limit is not None:
        parts.append(_vertical(mark.limit, scale, "limit"))
    if mark.low is not None and mark.high is not None and is_figure(mark.low) and is_figure(mark.high):
        parts += [_whisker(mark.low, mark.high, scale), _end(mark.low, scale), _end(mark.high, scale)]
    if mark.value is not None and is_figure(mark.value):
        parts.append(_point(scale.percent(mark.value), mark.status))
    return Markup('<svg class="track" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        _TRACK_HEIGHT, mark.description, Markup("").join(parts)
    )


def draw_axis(scale: Scale, *, is_change: bool) -> Markup:
    """The axis below a group of tracks: ticks with values, in the metric's unit."""
    ticks = ticks_of(scale)
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=0.1)
    digits = _digits_of(step)
    write = format_change if is_change else format_level
    parts = [Markup('<line class="rule" x1="0%" x2="100%" y1="0.5" y2="0.5"/>')]
    for tick in ticks:
        x = scale.percent(tick)
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"
        parts.append(
            Markup(
                '<line class="rule" x1="{0}%" x2="{0}%" y1="0" y2="5"/><text x="{0}%" y="17" text-anchor="{1}">{2}</text>'
            ).format(_number(x), anchor, write(tick, digits))
        )
    return Markup('<svg class="axis" width="100%" height="22" aria-hidden="true">{}</svg>').format(Markup("").join(parts))


def _digits_of(step: float) -> int:
    for digits in range(10):
        if abs(round(step, digits) - step) < step * 1e-6:
            return digits
    return 10


def _beyond(limit: float, scale: Scale) -> Markup:
    return Markup('<rect class="beyond" x="0" y="0" width="{}%" height="{}"/>').format(_number(scale.percent(limit)), _TRACK_HEIGHT)


def _vertical(value: float, scale: Scale, name: str) -> Markup:
    return Markup('<line class="{0}" x1="{1}%" x2="{1}%" y1="0" y2="{2}"/>').format(
        name, _number(scale.percent(value)), _TRACK_HEIGHT
    )


def _whisker(low: float, high: float, scale: Scale) -> Markup:
    left, right = sorted((scale.percent(low), scale.percent(high)))
    middle = _TRACK_HEIGHT / 2
    return Markup('<line class="whisker" x1="{}%" x2="{}%" y1="{}" y2="{}"/>').format(
        _number(left), _number(right), _number(middle), _number(middle)
    )


def _end(value: float, scale: Scale) -> Markup:
    """A whisker's end: a bar where it lies on the scale, an arrow where the scale ends before."""
    middle = _TRACK_HEIGHT / 2
    x = scale.percent(value)
    if scale.holds(value):
        return Markup('<line class="whisker" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>').format(
            _number(x), _number(middle - 4), _number(middle + 4)
        )
    turn = "-1" if x < 50 else "1"
    return Markup(
        '<svg class="mark" x="{}%" y="{}"><path class="arrow" transform="scale({} 1)" d="M-7-4.5L0 0L-7 4.5"/></svg>'
    ).format(_number(x), _number(middle), turn)


_SHAPES: dict[CriterionStatus | None, Markup] = {
    "pass": Markup('<circle class="pass" r="5"/>'),
    "fail": Markup('<path class="fail" d="M0-6.5L6.5 0L0 6.5L-6.5 0Z"/>'),
    "inconclusive": Markup('<circle class="inconclusive" r="4.5"/>'),
    "not_judged": Markup('<rect class="not_judged" x="-4.5" y="-4.5" width="9" height="9"/>'),
    None: Markup('<circle class="plain" r="3.5"/>'),
}


def _point(x: float, status: CriterionStatus | None) -> Markup:
    return Markup('<svg class="mark" x="{}%" y="{}">{}</svg>').format(_number(x), _number(_TRACK_HEIGHT / 2), _SHAPES[status])


def draw_roc(curves: dict[str, Sequence[RocPoint]], description: str) -> Markup:
    """ROC curves by model: challenger solid, champion dashed, chance as the diagonal."""
    lines = []
    for name, points in curves.items():
        lines.append(_curve(name, [(p.false_positive_rate, p.true_positive_rate) for p in points], 1.0))
    return _square(lines, 1.0, "False positive rate", "True positive rate", description)


def draw_calibration(curves: dict[str, Sequence[CalibrationBin]], description: str) -> Markup:
    """Observed share against mean score, per bin; the diagonal is a score that can be taken at its word."""
    values = [value for bins in curves.values() for b in bins for value in (b.predicted, b.observed)]
    top = _round_up(max(values, default=1.0))
    parts = []
    for name, bins in curves.items():
        points = [(b.predicted, b.observed) for b in bins]
        parts += [_curve(name, points, top)] if points else []
        parts += [_dot(name, x, y, top) for x, y in points]
    return _square(parts, top, "Mean score", "Observed share", description)


def _round_up(value: float) -> float:
    return min(1.0, max(0.1, math.ceil(value * 10 - 1e-9) / 10))


def _at(x: float, y: float, top: float) -> tuple[str, str]:
    return _number(_MARGIN + _SIDE * x / top), _number(8 + _SIDE * (1 - y / top))


def _curve(name: str, points: Iterable[tuple[float, float]], top: float) -> Markup:
    path = " ".join(",".join(_at(x, y, top)) for x, y in points)
    return Markup('<polyline class="curve {}" points="{}"/>').format(name, path)


def _dot(name: str, x: float, y: float, top: float) -> Markup:
    across, down = _at(x, y, top)
    if name == "champion":
        corner = _number(float(across) - 3), _number(float(down) - 3)
        return Markup('<rect class="dot {}" x="{}" y="{}" width="6" height="6"/>').format(name, *corner)
    return Markup('<circle class="dot {}" cx="{}" cy="{}" r="3.2"/>').format(name, across, down)


def _square(parts: Sequence[Markup], top: float, across: str, up: str, description: str) -> Markup:
    grid = [_grid_line(value, top) for value in ticks_of(Scale(0.0, top, is_flipped=False), most=6)]
    (left, bottom), (right, upper) = _at(0, 0, top), _at(top, top, top)
    frame = Markup('<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>').format(left, upper, _SIDE, _SIDE)
    diagonal = Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(left, bottom, right, upper)
    labels = Markup(
        '<text class="name" x="{0}" y="{1}" text-anchor="middle">{2}</text>'
        '<text class="name" transform="translate(11 {3}) rotate(-90)" text-anchor="middle">{4}</text>'
    ).format(_number(_MARGIN + _SIDE / 2), _SIDE + 42, across, _number(8 + _SIDE / 2), up)
    return Markup('<svg class="square" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _SIDE + _MARGIN + 14, _SIDE + 48, description, Markup("").join([*grid, frame, diagonal, *parts, labels])
    )


def _grid_line(value: float, top: float) -> Markup:
    (x, bottom), (left, y), (right, upper) = _at(value, 0, top), _at(0, value, top), _at(top, top, top)
    text = f"{value:.3f}".rstrip("0").rstrip(".") or "0"
    return Markup(
        '<line class="grid" x1="{x}" x2="{x}" y1="{upper}" y2="{bottom}"/>'
        '<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
        '<text x="{x}" y="{below}" text-anchor="middle">{text}</text><text x="{before}" y="{level}" text-anchor="end">{text}</text>'
    ).format(
        x=x, y=y, upper=upper, bottom=bottom, left=left, right=right, text=text,
        below=_number(float(bottom) + 15), before=_number(float(left) - 6), level=_number(float(y) + 4),
    )  # fmt: skip


def _number(value: float) -> str:
    """A coordinate with two digits, without noise in the last place and without a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
