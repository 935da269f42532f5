"""Row weights in training: read beside the features, and passed to estimators that take them.

What belongs here: whether weights are sound, and can be passed. What does not: weights in judging, which are declared for
themselves (``tasks.evaluation.rows``).
"""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.datasets import read_table, row_keys
from tasks.errors import ModelError
from tasks.params.models import SAMPLE_WEIGHT
from tasks.records import Manifest

_NEXT = "mend the column in the lake, or name another; without `weight` all rows count alike in training"


def add_weights(rows: pa.Table, column: str, folder: Path, masked: Manifest, *, table: str, key: tuple[str, ...]) -> pa.Table:
    """``rows`` (with row_key) and, as ``sample_weight``, the ``column`` of the masked ``table`` in ``folder``.

    Raises :class:`~tasks.errors.ModelError` where masking dropped the column, or it holds no numbers.
    """
    if table in masked.tables and column not in masked.tables[table].columns:
        raise ModelError(
            f"weights {column}",
            found=f"not among the masked columns of {table}",
            expected=f"one of {', '.join(sorted(masked.tables[table].columns))}",
            next_step=f"keep it under masking.tables.{table}.safe, or name another",
        )
    source = read_table(folder, masked, table, tuple(dict.fromkeys((*key, column))))
    kind = source.schema.field(column).type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise ModelError(f"weights {column}", found=f"values of type {kind}", expected="numbers", next_step=_NEXT)
    place = pc.index_in(rows.column("row_key"), value_set=row_keys(source, key))
    return rows.append_column(SAMPLE_WEIGHT, source.column(column).cast(pa.float64()).take(place.combine_chunks()))


def read_weights(rows: pa.Table, what: str) -> NDArray[np.float64]:
    """The weights of ``rows`` (:func:`add_weights`); an unsound one is a :class:`~tasks.errors.ModelError` that names ``what``."""
    weights: NDArray[np.float64] = pc.fill_null(rows.column(SAMPLE_WEIGHT), float("nan")).to_numpy()
    broken = int(np.count_nonzero(~(np.isfinite(weights) & (weights >= 0))))
    if broken or (len(weights) and not weights.any()):
        found = f"{broken:,} of {len(weights):,} training rows where it is NULL, NaN, infinite or below 0"
        raise ModelError(
            what,
            found=found if broken else "0 in each training row",
            expected="a number of 0 or more in each row, above 0 in some",
            next_step=_NEXT,
        )
    return weights


def pass_weights(estimator: Any, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The arguments of ``estimator.fit`` that pass ``weights`` to it, or to the last step of a pipeline.

    Raises :class:`~tasks.errors.ModelError` where it takes none: rows that were to count differently would count alike.
    """
    from sklearn.pipeline import Pipeline

    name, inner = SAMPLE_WEIGHT, estimator
    if isinstance(inner, Pipeline):
        step, inner = inner.steps[-1]
        name = f"{step}__{name}"
    taken = inspect.signature(inner.fit).parameters
    # Ensembles of models take it among any arguments, and fail where a member does not.
    if SAMPLE_WEIGHT not in taken and not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
        raise ModelError(
            f"fit of {type(inner).__name__}",
            found="no argument sample_weight",
            expected="an estimator that takes row weights, which `weight` of its recipe asks for",
            next_step="take another estimator, or remove `weight` from the recipe: rows then count alike in training",
        )
    return {name: weights}
