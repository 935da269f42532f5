"""The cheapest change of the policy that gets a view below its limits, in the words of ``masking.tables``.

What belongs here: which generalisations a masked column may still go through, what they cost, and what each column adds to the
risk. What does not: the search itself (``search``), and carrying a policy out.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tasks.disclosure.columns import FEATURE, KnownColumn
from tasks.disclosure.crowds import form_crowds
from tasks.disclosure.ladders import LAST, Rule, Step, band_step, calendar_steps, prefix_steps, whole_value, wider_steps
from tasks.disclosure.risk import Risk, measure_risk
from tasks.disclosure.search import Generalisation, find_generalisation
from tasks.disclosure.statements import quote
from tasks.disclosure.view import DAY, PeopleView
from tasks.params.limits import LimitsParams
from tasks.params.masking_rules import ColumnRule, GeneraliseRule, NoiseRule

_FEW_BANDS = 20


def rows_below_without(view: PeopleView, k: int) -> dict[str, int]:
    """By quasi-identifier: the people who would stand in crowds below ``k`` if nothing were left of it."""
    names = [column.name for column in view.quasi]
    found = {}
    for name in names:
        crowds = form_crowds(view.people, [other for other in names if other != name], view.person)
        found[name] = measure_risk(crowds, k, view.owners).rows_below
    return found


def propose_generalisation(view: PeopleView, k: int) -> Generalisation:
    """What would have to become of each quasi-identifier of ``view``; its rules are beside those that are in force already."""
    ladders = {column.name: _ladder(view.people, column) for column in view.quasi}
    columns = [name for name in view.people.column_names if name in (*ladders, view.person) or name.endswith(DAY)]
    return find_generalisation(view.people.select(columns), ladders, k, view.person)


def propose_suppression(view: PeopleView, risk: Risk, found: Generalisation, limits: LimitsParams, person: str | None) -> str:
    """``suppress`` of the rare combinations, where that takes less than generalising for everybody; empty where it would not do.

    It does where all quasi-identifiers stand in one table as they are, and those who lose them are ``limits.k`` people or more:
    fewer would be known by having nothing. ``person`` is the table's column that says whose row it is.
    """
    tables = {column.table for column in view.quasi}
    is_blurred = any(
        column.shift or isinstance(column.rule, NoiseRule) or column.column.startswith(FEATURE) for column in view.quasi
    )
    lost = sum(found.lost.values()) / max(len(found.lost), 1)
    if len(tables) != 1 or is_blurred or risk.rows_below < limits.k or risk.below >= lost:
        return ""
    columns = ", ".join(column.column for column in view.quasi)
    per = f", per: {person}" if person else ""
    rule = f"masking.tables.{tables.pop()}.suppress: {{columns: [{columns}], k: {limits.k}{per}}}"
    share = publishable(risk.rows_below, risk.rows, limits.k)
    return f"{rule}, which takes these columns from {risk.below:.2%} of people" if share is not None else rule


def publishable(count: int, of: int, k: int) -> int | None:
    """``count`` people of ``of``; None where it, or all the others, would be fewer than ``k`` and yet somebody."""
    return None if 0 < count < k or 0 < of - count < k else count


def rule_words(rule: Rule) -> str:
    """A rule as it is written in params.yaml, in one line."""
    return ", ".join(f"{key}: {value}" for key, value in rule.items())


def _ladder(people: pa.Table, column: KnownColumn) -> list[Step]:
    """What may still be done to a masked column. Several values of one person can only be given up together."""
    return [whole_value(quote(column.name)), *_steps(people, column), LAST]


def _steps(people: pa.Table, column: KnownColumn) -> Sequence[Step]:
    name, kind, rule = quote(column.name), people.schema.field(column.name).type, column.rule
    if column.column.startswith(FEATURE) or isinstance(rule, NoiseRule):
        return ()  # a feature is changed by changing the column that it is made of; noise is no function of the published value
    if column.shift:
        return calendar_steps(f"year({quote(column.name + DAY)})")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return calendar_steps(f"year({name})")
    if isinstance(rule, GeneraliseRule) and rule.keep_prefix is not None:
        return prefix_steps(name, range(rule.keep_prefix - 1, 0, -1)) if _is_single(people, column) else ()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _number_steps(people.column(column.name), name, rule)
    return ()


def _number_steps(values: pa.ChunkedArray, name: str, rule: ColumnRule | None) -> Sequence[Step]:
    width = None
    if isinstance(rule, GeneraliseRule) and rule.to is not None:  # years, or decades
        return calendar_steps(name)[1:] if rule.to == "year" else ()
    if isinstance(rule, GeneraliseRule):
        width = rule.width
    ends = pc.min_max(values).as_py()
    if ends["min"] is None or ends["min"] == ends["max"]:
        return ()
    low, high = float(ends["min"]), float(ends["max"])
    if width is not None:
        return wider_steps(name, width, low, high)
    first = _round((high - low) / _FEW_BANDS)
    return [band_step(name, first), *wider_steps(name, first, low, high)]


def _round(width: float) -> float:
    """A width of one significant digit."""
    return float(f"{width:.0e}")


def _is_single(people: pa.Table, column: KnownColumn) -> bool:
    """Whether each person has one value, not a set of them."""
    return not pc.any(pc.match_substring(people.column(column.name), "\x1f")).as_py()
