"""Which metrics are made of sums by block, of which sums, and by which formula; and of which no sums can be published.

What belongs here: these, and which rows are summed together. What does not: taking the sums (``block_sums``), and merging blocks
(``merging``). The formulas are known to the page by their names.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.evaluation.confusions import MOST_CLASSES, alike_pairs, one_of_each, pair_table, pairs_of
from tasks.evaluation.measures import Group
from tasks.evaluation.metrics import METRICS, metric_named
from tasks.evaluation.multiclass import ROC_AUC
from tasks.evaluation.sample import ECE_BINS, Floats, Ints, Sample, Statistics
from tasks.evaluation.thresholds import DECIDED, formula_at_threshold
from tasks.params.judging import COST, CostParams
from tasks.params.models import Task

AREA = "area"
_CONFUSION = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc")
FORMULAS: dict[Task, dict[str, str]] = {
    "binary": {
        "roc_auc": AREA,
        "log_loss": "mean",
        "brier": "mean",
        "ece": "mean_gap",
        **{name: name for name in _CONFUSION},
    },
    "regression": {"mae": "mean", "mape": "mean", "rmse": "root_mean", "bias": "absolute_mean", "r2": "r2"},
    "multiclass": {ROC_AUC: AREA, "log_loss": "mean", "brier": "mean", "ece": "mean_gap"},
}
"""How the sums of a metric make its value: formulas that the page knows too. Beside them those of decisions at a threshold
(:func:`~tasks.evaluation.thresholds.formula_at_threshold`) and of counted classes (``confusions``)."""
_COUNTED = (*_CONFUSION, "f_beta", COST)
_RANKED = (
    "average precision is a ratio at every score: it would take each block's counts at each of them, nearly all of single rows"
)
_SORTED = "a median is a place among all rows' errors, and no function of sums by block"
_MANY = f"more classes than a page holds counts of ({MOST_CLASSES})"
_OWN = "a metric of the project's own code is measured on rows, which are not in this page"


@dataclass(frozen=True)
class Summed:
    """A metric that is of sums, and how they make its value."""

    name: str
    formula: str
    numbers: tuple[float, ...] = ()
    statistics: Statistics | None = None
    """What is summed, row by row; None: of an area, or of counted classes."""
    threshold: float | None = None
    """From which a row is decided positive, where that is counted."""
    table: Floats | None = None
    """Pairs of class and prediction x columns, where these are counted."""

    def sum_by_cluster(self, group: Group, scores: Floats) -> Floats:
        """Clusters x columns: the sums of one model's ``scores`` of the rows of ``group``; of none that is an area."""
        sample = Sample(group.labels, scores)
        if self.table is None:
            return np.asarray(group.sum_by_cluster(self.statistics(sample))) if self.statistics is not None else np.zeros((0, 0))
        # Rows are counted by pair first: rows x columns would not fit into memory where there are many of both.
        return np.asarray(group.sum_by_cluster(one_of_each(pairs_of(sample), len(self.table))) @ self.table)


def summed(name: str, task: Task, classes: Sequence[str], costs: CostParams | None) -> Summed | None:
    """The metric called ``name``; None where it is of no sums by block."""
    if name in FORMULAS[task]:
        formula = FORMULAS[task][name]
        threshold = DECIDED if formula in _COUNTED else None
        return Summed(name, formula, statistics=metric_named(name, task, classes).statistics, threshold=threshold)
    if task == "multiclass":
        counted = pair_table(name, classes)
        return None if counted is None else Summed(name, counted[0], table=counted[1])
    found = formula_at_threshold(name, costs) if task == "binary" else None
    if found is None:
        return None
    formula, numbers, threshold = found
    return Summed(name, formula, numbers, metric_named(name, task, classes, costs).statistics, threshold)


def why_unsummed(name: str, task: Task, own: Mapping[str, object]) -> str:
    """Why the metric called ``name`` is of no sums by block; ``own`` has the names of the project's."""
    if name in own:
        return _OWN
    if task == "multiclass":
        return _MANY
    metric = METRICS[task].get(name)
    return _SORTED if metric is not None and metric.median_of is not None else _RANKED


class Cells:
    """What the rows behind one published sum have in common, for all metrics that are asked, in whichever column.

    Sums at two thresholds differ by the rows between them, and those of two classes by the rows that lie in one: such rows are to
    be of enough people as well, also where one is asked of all rows and the other of slices that are added up to them.
    """

    def __init__(self, asked: Collection[Summed], classes: int) -> None:
        self._thresholds = sorted({one.threshold for one in asked if one.threshold is not None})
        tables = [one.table for one in asked if one.table is not None]
        if classes and any(one.formula == AREA for one in asked):
            tables.append(np.repeat(np.eye(classes), classes, axis=0))
        self._pairs = alike_pairs(tables, classes) if classes and tables else None

    def of(self, asked: Summed, sample: Sample) -> tuple[Ints, int]:
        """The cell of each row of ``sample`` in the sums of ``asked``, and how many there are."""
        if asked.table is not None and self._pairs is not None:
            return self._pairs[0][pairs_of(sample)], self._pairs[1]
        if asked.formula == AREA:
            return sample.labels.astype(np.intp), 2 if sample.scores.ndim == 1 else sample.scores.shape[1]
        if asked.threshold is not None:
            decided = np.searchsorted(self._thresholds, sample.scores, "right")
            return (2 * decided + sample.labels).astype(np.intp), 2 * (len(self._thresholds) + 1)
        if asked.formula == "mean_gap":
            likelihood = sample.scores if sample.scores.ndim == 1 else sample.scores.max(axis=1)
            return np.minimum((likelihood * ECE_BINS).astype(np.intp), ECE_BINS - 1), ECE_BINS
        return np.zeros(len(sample.labels), np.intp), 1
