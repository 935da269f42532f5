"""What models show on one group of rows: figures, their replicates, and what they are without one cluster.

What belongs here: metrics under every draw, of one or several models. What does not: what turns weights into a metric
(``measures``), and what is made of replicates (``compare``, ``spread``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.bootstrap import FEWEST_CLUSTERS
from tasks.evaluation.draws import ClusterDraws
from tasks.evaluation.measures import Group, Key, Measure, measures_of
from tasks.evaluation.sample import Floats, Metric
from tasks.evaluation.spread import MOST_JACKKNIFED

ROLES = ("champion", "challenger")


@dataclass(frozen=True)
class Measured:
    """By metric and role: the figures, their replicates, and their values with one cluster left out (none of many clusters)."""

    points: dict[Key, float]
    replicates: dict[Key, Floats]
    left_out: dict[Key, Floats]

    def beside(self, other: "Measured") -> "Measured":
        """Both, which have no role in common."""
        return Measured(self.points | other.points, self.replicates | other.replicates, self.left_out | other.left_out)


Champions = dict[tuple[str | None, str | None], Measured]
"""What the champion shows on each slice, where several challengers are compared with it on the same rows."""


def measure_group(group: Group, metrics: Sequence[Metric], resampling: ClusterDraws) -> Measured:
    """``metrics`` of every model on ``group``."""
    measures = measures_of(group, metrics, resampling.replicates)
    everything = np.ones((1, group.cluster_count))
    points = {key: float(values[0]) for key, values in over_draws(measures, everything).items()}
    found: dict[Key, list[Floats]] = {}
    left_out: dict[Key, Floats] = {}
    if group.cluster_count >= FEWEST_CLUSTERS:
        for weights in resampling.of(group.cluster_count):
            for key, values in over_draws(measures, weights).items():
                found.setdefault(key, []).append(values)
        if group.cluster_count <= MOST_JACKKNIFED:
            left_out = over_draws(measures, 1 - np.eye(group.cluster_count))
    return Measured(points, {key: np.concatenate(blocks) for key, blocks in found.items()}, left_out)


def measure_beside(champions: Champions | None, group: Group, metrics: Sequence[Metric], resampling: ClusterDraws) -> Measured:
    """The same, the champion once for all challengers: from ``champions``, or kept there; None: there is one challenger."""
    if champions is None:
        return measure_group(group, metrics, resampling)
    place = (group.column, group.value)
    if place not in champions:
        champions[place] = measure_group(_of_role(group, "champion"), metrics, resampling)
    return champions[place].beside(measure_group(_of_role(group, "challenger"), metrics, resampling))


def _of_role(group: Group, role: str) -> Group:
    return replace(group, scores={name: found for name, found in group.scores.items() if name.endswith(role)})


def over_draws(measures: Sequence[Measure], weights: NDArray[Any]) -> dict[Key, Floats]:
    """By metric and role the value under each row of ``weights``: of several draws of folds, their mean."""
    found: dict[Key, list[Floats]] = {}
    for measure in measures:
        for (metric, name), values in measure(weights).items():
            found.setdefault((metric, next(role for role in ROLES if name.endswith(role))), []).append(values)
    return {key: values[0] if len(values) == 1 else np.mean(values, axis=0) for key, values in found.items()}
