"""Masking one table: the policy carried out, column by column.

What belongs here: the pure function from a raw table to a masked one. What does not: which partitions there are, and where
they lie (the stage ``mask``).
"""

import pyarrow as pa

from tasks.errors import MaskingError
from tasks.masking.keys import MaskingKey
from tasks.masking.policy import KEPT, Treatment, treat_columns
from tasks.masking.tokens import day_offsets, tokenise
from tasks.masking.transforms import bucket, clip, constant, date_part, encrypt, generalise, redact, round_to, shift_days
from tasks.params.masking import MaskingParams
from tasks.params.masking_rules import (
    BucketRule,
    ClipRule,
    ColumnRule,
    ConstantRule,
    DatePartRule,
    DateShiftRule,
    EncryptRule,
    GeneraliseRule,
    RoundRule,
    TokenRule,
)

_SHIFT_PURPOSE = "date_shift/"
"""Keeps the key of an entity's shift apart from that of its token: no domain's name has a slash."""
_CIPHER_PURPOSE = "ff1/"


def mask_table(table_name: str, table: pa.Table, policy: MaskingParams, key: MaskingKey) -> pa.Table:
    """``table`` (all of a table's columns, or some) under ``policy``: the columns that survive, in the order of ``table``.

    Kept columns have their type; tokens and redactions are strings; a shifted date has its type, and is NULL where its
    entity is NULL, since it could not be shifted; the other transforms say in ``tasks.masking.transforms`` what type they
    give. A column that no policy names does not survive; a table with none left has no columns. Rows keep their order.
    Raises :class:`~tasks.errors.MaskingError` where a column's type does not fit its treatment, or the entity column of a
    date shift is not in ``table``.
    """
    survivors = [t for t in treat_columns(policy, table_name, table.column_names) if not t.is_dropped]
    return pa.table({t.column: _mask_column(table_name, table, t, key) for t in survivors})


def _mask_column(table_name: str, table: pa.Table, treatment: Treatment, key: MaskingKey) -> pa.ChunkedArray:
    column = table.column(treatment.column)
    where = f"{table_name}.{treatment.column}"
    if treatment.transform == KEPT:
        return column
    if isinstance(treatment.rule, DateShiftRule):
        entities = _entities(table, treatment.rule, where)
        keyed = key.derive(f"{_SHIFT_PURPOSE}{treatment.domain}")
        days = day_offsets(entities, keyed, treatment.rule.max_days, where=f"{table_name}.{treatment.rule.per}")
        return shift_days(column, days, where=where)
    if treatment.rule is None or isinstance(treatment.rule, TokenRule):
        return tokenise(column, key.derive(treatment.domain or where), where=where)
    if isinstance(treatment.rule, EncryptRule):
        return encrypt(column, treatment.rule, key.derive_cipher(f"{_CIPHER_PURPOSE}{treatment.domain}"), where=where)
    return _mask_without_key(column, treatment.rule, where)


def _mask_without_key(column: pa.ChunkedArray, rule: ColumnRule, where: str) -> pa.ChunkedArray:
    match rule:
        case ConstantRule():
            masked = constant(column, rule)
        case GeneraliseRule():
            masked = generalise(column, rule, where=where)
        case BucketRule():
            masked = bucket(column, rule, where=where)
        case RoundRule():
            masked = round_to(column, rule, where=where)
        case ClipRule():
            masked = clip(column, rule, where=where)
        case DatePartRule():
            masked = date_part(column, rule.part, where=where)
        case _:
            masked = redact(column)
    return masked


def _entities(table: pa.Table, rule: DateShiftRule, where: str) -> pa.ChunkedArray:
    if rule.per not in table.column_names:
        raise MaskingError(
            f"masking {where}: date_shift per {rule.per}",
            found=f"columns {', '.join(table.column_names)}",
            expected=f"the entity column {rule.per} beside the date",
            next_step=f"read {rule.per} with it, or choose another transform under masking.tables in params.yaml",
        )
    return table.column(rule.per)
