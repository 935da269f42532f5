"""The logical hash: what a table means, whatever wrote it.

What belongs here: canonical types and the canonical order and bytes of rows. What does not: files and manifests.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets.hashes import hash_mapping
from tasks.errors import DatasetError
from tasks.records import TableRecord


def canonical_type(kind: pa.DataType) -> str:
    """The name of a type in logical hashes and manifests: storage details (dictionary, large, unit) do not count."""
    if pa.types.is_dictionary(kind):
        return canonical_type(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "binary"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz is None else "timestamp[UTC]"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_nested(kind) or pa.types.is_decimal(kind):
        raise DatasetError(
            f"column type {kind}",
            found="a nested or decimal type",
            expected="booleans, integers, floats, strings, dates and timestamps",
            next_step="cast or drop the column in the lake's table, or leave it out of snapshot.tables.<table>.columns",
        )
    return str(kind)


def logical_hash(table: pa.Table, key: Sequence[str]) -> str:
    """SHA-256 of a table's meaning: column names and canonical types, and rows ordered by ``key``.

    Independent of row order, column order, chunking, dictionary encoding, compression and writer version. Rows with equal
    keys are ordered by their other columns. NaN equals NaN, and -0.0 equals 0.0. Raises
    :class:`~tasks.errors.DatasetError` on nested and decimal columns.
    """
    names = sorted(table.column_names)
    columns = {name: _plain(table.column(name)) for name in names}
    plain = pa.table(columns)
    if table.num_rows > 1 and not is_in_order(plain, key):
        order = pc.sort_indices(plain, sort_keys=[(name, "ascending") for name in key])
        plain = plain.take(order)
        if _has_equal_neighbours(plain, key):
            rest = [name for name in names if name not in key]
            plain = plain.take(pc.sort_indices(plain, sort_keys=[(name, "ascending") for name in (*key, *rest)]))
    digest = hashlib.sha256()
    digest.update(json.dumps([[n, canonical_type(table.schema.field(n).type)] for n in names]).encode())
    digest.update(table.num_rows.to_bytes(8, "little"))
    for name in names:
        for buffer in _canonical_buffers(plain.column(name)):
            digest.update(buffer)
    return digest.hexdigest()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    name = canonical_type(kind)
    if name == "string":
        return column.cast(pa.large_string())
    if name == "binary":
        return column.cast(pa.large_binary())
    if name == "timestamp[UTC]":
        return column.cast(pa.timestamp("us", "UTC"))
    if name == "timestamp":
        return column.cast(pa.timestamp("us"))
    if name == "date":
        return column.cast(pa.date32())
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def is_in_order(table: pa.Table, key: Sequence[str]) -> bool:
    """Whether each row of ``table`` comes after the one before by ``key`` (never NULL or NaN): sorting would change nothing."""
    equal: pa.Array | None = None
    after: pa.Array | None = None
    for name in key:
        column = table.column(name).combine_chunks()
        if column.null_count:
            return False
        here, there = column.slice(0, max(0, len(column) - 1)), column.slice(1)
        less = pc.less(here, there)
        after = less if after is None or equal is None else pc.or_(after, pc.and_(equal, less))
        if pc.all(after, min_count=0).as_py():  # also where there are no neighbours
            return True
        same = pc.equal(here, there)
        equal = same if equal is None else pc.and_(equal, same)
    return False


def _has_equal_neighbours(table: pa.Table, key: Sequence[str]) -> bool:
    equal = None
    for name in key:
        column = table.column(name).combine_chunks()
        here, there = column.slice(0, len(column) - 1), column.slice(1)
        same = pc.or_kleene(pc.equal(here, there), pc.and_(pc.is_null(here), pc.is_null(there)))
        equal = same if equal is None else pc.and_kleene(equal, same)
    return bool(pc.any(equal).as_py())


# Arrow's buffers are read directly: ``to_numpy``, ``fill_null`` and ``pa.scalar`` import pandas, 0.25 CPU s in each stage.
_EMPTY = pa.Array.from_buffers(pa.large_binary(), 1, [None, pa.py_buffer(bytes(16)), pa.py_buffer(b"")])[0]


def _canonical_buffers(column: pa.ChunkedArray) -> list[bytes | memoryview]:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # combine_chunks keeps an empty column chunked
        array = pa.concat_arrays(array.chunks) if array.chunks else pa.array([], array.type)
    is_valid = _fixed_width(pc.is_valid(array).cast(pa.uint8())).astype(bool) if array.null_count else None
    valid = _all_valid(len(array)) if is_valid is None else np.packbits(is_valid).data
    if pa.types.is_null(array.type):
        return [valid]
    if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type):
        binary = array.cast(pa.large_binary())
        return [valid, *_texts(pc.coalesce(binary, _EMPTY) if array.null_count else binary)]
    if pa.types.is_boolean(array.type):
        return [valid, np.packbits(_fixed_width(array.cast(pa.uint8()), is_valid)).data]
    if pa.types.is_floating(array.type):
        values = _fixed_width(array, is_valid) + 0.0  # -0.0 becomes 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            total = np.sum(values)
        if np.isnan(total):  # a NaN, or infinities that differ
            values[np.isnan(values)] = np.nan
        return [valid, values.data]
    if pa.types.is_date(array.type):
        array = array.cast(pa.int32())
    elif not pa.types.is_integer(array.type):
        array = array.cast(pa.int64())
    return [valid, _fixed_width(array, is_valid).data]


def _all_valid(count: int) -> bytes:
    """The bits of ``count`` rows without a NULL, as ``numpy.packbits`` gives them."""
    rest = count % 8
    return b"\xff" * (count // 8) + (bytes([0xFF << (8 - rest) & 0xFF]) if rest else b"")


def _fixed_width(array: pa.Array, is_valid: np.ndarray | None = None) -> np.ndarray:
    """An array's integers or floats, not to be written to; under a NULL, where anything may lie, is zero."""
    kind = "f" if pa.types.is_floating(array.type) else "u" if pa.types.is_unsigned_integer(array.type) else "i"
    dtype = np.dtype(f"<{kind}{array.type.bit_width // 8}")
    if not len(array):
        return np.zeros(0, dtype)
    values = np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)
    return values if is_valid is None else np.where(is_valid, values, dtype.type(0))


def _texts(array: pa.Array) -> tuple[bytes | memoryview, bytes | memoryview]:
    """The lengths of an array of large binaries without NULLs, and all of its bytes."""
    if not len(array):
        return b"", b""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, "<i8", len(array) + 1, array.offset * 8)
    return np.diff(ends).data, b"" if data is None else memoryview(data)[int(ends[0]) : int(ends[-1])]


def dataset_hash(tables: Mapping[str, TableRecord]) -> str:
    """The logical hash of a whole dataset, from those of its partitions."""
    parts = {name: [[p.path, p.logical_hash, p.rows] for p in table.partitions] for name, table in tables.items()}
    return hash_mapping(parts)
