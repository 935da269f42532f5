"""What is the stricter of two values, by the place that they stand in.

What belongs here: the table of places that have an order, and making changes of them. What does not: criteria, columns and signers,
which are more than a number.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from tasks.records import PolicyChange

Goes = Literal["loosening", "tightening", "neutral"]
_MORE_IS_STRICTER = (
    r"gates\.criteria\.[^.]+\.(better_by|min_rows|min_count|least|confidence|critical)",
    r"evaluation\.interval\.(confidence|replicates)",
    r"masking\.limits\.(k|diversity)",
    r"masking\.utility\.(min_rank_correlation|min_agreement)",
    r"masking\.tables\.[^.]+\.suppress\.k",
    r"masking\.tables\.[^.]+\.columns\.[^.]+\.(max_days|scale)",
    r"expectations/.+\.(mostly|min_value|strict_min|strict_max)",
)
_LESS_IS_STRICTER = (
    r"gates\.max_age_days",
    r"gates\.criteria\.[^.]+\.(margin|relative_margin|gap|most)",
    r"evaluation\.discover\.margin",
    r"masking\.limits\.(below|closeness|excess)",
    r"masking\.tables\.[^.]+\.columns\.[^.]+\.keep_prefix",
    r"expectations/.+\.(max_value|or_equal)",
)
"""Not among them is ``gates.looks.budget``: fewer looks are fewer tries, and each later one of fewer is judged less strictly."""
_STEPS = {
    r"gates\.require\.challenger": ("scores_brought_along", "scored_here", "refitted_here"),
    r"gates\.require\.champion": ("any", "logged_scores"),
}
"""Places of one word out of a few, the loosest first."""
_WORDS = (r"(.+\.)?(reason|why|purpose|owner)",)
"""Words for a reader; nothing is judged or masked by them."""


def ordered(where: str, was: Any, now: Any) -> PolicyChange:
    """The change at a place, by the place's order. No value at all is the loosest; without an order it is a loosening."""
    if _is_in(_WORDS, where):
        return change(where, was, now, "neutral", "words")
    steps = next((steps for pattern, steps in _STEPS.items() if re.fullmatch(pattern, where)), ())
    if was in steps and now in steps:
        return change(where, was, now, "tightening" if steps.index(now) > steps.index(was) else "loosening", "")
    sign = 1 if _is_in(_MORE_IS_STRICTER, where) else -1 if _is_in(_LESS_IS_STRICTER, where) else 0
    if not sign or not all(value is None or isinstance(value, int | float) for value in (was, now)):
        return unordered(where, was, now, "neither is the stricter one, so it counts as loosening")
    if was is None or now is None:
        return change(where, was, now, "tightening" if was is None else "loosening", "a limit, or none")
    return change(where, was, now, "tightening" if sign * (now - was) > 0 else "loosening", "")


def change(where: str, was: Any, now: Any, goes: Goes, why: str) -> PolicyChange:
    """The record of a change; values as text."""
    return PolicyChange(where=where, was=_text(was), now=_text(now), direction=goes, why=why)


def unordered(where: str, was: Any, now: Any, why: str) -> PolicyChange:
    """The change from one value to another where neither is the stricter one: it counts as loosening."""
    return change(where, was, now, "loosening", why).model_copy(update={"has_order": False})


def leaves(value: Mapping[str, Any], where: str = "", skip: str = "") -> dict[str, Any]:
    """``{dotted place: value}`` of everything in nested mappings but what lies under ``skip``."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        place = f"{where}.{name}" if where else str(name)
        if place == skip:
            continue
        if isinstance(inner, Mapping) and inner:
            found |= leaves(inner, place, skip)
        else:
            found[place] = inner
    return found


def _is_in(patterns: tuple[str, ...], where: str) -> bool:
    return any(re.fullmatch(pattern, where) for pattern in patterns)


def _text(value: Any) -> str:
    return "none" if value is None else str(value)
