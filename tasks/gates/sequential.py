"""Watching a difference day by day, however often one looks.

What belongs here: an interval that holds at all times together, and what it says of a margin. What does not: reading differences
(``tasks.stages.monitoring``), and verdicts, which look once (``criteria``).

An interval of 95 % that is looked at each day is wrong on some day far more often than in 5 % of all cases. A confidence sequence
is wide enough for all days at once: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics 52), asymptotic
confidence sequences. It is asymptotic: before ``FEWEST_DAYS`` it says nothing.

Days are not independent, and a mean of such days varies more than one of independent days: the variance is taken times the larger
of two factors. One is (1 + r) / (1 - r), r the correlation of a day with the one before, times the same of the day a week before:
freed of their bias (Shaman and Stine 1988, JASA 83) and moved up by half their standard error, since these days alone tell them.
The other is that of a slow effect under days of their own: the mean correlation over a week, taken for one that fades by a tenth
a day; it is the mean over all spans of sixty days, around the mean of each, or harm that begins would pass for an effect that will
fade. A slow effect that is small beside a day's own spread looks like none in the first months, and is not allowed for: how often
such years are wrong stands in docs/gate-statistics.md.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.records import Direction, Monitoring, MonitoringStatus

Floats = NDArray[np.float64]
FEWEST_DAYS = 40
"""Days after which, of skewed days too, false alarms stay within alpha (simulated in its tests); nothing is concluded before."""
TIGHTEST_AT = 60
"""The day at which the sequence is narrowest for its confidence; it holds at all others as well."""
_MOST_ALIKE = 0.95
"""The largest correlation of a day with an earlier one that is allowed for; beyond, days tell next to nothing."""
_WEEK = 7
_FADES = 0.9
"""What of a slow effect is there the day after: half of it is gone in a week."""
_SPAN = 60
"""Days within which a slow effect is looked for."""
_SLOW = 2 * _FADES / (1 - _FADES)
"""By how much a slow effect alone multiplies the variance of a mean, less one."""
_SLOW_OVER_A_WEEK = float(np.mean(_FADES ** np.arange(1, _WEEK + 1)))
"""The mean correlation of such an effect with the seven days before."""


def confidence_sequence(values: Floats, alpha: float) -> Floats:
    """Lower and upper ends (days x 2) for the mean of ``values``, one a day; NaN before ``FEWEST_DAYS``.

    The mean lies within all of them together with a chance of about 1 - ``alpha``, for days of one distribution which may resemble
    the day before or the same day of last week. Of slow effects under days of their own the first months tell too little, and it
    errs more often.
    """
    count = np.arange(1, len(values) + 1)
    offset = values[:1].sum()  # keeps digits where the mean is large beside the spread
    means = np.cumsum(values - offset) / count
    variances = np.maximum(np.cumsum(np.square(values - offset)) / count - np.square(means), 0.0)
    variances *= _dependence(values - offset, means, variances)
    tuned = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / TIGHTEST_AT
    scaled = count * tuned + 1
    half = np.sqrt(variances) * np.sqrt(2 * scaled / (np.square(count) * tuned) * np.log(np.sqrt(scaled) / alpha))
    ends = np.stack([means + offset - half, means + offset + half], axis=1)
    ends[: FEWEST_DAYS - 1] = np.nan
    return ends


def _dependence(values: Floats, means: Floats, variances: Floats) -> Floats:
    """After each day, how many times as far a mean of the days so far varies, squared, as one of independent days would."""
    count = np.arange(1, len(values) + 1)
    alike = [_correlations(values, means, variances, lag) for lag in range(1, _WEEK + 1)]
    short = _by_one_lag(alike[0], 1) * _by_one_lag(alike[-1], _WEEK)
    over_a_week = _over_a_week(values, alike)
    # The mean of a span takes from each correlation what that mean itself varies, which the share of the slow effect decides.
    taken = (1 - over_a_week) / np.minimum(count, _SPAN)
    share = (over_a_week + taken) / np.maximum(_SLOW_OVER_A_WEEK - _SLOW * taken, _SLOW_OVER_A_WEEK / FEWEST_DAYS)
    found: Floats = np.maximum(short, 1 + _SLOW * np.clip(share, 0.0, 1.0))
    return found


def _correlations(values: Floats, means: Floats, variances: Floats, lag: int) -> Floats:
    """After each day, the correlation of the days so far with those ``lag`` days before; 0 where days do not vary."""
    count = np.arange(1, len(values) + 1)
    none, sums = np.zeros(min(lag, len(values))), np.cumsum(values)
    products = np.concatenate([none, np.cumsum(values[lag:] * values[:-lag])])
    ends = np.concatenate([none, sums[:-lag]]) + sums - values[:lag].sum()  # of all days but the last, and of all but the first
    covariances = (products - means * ends + (count - lag) * np.square(means)) / count
    found: Floats = np.divide(covariances, variances, out=np.zeros(len(values)), where=variances > 0)
    return found


def _over_a_week(values: Floats, alike: Sequence[Floats]) -> Floats:
    """After each day, the mean correlation of a day with the seven before, from those of each lag (``alike``) in the first span."""
    count = np.arange(1, len(values) + 1)
    found: Floats = np.mean([one * count / np.maximum(count - lag, 1) for lag, one in enumerate(alike, start=1)], axis=0)
    if len(values) >= _SPAN:
        spans = np.lib.stride_tricks.sliding_window_view(values, _SPAN)
        around = spans - spans.mean(axis=1, keepdims=True)
        products = [(around[:, lag:] * around[:, :-lag]).mean(axis=1) for lag in range(1, _WEEK + 1)]
        variances = np.square(around).mean(axis=1)
        own = np.divide(np.mean(products, axis=0), variances, out=np.zeros(len(spans)), where=variances > 0)
        found[_SPAN - 1 :] = np.cumsum(own) / np.arange(1, len(own) + 1)
    return found


def _by_one_lag(alike: Floats, lag: int) -> Floats:
    """The factor of days that hold a share of the day ``lag`` before, from correlations after each day; on the safe side."""
    count = np.arange(1, len(alike) + 1)
    error = np.sqrt(np.maximum(1 - np.square(alike), 0.0) / count)
    safe = np.clip(alike + (1 + (3 + lag) * alike) / count + error / 2, 0.0, _MOST_ALIKE)
    found: Floats = (1 + safe) / (1 - safe)
    return found


def watch(days: tuple[str, ...], differences: Floats, direction: Direction, margin: float, alpha: float) -> Monitoring:
    """Whether the challenger is still no worse than the champion by more than ``margin``, looked at after each of ``days``.

    ``differences``: challenger less champion, the mean of each day, finite. The first day on which the sequence lies wholly beyond
    the margin breaks it, whatever came later. It holds where the sequence lies wholly within on the last day, the first such day
    since which it never left being named: an earlier day spoke of the days until then.
    """
    sign = 1.0 if direction == "higher_is_better" else -1.0
    ends = confidence_sequence(sign * differences, alpha)
    told = {"days": len(days), "direction": direction, "margin": margin, "alpha": alpha, "mean": None, "low": None, "high": None}
    if len(days) < FEWEST_DAYS:
        reason = f"{len(days)} days, and nothing is concluded before {FEWEST_DAYS}"
        return Monitoring.model_validate({**told, "status": "undecided", "since": None, "reason": reason})
    last = sorted(sign * end for end in ends[-1])
    told |= {"mean": float(differences.mean()), "low": float(last[0]), "high": float(last[1])}
    status, since, reason = _outcome(days, ends, margin)
    return Monitoring.model_validate({**told, "status": status, "since": since, "reason": reason})


def _outcome(days: tuple[str, ...], ends: Floats, margin: float) -> tuple[MonitoringStatus, str | None, str]:
    is_known = ends[:, 1] > ends[:, 0]  # days that are all alike tell nothing of how far days vary
    broken = np.flatnonzero(is_known & (ends[:, 1] < -margin))
    is_held = is_known & (ends[:, 0] >= -margin)
    if len(broken):
        return "broken", days[broken[0]], f"worse than the champion by more than {margin:g}, at any time that one looks"
    if is_held[-1]:
        since = days[len(days) - int(np.argmin([*is_held[::-1], False]))]
        return "holds", since, f"no worse than the champion by more than {margin:g}, at any time that one looks"
    if is_held.any():
        return "undecided", None, f"it held on {days[np.flatnonzero(is_held)[-1]]} for the last time: the days since are worse"
    if not is_known.any():
        return "undecided", None, "all days show the same difference, which tells nothing of how far days vary"
    return "undecided", None, "too few days to tell, or too near to the margin"
