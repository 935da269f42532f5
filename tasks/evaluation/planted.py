"""Challengers that nobody should promote, planted among the predictions and measured as any other.

What belongs here: wrecking the challenger's scores, and what measuring the wrecks gives. What does not: whether a criterion notices
(``tasks.gates``). The champion, the rows, the metrics and the intervals are those of the judgement itself.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.bootstrap import FEWEST_CLUSTERS
from tasks.evaluation.compare import MISSING, compare, read_labels, score_columns
from tasks.evaluation.discovery import Limits, discover, find_cells
from tasks.evaluation.measured import Champions
from tasks.evaluation.sample import Floats, Ints, Metric
from tasks.evaluation.spread import tails_of
from tasks.params.judging import BY_ROW, EvaluationParams
from tasks.params.models import Task
from tasks.params.splits import draw_name
from tasks.records import Evaluation

WRECKS = ("labels shuffled", "constant scores", "swapped columns")
"""Challengers that are no good: each knows nothing of the label, or the opposite of what it knows."""
BAD_SLICE = "a slice made worse"
"""The largest slice of a search, on which the challenger is as wrong as it can be."""
CHAMPION_AGAIN = "champion as challenger"
MOST_REPLICATES = 400
"""As many as tell a wreck, also at 99 % and for gaps, whose error is halved: with fewer there is no interval so far out, and what
is not judged shows nothing of a criterion. The judgement itself is made of ``evaluation.interval.replicates``."""


def plant_failures(
    predictions: pa.Table,
    evaluation: Evaluation,
    params: EvaluationParams,
    *,
    classes: tuple[str, ...],
    draws: int,
    seed: int,
    own: Mapping[str, Metric] | None = None,
    apart: Sequence[str] = (),
) -> dict[str, Evaluation]:
    """``evaluation`` as it would be for each planted challenger, by name; ``predictions`` as :func:`compare` takes them.

    ``labels shuffled``: the scores of other rows, as of a model that was fitted on shuffled labels; ``constant scores``: their
    mean; ``swapped columns``: each class's score is another's (a regression's are mirrored); ``champion as challenger``, where
    there is one; ``a slice made worse`` where slices are searched, and of each column of ``apart``. Figures of slices are of any
    number of people, and must be neither written nor told.
    """
    task = evaluation.task
    replicates = min(params.interval.replicates, MOST_REPLICATES)
    quick = params.model_copy(update={"interval": params.interval.model_copy(update={"replicates": replicates})})
    wide = quick.model_copy(update={"slices": tuple(sorted({*quick.slices, *apart}))})
    random = np.random.default_rng(seed)
    order = random.permutation(predictions.num_rows)
    wrecks: Mapping[str, Callable[[Floats], Floats]] = {
        "labels shuffled": lambda scores: scores[order],
        "constant scores": lambda scores: np.broadcast_to(scores.mean(axis=0), scores.shape),
        "swapped columns": lambda scores: _swapped(scores, task),
    }
    tables = {name: _replaced(predictions, wreck, task, len(classes), draws) for name, wreck in wrecks.items()}
    if evaluation.champion is not None:
        tables[CHAMPION_AGAIN] = _with_champion_again(predictions, task, len(classes), draws)
    searched = _with_bad_slice(predictions, params, task, classes, draws) if evaluation.discovery is not None else None
    found = {}
    if searched is not None:  # it is told to nobody, so that no slice is withheld
        again = discover(searched, quick, seed, (task, classes), Limits((), 1), draws=draws, own=own)
        found[BAD_SLICE] = evaluation.model_copy(update={"discovery": again})
    tables |= {f"{BAD_SLICE}: {column}": _with_bad_value(predictions, column, task, classes, draws) for column in apart}
    champions: Champions = {}
    sliced = {name: wide if name.startswith(BAD_SLICE) else quick for name in tables}
    return found | {
        name: evaluation.model_copy(
            update={
                "comparisons": compare(table, sliced[name], seed, task, classes, draws=draws, own=own, champions=champions),
                "replicates": replicates,
                "tails": tails_of(replicates),
            }
        )
        for name, table in tables.items()
    }


def _with_bad_slice(rows: pa.Table, params: EvaluationParams, task: Task, classes: tuple[str, ...], draws: int) -> pa.Table | None:
    """``rows`` with the worst scores on the largest slice of the search that can be measured; None where there is none."""
    if params.discover is None:
        return None
    labels = read_labels(rows, task, classes)
    clusters = None if params.interval.cluster == BY_ROW else rows.column("cluster").combine_chunks().dictionary_encode().indices
    cells = [
        cell
        for cell in find_cells(rows, params.discover)[0]
        if len(np.unique(labels[cell.rows])) > 1
        and (clusters is None or len(np.unique(clusters.to_numpy()[cell.rows])) >= FEWEST_CLUSTERS)
    ]
    if not cells:
        return None
    chosen = max(cells, key=lambda cell: (cell.columns, len(cell.rows))).rows
    return _with_worst(rows, chosen, (labels, task), classes, draws)


def _with_bad_value(rows: pa.Table, column: str, task: Task, classes: tuple[str, ...], draws: int) -> pa.Table:
    """``rows`` with the worst scores on the largest slice of ``column``."""
    values = pc.fill_null(rows.column(f"slice_{column}").cast(pa.string()), MISSING).combine_chunks().dictionary_encode()
    codes = values.indices.to_numpy()
    chosen = np.flatnonzero(codes == np.bincount(codes).argmax())
    return _with_worst(rows, chosen, (read_labels(rows, task, classes), task), classes, draws)


def _with_worst(rows: pa.Table, chosen: Ints, labelled: tuple[Floats, Task], classes: tuple[str, ...], draws: int) -> pa.Table:
    labels, task = labelled
    worst = _worst(labels, task, len(classes))

    def worsened(scores: Floats) -> Floats:
        wrecked = scores.copy()
        wrecked[chosen] = worst[chosen].reshape(len(chosen), -1)
        return wrecked

    return _replaced(rows, worsened, task, len(classes), draws)


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
    return 1 - scores if task == "binary" else scores.min() + scores.max() - scores


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
