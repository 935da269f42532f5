"""Times that are written as text: how they are spelled, and which columns of text hold nothing else.

What belongs here: guesses for whoever writes ``params.yaml``, each with its reason. What does not: reading for a pin or a
snapshot, which takes a text for a time only where ``types`` says so, or where every value is one (CSV and JSON lines).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from tasks.params.snapshot import CsvParams, SourceParams, TypeName
from tasks.sources.convert import convert, fits
from tasks.sources.lake import Lake
from tasks.sources.tables import read_batches
from tasks.sources.text_types import TIMES, TextTypes

_VALUES = 2_000
"""Distinct values of a column that its spelling is guessed from; whether all are times is asked of every row."""
_SPELLED: dict[str, TypeName] = {"date": "date", "timestamp[UTC]": "timestamp"}
_DATE_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}", ("%d-%b-%Y", "%d %b %Y")),
)
_CLOCKS = (("", ""), (r" \d{1,2}:\d{2}", " %H:%M"), (r" \d{1,2}:\d{2}:\d{2}", " %H:%M:%S"))


@dataclass(frozen=True)
class TextTimes:
    """Columns of text that hold times only: what each is to be declared as, and the patterns that this takes."""

    types: dict[str, TypeName] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def convert(self, rows: pa.Table) -> pa.Table:
        """``rows`` with these columns as times."""
        spelling = CsvParams(date_formats=self.date_formats)
        for name, kind in self.types.items():
            column = convert(rows.column(name).combine_chunks(), kind, spelling)
            rows = rows.set_column(rows.column_names.index(name), name, column)
        return rows


def find_text_times(lake: Lake, name: str, source: SourceParams, rows: pa.Table) -> TextTimes:
    """The columns of text of the table ``name`` whose every value is a date or a time; ``rows`` are some of its rows.

    ``source`` declares the type of each column. Every row of the table is asked, but only of columns that are nothing but times
    in ``rows``.
    """
    texts = {c.name: _first_values(rows.column(c.name)) for c in rows.schema if pa.types.is_string(c.type)}
    formats, said = guess_date_formats([values.to_pylist() for values in texts.values()])
    spelling = CsvParams(date_formats=formats)
    likely = [column for column, values in texts.items() if len(values) and fits(values, "timestamp[UTC]", spelling)]
    if not likely:
        return TextTimes()
    found = TextTypes(name, likely, spelling, kinds=TIMES, null_words=())
    for batch in read_batches(lake, name, source, likely):
        found.add(batch, likely)
    types = {column: _SPELLED[kind] for column, kind in found.names().items() if kind in _SPELLED}
    if not types:
        return TextTimes()
    named = ", ".join(types)
    return TextTimes(types, formats, (f"text that spells a time in every row is read as one: {named}", *said))


def _first_values(column: pa.ChunkedArray) -> pa.Array:
    return column.unique().drop_null().slice(0, _VALUES)


def guess_date_formats(columns: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patterns (strptime) of the columns whose every value is a date and not spelled as in ISO 8601; what to say of them."""
    formats: dict[str, None] = {}
    reasons: dict[str, None] = {}
    for column in columns:
        values = sorted({value.strip() for value in column if value.strip()})
        for shape, patterns in _DATE_SHAPES:
            for clock, suffix in _CLOCKS:
                if not values or not all(re.fullmatch(shape + clock, value) for value in values):
                    continue
                fitting = [pattern for pattern in patterns if _all_dates(values, pattern + suffix)]
                if fitting:
                    formats[fitting[0] + suffix] = None
                    said = f"dates as {fitting[0]}{suffix}"
                    doubt = f"; {fitting[1]}{suffix} would fit as well: check it" if len(fitting) > 1 else ""
                    reasons[said + doubt] = None
    return tuple(formats), tuple(reasons)


def _all_dates(values: Sequence[str], pattern: str) -> bool:
    try:
        for value in values:
            datetime.strptime(value, pattern)
    except ValueError:
        return False
    return True
