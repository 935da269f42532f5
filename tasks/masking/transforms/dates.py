"""Transforms of dates and timestamps: shifting them, and taking one part of them.

What belongs here: days and instants, always in UTC. What does not: by how many days an entity moves (``tokens``).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.tokens import is_instant, utc_instants, wrong_type
from tasks.masking.transforms.columns import CHOOSE, nulls, scalar
from tasks.params.masking_rules import DatePart

_DAY_MICROSECONDS = 86_400_000_000
_PARTS = {
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "week": pc.iso_week,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "hour": pc.hour,
    "minute": pc.minute,
}
_OF_TIMES = ("hour", "minute")
"""What a date does not have."""


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
            moves = pc.multiply(days.cast(pa.int64()), scalar(np.int64(_DAY_MICROSECONDS)))
            return pc.add_checked(column.cast(pa.int64()), moves).cast(kind)
    except pa.ArrowInvalid:
        raise MaskingError(
            f"masking {where}",
            found="a date at the very end of its type (a stand-in for infinity?)",
            expected="dates that can be moved by some days",
            next_step="make it NULL in the lake, or use `generalise` in place of `date_shift`",
        ) from None
    raise wrong_type(where, kind, "dates, or timestamps in microseconds, for date_shift", CHOOSE)


def date_part(column: pa.ChunkedArray, part: DatePart, *, where: str) -> pa.ChunkedArray:
    """``part`` (int32) of each date or timestamp, in UTC.

    year; quarter 1 to 4; month 1 to 12; week 1 to 53, as ISO 8601 counts them; day of the month 1 to 31; weekday 0 (Monday)
    to 6; hour 0 to 23; minute 0 to 59. Raises :class:`~tasks.errors.MaskingError` on any other type, and where a date is
    asked for its hour or minute.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return nulls(column, pa.int32())
    if part in _OF_TIMES and not is_instant(kind):
        raise wrong_type(where, kind, f"timestamps in microseconds for date_part {part}", CHOOSE)
    return _PARTS[part](_days_or_instants(column, where, "date_part")).cast(pa.int32())


def first_year(column: pa.ChunkedArray, years: int, *, where: str) -> pa.ChunkedArray:
    """The year (int32) of each date or timestamp in UTC, rounded down to a multiple of ``years``: 10 for decades."""
    if pa.types.is_null(column.type):
        return nulls(column, pa.int32())
    found = pc.year(_days_or_instants(column, where, "generalise to"))
    size = scalar(np.int64(years))
    return pc.multiply(pc.divide(found, size), size).cast(pa.int32())


def _days_or_instants(column: pa.ChunkedArray, where: str, transform: str) -> pa.ChunkedArray:
    if pa.types.is_date(column.type):
        return column
    if is_instant(column.type):
        return utc_instants(column)
    raise wrong_type(where, column.type, f"dates, or timestamps in microseconds, for {transform}", CHOOSE)
