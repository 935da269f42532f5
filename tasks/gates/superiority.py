"""Claims to be better than the champion, and what making several of them at once costs.

What belongs here: the least error at which a claim holds, and Holm's correction. What does not: intervals (``intervals``), and what
follows (``criteria``). Holm (1979, Scandinavian Journal of Statistics 6): the chance that any claim is wrongly made stays below the
error that one claim alone would have, whatever the dependence between them.
"""

from collections.abc import Callable, Sequence
from statistics import NormalDist

from tasks.records import Direction, Interval

_NORMAL = NormalDist()
_STEPS = 30
_FARTHEST = 6.0
"""Standard errors up to which a claim is asked; an error of one in a billion is small enough to report."""


def is_better(interval: Interval, direction: Direction, by: float) -> bool:
    """Whether the whole ``interval`` of the difference shows more than ``by``; an equal model is never better."""
    worst = interval.low if direction == "higher_is_better" else -interval.high
    return worst > by


def p_value(read: Callable[[float], Interval | None], direction: Direction, by: float) -> float:
    """The least one-sided error at which the interval that ``read`` gives (of a two-sided confidence) shows more than ``by``.

    An interval that cannot be read shows nothing; 1 where no interval does.
    """

    def holds(level: float) -> bool:
        interval = read(1 - 2 * _NORMAL.cdf(-level))
        return interval is not None and is_better(interval, direction, by)

    low, high = 0.01, _FARTHEST
    if not holds(low):
        return 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return _NORMAL.cdf(-low)


def holm_errors(p_values: Sequence[float], errors: Sequence[float]) -> list[float]:
    """The one-sided error at which each claim is judged, of the ``errors`` that each would have alone.

    Claims are taken by rising p-value, each as a share of its own error: the first at 1/m of it, the next at 1/(m - 1), until one
    does not hold; it and all after it are judged at its share.
    """
    order = sorted(range(len(p_values)), key=lambda place: (p_values[place] / errors[place], place))
    found = [0.0] * len(p_values)
    share, has_stopped = 0.0, False
    for step, place in enumerate(order):
        if not has_stopped:
            share = 1 / (len(order) - step)
            has_stopped = p_values[place] > errors[place] * share
        found[place] = errors[place] * share
    return found
