"""Reading datasets: manifests, partitions, tables, and the keys of their rows.

What belongs here: reading what a manifest lists, and refusing what it does not. What does not: writing.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BufferedReader
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import DatasetError
from tasks.records import Manifest, PartitionRecord, TableRecord

MANIFEST = "manifest.json"
_VALUES_AT_ONCE = 20_000_000
"""Values that are read together where columns are wanted one by one: to open each partition for each column takes longer."""
_FEW_BYTES = 8_000_000
"""Of a file that is hashed and read from memory: Arrow asks a Python file for each column, a fifth of the time of a small one."""
_FEW_ROWS = 50_000
"""Of a partition that is decoded where it is asked for: to hand its columns to Arrow's threads takes longer than to decode them."""


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


def read_partition(
    folder: Path, partition: PartitionRecord, columns: Sequence[str] | None = None, *, is_proven: bool = False
) -> pa.Table:
    """One partition as an Arrow table, once its bytes are found to be those that the manifest lists.

    Stages depend on manifests, so this is where a partition that was changed beside its manifest shows. Raises
    :class:`~tasks.errors.DatasetError` on such a one, and where it cannot be read. ``is_proven``: this process
    has found that before.
    """
    path = folder / partition.path
    try:
        with path.open("rb") as stream:
            source = stream if is_proven else _prove(stream, partition.sha256, path)
            wanted = None if columns is None else list(columns)
            return pq.ParquetFile(source).read(columns=wanted, use_threads=partition.rows > _FEW_ROWS)
    except (OSError, pa.ArrowException) as error:
        raise _unlike_manifest(path, " ".join(str(error).split())) from None


def _prove(stream: BufferedReader, sha256: str, path: Path) -> BufferedReader | pa.BufferReader:
    """Where the file's bytes, found to have the hash ``sha256``, are read from: memory where they are few, or the file again."""
    is_small = os.fstat(stream.fileno()).st_size <= _FEW_BYTES
    content = stream.read() if is_small else b""
    found = (hashlib.sha256(content) if is_small else hashlib.file_digest(stream, "sha256")).hexdigest()
    if found != sha256:
        raise _unlike_manifest(path, f"SHA-256 {found[:12]}...")
    stream.seek(0)
    return pa.BufferReader(content) if is_small else stream


def require_file(folder: Path, partition: PartitionRecord) -> None:
    """Raise :class:`~tasks.errors.DatasetError` where a partition's file is not the one that the manifest lists, by its bytes."""
    path = folder / partition.path
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unlike_manifest(path, error.strerror or type(error).__name__) from None
    if found != partition.sha256:
        raise _unlike_manifest(path, f"SHA-256 {found[:12]}...")


def _unlike_manifest(path: Path, found: str) -> DatasetError:
    return DatasetError(
        str(path),
        found=found,
        expected="the Parquet file that the manifest lists",
        next_step="delete the folder and run `dvc repro`, or `dvc checkout`",
    )


class StoredTable:
    """One table of a dataset, read a partition at a time, so that a reader holds no more of it than it wants to.

    ``columns`` gives each column's canonical type. A partition's bytes are held against the manifest when it is first read
    through this object, and not again: a reader that comes back for another column does not hash the file a second time.
    """

    def __init__(self, folder: Path, record: TableRecord) -> None:
        """The table of ``record`` in the dataset ``folder``; nothing is opened yet."""
        self._folder = folder
        self._proven: set[str] = set()
        self.record = record

    @property
    def columns(self) -> Mapping[str, str]:
        """Column -> canonical type, as the manifest lists them."""
        return self.record.columns

    def read(self, partition: PartitionRecord, columns: Sequence[str] | None = None) -> pa.Table:
        """One partition of the table; raises as :func:`read_partition`."""
        found = read_partition(self._folder, partition, columns, is_proven=partition.path in self._proven)
        self._proven.add(partition.path)
        return found

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The partitions in order of path, one at a time."""
        for partition in self.record.partitions:
            yield self.read(partition, columns)

    def rows_of(self, wanted: pa.ChunkedArray, key: Sequence[str], columns: Sequence[str]) -> Iterator[pa.Table]:
        """``columns`` of the rows whose :func:`row_keys` under ``key`` are among ``wanted``, a partition at a time."""
        keys = pa.chunked_array([row_keys(piece, key) for piece in self.pieces(key)], pa.string())
        is_wanted = pc.is_in(keys, value_set=wanted.combine_chunks())
        del keys
        yield from filter_pieces(self.pieces(columns), is_wanted)

    def each_column(self, names: Sequence[str]) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """The columns ``names`` of all rows, by name, in order; of a long table few are held at a time."""
        width = max(1, _VALUES_AT_ONCE // max(1, self.record.rows))
        for start in range(0, len(names), width):
            table = pa.concat_tables(list(self.pieces(names[start : start + width])), promote_options="default")
            yield from zip(table.column_names, table.columns, strict=True)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of all rows, in order of partitions."""
        return pa.concat_tables(list(self.pieces((name,))), promote_options="default").column(name)


def filter_pieces(pieces: Iterable[pa.Table], is_chosen: pa.ChunkedArray) -> Iterator[pa.Table]:
    """The chosen rows of each of ``pieces``; ``is_chosen`` has one value per row of all of them."""
    start = 0
    for piece in pieces:
        yield piece.filter(is_chosen.slice(start, piece.num_rows))
        start += piece.num_rows


def open_table(folder: Path, manifest: Manifest, table: str) -> StoredTable:
    """A table of a dataset, to be read piece by piece; raises :class:`~tasks.errors.DatasetError` where there is none."""
    if table not in manifest.tables:
        raise DatasetError(
            f"{folder}: table {table}",
            found=f"tables {', '.join(manifest.tables) or 'none'}",
            expected=f"a table {table}",
            next_step="declare it in params.yaml under snapshot.tables and masking.tables, then `dvc repro`",
        )
    return StoredTable(folder, manifest.tables[table])


def read_table(folder: Path, manifest: Manifest, table: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole table of a dataset, partitions in order of path; ``columns`` as in the manifest, or all.

    For tables that are known to be small, or few columns: :func:`open_table` holds one partition at a time.
    """
    return pa.concat_tables(list(open_table(folder, manifest, table).pieces(columns)), promote_options="default")


def row_keys(table: pa.Table, key: Sequence[str]) -> pa.Array:
    """The ``row_key`` (string) of each row from its key columns, masked: the value itself, or the values joined by ``|``.

    A ``|`` or a backslash within a value is preceded by a backslash, so that no two composite keys become one.

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
    if len(texts) == 1:
        return texts[0]
    escaped = [pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), "|", "\\|") for text in texts]
    return pc.binary_join_element_wise(*escaped, "|")
