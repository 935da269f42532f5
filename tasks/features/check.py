"""Refusing features that cannot be computed, or would look into the future, before any row is read.

What belongs here: checks of declarations against each other and against the tables' columns. What does not: checks of rows
(``compute``) and SQL (``compile``).
"""

from collections.abc import Iterator, Mapping

from tasks.errors import FeatureError
from tasks.features.label import check_label_type
from tasks.features.types import TIMES, is_number, is_text
from tasks.params.base import split_reference
from tasks.params.features import Count, Feature, FeaturesParams, Latest, Mean, Share, Take, TimePart
from tasks.params.models import LabelParams
from tasks.params.snapshot import FILE_TIME_COLUMN, TableParams

Aggregate = Latest | Mean | Count | Share
Schemas = Mapping[str, Mapping[str, str]]
"""Table -> column -> canonical type, as manifests list them."""


def source_of(feature: Feature) -> tuple[str, str | None]:
    """The table that ``feature`` reads, and the column (None for a count of rows)."""
    if isinstance(feature, Count):
        return feature.count, None
    return split_reference(feature.source)


def needed_columns(features: FeaturesParams, tables: Mapping[str, TableParams], label: LabelParams) -> dict[str, tuple[str, ...]]:
    """Table -> the columns that features, keys, times and label need of it; nothing else has to be read."""
    wanted = {name: dict.fromkeys(columns) for name, columns in kept_columns(features, tables, label).items()}
    for feature in features.columns.values():
        name, column = source_of(feature)
        if not isinstance(feature, Aggregate) and column is not None:
            wanted.setdefault(name, {})[column] = None
    return {name: tuple(columns) for name, columns in wanted.items()}


def kept_columns(features: FeaturesParams, tables: Mapping[str, TableParams], label: LabelParams) -> dict[str, tuple[str, ...]]:
    """Table -> the columns that are asked over all of its rows at once: keys, times, label, and what is looked back into.

    What a row carries into its own features alone is not among them.
    """
    rows_key = tables[features.rows].key
    wanted: dict[str, dict[str, None]] = {features.rows: dict.fromkeys([*rows_key, features.at.column])}
    for feature in features.columns.values():
        if not isinstance(feature, Aggregate):
            continue
        name, column = source_of(feature)
        columns = wanted.setdefault(name, {})
        table = tables.get(name)
        times = [*table.key, table.time, table.known] if table else []
        columns |= dict.fromkeys([*times, *feature.by])
        wanted[features.rows] |= dict.fromkeys(feature.by)
        if column is not None:
            columns[column] = None
    wanted.setdefault(label.table, {}).update(dict.fromkeys([*rows_key, label.column, label.known]))
    return {name: tuple(columns) for name, columns in wanted.items()}


def check_features(features: FeaturesParams, tables: Mapping[str, TableParams], label: LabelParams, schemas: Schemas) -> None:
    """Refuse, with a :class:`~tasks.errors.FeatureError` that names the feature, what cannot be computed honestly.

    A feature of the row itself (``take``, ``part``, the ``by`` columns of every other, ``at.column``) must be known at
    prediction time: not the table's ``known`` or a ``late`` column, not the label, and no column that ``latest`` or ``mean``
    takes of earlier rows of the same table, since those wait for ``known``. Columns must exist after masking, and fit.
    """
    _check_label(label, schemas)
    late = _late_columns(features, tables, label)
    where = f"features.at.column: {features.at.column}"
    # When a file appeared is told of all its rows alike, and nothing of any: tables without times have no other.
    if features.at.column != FILE_TIME_COLUMN:
        _refuse_late(where, features.at.column, late, "take the prediction time from a column that is known before it")
    _check_time(where, features.rows, features.at.column, schemas)
    for key in tables[features.rows].key:
        _kind(f"features.rows: the key of {features.rows}", features.rows, key, schemas)
    for name, feature in features.columns.items():
        where = f"feature {name}"
        if isinstance(feature, Aggregate):
            for column in feature.by:
                _refuse_late(f"{where}: by {column}", column, late, "group by columns that are known at prediction time")
            _check_aggregate(where, feature, features.rows, tables, schemas)
            _refuse_early_label(where, feature, tables, label)
        else:
            _check_own(where, feature, features.rows, late, schemas)


def _check_label(label: LabelParams, schemas: Schemas) -> None:
    check_label_type(label, _kind("label.column", label.table, label.column, schemas))
    _check_time("label.known", label.table, label.known, schemas)


def _late_columns(features: FeaturesParams, tables: Mapping[str, TableParams], label: LabelParams) -> dict[str, str]:
    """Columns of the rows' table that are not known at prediction time -> why."""
    rows = tables[features.rows]
    late = {}
    for name, feature in features.columns.items():
        table, column = source_of(feature)
        if isinstance(feature, Latest | Mean) and table == features.rows and column is not None:
            late[column] = f"the feature {name} takes it of earlier rows, for which it waits until {rows.known}"
    late |= dict.fromkeys(rows.late, f"snapshot.tables.{features.rows}.late lists it")
    late[rows.known] = f"it is the time at which rows of {features.rows} become known"
    if label.table == features.rows:
        late |= {label.column: "it is the label", label.known: "it is the time at which the label becomes known"}
    return late


