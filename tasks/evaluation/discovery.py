"""Slices that nobody declared, searched for harm: the values of columns, and pairs of them.

What belongs here: which slices there are, how the challenger does on each against the champion, and the error at which each alone
would be called worse. What does not: how many of them may err together (Holm's correction, ``tasks.gates``), and which of them may
be told (``disclosing``). The test is Student's, of the difference over its standard error from the cluster bootstrap, with the
clusters less one as degrees of freedom: percentiles of some hundred replicates know nothing of the small errors that a search of
many slices asks for.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import EvaluationError
from tasks.evaluation.bootstrap import FEWEST_CLUSTERS, MOST_UNDEFINED_FRACTION
from tasks.evaluation.compare import MISSING, read_all_scores, read_labels, some_rows, whole_group
from tasks.evaluation.disclosing import Told
from tasks.evaluation.draws import ClusterDraws
from tasks.evaluation.measured import over_draws
from tasks.evaluation.measures import Group, measures_of
from tasks.evaluation.metrics import metrics_asked
from tasks.evaluation.sample import Floats, Ints, Metric
from tasks.evaluation.withholding import SEARCHED
from tasks.params.judging import LEAST_SEARCH_CONFIDENCE, DiscoverParams, EvaluationParams
from tasks.params.models import Task
from tasks.records import Discovery, SuspectSlice

SCREENED = (1 - LEAST_SEARCH_CONFIDENCE) / 2
"""One-sided error up to which a slice is kept for the correction: no corrected error is larger."""
_MOST_REPLICATES = 500
_MOST_SLICES = 2_000
_MOST_TOLD = 20
_BINS_DIGITS = 3


@dataclass(frozen=True)
class Cell:
    """One slice that is searched: its name, and the places of its rows."""

    name: str
    rows: Ints
    columns: int


@dataclass(frozen=True)
class Limits:
    """What is told beside the search (:func:`~tasks.evaluation.disclosing.published_values`), and of how many people at least."""

    published: tuple[Ints, ...]
    k: int


@dataclass(frozen=True)
class _Measured:
    cell: Cell
    clusters: int
    champion: float
    challenger: float
    p_value: float


def discover(
    rows: pa.Table,
    params: EvaluationParams,
    seed: int,
    labelled: tuple[Task, Sequence[str]],
    limits: Limits,
    *,
    draws: int = 1,
    own: Mapping[str, Metric] | None = None,
) -> Discovery | None:
    """The slices on which the challenger is worse than the champion by more than ``margin``, most certain first.

    ``rows`` as :func:`~tasks.evaluation.compare.compare` takes them, with ``discover_<column>`` of each searched column;
    ``labelled`` are the task and its classes. None where nothing is to be searched, or there is no champion. Raises
    :class:`~tasks.errors.EvaluationError` where there are too many slices.
    """
    asked, (task, classes) = params.discover, labelled
    if asked is None or ("champion_score" not in rows.column_names and "champion_score_0" not in rows.column_names):
        return None
    (metric,) = metrics_asked(params.model_copy(update={"metrics": (asked.metric,)}), task, classes, own)
    labels = read_labels(rows, task, classes)
    whole = whole_group(rows, labels, read_all_scores(rows, task, classes, draws), params)
    resampling = ClusterDraws(min(params.interval.replicates, _MOST_REPLICATES), seed)
    cells, small = find_cells(rows, asked)
    told = Told(rows, limits.published, limits.k)
    found = [_measure(cell, whole, metric, resampling, asked.margin) for cell in cells if told.is_enough(cell.rows)]
    measured = [one for one in found if isinstance(one, _Measured)]
    undefined = found.count("undefined")
    suspects = sorted((one for one in measured if one.p_value <= SCREENED), key=lambda one: (one.p_value, one.cell.name))
    return Discovery(
        metric=metric.name,
        direction=metric.direction,
        columns=asked.columns,
        margin=asked.margin,
        min_rows=asked.min_rows,
        searched=len(measured),
        too_small=len(small) + len(cells) - len(measured) - undefined,
        undefined=undefined,
        suspects=tuple(
            _told(one, is_named=place < _MOST_TOLD and told.may_tell(one.cell.rows)) for place, one in enumerate(suspects)
        ),
        replicates=resampling.replicates,
        rows_for_one=None if measured or undefined else _rows_for_one([*cells, *small], whole, asked, told),
    )


def _rows_for_one(cells: Sequence[Cell], whole: Group, asked: DiscoverParams, told: Told) -> int | None:
    """The judged rows in all at which the largest of ``cells``, none of which was measured, would have rows and clusters enough."""
    largest = max(cells, key=lambda cell: (len(cell.rows), cell.name), default=None)
    if largest is None or not told.may_tell(largest.rows):
        return None
    rows, clusters = len(largest.rows), some_rows(whole, None, None, largest.rows).cluster_count
    times = max(asked.min_rows / rows, FEWEST_CLUSTERS / clusters)
    return math.ceil(len(whole.labels) * times) if times > 1 else None


def find_cells(rows: pa.Table, asked: DiscoverParams) -> tuple[list[Cell], list[Cell]]:
    """The slices of ``asked.min_rows`` rows and more, and those that have fewer."""
    coded = {column: _codes(rows.column(SEARCHED + column), column, asked.bins) for column in asked.columns}
    cells: list[Cell] = []
    small: list[Cell] = []
    for columns in [*((one,) for one in asked.columns), *(combinations(asked.columns, 2) if asked.pairs else ())]:
        for name, chosen in _cells_of([coded[column] for column in columns]):
            (cells if len(chosen) >= asked.min_rows else small).append(Cell(name, chosen, len(columns)))
        if len(cells) > _MOST_SLICES:
            raise EvaluationError(
                "evaluation.discover",
                found=f"more than {_MOST_SLICES:,} slices of {asked.min_rows:,} rows or more",
                expected="as many as can be searched",
                next_step="name fewer columns, ask for more rows (min_rows), or search no pairs (pairs: false)",
            )
    return cells, small


def _codes(column: pa.ChunkedArray, name: str, bins: int) -> tuple[Ints, list[str]]:
    """The number of each row's value, and the values in words; numbers in ``bins`` of nearly equal size, at rounded edges."""
    if not pa.types.is_floating(column.type):
        encoded = pc.fill_null(column.cast(pa.string()), MISSING).combine_chunks().dictionary_encode()
        return encoded.indices.to_numpy(), [f"{name}={value}" for value in encoded.dictionary.to_pylist()]
    values: Floats = pc.fill_null(column, math.nan).to_numpy()
    known = values[np.isfinite(values)]
    edges = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]) if len(known) else np.empty(0)
    edges = np.unique([float(f"{edge:.{_BINS_DIGITS}g}") for edge in edges])
    place = np.where(np.isfinite(values), np.searchsorted(edges, values, "left"), len(edges) + 1)
    limits = ["", *(f"{edge:.{_BINS_DIGITS}g}" for edge in edges), ""]
    words = [
        f"{low}<{name}<={high}" if low and high else f"{name}<={high}" if high else f"{name}>{low}" if low else f"{name} known"
        for low, high in pairwise(limits)
    ]
    return place, [*words, f"{name}={MISSING}"]


