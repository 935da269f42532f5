"""Partitioned Parquet datasets: logical hashes, manifests, and writing so that nothing half-written is taken for whole.

What belongs here: how any dataset under ``data/`` is written, recognised as unchanged, and read. What does not: what a
dataset means. A partition is one Parquet file; its reuse key says what it was made from, and an unchanged key means that
the file is left alone and not even opened.
"""

from tasks.datasets.hashes import code_hash, hash_file, hash_mapping, hash_path, hash_text, locate_code, write_atomically
from tasks.datasets.logical import canonical_type, dataset_hash, is_in_order, logical_hash
from tasks.datasets.order import sort_rows
from tasks.datasets.reader import (
    MANIFEST,
    StoredTable,
    filter_pieces,
    open_table,
    read_manifest,
    read_partition,
    read_table,
    require_file,
    row_keys,
)
from tasks.datasets.writer import DatasetWriter, PackedPartition, ParquetBytes, pack_partition

__all__ = [
    "MANIFEST",
    "DatasetWriter",
    "PackedPartition",
    "ParquetBytes",
    "StoredTable",
    "canonical_type",
    "code_hash",
    "dataset_hash",
    "filter_pieces",
    "hash_file",
    "hash_mapping",
    "hash_path",
    "hash_text",
    "is_in_order",
    "locate_code",
    "logical_hash",
    "open_table",
    "pack_partition",
    "read_manifest",
    "read_partition",
    "read_table",
    "require_file",
    "row_keys",
    "sort_rows",
    "write_atomically",
]