def _refuse_late(where: str, column: str, late: Mapping[str, str], next_step: str) -> None:
    if column in late:
        raise FeatureError(
            where,
            found=f"{column} of the row itself: {late[column]}",
            expected="what is known at prediction time; this would look into the future",
            next_step=next_step,
        )


def _refuse_early_label(where: str, feature: Aggregate, tables: Mapping[str, TableParams], label: LabelParams) -> None:
    """Refuse labels of other rows where their table's ``known``, for which a feature waits, is not the label's own."""
    table, column = source_of(feature)
    if (table, column) == (label.table, label.column) and tables[table].known != label.known:
        raise FeatureError(
            where,
            found=f"the label, which becomes known at {label.known}, taken from {tables[table].known} on",
            expected="labels of other rows from the moment they are known; this would look into the future",
            next_step=f"give the label a table of its own whose known is {label.known}, or remove the feature",
        )


def _check_own(where: str, feature: Take | TimePart, rows: str, late: Mapping[str, str], schemas: Schemas) -> None:
    table, column = split_reference(feature.source)
    if table != rows:
        raise FeatureError(
            where,
            found=f"a column of {table}",
            expected=f"a column of the row itself, of the table {rows}",
            next_step=f"use latest, mean, count or share with `by` to look into {table}",
        )
    _refuse_late(where, column, late, f"remove the feature, or look at earlier rows: {{ latest: {table}.{column}, by: [...] }}")
    if isinstance(feature, TimePart):
        _check_time(where, table, column, schemas)
    else:
        _check_value(where, table, column, schemas)


def _check_aggregate(where: str, feature: Aggregate, rows: str, tables: Mapping[str, TableParams], schemas: Schemas) -> None:
    name, column = source_of(feature)
    if name not in tables:
        raise FeatureError(
            where,
            found=f"the table {name}",
            expected=f"one of {', '.join(tables)}",
            next_step="declare the table under snapshot.tables, or mend the feature",
        )
    table = tables[name]
    for key in table.key:
        _kind(f"{where}: the key of {name}", name, key, schemas)
    for time in (table.time, table.known):
        _check_time(where, name, time, schemas)
    for by in feature.by:
        there, here = _kind(f"{where}: by {by}", name, by, schemas), _kind(f"{where}: by {by}", rows, by, schemas)
        if there != here and not (is_number(there) and is_number(here)):
            raise FeatureError(
                f"{where}: by {by}",
                found=f"{here} in {rows} and {there} in {name}",
                expected="one type in both tables, or nothing would ever match",
                next_step="put both columns into one domain under masking.domains, or mend one of them in the lake",
            )
    if column is None:
        return
    if isinstance(feature, Mean):
        kind = _kind(where, name, column, schemas)
        if not is_number(kind):
            raise FeatureError(
                where,
                found=f"{name}.{column} of type {kind}",
                expected="a number to take the mean of",
                next_step="use share with equals, or latest",
            )
    elif isinstance(feature, Latest):
        _check_value(where, name, column, schemas)
    else:
        _kind(where, name, column, schemas)


def _kind(where: str, table: str, column: str, schemas: Schemas) -> str:
    columns = schemas.get(table, {})
    if column not in columns:
        raise FeatureError(
            where,
            found=f"no column {column} in the masked table {table}" if columns else f"no masked table {table}",
            expected=f"a column that the masking policy keeps: {', '.join(columns) or 'none'}",
            next_step=f"declare {table}.{column} under masking.tables or masking.domains, or mend the name",
        )
    return columns[column]


def _check_time(where: str, table: str, column: str, schemas: Schemas) -> None:
    kind = _kind(where, table, column, schemas)
    if kind not in TIMES:
        raise FeatureError(
            where,
            found=f"{table}.{column} of type {kind}",
            expected="a timestamp or a date",
            next_step="name a time column, or mend the column's type in the lake",
        )


def _check_value(where: str, table: str, column: str, schemas: Schemas) -> None:
    kind = _kind(where, table, column, schemas)
    if not (is_number(kind) or is_text(kind)):
        raise FeatureError(
            where,
            found=f"{table}.{column} of type {kind}",
            expected="a number, a boolean or a text",
            next_step="use part for hour, weekday or month of a time" if kind in TIMES else "mend the column's type in the lake",
        )


def aggregates_by_source(features: FeaturesParams) -> Iterator[tuple[str, tuple[str, ...], dict[str, Aggregate]]]:
    """(table, by columns, features by name) of all aggregates that can share one pass over their table."""
    groups: dict[tuple[str, tuple[str, ...]], dict[str, Aggregate]] = {}
    for name, feature in features.columns.items():
        if isinstance(feature, Aggregate):
            groups.setdefault((source_of(feature)[0], feature.by), {})[name] = feature
    for (table, by), members in groups.items():
        yield table, by, members
