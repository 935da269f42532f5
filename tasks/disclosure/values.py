"""What an attacker compares of a published value, as SQL: the value itself, or the band that a transform hides it in.

What belongs here: shifted dates and noise. What does not: whose values they are (``view``).
"""

from collections.abc import Sequence

from tasks.disclosure.columns import KnownColumn
from tasks.disclosure.statements import quote
from tasks.params.masking_rules import DateShiftRule, NoiseRule

PERSON = "wt_person"


def is_plain(column: KnownColumn) -> bool:
    """Whether a published value is compared as it is."""
    return not isinstance(column.rule, DateShiftRule | NoiseRule)


def base_name(column: KnownColumn) -> str:
    """The name of the earliest of a person's dates that moved by the same days as ``column``."""
    return quote(f"wt_base.{column.shift.per if column.shift else ''}")


def base_columns(known: Sequence[KnownColumn]) -> str:
    """Further columns of a SELECT: of each group of shifted dates a person's earliest."""
    shifted: dict[str, list[str]] = {}
    for column in known:
        if column.shift:
            shifted.setdefault(base_name(column), []).append(f"min({quote(column.column)}::DATE) OVER (PARTITION BY {PERSON})")
    return "".join(f", least({', '.join(dates)}) AS {base}" for base, dates in shifted.items())


def compared_value(column: KnownColumn, known: Sequence[KnownColumn]) -> str:
    """What an attacker compares: the value; of shifted dates the band of the earliest, and the days that lie between them; of
    numbers with noise the band that it hides them in.
    """
    if isinstance(column.rule, NoiseRule):
        return _noisy(quote(column.column), column.rule)
    if column.shift is None:
        return quote(column.column)
    band = f"floor((({base_name(column)}) - DATE '1970-01-01') / {2 * column.shift.max_days + 1}.0)::BIGINT"
    days = f"coalesce(({quote(column.column)}::DATE - {base_name(column)})::VARCHAR, '')"
    is_first = column == next(other for other in known if other.shift and other.shift.per == column.shift.per)
    return f"({band} || '+' || {days})" if is_first else days


def _noisy(name: str, rule: NoiseRule) -> str:
    """Bands as wide as what holds 95 % of the noise around a value; of relative noise on a logarithmic scale."""
    width = rule.scale * (4 if rule.distribution == "normal" else 6)
    number = f"ln(greatest(abs({name}::DOUBLE), 1e-12))" if rule.relative else f"{name}::DOUBLE"
    return f"floor({number} / {width!r})"
