"""Keyless and keyed transforms of one column, each from Arrow to Arrow.

What belongs here: what ``redact``, ``generalise`` and ``date_shift`` do to values. What does not: which column gets which
(``policy``), and tokens (``tokens``). NULL stays NULL throughout. ``where`` is table.column, for errors, which never show a
value.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.tokens import is_instant, plain_strings, utc_instants, wrong_type
from tasks.params.masking import GeneraliseRule

REDACTED = "[redacted]"

_DAY_MICROSECONDS = 86_400_000_000
_CHOOSE = "choose a transform that fits the column under masking.tables in params.yaml"


def redact(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text ``[redacted]`` (string) for each value, of whatever type."""
    length, count = len(REDACTED), len(column)
    offsets, text = np.arange(count + 1, dtype=np.int32) * np.int32(length), REDACTED.encode() * count
    redacted = pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text)])
    return pc.if_else(column.is_valid(), redacted, pa.nulls(count, pa.string()))


def generalise(column: pa.ChunkedArray, rule: GeneraliseRule, *, where: str) -> pa.ChunkedArray:
    """Less of each value, as ``rule`` says.

    ``keep_prefix``: the first characters of a text in normal form C (string); a text no longer than that stays whole.
    ``to``: the year, or the first year of the decade, of a date or timestamp in UTC (int32). ``width``: the lower bound of
    a number's band (float64), bands counted from zero. Raises :class:`~tasks.errors.MaskingError` on any other type.
    """
    if rule.keep_prefix is not None:
        return _prefix(column, rule.keep_prefix, where)
    if rule.width is not None:
        return _band(column, rule.width, where)
    years = _year(column, where)
    ten = _scalar(np.int64(10))
    return (pc.multiply(pc.divide(years, ten), ten) if rule.to == "decade" else years).cast(pa.int32())


def shift_days(column: pa.ChunkedArray, days: pa.ChunkedArray, *, where: str) -> pa.ChunkedArray:
    """Dates or timestamps, of the same type, moved by whole ``days`` (int32); NULL where either is NULL.

    Raises :class:`~tasks.errors.MaskingError` on any other type, and on a date that cannot be moved within its type.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return column
    try:
        if pa.types.is_date(kind):
            return pc.add_checked(column.cast(pa.date32()).cast(pa.int32()), days).cast(pa.date32())
        if is_instant(kind):
            moves = pc.multiply(days.cast(pa.int64()), _scalar(np.int64(_DAY_MICROSECONDS)))
            return pc.add_checked(column.cast(pa.int64()), moves).cast(kind)
    except pa.ArrowInvalid:
        raise MaskingError(
            f"masking {where}",
            found="a date at the very end of its type (a stand-in for infinity?)",
            expected="dates that can be moved by some days",
            next_step="make it NULL in the lake, or use `generalise` in place of `date_shift`",
        ) from None
    raise wrong_type(where, kind, "dates, or timestamps in microseconds, for date_shift", _CHOOSE)


def _prefix(column: pa.ChunkedArray, characters: int, where: str) -> pa.ChunkedArray:
    if pa.types.is_null(column.type):
        return _nulls(column, pa.string())
    texts = plain_strings(column)
    if not pa.types.is_string(texts.type):
        raise wrong_type(where, column.type, "text for generalise keep_prefix", _CHOOSE)
    return pc.utf8_slice_codeunits(pc.utf8_normalize(texts, form="NFC"), 0, characters)


def _band(column: pa.ChunkedArray, width: float, where: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_null(kind):
        return _nulls(column, pa.float64())
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise wrong_type(where, kind, "numbers for generalise width", _CHOOSE)
    step = _scalar(np.float64(width))
    # A checked cast would refuse integers beyond 2^53, and quote them; a band needs no more than a float's digits.
    return pc.multiply(pc.floor(pc.divide(column.cast(pa.float64(), safe=False), step)), step)


def _year(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_null(kind):
        return _nulls(column, pa.int64())
    if pa.types.is_date(kind):
        return pc.year(column)
    if is_instant(kind):
        return pc.year(utc_instants(column))
    raise wrong_type(where, kind, "dates, or timestamps in microseconds, for generalise to", _CHOOSE)


def _nulls(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(len(column), kind)])


def _scalar(number: np.number) -> pa.Scalar:
    """``pa.scalar`` would import pandas, a quarter of a CPU second in each stage."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(number.dtype), 1, [None, pa.py_buffer(number.tobytes())])[0]
