"""Champion and challenger on identical rows: every metric, overall and per slice, with paired intervals.

What belongs here: which rows a figure is of, and the figures. What does not: where the rows come from (``evidence``), and
whether a figure is good enough (``tasks.gates``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.bootstrap import FEWEST_CLUSTERS, percentile_interval
from tasks.evaluation.draws import ClusterDraws
from tasks.evaluation.measured import ROLES, Champions, Measured, measure_beside
from tasks.evaluation.measures import Group
from tasks.evaluation.metrics import check_labels, check_scores, metrics_asked
from tasks.evaluation.own_metrics import require_weighted
from tasks.evaluation.sample import Floats, Ints, Metric, Sample
from tasks.evaluation.spread import Resampled, spread_of
from tasks.params.judging import BY_ROW, EvaluationParams
from tasks.params.models import Task
from tasks.params.splits import draw_name
from tasks.records import Comparison, Interval

MISSING = "(missing)"
"""The slice of rows whose slice column is NULL."""


def compare(
    rows: pa.Table,
    params: EvaluationParams,
    seed: int,
    task: Task = "binary",
    classes: Sequence[str] = (),
    *,
    draws: int = 1,
    own: Mapping[str, Metric] | None = None,
    champions: Champions | None = None,
) -> tuple[Comparison, ...]:
    """Compare the models on ``rows``: overall first, then slice by slice, sorted by column and value.

    Where folds were drawn several times (``draws``), each draw has scores of every row, and a figure is the mean over draws, in
    every replicate too: rows and clusters are drawn once for all of them, and none counts twice.

    ``rows`` has ``label`` (0 or 1; one of ``classes``; a number), each role's scores (:func:`read_scores`; the champion's left
    out where there is none), ``cluster``, ``slice_<column>`` for each of ``params.slices``, and ``weight`` where rows do not
    count alike; no NULL but in slices, which make a slice of their own, ``(missing)``. The same ``seed`` gives the same
    figures, whatever the order of rows' clusters. ``own`` are the user's metrics; ``champions``, empty at first,
    keeps what the champion shows for the next challenger.
    Raises :class:`~tasks.errors.EvaluationError` where there are no rows, the
    labels are all alike, a score is none of ``task``, or a metric is not.
    """
    metrics = metrics_asked(params, task, classes, own)
    labels = read_labels(rows, task, classes)
    check_labels(labels, task)
    scores = read_all_scores(rows, task, classes, draws)
    require_weighted(metrics, Sample(labels, scores["challenger"]))
    groups, resampling = _groups(rows, labels, scores, params), ClusterDraws(params.interval.replicates, seed)
    return tuple(
        chain.from_iterable(_compare_group(group, metrics, params, resampling, task, champions=champions) for group in groups)
    )


def compare_folds(
    rows: pa.Table,
    params: EvaluationParams,
    seed: int,
    task: Task,
    classes: Sequence[str],
    *,
    draws: int,
    own: Mapping[str, Metric] | None = None,
) -> tuple[Comparison, ...]:
    """Every metric on each fold of each draw by itself, as slices of a column ``fold``; ``rows`` as :func:`compare` takes them.

    The champion's logged scores are of no draw, and stand beside each.
    """
    metrics = metrics_asked(params, task, classes, own)
    labels = read_labels(rows, task, classes)
    scores = read_all_scores(rows, task, classes, draws)
    everything, resampling = whole_group(rows, labels, scores, params), ClusterDraws(params.interval.replicates, seed)
    found: list[Comparison] = []
    for draw in range(1, draws + 1):
        present = {role: scores.get(draw_name(role, draw), scores.get(role)) for role in ROLES}
        drawn = replace(everything, scores={role: values for role, values in present.items() if values is not None})
        codes, names = _codes(rows.column(draw_name("part", draw)))
        for place in sorted(range(len(names)), key=lambda place: (len(names[place]), names[place])):
            fold = some_rows(drawn, "fold", names[place], np.flatnonzero(codes == place))
            found += [
                one.model_copy(update={"spread": None})
                for one in _compare_group(fold, metrics, params, resampling, task, champions=None)
            ]
    return tuple(found)


def read_all_scores(rows: pa.Table, task: Task, classes: Sequence[str], draws: int) -> dict[str, Floats]:
    """By role, and by ``r2_<role>`` and so on of further draws."""
    names = [(role, draw_name(role, draw)) for role in ROLES for draw in range(1, draws + 1)]
    scores = {name: found for _, name in names if (found := read_scores(rows, name, task, len(classes))) is not None}
    for role, name in names:
        if name in scores:
            check_scores(scores[name], role, task)
    return scores


def read_labels(rows: pa.Table, task: Task, classes: Sequence[str]) -> Floats:
    """``label`` as a number: 0 or 1, the place in ``classes``, or the number that it is."""
    column = rows.column("label")
    if task == "multiclass":
        column = pc.index_in(column, value_set=pa.array(classes, pa.string()))
    labels: Floats = column.cast(pa.float64()).to_numpy()
    return labels


def read_scores(rows: pa.Table, role: str, task: Task, class_count: int) -> Floats | None:
    """``<role>_score`` (rows), or ``<role>_score_<k>`` for each class (rows x classes); None where there are none."""
    names = score_columns(role, task, class_count)
    if any(name not in rows.column_names for name in names):
        return None
    columns = [rows.column(name).cast(pa.float64()).to_numpy() for name in names]
    return np.column_stack(columns) if task == "multiclass" else columns[0]


def score_columns(role: str, task: Task, class_count: int) -> tuple[str, ...]:
    """The columns of the predictions that hold a role's scores; ``k`` is the class's place in the sorted classes."""
    return tuple(f"{role}_score_{k}" for k in range(class_count)) if task == "multiclass" else (f"{role}_score",)


def _codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Each value's index in the sorted distinct values (NULL as ``(missing)``), and these."""
    encoded = pc.fill_null(column.cast(pa.string()), MISSING).combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(len(values), np.intp)
    place[order] = np.arange(len(values))
    return place[encoded.indices.to_numpy()], [values[index] for index in order]