def _cells_of(coded: list[tuple[Ints, list[str]]]) -> Iterator[tuple[str, Ints]]:
    """Each combination of values that some rows have, with the places of these."""
    place, names = coded[0]
    for more, others in coded[1:]:
        place = place * len(others) + more
        names = [f"{one} & {other}" for one in names for other in others]
    order = np.argsort(place, kind="stable")
    values, starts = np.unique(place[order], return_index=True)
    for value, chosen in zip(values, np.split(order, starts[1:]), strict=True):
        yield names[value], chosen


def _measure(
    cell: Cell, whole: Group, metric: Metric, resampling: ClusterDraws, margin: float
) -> _Measured | Literal["too_small", "undefined"]:
    """``too_small`` with too few clusters or no figure of the champion; ``undefined`` where only the challenger has none.

    The latter may be the harm that is searched for: a challenger that never says yes has no precision to be worse.
    """
    group = some_rows(whole, None, None, cell.rows)
    if group.cluster_count < FEWEST_CLUSTERS:
        return "too_small"
    measures = measures_of(group, [metric], resampling.replicates)
    keys = [(metric.name, role) for role in ("champion", "challenger")]
    points = over_draws(measures, np.ones((1, group.cluster_count)))
    champion, challenger = (float(points[key][0]) for key in keys)
    blocks = [over_draws(measures, weights) for weights in resampling.of(group.cluster_count)]
    theirs, own = (np.concatenate([block[key] for block in blocks]) for key in keys)
    is_held = np.isfinite(theirs)
    if not math.isfinite(champion) or 1 - is_held.mean() > MOST_UNDEFINED_FRACTION:
        return "too_small"
    is_defined = is_held & np.isfinite(own)
    if not math.isfinite(challenger) or 1 - is_defined.mean() > MOST_UNDEFINED_FRACTION:
        return "undefined"
    defined = own[is_defined] - theirs[is_defined]
    worse = (champion - challenger) if metric.direction == "higher_is_better" else (challenger - champion)
    p_value = _error(worse - margin, float(defined.std()), group.cluster_count)
    return _Measured(cell, group.cluster_count, champion, challenger, p_value)


def _error(distance: float, standard_error: float, clusters: int) -> float:
    """The one-sided error at which ``distance`` is above 0; the bootstrap's error is that of n clusters, not of n - 1."""
    from scipy.special import stdtr

    if standard_error <= 1e-12 * max(1.0, abs(distance)):
        return 0.0 if distance > 1e-12 else 1.0
    return float(stdtr(clusters - 1, -distance / (standard_error * math.sqrt(clusters / (clusters - 1)))))


def _told(one: _Measured, *, is_named: bool) -> SuspectSlice:
    """With its name and figures, or where these would tell of few people, with its error alone."""
    if not is_named:
        return SuspectSlice(p_value=one.p_value)
    return SuspectSlice(
        p_value=one.p_value,
        slice=one.cell.name,
        rows=len(one.cell.rows),
        clusters=one.clusters,
        champion=one.champion,
        challenger=one.challenger,
        delta=one.challenger - one.champion,
    )
