"""All judged rows, or those of one slice, as the bootstrap sees them, with whose they are.

What belongs here: parting rows by the values of a column. What does not: what is summed of a part (``block_sums``), and whether
that may be shown (``blocks``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.compare import MISSING, read_labels, read_scores, whole_group
from tasks.evaluation.measured import ROLES
from tasks.evaluation.measures import Group
from tasks.evaluation.sample import Ints
from tasks.evaluation.withholding import PERSON
from tasks.params.judging import EvaluationParams
from tasks.params.models import Task
from tasks.params.splits import draw_name
from tasks.records import Evaluation


@dataclass(frozen=True)
class Part:
    """All rows, or those of one slice, as the bootstrap sees them."""

    slice_value: str | None
    group: Group
    places: Ints
    """Of its rows among all judged ones."""
    clusters: Ints
    """Of all judged rows' clusters, where ``group`` numbers those that it has."""
    people: Ints | None
    is_withheld: bool


@dataclass(frozen=True)
class JudgedRows:
    """The rows that an evaluation compared, as :func:`~tasks.evaluation.compare.compare` takes them."""

    table: pa.Table
    params: EvaluationParams
    evaluation: Evaluation
    classes: Sequence[str]
    draws: int

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.evaluation.task

    def parts(self, column: str | None, clusters: Ints) -> list[Part]:
        """All rows, or the slices of ``column`` in the order of their values; ``clusters`` has the number of each row's."""
        people = None
        if PERSON in self.table.column_names:
            people = np.unique(self.table.column(PERSON).to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
        if column is None:
            return [Part(None, self._group(self.table), np.arange(len(clusters)), clusters, people, is_withheld=False)]
        comparisons = self.evaluation.comparisons
        withheld = {found.slice_value for found in comparisons if found.slice_column == column and found.is_withheld}
        filled = pc.fill_null(self.table.column(f"slice_{column}").cast(pa.string()), MISSING)
        values = filled.to_numpy(zero_copy_only=False).astype(str)
        parts = []
        for value in np.unique(values):
            chosen = np.flatnonzero(values == value)
            whose = None if people is None else people[chosen]
            group = self._group(self.table.take(chosen))
            parts.append(Part(str(value), group, chosen, clusters[chosen], whose, is_withheld=value in withheld))
        return parts

    def _group(self, rows: pa.Table) -> Group:
        names = [draw_name(role, draw) for role in ROLES for draw in range(1, self.draws + 1)]
        size = len(self.classes)
        scores = {name: found for name in names if (found := read_scores(rows, name, self.task, size)) is not None}
        return whole_group(rows, read_labels(rows, self.task, self.classes), scores, self.params)
