"""Ladders of generalisations: from a column's whole value down to nothing, each rung a function of the one before.

What belongs here: the rungs there can be, as a rule of ``masking.tables.<table>.<column>`` beside the SQL that does to values
in memory what the rule would. What does not: which ladder a column gets (``proposal``, and ``tasks.projects`` for raw columns),
and climbing (``search``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rule = Mapping[str, Any]
"""The keys of a rule beside class and reason; empty: the column stays as it is."""
KEEP: Rule = {}
DROP: Rule = {"transform": "drop"}
_BANDS = 8


@dataclass(frozen=True)
class Step:
    """One rung."""

    rule: Rule
    expression: str


LAST = Step(DROP, "NULL")


def whole_value(expression: str) -> Step:
    """The rung on which nothing is done."""
    return Step(KEEP, expression)


def calendar_steps(year: str) -> list[Step]:
    """Year and decade of the SQL expression ``year``."""
    return [
        Step({"transform": "generalise", "to": "year"}, year),
        Step({"transform": "generalise", "to": "decade"}, f"{year} // 10 * 10"),
    ]


def prefix_steps(expression: str, lengths: Sequence[int]) -> list[Step]:
    """The first characters of a text, for each of ``lengths``, which fall."""
    return [Step({"transform": "generalise", "keep_prefix": n}, f"left(nfc_normalize({expression}), {n})") for n in lengths]


def width_steps(expression: str, low: float, high: float, *, is_integer: bool) -> list[Step]:
    """Bands of 1, 2 or 5 times a power of ten, each a multiple of one before where that can be, until few are left."""
    span = max(high - low, 1e-9)
    widths: list[float] = []
    width = 10.0 ** math.floor(math.log10(span / 100))
    while span / width > 1 and len(widths) < _BANDS:
        widths.append(width)
        leading = round(width / 10 ** math.floor(math.log10(width)))
        width = width * (2.5 if leading == 2 else 2)
    return [band_step(expression, width) for width in widths if not is_integer or width > 1]


def wider_steps(expression: str, width: float, low: float, high: float) -> list[Step]:
    """Bands of two, four, ... times ``width``, until all values stand in one or two."""
    widths = [width * 2**n for n in range(1, _BANDS + 1)]
    return [band_step(expression, wider) for wider in widths if (high - low) / wider > 1]


def band_step(expression: str, width: float) -> Step:
    """The lower bound of a number's band, counted from zero."""
    rule = {"transform": "generalise", "width": int(width) if width >= 1 and width == int(width) else width}
    return Step(rule, f"floor(({expression})::DOUBLE / {width!r}) * {width!r}")
