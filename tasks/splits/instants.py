"""Instants as integers, so that boundaries are compared exactly and no time zone database is asked.

What belongs here: days, Arrow times and RFC 3339 text to and from microseconds since 1970-01-01T00:00:00Z. What does not:
what a boundary means.
"""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import SplitError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def day_start(day: date, plus_days: int = 0) -> int:
    """The instant at which the UTC day ``day`` begins, ``plus_days`` later."""
    return (datetime(day.year, day.month, day.day, tzinfo=timezone.utc) + timedelta(days=plus_days) - _EPOCH) // _MICROSECOND


def to_text(instant: int) -> str:
    """``2013-10-31T00:00:00Z``; microseconds only where there are any."""
    return (_EPOCH + instant * _MICROSECOND).isoformat().replace("+00:00", "Z")


def to_instants(times: pa.Array | pa.ChunkedArray, *, where: str) -> tuple[np.ndarray, np.ndarray]:
    """The instants (int64) of ``times``, and where they are known (bool); what stands under a NULL is arbitrary.

    Timestamps of any unit (finer fractions are cut off towards the past) and dates, which are their first instant; without
    a zone they are taken as UTC. Raises :class:`~tasks.errors.SplitError` on any other type; ``where`` names the column.
    """
    kind = times.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise SplitError(
            where,
            found=f"a column of type {kind}",
            expected="timestamps or dates",
            next_step="name a time column in params.yaml, or cast it in the lake",
        )
    array = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
    if isinstance(array, pa.ChunkedArray):  # combine_chunks keeps an empty column chunked
        array = pa.concat_arrays(array.chunks) if array.chunks else array.type.wrap_array(pa.nulls(0, array.type))
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        instants = read_buffer(array, "<i8") // 1000
    else:
        instants = read_buffer(array.cast(pa.timestamp("us", getattr(kind, "tz", None))), "<i8")
    return instants, is_known(array)


def is_known(array: pa.Array) -> np.ndarray:
    """True where ``array`` is not NULL."""
    return read_buffer(pc.is_valid(array).cast(pa.uint8()), "u1").astype(bool)


def read_buffer(array: pa.Array, dtype: str) -> np.ndarray:
    """The values of a fixed-width array, read-only; ``to_numpy`` would import pandas, a quarter of a CPU second a stage."""
    width = np.dtype(dtype).itemsize
    if not len(array):
        return np.zeros(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * width)
