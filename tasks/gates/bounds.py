"""An interval against a limit: pass, fail, or how many rows would decide.

What belongs here: the tests that a criterion may ask (non-inferiority, being better, an absolute bound), as functions of numbers.
What does not: which comparison they are asked of (``criteria``), and what follows from the outcome (``decision``).

An inferiority test never shows safety, so a pass needs the interval's *worst* end within the limit, and a fail its *best* end
beyond it; what lies between is undecided, never a pass (non-inferiority by confidence interval: CONSORT extension, Piaggio et
al. 2012, JAMA 308).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from tasks.records import Comparison, CriterionStatus, Direction, Interval

POWER = 0.8
"""The chance with which so many rows, or so large a difference, are to decide."""
_MOST_TIMES_MORE_ROWS = 1000
"""Beyond this, today's figure lies on the limit for all that the rows can tell, and no number is named."""


@dataclass(frozen=True)
class LimitOutcome:
    """One test's status, why, and for ``inconclusive`` the rows in all that would decide at today's figures."""

    status: CriterionStatus
    reason: str
    rows_to_decide: int | None = None
    says_why: bool = False
    """Whether the reason itself says why no rows are named: they would change nothing, or tell of few people."""


def is_usable(interval: Interval | None) -> bool:
    """Whether there is an interval, its ends are numbers, and they stand in order."""
    if interval is None or not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return False
    return interval.low <= interval.high


def judge_margin(delta: float, interval: Interval, direction: Direction, margin: float, rows: int) -> LimitOutcome:
    """Whether the challenger is, for all that ``interval`` leaves open, at most ``margin`` worse than the champion.

    ``delta`` is challenger less champion, and ``interval`` is of it; both in the metric's unit, on ``rows`` rows.
    """
    sign = 1 if direction == "higher_is_better" else -1
    distances = sorted(sign * end + margin for end in (interval.low, interval.high))
    found = f"difference {delta:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"
    return _judge(sign * delta + margin, distances, (rows, interval.confidence), f"{found}, margin {margin:g}")


def judge_better(delta: float, interval: Interval, direction: Direction, by: float, rows: int) -> LimitOutcome:
    """Whether the challenger is better than the champion by more than ``by``; failed where it is shown not to be.

    ``delta`` and ``interval`` as in :func:`judge_margin`. An equal model is not better, so that the limit itself is no pass.
    """
    sign = 1 if direction == "higher_is_better" else -1
    worst, best = sorted(sign * end - by for end in (interval.low, interval.high))
    found = f"difference {delta:+.4f} ({interval.low:+.4f} to {interval.high:+.4f}), better by more than {by:g} wanted"
    if worst > 0:
        return LimitOutcome("pass", found)
    if best <= 0:
        return LimitOutcome("fail", f"not better: {found}")
    return LimitOutcome(
        "inconclusive",
        f"too wide to tell: {found}",
        _rows_to_decide(sign * delta - by, (best - worst) / 2, (rows, interval.confidence)),
    )


def judge_bound(value: float, interval: Interval, direction: Direction, bound: float, rows: int) -> LimitOutcome:
    """Whether the challenger's metric ``value`` holds ``bound`` (at least, or at most, by ``direction``)."""
    sign = 1 if direction == "higher_is_better" else -1
    distances = sorted(sign * (end - bound) for end in (interval.low, interval.high))
    word = "at least" if sign > 0 else "at most"
    found = f"{value:.4f} ({interval.low:.4f} to {interval.high:.4f})"
    return _judge(sign * (value - bound), distances, (rows, interval.confidence), f"{found}, {word} {bound:g} wanted")


def lies_beyond(
    found: Comparison,
    *,
    bound: float | None = None,
    margin: float | None = None,
    relative_margin: float | None = None,
    better_by: float | None = None,
) -> bool:
    """Whether the figure itself lies beyond a limit, whatever its interval leaves open; False where there is no figure."""
    sign = 1 if found.direction == "higher_is_better" else -1
    if bound is not None and found.challenger is not None and sign * (found.challenger - bound) < 0:
        return True
    if found.delta is None or found.champion is None:
        return False
    if relative_margin is not None:
        margin = relative_margin * abs(found.champion)
    if margin is not None and sign * found.delta + margin < 0:
        return True
    return better_by is not None and sign * found.delta <= better_by


def _judge(distance: float, ends: list[float], of: tuple[int, float], found: str) -> LimitOutcome:
    """``distance`` of the figure from the limit and those of its interval's ``ends``, worst first; below 0 is beyond it.

    ``of``: the rows, and the interval's confidence.
    """
    worst, best = ends
    if worst >= 0:
        return LimitOutcome("pass", found)
    if best < 0:
        return LimitOutcome("fail", found)
    return LimitOutcome("inconclusive", f"too wide to tell: {found}", _rows_to_decide(distance, (best - worst) / 2, of))


def _rows_to_decide(distance: float, half_width: float, of: tuple[int, float]) -> int | None:
    """The rows at which an interval, whose width shrinks with the root of the rows, clears the limit with a chance of ``POWER``.

    The figure is taken to be the true one; it moves as well, so that half of all intervals of just the width would not clear it.
    """
    rows, confidence = of
    normal = NormalDist()
    needed = half_width * (1 + normal.inv_cdf(POWER) / normal.inv_cdf((1 + confidence) / 2))
    if needed**2 >= _MOST_TIMES_MORE_ROWS * distance**2:
        return None
    return max(math.ceil(rows * (needed / distance) ** 2), rows + 1)
