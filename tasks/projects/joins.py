"""Other tables of the lake that rows of the project's table can look something up in: measured, and declared where that is safe.

What belongs here: finding the column that joins, counting what it finds, and the time from which a row of the other table was
known. What does not: reading (``survey``), and params.yaml (``proposal``). **Without a column that says when a row became known
nothing is declared**: what the table said at the time of a prediction could not be told from what it says today.
"""

# Statements are put together from names that are quoted.
# ruff: noqa: S608

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from tasks.detection import snake_case
from tasks.disclosure import Generalisation, quote
from tasks.projects.classes import Classed, class_columns
from tasks.projects.entities import names_something
from tasks.projects.policy import Policy, domain_name, propose_policy
from tasks.projects.profile import ColumnProfile, open_table, profile_table
from tasks.projects.roles import ROW, Roles
from tasks.projects.survey import LakeTable, Reading, usable_columns

_SINCE = re.compile(
    r"(^|_)(known|updated|modified|changed|recorded|observed|valid_from|effective|published|loaded|ingested|inserted|since)(_|$)"
)
"""Names of times from which a row was there to be read; when something was created, opened or sold says nothing of that."""
_FOUND = 0.5
"""Share of the rows that must find something, known by then, before a table is declared."""


@dataclass(frozen=True)
class Join:
    """One other table: how it can be joined, or why not, and what is declared of it."""

    table: str
    by: str = ""
    kind: str = ""
    """``n:1``, ``1:1`` (each of its keys once), ``1:n`` or ``n:n`` (several rows of it to a key); empty where nothing joins."""
    keys: int = 0
    share: float = 0.0
    """Of the rows with a value in ``by``, those whose value the other table has."""
    share_known: float = 0.0
    """Of all rows, those that find a row which was known by their own time."""
    key: str = ROW
    known: str = ""
    day: str = ""
    """A column of dates that is called as ``known`` would be."""
    columns: tuple[str, ...] = ()
    """What it would add, or adds, to the features."""
    without: str = ""
    """Why it is not declared; empty where it is."""
    profiles: Mapping[str, ColumnProfile] = field(default_factory=dict)
    """Of ``declared_columns``."""
    policy: Policy = field(default_factory=lambda: Policy((), {}))
    reading: Reading | None = None

    @property
    def is_declared(self) -> bool:
        """Whether the project joins it."""
        return bool(self.kind) and not self.without

    @property
    def declared_columns(self) -> tuple[str, ...]:
        """The columns that are copied: those that join, that say when, and the features; no other."""
        return tuple(dict.fromkeys([self.by, self.key, *([self.known] if self.known else []), *self.columns]))

    def words(self) -> str:
        """The finding in a line."""
        if not self.kind:
            return self.without
        several = "" if self.kind in ("n:1", "1:1") else ", several rows to a key"
        said = f"by {self.by} ({self.kind}{several}): {self.keys:,} keys, {self.share:.1%} of the rows find theirs"
        adds = f"{', '.join(self.columns[:8])}{' ...' if len(self.columns) > 8 else ''}" or "nothing that masking keeps"
        if self.without:
            return f"could be joined {said}; it would add {adds}; not declared: {self.without}"
        return f"joined {said}, {self.share_known:.1%} one that was known by then ({self.known}); adds {adds}"

    def without_columns(self, names: Collection[str]) -> "Join":
        """The same without the columns ``names``; not declared, if nothing is left of a table of one row to a key."""
        if not names:
            return self
        columns = tuple(name for name in self.columns if name not in names)
        rest = [name for name in self.profiles if name not in names]
        left = replace(
            self, columns=columns, profiles={name: self.profiles[name] for name in rest}, policy=_only(self.policy, rest)
        )
        return left if columns or self.kind.endswith("n") else replace(left, without="all that it would add gives the label away")

    def features(self) -> dict[str, dict[str, Any]]:
        """What a row looks up, by name: of the newest row that was known by then each column, and how many rows there were."""
        looked_up: dict[str, dict[str, Any]] = {
            f"{self.table}_{snake_case(column)}": {"latest": f"{self.table}.{column}", "by": [self.by]} for column in self.columns
        }
        several = {f"{self.table}_count": {"count": self.table, "by": [self.by]}} if self.kind.endswith("n") else {}
        return looked_up | several

    def snapshot(self) -> dict[str, Any]:
        """The table under ``snapshot.tables``."""
        declared = dict(self.reading.declared) if self.reading else {}
        if "types" in declared:
            declared["types"] = {c: kind for c, kind in declared["types"].items() if c in self.declared_columns}
        columns = list(self.declared_columns)
        return {"key": [self.key], "time": self.known, "known": self.known, "columns": columns, **declared}


