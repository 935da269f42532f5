"""Intervals of any confidence, by the method that a criterion names, from what the evaluation kept of a comparison.

What belongs here: percentile and BCa intervals from quantiles of replicates, DeLong's from variances, McNemar's from discordant
decisions. What does not: resampling (``tasks.evaluation``), and what an interval is held against (``bounds``). What cannot be read
is None with the reason, never a guess.

Expanded percentiles: Hesterberg (2015, The American Statistician 69), further out by Student's t of the clusters less one and the
root of n / (n - 1), since those of few clusters are too short. BCa: Efron (1987, JASA 82). DeLong et al. (1988, Biometrics 44),
with Student's t of the clusters less one. McNemar: the score interval of Tango (1998, Statistics in Medicine 17), which at a
difference of 0 is McNemar's test.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Literal

from tasks.params.judging import IntervalMethod
from tasks.records import AreaErrors, Comparison, Evaluation, Interval, Replicates

Figure = Literal["challenger", "delta", "relative"]
"""The challenger's metric; its difference to the champion's; this difference as a share of the champion's metric."""
Read = tuple[Interval | None, str]
"""An interval, or None and why there is none."""
_NORMAL = NormalDist()
_LEAST_TAIL = 1e-5
"""The farthest quantile that an evaluation keeps."""
_KEPT_STEP = 2.5
"""The largest factor between two of them."""
_FAR = NormalDist().inv_cdf(0.95) - 1e-9
"""From here on quantiles tell how steep the line is that later looks are read on."""
_SCORE_STEPS = 60
"""Halvings of the span from -1 to 1: below what a float can tell."""


def read_interval(
    found: Comparison, figure: Figure, method: IntervalMethod, confidence: float, evaluation: Evaluation, *, is_later: bool = False
) -> Read:
    """The two-sided interval of ``figure`` at ``confidence``, in its unit.

    ``is_later``: for a later look at a holdout, so far out that replicates are few; ends lie on a straight line then
    (:func:`_on_line`), never nearer than the quantiles that were kept.
    """
    kept = {"challenger": found.challenger_interval, "delta": found.delta_interval}.get(figure)
    if method == "cluster_bootstrap" and figure != "relative" and confidence == evaluation.confidence and not is_later:
        return kept, found.reason
    if found.spread is None:
        return None, found.reason or "the evaluation kept nothing to read it from"
    if method == "delong":
        return _delong(found, figure, confidence)
    if method == "mcnemar" and figure == "delta":
        return _mcnemar(found, confidence)
    replicates: Replicates | None = getattr(found.spread, figure)
    if replicates is None:
        why = "the champion's figure is not above zero in every replicate" if figure == "relative" else "there are no replicates"
        return None, found.reason or why
    level = _expanded(confidence, found.clusters) if method == "expanded" else _NORMAL.inv_cdf((1 + confidence) / 2)
    levels, why = _corrected(replicates, level) if method == "bca" else ((-level, level), "")
    return (None, why) if levels is None else _percentiles(replicates, levels, confidence, evaluation.tails, is_later=is_later)


def enough_replicates(method: IntervalMethod, confidence: float, clusters: int) -> int | None:
    """So many replicates that an interval can be read; 0 where it needs none, None where only the replicates tell how many."""
    if method in ("delong", "mcnemar"):
        return 0
    level = _expanded(confidence, clusters) if method == "expanded" else _NORMAL.inv_cdf((1 + confidence) / 2)
    tail = _NORMAL.cdf(-level)
    return None if method == "bca" or tail <= _LEAST_TAIL else math.ceil(_KEPT_STEP / tail)


def _expanded(confidence: float, clusters: int) -> float:
    """How far out, on the normal's scale, percentiles of ``clusters`` clusters hold ``confidence``; nowhere for fewer than two."""
    if clusters < 2:
        return math.inf
    from scipy.special import stdtrit

    return float(stdtrit(clusters - 1, (1 + confidence) / 2)) * math.sqrt(clusters / (clusters - 1))


def _corrected(replicates: Replicates, level: float) -> tuple[tuple[float, float] | None, str]:
    """BCa's ends on the normal's scale, from those of the percentiles."""
    if not 0 < replicates.below < 1 or replicates.acceleration is None:
        return None, "BCa's correction is undefined here: the replicates lie to one side, or the figure hangs on one cluster"
    bias = _NORMAL.inv_cdf(replicates.below)
    low, high = (1 - replicates.acceleration * (bias + end) for end in (-level, level))
    if min(low, high) <= 0:
        return None, "BCa's correction is undefined here: too few clusters for this confidence"
    return (bias + (bias - level) / low, bias + (bias + level) / high), ""


def _percentiles(
    replicates: Replicates, levels: tuple[float, float], confidence: float, tails: tuple[float, ...], *, is_later: bool
) -> Read:
    read = _on_line if is_later else _quantile
    ends = [read(replicates.quantiles, tails, level) for level in levels]
    if ends[0] is None or ends[1] is None:
        return None, f"no replicate lies so far out as a confidence of {confidence:.6g} asks: draw more of them{_enough(levels)}"
    return Interval(low=ends[0], high=ends[1], confidence=confidence), ""


