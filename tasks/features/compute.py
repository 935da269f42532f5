"""Running the features' statements over tables of any size, and refusing rows that they cannot be run over.

What belongs here: checks of rows, and the shape of the result. What does not: where tables come from, and the SQL.
"""

# Statements are put together from names that are quoted, literals that are escaped, and constants of this package.
# ruff: noqa: S608

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from tasks.datasets import filter_pieces, row_keys
from tasks.datasets.database import in_chunks, load_rows, open_database
from tasks.errors import FeatureError
from tasks.features.check import Aggregate, Schemas, check_features, kept_columns, needed_columns, source_of
from tasks.features.compile import (
    AT,
    CHOSEN,
    LABEL,
    LABEL_KNOWN,
    ORDINAL,
    PIECE,
    compile_features,
    key_columns,
    microseconds,
    source_table,
)
from tasks.features.label import LABEL_TYPES, refuse_useless_labels
from tasks.features.types import is_integer, is_text, quote
from tasks.params.base import split_reference
from tasks.params.features import FeaturesParams, Latest, Mean, Take
from tasks.params.models import LabelParams
from tasks.params.snapshot import TableParams

if TYPE_CHECKING:
    import duckdb

_UTC = pa.timestamp("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LARGEST, _SMALLEST = 2.0**53, 2.0**-20
"""A mean of floats is exact to 2**-40: beyond these sizes that is too little, or totals no longer fit 127 bits."""


class Source(Protocol):
    """A masked table that is read piece by piece, as often as needed (:class:`tasks.datasets.StoredTable`)."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Column -> canonical type."""
        ...

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in order, in tables with ``columns``."""
        ...


def compute_features(
    sources: Mapping[str, Source],
    features: FeaturesParams,
    tables: Mapping[str, TableParams],
    label: LabelParams,
    *,
    as_of: datetime,
    spill: Path | None = None,
    chosen: pa.ChunkedArray | None = None,
) -> Iterator[pa.Table]:
    """Features and label of each row of ``sources[features.rows]``, one table for each of its pieces, in their order.

    ``chosen`` (boolean, one per row in that order): only of the rows where it is true, which look back into all of them.

    ``sources`` holds the masked tables with at least their :func:`~tasks.features.check.needed_columns`. The result has
    ``row_key`` (string), ``at_utc`` (timestamp, UTC), ``label`` (by task: int8, 1 where it equals ``label.positive``, else 0;
    string, the class's name; float64; NULL where it has no value, or was not known by ``as_of``), ``label_known_utc``
    (timestamp, UTC), and each feature: string for texts, else float64 with booleans as 0 and 1 and NaN as NULL. What each
    feature means: :func:`~tasks.features.compile.compile_features`. Of a table that is looked back into the columns that this
    takes are held in a database, whose larger part may lie on disk below ``spill``; of the rows to predict some pieces.

    Raises, before the first piece, :class:`~tasks.errors.FeatureError` for declarations that look into the future or do not fit,
    duplicate keys, rows without a prediction time, numbers that cannot be averaged exactly, and labels that
    :func:`~tasks.features.label.refuse_useless_labels` refuses.
    """
    schemas = {name: source.columns for name, source in sources.items()}
    check_features(features, tables, label, schemas)
    with open_database(spill) as con:
        for name, columns in kept_columns(features, tables, label).items():
            chunks = (pa.concat_tables(chunk, promote_options="default") for chunk in in_chunks(sources[name].pieces(columns)))
            load_rows(con, source_table(name), _numbered(chunks) if name == features.rows else chunks)
        _refuse_duplicates(con, features, tables, label)
        _refuse_unaskable_rows(con, features)
        _refuse_inexact_means(con, features, schemas)
        as_of_us = (as_of - _EPOCH) // timedelta(microseconds=1)
        statements = compile_features(features, tables, label, schemas, as_of_us, is_some=chosen is not None)
        if chosen is not None:
            con.register(CHOSEN, _ordinals(0, len(chosen)).filter(chosen))
        for step in statements.prepare:
            con.execute(step)
        labels = con.sql(statements.labels).to_arrow_table().column(LABEL).cast(LABEL_TYPES[label.task])
        refuse_useless_labels(labels, label)
        for name in sources:
            con.execute(f"DROP TABLE IF EXISTS {source_table(name)}")
        wanted = needed_columns(features, tables, label)[features.rows]
        key, kind = tables[features.rows].key, LABEL_TYPES[label.task]
        for chunk in in_chunks(_choose(_numbered(sources[features.rows].pieces(wanted)), chosen)):
            found = _ask(con, statements.piece, chunk)
            yield from _cut(_shape(found, features, key, schemas, kind), chunk)


def _ask(con: "duckdb.DuckDBPyConnection", statement: str, chunk: Sequence[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(chunk, promote_options="default")
    con.register(PIECE, rows)
    ordinals = rows.column(ORDINAL)
    ends = {"first": ordinals[0].as_py(), "last": ordinals[-1].as_py()} if rows.num_rows else {"first": 0, "last": -1}
    found = con.sql(statement, params=ends if "$first" in statement else {}).to_arrow_table()
    con.unregister(PIECE)
    return found


def _cut(table: pa.Table, pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """``table`` in pieces of as many rows as ``pieces`` have."""
    start = 0
    for piece in pieces:
        yield table.slice(start, piece.num_rows)
        start += piece.num_rows


def _choose(pieces: Iterable[pa.Table], chosen: pa.ChunkedArray | None) -> Iterable[pa.Table]:
    return pieces if chosen is None else filter_pieces(pieces, chosen)


def _numbered(chunks: Iterable[pa.Table]) -> Iterator[pa.Table]:
    first = 0
    for chunk in chunks:
        yield _number(chunk, first)
        first += chunk.num_rows


def _number(table: pa.Table, first: int) -> pa.Table:
    return table.append_column(ORDINAL, _ordinals(first, table.num_rows).column(ORDINAL))


def _ordinals(first: int, count: int) -> pa.Table:
    # Not by ``pa.array``: Arrow would import pandas for it.
    numbers = np.arange(first, first + count, dtype=np.int64)
    return pa.table({ORDINAL: pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(numbers)])})


def _shape(found: pa.Table, features: FeaturesParams, key: tuple[str, ...], schemas: Schemas, label_type: pa.DataType) -> pa.Table:
    keys = found.select(key_columns(key)).rename_columns(list(key))
    columns = {
        "row_key": row_keys(keys, key),
        "at_utc": found.column(AT).cast(pa.int64()).cast(_UTC),
        "label": found.column(LABEL).cast(label_type),
        "label_known_utc": found.column(LABEL_KNOWN).cast(pa.int64()).cast(_UTC),
    }
    for name, feature in features.columns.items():
        is_valued = isinstance(feature, Take | Latest)
        table, column = split_reference(feature.source) if is_valued else ("", "")
        kind = pa.string() if is_valued and is_text(schemas[table][column]) else pa.float64()
        columns[name] = found.column(name).cast(kind)
    return pa.table(columns)


def _refuse_duplicates(
    con: "duckdb.DuckDBPyConnection", features: FeaturesParams, tables: Mapping[str, TableParams], label: LabelParams
) -> None:
    used = {source_of(f)[0] for f in features.columns.values() if isinstance(f, Aggregate)} | {features.rows}
    keys = {(name, tables[name].key) for name in used} | {(label.table, tables[features.rows].key)}
    for name, key in sorted(keys):
        columns = ", ".join(quote(column) for column in key)
        # Distinct hashes are distinct keys, for a fraction of the memory; equal ones may be either, and are looked at.
        [(is_clear,)] = con.execute(f"SELECT count(*) = count(DISTINCT hash({columns})) FROM {source_table(name)}").fetchall()
        if is_clear:
            continue
        statement = f"SELECT count(*) FROM (SELECT 1 FROM {source_table(name)} GROUP BY {columns} HAVING count(*) > 1)"
        [(count,)] = con.execute(statement).fetchall()
        if count:
            raise FeatureError(
                f"table {name}",
                found=f"{count:,} values of ({', '.join(key)}) in more than one row",
                expected="one row per key, or a row would be counted, or labelled, more than once",
                next_step=f"mend the rows in the lake, or the key under snapshot.tables.{name}",
            )


def _refuse_unaskable_rows(con: "duckdb.DuckDBPyConnection", features: FeaturesParams) -> None:
    at = microseconds(features.at.column)
    [(rows, unasked)] = con.execute(
        f"SELECT count(*), count(*) FILTER ({at} IS NULL) FROM {source_table(features.rows)}"
    ).fetchall()
    if rows == 0 or unasked:
        raise FeatureError(
            f"table {features.rows}",
            found=f"{unasked:,} of {rows:,} rows without {features.at.column}" if rows else "no rows",
            expected="rows, each with the time at which it is predicted",
            next_step="mend the rows in the lake, or name another column under features.at",
        )


def _refuse_inexact_means(con: "duckdb.DuckDBPyConnection", features: FeaturesParams, schemas: Schemas) -> None:
    for name, feature in features.columns.items():
        if not isinstance(feature, Mean):
            continue
        table, column = split_reference(feature.mean)
        if is_integer(schemas[table][column]):
            continue
        size = f"max(abs({quote(column)}::DOUBLE)) FILTER (isfinite({quote(column)}))"
        [(largest,)] = con.execute(f"SELECT {size} FROM {source_table(table)}").fetchall()
        if largest and not _SMALLEST <= largest < _LARGEST:
            raise FeatureError(
                f"feature {name}",
                found=f"numbers in {feature.mean} of the size 2**{int(abs(largest)).bit_length() if largest >= 1 else -20}",
                expected="a largest size between 2**-20 and 2**53, within which a mean is exact to 2**-40",
                next_step="give the column another unit in the lake",
            )
