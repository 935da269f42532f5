"""The transform shuffle: the values of a partition in another order, so that each value is true of some row, but of another.

What belongs here: the keyed order, and groups within which values stay. What does not: which columns key a row
(``tasks.masking.table``). This is the one transform whose result depends on other rows: those of the same partition.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.errors import MaskingError
from tasks.masking.transforms.columns import to_array


def shuffle(
    column: pa.ChunkedArray,
    sources: pa.ChunkedArray,
    targets: pa.ChunkedArray,
    within: Sequence[pa.ChunkedArray] = (),
    *,
    where: str,
) -> pa.ChunkedArray:
    """The values of ``column``, of the same type, in an order that two keyed numbers of each row (uint64) decide.

    The value of the row that comes n-th by ``sources`` goes to the row that comes n-th by ``targets``, among the rows with equal
    values in all columns of ``within``; so the rows' own order says nothing and decides nothing. NULL stays where it is. A row
    whose number is NULL, or that is alone in its group, becomes NULL: its value would stay with it. Raises
    :class:`~tasks.errors.MaskingError` where two rows have one number.
    """
    if pa.types.is_null(column.type) or not len(column):
        return column
    taking = np.flatnonzero(_is_true(column.is_valid()) & _is_true(sources.is_valid()) & _is_true(targets.is_valid()))
    order = to_array(taking)
    first, second = (numbers.take(order).to_numpy() for numbers in (sources, targets))
    in_order = np.sort(first)  # numpy's unique hashes, and takes ten times as long
    if (in_order[1:] == in_order[:-1]).any():
        raise MaskingError(
            f"masking {where}: shuffle",
            found="rows that the columns of `per` do not tell apart",
            expected="columns that are different in each row, such as the table's key",
            next_step=f"name the table's key in per of {where} under masking.tables in params.yaml",
        )
    groups = group_codes([part.take(order) for part in within], len(taking))
    sizes = np.bincount(groups, minlength=1)
    places = np.full(len(column), -1, np.int64)
    places[taking[np.lexsort((second, groups))]] = taking[np.lexsort((first, groups))]
    places[taking[sizes[groups] == 1]] = -1
    return column.take(_with_nulls(places))


def group_codes(columns: Sequence[pa.ChunkedArray], rows: int) -> npt.NDArray[np.int64]:
    """A number for each of ``rows`` rows, equal where all of ``columns`` are equal, or NULL alike; 0 where there is no column."""
    codes = np.zeros(rows, np.int64)
    for column in columns:
        encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(encoded, pa.ChunkedArray):  # Arrow keeps the chunks of a column that has none
            encoded = pa.nulls(0, column.type)
        if pa.types.is_null(encoded.type):
            continue
        indices = encoded.dictionary_encode(null_encoding="encode").indices.to_numpy()
        # Numbered afresh after each column, so that no product of cardinalities has more than 64 bits.
        _, codes = np.unique(codes * (int(indices.max(initial=0)) + 1) + indices, return_inverse=True)
    return codes


def _is_true(flags: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    truth: npt.NDArray[np.bool_] = flags.cast(pa.int8()).to_numpy().astype(np.bool_)
    return truth


def _with_nulls(places: npt.NDArray[np.int64]) -> pa.Array:
    """Indices, NULL where they are below zero."""
    valid = np.packbits(places >= 0, bitorder="little")
    return pa.Array.from_buffers(pa.int64(), len(places), [pa.py_buffer(valid), pa.py_buffer(places)])
