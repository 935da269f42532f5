"""The types of a table's declared columns: which are taken, how they are normalised, and whether all files agree.

What belongs here: types. What does not: reading files. A type is named as in manifests
(:func:`tasks.datasets.canonical_type`), with one difference: a timestamp without a zone is taken as UTC.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from tasks.datasets import canonical_type
from tasks.errors import DatasetError, LakeError

_NUMBERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double")
_TYPES: dict[str, pa.DataType] = {
    **{name: pa.type_for_alias(name) for name in (*_NUMBERS, "bool", "string", "binary")},
    "date": pa.date32(),
    "timestamp[UTC]": pa.timestamp("us", "UTC"),
    # A column without a single value has no type yet; it takes the type that any other file of its table gives it.
    "null": pa.null(),
}


class SchemaDriftError(LakeError):
    """Two files of one table give a column different types."""


class TableTypes:
    """The types of a table's declared columns, gathered file by file; a second type for a column is refused."""

    def __init__(self, table: str) -> None:
        """Begin with no column of ``table``."""
        self._table = table
        self._seen: dict[str, tuple[str, str]] = {}

    def add(self, path: str, types: Mapping[str, str]) -> None:
        """Add the column types of the file at ``path``; raises :class:`SchemaDriftError` naming it and the file it contradicts."""
        for column, kind in types.items():
            known, first = self._seen.get(column, ("null", path))
            if known == "null":
                self._seen[column] = (kind, path)
            elif kind not in ("null", known):
                raise SchemaDriftError(
                    f"lake table {self._table}: column {column}",
                    found=f"{kind} in {path}",
                    expected=f"{known}, as in {first}",
                    next_step="the schema changed between partitions: mend it in the lake, or leave the column out of "
                    f"snapshot.tables.{self._table}.columns",
                )

    def names(self) -> dict[str, str]:
        """Column -> type name, in the order in which columns were first seen; ``null`` where no file has a value."""
        return {column: kind for column, (kind, _) in self._seen.items()}


def column_types(path: str, schema: pa.Schema, columns: Sequence[str]) -> dict[str, str]:
    """The type names of the declared ``columns`` of the file at ``path``.

    Raises :class:`~tasks.errors.LakeError` where one is missing, stands twice, or is of a type that is not taken.
    """
    table = path.split("/", 1)[0]
    next_step = f"mend the file in the lake, or snapshot.tables.{table}.columns in params.yaml"
    for column in columns:
        if len(schema.get_all_field_indices(column)) != 1:
            has_it = column in schema.names
            raise LakeError(
                f"lake file {path}: column {column}",
                found="it stands more than once" if has_it else f"columns {', '.join(schema.names) or 'none'}",
                expected=f"the declared column {column}, once",
                next_step=next_step,
            )
    return {column: _type_name(path, column, schema.field(column).type, next_step) for column in columns}


def _type_name(path: str, column: str, kind: pa.DataType, next_step: str) -> str:
    try:
        name = canonical_type(kind)
    except DatasetError:
        name = str(kind)
    name = "timestamp[UTC]" if name == "timestamp" else name
    if name not in _TYPES:
        raise LakeError(
            f"lake file {path}: column {column}",
            found=f"type {kind}",
            expected="booleans, integers, floats, strings, bytes, dates or timestamps",
            next_step=next_step,
        )
    return name


def normalise(table: pa.Table, types: Mapping[str, str]) -> pa.Table:
    """The columns of ``types``, in its order, cast to the types that it names.

    Dictionaries are decoded, large strings become strings, dates become ``date32``, and timestamps become microseconds in UTC:
    finer fractions are cut off, and a timestamp without a zone is taken as UTC. ``table``'s columns must be of the types
    named, or all-null.
    """
    arrays = [_cast(table.column(name), _TYPES[kind]) for name, kind in types.items()]
    return pa.Table.from_arrays(arrays, names=list(types))


def _cast(column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    if column.type == target:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    # Not safe: a safe cast refuses nanoseconds that do not end in 000, and quotes the value.
    return column.cast(target, safe=False)
