"""Tables of a lake read before they are declared: a sample, all rows, and the types that all values fit.

What belongs here: reading for whoever writes the declaration. What does not: guessing how text is written (``guess``), and the
pin and the snapshot, which take nothing but what is declared.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from tasks.errors import LakeError
from tasks.params.snapshot import SourceParams, TypeName
from tasks.sources.convert import canonical_name
from tasks.sources.json_reader import JsonLinesFile
from tasks.sources.lake import Lake, LakeFile
from tasks.sources.layout import folder_values, format_of, list_table
from tasks.sources.observe import column_types, folder_types
from tasks.sources.parquet_reader import ParquetFile
from tasks.sources.reader import VIRTUAL_TYPES, OpenedFile, SourceFile, TableSource, find_origins, read_rows
from tasks.sources.receive import unreadable_file
from tasks.sources.schema import TableTypes, names_by_fold, type_name

NULL_WORDS = ("NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "none", "NaN", "nan", "?", "-", "--", ".", "\\N", "missing")
"""What people write where a number is missing; taken for that only where all other values of the column are numbers or times."""


@dataclass(frozen=True)
class InferredTypes:
    """What a table's columns turn out to be, from every value of every file."""

    types: dict[str, TypeName]
    """Fit for ``snapshot.tables.<table>.types``, in the files' order of columns; virtual columns are not among them."""
    null_words: tuple[str, ...]
    """Words that stand among numbers or times; with them under ``csv.nulls`` the types hold."""
    left_out: dict[str, str]
    """Column -> why it cannot be copied: nested, without a single value, or of a name that does not tell it from another."""
    rows: int


