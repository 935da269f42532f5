"""Which sums by block may stand beside all else that is told of the same rows.

What belongs here: what is told of rows before a page is drawn (slices, then those that the search named), and the sets of rows
behind sums by block, held against it and one another. What does not: merging clusters so that no sum by itself is of fewer than k
people (``merging``), counts where each row is a cluster (``paired``), and the rule (``disclosing``).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from tasks.evaluation.disclosing import Told, published_values, values_of
from tasks.evaluation.discovery import find_cells
from tasks.evaluation.sample import Ints
from tasks.params.judging import DiscoverParams
from tasks.records import BlockFigure, Evaluation


def drop_giveaways(
    figures: Sequence[BlockFigure],
    rows: pa.Table,
    clusters: Ints,
    evaluation: Evaluation,
    *,
    discover: DiscoverParams | None,
    k: int,
) -> tuple[list[BlockFigure], list[BlockFigure]]:
    """``figures`` that may be published beside all that ``evaluation`` tells, and those that may not: of a column all or none.

    ``clusters`` numbers the cluster of each of ``rows``. Those of all rows come first, then column by column by name.
    """
    told = told_by(evaluation, rows, discover, k)
    kept: list[BlockFigure] = []
    left: list[BlockFigure] = []
    for column in sorted({_column(figure) for figure in figures}):
        own = [figure for figure in figures if _column(figure) == column]
        may_stand = told is not None and told.may_tell_all(_blocks_of(own, rows, clusters, column))
        (kept if may_stand else left).extend(own)
    return kept, left


def told_by(evaluation: Evaluation, rows: pa.Table, discover: DiscoverParams | None, k: int) -> Told | None:
    """What ``evaluation`` tells of ``rows``, slices that the search named too; None where these leave no room for anything more."""
    told = Told(rows, published_values(rows, evaluation.comparisons, has_folds=evaluation.folds_judged is not None), k)
    return told if all(told.may_tell(chosen) for chosen in _found_slices(rows, discover, evaluation)) else None


def _found_slices(rows: pa.Table, discover: DiscoverParams | None, evaluation: Evaluation) -> Iterator[Ints]:
    """The rows of each slice that the search named."""
    named = {suspect.slice for suspect in evaluation.discovery.suspects} - {None} if evaluation.discovery is not None else set()
    if named and discover is not None:
        yield from (cell.rows for cell in find_cells(rows, discover)[0] if cell.name in named)


def _column(figure: BlockFigure) -> str:
    """Empty for all rows."""
    return figure.slice.partition("=")[0] if figure.slice is not None else ""


def _blocks_of(figures: Sequence[BlockFigure], rows: pa.Table, clusters: Ints, column: str) -> Ints:
    """Of each row the number of the set that the finest sums of its slice put it in, from 1; 0 where there are none of it."""
    finest = {figure.slice: figure for figure in sorted(figures, key=lambda figure: len(figure.members))}
    values = values_of(rows, f"slice_{column}").to_numpy(zero_copy_only=False).astype(str) if column else None
    found: Ints = np.zeros(rows.num_rows, np.intp)
    for name, figure in finest.items():
        chosen = np.arange(rows.num_rows) if values is None else np.flatnonzero(values == str(name).partition("=")[2])
        own = np.searchsorted(np.unique(clusters[chosen]), clusters[chosen])
        found[chosen] = found.max(initial=0) + 1 + np.repeat(np.arange(len(figure.members)), figure.members)[own]
    return found
