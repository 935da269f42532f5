"""Champion and challenger on identical rows: every metric, overall and per slice, with paired intervals.

What belongs here: which rows a figure is of, and the figures. What does not: where the rows come from (``evidence``), and
whether a figure is good enough (``tasks.gates``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import EvaluationError
from tasks.evaluation.bootstrap import FEWEST_CLUSTERS, cluster_weights, percentile_interval
from tasks.evaluation.metrics import Floats, Ints, Metric, check_scores, metric_named
from tasks.evaluation.ranking import ClusterRanking
from tasks.params.judging import EvaluationParams
from tasks.records import Comparison, Interval

MISSING = "(missing)"
"""The slice of rows whose slice column is NULL."""
_Measure = Callable[[Floats], Floats]
"""Cluster weights (replicates x clusters) -> the metric under each of them."""


@dataclass(frozen=True)
class _Group:
    """The rows that one set of figures is of: all of them, or one slice."""

    column: str | None
    value: str | None
    labels: Floats
    scores: dict[str, Floats]
    clusters: Ints
    cluster_count: int

    @property
    def positives(self) -> int:
        return int(self.labels.sum())


def compare(rows: pa.Table, params: EvaluationParams, seed: int) -> tuple[Comparison, ...]:
    """Compare the models on ``rows``: overall first, then slice by slice, sorted by column and value.

    ``rows`` has ``label`` (0 or 1), ``challenger_score``, ``champion_score`` (left out where there is no champion), ``cluster``
    and ``slice_<column>`` for each of ``params.slices``; no NULL but in slices, which make a slice of their own,
    ``(missing)``. The same ``seed`` gives the same figures, whatever the order of rows' clusters. Raises
    :class:`~tasks.errors.EvaluationError` where there are no rows, the label is constant, or a score is no probability.
    """
    metrics = [metric_named(name) for name in params.metrics]
    labels = _floats(rows, "label")
    check_labels(labels)
    roles = [role for role in ("champion", "challenger") if f"{role}_score" in rows.column_names]
    scores = {role: _floats(rows, f"{role}_score") for role in roles}
    for role in roles:
        check_scores(scores[role], role)
    found: list[Comparison] = []
    for group in _groups(rows, labels, scores, params.slices):
        found += _compare_group(group, metrics, params, seed)
    return tuple(found)


def check_labels(labels: Floats) -> None:
    """Refuse labels on which nothing can be judged: none at all, or all of one class."""
    positives = int(np.count_nonzero(labels == 1))
    if positives in (0, len(labels)):
        raise EvaluationError(
            "rows to judge",
            found=f"{len(labels):,} rows with a label and both scores, {positives:,} of them positive",
            expected="rows of both classes",
            next_step="look at label.positive, the champion's scores and the evaluated part in params.yaml",
        )


def _floats(rows: pa.Table, name: str) -> Floats:
    column: Floats = rows.column(name).cast(pa.float64()).to_numpy()
    return column


def _codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Each value's index in the sorted distinct values (NULL as ``(missing)``), and these."""
    encoded = pc.fill_null(column.cast(pa.string()), MISSING).combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(len(values), np.intp)
    place[order] = np.arange(len(values))
    return place[encoded.indices.to_numpy()], [values[index] for index in order]


def _groups(rows: pa.Table, labels: Floats, scores: dict[str, Floats], slices: tuple[str, ...]) -> Iterator[_Group]:
    clusters, _ = _codes(rows.column("cluster"))
    yield _group(None, None, labels, scores, clusters)
    for column in sorted(slices):
        codes, values = _codes(rows.column(f"slice_{column}"))
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(values)))
        for value, chosen in zip(values, np.split(order, ends[:-1]), strict=True):
            part = {role: values[chosen] for role, values in scores.items()}
            yield _group(column, value, labels[chosen], part, clusters[chosen])


def _group(column: str | None, value: str | None, labels: Floats, scores: dict[str, Floats], clusters: Ints) -> _Group:
    is_present = np.bincount(clusters) > 0
    renumbered = (np.cumsum(is_present) - 1)[clusters]
    return _Group(column, value, labels, scores, renumbered, int(is_present.sum()))


