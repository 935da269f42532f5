"""Counting how keys meet, before masking and after it, by DuckDB.

What belongs here: keys and their counts, and the joins of them. What does not: which joins there are (``joins``). The keys of a
partition are counted once and kept in the restricted zone, so that a refresh opens no partition for them that did not change;
the joins themselves are over all keys, for a key of today may meet one of last year.
"""

# Statements are put together from quoted names, escaped paths, and constants of this module.
# ruff: noqa: S608

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.datasets import hash_mapping
from tasks.datasets.database import open_database
from tasks.masking.joins import JoinSide, KeyJoin, compare
from tasks.paths import make_private
from tasks.records import JoinCounts, JoinMeasure, Manifest

if TYPE_CHECKING:
    import duckdb

_FORM = 2
"""Of the files of counted keys; another value here makes them anew."""
_MASKED = "masked"
"""The kind of a masked key column, which is text as it stands."""


@dataclass(frozen=True)
class KeyPlaces:
    """Where keys lie: raw partitions as ``snapshots`` lists them in ``raw``, masked ones under the same paths in ``masked``."""

    snapshots: Manifest
    raw: Path
    masked: Path
    made_under: Mapping[str, Mapping[str, str]]
    """Table -> path -> the reuse key under which a masked partition was made."""
    counted: Path
    """Restricted zone: the keys of earlier runs."""

    def inputs(self, table: str) -> tuple[dict[str, str], dict[str, str]]:
        """Raw and masked partitions of ``table``: what names their content -> their file."""
        partitions, made_under = self.snapshots.tables[table].partitions, self.made_under[table]
        raw = {f"{p.path}@{p.logical_hash}": str(self.raw / p.path) for p in partitions}
        return raw, {f"{p.path}@{made_under[p.path]}": str(self.masked / p.path) for p in partitions}


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
            raw, masked = places.inputs(side.table)
            kinds = [record.columns[column] for column in side.columns]
            _count(con, f"raw_{place}", _Keys(side, kinds, raw), places.counted)
            masked_kinds = [kind if column in side.kept else _MASKED for column, kind in zip(side.columns, kinds, strict=True)]
            _count(con, f"masked_{place}", _Keys(side, masked_kinds, masked), places.counted)
        measures = []
        for join in wanted:
            left, right, width = number[join.left], number[join.right], len(join.left.columns)
            before, after = (_meet(con, view, left, right, width) for view in ("raw", "masked"))
            measures.append(compare(join, before, after))
    return tuple(measures)


@dataclass(frozen=True)
class _Keys:
    """A key's columns, their types, and where they lie: what names a partition's content -> its file."""

    side: JoinSide
    kinds: Sequence[str]
    inputs: Mapping[str, str]


def _count(con: "duckdb.DuckDBPyConnection", name: str, of: _Keys, counted: Path) -> None:
    """Make the table ``name`` of distinct keys ``k0``, ``k1``, ... and their rows ``n``; what was counted before is not opened."""
    kinds, inputs, width = of.kinds, of.inputs, len(of.kinds)
    view = name.partition("_")[0]
    file = counted / f"{hash_mapping({'form': _FORM, 'view': view, 'side': str(of.side), 'kinds': kinds})}.parquet"
    con.register("wt_inputs", pa.table({"input": list(inputs), "path": list(inputs.values())}))
    columns = ", ".join(f"k{place} VARCHAR" for place in range(width))
    con.execute(f"CREATE OR REPLACE TEMP TABLE counted (input VARCHAR, {columns}, n BIGINT)")
    known: set[str] = set()
    if file.exists():
        known = {str(row[0]) for row in con.execute(f"SELECT DISTINCT input FROM {_files([str(file)])}").fetchall()}
        con.execute(f"INSERT INTO counted SELECT c.* FROM {_files([str(file)])} c SEMI JOIN wt_inputs w ON c.input = w.input")
    missing = [path for content, path in inputs.items() if content not in known]
    if missing:
        keys = ", ".join(_canonical(f"r.{_quote(column)}", kind) for column, kind in zip(of.side.columns, kinds, strict=True))
        con.execute(
            f"INSERT INTO counted SELECT w.input, {keys}, count(*) FROM {_files(missing, named=True)} r "
            "JOIN wt_inputs w ON w.path = r.filename GROUP BY ALL"
        )
    if missing or known - set(inputs):
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        con.execute(f"COPY counted TO {_text(str(part))} (FORMAT parquet, COMPRESSION zstd)")
        part.replace(file)
    is_whole = " AND ".join(f"k{place} IS NOT NULL" for place in range(width))
    con.execute(
        f"CREATE TEMP TABLE {name} AS SELECT {_keys(width)}, sum(n)::BIGINT AS n FROM counted WHERE {is_whole} GROUP BY ALL"
    )
    con.unregister("wt_inputs")


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
