"""k-anonymity by the cheapest generalisation: as much of each quasi-identifier as leaves no row in too small a crowd.

What belongs here: the search, and what a generalisation costs. What does not: the ladders that it climbs (``ladders``).
k-anonymity: each combination of the quasi-identifiers' values is held by at least k rows, or k people where a column names
them (Sweeney 2002). What a generalisation costs is the share of the column's information (entropy) that it takes.
"""

# Statements are put together from names that are quoted, and numbers.
# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from tasks.disclosure.ladders import DROP, Rule, Step
from tasks.disclosure.statements import open_tables, quote

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
    """The smallest crowd, in rows or people; 0 where no quasi-identifier is left."""
    lost: dict[str, float]
    """The share of each column's information (entropy) that its rule takes, from what the first rung has."""
    expressions: dict[str, str]
    """The SQL that does to the column in memory what its rule does."""


def find_generalisation(table: pa.Table, ladders: Mapping[str, Sequence[Step]], k: int, person: str | None) -> Generalisation:
    """The rules found under which no row of ``table`` stands in a crowd below ``k``.

    ``ladders`` has, for columns of ``table``, the rungs, the last being nothing; their expressions read the columns of ``table``.
    ``person`` is the column whose values are people; None: each row is one.

    The search begins where nothing is left of any column and takes, again and again, the step back up that brings most
    information, as long as each crowd stays at ``k``: more detail never makes a crowd larger, so a column whose step fails
    stays where it is (top-down specialisation, Fung, Wang and Yu 2005). Where the whole table is below ``k``,
    everything is dropped.
    """
    if not ladders:
        return Generalisation({}, k, table.num_rows, 0, 0, 0, {}, {})
    with open_tables({"t": table}) as con:
        crowds = _Crowds(con, person)
        worth = {name: crowds.worth([step.expression for step in steps]) for name, steps in ladders.items()}
        before, _ = crowds.below([quote(name) for name in ladders], k)
        rungs = _climb(crowds, ladders, worth, k)
        kept = [steps[rungs[name]].expression for name, steps in ladders.items() if steps[rungs[name]].rule != DROP]
        below, smallest = crowds.below(kept, k) if kept else (0, 0)
        rules = {name: steps[rungs[name]].rule for name, steps in ladders.items()}
        lost = {name: max(0.0, 1 - worth[name][rungs[name]]) for name in ladders}
        expressions = {name: steps[rungs[name]].expression for name, steps in ladders.items()}
        return Generalisation(rules, k, table.num_rows, before, below, smallest, lost, expressions)


def _climb(
    crowds: "_Crowds", ladders: Mapping[str, Sequence[Step]], worth: Mapping[str, Sequence[float]], k: int
) -> dict[str, int]:
    """The rung of each column at which the search ends."""
    rungs = {name: len(steps) - 1 for name, steps in ladders.items()}
    open_ = {name for name, rung in rungs.items() if rung}
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
    """Counting the crowds of combinations in the view ``t``: rows, or people where a column names them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, person: str | None) -> None:
        self._con, self._person = con, person
        ((rows,),) = con.execute("SELECT count(*) FROM t").fetchall()
        step = max(1, rows // _SAMPLED_ROWS)
        con.execute(f"CREATE TEMP TABLE s AS SELECT * FROM (SELECT *, row_number() OVER () AS wt_n FROM t) WHERE wt_n % {step} = 0")
        self._most = 1
        if person:
            ((self._most,),) = con.execute(f"SELECT max(n) FROM (SELECT count(*) AS n FROM t GROUP BY {quote(person)})").fetchall()

    def below(self, expressions: Sequence[str], k: int) -> tuple[int, int]:
        """Rows whose crowd is below ``k``, and the smallest crowd (rows, where that is enough to know)."""
        found = self._below(expressions, "count(*)", k)
        if self._person is None or found[0] or found[1] >= k * self._most:
            return found
        return self._below(expressions, f"count(DISTINCT {quote(self._person)})", k)

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
