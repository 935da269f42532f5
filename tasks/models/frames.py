"""Rows of the features dataset as models take them.

What belongs here: choosing rows of a part, and the frame with one column per feature. What does not: fitting and scoring.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import DatasetError, ModelError
from tasks.user_code import as_frame

if TYPE_CHECKING:
    import pandas as pd


def feature_frame(table: pa.Table, features: Iterable[str]) -> "pd.DataFrame":
    """The columns ``features`` of ``table`` in that order: float64 (NULL as NaN), and texts as objects (NULL as None).

    This is what every model sees, in training, in evaluation and in serving. Raises :class:`~tasks.errors.ModelError` where a
    feature is missing.
    """
    wanted = tuple(features)
    for name in wanted:
        if name not in table.column_names:
            raise ModelError(
                f"feature {name}",
                found=f"columns {', '.join(table.column_names)}",
                expected="every feature that params.yaml declares",
                next_step="dvc repro features",
            )
    return as_frame(table, wanted)


def select_parts(features: pa.Table, assignments: pa.Table, parts: Collection[str]) -> pa.Table:
    """The rows of ``features`` whose ``row_key`` is assigned to ``parts``, labelled or not, ordered by ``at_utc``, ``row_key``.

    That order depends on no partitioning, and is what an estimator's own folds over time rely on. Raises
    :class:`~tasks.errors.DatasetError` where the part is empty or holds rows that have no features.
    """
    is_chosen = pc.is_in(assignments.column("part"), value_set=pa.array(sorted(parts), pa.string()))
    keys = assignments.filter(is_chosen).column("row_key")
    rows = features.filter(pc.is_in(features.column("row_key"), value_set=keys.combine_chunks()))
    if rows.num_rows == 0 or rows.num_rows != len(keys):
        raise DatasetError(
            f"part {', '.join(parts)}",
            found=f"{len(keys):,} rows, of which {rows.num_rows:,} have features",
            expected="rows, all with features",
            next_step="dvc repro: the split and the features must be made from one snapshot",
        )
    return rows.take(pc.sort_indices(rows, sort_keys=[("at_utc", "ascending"), ("row_key", "ascending")]))
