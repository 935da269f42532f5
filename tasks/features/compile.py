"""Features as SQL (DuckDB), point in time.

What belongs here: the SQL, from declarations and column types alone. What does not: running it (``compute``), and refusing
declarations (``check``, which is taken to have passed).

How an aggregate is computed without comparing every row with every other: each table is ordered once by the time its rows
became known, running totals are taken per group, and each prediction looks up the last total at its own time by an ASOF join;
a window is the difference of two such lookups. The totals are exact integers (a float counts in units of 2**-40), so neither
the order of rows, nor threads, nor rows that become known later can change a bit of the result.
"""

# Statements are put together from names that are quoted, literals that are escaped, and constants of this package.
# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.features.check import Aggregate, Schemas, aggregates_by_source
from tasks.features.label import label_value
from tasks.features.types import as_literal, is_integer, is_text, quote
from tasks.params.base import split_reference
from tasks.params.features import Count, FeaturesParams, Latest, Mean, Share, Take, TimePart
from tasks.params.models import LabelParams
from tasks.params.snapshot import TableParams

ORDINAL = "wt_ordinal"
"""The column that numbers the rows of the rows' table; the result is in its order."""
AT, LABEL, LABEL_KNOWN = "wt_at_us", "wt_label", "wt_label_known_us"
"""Columns of the result beside key columns and features; times in microseconds since 1970 UTC."""
FIXED_POINT = 2.0**40
"""Units per 1.0 of a float's running total; the limits of ``compute`` keep totals within 127 bits."""
_PARTS = {"hour": "hour({0})", "weekday": "isodow({0}) - 1", "month": "month({0})"}


PIECE = "wt_piece"
"""The relation of the rows that are wanted, with all their needed columns and their ordinals."""
CHOSEN = "wt_chosen"
"""The relation of the ordinals of the rows to predict, where these are some of the table's only."""


@dataclass(frozen=True)
class FeatureStatements:
    """SQL that is run in this order."""

    prepare: tuple[str, ...]
    """Makes temporary tables of what a row takes from elsewhere, one row per row to predict, in order of ordinals."""
    labels: str
    """Gives the label of each row, known or not, in any order."""
    piece: str
    """Gives, for the rows ``$first`` to ``$last``, which the relation ``PIECE`` holds: key columns, times, label, features."""


def source_table(table: str) -> str:
    """The name under which the statements expect what is looked back into: a masked table, or some columns of it."""
    return quote(f"source.{table}")


