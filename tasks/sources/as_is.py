"""Parquet files of the lake whose bytes may become a partition as they are, because they say no more than the snapshot would.

What belongs here: telling such a file by its footer. What does not: the order of its rows and which of them are known, which
only the rows can tell (``snapshot``).
"""

import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.sources.convert import arrow_type

_MAGIC_BYTES = 4
_LENGTH_BYTES = 4
_ROWS_A_GROUP = 1_000
"""Row groups that are smaller by the mean are packed anew: each later stage would pay for them at every look."""
_FIELD_ID = b"PARQUET:field_id"


def conforms(file: pq.ParquetFile, size: int, types: Mapping[str, str]) -> bool:
    """Whether ``file`` of ``size`` bytes holds the columns and canonical ``types`` in that order, and nothing beside them.

    Nothing beside them: no byte outside the footer and the pages of these columns, and no words of whoever wrote it: a file
    that was cut to some of its columns may keep the others' pages, and a data frame's own notes travel in its footer.
    """
    schema, footer = file.schema_arrow, file.metadata
    if schema.names != list(types) or any(field.type != arrow_type(types[field.name]) for field in schema):
        return False
    if footer.num_row_groups > 1 + footer.num_rows // _ROWS_A_GROUP:
        return False
    return _is_wordless(schema, footer) and _is_gapless(footer, size)


def _is_wordless(schema: pa.Schema, footer: pq.FileMetaData) -> bool:
    """Whether the footer has no words but the schema's: Arrow's copy of it, pandas' account of its columns, and field ids."""
    if any(set(field.metadata or ()) - {_FIELD_ID} or not field.nullable for field in schema):
        return False
    words = footer.metadata or {}
    if set(words) - {b"ARROW:schema", b"pandas"} or set(schema.metadata or ()) - {b"pandas"}:
        return False
    try:
        notes = json.loads(words.get(b"pandas", b"{}"))
    except ValueError:
        return False
    return isinstance(notes, dict) and not notes.get("attributes")


def _is_gapless(footer: pq.FileMetaData, size: int) -> bool:
    """Whether the pages of the columns, one after the other, and the footer make up the whole file of ``size`` bytes."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
    at = _MAGIC_BYTES
    for begin, length in sorted((_begin(chunk), chunk.total_compressed_size) for chunk in chunks):
        if begin != at:
            return False
        at += length
    return bool(at + footer.serialized_size + _LENGTH_BYTES + _MAGIC_BYTES == size)


def _begin(chunk: pq.ColumnChunkMetaData) -> int:
    return int(chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset)