@dataclass
class _Gathered:
    """What is known of a table so far."""

    types: TableTypes
    left_out: dict[str, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    rows: int = 0


def infer_types(lake: Lake, name: str, source: SourceParams, *, rows: int | None = None) -> InferredTypes:
    """The types of all columns of the table ``name``; every value of text is looked at, of Parquet only the schema.

    A column whose values are of several types is text. Types that ``source`` declares are kept. With ``rows``, only so many
    are looked at, and the types may not hold for the others. Raises :class:`~tasks.errors.LakeError` where a file cannot be
    read as ``source`` says, or files differ in their columns.
    """
    listing = list_table(lake, name, source)
    named = column_names(lake, name, source, listing)
    twice = _standing_twice(lake, listing[0], source, named)
    columns = tuple(column for column in named if column not in twice)
    table = TableSource(name, source)
    is_text = format_of(listing[0].path, source) != "parquet"
    gathered = _Gathered(TableTypes(name, is_text=is_text, is_mixed_text=is_text))
    for listed in listing:
        if rows is not None and gathered.rows >= rows:
            break
        with _opened(lake, listed, source) as (file, opened):
            _gather(file, opened, table, columns, gathered, rows=rows)
    folders = [column for column in columns if column in folder_values(listing[0].path)]
    found = {**folder_types([file.path for file in listing], source, folders), **gathered.types.names(), **source.types}
    types = {column: _declared_name(found[column]) for column in columns if found.get(column, "null") != "null"}
    left_out = {column: "it holds no value" for column in columns if column not in types} | gathered.left_out | twice
    return InferredTypes(types, tuple(sorted(gathered.words)), left_out, gathered.rows)


def _standing_twice(lake: Lake, first: LakeFile, source: SourceParams, columns: Sequence[str]) -> dict[str, str]:
    """Columns that cannot be asked for, and why: names that stand twice in the first file, or differ by case alone."""
    with _opened(lake, first, source) as (_, opened):
        names = list(columns) if isinstance(opened, JsonLinesFile) else list(opened.names)
    held = set(names)
    folded = names_by_fold([*names, *(column for column in columns if column not in held)])
    found = {}
    for column in columns:
        alike = folded[column.casefold()]
        if len(alike) > 1:
            others = ", ".join(dict.fromkeys(name for name in alike if name != column))
            found[column] = f"it differs from {others} by case alone" if others else "it stands more than once"
    return found


def _declared_name(kind: str) -> TypeName:
    return "timestamp" if kind == "timestamp[UTC]" else kind  # type: ignore[return-value]  # names of both are the same


def column_names(lake: Lake, name: str, source: SourceParams, listing: Sequence[LakeFile] | None = None) -> tuple[str, ...]:
    """The columns of the table ``name``: those of its first file, then those that its folders name; of JSON, those of all lines."""
    listing = listing or list_table(lake, name, source)
    found: dict[str, None] = {}
    for listed in listing:
        with _opened(lake, listed, source) as (_, opened):
            found |= dict.fromkeys(opened.scan_names() if isinstance(opened, JsonLinesFile) else opened.names)
        if not isinstance(opened, JsonLinesFile):
            break
    return tuple(found | dict.fromkeys(column for column in folder_values(listing[0].path) if column not in found))


@contextmanager
def _opened(lake: Lake, listed: LakeFile, source: SourceParams) -> Iterator[tuple[SourceFile, OpenedFile]]:
    try:
        with lake.open_file(listed) as stream:
            file = SourceFile(listed.path, listed.mtime_utc, stream)
            yield file, file.open(source)
    except (OSError, pa.ArrowException) as error:
        raise unreadable_file(listed.path, error) from None


def _gather(
    file: SourceFile,
    opened: OpenedFile,
    table: TableSource[SourceParams],
    columns: Sequence[str],
    gathered: _Gathered,
    *,
    rows: int | None,
) -> None:
    stored = find_origins(file, opened, table.name, columns).stored
    if isinstance(opened, ParquetFile):
        gathered.rows += opened.rows
        for column in stored:
            _add_stored(file.path, table, column, opened.schema.field(column).type, gathered)
        return
    if isinstance(opened, JsonLinesFile):
        opened.scan_names()
        gathered.left_out |= dict.fromkeys(sorted(opened.nested), "its values are lists or objects")
    unknown = [column for column in stored if column not in table.params.types and column not in gathered.left_out]
    inferred = column_types(file, opened, table, unknown, null_words=NULL_WORDS)
    for batch in opened.batches(unknown):
        part = batch if rows is None else batch.slice(0, rows - gathered.rows)
        inferred.add(part, table.name)
        gathered.rows += part.num_rows
        if rows is not None and gathered.rows >= rows:
            break
    gathered.words |= inferred.text.null_words()
    gathered.types.add(file.path, inferred.names())


def _add_stored(path: str, table: TableSource[SourceParams], column: str, kind: pa.DataType, gathered: _Gathered) -> None:
    if column in table.params.types:
        return
    if pa.types.is_decimal(kind):
        gathered.types.add(path, {column: "double"})
        return
    try:
        gathered.types.add(path, {column: type_name(path, table.name, column, kind)})
    except LakeError:
        if not pa.types.is_nested(kind) and not pa.types.is_duration(kind) and not pa.types.is_time(kind):
            raise
        gathered.left_out[column] = f"its type is {kind}"


def read_batches(
    lake: Lake, name: str, source: SourceParams, columns: Sequence[str] | None = None, *, rows: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of the table ``name`` (none: all) in order of files and rows, in bounded memory, as its text is typed.

    ``columns`` (none: all that can be copied) may name virtual ones. Where ``source`` does not declare the type of each,
    types are inferred first, from the rows that are asked for.
    """
    asked = None if columns is None else [column for column in columns if column not in VIRTUAL_TYPES]
    types: dict[str, TypeName] = dict(source.types)
    if asked is None or any(column not in types for column in asked):
        types = infer_types(lake, name, source, rows=rows).types
    typed = TableSource(name, source.model_copy(update={"types": types}))
    kinds = {column: canonical_name(kind) for column, kind in {**types, **VIRTUAL_TYPES}.items()}
    wanted = {column: kinds[column] for column in (types if columns is None else columns)}
    left = rows
    for listed in list_table(lake, name, source):
        if left is not None and left <= 0:
            return
        with _opened(lake, listed, source) as (file, _):
            for batch in read_rows(file, typed, wanted, rows=left):
                yield batch
                left = None if left is None else left - batch.num_rows


def read_sample(lake: Lake, name: str, source: SourceParams, rows: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The first ``rows`` rows of the table ``name`` as :func:`read_batches` gives them.

    A type that a sample suggests need not hold for all rows (:func:`infer_types`). Raises
    :class:`~tasks.errors.LakeError` where there is no row.
    """
    batches = [batch for batch in read_batches(lake, name, source, columns, rows=rows) if batch.num_rows]
    if not batches:
        raise LakeError(
            f"lake table {name}",
            found="files without a single row",
            expected="at least one row",
            next_step="fill the table, or leave it out",
        )
    return pa.Table.from_batches(batches)
