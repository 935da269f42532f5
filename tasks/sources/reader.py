"""A file of the lake as a stream of the declared columns, whatever its format.

What belongs here: where each declared column comes from (the file, its folders' names, its place in the lake), and its
conversion. What does not: how a format is parsed (``csv_reader``, ``json_reader``, ``parquet_reader``), and which files there
are (``layout``).
"""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import LakeError
from tasks.params.snapshot import FILE_TIME_COLUMN, ROW_COLUMN, VIRTUAL_COLUMNS, CsvParams, SourceParams
from tasks.sources.convert import MOMENT, TextError, arrow_type, canonical_name, convert
from tasks.sources.csv_reader import ByteStream, CsvFile
from tasks.sources.json_reader import JsonLinesFile
from tasks.sources.layout import folder_values, format_of
from tasks.sources.parquet_reader import ParquetFile
from tasks.sources.schema import require_columns, type_name
from tasks.sources.times import from_rfc3339, to_microseconds

OpenedFile = ParquetFile | CsvFile | JsonLinesFile
VIRTUAL_TYPES = {ROW_COLUMN: "string", FILE_TIME_COLUMN: "timestamp[UTC]"}


Params_co = TypeVar("Params_co", bound=SourceParams, covariant=True)


@dataclass(frozen=True)
class TableSource(Generic[Params_co]):
    """A table of the lake, by name, and how its files are to be read."""

    name: str
    params: Params_co


class _Gunzip:
    """The unpacked bytes of a stream, which stays open."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._unpacked = gzip.GzipFile(fileobj=stream)

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._unpacked.read(size)
        except (EOFError, zlib.error) as error:
            raise OSError(str(error)) from None


@dataclass(frozen=True)
class SourceFile:
    """One file of a table: its bytes (seekable), and what its place in the lake says of it."""

    path: str
    mtime_utc: str
    stream: BufferedIOBase

    def open(self, params: SourceParams) -> OpenedFile:
        """The file in its format; raises :class:`~tasks.errors.LakeError`, and Arrow's own errors on broken Parquet."""
        match format_of(self.path, params):
            case "csv":
                return CsvFile(self.path, self.rewind, params.csv)
            case "jsonl":
                return JsonLinesFile(self.path, self.rewind)
        return ParquetFile(self.stream)

    def rewind(self) -> ByteStream:
        """The file's bytes from their start, unpacked."""
        self.stream.seek(0)
        if self.path.lower().endswith(".gz"):
            return _Gunzip(self.stream)
        return self.stream


@dataclass(frozen=True)
class Origins:
    """Where a file's declared columns come from."""

    stored: tuple[str, ...]
    """Columns that the file itself holds."""
    folders: Mapping[str, str | None]
    """Column -> the value that the file's folders name; a column of the file goes before them."""
    virtual: tuple[str, ...]


def find_origins(file: SourceFile, opened: OpenedFile, table: str, columns: Sequence[str]) -> Origins:
    """Where each of ``columns`` comes from; raises :class:`~tasks.errors.LakeError` where one is nowhere, or twice."""
    held = frozenset(opened.names or ())
    folders = {column: value for column, value in folder_values(file.path).items() if column in columns and column not in held}
    virtual = tuple(column for column in columns if column in VIRTUAL_COLUMNS)
    for column in virtual:
        if column in held:
            raise LakeError(
                f"lake file {file.path}: column {column}",
                found="a column of this name in the file",
                expected=f"{column} to be the file's place in the lake, and nothing that the file says",
                next_step=f"leave it out of snapshot.tables.{table}.columns",
            )
    stored = tuple(column for column in columns if column not in folders and column not in virtual)
    if opened.names is not None:
        require_columns(file.path, table, opened.names, stored, shows_names=not isinstance(opened, CsvFile))
    return Origins(stored, folders, virtual)


