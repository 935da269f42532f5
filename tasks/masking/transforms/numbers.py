"""Transforms of numbers without a key: bands of one width, buckets, rounding, top and bottom coding.

What belongs here: numbers with less detail. What does not: noise, which is keyed (``noise``). Integers are reckoned as
integers; NaN, which says nothing, stays NaN, or becomes NULL where the result is no float.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.tokens import wrong_type
from tasks.masking.transforms.columns import CHOOSE, fill, is_number, nulls, read_numbers, scalar, to_array, whole
from tasks.params.masking_rules import BucketRule, ClipRule, RoundRule


def band(column: pa.ChunkedArray, width: float, *, where: str) -> pa.ChunkedArray:
    """The lower bound (float64) of each number's band of ``width``, bands counted from zero."""
    kind = column.type
    if pa.types.is_null(kind):
        return nulls(column, pa.float64())
    if not is_number(kind):
        raise wrong_type(where, kind, "numbers for generalise width", CHOOSE)
    step = scalar(np.float64(width))
    # A checked cast would refuse integers beyond 2^53, and quote them; a band needs no more than a float's digits.
    return pc.multiply(pc.floor(pc.divide(column.cast(pa.float64(), safe=False), step)), step)


def bucket(column: pa.ChunkedArray, rule: BucketRule, *, where: str) -> pa.ChunkedArray:
    """The number of edges that are not above each number (int32: 0 below the first edge), or that band's label (string).

    A band holds its lower edge and not its upper one. NaN lies in no band and becomes NULL. Numbers are compared as float64.
    Raises :class:`~tasks.errors.MaskingError` on columns that hold no numbers.
    """
    result = pa.int32() if rule.labels is None else pa.string()
    if pa.types.is_null(column.type):
        return nulls(column, result)
    numbers = read_numbers(column, where=where, transform="bucket").astype(np.float64)
    bands = to_array(np.searchsorted(np.array(rule.edges, np.float64), numbers, side="right").astype(np.int32))
    values = bands if rule.labels is None else pa.array(rule.labels, pa.string()).take(bands)
    missing = np.isnan(numbers)
    if missing.any():
        values = pc.if_else(to_array(missing.view(np.int8)).cast(pa.bool_()), pa.nulls(len(numbers), result), values)
    return fill(column, values)


def round_to(column: pa.ChunkedArray, rule: RoundRule, *, where: str) -> pa.ChunkedArray:
    """The nearest multiple of ``rule.step``, halves to the even one: int64 of integers, float64 of floats.

    Raises :class:`~tasks.errors.MaskingError` on columns that hold no numbers, on whole numbers with a step that is none,
    and where the multiple has more than 64 bits.
    """
    if pa.types.is_null(column.type):
        return nulls(column, pa.float64())
    numbers = read_numbers(column, where=where, transform="round")
    if numbers.dtype == np.float64:
        return fill(column, to_array(_nearest(numbers, rule.step)))
    step = whole(rule.step, where=where, setting="step")
    times = numbers // step
    rest = numbers - times * step
    # rest lies in [0, step): comparing with what is missing to the next multiple can't overflow, doubling it could.
    missing = step - rest
    times += (rest > missing) | ((rest == missing) & (times % 2 == 1))
    if len(times) and (times.max() > (2**63 - 1) // int(step) or times.min() < -(2**63 // int(step))):
        raise MaskingError(
            f"masking {where}",
            found="a whole number at the end of its type, of which the nearest multiple has more than 64 bits",
            expected="numbers that can be rounded",
            next_step="cast the column to double in the lake, or clip it",
        )
    return fill(column, to_array(times * step))


def clip(column: pa.ChunkedArray, rule: ClipRule, *, where: str) -> pa.ChunkedArray:
    """Numbers below ``rule.low`` become it, numbers above ``rule.high`` become that: int64 of integers, float64 of floats.

    Raises :class:`~tasks.errors.MaskingError` on columns that hold no numbers, and on whole numbers with a bound that is none.
    """
    if pa.types.is_null(column.type):
        return nulls(column, pa.float64())
    numbers = read_numbers(column, where=where, transform="clip")
    bounds: dict[str, np.number | None] = {"low": None, "high": None}
    for name, bound in (("low", rule.low), ("high", rule.high)):
        if bound is not None:
            bounds[name] = np.float64(bound) if numbers.dtype == np.float64 else whole(bound, where=where, setting=name)
    return fill(column, to_array(np.clip(numbers, bounds["low"], bounds["high"])))


def _nearest(numbers: np.ndarray, step: float) -> np.ndarray:
    """Multiples of ``step``; of a step such as 0.1 they are tenths as a reader writes them, not sums of its binary error."""
    parts = round(1 / step) if step < 1 else 0
    # A float of 2^52 steps or more has no digits below a step: it is a multiple, and would only overflow.
    has_rest = np.abs(numbers) < step * 2.0**52
    within = np.where(has_rest, numbers, 0.0)
    multiples = np.rint(within * parts) / parts if parts and abs(parts * step - 1) < 1e-12 else np.rint(within / step) * step
    # A zero with a sign would say on which side of zero the number was.
    return np.where(has_rest, multiples + 0.0, numbers)
