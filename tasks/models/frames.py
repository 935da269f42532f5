"""Rows of the features dataset as models take them.

What belongs here: choosing rows of a part, and the frame with one column per feature. What does not: fitting and scoring.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import filter_pieces
from tasks.errors import DatasetError, ModelError
from tasks.user_code import as_frame

if TYPE_CHECKING:
    import pandas as pd


Pieces = Callable[[Sequence[str]], Iterable[pa.Table]]
"""Columns -> these of all rows, in pieces."""


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


def select_parts(read: Pieces, assignments: Iterable[pa.Table], parts: Collection[str], columns: Sequence[str]) -> pa.Table:
    """``columns`` of the features' rows whose ``row_key`` is assigned to ``parts``, labelled or not, by ``at_utc``, ``row_key``.

    That order depends on no partitioning, and is what an estimator's own folds over time rely on. ``read`` gives columns of all
    rows in pieces, in one order each time, ``assignments`` row_key and part in pieces; little more is held than the rows that are
    chosen. Raises
    :class:`~tasks.errors.DatasetError` where the part is empty or holds rows that have no features.
    """
    named = pa.array(sorted(parts), pa.string())
    assigned = pa.concat_tables([piece.filter(pc.is_in(piece.column("part"), value_set=named)) for piece in assignments])
    keys = assigned.column("row_key").combine_chunks()
    rows = pa.concat_tables(read(("row_key", "at_utc")))
    is_chosen = pc.is_in(rows.column("row_key"), value_set=keys)
    rows = rows.filter(is_chosen)
    if rows.num_rows == 0 or rows.num_rows != len(keys):
        raise DatasetError(
            f"part {', '.join(parts)}",
            found=f"{len(keys):,} rows, of which {rows.num_rows:,} have features",
            expected="rows, all with features",
            next_step="dvc repro: the split and the features must be made from one snapshot",
        )
    order = pc.sort_indices(rows, sort_keys=[("at_utc", "ascending"), ("row_key", "ascending")])
    del rows, keys, assigned
    found = pa.concat_tables(list(filter_pieces(read(columns), is_chosen)), promote_options="default")
    held = dict(zip(found.column_names, found.columns, strict=True))
    del found
    return _take(held, order)


def _take(columns: dict[str, pa.ChunkedArray], order: pa.Array) -> pa.Table:
    """Column by column, each let go once its ordered form is there: the whole is held once, not twice."""
    for name in list(columns):
        columns[name] = columns[name].take(order)
    return pa.table(columns)