def _compare_group(group: _Group, metrics: list[Metric], params: EvaluationParams, seed: int) -> list[Comparison]:
    asked = [metric for metric in metrics if not (metric.needs_both_classes and _lacks_a_class(group))]
    measures = _measures(group, asked, params.interval.replicates)
    everything = np.ones((1, group.cluster_count))
    points = {key: float(measure(everything)[0]) for key, measure in measures.items()}
    replicates: dict[tuple[str, str], Floats] = {}
    if group.cluster_count >= FEWEST_CLUSTERS:
        blocks = [
            {key: measure(weights) for key, measure in measures.items()}
            for weights in cluster_weights(group.cluster_count, params.interval.replicates, seed)
        ]
        replicates = {key: np.concatenate([block[key] for block in blocks]) for key in measures}
    return [_comparison(group, metric, points, replicates, params.interval.confidence) for metric in metrics]


def _lacks_a_class(group: _Group) -> bool:
    return group.positives in (0, len(group.labels))


def _measures(group: _Group, metrics: list[Metric], replicates: int) -> dict[tuple[str, str], _Measure]:
    """By (metric, role): what turns cluster weights into the metric. A ranking is sorted once for all of its metrics."""
    found: dict[tuple[str, str], _Measure] = {}
    for role, scores in group.scores.items():
        ranking = None
        for metric in metrics:
            if metric.row_values is not None:
                found[metric.name, role] = _mean_by_cluster(group, metric.row_values(group.labels, scores))
                continue
            ranking = ranking or ClusterRanking(group.labels, scores, group.clusters, group.cluster_count, replicates)
            found[metric.name, role] = ranking.roc_auc if metric.name == "roc_auc" else ranking.pr_auc
    return found


def _mean_by_cluster(group: _Group, values: Floats) -> _Measure:
    sums = np.bincount(group.clusters, weights=values, minlength=group.cluster_count)
    rows = np.bincount(group.clusters, minlength=group.cluster_count).astype(np.float64)
    return lambda weights: (weights @ sums) / (weights @ rows)


def _comparison(
    group: _Group,
    metric: Metric,
    points: dict[tuple[str, str], float],
    replicates: dict[tuple[str, str], Floats],
    confidence: float,
) -> Comparison:
    champion, challenger = points.get((metric.name, "champion")), points.get((metric.name, "challenger"))
    intervals, reason = _intervals(group, metric, replicates, confidence)
    return Comparison(
        metric=metric.name,
        direction=metric.direction,
        slice_column=group.column,
        slice_value=group.value,
        rows=len(group.labels),
        positives=group.positives,
        clusters=group.cluster_count,
        champion=champion,
        challenger=challenger,
        delta=None if champion is None or challenger is None else challenger - champion,
        champion_interval=intervals.get("champion"),
        challenger_interval=intervals.get("challenger"),
        delta_interval=intervals.get("delta"),
        reason=reason,
    )


def _intervals(
    group: _Group, metric: Metric, replicates: dict[tuple[str, str], Floats], confidence: float
) -> tuple[dict[str, Interval], str]:
    """The intervals there are, by role and ``delta``, and why one is missing."""
    if metric.needs_both_classes and _lacks_a_class(group):
        return {}, f"undefined: {group.positives:,} of {len(group.labels):,} rows are positive"
    if not replicates:
        return {}, f"no interval: {group.cluster_count} clusters, and at least {FEWEST_CLUSTERS} are needed"
    values = {role: replicates[metric.name, role] for role in group.scores}
    if "champion" in values:
        values["delta"] = values["challenger"] - values["champion"]
    found, reason = {}, "" if "champion" in values else "no champion"
    for name, replicated in values.items():
        interval, why = percentile_interval(replicated, confidence)
        if interval is None:
            reason = f"no interval: {why}"
        else:
            found[name] = interval
    return found, reason
