"""The rows of a table boiled down to what leaks between the parts of a split are found by: hashes, and what splits are made by.

What belongs here: reading the rows, once and a piece at a time. What does not: parts, and what is a leak (``leakage``).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.datasets.database import in_chunks, load_rows, open_database
from tasks.params.splits import SplitParams, TimeSplit

if TYPE_CHECKING:
    import duckdb

KEY = "row_key"


@dataclass(frozen=True)
class RowDigest:
    """As much of the masked rows as leaks are found by, in the relation ``digest``: ``key`` (hashed), ``own``, ``contents``."""

    database: "duckdb.DuckDBPyConnection"
    types: dict[str, pa.DataType]
    """Of every column of the rows but their key."""
    key_columns: tuple[str, ...]
    own: dict[str, str]
    """Column that a split is made by -> its name in the relation; none of a column that masking dropped."""
    contents: dict[str | None, str]
    """The same column (None: no such) -> the hash of all others but the key."""


@contextmanager
def digest_rows(
    pieces: Iterable[pa.Table], key_columns: Sequence[str], own_columns: Collection[str | None], spill: Path | None = None
) -> Iterator[RowDigest]:
    """Read the masked rows once, for any number of splits: ``pieces`` have all masked columns, and row_key.

    ``own_columns`` are those that the splits are made by (:func:`own_column`). What does not fit into memory lies below ``spill``.
    """
    types: dict[str, pa.DataType] = {}
    own: dict[str, str] = {}
    contents: dict[str | None, str] = {}
    select: list[str] = []

    def chunks() -> Iterator[pa.Table]:
        for held in in_chunks(pieces):
            chunk = pa.concat_tables(held, promote_options="default")
            if not select:
                types.update({field.name: field.type for field in chunk.schema if field.name != KEY})
                select.extend(_digest_columns(chunk.column_names, key_columns, own_columns, own, contents))
            # Names of ours: those of the rows may be keywords, or differ by case alone.
            yield chunk.rename_columns([f"c{place}" for place in range(chunk.num_columns)])

    with open_database(spill) as database:
        load_rows(database, "digest", chunks(), select)
        yield RowDigest(database, types, tuple(key_columns), own, contents)


def _digest_columns(
    names: Sequence[str],
    key_columns: Sequence[str],
    own_columns: Collection[str | None],
    own: dict[str, str],
    contents: dict[str | None, str],
) -> Iterator[str]:
    """The SQL of a digest's columns, over columns called by their places; ``own`` and ``contents`` are told their names."""
    places = {name: f"c{place}" for place, name in enumerate(names)}
    yield f"hash({places.pop(KEY)}) AS key"
    for number, column in enumerate(dict.fromkeys(own_columns)):
        if column in places:
            own[str(column)] = f"own_{number}"
            yield f"{places[str(column)]} AS own_{number}"
        content = ", ".join(place for name, place in places.items() if name not in {*key_columns, column})
        contents[column] = f"content_{number}"
        yield f"hash({content or 0}) AS content_{number}"


def own_column(split: SplitParams, time_column: str) -> str | None:
    """What ``split`` is made by: ``time_column`` of one by time, else the unit that is kept whole, if there is one."""
    return time_column if isinstance(split, TimeSplit) else split.unit
