"""The profile of a table: what each column holds, as counts, ranges and shares, never as values.

What belongs here: measuring, in few passes over an Arrow table (DuckDB). What does not: what the figures mean (``classes``,
``roles``). Ranges of numbers and times are kept for drafting suites; they are not shown.
"""

# Statements are put together from names that are quoted, and constants of this package.
# ruff: noqa: S608

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import canonical_type
from tasks.detection import PATTERN_NAMES, Examiner
from tasks.disclosure import open_tables, quote

_SAMPLED_ROWS = 20_000
"""Rows whose texts are held against the patterns, evenly spread; a share of 20,000 is exact to half a point."""
_FEW = 1000
"""Approximate numbers of distinct values below this are counted again, exactly."""
_VERY_FEW = 20
"""Distinct values up to which it is counted how often each stands."""
_NEARLY_ALL = 0.8
_COLUMNS_AT_ONCE = 32
"""Columns in one statement: what planning and running one takes grows with the square of its aggregates."""
_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_FLOATS = frozenset({"halffloat", "float", "double"})
_TIMES = frozenset({"timestamp[UTC]", "timestamp"})


@dataclass(frozen=True)
class ColumnProfile:
    """One column in figures; ``low`` and ``high`` are numbers, or microseconds since 1970 UTC for dates and times."""

    name: str
    kind: str
    """The canonical type, as manifests name it."""
    rows: int
    filled: int
    """Rows with a value; NaN is none."""
    distinct: int
    """Distinct values; exact where they are few or nearly all rows, else within some percent."""
    low: float | None = None
    high: float | None = None
    length: float = 0
    """Mean characters of a text."""
    words: float = 0
    """Mean words of a text."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Pattern -> the share of distinct texts (of a sample) that have it."""
    named: float = 0
    """The share of distinct texts that are names of people, by the lists."""
    second: int = 0
    """Rows with the second most frequent value, where the values are few and no fractions; else 0."""
    is_counted: bool = True
    """Whether :attr:`distinct` is exact."""

    @property
    def distinct_share(self) -> float:
        """Distinct values per row with a value; 1 where each stands once."""
        return self.distinct / self.filled if self.filled else 0.0

    @property
    def distinct_words(self) -> str:
        """The number of distinct values as it may be said."""
        return f"{self.distinct:,}" if self.is_counted else f"about {self.distinct:,}"

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value, and no value stands twice."""
        return 0 < self.rows == self.filled == self.distinct

    @property
    def is_text(self) -> bool:
        """True for texts."""
        return self.kind == "string"

    @property
    def is_integer(self) -> bool:
        """True for integers; booleans are none."""
        return self.kind in _INTEGERS

    @property
    def is_number(self) -> bool:
        """True for integers and floats."""
        return self.kind in _INTEGERS or self.kind in _FLOATS

    @property
    def is_time(self) -> bool:
        """True for timestamps."""
        return self.kind in _TIMES

    @property
    def is_date(self) -> bool:
        """True for dates and timestamps."""
        return self.kind == "date" or self.is_time


def open_table(table: pa.Table) -> duckdb.DuckDBPyConnection:
    """A connection in which ``table`` is the view ``t``."""
    return open_tables({"t": table})


def profile_table(table: pa.Table) -> dict[str, ColumnProfile]:
    """The profile of each column of ``table``, whose column names differ also when case is folded, in its order."""
    kinds = {column.name: canonical_type(column.type) for column in table.schema}
    profiles = _count_exactly(table, _measure(table, kinds))
    texts = [name for name, profile in profiles.items() if profile.is_text or (profile.is_integer and (profile.high or 0) >= 1e6)]
    if not texts:
        return profiles
    step = max(1, math.ceil(table.num_rows / _SAMPLED_ROWS))
    ordinals = list(range(0, table.num_rows, step))
    sample = table.select(texts).take(ordinals) if step > 1 else table
    for name in texts:
        profiles[name] = _look_at_texts(sample.column(name), profiles[name])
    return profiles


def _value(name: str, kind: str) -> str:
    """The column, with NaN as NULL."""
    return f"nullif({quote(name)}, 'NaN'::{'DOUBLE' if kind == 'double' else 'FLOAT'})" if kind in _FLOATS else quote(name)


def _range(name: str, kind: str) -> Sequence[str]:
    if kind in _INTEGERS or kind in _FLOATS:
        value = _value(name, kind)
        finite = f" FILTER (isfinite({value}))" if kind in _FLOATS else ""
        return (f"min({value}){finite}::DOUBLE", f"max({value}){finite}::DOUBLE")
    if kind in _TIMES or kind == "date":
        moment = f"epoch_us({quote(name)}::TIMESTAMP)"
        return (f"min({moment})::DOUBLE", f"max({moment})::DOUBLE")
    return ("NULL", "NULL")


def _measure(table: pa.Table, kinds: Mapping[str, str]) -> dict[str, ColumnProfile]:
    figures: dict[str, Sequence[str]] = {}
    for name, kind in kinds.items():
        value = _value(name, kind)
        distinct = "0" if kind == "null" else f"approx_count_distinct({value})"
        figures[name] = [f"count({value})", distinct, *_range(name, kind)]
    found, rows = _figures(table, figures), table.num_rows
    profiles = {}
    for name, kind in kinds.items():
        filled, distinct, low, high = found[name]
        profiles[name] = ColumnProfile(name, kind, rows, filled, min(distinct, filled), low, high, is_counted=kind == "null")
    return profiles


def _figures(table: pa.Table, figures: Mapping[str, Sequence[str]]) -> dict[str, list[Any]]:
    """The value of each column's aggregates over ``table``; a few columns are looked at together, and no other is there then."""
    found: dict[str, list[Any]] = {}
    names = list(figures)
    for first in range(0, len(names), _COLUMNS_AT_ONCE):
        group = names[first : first + _COLUMNS_AT_ONCE]
        with open_table(table.select(group)) as con:
            (values,) = con.execute(f"SELECT {', '.join(chain.from_iterable(figures[name] for name in group))} FROM t").fetchall()
        left = iter(values)
        found |= {name: list(islice(left, len(figures[name]))) for name in group}
    return found


