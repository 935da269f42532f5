"""Suppression: rows whose combination of masked columns too few people hold are removed, or lose these columns.

What belongs here: applying what is known to be rare. What does not: counting it over the whole table (``facts``).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.errors import MaskingError
from tasks.masking.joins import KeyJoin
from tasks.masking.transforms.columns import to_array
from tasks.masking.transforms.shuffling import group_codes
from tasks.params.masking import MaskingParams
from tasks.params.masking_rules import SuppressRule


def suppress(masked: pa.Table, rule: SuppressRule, rare: pa.Table, *, where: str) -> pa.Table:
    """``masked`` without the rows, or without the cells of ``rule.columns`` in the rows, whose combination is in ``rare``.

    ``rare`` has the columns of ``rule``; NULL is equal to NULL. Raises :class:`~tasks.errors.MaskingError` where ``masked`` lacks
    one of them.
    """
    missing = [name for name in rule.columns if name not in masked.column_names]
    if missing:
        raise MaskingError(
            f"masking {where}: suppress",
            found=f"columns {', '.join(masked.column_names)}",
            expected=f"the column {missing[0]} among them",
            next_step=f"read {missing[0]} too, or take it out of masking.tables.{where}.suppress in params.yaml",
        )
    if not rare.num_rows or not masked.num_rows:
        return masked
    is_rare = _is_among(masked, rare, rule.columns)
    if rule.what == "rows":
        return masked.filter(to_array((~is_rare).view(np.int8)).cast(pa.bool_()))
    places = np.where(is_rare, -1, np.arange(masked.num_rows))
    valid = np.packbits(places >= 0, bitorder="little")
    kept = pa.Array.from_buffers(pa.int64(), len(places), [pa.py_buffer(valid), pa.py_buffer(places)])
    for name in rule.columns:
        place = masked.column_names.index(name)
        masked = masked.set_column(place, masked.schema.field(place), masked.column(name).take(kept))
    return masked


def explain_suppression(policy: MaskingParams, place: str | None = None) -> tuple[str, ...]:
    """One sentence for each table that has ``suppress``; only for the table of ``place`` (a table, or ``table.column``)."""
    wanted = None if place is None else place.partition(".")[0]
    told = []
    for name, declared in sorted(policy.tables.items()):
        rule = declared.suppress
        if rule is not None and wanted in (None, name):
            holders = "rows" if rule.per is None else f"different {rule.per}"
            fate = "lose these cells" if rule.what == "cells" else "are removed"
            why = f" ({rule.reason})" if rule.reason else ""
            told.append(f"{name}: rows whose masked {', '.join(rule.columns)} fewer than {rule.k} {holders} hold {fate}{why}")
    return tuple(told)


def require_joins_of_all_rows(policy: MaskingParams, joins: Iterable[KeyJoin]) -> None:
    """Raise :class:`~tasks.errors.MaskingError` where rows would be suppressed that the rows of another table join with."""
    for join in joins:
        for side in (join.left, join.right):
            declared = policy.tables.get(side.table)
            if declared is not None and declared.suppress is not None and declared.suppress.what == "rows":
                raise MaskingError(
                    f"masking {side.table}: suppress rows",
                    found=f"a join of {join.left} with {join.right}, which would lose rows",
                    expected="tables that join with no other, where rows are suppressed",
                    next_step=f"take `what: cells` under masking.tables.{side.table}.suppress in params.yaml",
                )


def _is_among(masked: pa.Table, rare: pa.Table, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    together = []
    for name in names:
        kind = rare.column(name).type
        chunks = [*masked.column(name).cast(kind).chunks, *rare.column(name).chunks]
        together.append(pa.chunked_array(chunks, kind))
    codes = group_codes(together, masked.num_rows + rare.num_rows)
    found: npt.NDArray[np.bool_] = np.isin(codes[: masked.num_rows], codes[masked.num_rows :])
    return found
