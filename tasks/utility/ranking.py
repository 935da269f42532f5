"""Two rankings of one panel, and the decisions that follow from each, held against one another.

What belongs here: rank correlation, and agreement of decisions. What does not: how a model is measured, and what decides (both are
handed in). Figures of both sides are resampled under the same draws, so that what they share in noise does not count as doubt.

Spearman's rho is Pearson's correlation of the ranks, ties at their mean rank; Kendall's tau-b is (concordant - discordant) /
sqrt(pairs not tied on one side x pairs not tied on the other) (Kendall 1945, Biometrika 33). Intervals are percentiles over the
replicates (Efron & Tibshirani 1993, chapter 13).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tasks.records import Agreement, CriterionStatus, Interval, RankCorrelation

Floats = NDArray[np.float64]
FindInterval = Callable[[Floats], Interval | None]
"""Replicates (NaN: undefined) -> their interval, or None where there is none."""
Decide = Callable[[float, Interval, float], CriterionStatus]
"""A challenger's lead over the champion (higher is better), its interval, and the champion's figure -> the gate's decision."""


@dataclass(frozen=True)
class PanelFigures:
    """One metric of every model of a panel on one view of the rows; higher is better."""

    points: Floats
    """One per model."""
    replicates: Floats
    """Replicates x models; no rows where there are too few clusters to resample."""


def compare_rankings(raw: PanelFigures, masked: PanelFigures, find_interval: FindInterval) -> RankCorrelation:
    """How alike the two sides rank the same models, in the same order of models and of replicates."""
    found: dict[str, tuple[float | None, Interval | None]] = {}
    for name, correlate in (("spearman", _spearman), ("kendall", _kendall)):
        point = float(correlate(raw.points[None], masked.points[None])[0])
        resampled = correlate(raw.replicates, masked.replicates) if len(raw.replicates) else np.zeros(0)
        interval = find_interval(resampled) if len(resampled) else None
        found[name] = (point if np.isfinite(point) else None, interval)
    return RankCorrelation(
        spearman=found["spearman"][0],
        spearman_interval=found["spearman"][1],
        kendall=found["kendall"][0],
        kendall_interval=found["kendall"][1],
    )


def _spearman(left: Floats, right: Floats) -> Floats:
    from scipy.stats import rankdata

    ranks = [rankdata(side, axis=1) for side in (left, right)]
    one, other = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    return _ratio((one * other).sum(axis=1), (one**2).sum(axis=1) * (other**2).sum(axis=1))


def _kendall(left: Floats, right: Floats) -> Floats:
    first, second = np.triu_indices(left.shape[1], k=1)
    one, other = (np.sign(side[:, first] - side[:, second]) for side in (left, right))
    return _ratio((one * other).sum(axis=1), (one**2).sum(axis=1) * (other**2).sum(axis=1))


def _ratio(shared: Floats, product: Floats) -> Floats:
    """``shared / sqrt(product)``; NaN where one side has no ranking at all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(product > 0, shared / np.sqrt(product), np.nan)
    return found


def compare_decisions(
    raw: PanelFigures, masked: PanelFigures, *, rule: str, find_interval: FindInterval, decide: Decide
) -> Agreement:
    """Whether ``decide`` comes to the same on both sides, on the pairs that raw rows tell apart.

    A pair is told apart where the interval of its difference on raw rows leaves out 0. Each is decided twice, either of the two as
    the champion; ``rule`` says what decides, in words. Other pairs are not asked: which of two equal models is ahead by a hair,
    masking need not keep.
    """
    pairs = list(combinations(range(len(raw.points)), 2))
    told_apart = ordered = same = turned = 0
    for one, other in pairs:
        on_raw, interval = _lead(raw, one, other, find_interval)
        if interval is None or interval.low <= 0 <= interval.high:
            continue
        on_masked, masked_interval = _lead(masked, one, other, find_interval)
        told_apart += 1
        ordered += on_raw * on_masked > 0
        for sign, champion in ((1, other), (-1, one)):
            here = decide(sign * on_raw, _turned(interval, sign), float(raw.points[champion]))
            there: CriterionStatus = "inconclusive"
            if masked_interval is not None:
                there = decide(sign * on_masked, _turned(masked_interval, sign), float(masked.points[champion]))
            same += here == there
            turned += {here, there} == {"pass", "fail"}
    return Agreement(
        pairs=len(pairs),
        told_apart=told_apart,
        same_order=ordered / told_apart if told_apart else None,
        decisions=2 * told_apart,
        rule=rule,
        same=same / (2 * told_apart) if told_apart else None,
        reversed=turned,
    )


def _lead(figures: PanelFigures, one: int, other: int, find_interval: FindInterval) -> tuple[float, Interval | None]:
    """By how much ``one`` is ahead of ``other``, and the interval of that."""
    point = float(figures.points[one] - figures.points[other])
    replicates = figures.replicates[:, one] - figures.replicates[:, other]
    return point, find_interval(replicates) if len(replicates) else None


def _turned(interval: Interval, sign: int) -> Interval:
    if sign > 0:
        return interval
    return interval.model_copy(update={"low": -interval.high, "high": -interval.low})
