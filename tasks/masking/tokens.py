"""Keyed tokens and keyed day offsets: the same value under the same key and domain always gives the same one.

What belongs here: the canonical form of a value, and what is derived from it. What does not: which column gets a token
(``policy``). Each distinct value is hashed once; the rows are then filled by index.
"""

import functools
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.keyed_hash import Bytes, KeyedHash

_TOKEN_CHARACTERS = 36
_TOKEN_BYTES = 16
"""128 bits: 10^9 distinct values collide with probability 2e-21; shorter tokens would be cheaper and join wrongly."""
_SAMPLED_ROWS = 10_000
_MOSTLY = 0.9
"""With 10,000 of a column's rows looked at, a tenth is seen twice where some 50,000 values are spread over the column."""
_DASH = ord("-")
_TWO_DIGITS = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)
_FOUR_DIGITS = _TWO_DIGITS.astype("<u2")[np.arange(2**16, dtype="<u2").view(np.uint8).reshape(-1, 2)].view("<u4").ravel()
"""The four hexadecimal digits of two bytes, by the number that the two bytes make in little-endian order."""


def tokenise(column: pa.ChunkedArray, keyed: KeyedHash, *, where: str) -> pa.ChunkedArray:
    """A token (string) for each value of ``column``; NULL stays NULL. ``where`` is table.column, for errors.

    A token is the first 16 bytes of HMAC-SHA256(domain key, canonical value), written as a lower-case UUID. Equal values are
    those with equal canonical forms (:func:`canonical_bytes`), whatever their column's type: the integer 7 and the text "7"
    join. Raises :class:`~tasks.errors.MaskingError` on types without a canonical form.
    """

    def tokens(distinct: pa.Array) -> pa.Array:
        return _uuids(keyed.each_digests(canonical_bytes(distinct, where=where)), len(distinct))

    return _map_distinct(column, tokens, pa.string())


def day_offsets(entities: pa.ChunkedArray, keyed: KeyedHash, max_days: int, *, where: str) -> pa.ChunkedArray:
    """A number of days (int32) in [-max_days, max_days] for each entity, all equally likely; NULL for a NULL entity.

    The first 8 bytes of HMAC-SHA256(key, canonical entity), big-endian, modulo 2 * max_days + 1 (bias below 1e-15).
    Raises :class:`~tasks.errors.MaskingError` on types without a canonical form.
    """

    def offsets(distinct: pa.Array) -> pa.Array:
        days = (_numbers(distinct, keyed, where) % np.uint64(2 * max_days + 1)).astype(np.int32) - np.int32(max_days)
        return _from_numbers(days)

    return _map_distinct(entities, offsets, pa.int32())


def keyed_numbers(columns: Mapping[str, pa.ChunkedArray], keyed: KeyedHash) -> pa.ChunkedArray:
    """A number (uint64) for each row, from the values of ``columns`` (table.column -> values) in it; NULL where one is NULL.

    Of one column, the first 8 bytes of HMAC-SHA256(key, canonical value), big-endian; of several, those of the HMAC of the
    columns' numbers, 8 bytes each. Raises :class:`~tasks.errors.MaskingError` on types without a canonical form.
    """
    single = [_column_numbers(column, keyed, where) for where, column in columns.items()]
    if len(single) == 1:
        return single[0]
    is_known = functools.reduce(pc.and_, [numbers.is_valid() for numbers in single])
    messages = np.stack([pc.fill_null(numbers, _from_numbers(np.zeros(1, np.uint64))[0]).to_numpy() for numbers in single], axis=1)
    ends = np.arange(len(messages) + 1, dtype=np.int32) * np.int32(8 * len(single))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(messages.astype(">u8").tobytes())]
    hashed = keyed.digests(pa.Array.from_buffers(pa.binary(), len(messages), buffers))
    return pc.if_else(is_known, pa.chunked_array([_from_numbers(_first_bytes(hashed))]), pa.nulls(len(messages), pa.uint64()))


def _column_numbers(column: pa.ChunkedArray, keyed: KeyedHash, where: str) -> pa.ChunkedArray:
    return _map_distinct(column, lambda distinct: _from_numbers(_numbers(distinct, keyed, where)), pa.uint64())


def canonical_bytes(values: pa.Array, *, where: str) -> pa.Array:
    """The bytes (binary) that are hashed for each value.

    Strings: UTF-8 in Unicode normal form C. Integers: decimal. Dates: ``2013-01-31``. Timestamps (microseconds): UTC,
    ``2013-01-31 23:59:59.000000``. Raises :class:`~tasks.errors.MaskingError` on floats (whose text is no fact), booleans
    (two values hide nothing), bytes and nested types.
    """
    kind = values.type
    if pa.types.is_string(kind):
        if _is_ascii(values):  # which is in normal form C as it is
            return values.cast(pa.binary())
        return pc.utf8_normalize(values, form="NFC").cast(pa.binary())
    if pa.types.is_integer(kind):
        return values.cast(pa.string()).cast(pa.binary())
    if pa.types.is_date(kind):
        return values.cast(pa.date32()).cast(pa.string()).cast(pa.binary())
    if is_instant(kind):
        return utc_instants(values).cast(pa.string()).cast(pa.binary())
    raise wrong_type(where, kind, "text, integers, dates or timestamps in microseconds", "drop the column, or cast it in the lake")


