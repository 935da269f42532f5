"""The metrics that a comparison may name, by task; and what makes labels and scores unusable for any of them.

What belongs here: finding a metric by its name, and refusing input. What does not: definitions (``binary``, ``multiclass``,
``regression``), and how many rows of which slice are measured (``compare``).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.errors import EvaluationError
from tasks.evaluation import binary, multiclass, regression
from tasks.evaluation.sample import Floats, Metric
from tasks.evaluation.thresholds import metric_at_threshold
from tasks.params.judging import CostParams, EvaluationParams
from tasks.params.models import Task

METRICS: Mapping[Task, Mapping[str, Metric]] = {
    "binary": binary.METRICS,
    "multiclass": multiclass.METRICS,
    "regression": regression.METRICS,
}
"""Task -> name -> metric; ``multiclass`` has three more for each class."""
_OFF_ONE = 1e-3
"""How far the probabilities of one row may sum from 1."""
_WANTED = {
    "binary": "the probability of the positive class for each row",
    "multiclass": "probabilities of the classes that sum to 1 for each row",
    "regression": "a finite number for each row",
}


def metric_named(name: str, task: Task = "binary", classes: Sequence[str] | None = None, costs: CostParams | None = None) -> Metric:
    """The metric called ``name``; raises :class:`~tasks.errors.EvaluationError` naming those there are.

    ``classes`` are those of a multiclass label, where they are known: a metric of another class is refused then. ``costs`` are
    what a metric of a cost counts.
    """
    if name in METRICS[task]:
        return METRICS[task][name]
    asked = multiclass.class_asked(name) if task == "multiclass" else None
    if asked is not None and (classes is None or asked in classes):
        return multiclass.metric_of_class(name, classes if classes is not None else (asked,))
    at_threshold = metric_at_threshold(name, costs) if task == "binary" else None
    if at_threshold is not None:
        return at_threshold
    more = {"multiclass": ", precision[class], recall[class], f1[class]", "binary": ", f2, recall@0.2, cost@0.2 and so on"}
    raise EvaluationError(
        f"metric {name!r}",
        found="no such metric" if asked is None else f"no class {asked!r} among the {len(classes or ())} classes of the label",
        expected=f"one of {', '.join(METRICS[task])}{more.get(task, '')}",
        next_step="mend evaluation.metrics in params.yaml",
    )


def metrics_asked(
    params: EvaluationParams,
    task: Task = "binary",
    classes: Sequence[str] | None = None,
    own: Mapping[str, Metric] | None = None,
) -> list[Metric]:
    """Each of ``params.metrics``; ``own`` are the user's (:func:`~tasks.evaluation.own_metrics.load_metrics`).

    Raises as :func:`metric_named` does, and where a metric of the user's has the name of another.
    """
    taken = set(params.functions) & METRICS[task].keys()
    if taken:
        name = min(taken)
        raise EvaluationError(
            f"evaluation.functions.{name}",
            found=f"the metric {name} is there already",
            expected="a name of its own",
            next_step="call it otherwise in params.yaml",
        )
    known = own or {}
    return [known[name] if name in known else metric_named(name, task, classes, params.costs) for name in params.metrics]


def check_labels(labels: Floats, task: Task = "binary") -> None:
    """Refuse labels on which nothing can be judged: none at all, or all alike.

    Raises :class:`~tasks.errors.EvaluationError`.
    """
    if len(labels) and labels.min() < labels.max():
        return
    told = f", {int(labels.sum()):,} of them positive" if task == "binary" else " and all of them alike" if len(labels) else ""
    raise EvaluationError(
        "rows to judge",
        found=f"{len(labels):,} rows with a label and both scores{told}",
        expected="numbers that differ" if task == "regression" else "rows of both classes" if task == "binary" else "two classes",
        next_step="look at label, the champion's scores and the evaluated part in params.yaml",
    )


def check_scores(scores: Floats, whose: str, task: Task = "binary") -> None:
    """Refuse ``scores`` that are none of ``task``: no probabilities, or no numbers; ``whose`` names them in the error.

    Raises :class:`~tasks.errors.EvaluationError` with counts where a score is NaN or infinite; for classes also where one is
    below 0 or above 1, or where those of a row do not sum to 1.
    """
    is_finite = np.isfinite(scores)
    broken = scores.size - int(np.count_nonzero(is_finite))
    counts = [f"{broken:,} that are NaN or infinite"] if broken else []
    if task != "regression":
        outside = int(np.count_nonzero((scores[is_finite] < 0) | (scores[is_finite] > 1)))
        counts += [f"{outside:,} outside 0 to 1"] if outside else []
    if task == "multiclass" and not counts:
        off = int(np.count_nonzero(np.abs(scores.sum(axis=1) - 1) > _OFF_ONE))
        counts += [f"{off:,} rows that do not sum to 1"] if off else []
    if counts:
        raise EvaluationError(
            f"scores of the {whose}",
            found=f"{' and '.join(counts)}, of {len(scores):,} rows",
            expected=_WANTED[task],
            next_step=f"mend what writes the scores of the {whose}; `dvc repro evaluate` then compares again",
        )
