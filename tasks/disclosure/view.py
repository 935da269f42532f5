"""The joined view: people with all that the masked tables and the features, joined, reveal of them.

What belongs here: which tables join, by tokens of a common domain, and a person's values over all of their rows. What does not:
which columns count (``columns``), and what the view comes to (``risk``, ``attacks``).
"""

# Statements are put together from names that are quoted, and numbers.
# ruff: noqa: S608

import functools
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from tasks.disclosure.columns import KnownColumn
from tasks.disclosure.crowds import Ints, encode
from tasks.disclosure.statements import open_tables, quote
from tasks.disclosure.values import PERSON, base_columns, base_name, compared_value, is_plain
from tasks.errors import DisclosureError

DAY = "wt_day"
"""After a column's name: the earliest day of a person's shifted dates, which their year and decade can be had from."""
Links = Mapping[str, Sequence[tuple[str, str]]]
"""Domain -> the columns (table, column) that hold its tokens, and so join."""


@dataclass(frozen=True)
class PeopleView:
    """``people`` has ``wt_person`` and the columns in ``quasi`` and ``sensitive``, called ``table.column``, in order of people."""

    who: str
    """Whom ``wt_person`` stands for, in words."""
    tables: tuple[str, ...]
    people: pa.Table
    quasi: tuple[KnownColumn, ...]
    sensitive: tuple[KnownColumn, ...]

    repeats: bool
    """Whether somebody has more than one row."""

    @functools.cached_property
    def owners(self) -> Ints | None:
        """The number of each row's person, from 0; None where each has one row."""
        return encode(self.people.column(PERSON))[0] if self.repeats else None

    @property
    def person(self) -> str | None:
        """The column that says whose row it is, where somebody has more than one."""
        return PERSON if self.repeats else None

    @property
    def one_row_each(self) -> pa.Table:
        """The first row of each person."""
        if self.owners is None:
            return self.people
        return self.people.take(pa.array(np.unique(self.owners, return_index=True)[1]))


@dataclass(frozen=True)
class _Hop:
    from_table: str
    from_column: str
    to_table: str
    to_column: str


@dataclass(frozen=True)
class _Route:
    """The way from the table that names people (``start``) to the table whose columns are wanted."""

    start: tuple[str, str]
    hops: tuple[_Hop, ...] = ()

    @property
    def end(self) -> str:
        return self.hops[-1].to_table if self.hops else self.start[0]


def join_people(
    sources: Mapping[str, pa.Table],
    links: Links,
    *,
    person: str | None,
    rows: str,
    quasi: Sequence[KnownColumn],
    sensitive: Sequence[KnownColumn],
) -> tuple[PeopleView, ...]:
    """The view of all people, first; then one, with each row a person, of each table with quasi-identifiers that nothing joins.

    ``sources`` holds the masked tables with at least the columns in ``links``, ``quasi`` and ``sensitive``. ``person`` is the
    domain whose tokens are people; None: each row of the table ``rows`` is one.

    A person who has different values in the rows of one table (``rows``, or else the first that has such people) has a row for
    each combination: an attacker is taken to know one of them. Of every further table such a person has, in each column, the set
    of the values. A date that was moved by at most m days is told apart from another only by bands of 2 m + 1 days, as for
    somebody who knows the true one; the days between a person's own dates are as they were. A sensitive column has the median of
    a person's values. Raises :class:`~tasks.errors.DisclosureError` where no column names people.
    """
    starts = _starts(sources, links, person, rows)
    if person is None and all(column.table == rows and is_plain(column) for column in (*quasi, *sensitive)):
        return (_rows_alone(sources[rows], rows, quasi, sensitive),)
    held = dict(sources)
    if person is None:
        held[rows] = _numbered(held[rows])
    routes = _routes(starts, links)
    who = f"each {person}" if person else f"each row of {rows}"
    views = [_view(held, routes, quasi, sensitive, rows=rows, who=who)]
    for table in dict.fromkeys(column.table for column in quasi):
        if all(route.end != table for route in routes):
            alone = {table: _numbered(sources[table])}
            who = f"each row of {table}, which joins nobody"
            views.append(_view(alone, [_Route((table, PERSON))], quasi, sensitive, rows=table, who=who))
    return tuple(views)


