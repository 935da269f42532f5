"""One metric of many models on the same rows, resampled alike.

What belongs here: figures and replicates of any number of models. What does not: champion and challenger (``compare``), and what
their figures are held against.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tasks.evaluation.bootstrap import FEWEST_CLUSTERS, cluster_weights
from tasks.evaluation.compare import read_labels, read_scores, whole_group
from tasks.evaluation.measures import measures_of
from tasks.evaluation.metrics import check_labels, metric_named
from tasks.evaluation.sample import Floats
from tasks.params.judging import EvaluationParams
from tasks.params.models import Task


def replicate_figures(
    rows: pa.Table,
    names: Sequence[str],
    metric: str,
    params: EvaluationParams,
    *,
    seed: int,
    task: Task,
    classes: Sequence[str] = (),
) -> dict[str, tuple[float, Floats]]:
    """By name of a model, its ``metric`` on ``rows``, and its replicates, all under the same draws; none of too few clusters.

    ``rows`` as :func:`~tasks.evaluation.compare.compare` takes them, with the scores of each of ``names``
    (:func:`~tasks.evaluation.compare.score_columns`). Raises :class:`~tasks.errors.EvaluationError` where labels are all alike, or
    there is no such metric.
    """
    labels = read_labels(rows, task, classes)
    check_labels(labels, task)
    scores = {name: found for name in names if (found := read_scores(rows, name, task, len(classes))) is not None}
    group = whole_group(rows, labels, scores, params)
    replicates = params.interval.replicates
    measures = measures_of(group, [metric_named(metric, task, classes, params.costs)], replicates)

    def ask(weights: Floats) -> dict[str, Floats]:
        return {name: values for measure in measures for (_, name), values in measure(weights).items()}

    points = ask(np.ones((1, group.cluster_count)))
    blocks: dict[str, list[Floats]] = {name: [] for name in scores}
    if group.cluster_count >= FEWEST_CLUSTERS:
        for weights in cluster_weights(group.cluster_count, replicates, seed):
            for name, values in ask(weights).items():
                blocks[name].append(values)
    return {name: (float(points[name][0]), np.concatenate(found) if found else np.zeros(0)) for name, found in blocks.items()}
