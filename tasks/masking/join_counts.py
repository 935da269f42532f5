"""Counting how keys meet, before masking and after it, by DuckDB.

What belongs here: keys and their counts, and the joins of them. What does not: which joins there are (``joins``). Raw keys are
counted once for each partition and kept in the restricted zone, so that a refresh opens no raw partition for them that did not
change; the joins themselves are over all keys, for a key of today may meet one of last year.
"""

# Statements are put together from quoted names, escaped paths, and constants of this module.
# ruff: noqa: S608

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.datasets import hash_mapping
from tasks.datasets.database import open_database
from tasks.masking.joins import JoinSide, KeyJoin, compare
from tasks.paths import make_private
from tasks.records import JoinCounts, JoinMeasure, Manifest, TableRecord

if TYPE_CHECKING:
    import duckdb

_FORM = 1
"""Of the files of raw keys; another value here makes them anew."""


@dataclass(frozen=True)
class KeyPlaces:
    """Where keys lie: raw partitions as ``snapshots`` lists them in ``raw``, masked ones under the same paths in ``masked``."""

    snapshots: Manifest
    raw: Path
    masked: Path
    counted: Path
    """Restricted zone: the raw keys of earlier runs."""


def measure_joins(joins: Sequence[KeyJoin], places: KeyPlaces) -> tuple[JoinMeasure, ...]:
    """Each of ``joins`` whose tables are in the snapshot, counted on raw and on masked keys.

    Two raw values are one key where their canonical forms are one (``tasks.masking.tokens``): NFC text, numbers and dates as
    text. A masked key is its text.
    """
    tables = places.snapshots.tables
    wanted = [join for join in joins if join.left.table in tables and join.right.table in tables]
    if not wanted:
        return ()
    make_private(places.counted)
    sides = list(dict.fromkeys(side for join in wanted for side in (join.left, join.right)))
    number = {side: place for place, side in enumerate(sides)}
    with open_database(places.counted) as con:
        for side, place in number.items():
            record = tables[side.table]
            _count_raw(con, f"raw_{place}", side, record, places)
            _count_masked(con, f"masked_{place}", side, record, places.masked)
        measures = []
        for join in wanted:
            left, right, width = number[join.left], number[join.right], len(join.left.columns)
            before, after = (_meet(con, view, left, right, width) for view in ("raw", "masked"))
            measures.append(compare(join, before, after))
    return tuple(measures)


def _count_raw(con: "duckdb.DuckDBPyConnection", name: str, side: JoinSide, record: TableRecord, places: KeyPlaces) -> None:
    """Make the table ``name`` of distinct raw keys ``k0``, ``k1``, ... and their rows ``n``."""
    kinds = [record.columns[column] for column in side.columns]
    file = places.counted / f"{hash_mapping({'form': _FORM, 'side': str(side), 'types': kinds})}.parquet"
    wanted = {f"{p.path}@{p.logical_hash}": str(places.raw / p.path) for p in record.partitions}
    con.register("wt_wanted", pa.table({"input": list(wanted), "path": list(wanted.values())}))
    columns = ", ".join(f"k{place} VARCHAR" for place in range(len(kinds)))
    con.execute(f"CREATE OR REPLACE TEMP TABLE counted (input VARCHAR, {columns}, n BIGINT)")
    known: set[str] = set()
    if file.exists():
        known = {str(row[0]) for row in con.execute(f"SELECT DISTINCT input FROM {_files([str(file)])}").fetchall()}
        con.execute(f"INSERT INTO counted SELECT c.* FROM {_files([str(file)])} c SEMI JOIN wt_wanted w ON c.input = w.input")
    missing = [path for key, path in wanted.items() if key not in known]
    if missing:
        keys = ", ".join(_canonical(f"r.{_quote(column)}", kind) for column, kind in zip(side.columns, kinds, strict=True))
        con.execute(
            f"INSERT INTO counted SELECT w.input, {keys}, count(*) FROM {_files(missing, named=True)} r "
            "JOIN wt_wanted w ON w.path = r.filename GROUP BY ALL"
        )
    if missing or known - set(wanted):
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        con.execute(f"COPY counted TO {_text(str(part))} (FORMAT parquet, COMPRESSION zstd)")
        part.replace(file)
    _aggregate(con, name, "SELECT * EXCLUDE input FROM counted", len(kinds), "sum(n)::BIGINT")
    con.unregister("wt_wanted")


def _count_masked(con: "duckdb.DuckDBPyConnection", name: str, side: JoinSide, record: TableRecord, masked: Path) -> None:
    """The same of masked keys; a kept column is read as a raw one, anything else as its text."""
    files = _files([str(masked / partition.path) for partition in record.partitions])
    kinds = {str(row[0]): str(row[1]) for row in con.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
    keys = ", ".join(
        f"{_canonical(_quote(column), 'string' if kinds[column] == 'VARCHAR' else record.columns[column])} AS k{place}"
        for place, column in enumerate(side.columns)
    )
    _aggregate(con, name, f"SELECT {keys} FROM {files}", len(side.columns), "count(*)")


def _aggregate(con: "duckdb.DuckDBPyConnection", name: str, source: str, width: int, count: str) -> None:
    is_whole = " AND ".join(f"k{place} IS NOT NULL" for place in range(width))
    con.execute(f"CREATE TEMP TABLE {name} AS SELECT {_keys(width)}, {count} AS n FROM ({source}) WHERE {is_whole} GROUP BY ALL")


def _meet(con: "duckdb.DuckDBPyConnection", view: str, left: int, right: int, width: int) -> JoinCounts:
    sides = [f"{view}_{left}", f"{view}_{right}"]
    (left_keys, left_rows), (right_keys, right_rows) = (
        con.execute(f"SELECT count(*), coalesce(sum(n), 0)::BIGINT FROM {side}").fetchall()[0] for side in sides
    )
    matched, left_matched, right_matched, joined = con.execute(
        "SELECT count(*), coalesce(sum(l.n), 0)::BIGINT, coalesce(sum(r.n), 0)::BIGINT, coalesce(sum(l.n::HUGEINT * r.n), 0) "
        f"FROM {sides[0]} l JOIN {sides[1]} r USING ({_keys(width)})"
    ).fetchall()[0]
    return JoinCounts(
        left_rows=left_rows,
        left_keys=left_keys,
        right_rows=right_rows,
        right_keys=right_keys,
        matched_keys=matched,
        left_matched_rows=left_matched,
        right_matched_rows=right_matched,
        joined_rows=joined,
    )


def _canonical(column: str, kind: str) -> str:
    """The text that stands for a value, equal where its tokens are equal (:func:`tasks.masking.tokens.canonical_bytes`)."""
    if kind == "string":
        return f"nfc_normalize({column})"
    if kind.startswith("timestamp"):
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S.%f')"
    return f"CAST({column} AS VARCHAR)"


def _files(paths: Iterable[str], *, named: bool = False) -> str:
    listed = ", ".join(map(_text, paths))
    return f"read_parquet([{listed}], hive_partitioning=false{', filename=true' if named else ''})"


def _keys(width: int) -> str:
    return ", ".join(f"k{place}" for place in range(width))


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