def _only(policy: Policy, columns: Collection[str]) -> Policy:
    rules = {name: rule for name, rule in policy.rules.items() if name in columns}
    domains = {name: domain for name, domain in policy.domains.items() if name in columns}
    return Policy(tuple(name for name in policy.safe if name in columns), domains, rules)


def find_joins(table: pa.Table, roles: Roles, others: Sequence[LakeTable], now: datetime) -> tuple[Join, ...]:
    """What each of ``others`` has to do with ``table``, in their order; only those with a column of its name in common are read."""
    return tuple(_find_join(table, roles, other, now) for other in others)


def _find_join(table: pa.Table, roles: Roles, other: LakeTable, now: datetime) -> Join:
    taken = {roles.label, roles.time, roles.known, roles.score}
    common = [name for name in other.columns if name in table.column_names and name not in taken]
    if not other.columns:
        return Join(other.name, without="it cannot be read")
    if not common:
        return Join(other.name, without="no column in common by name, which a join goes by")
    reading = other.read()
    if not reading.table.num_rows:
        return Join(other.name, without="it holds no row")
    rows = reading.table.select(usable_columns(reading))
    profiles = profile_table(rows)
    fitting = [name for name in common if name in profiles and _can_join(table.schema.field(name).type, profiles[name])]
    unique = [name for name in fitting if profiles[name].is_unique]
    named = [name for name in fitting if name in (*roles.key, roles.entity) or names_something(name)]
    by = next(iter(unique or named), None)
    if by is None:
        return Join(other.name, without=f"in common by name are {', '.join(common[:6])}, of which none is a key by itself")
    key = by if by in unique else next((p.name for p in profiles.values() if p.is_unique and (p.is_text or p.is_integer)), ROW)
    known, day = _known(profiles)
    classed = class_columns(profiles, {by: "join", key: "join"} | ({known: "known"} if known else {}))
    columns = tuple(name for name in profiles if name not in (by, key, known) and _is_kept(classed[name], profiles[name]))
    join = Join(other.name, by, "n" if by not in unique else "1", key=key, known=known, day=day, columns=columns, reading=reading)
    told = profiles | {ROW: ColumnProfile(ROW, "string", rows.num_rows, rows.num_rows, rows.num_rows)}
    join = replace(join, profiles={name: told[name] for name in join.declared_columns if name in told})
    join = replace(_measured(join, table, roles, rows, now), policy=_policy(join, classed))
    return replace(join, without=_why_not(join))


def _why_not(join: Join) -> str:
    if join.reading is not None and not join.reading.is_whole:
        return (
            f"it has {join.reading.rows:,} rows, of which {join.reading.table.num_rows:,} are looked at, so whether its keys tell "
            f"them apart is not known; where you know it, declare it under snapshot.tables.{join.table} and masking.tables"
        )
    if not join.columns and join.kind in ("n:1", "1:1"):
        return "none of its columns could be a feature"
    if not join.known and join.day:
        return f"{join.day} tells the day only, at whose beginning the row was not known yet; a time would do"
    if not join.known:
        return (
            "no column of times is called as one that says since when a row is known (updated, recorded, valid_from, ...), so what "
            f"it said at another row's time cannot be told; where one does, name it as snapshot.tables.{join.table}.known"
        )
    if join.share_known < _FOUND:
        return f"only {join.share_known:.1%} of the rows find one that was known by then ({join.known})"
    return ""