def compile_features(
    features: FeaturesParams,
    tables: Mapping[str, TableParams],
    label: LabelParams,
    schemas: Schemas,
    as_of_us: int,
    *,
    is_some: bool = False,
) -> FeatureStatements:
    """The statements that compute ``features`` and label, for any number of rows at a time.

    ``is_some``: only the rows whose ordinals the relation ``CHOSEN`` holds are predicted; they look back into all.

    They read the relations ``source.<table>`` with the columns of :func:`~tasks.features.check.kept_columns`, of which the rows'
    has the column ``wt_ordinal``, and make temporary tables: one for the rows and one for each table and ``by``, so that no more
    than one table's running totals are in memory at a time. What a row carries itself is taken when it is its turn.
    ``schemas`` must have passed :func:`~tasks.features.check.check_features`; ``as_of_us`` is the moment (microseconds since
    1970 UTC) after which no label is known yet.

    A row's prediction time is ``at.column`` less ``minus_minutes``; a row of another table, or another row of the same, counts
    from the moment it is known, ``known <= at``. A window of d days holds the rows that became known in ``(at - d, at]``. NULL
    in ``by`` matches nothing. ``latest`` is the value (also NULL) in the row that is newest by ``time``, then ``known``, then
    key. ``mean`` leaves NULL and NaN out; ``share`` counts NULL as another value.
    """
    key = tables[features.rows].key
    groups = list(aggregates_by_source(features))
    some = f" WHERE {ORDINAL} IN (SELECT {ORDINAL} FROM {CHOSEN})" if is_some else ""
    prepare = [f"CREATE TEMP TABLE wt_rows AS {_rows(features)}{some}"] if groups else []
    labels_from = "r" if label.table == features.rows else "wt_labels"
    joins = []
    found: dict[str, str] = {}
    for number, (table, by, members) in enumerate(groups):
        group = _Group(tables[table], by, members, schemas[table])
        prepare.append(f"CREATE TEMP TABLE wt_{number} AS {group.statement(table)} ORDER BY {ORDINAL}")
        joins.append(f"JOIN {_between(f'wt_{number}')} USING ({ORDINAL})")
        found |= {name: f"wt_{number}.{quote(name)}" for name in members}
    own = [f"{microseconds(features.at.column)} - {_minus(features)} AS {AT}", *_own(features, schemas[features.rows])]
    own += [f"{quote(column)} AS {quote(name)}" for column, name in zip(key, key_columns(key), strict=True)]
    if label.table == features.rows:
        labels = f"SELECT {_own_label(label, schemas[label.table], as_of_us)[0]} FROM {source_table(features.rows)}"
        own += _own_label(label, schemas[label.table], as_of_us)
    else:
        prepare.append(f"CREATE TEMP TABLE wt_labels AS {_labels(features, label, key, schemas[label.table], as_of_us)}")
        labels = f"SELECT {LABEL} FROM wt_labels"
        joins.append(f"LEFT JOIN {_between('wt_labels')} USING ({ORDINAL})")
    values = [f"r.{quote(name)}" for name in (*key_columns(key), AT)]
    values += [f"{labels_from}.{name}" for name in (LABEL, LABEL_KNOWN)]
    values += [f"{found.get(name) or 'r.' + quote(f'feature.{name}')} AS {quote(name)}" for name in features.columns]
    rows = f"FROM (SELECT {ORDINAL}, {', '.join(own)} FROM {PIECE}) r"
    piece = "\n".join([f"SELECT {', '.join(values)}", rows, *joins, f"ORDER BY r.{ORDINAL}"])
    return FeatureStatements(tuple(prepare), labels, piece)


def _between(table: str) -> str:
    return f"(SELECT * FROM {table} WHERE {ORDINAL} BETWEEN $first AND $last) {table}"


def key_columns(key: Sequence[str]) -> list[str]:
    """The names of the key columns in the statement's result, in order of ``key``."""
    return [f"key.{column}" for column in key]


def microseconds(column: str) -> str:
    """A time column as microseconds since 1970 UTC."""
    return f"epoch_us({quote(column)}::TIMESTAMP)"


def _minus(features: FeaturesParams) -> int:
    return features.at.minus_minutes * 60_000_000


def _rows(features: FeaturesParams) -> str:
    """The rows to predict, with what is looked up by."""
    by = {column for _, columns, _ in aggregates_by_source(features) for column in columns}
    columns = [ORDINAL, f"{microseconds(features.at.column)} - {_minus(features)} AS {AT}"]
    columns += [f"{quote(column)} AS {quote(f'by.{column}')}" for column in sorted(by)]
    return f"SELECT {', '.join(columns)} FROM {source_table(features.rows)}"


def _own(features: FeaturesParams, schema: Mapping[str, str]) -> list[str]:
    """What the rows to predict carry themselves."""
    columns = []
    for name, feature in features.columns.items():
        if isinstance(feature, Take | TimePart):
            column = split_reference(feature.source)[1]
            if isinstance(feature, TimePart):
                value = f"({_PARTS[feature.part].format(f'make_timestamp({microseconds(column)})')})::DOUBLE"
            else:
                value = _value(quote(column), schema[column])
            columns.append(f"{value} AS {quote(f'feature.{name}')}")
    return columns