def columns_on_the_way(links: Links, *, person: str | None, rows: str, tables: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Of ``links`` those columns that name people, or lead from them to ``tables``; nothing else has to be read for a view."""
    starts = [(rows, PERSON)] if person is None else list(links.get(person, ()))
    hops = [hop for route in _routes(starts, links) if route.end in tables for hop in route.hops]
    used = {*starts, *((hop.from_table, hop.from_column) for hop in hops), *((hop.to_table, hop.to_column) for hop in hops)}
    return {domain: [column for column in columns if column in used] for domain, columns in links.items()}


def _rows_alone(table: pa.Table, rows: str, quasi: Sequence[KnownColumn], sensitive: Sequence[KnownColumn]) -> PeopleView:
    """The view of a table whose rows are people: the table itself, so that millions of rows are not copied."""
    named = {column.name: table.column(column.column) for column in (*quasi, *sensitive)}
    people = pa.table({PERSON: pa.array(np.arange(table.num_rows)), **named})
    return PeopleView(f"each row of {rows}", (rows,), people, tuple(quasi), tuple(sensitive), repeats=False)


def _starts(sources: Mapping[str, pa.Table], links: Links, person: str | None, rows: str) -> list[tuple[str, str]]:
    if person is None:
        return [(rows, PERSON)]
    starts = [(table, column) for table, column in links.get(person, ()) if table in sources]
    if not starts:
        raise DisclosureError(
            f"masking.limits.person: {person}",
            found="no column of this domain in the masked tables",
            expected="a domain whose tokens masking leaves in a table",
            next_step="name another domain in params.yaml, or leave masking.limits.person out: each row is then a person",
        )
    return starts


def _numbered(table: pa.Table) -> pa.Table:
    return table.append_column(PERSON, pa.array(np.arange(table.num_rows)))


def _routes(starts: Sequence[tuple[str, str]], links: Links) -> list[_Route]:
    """The shortest route to every table that can be reached, and one for each column of a start."""
    routes = [_Route(start) for start in starts]
    reached = {table for table, _ in starts}
    queue = deque(routes)
    while queue:
        route = queue.popleft()
        for columns in links.values():
            for here, there in ((a, b) for a in columns if a[0] == route.end for b in columns if b[0] not in reached):
                found = _Route(route.start, (*route.hops, _Hop(*here, *there)))
                reached.add(there[0])
                routes.append(found)
                queue.append(found)
    return routes


def _view(
    sources: Mapping[str, pa.Table],
    routes: Sequence[_Route],
    quasi: Sequence[KnownColumn],
    sensitive: Sequence[KnownColumn],
    *,
    rows: str,
    who: str,
) -> PeopleView:
    tables = tuple(dict.fromkeys(route.end for route in routes))
    with open_tables({_source(name): sources[name] for name in tables}) as con:
        everybody = " UNION ".join(
            f"SELECT DISTINCT {quote(r.start[1])} AS {PERSON} FROM {quote(_source(r.start[0]))}" for r in routes if not r.hops
        )
        con.execute(f"CREATE TEMP TABLE wt_view AS SELECT * FROM ({everybody}) WHERE {PERSON} IS NOT NULL")
        repeats = False
        for table in sorted(tables, key=lambda table: table != rows):
            known = [column for column in quasi if column.table == table]
            told = [column for column in sensitive if column.table == table]
            if known or told:
                here = [route for route in routes if route.end == table]
                repeats = _add_columns(con, here, known, told, may_repeat=not repeats) or repeats
        people = con.sql("SELECT * FROM wt_view ORDER BY ALL").to_arrow_table()
    held = [tuple(column for column in columns if column.table in tables) for columns in (quasi, sensitive)]
    return PeopleView(who, tables, people, held[0], held[1], repeats)


def _source(table: str) -> str:
    return f"source.{table}"


def _add_columns(
    con: duckdb.DuckDBPyConnection,
    routes: Sequence[_Route],
    known: Sequence[KnownColumn],
    told: Sequence[KnownColumn],
    *,
    may_repeat: bool,
) -> bool:
    """Join each person's values of one table's columns to the view; True where somebody now has more rows than before."""
    rows = " UNION ALL ".join(_rows_of(route, [column.column for column in (*known, *told)]) for route in routes)
    values = [f"{compared_value(column, known)} AS {quote(column.name)}" for column in known]
    values += [f"{base_name(column)} AS {quote(column.name + DAY)}" for column in known if column.shift]
    values += [f"{quote(column.column)} AS {quote(column.name)}" for column in told]
    based = f"SELECT *{base_columns(known)} FROM ({rows})"
    con.execute(f"CREATE OR REPLACE TEMP TABLE wt_rows AS SELECT {PERSON}, {', '.join(values)} FROM ({based})")
    names = [quote(column.name) for column in known]
    several = _find_several(con, names)
    repeats = may_repeat and any(several)
    group = [PERSON, *names] if repeats else [PERSON]
    outputs = [f"min({quote(column.name + DAY)}) AS {quote(column.name + DAY)}" for column in known if column.shift]
    outputs += [f"quantile_disc({quote(column.name)}, 0.5) AS {quote(column.name)}" for column in told]
    if not repeats:
        outputs += [f"{_set_of(name) if is_set else f'min({name})'} AS {name}" for name, is_set in zip(names, several, strict=True)]
    found = f"SELECT {', '.join([*group, *outputs])} FROM wt_rows GROUP BY {', '.join(group)}"
    con.execute(f"CREATE TEMP TABLE wt_next AS SELECT * FROM wt_view LEFT JOIN ({found}) USING ({PERSON})")
    con.execute("DROP TABLE wt_view")
    con.execute("ALTER TABLE wt_next RENAME TO wt_view")
    return repeats


def _find_several(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[bool]:
    """For each column whether somebody has more than one value in it; a value that is missing beside another tells nothing."""
    if not names:
        return []
    differ = ", ".join(f"min({name}) <> max({name}) AS d{n}" for n, name in enumerate(names))
    anybody = ", ".join(f"bool_or(d{n})" for n in range(len(names)))
    (found,) = con.execute(f"SELECT {anybody} FROM (SELECT {differ} FROM wt_rows GROUP BY {PERSON})").fetchall()
    return [bool(value) for value in found]


def _set_of(name: str) -> str:
    return f"string_agg(DISTINCT {name}::VARCHAR, chr(31) ORDER BY {name}::VARCHAR)"


def _rows_of(route: _Route, columns: Sequence[str]) -> str:
    """Person and columns of the route's last table, a row for each row that leads there."""
    joins = [f"FROM {quote(_source(route.start[0]))} j0"]
    for place, hop in enumerate(route.hops):
        on = f"j{place}.{quote(hop.from_column)} = j{place + 1}.{quote(hop.to_column)}"
        joins.append(f"JOIN {quote(_source(hop.to_table))} j{place + 1} ON {on}")
    last = len(route.hops)
    wanted = ", ".join(f"j{last}.{quote(column)}" for column in dict.fromkeys(columns))
    person = f"j0.{quote(route.start[1])}"
    return f"SELECT DISTINCT {person} AS {PERSON}, {wanted} {' '.join(joins)} WHERE {person} IS NOT NULL"
