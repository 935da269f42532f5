"""From tokens of one key to those of another, for who holds both.

What belongs here: the columns of a domain, and their two tokens. What does not: which values there are and where the result
goes (``tasks.keyholding``). No raw value stands in a bridge.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.keys import MaskingKey
from tasks.masking.policy import treat_columns
from tasks.masking.table import mask_columns
from tasks.params.masking import MaskingParams
from tasks.params.snapshot import TableParams

OLD_TOKEN, NEW_TOKEN = "old_token", "new_token"


def domain_columns(policy: MaskingParams, tables: Mapping[str, TableParams], domain: str) -> tuple[tuple[str, str], ...]:
    """The columns (table, column) whose values become tokens of ``domain``: a declared one, or a column's own, ``table.column``.

    Raises :class:`~tasks.errors.MaskingError` where no column has tokens of it.
    """
    keyed = {
        (name, treatment.column): treatment.domain
        for name, declared in sorted(tables.items())
        for treatment in treat_columns(policy, name, declared.columns)
        if treatment.transform == "token"
    }
    found = tuple(place for place, owner in keyed.items() if owner == domain)
    if not found:
        known = ", ".join(sorted({owner for owner in keyed.values() if owner is not None})) or "none"
        raise MaskingError(
            f"domain {domain}", found="no column with tokens of it", expected=f"one of {known}", next_step="windtunnel mask explain"
        )
    return found


def bridge_values(name: str, raw: pa.Table, policy: MaskingParams, old: MaskingKey, new: MaskingKey) -> pa.Table:
    """``old_token`` and ``new_token`` (string) of each distinct value of the one column of ``raw``, part of the table ``name``."""
    (column,) = raw.column_names
    distinct = pa.table({column: pc.unique(pc.drop_null(raw.column(column)))})
    return pa.table(
        {token: mask_columns(name, distinct, policy, key).column(column) for token, key in ((OLD_TOKEN, old), (NEW_TOKEN, new))}
    )


def join_bridges(pieces: list[pa.Table]) -> pa.Table:
    """One row for each old token, ordered by it."""
    whole = pa.concat_tables(pieces).group_by([OLD_TOKEN, NEW_TOKEN]).aggregate([])
    return whole.select([OLD_TOKEN, NEW_TOKEN]).sort_by(OLD_TOKEN)