def _own_label(label: LabelParams, schema: Mapping[str, str], as_of_us: int) -> list[str]:
    """The label, and when it became known, of rows that carry it themselves; NULL where that was not by ``as_of_us``."""
    known = microseconds(label.known)
    values = {LABEL: label_value(label, schema[label.column]), LABEL_KNOWN: known}
    return [f"CASE WHEN {known} <= {as_of_us} THEN {value} END AS {name}" for name, value in values.items()]


def _labels(features: FeaturesParams, label: LabelParams, key: Sequence[str], schema: Mapping[str, str], as_of_us: int) -> str:
    """The label of each row whose key was known by ``as_of_us``, NULL where its value is missing."""
    known = microseconds(label.known)
    keys = ", ".join(quote(name) for name in key)
    of_keys = (
        f"SELECT {keys}, {label_value(label, schema[label.column])} AS {LABEL}, {known} AS {LABEL_KNOWN} "
        # A table's rows were cut by its own ``known``, which may be earlier than the label's.
        f"FROM {source_table(label.table)} WHERE {known} <= {as_of_us}"
    )
    rows = f"SELECT {ORDINAL}, {keys} FROM {source_table(features.rows)}"
    return f"SELECT {ORDINAL}, {LABEL}, {LABEL_KNOWN} FROM ({rows}) JOIN ({of_keys}) USING ({keys}) ORDER BY {ORDINAL}"


def _value(expression: str, kind: str) -> str:
    """A feature's value: text as it is, all else a float with NaN as NULL."""
    if is_text(kind):
        return expression
    number = f"{expression}::DOUBLE"
    return number if is_integer(kind) else f"nullif({number}, 'NaN'::DOUBLE)"


