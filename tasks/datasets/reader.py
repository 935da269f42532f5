"""Reading datasets: manifests, partitions, tables, and the keys of their rows.

What belongs here: reading what a manifest lists, and refusing what it does not. What does not: writing.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import DatasetError
from tasks.records import Manifest, PartitionRecord, TableRecord

MANIFEST = "manifest.json"


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