def is_instant(kind: pa.DataType) -> bool:
    """True for timestamps in microseconds, the only unit that datasets have."""
    return bool(pa.types.is_timestamp(kind)) and kind.unit == "us"


def utc_instants(values: pa.Array) -> pa.Array:
    """Timestamps in microseconds without their zone, as they stand in UTC; no time zone database is asked."""
    return values.cast(pa.int64()).cast(pa.timestamp("us"))


def plain_strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """``column`` without storage details: dictionaries decoded, large strings and string views as strings."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        kind = pa.string()
    return column if column.type == kind else column.cast(kind)


def wrong_type(where: str, kind: pa.DataType, expected: str, next_step: str) -> MaskingError:
    """The error for a column ``where`` (table.column) whose type its treatment cannot handle."""
    return MaskingError(f"masking {where}", found=f"type {kind}", expected=expected, next_step=next_step)


def _map_distinct(column: pa.ChunkedArray, function: Callable[[pa.Array], pa.Array], kind: pa.DataType) -> pa.ChunkedArray:
    """Apply ``function`` to the distinct values of ``column`` and fill its rows (type ``kind``); NULL stays NULL.

    Where most values are distinct, finding the distinct ones costs more than hashing some twice: then every value is taken.
    """
    if pa.types.is_null(column.type):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    plain = plain_strings(column)
    if not column.null_count and _is_mostly_distinct(plain):
        return pa.chunked_array([function(chunk) for chunk in plain.chunks], kind)
    # Arrow gives all chunks one dictionary, which holds no NULL.
    chunks = plain.dictionary_encode().chunks
    if not chunks:
        return pa.chunked_array([], kind)
    found = function(chunks[0].dictionary)
    return pa.chunked_array([found.take(chunk.indices) for chunk in chunks])


def _is_mostly_distinct(column: pa.ChunkedArray) -> bool:
    """True where a sample of evenly spread rows holds hardly a value twice; the way taken never shows in a result."""
    if len(column) < _SAMPLED_ROWS:
        return False
    rows = np.linspace(0, len(column) - 1, _SAMPLED_ROWS).astype(np.int64)
    sample = column.take(pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows)]))
    return len(sample.unique()) > _MOSTLY * len(rows)


def _is_ascii(values: pa.Array) -> bool:
    _, ends, data = values.buffers()
    if not len(values) or data is None:
        return True
    first, last = np.frombuffer(ends, np.int32, len(values) + 1, values.offset * 4)[[0, -1]]
    return first == last or bool(np.frombuffer(data, np.uint8)[first:last].max() < 128)


def _digests(distinct: pa.Array, keyed: KeyedHash, where: str) -> Bytes:
    """An array of bytes, one row of 32 for each value."""
    return keyed.digests(canonical_bytes(distinct, where=where))


def _numbers(distinct: pa.Array, keyed: KeyedHash, where: str) -> np.ndarray:
    return _first_bytes(_digests(distinct, keyed, where))


def _first_bytes(digests: np.ndarray) -> np.ndarray:
    """The first 8 bytes of each digest as a number."""
    return digests[:, :8].copy().view(">u8").ravel().astype(np.uint64)


def _from_numbers(numbers: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def _uuids(pieces: Iterable[Bytes], count: int) -> pa.Array:
    """The first 16 bytes of each of ``count`` digests as the text of a UUID."""
    text = np.empty((count, _TOKEN_CHARACTERS // 4), "<u4")
    start = 0
    for digests in pieces:
        _write_uuids(digests, text[start : start + len(digests)])
        start += len(digests)
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(_TOKEN_CHARACTERS)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def _write_uuids(digests: Bytes, text: np.ndarray) -> None:
    """Four characters at a time: 8 digits, three groups of four with their dashes, 12 digits."""
    digits = _FOUR_DIGITS.take(np.ascontiguousarray(digests[:, :_TOKEN_BYTES]).view("<u2"))
    second, third, fourth = digits[:, 2], digits[:, 3], digits[:, 4]
    text[:, :2] = digits[:, :2]
    text[:, 2] = _DASH | second << 8
    text[:, 3] = second >> 24 | _DASH << 8 | third << 16
    text[:, 4] = third >> 16 | _DASH << 16 | fourth << 24
    text[:, 5] = fourth >> 8 | _DASH << 24
    text[:, 6:] = digits[:, 5:]
