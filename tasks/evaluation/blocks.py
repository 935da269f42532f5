"""Sums over blocks of rows, of which a reader can make figures and intervals again without a row.

What belongs here: which figures may be shown, and why others may not. What does not: which sums make a metric (``formulas``),
taking them (``block_sums``), merging clusters so that no sum is of fewer than k people (``merging``), and what is made of the sums
(the page's own script). A replicate is a weighing of clusters, so that whoever has each block's sums can draw all of them again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation import merging
from tasks.evaluation.beside import drop_giveaways
from tasks.evaluation.block_sums import sum_figure
from tasks.evaluation.bootstrap import FEWEST_CLUSTERS
from tasks.evaluation.formulas import AREA, Cells, Summed, summed, why_unsummed
from tasks.evaluation.merging import Candidate, merge, without_giveaways
from tasks.evaluation.paired import pair_figures
from tasks.evaluation.parts import JudgedRows, Part
from tasks.evaluation.sample import Sample
from tasks.params.judging import BY_ROW, EvaluationParams, IntervalMethod
from tasks.records import BlockEvidence, BlockFigure, Evaluation, PackedNumbers, Unpublished

MOST_CLUSTERS = 2_000
MOST_CELLS = 500_000_000
"""Rows times clusters that pairs are counted of."""
MOST_BYTES = 480_000
"""Of all sums together: a page is a file that is mailed."""
_MOST_SLICES = 40
"""Slices of a column whose blocks are looked at, the largest ones."""

Asked = tuple[str, str | None]
"""A metric, and the column whose slices it is asked of; None: all rows."""


def summarise_blocks(
    rows: pa.Table,
    params: EvaluationParams,
    evaluation: Evaluation,
    asked: Collection[Asked],
    *,
    classes: Sequence[str],
    draws: int,
    k: int,
    methods: Collection[tuple[IntervalMethod, str | None]] = (),
) -> BlockEvidence:
    """The blocks of each (metric, slice column or None) of ``asked``, and what ``methods`` of a column's slices need besides.

    ``rows`` as :func:`~tasks.evaluation.compare.compare` takes them. Nothing rests on fewer than ``k`` people; what
    therefore cannot be shown, or is of no sums, is named with the reason.
    """
    judged = JudgedRows(rows, params, evaluation, classes, draws)
    figures: list[BlockFigure] = []
    unpublished: list[Unpublished] = []
    why_none = why_no_blocks(rows, params)
    if why_none:
        unpublished = [Unpublished(metric=metric, slice=column, reason=why_none) for metric, column in sorted(asked, key=str)]
    else:
        figures, unpublished = _of_columns(judged, asked, {column for method, column in methods if method == "delong"}, k)
    if params.interval.cluster == BY_ROW:
        figures = pair_figures(judged, methods, k)
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


def _of_columns(
    judged: JudgedRows, asked: Collection[Asked], with_wins: Collection[str | None], k: int
) -> tuple[list[BlockFigure], list[Unpublished]]:
    """Of all rows first, then column by column; ``with_wins`` are those whose areas' variances are asked for too."""
    costs, task, classes = judged.params.costs, judged.task, judged.classes
    by_column: dict[str | None, list[str]] = defaultdict(list)
    for metric, column in sorted(asked, key=str):
        by_column[column].append(metric)
    known = {name: made for name, _ in asked if (made := summed(name, task, classes, costs))}
    cells = Cells(list(known.values()), len(classes) if task == "multiclass" else 0)
    names, clusters = np.unique(judged.table.column("cluster").to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    figures: list[BlockFigure] = []
    unpublished: list[Unpublished] = []
    for column, metrics in sorted(by_column.items(), key=lambda item: (item[0] is not None, item[0] or "")):
        parts = judged.parts(column, clusters)
        own = {name: known[name] for name in metrics if name in known}
        found, shown = _of_column(parts, own, column, cells, clusters=len(names), k=k, has_wins=column in with_wins)
        figures += found
        unpublished += [
            Unpublished(
                metric=name, slice=_called(column, part), reason=_why_unpublished(part, name, judged, k, is_known=name in known)
            )
            for name in metrics
            for part in parts
            if (name, part.slice_value) not in shown
        ]
    discover = judged.params.discover
    figures, crossing = drop_giveaways(figures, judged.table, clusters, judged.evaluation, discover=discover, k=k)
    why_crossing = f"beside other figures its blocks would give away fewer than {k} people"
    unpublished += [Unpublished(metric=left.metric, slice=left.slice, reason=why_crossing) for left in crossing]
    return figures, unpublished


def _of_column(
    parts: Sequence[Part],
    known: Mapping[str, Summed],
    column: str | None,
    cells: Cells,
    *,
    clusters: int,
    k: int,
    has_wins: bool,
) -> tuple[list[BlockFigure], set[tuple[str, str | None]]]:
    """The figures of one column's slices, or of all rows, the largest first; and (metric, slice's value) of each."""
    by_value = {part.slice_value: part for part in parts}
    largest = sorted((part for part in parts if not part.is_withheld), key=lambda part: -len(part.group.labels))[:_MOST_SLICES]
    candidates = {(name, part.slice_value): _candidate(part, known[name], cells) for name in known for part in parts}
    open_to_all = [candidates[name, part.slice_value] for name in known for part in largest if _is_measured(part, known[name])]
    blocks, chosen = merge(open_to_all, clusters, k)
    figures: dict[tuple[str, str | None], BlockFigure] = {}
    for name, asked in known.items():
        own = [found for found, _ in chosen if found.metric == name]
        rest = [candidates[name, value] for value in by_value if value not in {found.slice_value for found in own}]
        for found in without_giveaways(own, rest, blocks, k):
            needed = blocks if column is not None else next(needed for one, needed in chosen if one is found)
            part = by_value[found.slice_value]
            is_plain = has_wins and part.group.weights is None and part.group.scores.keys() <= {"champion", "challenger"}
            figures[name, found.slice_value] = sum_figure(part, asked, _called(column, part), needed, has_wins=is_plain)
    return sorted(figures.values(), key=lambda figure: -figure.clusters), set(figures)


def _called(column: str | None, part: Part) -> str | None:
    return None if column is None else f"{column}={part.slice_value}"


def _why_unpublished(part: Part, name: str, judged: JudgedRows, k: int, *, is_known: bool) -> str:
    if not is_known:
        return why_unsummed(name, judged.task, judged.params.functions)
    if part.is_withheld:
        return f"its figures are withheld: fewer than {k} people"
    if part.group.cluster_count < FEWEST_CLUSTERS:
        return f"{part.group.cluster_count} clusters are too few for replicates"
    return f"too many of its blocks would rest on fewer than {k} people, or give such away"


def _is_measured(part: Part, asked: Summed) -> bool:
    group = part.group
    is_rankable = len(group.labels) * group.cluster_count <= MOST_CELLS and group.labels.min() < group.labels.max()
    return group.cluster_count >= FEWEST_CLUSTERS and (asked.formula != AREA or is_rankable)


def _candidate(part: Part, asked: Summed, cells: Cells) -> Candidate:
    labels, found = part.group.labels, []
    for scores in part.group.scores.values():
        own, count = cells.of(asked, Sample(labels, scores))
        found.append(merging.Cells(part.clusters, own, count, part.people))
    return Candidate(asked.name, part.slice_value, tuple(found), len(labels))


def _within(figures: Sequence[BlockFigure], most: int) -> list[BlockFigure]:
    """As many of the first ``figures`` as take at most ``most`` bytes."""
    sizes = [sum(len(packed.data) for held in _held(figure) for packed in held) for figure in figures]
    return list(figures[: int(np.searchsorted(np.cumsum(sizes), most, "right"))])


def _held(figure: BlockFigure) -> Iterable[tuple[PackedNumbers, ...]]:
    return (*figure.sums.values(), *figure.pairs.values(), *figure.wins.values())
