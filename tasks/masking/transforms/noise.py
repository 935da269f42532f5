"""The transform noise: numbers moved by keyed noise, which is the same for the same row, whenever it is masked.

What belongs here: from a row's keyed number to its noise, and from that to the value. What does not: which columns key a row
(``tasks.masking.table``).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.transforms.columns import fill, nulls, read_numbers, to_array, whole
from tasks.params.masking_rules import NoiseRule

_GRAIN = 2.0**20
"""Noise is a multiple of scale / 2^20: the last bits of a logarithm differ between processors, and results must not."""


def add_noise(column: pa.ChunkedArray, rule: NoiseRule, rows: pa.ChunkedArray, *, where: str) -> pa.ChunkedArray:
    """Each number plus noise drawn by its row's number in ``rows`` (uint64): int64 of integers, float64 of floats.

    ``normal`` noise has the standard deviation ``rule.scale``, ``laplace`` noise the mean absolute deviation; relative to the
    number itself where ``rule.relative``. Results beyond ``rule.low`` or ``rule.high`` become these. NULL where the value or the
    row's number is NULL; NaN and infinities stay. Raises :class:`~tasks.errors.MaskingError` on columns that hold no numbers, on
    whole numbers with a bound that is none, and where a result has more than 64 bits.
    """
    if pa.types.is_null(column.type):
        return nulls(column, pa.float64())
    numbers = read_numbers(column, where=where, transform="noise")
    drawn = _draw(read_row_numbers(rows), rule) * rule.scale
    is_float = numbers.dtype == np.float64
    if rule.relative:
        # An infinite number has no size to be relative to, and has no noise.
        drawn = drawn * np.where(np.isfinite(numbers), np.abs(numbers.astype(np.float64)), 0.0)
    moved = numbers + drawn if is_float else _add_whole(numbers, drawn, where)
    low, high = (
        bound if bound is None or is_float else whole(bound, where=where, setting=name)
        for name, bound in (("low", rule.low), ("high", rule.high))
    )
    bounded = moved if low is None and high is None else np.clip(moved, low, high)
    return pc.if_else(rows.is_valid(), fill(column, to_array(bounded)), pa.nulls(1, pa.from_numpy_dtype(bounded.dtype))[0])


def read_row_numbers(rows: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Rows' keyed numbers, 0 where they are NULL."""
    numbers: npt.NDArray[np.uint64] = pc.fill_null(rows, to_array(np.zeros(1, np.uint64))[0]).to_numpy()
    return numbers


def _draw(rows: npt.NDArray[np.uint64], rule: NoiseRule) -> npt.NDArray[np.float64]:
    """Noise of scale 1, by the inverse of its distribution function at each row's number: all equally likely."""
    # Imported here: a fifth of a CPU second that a policy without noise does not owe.
    from scipy import special

    # 53 bits, each number in the middle of its interval, so that neither 0 nor 1 is among them.
    uniform = ((rows >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    if rule.distribution == "normal":
        drawn = special.ndtri(uniform)
    else:
        centred = uniform - 0.5
        drawn = -np.sign(centred) * special.log1p(-2 * np.abs(centred))
    grains: npt.NDArray[np.float64] = np.rint(drawn * _GRAIN) / _GRAIN
    return grains


def _add_whole(numbers: npt.NDArray[np.int64], drawn: npt.NDArray[np.float64], where: str) -> npt.NDArray[np.int64]:
    rounded = np.rint(drawn)
    total: npt.NDArray[np.int64] = numbers
    if not (np.abs(rounded) >= 2.0**62).any():
        moves = rounded.astype(np.int64)
        total = numbers + moves
        if not ((total < numbers) != (moves < 0)).any():
            return total
    raise MaskingError(
        f"masking {where}",
        found="whole numbers that noise takes beyond 64 bits",
        expected="numbers and a scale that leave room for the noise",
        next_step="lower scale, or cast the column to double in the lake",
    )
