"""Watching a difference day by day, however often one looks.

What belongs here: an interval that holds at all times together, and what it says of a margin. What does not: reading differences
(``tasks.stages.monitoring``), and verdicts, which look once (``criteria``).

An interval of 95 % that is looked at each day is wrong on some day far more often than in 5 % of all cases. A confidence sequence
is wide enough for all days at once: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics 52), asymptotic
confidence sequences. It is asymptotic: before ``FEWEST_DAYS`` it says nothing.

A day often resembles the one before, and a mean of such days varies more than one of independent days: the variance is taken times
(1 + r) / (1 - r), with r the correlation of a day with the one before, 0 at least. It is freed of its bias (Shaman and Stine 1988,
JASA 83) and moved up by half its standard error, since these days alone tell it.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.records import Direction, Monitoring, MonitoringStatus

Floats = NDArray[np.float64]
FEWEST_DAYS = 40
"""Days after which, of skewed days too, false alarms stay within alpha (simulated in its tests); nothing is concluded before."""
TIGHTEST_AT = 60
"""The day at which the sequence is narrowest for its confidence; it holds at all others as well."""
_MOST_ALIKE = 0.95
"""The largest correlation of a day with the one before that is allowed for; beyond, days tell next to nothing."""


def confidence_sequence(values: Floats, alpha: float) -> Floats:
    """Lower and upper ends (days x 2) for the mean of ``values``, one a day; NaN before ``FEWEST_DAYS``.

    The mean lies within all of them together with a chance of 1 - ``alpha``, for days of one distribution or slowly changing ones,
    which may depend on those shortly before.
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
    products = np.concatenate([np.zeros(min(1, len(values))), np.cumsum(values[1:] * values[:-1])])
    sums = 2 * count * means - values - values[:1].sum()  # of all days but the first, and of all but the last
    covariances = (products - means * sums + (count - 1) * np.square(means)) / count
    alike = np.divide(covariances, variances, out=np.zeros(len(values)), where=variances > 0)
    alike += (1 + 4 * alike) / count + np.sqrt(np.maximum(1 - np.square(alike), 0.0) / count) / 2
    alike = np.clip(alike, 0.0, _MOST_ALIKE)
    found: Floats = (1 + alike) / (1 - alike)
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