def _can_join(kind: pa.DataType, profile: ColumnProfile) -> bool:
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return (is_text and profile.is_text) or (pa.types.is_integer(kind) and profile.is_integer)


def _known(profiles: Mapping[str, ColumnProfile]) -> tuple[str, str]:
    """The columns of timestamps and of dates that their names say to be when a row became known; empty where there is none."""
    called = [p for p in profiles.values() if p.is_date and p.filled == p.rows and _SINCE.search(snake_case(p.name))]
    return next((p.name for p in called if p.is_time), ""), next((p.name for p in called if not p.is_time), "")


def _is_kept(found: Classed, profile: ColumnProfile) -> bool:
    """Whether a column of another table may come along: safe, no time, and of more than one value."""
    return found.column_class == "safe" and not profile.is_date and profile.distinct > 1


def _measured(join: Join, table: pa.Table, roles: Roles, rows: pa.Table, now: datetime) -> Join:
    """``join`` with its keys counted, the shares of ``table`` that find one among ``rows``, and how many stand to how many."""
    moment = quote(roles.time) if roles.has_time else f"TIMESTAMP '{now:%Y-%m-%d %H:%M:%S}'"
    by = quote(join.by)
    with open_table(table.select(list(dict.fromkeys([join.by, *([roles.time] if roles.has_time else [])])))) as con:
        con.register("o", rows.select(list(dict.fromkeys([join.by, *([join.known] if join.known else [])]))))
        statement = f"""
            SELECT (SELECT count(DISTINCT {by}) FROM o), count({by}), count(*), count(DISTINCT {by}),
                count(*) FILTER ({by} IN (SELECT {by} FROM o WHERE {by} IS NOT NULL)) FROM t
        """
        ((keys, filled, every, distinct, found),) = con.execute(statement).fetchall()
        before = 0
        if join.known:
            least = f"SELECT {by} AS k, min({quote(join.known)}::TIMESTAMP) AS since FROM o GROUP BY 1"
            counted = f"SELECT count(*) FROM t JOIN ({least}) ON {by} = k WHERE since <= {moment}::TIMESTAMP"
            ((before,),) = con.execute(counted).fetchall()
    kind = f"{'1' if distinct == every else 'n'}:{join.kind}"
    return replace(join, kind=kind, keys=int(keys), share=found / filled if filled else 0.0, share_known=before / every)


def look_up(join: Join, table: pa.Table, roles: Roles) -> pa.Table:
    """What each row of ``table`` finds by its own time in ``join``, which is declared; in the order of ``table``."""
    rows = join.reading.table if join.reading else pa.table({})
    asked = table.select(list(dict.fromkeys([join.by, *([roles.time] if roles.has_time else [])])))
    numbered = asked.rename_columns([f"c{n}" for n in range(asked.num_columns)]).append_column("n", pa.array(range(table.num_rows)))
    moment = "c0" if roles.time == join.by else "c1::TIMESTAMP" if roles.has_time else "TIMESTAMP '9999-01-01'"
    with open_table(numbered) as con:
        con.register("o", rows.select(list(dict.fromkeys([join.by, join.known, *join.columns]))))
        statement = f"""
            SELECT {", ".join(f"o.{quote(name)}" for name in join.columns)}
            FROM (SELECT n, c0, {moment} AS at FROM t) r ASOF LEFT JOIN o ON r.c0 = o.{quote(join.by)}
                AND r.at >= o.{quote(join.known)}::TIMESTAMP
            ORDER BY r.n
        """
        return con.sql(statement).to_arrow_table()


def _policy(join: Join, classed: Mapping[str, Classed]) -> Policy:
    # A key of its own may be called like another table's, and is none of its.
    tokens = {join.by: domain_name(join.by)} | ({join.key: domain_name(f"{join.table} {join.key}")} if join.key != join.by else {})
    nothing = Generalisation({}, 2, 0, 0, 0, 0, {}, {})
    return propose_policy(join.profiles, {name: classed[name] for name in join.profiles if name in classed}, nothing, tokens)
