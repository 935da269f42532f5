"""Challengers that nobody should promote, planted among the predictions and measured as any other.

What belongs here: wrecking the challenger's scores, and what measuring the wrecks gives. What does not: whether a criterion notices
(``tasks.gates``). The champion, the rows, the metrics and the intervals are those of the judgement itself.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from tasks.evaluation.compare import compare, score_columns
from tasks.evaluation.sample import Floats, Metric
from tasks.evaluation.spread import tails_of
from tasks.params.judging import EvaluationParams
from tasks.params.models import Task
from tasks.params.splits import draw_name
from tasks.records import Evaluation

WRECKS = ("labels shuffled", "constant scores", "swapped columns")
"""Challengers that are no good: each knows nothing of the label, or the opposite of what it knows."""
CHAMPION_AGAIN = "champion as challenger"
MOST_REPLICATES = 100
"""As many as tell a wreck; the judgement itself is made of ``evaluation.interval.replicates``."""


def plant_failures(
    predictions: pa.Table,
    evaluation: Evaluation,
    params: EvaluationParams,
    *,
    classes: tuple[str, ...],
    draws: int,
    seed: int,
    own: Mapping[str, Metric] | None = None,
) -> dict[str, Evaluation]:
    """``evaluation`` as it would be for each planted challenger, by name; ``predictions`` as :func:`compare` takes them.

    ``labels shuffled``: the scores of other rows, as of a model that was fitted on shuffled labels; ``constant scores``: their
    mean; ``swapped columns``: each class's score is another's (a regression's are mirrored); ``champion as challenger``, where
    there is one. Figures of slices are of any number of people, and must be neither written nor told.
    """
    task = evaluation.task
    replicates = min(params.interval.replicates, MOST_REPLICATES)
    quick = params.model_copy(update={"interval": params.interval.model_copy(update={"replicates": replicates})})
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
    return {
        name: evaluation.model_copy(
            update={
                "comparisons": compare(table, quick, seed, task, classes, draws=draws, own=own),
                "replicates": replicates,
                "tails": tails_of(replicates),
            }
        )
        for name, table in tables.items()
    }


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
