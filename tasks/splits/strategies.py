"""The ways to part rows: by time with an embargo, and by a keyed hash of an entity.

What belongs here: pure functions from a column to the part of each row. What does not: which rows there are, and whether a
split may be made again under its name (``custody``). Rows are parted on raw values and raw times: a new masking key or a
shifted date moves no row.
"""

import hashlib
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import hash_text
from tasks.errors import SplitError
from tasks.params.splits import KeyedHashSplit, TimeSplit
from tasks.seeds import derive_seed
from tasks.splits.instants import day_start, is_known, read_buffer, to_instants

EMBARGO = "embargo"
"""The part of rows that belong to no part: too close behind a boundary."""
PARTS = ("train", "validation", "test")
"""The order of the parts in time, and of their intervals of hashes, whatever the order in ``params.yaml``."""
METHOD = "windtunnel/split/v1"
"""Part of every hash; another value here would move every entity of every split."""
_HASH_BITS = 64


def assign_by_time(times: pa.ChunkedArray | pa.Array, split: TimeSplit) -> pa.Array:
    """The part (string: train, validation, test or embargo) of each of ``times`` (timestamps or dates; no zone is UTC).

    A boundary is the first instant of its UTC day: what lies before it belongs to its part; the ``embargo_days`` from it on
    belong to none. Raises :class:`~tasks.errors.SplitError` where a time is NULL, or ``times`` holds no times.
    """
    instants, known = to_instants(times, where=f"split column {split.column}")
    if not known.all():
        raise SplitError(
            f"split column {split.column}",
            found=f"{len(known) - int(known.sum()):,} rows without a time",
            expected="a time in every row, or it could not be told which side of a boundary a row is on",
            next_step=f"mend {split.column} in the lake, or name another column in params.yaml",
        )
    edges: list[int] = []
    names: list[str] = []
    for part, day in sorted(split.boundaries.items(), key=lambda boundary: boundary[1]):
        edges += [day_start(day), day_start(day, split.embargo_days)]
        names += [part, EMBARGO]
    # An embargo that reaches beyond the next boundary leaves nothing of the part between.
    reached = np.searchsorted(np.maximum.accumulate(edges), instants, side="right")
    return _pick((*names, "test"), reached)


def assign_by_keyed_hash(units: pa.Array, fallback: pa.Array, split: KeyedHashSplit, name: str, seed: int) -> pa.Array:
    """The part (string) of each of ``units`` (text, integers or dates), under the key of the split ``name``.

    The first 64 bits of SHA-256(key || canonical unit), big-endian, lie in the interval of one part; the intervals follow
    each other in the order train, validation, test with the declared shares. In SQL: fixed-width lower-case hexadecimal
    hashes compared with hexadecimal thresholds. The key (32 bytes) is SHA-256 over name, derived seed and salt; it is no
    secret, it parts this split's draw from every other. Only distinct units are hashed, and nothing but the unit decides: new
    rows and new entities move none that was there. Equal units are those that masking gives one token: text in Unicode normal
    form C, integers in decimal.

    A NULL is no entity: each such row is drawn by itself, on its ``fallback`` (its own key; text, no NULLs).
    Raises :class:`~tasks.errors.SplitError` where ``units`` have a type without a canonical form.
    """
    where = f"split unit {split.unit}"
    thresholds = interval_ends(split)
    names = tuple(part for part in PARTS if part in split.parts)
    by_unit, by_row = (_keyed(split, name, seed, purpose) for purpose in ("unit", "row"))
    if not units.null_count:
        return _pick(names, _draw(units, by_unit, thresholds, where))
    known = is_known(units)
    codes = np.empty(len(units), np.int8)
    codes[~known] = _draw(fallback.filter(pc.is_null(units)), by_row, thresholds, "row key")
    if known.any():
        codes[known] = _draw(units.filter(pc.is_valid(units)), by_unit, thresholds, where)
    return _pick(names, codes)


def derived_seed(name: str, seed: int) -> int:
    """The seed of the split ``name`` under the root ``seed``."""
    return derive_seed(seed, f"splits/{name}")


def _keyed(split: KeyedHashSplit, name: str, seed: int, purpose: str) -> "hashlib._Hash":
    """SHA-256 that has taken in the split's key; entities and rows without one are apart by ``purpose``."""
    key = hash_text(METHOD, name, str(derived_seed(name, seed)), split.salt, purpose)
    return hashlib.sha256(bytes.fromhex(key))


def interval_ends(split: KeyedHashSplit) -> np.ndarray:
    """Where the interval of each part but the last ends (uint64, exclusive), in the order train, validation, test.

    Exact: shares are taken as the decimals that they are written as, so that 0.7 and 0.15 end at 0.85 on every engine.
    """
    shares = [Fraction(repr(split.parts[part])) for part in PARTS if part in split.parts]
    ends = [int(sum(shares[: place + 1], Fraction()) * 2**_HASH_BITS) for place in range(len(shares) - 1)]
    return np.array([min(end, 2**_HASH_BITS - 1) for end in ends], np.uint64)


def _draw(values: pa.Array, keyed: "hashlib._Hash", thresholds: np.ndarray, where: str) -> np.ndarray:
    """The number of thresholds that the hash of each value has reached."""
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    new = keyed.copy
    digests = []
    for value in _canonical(encoded.dictionary, where).to_pylist():
        digest = new()
        digest.update(value)
        digests.append(digest.digest()[: _HASH_BITS // 8])
    drawn = np.searchsorted(thresholds, np.frombuffer(b"".join(digests), ">u8").astype(np.uint64), side="right").astype(np.int8)
    return np.take(drawn, read_buffer(encoded.indices.cast(pa.int32()), "<i4"))


def _canonical(values: pa.Array, where: str) -> pa.Array:
    """The bytes (binary) that are hashed; at least as coarse as those of a token, or one token could lie in two parts."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.utf8_normalize(values.cast(pa.string()), form="NFC").cast(pa.binary())
    if pa.types.is_integer(kind):
        return values.cast(pa.string()).cast(pa.binary())
    if pa.types.is_date(kind):
        return values.cast(pa.date32()).cast(pa.string()).cast(pa.binary())
    raise SplitError(
        where,
        found=f"a column of type {kind}",
        expected="text, integers or dates: the text of a float is no fact, and two truth values make no entities",
        next_step="name another unit in params.yaml, or cast it in the lake",
    )


def _pick(names: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    """The name (string) at each code; built from buffers, as ``pa.array`` would import pandas."""
    texts = [name.encode() for name in names]
    ends = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    labels = pa.Array.from_buffers(pa.string(), len(names), [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(texts))])
    places = pa.Array.from_buffers(pa.int8(), len(codes), [None, pa.py_buffer(codes.astype(np.int8).tobytes())])
    return labels.take(places)
