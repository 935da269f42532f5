"""Parquet files as streams of columns, in bounded memory.

What belongs here: opening Parquet. What does not: which types are taken (``schema``).
"""

from collections.abc import Iterator, Sequence
from io import BufferedIOBase, BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH_ROWS = 65_536


class ParquetFile:
    """One Parquet file, opened: its schema, and its rows. Arrow's own errors pass; they hold no values."""

    def __init__(self, stream: BufferedIOBase) -> None:
        """Read the footer of ``stream``."""
        # What is in memory is read without Python, which other threads may be busy in.
        self._file = pq.ParquetFile(pa.BufferReader(stream.getvalue()) if isinstance(stream, BytesIO) else stream)
        self.schema: pa.Schema = self._file.schema_arrow
        self.names: tuple[str, ...] = tuple(self.schema.names)
        self.rows: int = self._file.metadata.num_rows

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """``columns`` (each stands once in :attr:`names`), in that order, as they are stored."""
        if not columns:
            yield from _without_columns(self.rows)
            return
        for batch in self._file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns), use_threads=False):
            yield batch.select(list(columns))


def _without_columns(rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, _BATCH_ROWS):
        yield pa.RecordBatch.from_struct_array(pa.array([{}] * min(_BATCH_ROWS, rows - start), pa.struct([])))
