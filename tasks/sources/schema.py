"""The types of a table's declared columns: which are taken, how they are normalised, and whether all files agree.

What belongs here: types. What does not: reading files. A type is named as in manifests
(:func:`tasks.datasets.canonical_type`), with one difference: a timestamp without a zone is taken as UTC.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from tasks.datasets import canonical_type
from tasks.errors import DatasetError, LakeError

_NUMBERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double")
# A column without a single value is null: it has no type yet, and takes the one that any other file of its table gives it.
_TYPES = frozenset((*_NUMBERS, "bool", "string", "binary", "date", "timestamp[UTC]", "null"))
_JOINED = {frozenset(("int64", "double")): "double", frozenset(("date", "timestamp[UTC]")): "timestamp[UTC]"}
"""What two types make together where a file's text, and not its writer, says the type."""


class SchemaDriftError(LakeError):
    """Two files of one table give a column different types."""


class TableTypes:
    """The types of a table's declared columns, gathered file by file; a second type for a column is refused."""

    def __init__(self, table: str, *, is_text: bool = False, is_mixed_text: bool = False) -> None:
        """Begin with no column of ``table``.

        Where its files are text (``is_text``), whole numbers and fractions go together; with ``is_mixed_text``, all types do.
        """
        self._table = table
        self._is_text = is_text
        self._is_mixed_text = is_mixed_text
        self._seen: dict[str, tuple[str, str]] = {}

    def add(self, path: str, types: Mapping[str, str]) -> None:
        """Add the column types of the file at ``path``; raises :class:`SchemaDriftError` naming it and the file it contradicts."""
        for column, kind in types.items():
            known, first = self._seen.get(column, ("null", path))
            if known == "null":
                self._seen[column] = (kind, path)
            elif self._is_text and (joined := join_types(known, kind)):
                self._seen[column] = (joined, first if joined == known else path)
            elif kind not in ("null", known) and self._is_mixed_text:
                self._seen[column] = ("string", path)
            elif kind not in ("null", known):
                raise SchemaDriftError(
                    f"lake table {self._table}: column {column}",
                    found=f"{kind} in {path}",
                    expected=f"{known}, as in {first}",
                    next_step="the schema changed between partitions: mend it in the lake, declare the column's type under "
                    f"snapshot.tables.{self._table}.types, or leave it out of snapshot.tables.{self._table}.columns",
                )

    def names(self) -> dict[str, str]:
        """Column -> type name, in the order in which columns were first seen; ``null`` where no file has a value."""
        return {column: kind for column, (kind, _) in self._seen.items()}


def join_types(one: str, other: str) -> str | None:
    """The type that takes the values of both where text says the type; None where there is none but text itself."""
    if one == other or "null" in (one, other):
        return other if one == "null" else one
    return _JOINED.get(frozenset((one, other)))


def names_by_fold(names: Sequence[str]) -> dict[str, list[str]]:
    """Name without case -> the names that are it, in order; more than one are one name to SQL."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.casefold(), []).append(name)
    return found


def require_columns(path: str, table: str, names: Sequence[str], columns: Sequence[str], *, shows_names: bool = True) -> None:
    """Raise :class:`~tasks.errors.LakeError` where the file at ``path`` lacks one of ``columns``, or has it twice.

    Two names that differ only by case are one: engines downstream do not tell them apart. Names are shown only where they
    cannot be values (``shows_names``): the first row of a CSV file need not be a header.
    """
    held = f"columns {', '.join(names) or 'none'}" if shows_names else f"a first row of {len(names)} names, and it is none of them"
    folded = names_by_fold(names)
    for column in columns:
        alike = folded.get(column.casefold(), [])
        if alike != [column]:
            twice = "it stands more than once" if len(set(alike)) == 1 else f"names that differ only by case: {', '.join(alike)}"
            raise LakeError(
                f"lake file {path}: column {column}",
                found=twice if len(alike) > 1 else held if not alike else f"{alike[0]}, which differs by case",
                expected=f"the declared column {column}, once",
                next_step=f"mend the file in the lake, or snapshot.tables.{table} in params.yaml (columns, csv)",
            )


def type_name(path: str, table: str, column: str, kind: pa.DataType) -> str:
    """The name of the type of ``column`` in the file at ``path``; raises :class:`~tasks.errors.LakeError` if it is not taken."""
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
            next_step=f"mend the file in the lake, declare a type to convert it to under snapshot.tables.{table}.types, "
            f"or leave it out of snapshot.tables.{table}.columns",
        )
    return name
