"""How the demo's lake is stored: one Parquet file per day or per table, whole or not there, the same on every machine.

What belongs here: cutting tables into days and writing files. What does not: what the tables mean, or which days change.
"""

import io
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.demo.streams import DAY_US, Ints

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class DatedRows:
    """Rows of one table in order of their day and key, with what storing them needs to know."""

    table: pa.Table
    day_us: Ints
    """The time whose UTC day is each row's partition."""
    written_us: Ints
    """When each row came to be in the lake as it is: first written, or corrected."""


def write_days(folder: Path, rows: DatedRows, *, since_us: int) -> dict[str, int]:
    """Write the partitions of ``rows`` that hold a row written at or after ``since_us``; the others are not touched.

    ``rows`` must hold all rows of each such day. Returns the rows of each file written, by its path below ``folder``:
    ``day=YYYY-MM-DD/part-0.parquet``. A file's modification time is that of its newest row, not the clock's.
    """
    written: dict[str, int] = {}
    if rows.table.num_rows == 0:
        return written
    days, first = np.unique(rows.day_us // DAY_US, return_index=True)
    newest = np.maximum.reduceat(rows.written_us, first)
    stops = np.append(first[1:], rows.table.num_rows)
    for day, start, stop, changed in zip(days.tolist(), first.tolist(), stops.tolist(), newest.tolist(), strict=True):
        if changed >= since_us:
            path = f"day={date.fromordinal(_EPOCH_ORDINAL + day)}/part-0.parquet"
            write_table(folder / path, rows.table.slice(start, stop - start), changed)
            written[path] = stop - start
    return written


def write_table(path: Path, table: pa.Table, modified_us: int) -> None:
    """Write one Parquet file (zstd) and set its modification time."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getbuffer(), modified_us)


def write_bytes(path: Path, data: bytes | memoryview, modified_us: int) -> None:
    """Write ``path`` beside itself, set its modification time, and rename: a reader sees it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        os.utime(part, ns=(modified_us * 1000, modified_us * 1000))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def list_files(lake: Path, folders: Sequence[str]) -> set[str]:
    """Every file below these folders of the lake, as a path relative to the lake."""
    return {path.relative_to(lake).as_posix() for name in folders for path in (lake / name).rglob("*") if path.is_file()}


def remove_folders(lake: Path, folders: Sequence[str]) -> None:
    """Remove what an earlier lake left in these folders."""
    for name in folders:
        if (lake / name).exists():
            shutil.rmtree(lake / name)
