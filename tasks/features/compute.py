"""Running the features' statement over tables in memory, and refusing rows that it cannot be run over.

What belongs here: checks of rows, and the shape of the result. What does not: where tables come from, and the SQL.
"""

# Statements are put together from names that are quoted, literals that are escaped, and constants of this package.
# ruff: noqa: S608

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import canonical_type, row_keys
from tasks.errors import FeatureError
from tasks.features.check import Aggregate, Schemas, check_features, source_of
from tasks.features.compile import (
    AT,
    LABEL,
    LABEL_KNOWN,
    ORDINAL,
    compile_features,
    key_columns,
    microseconds,
    source_view,
)
from tasks.features.label import LABEL_TYPES, refuse_useless_labels
from tasks.features.types import is_integer, is_text, quote
from tasks.params.base import split_reference
from tasks.params.features import FeaturesParams, Latest, Mean, Take
from tasks.params.models import LabelParams
from tasks.params.snapshot import TableParams

_UTC = pa.timestamp("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LARGEST, _SMALLEST = 2.0**53, 2.0**-20
"""A mean of floats is exact to 2**-40: beyond these sizes that is too little, or totals no longer fit 127 bits."""


def compute_features(
    sources: Mapping[str, pa.Table],
    features: FeaturesParams,
    tables: Mapping[str, TableParams],
    label: LabelParams,
    *,
    as_of: datetime,
) -> pa.Table:
    """Features and label of each row of ``sources[features.rows]``, in its order.

    ``sources`` holds the masked tables with at least their :func:`~tasks.features.check.needed_columns`. The result has
    ``row_key`` (string), ``at_utc`` (timestamp, UTC), ``label`` (by task: int8, 1 where it equals ``label.positive``, else 0;
    string, the class's name; float64; NULL where it has no value, or was not known by ``as_of``), ``label_known_utc``
    (timestamp, UTC), and each feature: string for texts, else float64 with booleans as 0 and 1 and NaN as NULL. What each
    feature means: :func:`~tasks.features.compile.compile_features`.

    Raises :class:`~tasks.errors.FeatureError` for declarations that look into the future or do not fit, duplicate keys, rows
    without a prediction time, numbers that cannot be averaged exactly, and labels that
    :func:`~tasks.features.label.refuse_useless_labels` refuses.
    """
    schemas = {name: {field.name: canonical_type(field.type) for field in table.schema} for name, table in sources.items()}
    check_features(features, tables, label, schemas)
    key = tables[features.rows].key
    with duckdb.connect() as con:
        con.execute("SET TimeZone='UTC'")
        for name, table in sources.items():
            numbered = _numbered(table) if name == features.rows else table
            con.register(f"source.{name}", numbered)
        _refuse_duplicates(con, features, tables, label)
        _refuse_unaskable_rows(con, features)
        _refuse_inexact_means(con, features, schemas)
        *steps, last = compile_features(features, tables, label, schemas, (as_of - _EPOCH) // timedelta(microseconds=1))
        for step in steps:
            con.execute(step)
        found = con.sql(last).to_arrow_table()
    result = _shape(found, features, key, schemas, LABEL_TYPES[label.task])
    refuse_useless_labels(result.column("label"), label)
    return result


def _numbered(table: pa.Table) -> pa.Table:
    # Not by ``pa.array`` or ``pa.repeat``: Arrow would import pandas for either.
    ones = pa.nulls(table.num_rows).is_null().cast(pa.int64())
    return table.append_column(ORDINAL, pc.cumulative_sum(ones))


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
    con: duckdb.DuckDBPyConnection, features: FeaturesParams, tables: Mapping[str, TableParams], label: LabelParams
) -> None:
    used = {source_of(f)[0] for f in features.columns.values() if isinstance(f, Aggregate)} | {features.rows}
    keys = {(name, tables[name].key) for name in used} | {(label.table, tables[features.rows].key)}
    for name, key in sorted(keys):
        columns = ", ".join(quote(column) for column in key)
        statement = f"SELECT count(*) FROM (SELECT 1 FROM {source_view(name)} GROUP BY {columns} HAVING count(*) > 1)"
        [(count,)] = con.execute(statement).fetchall()
        if count:
            raise FeatureError(
                f"table {name}",
                found=f"{count:,} values of ({', '.join(key)}) in more than one row",
                expected="one row per key, or a row would be counted, or labelled, more than once",
                next_step=f"mend the rows in the lake, or the key under snapshot.tables.{name}",
            )


def _refuse_unaskable_rows(con: duckdb.DuckDBPyConnection, features: FeaturesParams) -> None:
    at = microseconds(features.at.column)
    [(rows, unasked)] = con.execute(f"SELECT count(*), count(*) FILTER ({at} IS NULL) FROM {source_view(features.rows)}").fetchall()
    if rows == 0 or unasked:
        raise FeatureError(
            f"table {features.rows}",
            found=f"{unasked:,} of {rows:,} rows without {features.at.column}" if rows else "no rows",
            expected="rows, each with the time at which it is predicted",
            next_step="mend the rows in the lake, or name another column under features.at",
        )


def _refuse_inexact_means(con: duckdb.DuckDBPyConnection, features: FeaturesParams, schemas: Schemas) -> None:
    for name, feature in features.columns.items():
        if not isinstance(feature, Mean):
            continue
        table, column = split_reference(feature.mean)
        if is_integer(schemas[table][column]):
            continue
        size = f"max(abs({quote(column)}::DOUBLE)) FILTER (isfinite({quote(column)}))"
        [(largest,)] = con.execute(f"SELECT {size} FROM {source_view(table)}").fetchall()
        if largest and not _SMALLEST <= largest < _LARGEST:
            raise FeatureError(
                f"feature {name}",
                found=f"numbers in {feature.mean} of the size 2**{int(abs(largest)).bit_length() if largest >= 1 else -20}",
                expected="a largest size between 2**-20 and 2**53, within which a mean is exact to 2**-40",
                next_step="give the column another unit in the lake",
            )
