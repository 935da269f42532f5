"""Masking one table: the policy carried out, column by column, and then row by row where combinations are too rare.

What belongs here: the pure function from a raw table to a masked one. What does not: one column's transform (``dispatch``),
which partitions there are, and where they lie (the stage ``mask``).
"""

import pyarrow as pa

from tasks.masking.dispatch import Cells
from tasks.masking.facts import Facts, require_facts
from tasks.masking.keyed_hash import Keys
from tasks.masking.policy import treat_columns
from tasks.masking.suppression import suppress
from tasks.params.masking import MaskingParams


def mask_table(table_name: str, table: pa.Table, policy: MaskingParams, key: Keys, *, facts: Facts | None = None) -> pa.Table:
    """``table`` (rows of a table) under ``policy``: the columns that survive, in the order of ``table``.

    Kept columns have their type; tokens and redactions are strings; a shifted date has its type, and is NULL where its
    entity is NULL, since it could not be shifted; the other transforms say in ``tasks.masking.transforms`` what type they
    give. A column that no policy names does not survive; a table with none left has no columns. Rows keep their order; where
    the table has ``suppress``, rare ones are missing or lack the named columns, as ``facts`` of the whole table say.
    Raises :class:`~tasks.errors.MaskingError` where a column's type does not fit its treatment, a column that a transform
    reads beside its own is not in ``table``, or ``facts`` are needed and not given.
    """
    needed = require_facts(policy, table_name, facts)
    masked = mask_columns(table_name, table, policy, key)
    declared = policy.tables.get(table_name)
    if declared is None or declared.suppress is None:
        return masked
    return suppress(masked, declared.suppress, needed.rare, where=table_name)


def mask_columns(table_name: str, table: pa.Table, policy: MaskingParams, key: Keys) -> pa.Table:
    """As :func:`mask_table`, of all of a table's columns or some, without looking for rare combinations: for keys and counts."""
    survivors = [t for t in treat_columns(policy, table_name, table.column_names) if not t.is_dropped]
    return pa.table({t.column: Cells(table_name, table, t, key).mask() for t in survivors})
