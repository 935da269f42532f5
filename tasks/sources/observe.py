"""One file of the lake, looked at once for the pin: its columns' types, and what was known when.

What belongs here: what can be said of a file without copying it. What does not: hashes and listings (``pin``). Of Parquet, the
schema and the ``known`` column are read; text has no schema, and its columns without a declared type are read for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import LakeError
from tasks.params.snapshot import SourceParams, TableParams
from tasks.sources.convert import MOMENT, canonical_name, fits
from tasks.sources.json_reader import JsonLinesFile
from tasks.sources.layout import folder_values
from tasks.sources.parquet_reader import ParquetFile
from tasks.sources.reader import (
    VIRTUAL_TYPES,
    OpenedFile,
    Origins,
    SourceFile,
    TableSource,
    convert_column,
    find_origins,
    spelling_of,
    take_column,
)
from tasks.sources.schema import join_types, require_columns, type_name
from tasks.sources.text_types import ANY, TIMES, TextTypes
from tasks.sources.times import from_microseconds, to_microseconds

_MOMENT = "timestamp[UTC]"


@dataclass
class KnownTimes:
    """The ``known`` times of a file's rows, counted as they pass."""

    as_of: datetime
    rows: int = 0
    known_rows: int = 0
    newest: int | None = None
    """Microseconds since 1970, of all rows."""
    newest_known: int | None = None
    """Of the rows that were known by ``as_of``."""

    def add(self, known: pa.Array) -> None:
        """Count timestamps in UTC; NULL is never known."""
        by_then = known.filter(pc.less_equal(known, pa.scalar(to_microseconds(self.as_of), MOMENT)))
        self.rows += len(known)
        self.known_rows += len(by_then)
        self.newest = _later(self.newest, known)
        self.newest_known = _later(self.newest_known, by_then)


def _later(one: int | None, moments: pa.Array) -> int | None:
    other = pc.max(moments).cast(pa.int64()).as_py()
    return other if one is None else one if other is None else max(one, other)


@dataclass
class ColumnTypes:
    """The types of the columns that a file stores and nobody declared a type for, gathered batch by batch."""

    path: str
    columns: Sequence[str]
    text: TextTypes
    found: dict[str, str] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch, table: str) -> None:
        """Look at every value; raises :class:`~tasks.errors.LakeError` where a column mixes types."""
        texts = []
        for column in self.columns:
            kind = type_name(self.path, table, column, batch.column(column).type)
            joined = join_types(self.found.get(column, "null"), kind)
            if joined is None:
                raise LakeError(
                    f"lake file {self.path}: column {column}",
                    found=f"mixed types: {kind} after {self.found[column]}",
                    expected="values of one type in a column",
                    next_step=f"mend the file in the lake, or leave the column out of snapshot.tables.{table}.columns",
                )
            self.found[column] = joined
            if kind == "string":
                texts.append(column)
        self.text.add(batch, texts)

    def names(self) -> dict[str, str]:
        """Column -> type name; ``null`` where there is no value."""
        texts = self.text.names()
        return {column: texts[column] if kind == "string" else kind for column, kind in self.found.items()}


@dataclass(frozen=True)
class Observed:
    """What one opened file holds."""

    types: dict[str, str]
    """Type names of the columns that the file stores; one that no line of JSON has is not among them."""
    folders: tuple[str, ...]
    """Declared columns that the file's folders name."""
    known: KnownTimes


def observe_rows(file: SourceFile, table: str, declared: TableParams, as_of: datetime) -> Observed:
    """Look at ``file`` of ``table``; raises :class:`~tasks.errors.LakeError` where it is not as declared."""
    source = TableSource(table, declared)
    if declared.known in declared.types:
        _require_moments(file.path, table, declared.known, {declared.known: canonical_name(declared.types[declared.known])})
    opened = file.open(declared)
    origins = find_origins(file, opened, table, declared.columns)
    types = {column: canonical_name(declared.types[column]) for column in origins.stored if column in declared.types}
    if isinstance(opened, ParquetFile):
        open_types = {column: opened.schema.field(column).type for column in origins.stored if column not in types}
        types |= {column: type_name(file.path, table, column, kind) for column, kind in open_types.items()}
        _require_moments(file.path, table, declared.known, types)
        known = _scan(file, source=source, opened=opened, origins=origins, known=declared.known, as_of=as_of, inferred=None)
        return Observed(types, tuple(sorted(origins.folders)), known)
    if declared.known in origins.stored:  # text says of itself whether it is a time
        types.setdefault(declared.known, _MOMENT)
    inferred = column_types(file, opened, source, [column for column in origins.stored if column not in types])
    known = _scan(file, source=source, opened=opened, origins=origins, known=declared.known, as_of=as_of, inferred=inferred)
    types |= inferred.names()
    if isinstance(opened, JsonLinesFile):
        types = {column: kind for column, kind in types.items() if column in opened.seen}
        require_columns(file.path, table, sorted(opened.seen), tuple(types))
    return Observed(types, tuple(sorted(origins.folders)), known)


