"""Leakage: whether a stored split keeps its parts apart, looked for on masked data.

What belongs here: rows in no part or in two, entities on two sides, times on the wrong side, content that stands in two parts.
What does not: features that give the label away (``tasks.validation``), and the making of a split. This looks at what was
stored and declared; nothing of the strategies' own code is used, so that a fault of theirs is seen. Findings hold counts and
names of columns, no value of a row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tasks.datasets.database import in_chunks, load_rows
from tasks.params.splits import SplitParams, TimeSplit
from tasks.records import Finding
from tasks.splits.digest import KEY, RowDigest, own_column
from tasks.splits.instants import day_start
from tasks.splits.strategies import EMBARGO, PARTS

if TYPE_CHECKING:
    import duckdb

_COPIED_AT_MOST = 0.01
"""The share of a part's rows that may equal a row of an earlier part without stopping the line."""
_TWINS_FACTOR = 2
"""Content that repeats within a part repeats across parts too, without any leak; a leak shows as more than that."""
_CONTENT_COLUMNS_AT_LEAST = 3
_DAY = 86_400_000_000
"""Microseconds of a UTC day."""


@dataclass(frozen=True)
class _Parted:
    """The masked rows with their parts: the relation ``parted`` of ``database``, with ``part``, ``own`` and ``content``."""

    name: str
    database: "duckdb.DuckDBPyConnection"
    own: str
    own_type: pa.DataType | None
    """None where masking did not leave it."""
    content: tuple[str, ...]
    """The columns that ``content`` is the hash of."""
    apart: frozenset[str]
    """Those that it leaves out: the key, and what the split was made by."""
    rows: dict[str, int]
    """Rows per part."""

    def block(self, kind: str, found: str, expected: str) -> Finding:
        return Finding(kind=kind, name=self.name, is_blocking=True, found=found, expected=expected)

    def ask(self, query: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        """The one row that ``query`` gives."""
        return _ask(self.database, query, parameters)


def _ask(database: "duckdb.DuckDBPyConnection", query: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
    row: tuple[Any, ...] = database.execute(query, parameters or {}).fetchall()[0]
    return row


def find_leaks(
    name: str,
    split: SplitParams,
    assignments: Iterable[pa.Table],
    rows: RowDigest,
    *,
    time_column: str,
    parts: Sequence[str] | None = None,
) -> tuple[Finding, ...]:
    """Every leak between the parts of the split ``name``; blocking, but for few rows of equal content.

    ``assignments``: row_key, part (strings) of one of the split's tables, in pieces; its ``parts`` are all of the split's unless
    given. ``rows``: all rows of the table that is split. ``time_column`` is what a split by time was made by (a keyed hash
    promises nothing of times). What could not be looked at is a blocking finding too. 64-bit hashes stand for keys and content:
    among 10 million rows, one chance in 300,000 that two are taken for equal.
    """
    database = rows.database
    for relation in ("assigned", "parted", "repeated", "contents"):  # of the split before
        database.execute(f"DROP TABLE IF EXISTS {relation}")
    chunks = (pa.concat_tables(held) for held in in_chunks(assignments))
    load_rows(database, "assigned", chunks, [f"hash({KEY}) AS key", "part"])
    (count,), (total,) = _ask(database, "SELECT count(*) FROM assigned"), _ask(database, "SELECT count(*) FROM digest")
    if not count or not total:
        found = f"{count:,} assignments of {total:,} rows"
        return (Finding(kind="nothing_examined", name=name, is_blocking=True, found=found, expected="rows, each in one part"),)
    own = own_column(split, time_column)
    is_aligned = _part_rows(rows, own, may_be_aligned=count == total)
    findings = list(_find_misassigned(name, database, is_aligned))
    declared = _in_order(split.part_names if parts is None else parts)
    parted = _describe(name, rows, own)
    findings += _find_other_parts(parted, declared, has_embargo=isinstance(split, TimeSplit))
    if isinstance(split, TimeSplit):
        findings += _find_times_across(parted, split)
    elif parted.own:
        findings += _find_entities_across(parted, parted.own, declared)
    findings += _find_copies(parted, declared)
    return tuple(findings)


def _in_order(parts: Sequence[str]) -> tuple[str, ...]:
    """In order of time where that is known."""
    return tuple(part for part in dict.fromkeys((*PARTS, *parts)) if part in parts)


def _find_misassigned(name: str, database: "duckdb.DuckDBPyConnection", is_aligned: bool) -> Iterator[Finding]:
    """Rows that are assigned never, or more than once, and assignments of no row."""
    if is_aligned and _ask(database, "SELECT count(*) = count(DISTINCT key) FROM assigned")[0]:
        return
    missing, unknown, twice = _ask(
        database,
        """
        SELECT coalesce(sum(here) FILTER (assigned = 0), 0), coalesce(sum(assigned) FILTER (here = 0), 0),
               coalesce(sum(assigned - 1) FILTER (assigned > 1), 0)
        FROM (SELECT count(*) FILTER (side = 'a') AS assigned, count(*) FILTER (side = 'r') AS here
              FROM (SELECT key, 'a' AS side FROM assigned UNION ALL SELECT key, 'r' FROM digest)
              GROUP BY key)""",
    )
    for kind, count, found, expected in (
        ("unassigned_rows", missing, "rows in no part", "each row in one part, or in the embargo"),
        ("unknown_rows", unknown, "assignments of rows that the table does not hold", "none"),
        ("duplicate_keys", twice, "assignments whose row key stands before", "each row key once"),
    ):
        if count:
            yield Finding(kind=kind, name=name, is_blocking=True, found=f"{count:,} {found}", expected=expected)


def _part_rows(rows: RowDigest, own: str | None, *, may_be_aligned: bool) -> bool:
    """Make the relation ``parted``, each row with its part; False where the two had to be joined by their keys.

    The join is spared where both tables hold the same keys in the same order, as they do when both were made partition by
    partition. Each pair's keys are held against each other in what is kept, so the order of reading need not be trusted.
    """
    values = f"part, {rows.own.get(own or '', 'NULL')} AS own, {rows.contents[own]} AS content"
    if may_be_aligned:
        assigned = "(SELECT key AS there, part FROM assigned)"
        rows.database.execute(
            f"CREATE TEMP TABLE parted AS SELECT {values}, key = there AS is_same FROM digest POSITIONAL JOIN {assigned}"  # noqa: S608 - our own names
        )
        if _ask(rows.database, "SELECT count(*) FILTER (is_same) = count(*) FROM parted")[0]:
            return True
        rows.database.execute("DROP TABLE parted")
    rows.database.execute(f"CREATE TEMP TABLE parted AS SELECT {values} FROM digest JOIN assigned USING (key)")  # noqa: S608 - our own names
    return False


def _describe(name: str, rows: RowDigest, own: str | None) -> _Parted:
    counts = rows.database.execute("SELECT coalesce(part, 'none'), count(*) FROM parted GROUP BY ALL ORDER BY ALL").fetchall()
    apart = frozenset({*rows.key_columns, *([] if own is None else [own])})
    content = tuple(column for column in rows.types if column not in apart)
    return _Parted(name, rows.database, own or "", rows.types.get(own or ""), content, apart, dict(counts))


def _find_other_parts(parted: _Parted, declared: Sequence[str], *, has_embargo: bool) -> Iterator[Finding]:
    """Declared parts without rows, and rows in parts that are not declared."""
    named = ", ".join(declared)
    for part in declared:
        if not parted.rows.get(part):
            yield parted.block("empty_part", f"0 rows in {part}", f"rows in each of {named}")
    allowed = {*declared, EMBARGO} if has_embargo else set(declared)
    undeclared = sum(count for part, count in parted.rows.items() if part not in allowed)
    if undeclared:
        yield parted.block("undeclared_part", f"{undeclared:,} rows in a part that is not declared", f"only {named}")


def _find_times_across(parted: _Parted, split: TimeSplit) -> Iterator[Finding]:
    """Rows outside the declared period of their part: then no part reaches into a later one, or into an embargo."""
    kind = parted.own_type
    if kind is None or not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        found = f"cannot be checked: {f'{parted.own} of type {kind}' if kind else f'no column {parted.own}'} on masked data"
        yield parted.block("unchecked_time", found, "the time that the split was made by, kept by masking")
        return
    (unknown,) = parted.ask("SELECT count(*) - count(own) FROM parted")
    if unknown:
        yield parted.block("unchecked_time", f"cannot be checked: {unknown:,} rows without a {parted.own}", "a time in every row")
    start = None
    for part in split.part_names:
        end = day_start(split.boundaries[part]) if part in split.boundaries else None
        yield from _find_rows_outside(parted, part, (start, end), split.embargo_days)
        start = end


def _find_rows_outside(parted: _Parted, part: str, period: tuple[int | None, int | None], embargo_days: int) -> Iterator[Finding]:
    """Rows of ``part`` from before its ``period`` (None: no such end), in the embargo that the period begins with, or after it."""
    start, end = period
    free = None if start is None else start + embargo_days * _DAY
    early, near, late = parted.ask(
        """
        SELECT count(*) FILTER (instant < $start), count(*) FILTER (instant >= $start AND instant < $free),
               count(*) FILTER (instant >= $end)
        FROM (SELECT epoch_us(own) AS instant FROM parted WHERE part = $part)""",
        {"part": part, "start": start, "free": free, "end": end},
    )
    for kind, count, where, expected in (
        ("time_order", early, "from before its period", "no part reaches into another's time"),
        ("time_order", late, "from after its period", "no part reaches into another's time"),
        ("embargo", near, "in the embargo before it", f"none for {embargo_days} days"),
    ):
        if count:
            yield parted.block(kind, f"{count:,} rows of {part} {where}", expected)


def _find_entities_across(parted: _Parted, own: str, declared: Sequence[str]) -> Iterator[Finding]:
    """Entities with rows in more than one part."""
    expected = f"the entity {own}, kept by masking or as a token"
    if parted.own_type is None:
        yield parted.block("unchecked_entities", f"cannot be checked: no column {own} on masked data", expected)
        return
    # Numbers are compared more quickly than names; parts that are not declared are one more.
    codes = " ".join(f"WHEN '{part}' THEN {code}" for code, part in enumerate(declared))
    entities, across = parted.ask(f"""
        SELECT count(*), count(*) FILTER (first <> last)
        FROM (SELECT min(code) AS first, max(code) AS last
              FROM (SELECT own, CASE part {codes} ELSE {len(declared)} END AS code
                    FROM parted WHERE own IS NOT NULL) GROUP BY own)""")  # noqa: S608 - our own names
    if not entities:
        yield parted.block("unchecked_entities", f"cannot be checked: no row has a {own}", expected)
    if across:
        yield parted.block(
            "entity_overlap", f"{across:,} of {entities:,} entities in more than one part", "each entity in one part"
        )


def _find_copies(parted: _Parted, declared: Sequence[str]) -> Iterator[Finding]:
    """Rows that equal a row of an earlier part in every column but those that are left apart.

    Rows may be equal by nature: then they repeat within the earlier part as well, and its share of repeated rows is the
    measure. Blocking where a part's share of copies is above both 1 % and twice that.
    """
    content, apart = parted.content, ", ".join(sorted(parted.apart))
    parts = [part for part in declared if parted.rows.get(part)]
    if len(content) < _CONTENT_COLUMNS_AT_LEAST:
        found = f"not looked for: {len(content)} columns beside {apart} would be equal by chance"
        expected = f"{_CONTENT_COLUMNS_AT_LEAST} columns"
        yield Finding(kind="unchecked_content", name=parted.name, is_blocking=False, found=found, expected=expected)
        return
    _group_contents(parted, parts)
    for earlier, later in combinations(parts, 2):
        copied, repeated = f"sum({later}) FILTER ({earlier} > 0)", f"sum({earlier}) FILTER ({earlier} > 1)"
        copies, twins = parted.ask(f"SELECT coalesce({copied}, 0), coalesce({repeated}, 0) FROM contents")  # noqa: S608 - our own names
        if copies:
            share, natural = copies / parted.rows[later], twins / parted.rows[earlier]
            limit = max(_COPIED_AT_MOST, _TWINS_FACTOR * natural)
            yield Finding(
                kind="duplicate_content",
                name=parted.name,
                is_blocking=share > limit,
                found=f"{copies:,} of {parted.rows[later]:,} rows of {later} ({share:.2%}) equal a row of {earlier} in all "
                f"{len(content)} columns beside {apart}",
                expected=f"at most {limit:.2%} (within {earlier}, {natural:.2%} of the rows equal another)",
            )


def _group_contents(parted: _Parted, parts: Sequence[str]) -> None:
    """Make the relation ``contents``: each content that stands in more than one row, with its rows per part."""
    counts = ", ".join(f"count(*) FILTER (part = '{part}') AS {part}" for part in parts)
    # Two steps, since most contents stand once: counting per part from the start takes half as much again.
    parted.database.execute("CREATE TEMP TABLE repeated AS SELECT content FROM parted GROUP BY content HAVING count(*) > 1")
    parted.database.execute(
        f"CREATE TEMP TABLE contents AS SELECT {counts} FROM "  # noqa: S608 - our own names
        "(SELECT part, content FROM parted) SEMI JOIN repeated USING (content) GROUP BY content"
    )