def _enough(levels: tuple[float, float]) -> str:
    """So many replicates that a quantile beyond each of ``levels`` is kept; empty where none could be."""
    tail = min(_NORMAL.cdf(levels[0]), _NORMAL.cdf(-levels[1]))
    return f" (evaluation.interval.replicates: {math.ceil(_KEPT_STEP / tail):,} or more)" if tail > _LEAST_TAIL else ""


def _quantile(quantiles: tuple[float, ...], tails: tuple[float, ...], level: float) -> float | None:
    """The quantile at the standard normal ``level``, between those that were kept: straight on the normal's scale."""
    levels = [_NORMAL.inv_cdf(tail) for tail in tails]
    if len(levels) != len(quantiles) or not levels or not levels[0] - 1e-9 <= level <= levels[-1] + 1e-9:
        return None
    upper = next((place for place, at in enumerate(levels) if at >= level - 1e-9), len(levels) - 1)
    if upper == 0 or abs(levels[upper] - level) <= 1e-9:
        return quantiles[upper]
    share = (level - levels[upper - 1]) / (levels[upper] - levels[upper - 1])
    return quantiles[upper - 1] + share * (quantiles[upper] - quantiles[upper - 1])


def _on_line(quantiles: tuple[float, ...], tails: tuple[float, ...], level: float) -> float | None:
    """Where the standard normal ``level`` lies on a straight line from the median, as steep as the steepest to a kept quantile.

    Only quantiles of 5 % or farther out count (or the farthest, where none is). The farthest are of a few replicates each, and read
    alone they would err more often than they say; no kept quantile lies beyond the line.
    """
    levels = [_NORMAL.inv_cdf(tail) for tail in tails]
    if len(levels) != len(quantiles) or len(levels) < 3 or not math.isfinite(level):
        return None
    centre = quantiles[len(quantiles) // 2]
    side = [(at, end) for at, end in zip(levels, quantiles, strict=True) if at * level > 0]
    far = [(at, end) for at, end in side if abs(at) >= _FAR] or [max(side, key=lambda one: abs(one[0]), default=(1.0, centre))]
    return centre + level * max((end - centre) / at for at, end in far)


def _delong(found: Comparison, figure: Figure, confidence: float) -> Read:
    errors = found.spread.areas if found.spread else None
    if errors is None or found.challenger is None or found.clusters < 2:
        return None, found.reason or "there is no variance of the area: it takes two clusters of each class, and one draw"
    value, variance = _area(errors, found, figure)
    if value is None or variance is None:
        return None, found.reason or "there is no champion's area to compare with"
    from scipy.special import stdtrit

    reach = float(stdtrit(found.clusters - 1, (1 + confidence) / 2)) * math.sqrt(max(variance, 0.0))
    return Interval(low=value - reach, high=value + reach, confidence=confidence), ""


def _area(errors: AreaErrors, found: Comparison, figure: Figure) -> tuple[float | None, float | None]:
    """The figure and its variance; of the relative difference by the delta method."""
    if figure == "challenger":
        return found.challenger, errors.challenger
    champion, challenger = found.champion, found.challenger
    if champion is None or challenger is None or errors.champion is None or errors.covariance is None:
        return None, None
    if figure == "delta":
        return challenger - champion, errors.challenger + errors.champion - 2 * errors.covariance
    if champion <= 0:
        return None, None
    share = challenger / champion
    variance = errors.challenger - 2 * share * errors.covariance + share**2 * errors.champion
    return share - 1, variance / champion**2


def _mcnemar(found: Comparison, confidence: float) -> Read:
    counts = found.spread.discordance if found.spread else None
    if counts is None or not found.rows:
        return None, found.reason or "there are no counts of discordant decisions, or they would tell of a few people"
    won, lost, rows = counts.only_challenger, counts.only_champion, found.rows
    level = _NORMAL.inv_cdf((1 + confidence) / 2)
    low = _cross(lambda delta: _score(won, lost, rows, delta) - level)
    high = _cross(lambda delta: _score(won, lost, rows, delta) + level)
    return Interval(low=low, high=high, confidence=confidence), ""


def _score(won: int, lost: int, rows: int, delta: float) -> float:
    """Tango's score for a true difference of ``delta``: falling in it, standard normal where it is true."""
    first = 2 * rows
    second = -won - lost + (2 * rows - won + lost) * delta
    third = -lost * delta * (1 - delta)
    lost_share = (math.sqrt(max(second**2 - 4 * first * third, 0.0)) - second) / (2 * first)
    variance = rows * (2 * lost_share + delta * (1 - delta))
    distance = won - lost - rows * delta
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance) if distance else 0.0


def _cross(falling: Callable[[float], float]) -> float:
    """Where ``falling`` crosses zero between -1 and 1."""
    low, high = -1.0, 1.0
    for _ in range(_SCORE_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