def column_types(
    file: SourceFile,
    opened: OpenedFile,
    source: TableSource[SourceParams],
    columns: Sequence[str],
    *,
    null_words: Sequence[str] | None = None,
) -> ColumnTypes:
    """Begin to gather the types of ``columns`` of ``file``; in JSON, a text in quotes is never a number.

    Mixed types are refused, unless ``null_words`` are given: words that may stand for no value among numbers and times.
    """
    kinds = TIMES if isinstance(opened, JsonLinesFile) else ANY
    spelling = spelling_of(file.path, source.params)
    text = TextTypes(file.path, columns, spelling, kinds=kinds, null_words=null_words)
    return ColumnTypes(file.path, columns, text)


def _require_moments(path: str, table: str, known: str, types: dict[str, str]) -> None:
    if types.get(known, _MOMENT) not in (_MOMENT, "null"):
        raise LakeError(
            f"lake file {path}: column {known}",
            found=f"type {types[known]}",
            expected="timestamps, since this column says when each row became known",
            next_step=f"name another column as snapshot.tables.{table}.known, or declare what it counts or spells: "
            f"snapshot.tables.{table}.types: {{{known}: timestamp_s}} (or timestamp_ms, timestamp)",
        )


def _scan(
    file: SourceFile,
    *,
    source: TableSource[SourceParams],
    opened: OpenedFile,
    origins: Origins,
    known: str,
    as_of: datetime,
    inferred: ColumnTypes | None,
) -> KnownTimes:
    """Pass over the rows once: count their known times, and look at the columns whose type is open."""
    counted = KnownTimes(as_of)
    stored = list(inferred.columns) if inferred else []
    if known in origins.stored:
        stored.append(known)
    for batch in opened.batches(stored):
        if inferred is not None:
            inferred.add(batch, source.name)
        values = take_column(file, origins, batch, known, first_row=counted.rows)
        counted.add(convert_column(file.path, source, known, values, kind=_MOMENT, first_row=counted.rows))
    return counted


def newest_moment(path: str, column: str, microseconds: int | None) -> datetime | None:
    """The moment that a ``known`` time stands for; raises :class:`~tasks.errors.LakeError` where it is none of a calendar."""
    try:
        return None if microseconds is None else from_microseconds(microseconds)
    except OverflowError:
        raise LakeError(
            f"lake file {path}: column {column}",
            found="a time outside the years 1 to 9999",
            expected="the time at which each row became known",
            next_step="mend the file in the lake: NULL says that a row is not known yet",
        ) from None


def folder_types(paths: Sequence[str], declared: SourceParams, columns: Sequence[str], known: str | None = None) -> dict[str, str]:
    """The types of ``columns`` that the folders of ``paths`` name: whole numbers, dates, times, or else text.

    The column ``known`` is one of times. Unlike in files, a number may begin with a zero: ``month=01`` is one.
    """
    found = {}
    for column in columns:
        if column in declared.types or column == known:
            found[column] = canonical_name(declared.types.get(column, "timestamp"))
            continue
        values = sorted({value for path in paths if (value := folder_values(path).get(column)) is not None})
        text = pa.array(values, pa.string())
        kinds = ("int64", "date", _MOMENT) if values else ()
        found[column] = next((kind for kind in kinds if fits(text, kind, declared.csv)), "string" if values else "null")
    return found


def virtual_types(columns: Sequence[str]) -> dict[str, str]:
    """The types of those of ``columns`` that no file holds."""
    return {column: VIRTUAL_TYPES[column] for column in columns if column in VIRTUAL_TYPES}
