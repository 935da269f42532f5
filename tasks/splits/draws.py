"""Keyed hashes as draws: the number of each value under a split's key, and the part that a number falls into.

What belongs here: canonical bytes, keys, hashing of many values, intervals of shares. What does not: which value of a row is
drawn, and what the parts are called (the strategies).
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.datasets import hash_text
from tasks.errors import SplitError
from tasks.seeds import derive_seed
from tasks.splits.instants import read_buffer

METHOD = "windtunnel/split/v1"
"""Part of every hash; another value here would move every entity of every split."""
HASH_BITS = 64
_LOOPED_AT_MOST = 20_000
"""Distinct values up to which Python's own loop is quicker than to start a database."""

Numbers = NDArray[np.uint64]


def derived_seed(name: str, seed: int) -> int:
    """The seed of the split ``name`` under the root ``seed``."""
    return derive_seed(seed, f"splits/{name}")


def draw_key(name: str, seed: int, salt: str, purpose: str) -> bytes:
    """The key (32 bytes) of one draw of the split ``name``: no secret, it keeps the draws of each ``purpose`` apart."""
    return bytes.fromhex(hash_text(METHOD, name, str(derived_seed(name, seed)), salt, purpose))


def draw_numbers(values: pa.Array, key: bytes, where: str) -> Numbers:
    """The first 64 bits of SHA-256(key || canonical value), big-endian, of each of ``values`` (no NULLs).

    Only distinct values are hashed. Raises :class:`~tasks.errors.SplitError`, naming ``where``, on a type without a canonical
    form.
    """
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    distinct = canonical_bytes(encoded.dictionary, where)
    hashed = _hash_all(distinct, key) if len(distinct) > _LOOPED_AT_MOST else _hash_few(distinct, key)
    return np.take(hashed, read_buffer(encoded.indices.cast(pa.int32()), "<i4"))


def _hash_few(values: pa.Array, key: bytes) -> Numbers:
    keyed = hashlib.sha256(key)
    digests = []
    for value in values.to_pylist():
        digest = keyed.copy()
        digest.update(value)
        digests.append(digest.digest()[: HASH_BITS // 8])
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def _hash_all(values: pa.Array, key: bytes) -> Numbers:
    """As :func:`_hash_few`, by DuckDB."""
    import duckdb

    with duckdb.connect() as con:
        con.register("drawn", pa.table({"value": values}))
        query = "SELECT ('0x' || substr(sha256($key::BLOB || value), 1, 16))::UBIGINT AS number FROM drawn"
        numbers = con.sql(query, params={"key": key}).to_arrow_table().column("number").combine_chunks()
    found: Numbers = read_buffer(numbers, "<u8")
    return found


def canonical_bytes(values: pa.Array, where: str) -> pa.Array:
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


def interval_ends(shares: Sequence[float]) -> Numbers:
    """Where the interval of each share but the last ends (exclusive).

    Exact: shares are taken as the decimals that they are written as, so that 0.7 and 0.15 end at 0.85 on every engine.
    """
    exact = [Fraction(repr(share)) for share in shares]
    ends = [int(sum(exact[: place + 1], Fraction()) * 2**HASH_BITS) for place in range(len(exact) - 1)]
    return np.array([min(end, 2**HASH_BITS - 1) for end in ends], np.uint64)


def equal_ends(count: int) -> Numbers:
    """As :func:`interval_ends`, for ``count`` equal shares."""
    return np.array([place * 2**HASH_BITS // count for place in range(1, count)], np.uint64)


def pick_names(names: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    """The name (string) at each code; built from buffers, as ``pa.array`` would import pandas."""
    texts = [name.encode() for name in names]
    ends = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    labels = pa.Array.from_buffers(pa.string(), len(names), [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(texts))])
    places = pa.Array.from_buffers(pa.int8(), len(codes), [None, pa.py_buffer(codes.astype(np.int8).tobytes())])
    return labels.take(places)
