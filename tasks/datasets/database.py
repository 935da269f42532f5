"""A DuckDB database that keeps within bounds of memory, for tables that may be larger than it.

What belongs here: the database's settings, and rows into it and out of it a piece at a time. What does not: what is asked of it.
DuckDB is imported when the first database is opened: most stages do without.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

_MEMORY = "1GB"
"""What tables, sorts and joins may hold; the rest goes to disk. Measured: 5 million rows of 30 columns need no more."""
ROWS_AT_ONCE = 250_000
"""Rows that go in, or come out, in one statement: each has a price of its own, and partitions may be very small."""


@contextmanager
def open_database(spill: Path | None = None) -> Iterator["duckdb.DuckDBPyConnection"]:
    """An empty database in UTC; what does not fit into memory lies in a private folder below ``spill``, gone afterwards.

    ``spill`` is made where it is missing; None: the system's folder for temporary files.
    """
    import duckdb

    if spill is not None:
        spill.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="database-", dir=spill, ignore_cleanup_errors=True) as folder, duckdb.connect() as con:
        con.execute("SET TimeZone='UTC'")
        con.execute("SET enable_progress_bar=false")
        con.execute(f"SET memory_limit='{_MEMORY}'")
        con.execute("SET temp_directory=$folder", {"folder": folder})
        yield con
    if spill is not None:
        with suppress(OSError):  # another stage's may lie in it
            spill.rmdir()


def in_chunks(pieces: Iterable[pa.Table], rows: int = ROWS_AT_ONCE) -> Iterator[list[pa.Table]]:
    """``pieces`` in order, as many together as have at most ``rows`` rows, but one at least."""
    held: list[pa.Table] = []
    count = 0
    for piece in pieces:
        if held and count + piece.num_rows > rows:
            yield held
            held, count = [], 0
        held.append(piece)
        count += piece.num_rows
    if held:
        yield held


def load_rows(con: "duckdb.DuckDBPyConnection", name: str, chunks: Iterable[pa.Table], select: Sequence[str] = ("*",)) -> None:
    """Make the temporary table ``name`` (an SQL identifier) of ``chunks``, of which only one is held at a time.

    ``select`` is what is kept of them, as SQL over their columns; it may be known with the first chunk only.
    """
    is_made = False
    for chunk in chunks:
        con.register("wt_chunk", chunk)
        verb = f"INSERT INTO {name}" if is_made else f"CREATE TEMP TABLE {name} AS"
        con.execute(f"{verb} SELECT {', '.join(select)} FROM wt_chunk")  # noqa: S608 - the caller's own SQL
        con.unregister("wt_chunk")
        is_made = True
