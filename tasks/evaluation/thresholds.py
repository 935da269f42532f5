"""Metrics of decisions at a threshold of one's own: ``recall@0.2``, ``f2``, ``f0.5@0.3``, ``cost@0.1``.

What belongs here: what such a name asks, and the metric that it names. What does not: the metrics that it is made of (``binary``).
A row is decided positive where its probability is the threshold or more, 0.5 where none is named. The costs of wrong decisions are
those of params.yaml; a cost is per row, so that it can be compared between slices.
"""

import re
from functools import lru_cache, partial

import numpy as np

from tasks.evaluation import binary
from tasks.evaluation.sample import Floats, Metric, Sample, Statistics, ratio
from tasks.params.judging import COST, CostParams

_ASKED = re.compile(r"([a-z][a-z_]*|f\d+(?:\.\d+)?)(?:@(0?\.\d+))?")
_BETA = re.compile(r"f(\d+(?:\.\d+)?)")
DECIDED = 0.5
"""The threshold where none is named."""
_DECISIONS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc")


def metric_at_threshold(name: str, costs: CostParams | None) -> Metric | None:
    """The metric that ``name`` asks for, None where it is none of a threshold, a beta, or a cost without ``costs``."""
    found = _ASKED.fullmatch(name)
    if found is None:
        return None
    kind, threshold = found[1], float(found[2] or DECIDED)
    if not 0 < threshold < 1:
        return None
    statistics = _decided_at(threshold)
    if kind in _DECISIONS and found[2] is not None:
        known = binary.METRICS[kind]
        return Metric(name, known.direction, statistics, known.value, known.undefined_where)
    beta = _BETA.fullmatch(kind)
    if beta is not None and float(beta[1]) > 0:
        value = partial(_f_beta, float(beta[1]) ** 2)
        return Metric(name, "higher_is_better", statistics, value, binary.METRICS["f1"].undefined_where)
    if kind == COST and found[2] is not None and costs is not None:
        return Metric(name, "lower_is_better", statistics, partial(_cost, costs), "no row counts")
    return None


def formula_at_threshold(name: str, costs: CostParams | None) -> tuple[str, tuple[float, ...], float] | None:
    """What :func:`metric_at_threshold` makes of the four sums: the formula's name, the numbers in it, and the threshold.

    The numbers of ``f_beta`` are beta's square, those of ``cost`` the costs of a false positive and of a false negative.
    """
    found = _ASKED.fullmatch(name)
    if found is None or metric_at_threshold(name, costs) is None:
        return None
    beta, threshold = _BETA.fullmatch(found[1]), float(found[2] or DECIDED)
    if found[1] == COST and costs is not None:
        return COST, (costs.false_positive, costs.false_negative), threshold
    if beta is not None and found[1] not in _DECISIONS:
        return "f_beta", (float(beta[1]) ** 2,), threshold
    return found[1], (), threshold


@lru_cache(maxsize=64)
def _decided_at(threshold: float) -> Statistics:
    """True positives, false positives, false negatives, true negatives; one function per threshold, so that metrics share sums."""

    def decided(sample: Sample) -> Floats:
        hit, label = (sample.scores >= threshold).astype(np.float64), sample.labels
        return np.column_stack([hit * label, hit * (1 - label), (1 - hit) * label, (1 - hit) * (1 - label)])

    return decided


def _f_beta(squared: float, sums: Floats) -> Floats:
    """Van Rijsbergen's F (1979): recall counts beta times as much as precision; ``squared`` is beta's square."""
    right, false_positives, false_negatives, _ = sums.T
    return ratio((1 + squared) * right, (1 + squared) * right + squared * false_negatives + false_positives)


def _cost(costs: CostParams, sums: Floats) -> Floats:
    """What wrong decisions cost, per row."""
    return ratio(costs.false_positive * sums[:, 1] + costs.false_negative * sums[:, 2], sums.sum(axis=1))