def _count_exactly(table: pa.Table, profiles: dict[str, ColumnProfile]) -> dict[str, ColumnProfile]:
    """Count the distinct values again where little hangs on percents: few of them, or so many that they may be a key."""
    chosen = [
        p
        for p in profiles.values()
        if p.filled and (p.distinct < _FEW or (p.distinct_share > _NEARLY_ALL and p.kind not in _FLOATS and p.kind != "bool"))
    ]
    found = _figures(table, {p.name: [f"count(DISTINCT {_value(p.name, p.kind)})"] for p in chosen})
    exact = profiles | {p.name: replace(p, distinct=found[p.name][0], is_counted=True) for p in chosen}
    few = [p for p in exact.values() if 2 <= p.distinct <= _VERY_FEW and p.kind not in _FLOATS]
    counts = _figures(table, {p.name: [f"list_reverse_sort(map_values(histogram({quote(p.name)})))[2]"] for p in few})
    return exact | {p.name: replace(p, second=counts[p.name][0]) for p in few}


def _look_at_texts(column: pa.ChunkedArray, profile: ColumnProfile) -> ColumnProfile:
    """``profile`` with what the texts (or integers as texts) of ``column`` look like; spaces around them do not count."""
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    seen = Examiner().examine(profile.name, texts.filter(pc.not_equal(texts, "")))
    if not seen.distinct:
        return profile
    shares = {name: seen.hits.get(name, 0) / seen.distinct for name in PATTERN_NAMES}
    named = seen.named / seen.looked_at if seen.looked_at else 0.0
    return replace(profile, length=seen.characters / seen.distinct, words=seen.words / seen.distinct, shares=shares, named=named)
