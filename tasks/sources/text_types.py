"""The types of columns of text, found from all of their values, batch by batch.

What belongs here: what a column of text turns out to be. What does not: turning it into that (``convert``). A type is found
from every value of a file, never from its first rows: a snapshot must not depend on where a sample ended.
"""

from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import LakeError
from tasks.params.snapshot import CsvParams
from tasks.sources.convert import fits

_WIDER = {"int64": "double", "date": "timestamp[UTC]"}
"""Type -> the one that takes all of its values and more, before a column is nothing but text."""
ANY = ("int64", "date", "bool")
TIMES = ("date",)
_MIXED_FROM = 0.9
"""The share of numbers (or times) from which a column that also holds other words is taken for a mistake, not for text."""
_SHAPES = {
    "int64": r"^\s*[+-]?[0-9]+\s*$",
    "double": r"^\s*[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?\s*$",
    "date": r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$",
    "timestamp[UTC]": r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "bool": r"^(?i:true|false)$",
}


class TextTypes:
    """The types of one file's columns of text, gathered batch by batch."""

    def __init__(
        self, path: str, columns: Sequence[str], csv: CsvParams, *, kinds: Sequence[str], null_words: Sequence[str] | None
    ) -> None:
        """Begin with no value of ``columns`` of the file at ``path``.

        ``kinds`` names what a text may stand for beside itself (:data:`ANY`, :data:`TIMES`). Mixed types are refused, unless
        ``null_words`` are given: these are then passed over in columns of numbers and times, and noted; what is mixed is text.
        """
        self._path = path
        self._csv = csv
        self._kinds = kinds
        self._refuses_mixed = null_words is None
        self._null_words = pa.array(null_words or (), pa.string())
        self._found = dict.fromkeys(columns, "null")
        self._values = dict.fromkeys(columns, 0)
        self._words: dict[str, set[str]] = {column: set() for column in columns}

    def add(self, batch: pa.RecordBatch, columns: Sequence[str]) -> None:
        """Look at every value of ``columns`` of ``batch``, which are text.

        Raises :class:`~tasks.errors.LakeError` where a column mixes types: nearly all of its values are numbers, or times,
        and some are other words.
        """
        for column in columns:
            found = self._found[column]
            values = batch.column(column).drop_null()
            if not len(values) or found == "string":
                continue
            self._found[column] = self._widen(column, found, values)
            self._values[column] += len(values)

    def _widen(self, column: str, found: str, values: pa.Array) -> str:
        start = (found,) if found != "null" else self._kinds
        if found in ("null", "int64") and _has_codes(values):
            return "string"
        kind = self._fit(values, start)
        if kind is None and len(self._null_words):
            is_word = pc.is_in(values, self._null_words)
            others = values.filter(pc.invert(is_word))
            kind = self._fit(others, start) if len(others) else found
            if kind is not None:
                self._words[column].update(values.filter(is_word).unique().to_pylist())
        if kind is None and self._refuses_mixed:
            self._refuse_mixed(column, found, values)
        return kind or "string"

    def _fit(self, values: pa.Array, start: Sequence[str]) -> str | None:
        for family in start:
            kind: str | None = family
            while kind is not None:
                # 0 and 1, yes and no are taken for truth values only where they are declared to be.
                is_bool = kind != "bool" or pc.all(pc.match_substring_regex(values, _SHAPES["bool"])).as_py()
                if is_bool and fits(values, kind, self._csv):
                    return kind
                kind = _WIDER.get(kind)
        return None

    def null_words(self) -> set[str]:
        """The words passed over in columns of numbers and times."""
        return {word for column, found in self._found.items() if found != "string" for word in self._words[column]}

    def _refuse_mixed(self, column: str, found: str, values: pa.Array) -> None:
        """What was found so far fits ``found``; do nearly all of ``values`` too?"""
        kinds = (found, _WIDER.get(found, found)) if found != "null" else [_WIDER.get(kind, kind) for kind in self._kinds]
        total = self._values[column] + len(values)
        for kind in kinds:
            like = pc.sum(pc.match_substring_regex(values, _SHAPES[kind])).as_py()
            fitting = like + (self._values[column] if found != "null" else 0)
            if fitting < total and fitting >= _MIXED_FROM * total:
                raise LakeError(
                    f"lake file {self._path}: column {column}",
                    found=f"mixed types: {fitting:,} of {total:,} values are of type {kind}, the others are not",
                    expected="values of one type in a column",
                    next_step="name the words that stand for no value under snapshot.tables.<table>.csv.nulls, "
                    f"or declare the column's type under snapshot.tables.<table>.types, for example {column}: string",
                )

    def names(self) -> dict[str, str]:
        """Column -> type name; ``null`` where there is no value."""
        return dict(self._found)


def _has_codes(values: pa.Array) -> bool:
    """Whether a value is a code like a postcode, which would lose its zeros as a number (``007``)."""
    signs = (pc.starts_with(values, start) for start in ("0", "-0", "+0"))  # many times as fast as the pattern
    begin = values.filter(reduce(pc.or_, signs))
    return bool(pc.any(pc.match_substring_regex(begin, "^[+-]?0[0-9xX][0-9a-fA-F]*$")).as_py())
