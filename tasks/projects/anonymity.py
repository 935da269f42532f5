"""k-anonymity by the cheapest generalisation: as much of each quasi-identifier as leaves no row in too small a crowd.

What belongs here: the ladders of generalisations, and the search. What does not: which columns are quasi-identifiers
(``classes``). k-anonymity: each combination of the quasi-identifiers' values is held by at least k rows, or k entities where
there is one (Sweeney 2002). What a generalisation costs is the share of the column's information (entropy) that it takes.
"""

# Statements are put together from names that are quoted, and numbers.
# ruff: noqa: S608

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from tasks.detection import snake_case
from tasks.projects.profile import ColumnProfile, open_table, quote

Rule = Mapping[str, Any]
"""The keys of a rule in ``masking.tables.<table>.<column>`` beside class and reason; empty: the column is kept."""
KEEP: Rule = {}
DROP: Rule = {"transform": "drop"}
_CODED = ("zip", "post", "plz")
_BANDS = 8
_SAMPLED_ROWS = 100_000


@dataclass(frozen=True)
class Generalisation:
    """What becomes of each quasi-identifier, and the crowd that its rows stand in; ``below`` counts rows below ``k``."""

    rules: dict[str, Rule]
    k: int
    rows: int
    below_before: int
    below: int
    smallest: int
    """The smallest crowd, in rows or entities; 0 where no quasi-identifier is left."""


@dataclass(frozen=True)
class _Step:
    rule: Rule
    expression: str


def anonymise(table: pa.Table, quasi: Sequence[ColumnProfile], k: int, entity: str | None) -> Generalisation:
    """The rules found under which no row of ``table`` stands in a crowd below ``k``.

    The search begins where nothing is left of any column and takes, again and again, the step back up that brings most
    information, as long as each crowd stays at ``k``: more detail never makes a crowd larger, so a column whose step fails
    stays where it is (top-down specialisation, Fung, Wang and Yu 2005). Where the whole table is below ``k``,
    everything is dropped.
    """
    ladders = {profile.name: _ladder(profile) for profile in quasi}
    if not ladders:
        return Generalisation({}, k, table.num_rows, 0, 0, 0)
    columns = table.select(list(dict.fromkeys([*ladders, *([entity] if entity else [])])))
    with open_table(columns) as con:
        crowds = _Crowds(con, entity)
        before, _ = crowds.below([quote(name) for name in ladders], k)
        rungs = _climb(crowds, ladders, k)
        kept = [steps[rungs[name]].expression for name, steps in ladders.items() if steps[rungs[name]].rule != DROP]
        below, smallest = crowds.below(kept, k) if kept else (0, 0)
        rules = {name: steps[rungs[name]].rule for name, steps in ladders.items()}
        return Generalisation(rules, k, table.num_rows, before, below, smallest)


def _climb(crowds: "_Crowds", ladders: Mapping[str, Sequence[_Step]], k: int) -> dict[str, int]:
    """The rung of each column at which the search ends."""
    rungs = {name: len(steps) - 1 for name, steps in ladders.items()}
    worth = {name: crowds.worth([step.expression for step in steps]) for name, steps in ladders.items()}
    open_ = set(ladders)
    while open_:
        # Half the information of two columns is worth more than all of one: hence the root.
        gains = {name: worth[name][rungs[name] - 1] ** 0.5 - worth[name][rungs[name]] ** 0.5 for name in sorted(open_)}
        name = max(gains, key=gains.__getitem__)
        raised = rungs | {name: rungs[name] - 1}
        expressions = [ladders[column][rung].expression for column, rung in raised.items() if ladders[column][rung].rule != DROP]
        if crowds.below(expressions, k)[0]:
            open_.discard(name)
            continue
        rungs = raised
        if rungs[name] == 0:
            open_.discard(name)
    return rungs


