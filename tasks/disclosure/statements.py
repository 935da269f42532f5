"""SQL on tables in memory: names as identifiers, and a connection that answers alike everywhere.

What belongs here: these two. What does not: any statement.
"""

import duckdb
import pyarrow as pa


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def open_tables(tables: dict[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """A connection in which each of ``tables`` is a view of its name; times are UTC."""
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    con.execute("SET enable_progress_bar=false")  # it would be written into what the command prints
    for name, table in tables.items():
        con.register(name, table)
    return con
