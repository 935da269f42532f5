"""What all transforms share: reading a column's numbers, writing one, and the error for a type that does not fit.

What belongs here: steps between Arrow and numpy that keep NULL where it was. What does not: any transform.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.tokens import wrong_type

CHOOSE = "choose a transform that fits the column under masking.tables in params.yaml"


def nulls(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """As many NULLs of type ``kind`` as ``column`` has rows."""
    return pa.chunked_array([pa.nulls(len(column), kind)])


def scalar(number: np.number) -> pa.Scalar:
    """``pa.scalar`` would import pandas, a quarter of a CPU second in each stage."""
    return to_array(np.array([number]))[0]


def to_array(numbers: np.ndarray) -> pa.Array:
    """An array of numbers, with no NULL among them; ``pa.array`` would import pandas."""
    numbers = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def fill(column: pa.ChunkedArray, values: pa.Array) -> pa.ChunkedArray:
    """``values``, one for each row of ``column``, but NULL where that is NULL."""
    filled = pa.chunked_array([values])
    return pc.if_else(column.is_valid(), filled, pa.nulls(len(column), values.type)) if column.null_count else filled


def is_number(kind: pa.DataType) -> bool:
    """True for integers and floats of any width."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def read_numbers(column: pa.ChunkedArray, *, where: str, transform: str) -> np.ndarray:
    """The numbers of ``column``, int64 where they are integers and float64 otherwise; some number where it is NULL.

    Raises :class:`~tasks.errors.MaskingError` on any other type, and on an integer beyond 64 bits with a sign.
    """
    kind = column.type
    if not is_number(kind):
        raise wrong_type(where, kind, f"numbers for {transform}", CHOOSE)
    wanted = pa.int64() if pa.types.is_integer(kind) else pa.float64()
    try:
        # The safe cast's own message would show the value.
        numbers = column.cast(wanted).combine_chunks()
    except pa.ArrowInvalid:
        raise MaskingError(
            f"masking {where}",
            found="a whole number of 2^63 or more",
            expected=f"numbers of at most 63 bits for {transform}",
            next_step="cast the column to double in the lake, or drop it",
        ) from None
    if isinstance(numbers, pa.ChunkedArray):  # Arrow keeps the chunks of a column that has none
        numbers = pa.concat_arrays(numbers.chunks) if numbers.num_chunks else pa.array([], wanted)
    return np.frombuffer(_values(numbers), np.int64 if wanted == pa.int64() else np.float64, len(numbers), 8 * numbers.offset)


def _values(numbers: pa.Array) -> pa.Buffer | bytes:
    """The buffer of the numbers, whatever lies in it where they are NULL; none is there for an empty array."""
    return numbers.buffers()[1] or b""


def whole(number: float, *, where: str, setting: str) -> np.int64:
    """A setting for whole numbers; raises :class:`~tasks.errors.MaskingError` where it is not one itself."""
    if not float(number).is_integer() or abs(number) >= 2**63:
        raise MaskingError(
            f"masking {where}",
            found=f"whole numbers, and {setting}: {number:g}",
            expected=f"{setting} to be a whole number too",
            next_step=f"mend {setting} of {where} under masking.tables in params.yaml",
        )
    return np.int64(number)
