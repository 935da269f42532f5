"""What a comparison keeps of its replicates, so that a criterion can ask for any confidence and method without a new evaluation.

What belongs here: quantiles and their corrections, variances without resampling, discordant decisions. What does not: drawing
(``bootstrap``), and intervals made of these (``tasks.gates``): a threshold that changes must not make a stage resample again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.evaluation.bootstrap import MOST_UNDEFINED_FRACTION, quantiles
from tasks.evaluation.delong import area_errors
from tasks.evaluation.measures import Group
from tasks.evaluation.sample import Floats, Metric, Sample, ratio
from tasks.params.models import Task
from tasks.records import AreaErrors, Discordance, Replicates, Spread

_LOW_TAILS = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.0167, 0.025, 0.05, 0.1, 0.25)
MOST_JACKKNIFED = 200
"""Clusters up to which each is left out in turn. Beyond, the acceleration (a sixth of the skewness over the root of the clusters)
is below a hundredth of the skewness, and taken for 0."""


@dataclass(frozen=True)
class Resampled:
    """A figure, its replicates, and its values with one cluster left out (None where there are too many clusters)."""

    point: float
    replicates: Floats
    left_out: Floats | None


def tails_of(replicates: int) -> tuple[float, ...]:
    """The shares at which quantiles are kept: those that at least one of ``replicates`` lies beyond."""
    low = tuple(tail for tail in _LOW_TAILS if tail * (replicates + 1) >= 1)
    return (*low, 0.5, *(1 - tail for tail in reversed(low)))


def spread_of(group: Group, metric: Metric, figures: Mapping[str, Resampled], task: Task) -> Spread:
    """The spread of one metric on ``group``; ``figures`` by role, of the roles that have a figure and replicates."""
    own, champion = figures.get("challenger"), figures.get("champion")
    delta = relative = None
    if own is not None and champion is not None:
        difference = Resampled(
            own.point - champion.point,
            own.replicates - champion.replicates,
            own.left_out - champion.left_out if own.left_out is not None and champion.left_out is not None else None,
        )
        delta = _replicates(difference)
        if champion.point > 0 and bool(np.all(champion.replicates[np.isfinite(champion.replicates)] > 0)):
            relative = _replicates(_share(difference, champion))
    return Spread(
        challenger=None if own is None else _replicates(own),
        delta=delta,
        relative=relative,
        areas=_areas(group, metric, task),
        discordance=_discordance(group, metric, task),
    )


def _share(part: Resampled, whole: Resampled) -> Resampled:
    left_out = None if part.left_out is None or whole.left_out is None else ratio(part.left_out, whole.left_out)
    return Resampled(part.point / whole.point, part.replicates / whole.replicates, left_out)


def _replicates(figure: Resampled) -> Replicates | None:
    point, values = figure.point, figure.replicates
    defined = values[np.isfinite(values)]
    if 1 - len(defined) / len(values) > MOST_UNDEFINED_FRACTION:
        return None
    # Sums that are taken in another order differ in their last digits: a replicate equal to the figure must count as equal.
    near = np.abs(defined - point) <= 1e-14 + 1e-12 * abs(point)
    below = (np.count_nonzero((defined < point) & ~near) + np.count_nonzero(near) / 2) / len(defined)
    return Replicates(
        quantiles=tuple(quantiles(np.sort(defined), tails_of(len(values)))),
        below=float(below),
        acceleration=0.0 if figure.left_out is None else _acceleration(figure.left_out),
    )


def _acceleration(left_out: Floats) -> float | None:
    """Efron (1987, JASA 82), from the values with one cluster left out."""
    if not np.isfinite(left_out).all():
        return None
    off = left_out.mean() - left_out
    squares = float(np.square(off).sum())
    return float((off**3).sum() / (6 * squares**1.5)) if squares > 1e-24 else 0.0


def _is_plain(group: Group) -> bool:
    """Whether rows count alike and each model has one score of each: what methods without resampling are made for."""
    return group.weights is None and group.scores.keys() <= {"champion", "challenger"}


def _areas(group: Group, metric: Metric, task: Task) -> AreaErrors | None:
    if metric.name != "roc_auc" or task != "binary" or not _is_plain(group):
        return None
    return area_errors(group.labels, group.scores, group.clusters, group.cluster_count)


def _discordance(group: Group, metric: Metric, task: Task) -> Discordance | None:
    if metric.name != "accuracy" or task == "regression" or not _is_plain(group) or group.clusters is not None:
        return None
    if "champion" not in group.scores:
        return None
    champion, challenger = (Sample(group.labels, group.scores[role]).hits == group.labels for role in ("champion", "challenger"))
    return Discordance(
        only_champion=int(np.count_nonzero(champion & ~challenger)), only_challenger=int(np.count_nonzero(challenger & ~champion))
    )
