"""Columns that cannot be features although masking keeps them: known only after, or telling the label all alone.

What belongs here: asking that of a table's columns, and of those that it looks up in others. What does not: how well a column
tells a label (``tasks.validation.target_leakage``).
"""

import math
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tasks.projects.joins import Join, look_up
from tasks.projects.profile import ColumnProfile
from tasks.projects.roles import Roles
from tasks.validation.target_leakage import find_target_leakage

_LEAK_ROWS = 100_000


def find_excluded(table: pa.Table, profiles: Mapping[str, ColumnProfile], roles: Roles) -> tuple[dict[str, str], tuple[str, ...]]:
    """Columns that are no features, known only after the row's time or all but the label, with the figure; and what is said of
    those that tell so much alone that a person should look at where they come from.
    """
    has_role = roles.by_column()
    found: dict[str, str] = {}
    asked = [name for name in table.column_names if name not in has_role]
    if roles.has_time:
        moment = table.column(roles.time).cast(pa.timestamp("us"), safe=False)
        for name in asked:
            if profiles[name].is_time:
                later = pc.mean(pc.greater(table.column(name).cast(pa.timestamp("us"), safe=False), moment)).as_py() or 0.0
                if later > 0.5:
                    found[name] = f"known only after: {later:.0%} of its times lie after {roles.time}"
    columns = [name for name in asked if profiles[name].is_text or profiles[name].is_number or profiles[name].kind == "bool"]
    leaks, remarkable = _find_leaks(table.column(roles.label), table.select(columns), roles)
    return {**found, **leaks}, remarkable


def _find_leaks(label: pa.ChunkedArray, columns: pa.Table, roles: Roles) -> tuple[dict[str, str], tuple[str, ...]]:
    """Of ``columns`` those that give ``label`` away, with the figure, and what is said of those that a person should look at."""
    found: dict[str, str] = {}
    remarkable: list[str] = []
    step = max(1, math.ceil(len(label) / _LEAK_ROWS))
    places = pa.array(range(0, len(label), step))
    label, columns = (label.take(places), columns.take(places)) if step > 1 else (label, columns)
    # Columns may be called anything: in what is found they go by numbers.
    numbered = ((f"c{n}", column) for n, column in enumerate(columns.columns))
    for finding in find_target_leakage(_label_values(label, roles), numbered, task=roles.task):
        if finding.kind != "suspected_target_leakage":
            continue
        column = columns.column_names[int(finding.name[1:])]
        if finding.is_blocking:
            found[column] = finding.found.replace(f"{finding.name} alone", "gives the label away: alone it")
        else:
            remarkable.append(finding.found.replace(finding.name, column, 1))
    return found, tuple(remarkable)


def without_leaks(joins: Sequence[Join], table: pa.Table, roles: Roles) -> tuple[tuple[Join, ...], dict[str, str]]:
    """``joins`` without the columns that give the label away although they were known by then, and those with the figure."""
    excluded: dict[str, str] = {}
    kept = []
    for join in joins:
        leaks: dict[str, str] = {}
        if join.is_declared and join.columns:
            leaks, _ = _find_leaks(table.column(roles.label), look_up(join, table, roles), roles)
            excluded |= {f"{join.table}.{column}": why for column, why in leaks.items()}
        kept.append(join.without_columns(leaks))
    return tuple(kept), excluded


def _label_values(column: pa.ChunkedArray, roles: Roles) -> pa.ChunkedArray:
    """The label as the features dataset will have it: 0 and 1, the class's name, or a number."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if roles.task == "binary":
        return pc.equal(column, pa.scalar(roles.positive).cast(column.type)).cast(pa.int8())
    return column.cast(pa.string() if roles.task == "multiclass" else pa.float64())