def whole_group(rows: pa.Table, labels: Floats, scores: dict[str, Floats], params: EvaluationParams) -> Group:
    """All ``rows`` as one group; slices are not looked at."""
    return next(_groups(rows, labels, scores, params.model_copy(update={"slices": ()})))


def _groups(rows: pa.Table, labels: Floats, scores: dict[str, Floats], params: EvaluationParams) -> Iterator[Group]:
    clusters = None if params.interval.cluster == BY_ROW else _codes(rows.column("cluster"))[0]
    weights = rows.column("weight").to_numpy() if "weight" in rows.column_names else None
    everything = Group(None, None, labels, scores, weights, clusters, 0)
    yield some_rows(everything, None, None, np.arange(len(labels)))
    for column in sorted(params.slices):
        codes, values = _codes(rows.column(f"slice_{column}"))
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(values)))
        for value, chosen in zip(values, np.split(order, ends[:-1]), strict=True):
            yield some_rows(everything, column, value, chosen)


def some_rows(whole: Group, column: str | None, value: str | None, chosen: Ints) -> Group:
    """The rows of ``whole`` at the places ``chosen``, called ``value`` of ``column``."""
    scores = {role: found[chosen] for role, found in whole.scores.items()}
    weights = None if whole.weights is None else whole.weights[chosen]
    if whole.clusters is None:
        return Group(column, value, whole.labels[chosen], scores, weights, None, len(chosen))
    clusters = whole.clusters[chosen]
    is_present = np.bincount(clusters) > 0
    renumbered = (np.cumsum(is_present) - 1)[clusters]
    return Group(column, value, whole.labels[chosen], scores, weights, renumbered, int(is_present.sum()))


def _compare_group(
    group: Group,
    metrics: list[Metric],
    params: EvaluationParams,
    resampling: ClusterDraws,
    task: Task,
    *,
    champions: Champions | None,
) -> list[Comparison]:
    measured = measure_beside(champions, group, metrics, resampling)
    confidence = params.interval.confidence
    return [_comparison(group, metric, measured, confidence=confidence, task=task) for metric in metrics]


def _comparison(
    group: Group,
    metric: Metric,
    measured: Measured,
    *,
    confidence: float,
    task: Task,
) -> Comparison:
    points, replicates, left_out = measured.points, measured.replicates, measured.left_out
    present = [role for role in ROLES if role in group.scores]
    known = {role: points[metric.name, role] for role in present if np.isfinite(points[metric.name, role])}
    champion, challenger = known.get("champion"), known.get("challenger")
    figures = {
        role: Resampled(known[role], replicates[metric.name, role], left_out.get((metric.name, role)))
        for role in known
        if (metric.name, role) in replicates
    }
    intervals, reason = _intervals(group, {role: figure.replicates for role, figure in figures.items()}, confidence)
    if len(known) < len(present):
        reason = _why_undefined(group, metric, task)
    return Comparison(
        metric=metric.name,
        direction=metric.direction,
        slice_column=group.column,
        slice_value=group.value,
        rows=len(group.labels),
        positives=group.positives if task == "binary" else None,
        clusters=group.cluster_count,
        champion=champion,
        challenger=challenger,
        delta=None if champion is None or challenger is None else challenger - champion,
        champion_interval=intervals.get("champion"),
        challenger_interval=intervals.get("challenger"),
        delta_interval=intervals.get("delta"),
        reason=reason,
        spread=spread_of(group, metric, figures, task),
    )


def _why_undefined(group: Group, metric: Metric, task: Task) -> str:
    if task == "binary" and group.positives in (0, len(group.labels)):
        return f"undefined: {group.positives:,} of {len(group.labels):,} rows are positive"
    return f"undefined: {metric.undefined_where}"


def _intervals(group: Group, replicates: dict[str, Floats], confidence: float) -> tuple[dict[str, Interval], str]:
    """The intervals there are, by role and ``delta``, and why one is missing; ``replicates`` of the roles that have a figure."""
    values = dict(replicates)
    if not values:
        return {}, f"no interval: {group.cluster_count} clusters, and at least {FEWEST_CLUSTERS} are needed"
    if len(values) == len(ROLES):
        values["delta"] = values["challenger"] - values["champion"]
    found, reason = {}, "" if "champion" in group.scores else "no champion"
    for name, replicated in values.items():
        interval, why = percentile_interval(replicated, confidence)
        if interval is None:
            reason = f"no interval: {why}"
        else:
            found[name] = interval
    return found, reason
