"""Sums over blocks of rows, of which a reader can make figures and intervals again without a row.

What belongs here: the sums of each metric by block, and which figures may be shown. What does not: merging clusters so that no sum
is of fewer than k people (``merging``), and what is made of the sums (the page's own script). A replicate is a weighing of
clusters, so that whoever has each block's sums can draw all of them again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.beside import drop_giveaways
from tasks.evaluation.bootstrap import FEWEST_CLUSTERS
from tasks.evaluation.compare import MISSING, ROLES, read_labels, read_scores, whole_group
from tasks.evaluation.measures import Group
from tasks.evaluation.merging import Candidate, Cells, merge, without_giveaways
from tasks.evaluation.metrics import metric_named
from tasks.evaluation.ranking import ClusterRanking
from tasks.evaluation.sample import ECE_BINS, Ints, Metric, Sample
from tasks.evaluation.thresholds import DECIDED, formula_at_threshold
from tasks.evaluation.withholding import PERSON
from tasks.params.judging import BY_ROW, COST, CostParams, EvaluationParams
from tasks.params.models import Task
from tasks.params.splits import draw_name
from tasks.records import BlockEvidence, BlockFigure, Evaluation, PackedNumbers, Unpublished

MOST_CLUSTERS = 2_000
MOST_CELLS = 500_000_000
"""Rows times clusters that pairs are counted of."""
MOST_BYTES = 480_000
"""Of all sums together: a page is a file that is mailed."""
_MOST_SLICES = 40
"""Slices of a column whose blocks are looked at, the largest ones."""
_CONFUSION = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc")
FORMULAS: dict[Task, dict[str, str]] = {
    "binary": {
        "roc_auc": "area",
        "log_loss": "mean",
        "brier": "mean",
        "ece": "mean_gap",
        **{name: name for name in _CONFUSION},
    },
    "regression": {"mae": "mean", "mape": "mean", "rmse": "root_mean", "bias": "absolute_mean", "r2": "r2"},
    "multiclass": {"log_loss": "mean", "brier": "mean", "ece": "mean_gap"},
}
"""How the sums of a metric make its value: formulas that the page knows too. Beside them those of decisions at a threshold
(:func:`~tasks.evaluation.thresholds.formula_at_threshold`). What is neither is of no sums by block."""
_COUNTED = (*_CONFUSION, "f_beta", COST)


@dataclass(frozen=True)
class _Asked:
    """A metric that is of sums, and how they make its value."""

    metric: Metric
    formula: str
    numbers: tuple[float, ...]
    threshold: float
    """From which a row is decided positive, where that is asked."""


def _known(name: str, task: Task, classes: Sequence[str], costs: CostParams | None) -> _Asked | None:
    """The metric called ``name``; None where it is of no sums by block."""
    if name in FORMULAS[task]:
        return _Asked(metric_named(name, task, classes), FORMULAS[task][name], (), DECIDED)
    found = formula_at_threshold(name, costs) if task == "binary" else None
    return None if found is None else _Asked(metric_named(name, task, classes, costs), *found)


@dataclass(frozen=True)
class _Part:
    """All rows, or those of one slice, as the bootstrap sees them."""

    slice_value: str | None
    group: Group
    clusters: Ints
    """Of all judged rows' clusters, where ``group`` numbers those that it has."""
    people: Ints | None
    is_withheld: bool


