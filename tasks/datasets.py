"""Partitioned Parquet datasets: logical hashes, manifests, and writing so that nothing half-written is taken for whole.

What belongs here: how any dataset under ``data/`` is written, recognised as unchanged, and read. What does not: what a
dataset means. A partition is one Parquet file; its reuse key says what it was made from, and an unchanged key means that
the file is left alone and not even opened.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import DatasetError
from tasks.records import Manifest, PartitionRecord, TableRecord

_CODE_ROOT = Path(__file__).resolve().parents[1]
"""The checkout that this code runs from: in a worktree, the worktree's."""
MANIFEST = "manifest.json"
_PREVIOUS = "manifest.previous.json"
"""Where the last whole manifest waits while its dataset is being changed; readers look for ``manifest.json`` only."""


def hash_text(*parts: str) -> str:
    """SHA-256 of several texts, each length-prefixed so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def hash_mapping(values: Mapping[str, object]) -> str:
    """SHA-256 of a mapping's canonical JSON (sorted keys); the form of every reuse key and definition hash."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def code_hash(*sources: str) -> str:
    """SHA-256 of the source files below ``sources`` (files or folders, relative to the code's root), and of their names."""
    files = []
    for source in sources:
        path = _CODE_ROOT / source
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return hash_text(*(text for file in files for text in (file.relative_to(_CODE_ROOT).as_posix(), hash_file(file))))


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` beside ``path`` and rename, so that a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
    if table.num_rows > 1:
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


def _canonical_buffers(column: pa.ChunkedArray) -> list[bytes]:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # combine_chunks keeps an empty column chunked
        array = pa.concat_arrays(array.chunks) if array.chunks else pa.array([], array.type)
    is_valid = _fixed_width(pc.is_valid(array).cast(pa.uint8())).astype(bool)
    valid = np.packbits(is_valid).tobytes()
    if pa.types.is_null(array.type):
        return [valid]
    if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type):
        return [valid, *_texts(pc.coalesce(array.cast(pa.large_binary()), _EMPTY))]
    if pa.types.is_boolean(array.type):
        return [valid, np.packbits(_fixed_width(array.cast(pa.uint8()), is_valid)).tobytes()]
    if pa.types.is_floating(array.type):
        values = _fixed_width(array, is_valid)
        values[values == 0] = 0.0
        values[np.isnan(values)] = np.nan
        return [valid, values.tobytes()]
    if pa.types.is_date(array.type):
        array = array.cast(pa.int32())
    elif not pa.types.is_integer(array.type):
        array = array.cast(pa.int64())
    return [valid, _fixed_width(array, is_valid).tobytes()]


def _fixed_width(array: pa.Array, is_valid: np.ndarray | None = None) -> np.ndarray:
    """A copy of an array's integers or floats; what lies under a NULL is arbitrary, and becomes zero."""
    kind = "f" if pa.types.is_floating(array.type) else "u" if pa.types.is_unsigned_integer(array.type) else "i"
    dtype = np.dtype(f"<{kind}{array.type.bit_width // 8}")
    if not len(array):
        return np.zeros(0, dtype)
    values = np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize).copy()
    if is_valid is not None:
        values[~is_valid] = 0
    return values


def _texts(array: pa.Array) -> tuple[bytes, bytes]:
    """The lengths of an array of large binaries without NULLs, and all of its bytes."""
    if not len(array):
        return b"", b""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, "<i8", len(array) + 1, array.offset * 8)
    return np.diff(ends).tobytes(), b"" if data is None else data[int(ends[0]) : int(ends[-1])].to_pybytes()


def dataset_hash(tables: Mapping[str, TableRecord]) -> str:
    """The logical hash of a whole dataset, from those of its partitions."""
    parts = {name: [[p.path, p.logical_hash, p.rows] for p in table.partitions] for name, table in tables.items()}
    return hash_mapping(parts)


def read_manifest(folder: Path, *, made_by: str) -> Manifest:
    """The manifest of the dataset in ``folder``; ``made_by`` names the stage that writes it.

    Raises :class:`~tasks.errors.DatasetError` where there is none: the dataset is missing or not whole.
    """
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(
            str(folder),
            found="no manifest: the dataset is missing, or a run was interrupted while it was written",
            expected=f"a whole dataset written by the stage {made_by}",
            next_step=f"dvc repro {made_by}",
        ) from None
    return Manifest.from_json(text, origin=str(path))


def read_partition(folder: Path, partition: PartitionRecord, columns: Sequence[str] | None = None) -> pa.Table:
    """One partition as an Arrow table; raises :class:`~tasks.errors.DatasetError` where it cannot be read."""
    path = folder / partition.path
    try:
        return pq.ParquetFile(path).read(columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(
            str(path),
            found=" ".join(str(error).split()),
            expected="the Parquet file that the manifest lists",
            next_step="delete the folder and run `dvc repro`, or `dvc checkout`",
        ) from None


def read_table(folder: Path, manifest: Manifest, table: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole table of a dataset, partitions in order of path; ``columns`` as in the manifest, or all."""
    if table not in manifest.tables:
        raise DatasetError(
            f"{folder}: table {table}",
            found=f"tables {', '.join(manifest.tables) or 'none'}",
            expected=f"a table {table}",
            next_step="declare it in params.yaml under snapshot.tables and masking.tables, then `dvc repro`",
        )
    partitions = manifest.tables[table].partitions
    return pa.concat_tables([read_partition(folder, p, columns) for p in partitions], promote_options="default")


def row_keys(table: pa.Table, key: Sequence[str]) -> pa.Array:
    """The ``row_key`` (string) of each row from its key columns, masked: the value itself, or the values joined by ``|``.

    Raises :class:`~tasks.errors.DatasetError` where a key column is missing or holds NULL.
    """
    for name in key:
        if name not in table.column_names or table.column(name).null_count:
            raise DatasetError(
                f"key column {name}",
                found="NULLs" if name in table.column_names else "no such column (dropped by the masking policy?)",
                expected="a key in every row",
                next_step="mend the key in the lake, or put the column into a domain under masking.domains",
            )
    texts = [table.column(name).cast(pa.string()).combine_chunks() for name in key]
    return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "|")


def partition_files(folder: Path, table: TableRecord) -> list[str]:
    """Absolute file names of a table's partitions, in order, for an engine that reads Parquet itself."""
    return [str((folder / partition.path).resolve()) for partition in table.partitions]


class DatasetWriter:
    """Writes a dataset partition by partition, keeps what is unchanged, and writes the manifest last.

    Use as a context manager; leaving it without :meth:`finish` leaves a dataset that readers refuse. A partition is either
    kept (:meth:`keep`) or written (:meth:`write`); what is neither is removed by :meth:`finish`.
    """

    def __init__(self, folder: Path, dataset: str, *, mode: int = 0o755) -> None:
        """Open ``folder`` (made with ``mode``) for the dataset named ``dataset``."""
        self._folder = folder
        self._dataset = dataset
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        self._previous = self._load_previous()
        self._tables: dict[str, tuple[tuple[str, ...], dict[str, str], list[PartitionRecord]]] = {}
        self._is_changing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for part in self._folder.rglob("*.part"):
            part.unlink()

    def _load_previous(self) -> dict[str, tuple[TableRecord, PartitionRecord]]:
        whole, interrupted = self._folder / MANIFEST, self._folder / _PREVIOUS
        path = whole if whole.exists() else interrupted
        if not path.exists():
            return {}
        try:
            manifest = Manifest.from_json(path.read_bytes(), origin=str(path))
        except DatasetError:  # another version's manifest: nothing of it is reused
            return {}
        found = {p.path: (t, p) for t in manifest.tables.values() for p in t.partitions}
        if path == interrupted:  # some files may already be of the run that was cut off
            found = {name: entry for name, entry in found.items() if self._is_intact(entry[1])}
        return found

    def _is_intact(self, record: PartitionRecord) -> bool:
        path = self._folder / record.path
        return path.exists() and path.stat().st_size == record.bytes and hash_file(path) == record.sha256

    def keep(self, path: str, reuse_key: str) -> bool:
        """Keep the partition at ``path`` if it was made under ``reuse_key``; it is not opened. False if it must be written."""
        entry = self._previous.get(path)
        if entry is None or entry[1].reuse_key != reuse_key:
            return False
        file = self._folder / path
        if not file.exists() or file.stat().st_size != entry[1].bytes:
            return False
        self._add(entry[0].key, entry[0].columns, entry[1])
        return True

    def write(self, path: str, reuse_key: str, table: pa.Table, key: Sequence[str]) -> PartitionRecord:
        """Write ``table`` (logical key columns ``key``) as the partition ``path``, whose first part names its table."""
        self._begin_change()
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        data = buffer.getvalue()
        record = PartitionRecord(
            path=path,
            rows=table.num_rows,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            logical_hash=logical_hash(table, key),
            reuse_key=reuse_key,
        )
        self._replace(path, data)
        self._add(tuple(key), {f.name: canonical_type(f.type) for f in table.schema}, record)
        return record

    def _replace(self, path: str, data: bytes) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(file.name + ".part")
        part.write_bytes(data)
        part.replace(file)

    def _begin_change(self) -> None:
        if self._is_changing:
            return
        self._is_changing = True
        whole = self._folder / MANIFEST
        if whole.exists():
            whole.replace(self._folder / _PREVIOUS)

    def _add(self, key: tuple[str, ...], columns: dict[str, str], record: PartitionRecord) -> None:
        table = record.path.split("/", 1)[0]
        _, known, partitions = self._tables.setdefault(table, (key, columns, []))
        if known != columns:
            raise DatasetError(
                f"{self._dataset}: {record.path}",
                found=f"columns {columns}",
                expected=f"{known}, as in the table's first partition",
                next_step="the schema changed between partitions: mend it in the lake, or declare the columns that all have",
            )
        partitions.append(record)

    def finish(self, about: Mapping[str, str]) -> Manifest:
        """Remove what is no longer part of the dataset and write the manifest."""
        tables = {
            name: TableRecord(key=key, columns=columns, partitions=tuple(sorted(partitions, key=lambda p: p.path)))
            for name, (key, columns, partitions) in sorted(self._tables.items())
        }
        manifest = Manifest(dataset=self._dataset, logical_hash=dataset_hash(tables), about=dict(about), tables=tables)
        wanted = {p.path for t in tables.values() for p in t.partitions}
        for file in sorted(self._folder.rglob("*.parquet")):
            if file.relative_to(self._folder).as_posix() not in wanted:
                self._begin_change()
                file.unlink()
        write_atomically(self._folder / MANIFEST, manifest.to_json().encode())
        (self._folder / _PREVIOUS).unlink(missing_ok=True)
        return manifest