class _Crowds:
    """Counting the crowds of combinations in the view ``t``: rows, or entities where there is one."""

    def __init__(self, con: duckdb.DuckDBPyConnection, entity: str | None) -> None:
        self._con, self._entity = con, entity
        ((rows,),) = con.execute("SELECT count(*) FROM t").fetchall()
        step = max(1, rows // _SAMPLED_ROWS)
        con.execute(f"CREATE TEMP TABLE s AS SELECT * FROM (SELECT *, row_number() OVER () AS wt_n FROM t) WHERE wt_n % {step} = 0")
        self._most = 1
        if entity:
            ((self._most,),) = con.execute(f"SELECT max(n) FROM (SELECT count(*) AS n FROM t GROUP BY {quote(entity)})").fetchall()

    def below(self, expressions: Sequence[str], k: int) -> tuple[int, int]:
        """Rows whose crowd is below ``k``, and the smallest crowd (rows, where that is enough to know)."""
        found = self._below(expressions, "count(*)", k)
        if self._entity is None or found[0] or found[1] >= k * self._most:
            return found
        return self._below(expressions, f"count(DISTINCT {quote(self._entity)})", k)

    def _below(self, expressions: Sequence[str], crowd: str, k: int) -> tuple[int, int]:
        groups = f"SELECT count(*) AS rows, {crowd} AS crowd FROM t GROUP BY {', '.join(f'({e})' for e in expressions)}"
        statement = f"SELECT coalesce(sum(rows) FILTER (crowd < {k}), 0), coalesce(min(crowd), 0) FROM ({groups})"
        ((rows, smallest),) = self._con.execute(statement).fetchall()
        return int(rows), int(smallest)

    def worth(self, expressions: Sequence[str]) -> list[float]:
        """The share of the first expression's information (entropy, on a sample) that each keeps."""
        bits = []
        for expression in expressions:
            groups = f"SELECT count(*)::DOUBLE AS g FROM s GROUP BY ({expression})"
            ((found,),) = self._con.execute(f"SELECT log2(sum(g)) - sum(g * log2(g)) / sum(g) FROM ({groups})").fetchall()
            bits.append(max(float(found or 0), 0.0))
        return [value / max(bits[0], 1e-9) for value in bits]


def _ladder(profile: ColumnProfile) -> list[_Step]:
    """Rungs from the whole value down to nothing; each is a function of the one before."""
    name = quote(profile.name)
    whole = [_Step(KEEP, name)]
    last = [_Step(DROP, "NULL")]
    if profile.is_date:
        year = f"year({name})"
        return [
            _Step({"transform": "generalise", "to": "year"}, year),
            _Step({"transform": "generalise", "to": "decade"}, f"{year} // 10 * 10"),
            *last,
        ]
    if profile.shares.get("date", 0) >= 0.5:
        return [*_prefixes(name, (4, 3)), *last]
    if profile.is_text and any(word in snake_case(profile.name) for word in _CODED) and profile.length >= 3:
        return [*whole, *_prefixes(name, range(min(int(profile.length) - 1, 4), 0, -1)), *last]
    if profile.is_number and profile.low is not None and profile.high is not None:
        return [*(whole if profile.is_integer and profile.distinct <= 200 else []), *_widths(profile, name), *last]
    return [*whole, *last]


def _prefixes(name: str, lengths: Sequence[int]) -> list[_Step]:
    return [_Step({"transform": "generalise", "keep_prefix": n}, f"left(nfc_normalize({name}), {n})") for n in lengths]


def _widths(profile: ColumnProfile, name: str) -> list[_Step]:
    """Bands of 1, 2 or 5 times a power of ten, each a multiple of one before where that can be, until few are left."""
    span = max((profile.high or 0) - (profile.low or 0), 1e-9)
    widths: list[float] = []
    width = 10.0 ** math.floor(math.log10(span / 100))
    while span / width > 1 and len(widths) < _BANDS:
        widths.append(width)
        leading = round(width / 10 ** math.floor(math.log10(width)))
        width = width * (2.5 if leading == 2 else 2)
    whole_numbers = [w for w in widths if not profile.is_integer or w > 1]
    return [
        _Step({"transform": "generalise", "width": int(w) if w >= 1 else w}, f"floor({name}::DOUBLE / {w!r}) * {w!r}")
        for w in whole_numbers
    ]
