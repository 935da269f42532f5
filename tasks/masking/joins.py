"""Which joins masking must keep: all pairs of columns of a domain, self-references, and composite keys.

What belongs here: finding them in the policy, and saying that one does not hold. What does not: counting (``join_counts``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from tasks.errors import MaskingError
from tasks.masking.policy import KEPT, TOKEN, Treatment, treat_columns
from tasks.params.masking import MaskingParams
from tasks.params.masking_rules import EncryptRule, FakeRule
from tasks.params.snapshot import TableParams
from tasks.records import JoinCounts, JoinMeasure


@dataclass(frozen=True)
class JoinSide:
    """A key in a table: one column, or several."""

    table: str
    columns: tuple[str, ...]
    kept: frozenset[str] = frozenset()
    """Those of the columns that masking leaves as they are."""

    def __str__(self) -> str:
        return f"{self.table}.{self.columns[0]}" if len(self.columns) == 1 else f"{self.table}.({', '.join(self.columns)})"


@dataclass(frozen=True)
class KeyJoin:
    """Two keys whose columns, in their order, hold the same things."""

    domains: tuple[str, ...]
    left: JoinSide
    right: JoinSide


def list_joins(policy: MaskingParams, tables: Mapping[str, TableParams]) -> tuple[KeyJoin, ...]:
    """Every join that the domains of ``policy`` promise among ``tables``.

    Two columns of one domain join, in two tables or in one (a self-reference): as tokens, or under one encryption, or as fakes that
    are declared unique. A table whose key has several columns is joined by each table that has exactly one counterpart for each of
    them: in the same domain or, for kept columns, of the same name.
    """
    treated = {name: treat_columns(policy, name, declared.columns) for name, declared in sorted(tables.items())}
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, treatments in treated.items():
        for treatment in treatments:
            if _is_one_to_one(treatment):
                groups.setdefault((treatment.domain or "", treatment.words), []).append((name, treatment.column))
    singles = [
        KeyJoin((domain,), JoinSide(table, (column,)), JoinSide(other, (another,)))
        for (domain, _), columns in sorted(groups.items())
        for (table, column), (other, another) in combinations(_as_declared(policy, domain, columns), 2)
    ]
    composites = [
        join
        for name, declared in sorted(tables.items())
        if len(declared.key) > 1
        for other in treated
        for join in _composite(name, declared.key, treated[name], other, treated[other])
    ]
    return (*singles, *composites)


def require_joins_hold(measures: Iterable[JoinMeasure]) -> None:
    """Raise :class:`~tasks.errors.MaskingError` on the first join that masking changed, naming domain, columns and counts."""
    for measure in measures:
        if not measure.holds:
            before, after = measure.before.model_dump(), measure.after.model_dump()
            changed = [
                f"{name} {before[name]:,} before and {after[name]:,} after" for name in before if before[name] != after[name]
            ]
            raise MaskingError(
                f"masking domain {', '.join(measure.domains)}: {measure.left} joined with {measure.right}",
                found="; ".join(changed),
                expected="equal counts: masked keys meet as raw ones do",
                next_step="run `dvc repro -f mask`; if it stays so, report it: two values became one, or one became two",
            )


def compare(join: KeyJoin, before: JoinCounts, after: JoinCounts) -> JoinMeasure:
    """The two counts of ``join`` as a record."""
    return JoinMeasure(domains=join.domains, left=str(join.left), right=str(join.right), before=before, after=after)


def _composite(
    name: str, key: tuple[str, ...], own: tuple[Treatment, ...], other: str, others: tuple[Treatment, ...]
) -> tuple[KeyJoin, ...]:
    """The join of ``other`` with the composite ``key`` of the table ``name``, if each column of it has one counterpart."""
    of_key = {treatment.column: treatment for treatment in own if treatment.column in key}
    counterparts: list[str] = []
    domains: list[str] = []
    kept = frozenset(column for column in key if of_key[column].transform == KEPT)
    for column in key:
        treatment = of_key[column]
        if treatment.transform == KEPT:
            found = [t.column for t in others if t.column == column and t.transform == KEPT]
        else:
            found = [
                t.column
                for t in others
                if t.domain == treatment.domain and t.rule is None and not (other == name and t.column in key)
            ]
            domains.append(treatment.domain or "")
        if len(found) != 1:
            return ()
        counterparts += found
    if not domains:
        return ()
    return (KeyJoin(tuple(domains), JoinSide(other, tuple(counterparts), kept), JoinSide(name, tuple(key), kept)),)


def _is_one_to_one(treatment: Treatment) -> bool:
    """Whether distinct values stay distinct, and equal ones equal wherever they stand in the domain."""
    rule = treatment.rule
    is_unique = isinstance(rule, FakeRule) and rule.unique
    return treatment.domain is not None and (treatment.transform == TOKEN or isinstance(rule, EncryptRule) or is_unique)


def _as_declared(policy: MaskingParams, domain: str, columns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """``columns`` in the order in which their domain names them; those under rules of their own by name."""
    order = {reference: place for place, reference in enumerate(policy.domains.get(domain, ()))}
    return sorted(columns, key=lambda column: order.get(".".join(column), len(order)))
