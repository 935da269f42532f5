"""The tables of a lake as projects take them: names, columns, and a bounded reading of their rows.

What belongs here: wiring ``tasks.sources`` to ``tasks.projects``. What does not: how files are found, guessed and read.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.detection import snake_case
from tasks.disclosure import quote
from tasks.errors import LakeError
from tasks.params.snapshot import SourceParams
from tasks.projects.survey import LakeTable, Reading
from tasks.sources import (
    FoundTable,
    Lake,
    TextTimes,
    column_names,
    find_tables,
    find_text_times,
    guess_format,
    infer_types,
    read_batches,
)

_ROWS_AT_MOST = 500_000
"""Rows that are looked at; of a larger table every second, third, ... one, so that all of its time is seen."""
_COUNTS_TIME = re.compile(r"(^|_)(time|timestamp|ts|epoch|utc|at)(_|$)")
_UNITS = (("timestamp_s", 3e8, 2.5e9, 1_000_000), ("timestamp_ms", 3e11, 2.5e12, 1000), ("timestamp_us", 3e14, 2.5e15, 1))
"""Type -> the least and the most of it that is taken for a time, from 1979 to 2049, and the microseconds of one."""


def find_lake_tables(lake: Lake, uri: str, wanted: str | None) -> tuple[LakeTable, ...]:
    """The tables that ``lake`` seems to hold.

    A table that cannot be read has no columns, unless it is the only one or called ``wanted``. Raises
    :class:`~tasks.errors.LakeError` where the lake, or the table that must be meant, cannot be read or holds nothing.
    """
    found = find_tables(lake)
    if not found:
        raise LakeError(
            f"--lake {uri}",
            found="no files called like data",
            expected="folders or files of Parquet, CSV or JSON lines",
            next_step="mend --lake, or fill the lake",
        )
    return tuple(_look_at(lake, table, is_meant=len(found) == 1 or table.name == wanted) for table in found)


def _look_at(lake: Lake, table: FoundTable, *, is_meant: bool) -> LakeTable:
    try:
        guess = guess_format(lake, table.files)
        source = guess.apply(table.source)
        columns = column_names(lake, table.name, source)
    except LakeError as error:
        if is_meant:
            raise
        return LakeTable(table.name, (), _nothing, trouble=error.found)
    reasons = (f"{len(table.files):,} file{'s' if len(table.files) > 1 else ''} in the lake: {table.reason}", *guess.reasons)
    return LakeTable(table.name, columns, partial(_read, lake, table, source, reasons))


def _nothing() -> Reading:
    return Reading(pa.table({}))


def _read(lake: Lake, table: FoundTable, source: SourceParams, reasons: Sequence[str]) -> Reading:
    inferred = infer_types(lake, table.name, source)
    if source.format != "parquet" and inferred.null_words:
        csv = source.csv.model_copy(update={"nulls": tuple(dict.fromkeys([*source.csv.nulls, *inferred.null_words]))})
        source = source.model_copy(update={"csv": csv})
        reasons = (*reasons, f"no value where it says {', '.join(inferred.null_words)}")
    typed = source.model_copy(update={"types": inferred.types})
    left_out = {column: f"left out: {why}" for column, why in inferred.left_out.items()}
    if not inferred.rows:
        return _nothing()
    if not inferred.types:
        return Reading(pa.table({}), left_out=left_out)
    rows = _sample(read_batches(lake, table.name, typed, tuple(inferred.types)), inferred.rows)
    counted, rows = _times_that_count(rows)
    spelled = TextTimes() if source.format == "csv" else find_text_times(lake, table.name, typed, rows)
    rows = spelled.convert(rows)
    if spelled.date_formats:
        source = source.model_copy(update={"csv": source.csv.model_copy(update={"date_formats": spelled.date_formats})})
    reasons = (*reasons, *spelled.reasons)
    declared = inferred.types if source.format != "parquet" else _decimals(lake, table)
    declaration = _as_declared(source, table, {**declared, **counted, **spelled.types})
    return Reading(rows, declaration, left_out, inferred.rows, tuple(reasons), partial(_count_distinct, lake, table.name, typed))


def _count_distinct(lake: Lake, name: str, typed: SourceParams, columns: Sequence[str]) -> int:
    batches = read_batches(lake, name, typed, columns)
    first = next(batches)
    named = ", ".join(quote(column) for column in columns)
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar=false")
        con.register("t", pa.RecordBatchReader.from_batches(first.schema, chain([first], batches)))
        ((count,),) = con.execute(f"SELECT count(*) FROM (SELECT DISTINCT {named} FROM t)").fetchall()  # noqa: S608 - names are quoted
    return int(count)


def _sample(batches: Iterator[pa.RecordBatch], rows: int) -> pa.Table:
    step = -(-rows // _ROWS_AT_MOST) if rows else 1
    if step == 1:
        return pa.Table.from_batches(list(batches))
    chosen, first = [], 0
    for batch in batches:
        places = range((-first) % step, batch.num_rows, step)
        if places:
            chosen.append(batch.take(pa.array(places)))
        first += batch.num_rows
    return pa.Table.from_batches(chosen)


def _times_that_count(rows: pa.Table) -> tuple[dict[str, str], pa.Table]:
    """Columns of integers that count from 1970, by name and size, with their unit; in the table they become times."""
    found: dict[str, str] = {}
    for name in rows.column_names:
        column = rows.column(name)
        if not pa.types.is_int64(column.type) or not _COUNTS_TIME.search(snake_case(name)):
            continue
        ends = pc.min_max(column).as_py()
        unit = next((u for u in _UNITS if ends["min"] is not None and u[1] <= ends["min"] and ends["max"] <= u[2]), None)
        if unit is not None:
            found[name] = unit[0]
            moments = pc.multiply(column, pa.scalar(unit[3], pa.int64())).cast(pa.timestamp("us", "UTC"))
            rows = rows.set_column(rows.column_names.index(name), name, moments)
    return found, rows


def _decimals(lake: Lake, table: FoundTable) -> dict[str, str]:
    """Of Parquet nothing but decimals needs a declared type."""
    with lake.open_file(table.files[0]) as stream:
        schema = pq.ParquetFile(stream).schema_arrow
    return {column.name: "double" for column in schema if pa.types.is_decimal(column.type)}


def _as_declared(source: SourceParams, table: FoundTable, types: dict[str, str]) -> dict[str, Any]:
    """How the table's files are read, in the words of ``snapshot.tables.<table>``, without what goes without saying."""
    said = source.model_dump(mode="json", exclude_defaults=True, exclude={"types"})
    if source.format is not None and _says_format(table, source.format):
        said.pop("format", None)
    return {**said, **({"types": types} if types else {})}


def _says_format(table: FoundTable, kind: str) -> bool:
    return all(re.search(rf"\.{kind}(\.gz)?$", file.path.lower()) for file in table.files)
