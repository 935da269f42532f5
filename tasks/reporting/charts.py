"""Charts as inline SVG: intervals against a limit.

What belongs here: geometry, and the text inside a drawing. What does not: colours (the page's style sheet, by class, so that
dark mode and print work) and the choice of what is drawn. Intervals use coordinates in per cent of the drawing's width, so
that they follow the page's width while text and strokes keep their size. No status is told by colour alone: each has a
marker shape of its own.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from tasks.records import CriterionStatus, Direction
from tasks.reporting.figures import format_change, format_level, is_figure

_TRACK_HEIGHT = 26
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
            ).format(number(x), anchor, write(tick, digits))
        )
    return Markup('<svg class="axis" width="100%" height="22" aria-hidden="true">{}</svg>').format(Markup("").join(parts))


def _digits_of(step: float) -> int:
    for digits in range(10):
        if abs(round(step, digits) - step) < step * 1e-6:
            return digits
    return 10


def _beyond(limit: float, scale: Scale) -> Markup:
    return Markup('<rect class="beyond" x="0" y="0" width="{}%" height="{}"/>').format(number(scale.percent(limit)), _TRACK_HEIGHT)


def _vertical(value: float, scale: Scale, name: str) -> Markup:
    return Markup('<line class="{0}" x1="{1}%" x2="{1}%" y1="0" y2="{2}"/>').format(
        name, number(scale.percent(value)), _TRACK_HEIGHT
    )


def _whisker(low: float, high: float, scale: Scale) -> Markup:
    left, right = sorted((scale.percent(low), scale.percent(high)))
    middle = _TRACK_HEIGHT / 2
    return Markup('<line class="whisker" x1="{}%" x2="{}%" y1="{}" y2="{}"/>').format(
        number(left), number(right), number(middle), number(middle)
    )


def _end(value: float, scale: Scale) -> Markup:
    """A whisker's end: a bar where it lies on the scale, an arrow where the scale ends before."""
    middle = _TRACK_HEIGHT / 2
    x = scale.percent(value)
    if scale.holds(value):
        return Markup('<line class="whisker" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>').format(
            number(x), number(middle - 4), number(middle + 4)
        )
    turn = "-1" if x < 50 else "1"
    return Markup(
        '<svg class="mark" x="{}%" y="{}"><path class="arrow" transform="scale({} 1)" d="M-7-4.5L0 0L-7 4.5"/></svg>'
    ).format(number(x), number(middle), turn)


_SHAPES: dict[CriterionStatus | None, Markup] = {
    "pass": Markup('<circle class="pass" r="5"/>'),
    "fail": Markup('<path class="fail" d="M0-6.5L6.5 0L0 6.5L-6.5 0Z"/>'),
    "inconclusive": Markup('<circle class="inconclusive" r="4.5"/>'),
    "not_judged": Markup('<rect class="not_judged" x="-4.5" y="-4.5" width="9" height="9"/>'),
    None: Markup('<circle class="plain" r="3.5"/>'),
}


def _point(x: float, status: CriterionStatus | None) -> Markup:
    return Markup('<svg class="mark" x="{}%" y="{}">{}</svg>').format(number(x), number(_TRACK_HEIGHT / 2), _SHAPES[status])


def number(value: float) -> str:
    """A coordinate with two digits, without noise in the last place and without a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
