"""Predictions as a cheat sees them: labels, and each role's scores of each draw, whatever the task.

What belongs here: reading and replacing scores, and making a model worse. What does not: any one cheat (``cheats``), and whether
it is noticed (the composition root asks the gate).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.params.models import Task
from tasks.params.splits import draw_name

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """Rows as a verdict's predictions hold them, and which of their columns are whose scores."""

    rows: pa.Table
    task: Task
    classes: tuple[str, ...]
    challenger: tuple[tuple[str, ...], ...]
    """The columns of the challenger's scores, by draw of folds."""
    champion: tuple[tuple[str, ...], ...]
    """The same of the champion; empty where there is none."""

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.rows.num_rows)

    @property
    def labels(self) -> Floats:
        """0 or 1, the place in ``classes``, or the number."""
        column = self.rows.column("label")
        if self.task == "multiclass":
            column = pc.index_in(column, value_set=pa.array(self.classes, pa.string()))
        found: Floats = column.cast(pa.float64()).to_numpy()
        return found

    def losses(self, columns: Sequence[Sequence[str]]) -> Floats:
        """Per row how wrong the scores in ``columns`` are, from 0: the distance to the label, or what its class lacks of 1."""
        labels = self.labels
        found = []
        for names in columns:
            scores = self.scores(names)
            if self.task == "multiclass":
                found.append(1 - scores[np.arange(self.count), labels.astype(np.intp)])
            else:
                found.append(np.abs(scores[:, 0] - labels))
        mean: Floats = np.mean(found, axis=0)
        return mean

    def scores(self, names: Sequence[str]) -> Floats:
        """Rows x the columns ``names``."""
        found: Floats = np.column_stack([self.rows.column(name).cast(pa.float64()).to_numpy() for name in names])
        return found

    def rescored(self, columns: Sequence[Sequence[str]], change: Callable[[Floats], Floats]) -> "Sheet":
        """The same rows, with ``change`` made to the scores of each draw in ``columns``."""
        rows = self.rows
        for names in columns:
            for name, values in zip(names, change(self.scores(names)).T, strict=True):
                rows = rows.set_column(rows.column_names.index(name), name, pa.array(np.ascontiguousarray(values), pa.float64()))
        return replace(self, rows=rows)

    def kept(self, chosen: NDArray[np.intp]) -> "Sheet":
        """The rows at the places ``chosen``, in this order; a place that stands twice gives two rows."""
        return replace(self, rows=self.rows.take(pa.array(chosen)))


def open_sheet(rows: pa.Table, task: Task, classes: Sequence[str], columns: Callable[[str], Sequence[str]], draws: int) -> Sheet:
    """``rows`` of a verdict's predictions; ``columns`` gives the names of the score columns of a role (``r2_<role>`` of draw 2)."""

    def drawn(role: str) -> tuple[tuple[str, ...], ...]:
        names = [tuple(columns(draw_name(role, draw))) for draw in range(1, draws + 1)]
        return tuple(one for one in names if set(one) <= set(rows.column_names))

    return Sheet(rows, task, tuple(classes), challenger=drawn("challenger"), champion=drawn("champion"))


def worsen(sheet: Sheet, columns: Sequence[Sequence[str]], share: float, random: np.random.Generator) -> Sheet:
    """``sheet`` whose scores in ``columns`` are, on a ``share`` of the rows, those of other rows of that share.

    As of a model that knows nothing of these rows, and is as it was on the others; its scores keep their distribution.
    """
    chosen = random.permutation(sheet.count)[: max(2, round(share * sheet.count))]
    order = random.permutation(chosen)

    def shuffle(scores: Floats) -> Floats:
        found = scores.copy()
        found[chosen] = scores[order]
        return found

    return sheet.rescored(columns, shuffle)
