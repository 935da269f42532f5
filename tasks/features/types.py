"""Column types as features see them, and values of ``params.yaml`` as SQL literals.

What belongs here: which canonical types (``datasets.canonical_type``) count as number, text or time. What does not: SQL of
features.
"""

from tasks.errors import FeatureError

_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_FLOATS = frozenset({"halffloat", "float", "double"})
TIMES = frozenset({"timestamp[UTC]", "timestamp", "date"})
"""A time without a zone is UTC; a date is its first moment."""


def is_text(kind: str) -> bool:
    """True for texts."""
    return kind == "string"


def is_integer(kind: str) -> bool:
    """True for integers of any width, and for booleans, which count as 0 and 1."""
    return kind in _INTEGERS or kind == "bool"


def is_number(kind: str) -> bool:
    """True for what a mean can be taken of: integers, booleans and floats."""
    return is_integer(kind) or kind in _FLOATS


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def as_literal(value: str | int | bool, kind: str, where: str) -> str:
    """``value`` of ``params.yaml`` as an SQL literal that compares with a column of type ``kind``.

    Raises :class:`~tasks.errors.FeatureError` (naming ``where``) for a value that no such column could hold: comparing would
    be false in every row, without a word.
    """
    if is_text(kind) and isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if kind == "bool" and not isinstance(value, str) and value in (0, 1):
        return "true" if value else "false"
    if kind != "bool" and is_number(kind) and not isinstance(value, str):
        return str(int(value))
    raise FeatureError(
        where,
        found=f"the value {value!r} for a column of type {kind}",
        expected="a value of the column's own type",
        next_step=f"mend {where} in params.yaml (quote texts, leave numbers unquoted)",
    )
