"""Challengers that nobody should promote, planted among the predictions and measured as any other.

What belongs here: wrecking the challenger's scores, and what measuring the wrecks gives. What does not: whether a criterion notices
(``tasks.gates``). The champion, the rows, the metrics and the intervals are those of the judgement itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from tasks.evaluation.bootstrap import FEWEST_CLUSTERS
from tasks.evaluation.compare import compare, read_labels, score_columns
from tasks.evaluation.discovery import Limits, discover, find_cells
from tasks.evaluation.measured import Champions
from tasks.evaluation.sample import Floats, Ints, Metric
from tasks.evaluation.spread import tails_of
from tasks.params.judging import BY_ROW, EvaluationParams
from tasks.params.models import Task
from tasks.params.splits import draw_name
from tasks.records import BAD_SLICE, CHAMPION_AGAIN, CONSTANT, SHUFFLED, SWAPPED, Comparison, Evaluation, bad_slice_of


def plant_failures(
    predictions: pa.Table,
    evaluation: Evaluation,
    params: EvaluationParams,
    *,
    classes: tuple[str, ...],
    draws: int,
    seed: int,
    replicates: int,
    gaps: Mapping[str, Sequence[str]],
    own: Mapping[str, Metric] | None = None,
) -> dict[str, Evaluation]:
    """``evaluation`` as it would be for each planted challenger, by name; ``predictions`` as :func:`compare` takes them.

    ``labels shuffled``: the scores of other rows, as of a model that was fitted on shuffled labels; ``constant scores``: their
    mean; ``swapped columns``: each class's score is another's (a regression's are mirrored); ``champion as challenger``, where
    there is one; ``a slice made worse`` where slices are searched, and one of each column of ``gaps`` (column -> metrics that are
    measured on it). Figures of slices are of any number of people, and must be neither written nor told.
    """
    task = evaluation.task
    quick = params.model_copy(update={"interval": params.interval.model_copy(update={"replicates": replicates})})
    random = np.random.default_rng(seed)
    order = random.permutation(predictions.num_rows)
    wrecks: Mapping[str, Callable[[Floats], Floats]] = {
        SHUFFLED: lambda scores: scores[order],
        CONSTANT: lambda scores: np.broadcast_to(scores.mean(axis=0), scores.shape),
        SWAPPED: lambda scores: _swapped(scores, task),
    }
    tables = {name: _replaced(predictions, wreck, task, len(classes), draws) for name, wreck in wrecks.items()}
    if evaluation.champion is not None:
        tables[CHAMPION_AGAIN] = _with_champion_again(predictions, task, len(classes), draws)
    labels, found = read_labels(predictions, task, classes), {}
    worst = _worst(labels, task, len(classes))
    cell = _found_slice(predictions, params, labels) if evaluation.discovery is not None else None
    if cell is not None:  # it is told to nobody, so that no slice is withheld
        searched = _replaced(predictions, _worsen(cell, worst), task, len(classes), draws)
        again = discover(searched, quick, seed, (task, classes), Limits((), 1), draws=draws, own=own)
        found[BAD_SLICE] = evaluation.model_copy(update={"discovery": again})
    champions: Champions = {}
    asked: dict[str, tuple[pa.Table, EvaluationParams, Champions]] = {name: (t, quick, champions) for name, t in tables.items()}
    for column, metrics in gaps.items():
        largest = _largest_slice(predictions, params, labels, column)
        if largest is not None:
            of_column = quick.model_copy(update={"metrics": tuple(metrics), "slices": (column,), "discover": None})
            worse = _replaced(predictions, _worsen(largest, worst), task, len(classes), draws)
            asked[bad_slice_of(column)] = (worse, of_column, {})
    return found | {
        name: evaluation.model_copy(
            update={
                "comparisons": _over_no_noise(compare(table, wanted, seed, task, classes, draws=draws, own=own, champions=known)),
                "replicates": replicates,
                "tails": tails_of(replicates),
            }
        )
        for name, (table, wanted, known) in asked.items()
    }


def _over_no_noise(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """``comparisons`` over a noise floor of 0: a higher or unknown one would stop a claim that cannot fail by itself."""
    return tuple(found.model_copy(update={"noise_floor": 0.0}) for found in comparisons)


def _found_slice(rows: pa.Table, params: EvaluationParams, labels: Floats) -> Ints | None:
    """The rows of the largest slice of the search that can be measured, of two columns before one; None where there is none."""
    if params.discover is None:
        return None
    measurable = _measurable(rows, params, labels)
    cells = [cell for cell in find_cells(rows, params.discover)[0] if measurable(cell.rows)]
    return max(cells, key=lambda cell: (cell.columns, len(cell.rows))).rows if cells else None


def _largest_slice(rows: pa.Table, params: EvaluationParams, labels: Floats, column: str) -> Ints | None:
    """The rows of the largest slice of ``column`` that can be measured; None where there is none."""
    measurable = _measurable(rows, params, labels)
    codes = rows.column(f"slice_{column}").combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
    slices = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    return max((found for found in slices if measurable(found)), key=len, default=None)


def _measurable(rows: pa.Table, params: EvaluationParams, labels: Floats) -> Callable[[Ints], bool]:
    """Whether some rows have labels that differ, and clusters enough for an interval."""
    clusters = None if params.interval.cluster == BY_ROW else rows.column("cluster").combine_chunks().dictionary_encode().indices

    def holds(chosen: Ints) -> bool:
        if len(np.unique(labels[chosen])) < 2:
            return False
        return clusters is None or len(np.unique(clusters.to_numpy()[chosen])) >= FEWEST_CLUSTERS

    return holds


def _worsen(chosen: Ints, worst: Floats) -> Callable[[Floats], Floats]:
    """Scores with those of ``chosen`` rows replaced by the ``worst``."""

    def worsened(scores: Floats) -> Floats:
        wrecked = scores.copy()
        wrecked[chosen] = worst[chosen].reshape(len(chosen), -1)
        return wrecked

    return worsened


def _worst(labels: Floats, task: Task, class_count: int) -> Floats:
    """Of each row the score that is furthest from its label, and a sound one."""
    if task != "multiclass":
        wrong: Floats = np.where(labels == 1, 0.01, 0.99) if task == "binary" else labels + 10 * (labels.std() + 1)
        return wrong
    scores: Floats = np.full((len(labels), class_count), 0.02 / max(1, class_count - 1))
    scores[np.arange(len(labels)), (labels.astype(np.intp) + 1) % class_count] = 0.98
    return scores


def _swapped(scores: Floats, task: Task) -> Floats:
    if task == "multiclass":
        return np.roll(scores, 1, axis=1)
    # Mirrored at an end: about the middle, the mean of a regression's predictions could stay where it was.
    return 1 - scores if task == "binary" else 2 * scores.max() - scores


def _replaced(rows: pa.Table, wreck: Callable[[Floats], Floats], task: Task, class_count: int, draws: int) -> pa.Table:
    """``rows`` with the challenger's scores of each draw wrecked."""
    for draw in range(1, draws + 1):
        names = score_columns(draw_name("challenger", draw), task, class_count)
        found = wreck(np.column_stack([rows.column(name).to_numpy() for name in names]))
        for name, values in zip(names, found.T, strict=True):
            rows = rows.set_column(rows.column_names.index(name), name, pa.array(np.ascontiguousarray(values), pa.float64()))
    return rows


def _with_champion_again(rows: pa.Table, task: Task, class_count: int, draws: int) -> pa.Table:
    for draw in range(1, draws + 1):
        own = score_columns(draw_name("challenger", draw), task, class_count)
        drawn = score_columns(draw_name("champion", draw), task, class_count)
        # Scores that production logged are of no draw, and stand beside each.
        theirs = drawn if drawn[0] in rows.column_names else score_columns("champion", task, class_count)
        for name, source in zip(own, theirs, strict=True):
            rows = rows.set_column(rows.column_names.index(name), name, rows.column(source))
    return rows