def read_rows(
    file: SourceFile, source: TableSource[SourceParams], types: Mapping[str, str], *, rows: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of ``file`` (all, or its first ``rows``) in their order: the columns and canonical types of ``types``.

    Text is converted as ``source`` declares. Raises :class:`~tasks.errors.LakeError` naming column and row where a value is
    not of its type, never the value; and Arrow's own errors on broken Parquet.
    """
    opened = file.open(source.params)
    origins = find_origins(file, opened, source.name, tuple(types))
    if isinstance(opened, ParquetFile):
        _require_types(file.path, source, opened, origins.stored, types)
    row = 0
    for stored in opened.batches(origins.stored):
        batch = stored if rows is None else stored.slice(0, rows - row)
        arrays = []
        for column, kind in types.items():
            values = take_column(file, origins, batch, column, first_row=row)
            arrays.append(convert_column(file.path, source, column, values, kind=kind, first_row=row))
        yield pa.RecordBatch.from_arrays(arrays, names=list(types))
        row += batch.num_rows
        if rows is not None and row >= rows:
            return


def _require_types(
    path: str, source: TableSource[SourceParams], opened: ParquetFile, stored: Sequence[str], types: Mapping[str, str]
) -> None:
    """A file's own type, where nobody declared another, is never cast to that of other files."""
    for column in stored:
        kind = (
            type_name(path, source.name, column, opened.schema.field(column).type) if column not in source.params.types else "null"
        )
        if kind not in ("null", types[column]):
            raise LakeError(
                f"lake file {path}: column {column}",
                found=kind,
                expected=f"{types[column]}, as data/pin.json says of the table's other files",
                next_step="windtunnel pin",
            )


def take_column(file: SourceFile, origins: Origins, batch: pa.RecordBatch, column: str, *, first_row: int) -> pa.Array:
    """One column of the rows of ``batch``, the first of which is row ``first_row`` of ``file``; as it is found, unconverted."""
    if column == ROW_COLUMN:
        numbers = pa.array(np.arange(first_row, first_row + batch.num_rows)).cast(pa.string())
        return pc.binary_join_element_wise(file.path, numbers, "#")
    if column == FILE_TIME_COLUMN:
        return pa.repeat(to_microseconds(from_rfc3339(file.mtime_utc)), batch.num_rows).cast(MOMENT)
    if column in origins.folders:
        return pa.repeat(pa.scalar(origins.folders[column], pa.string()), batch.num_rows)
    return batch.column(column)


def convert_column(
    path: str, source: TableSource[SourceParams], column: str, values: pa.Array, *, kind: str, first_row: int
) -> pa.Array:
    """``values`` as the canonical type ``kind``, by way of the declared type where there is one."""
    declared = source.params.types.get(column, kind)
    try:
        return convert(values, declared, spelling_of(path, source.params))
    except TextError as error:
        raise misfit(path, source.name, column, declared, row=first_row + error.row, looks_like=error.looks_like) from None


def spelling_of(path: str, params: SourceParams) -> CsvParams:
    """How values are spelled in the file at ``path``: as ``csv`` says, of which the date formats alone bind other formats too."""
    if format_of(path, params) == "csv":
        return params.csv
    return CsvParams(date_formats=params.csv.date_formats)


def misfit(path: str, table: str, column: str, kind: str, *, row: int, looks_like: str) -> LakeError:
    """The error for a value that is not of the type asked for; the value is not quoted."""
    is_moment = arrow_type(kind) == MOMENT
    if is_moment and looks_like == "integers":
        next_step = f"declare what they count: snapshot.tables.{table}.types: {{{column}: timestamp_s}}, or timestamp_ms"
    elif is_moment:
        next_step = f"add the pattern of its times to snapshot.tables.{table}.csv.date_formats, or its word for nothing to nulls"
    else:
        next_step = f"mend snapshot.tables.{table}.types, add the word for nothing to csv.nulls, or mend the file in the lake"
    return LakeError(
        f"lake file {path}: column {column}",
        found=f"row {row:,} (the first is 0) is no {canonical_name(kind)}{f', but {looks_like}' if looks_like else ''}",
        expected=f"values of type {kind}",
        next_step=next_step,
    )
