"""Raw times as numbers, where masking made numbers or texts of them.

What belongs here: the conversion. What does not: which columns it is needed for (the stage ``utility``). A policy that turns dates
into decades leaves a number that a feature takes the mean of; of the raw column that mean is one of years, to the day.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

_EPOCH_YEAR, _DAYS_A_YEAR, _US_A_DAY = 1970.0, 365.2425, 86_400_000_000


class Table(Protocol):
    """A stored table, read piece by piece (:class:`tasks.datasets.StoredTable`)."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Column -> canonical type."""
        ...

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in order, in tables with ``columns``."""
        ...


class TimesAsYears:
    """A table some of whose time columns are read as years: float64, 1970.0 for the first moment of that year, UTC."""

    def __init__(self, table: Table, converted: Collection[str]) -> None:
        """``table``, with its columns ``converted``, each a date or a timestamp, as years."""
        self._table = table
        self._converted = frozenset(converted)

    @property
    def columns(self) -> Mapping[str, str]:
        """Column -> canonical type."""
        return {name: "double" if name in self._converted else kind for name, kind in self._table.columns.items()}

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """As the table's own."""
        for piece in self._table.pieces(columns):
            found = piece
            for place, name in enumerate(piece.column_names):
                if name in self._converted:
                    found = found.set_column(place, name, as_years(piece.column(name)))
            yield found


def as_years(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A date or timestamp column as float64 years; NULL stays NULL."""
    moments = column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else column
    days = pc.divide(moments.cast(pa.timestamp("us", moments.type.tz)).cast(pa.int64()).cast(pa.float64()), float(_US_A_DAY))
    return pc.add(pc.divide(days, _DAYS_A_YEAR), _EPOCH_YEAR)