def summarise_blocks(
    rows: pa.Table,
    params: EvaluationParams,
    evaluation: Evaluation,
    asked: Collection[tuple[str, str | None]],
    *,
    classes: Sequence[str],
    draws: int,
    k: int,
) -> BlockEvidence:
    """The blocks of each (metric, slice column or None) of ``asked``.

    ``rows`` as :func:`~tasks.evaluation.compare.compare` takes them. Nothing rests on fewer than ``k`` people; what
    therefore cannot be shown, or is of no sums, is named with the reason.
    """
    figures: list[BlockFigure] = []
    unpublished: list[Unpublished] = []
    why_none = why_no_blocks(rows, params)
    if why_none:
        unpublished = [Unpublished(metric=metric, slice=column, reason=why_none) for metric, column in sorted(asked, key=str)]
    else:
        by_column: dict[str | None, list[str]] = defaultdict(list)
        for metric, column in sorted(asked, key=str):
            by_column[column].append(metric)
        known = {name: made for name, _ in asked if (made := _known(name, evaluation.task, classes, params.costs))}
        # Sums at two thresholds differ by the rows between them, which are to be of k people as well: in whichever column
        # the other is asked, since slices that are added up are the whole.
        thresholds = sorted({made.threshold for made in known.values() if made.formula in _COUNTED})
        names, clusters = np.unique(rows.column("cluster").to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
        for column, metrics in sorted(by_column.items(), key=lambda item: (item[0] is not None, item[0] or "")):
            parts = _parts(rows, clusters, params, evaluation, column, classes=classes, draws=draws)
            own = {name: known[name] for name in metrics if name in known}
            found, missing = _of_column(parts, metrics, own, column, thresholds, clusters=len(names), k=k)
            figures += found
            unpublished += missing
        figures, crossing = drop_giveaways(figures, rows, clusters, evaluation, discover=params.discover, k=k)
        why_crossing = f"beside other figures its blocks would give away fewer than {k} people"
        unpublished += [Unpublished(metric=left.metric, slice=left.slice, reason=why_crossing) for left in crossing]
    kept = _within(figures, MOST_BYTES)
    too_large = f"its sums would make the page larger by more than {MOST_BYTES // 1000} kB"
    unpublished += [Unpublished(metric=left.metric, slice=left.slice, reason=too_large) for left in figures[len(kept) :]]
    return BlockEvidence(
        figures=tuple(kept),
        unpublished=tuple(unpublished),
        cluster=params.interval.cluster,
        confidence=params.interval.confidence,
        k=k,
        has_weights="weight" in rows.column_names,
    )


def why_no_blocks(rows: pa.Table, params: EvaluationParams) -> str:
    """Why a page shows no sums by cluster of ``rows``; empty where it may."""
    if params.interval.cluster == BY_ROW:
        return "each row is a cluster of its own, and no sum of a single row is published"
    clusters = pc.count_distinct(rows.column("cluster")).as_py()
    if clusters > MOST_CLUSTERS:
        return f"{clusters:,} clusters are more than a page can hold sums of ({MOST_CLUSTERS:,})"
    if clusters < FEWEST_CLUSTERS:
        return f"{clusters} clusters are too few for replicates"
    return ""


def _parts(
    rows: pa.Table,
    clusters: Ints,
    params: EvaluationParams,
    evaluation: Evaluation,
    column: str | None,
    *,
    classes: Sequence[str],
    draws: int,
) -> list[_Part]:
    """All rows, or the slices of ``column`` in the order of their values."""
    people = None
    if PERSON in rows.column_names:
        people = np.unique(rows.column(PERSON).to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
    if column is None:
        group = _group(rows, params, evaluation.task, classes, draws)
        return [_Part(None, group, clusters, people, is_withheld=False)]
    withheld = {found.slice_value for found in evaluation.comparisons if found.slice_column == column and found.is_withheld}
    values = pc.fill_null(rows.column(f"slice_{column}").cast(pa.string()), MISSING).to_numpy(zero_copy_only=False).astype(str)
    parts = []
    for value in np.unique(values):
        chosen = np.flatnonzero(values == value)
        group = _group(rows.take(chosen), params, evaluation.task, classes, draws)
        whose = None if people is None else people[chosen]
        parts.append(_Part(str(value), group, clusters[chosen], whose, is_withheld=value in withheld))
    return parts


def _group(rows: pa.Table, params: EvaluationParams, task: Task, classes: Sequence[str], draws: int) -> Group:
    names = [draw_name(role, draw) for role in ROLES for draw in range(1, draws + 1)]
    scores = {name: found for name in names if (found := read_scores(rows, name, task, len(classes))) is not None}
    return whole_group(rows, read_labels(rows, task, classes), scores, params)


def _of_column(
    parts: Sequence[_Part],
    metrics: Sequence[str],
    known: Mapping[str, _Asked],
    column: str | None,
    thresholds: Sequence[float],
    *,
    clusters: int,
    k: int,
) -> tuple[list[BlockFigure], list[Unpublished]]:
    """The figures of one column's slices, or of all rows, the largest first; and those of ``metrics`` that stay unpublished.

    ``thresholds`` are those of every column: rows between two of them are counted apart.
    """
    by_value = {part.slice_value: part for part in parts}
    names = {value: None if column is None else f"{column}={value}" for value in by_value}
    largest = sorted((part for part in parts if not part.is_withheld), key=lambda part: -len(part.group.labels))[:_MOST_SLICES]
    candidates = {(name, part.slice_value): _candidate(part, known[name], thresholds) for name in known for part in parts}
    open_to_all = [candidates[name, part.slice_value] for name in known for part in largest if _is_measured(part, known[name])]
    blocks, chosen = merge(open_to_all, clusters, k)
    figures = []
    for name, asked in known.items():
        own = [found for found, _ in chosen if found.metric == name]
        rest = [candidates[name, value] for value in by_value if value not in {found.slice_value for found in own}]
        for found in without_giveaways(own, rest, blocks, k):
            needed = next(needed for one, needed in chosen if one is found)
            figures.append(
                _figure(by_value[found.slice_value], asked, names[found.slice_value], needed if column is None else blocks)
            )
    shown = {(figure.metric, figure.slice) for figure in figures}
    missing = [
        Unpublished(metric=name, slice=names[part.slice_value], reason=_why_unpublished(part, k, is_known=name in known))
        for name in metrics
        for part in parts
        if (name, names[part.slice_value]) not in shown
    ]
    return sorted(figures, key=lambda figure: -figure.clusters), missing


def _why_unpublished(part: _Part, k: int, *, is_known: bool) -> str:
    if not is_known:
        return "this metric is no function of sums by block"
    if part.is_withheld:
        return f"its figures are withheld: fewer than {k} people"
    if part.group.cluster_count < FEWEST_CLUSTERS:
        return f"{part.group.cluster_count} clusters are too few for replicates"
    return f"too many of its blocks would rest on fewer than {k} people, or give such away"


def _is_measured(part: _Part, asked: _Asked) -> bool:
    enough = part.group.cluster_count >= FEWEST_CLUSTERS
    return enough and (asked.formula != "area" or len(part.group.labels) * part.group.cluster_count <= MOST_CELLS)


def _candidate(part: _Part, asked: _Asked, thresholds: Sequence[float]) -> Candidate:
    labels, found = part.group.labels, []
    for scores in part.group.scores.values():
        cells, count = _cells(asked.formula, Sample(labels, scores), thresholds)
        found.append(Cells(part.clusters, cells, count, part.people))
    return Candidate(asked.metric.name, part.slice_value, tuple(found), len(labels))


def _cells(formula: str, sample: Sample, thresholds: Sequence[float]) -> tuple[Ints, int]:
    """What each row is counted under, and how many such there are: rows that are summed together stand together."""
    if formula == "area":
        return sample.labels.astype(np.intp), 2
    if formula in _COUNTED:
        decided = np.searchsorted(thresholds, sample.scores, "right")
        return (2 * decided + sample.labels).astype(np.intp), 2 * (len(thresholds) + 1)
    if formula == "mean_gap":
        likelihood = sample.scores if sample.scores.ndim == 1 else sample.scores.max(axis=1)
        return np.minimum((likelihood * ECE_BINS).astype(np.intp), ECE_BINS - 1), ECE_BINS
    return np.zeros(len(sample.labels), np.intp), 1


def _figure(part: _Part, asked: _Asked, name: str | None, blocks: Ints) -> BlockFigure:
    """The sums of one metric on the rows of ``part``, whose clusters lie in ``blocks``."""
    kept, members = np.unique(blocks[np.unique(part.clusters)], return_counts=True)
    own = np.searchsorted(kept, blocks[part.clusters])
    group, metric = part.group, asked.metric
    sums: dict[str, list[PackedNumbers]] = defaultdict(list)
    pairs: dict[str, list[PackedNumbers]] = defaultdict(list)
    columns = 0
    for drawn, scores in group.scores.items():
        role = next(role for role in ROLES if drawn.endswith(role))
        if metric.statistics is None:
            ranking = ClusterRanking(group.labels, scores, own, len(kept), 1, weights=group.weights)
            summed, won = ranking.class_weights(), ranking.pair_wins()
            both = 2 * (won + won.T - np.diag(np.diag(won)))
            pairs[role].append(PackedNumbers.pack(both[np.triu_indices(len(kept))]))
        else:
            by_cluster = np.asarray(group.sum_by_cluster(metric.statistics(Sample(group.labels, scores))))
            summed = np.add.reduceat(by_cluster, np.cumsum(members) - members, axis=0)
        columns = summed.shape[1]
        sums[role].append(PackedNumbers.pack(summed.ravel()))
    return BlockFigure(
        metric=metric.name,
        slice=name,
        formula=asked.formula,
        numbers=asked.numbers,
        clusters=group.cluster_count,
        members=tuple(members.tolist()),
        columns=columns,
        sums={role: tuple(found) for role, found in sums.items()},
        pairs={role: tuple(found) for role, found in pairs.items()},
    )


def _within(figures: Sequence[BlockFigure], most: int) -> list[BlockFigure]:
    """As many of the first ``figures`` as take at most ``most`` bytes."""
    sizes = [sum(len(packed.data) for held in _held(figure) for packed in held) for figure in figures]
    return list(figures[: int(np.searchsorted(np.cumsum(sizes), most, "right"))])


def _held(figure: BlockFigure) -> Iterable[tuple[PackedNumbers, ...]]:
    return (*figure.sums.values(), *figure.pairs.values())