class _Group:
    """All aggregates over one table with the same ``by`` columns: they share one ordering and its running totals."""

    def __init__(self, table: TableParams, by: Sequence[str], members: Mapping[str, Aggregate], schema: Mapping[str, str]) -> None:
        self._table = table
        self._by = [quote(f"by.{column}") for column in by]
        self._source_by = dict(zip(self._by, (quote(column) for column in by), strict=True))
        self._members = members
        self._schema = schema
        columns = [split_reference(f.source)[1] for f in members.values() if not isinstance(f, Count)]
        self._numbers = {column: number for number, column in enumerate(dict.fromkeys(columns))}
        self._has_latest = any(isinstance(feature, Latest) for feature in members.values())
        windows = [f.window_days for f in members.values() if not isinstance(f, Latest) and f.window_days is not None]
        self._windows = {days: f"w{number}" for number, days in enumerate(dict.fromkeys(windows))}

    def _number_of(self, feature: Latest | Mean | Share) -> int:
        return self._numbers[split_reference(feature.source)[1]]

    def statement(self, table: str) -> str:
        """One row per row to predict: its number and the group's features."""
        steps = {"known": self._known(table), "totals": self._totals()}
        with_ = ",\n".join(f"{name} AS MATERIALIZED ({body})" for name, body in steps.items())
        return f"WITH {with_}\n{self._lookups()}"

    def _known(self, table: str) -> str:
        """The table's rows that are known at all, with the units that totals add up."""
        columns = [f"{source} AS {by}" for by, source in self._source_by.items()]
        columns.append(f"{microseconds(self._table.known)} AS known_us")
        if self._has_latest:
            order = [f"{microseconds(self._table.time)} NULLS FIRST", "known_us"]
            order += [f"{quote(column)} NULLS FIRST" for column in self._table.key]
            columns.append(f"row_number() OVER (ORDER BY {', '.join(order)}) AS newness")
        for feature in self._members.values():
            if not isinstance(feature, Count):
                column = split_reference(feature.source)[1]
                columns.append(self._unit(feature, quote(column), self._schema[column]))
        filters = [f"{source} IS NOT NULL" for source in (*self._source_by.values(), quote(self._table.known))]
        return f"SELECT {', '.join(dict.fromkeys(columns))} FROM {source_table(table)} WHERE {' AND '.join(filters)}"

    def _unit(self, feature: Latest | Mean | Share, column: str, kind: str) -> str:
        number = self._number_of(feature)
        if isinstance(feature, Latest):
            return f"{_value(column, kind)} AS value_{number}"
        if isinstance(feature, Share):
            literal = as_literal(feature.equals, kind, f"{feature.share}: equals")
            return f"({column} = {literal}) AS {self._hit_name(feature)}"
        if is_integer(kind):
            return f"{column}::HUGEINT AS unit_{number}"
        return f"CASE WHEN isfinite({column}) THEN round({column}::DOUBLE * {FIXED_POINT!r})::HUGEINT END AS unit_{number}"

    def _hit_name(self, feature: Share) -> str:
        """Shares of one column with different values each count their own hits."""
        values = list(dict.fromkeys((f.share, f.equals) for f in self._members.values() if isinstance(f, Share)))
        return f"hit_{values.index((feature.share, feature.equals))}"

    def _totals(self) -> str:
        """Running totals per group, in the order in which rows became known; rows of one moment share theirs."""
        columns = [*self._by, "known_us", "count(*) OVER w AS row_count"]
        if self._has_latest:
            columns.append("max(newness) OVER w AS newest")
        for feature in self._members.values():
            if isinstance(feature, Mean):
                unit = f"unit_{self._number_of(feature)}"
                columns += [f"sum({unit}) OVER w AS sum_{unit}", f"count({unit}) OVER w AS count_{unit}"]
            elif isinstance(feature, Share):
                hit = self._hit_name(feature)
                columns.append(f"count(*) FILTER ({hit}) OVER w AS count_{hit}")
        window = f"PARTITION BY {', '.join(self._by)} ORDER BY known_us RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        return f"SELECT {', '.join(dict.fromkeys(columns))} FROM known WINDOW w AS ({window})"

    def _lookups(self) -> str:
        """For each row to predict: the totals at its prediction time, less those at the window's start."""
        values = [f"{self._feature(feature)} AS {quote(name)}" for name, feature in self._members.items()]
        joins = [self._asof("now", f"r.{AT}")]
        for days, alias in self._windows.items():
            joins.append(self._asof(alias, f"r.{AT} - {round(days * 86_400_000_000)}"))
        if self._has_latest:
            joins.append("LEFT JOIN known newest ON newest.newness = now.newest")
        return f"SELECT r.{ORDINAL}, {', '.join(values)} FROM wt_rows r\n" + "\n".join(joins)

    def _asof(self, alias: str, moment: str) -> str:
        on = [f"{alias}.{by} = r.{by}" for by in self._by]
        return f"ASOF LEFT JOIN totals {alias} ON {' AND '.join(on)} AND {moment} >= {alias}.known_us"

    def _feature(self, feature: Aggregate) -> str:
        if isinstance(feature, Latest):
            return f"newest.value_{self._number_of(feature)}"
        start = None if feature.window_days is None else self._windows[feature.window_days]
        if isinstance(feature, Count):
            return f"({_difference('row_count', start)})::DOUBLE"
        if isinstance(feature, Share):
            return _ratio(_difference(f"count_{self._hit_name(feature)}", start), _difference("row_count", start))
        number, column = self._number_of(feature), split_reference(feature.mean)[1]
        scale = "" if is_integer(self._schema[column]) else f" / {FIXED_POINT!r}"
        return _ratio(_difference(f"sum_unit_{number}", start), _difference(f"count_unit_{number}", start), scale)


def _difference(total: str, start: str | None) -> str:
    now = f"coalesce(now.{total}, 0)"
    return now if start is None else f"({now} - coalesce({start}.{total}, 0))"


def _ratio(part: str, whole: str, scale: str = "") -> str:
    return f"CASE WHEN {whole} > 0 THEN {part}::DOUBLE{scale} / {whole}::DOUBLE END"
