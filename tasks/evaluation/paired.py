"""What methods without resampling need of rows that are clusters of their own: counts of decisions, and variances of areas.

What belongs here: these, of all rows or of slices, where they are of enough people. What does not: sums by block (``blocks``):
where each row is a cluster, no sum of one is published, and none is needed for these.
"""

from collections.abc import Collection, Sequence

import numpy as np

from tasks.evaluation.beside import told_by
from tasks.evaluation.block_sums import sum_figure
from tasks.evaluation.formulas import AREA, Summed
from tasks.evaluation.measured import ROLES
from tasks.evaluation.merging import Candidate, Cells, merge, without_giveaways
from tasks.evaluation.parts import JudgedRows, Part
from tasks.evaluation.sample import Ints, Sample
from tasks.params.judging import IntervalMethod
from tasks.records import BlockFigure, PackedNumbers, Spread

METRIC_OF: dict[IntervalMethod, str] = {"mcnemar": "accuracy", "delong": "roc_auc"}
"""The one metric that each method without resampling is of."""


def pair_figures(judged: JudgedRows, asked: Collection[tuple[IntervalMethod, str | None]], k: int) -> list[BlockFigure]:
    """Of each (method, slice column or None) of ``asked`` that needs no resampling: all rows, or the slices of the column.

    Each count is of ``k`` people or of nobody, and so is what counts of slices of different columns, and slices that the search
    named, leave of one another.
    """
    rows = judged.table
    told = told_by(judged.evaluation, rows, judged.params.discover, k)
    if told is None:
        return []
    figures: list[BlockFigure] = []
    for method, column in sorted({one for one in asked if one[0] in METRIC_OF}, key=lambda one: (one[1] is not None, str(one))):
        kept = _kept(judged, method, column, k)
        if kept and told.may_tell_all(_numbered(kept, method, rows.num_rows)):
            figures += [figure for figure, _ in kept]
    return figures


def _kept(judged: JudgedRows, method: IntervalMethod, column: str | None, k: int) -> list[tuple[BlockFigure, Part]]:
    """The figures of one column's slices, or of all rows, that may be told by themselves, and whose they are."""
    parts = judged.parts(column, np.zeros(judged.table.num_rows, np.intp))
    spreads = {
        found.slice_value: found.spread
        for found in judged.evaluation.comparisons
        if found.metric == METRIC_OF[method] and found.slice_column == column and found.spread is not None
    }
    by_value = {part.slice_value: part for part in parts}
    candidates = {value: _candidate(part, method) for value, part in by_value.items()}
    known = [candidates[value] for value, part in by_value.items() if not part.is_withheld and _has(spreads.get(value), method)]
    _, chosen = merge(known, 1, k)
    own = [found for found, _ in chosen]
    values = {found.slice_value for found in own}
    rest = [candidate for value, candidate in candidates.items() if value not in values]
    kept = without_giveaways(own, rest, np.zeros(1, np.intp), k)
    names = {value: None if column is None else f"{column}={value}" for value in by_value}
    make = {"mcnemar": _decisions, "delong": _areas}[method]
    return [(make(by_value[c.slice_value], names[c.slice_value], spreads[c.slice_value]), by_value[c.slice_value]) for c in kept]


def _numbered(kept: Sequence[tuple[BlockFigure, Part]], method: IntervalMethod, rows: int) -> Ints:
    """Of each row the number of the count that it is in, from 1; 0 where it is in none."""
    found: Ints = np.zeros(rows, np.intp)
    for place, (_, part) in enumerate(kept):
        cells, count = _cells(part, method)
        found[part.places] = 1 + place * count + cells
    return found


def _has(spread: Spread | None, method: IntervalMethod) -> bool:
    return spread is not None and (spread.discordance if method == "mcnemar" else spread.areas) is not None


def _candidate(part: Part, method: IntervalMethod) -> Candidate:
    cells, count = _cells(part, method)
    return Candidate(METRIC_OF[method], part.slice_value, (Cells(part.clusters, cells, count, part.people),), len(cells))


def _cells(part: Part, method: IntervalMethod) -> tuple[Ints, int]:
    """What each row is counted under, and how many such there are."""
    return (_hits(part), 2 ** len(part.group.scores)) if method == "mcnemar" else (part.group.labels.astype(np.intp), 2)


def _hits(part: Part) -> Ints:
    """Of each row whether the champion decides it rightly (2), and the challenger (1)."""
    found = np.zeros(len(part.group.labels), np.intp)
    for role in ROLES:
        if role in part.group.scores:
            found = 2 * found + (Sample(part.group.labels, part.group.scores[role]).hits == part.group.labels)
    return found


def _decisions(part: Part, name: str | None, _: Spread) -> BlockFigure:
    """Rows that both decide rightly, only the champion, only the challenger, neither."""
    packed = PackedNumbers.pack(np.bincount(_hits(part), minlength=4)[::-1].astype(np.float64))
    return BlockFigure(
        metric=METRIC_OF["mcnemar"],
        slice=name,
        formula="decisions",
        numbers=(),
        rows=len(part.group.labels),
        clusters=part.group.cluster_count,
        members=(1,),
        columns=4,
        sums={"both": (packed,)},
    )


def _areas(part: Part, name: str | None, spread: Spread) -> BlockFigure:
    """Pairs won and rows of both classes, of which areas are made, and the variances, which need each row."""
    found = sum_figure(part, Summed(METRIC_OF["delong"], AREA), name, np.zeros(1, np.intp), has_wins=False)
    areas = spread.areas
    numbers = () if areas is None else tuple(v for v in (areas.challenger, areas.champion, areas.covariance) if v is not None)
    return found.model_copy(update={"formula": "area_variances", "numbers": numbers})
