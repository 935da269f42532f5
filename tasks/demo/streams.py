"""Random streams and time arithmetic of the demo: every synthetic value comes from the seed, a name and a number.

What belongs here: spawning generators, and turning dates and times into the integers that numpy works on. What does not:
deciding what is drawn.
"""

import hashlib
from datetime import date, datetime, timezone

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
TIMESTAMP = pa.timestamp("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def open_stream(seed: int, name: str, number: int = 0) -> np.random.Generator:
    """The generator of the stream ``name``, number ``number`` (a day, a batch), below the root ``seed``.

    Streams are independent of one another and of how many others are drawn: what is synthetic about one day is the same
    in a lake that was built at once and in one that grew.
    """
    name_entropy = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(name_entropy, number)))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH.date()).days


def midnight(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


def microseconds(time: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware time."""
    delta = time - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def as_integers(column: pa.ChunkedArray | pa.Array) -> Ints:
    """A timestamp column without NULLs as microseconds since 1970-01-01 UTC."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values: Ints = np.asarray(array.cast(TIMESTAMP).cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
    return values


def as_timestamps(values: Ints) -> pa.Array:
    """Microseconds since 1970-01-01 UTC as a timestamp column."""
    return pa.array(values, pa.int64()).cast(TIMESTAMP)
