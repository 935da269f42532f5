"""The generalisations that a raw column may go through to make people alike, by what its profile shows.

What belongs here: which ladder a column gets, and whether anything is left to tell apart after it. What does not: the rungs
(``tasks.disclosure.ladders``) and the search for the cheapest of them (``tasks.disclosure``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.detection import snake_case
from tasks.disclosure import (
    LAST,
    Generalisation,
    Step,
    calendar_steps,
    find_generalisation,
    prefix_steps,
    quote,
    whole_value,
    width_steps,
)
from tasks.projects.profile import ColumnProfile

_CODED = ("zip", "post", "plz")
_FEW = 200


def anonymise(table: pa.Table, quasi: Sequence[ColumnProfile], k: int, entity: str | None) -> Generalisation:
    """The cheapest generalisation of ``quasi`` under which no row of ``table`` stands in a crowd below ``k``."""
    ladders = {profile.name: _ladder(profile) for profile in quasi}
    columns = table.select(list(dict.fromkeys([*ladders, *([entity] if entity else [])])))
    return find_generalisation(columns, ladders, k, entity)


def varies(profile: ColumnProfile, rule: Mapping[str, Any]) -> bool:
    """Whether the dates of ``profile`` lie in more than one of the years, or decades, that ``rule`` makes of them."""
    width = {"year": 1, "decade": 10}.get(rule.get("to", ""))
    ends = [
        np.datetime64(int(moment or 0), "us").astype("datetime64[Y]").astype(int) + 1970 for moment in (profile.low, profile.high)
    ]
    return width is None or bool(ends[0] // width != ends[1] // width)


def _ladder(profile: ColumnProfile) -> list[Step]:
    name = quote(profile.name)
    if profile.is_date:
        return [*calendar_steps(f"year({name})"), LAST]
    if profile.shares.get("date", 0) >= 0.5:
        return [*prefix_steps(name, (4, 3)), LAST]
    if profile.is_text and any(word in snake_case(profile.name) for word in _CODED) and profile.length >= 3:
        return [whole_value(name), *prefix_steps(name, range(min(int(profile.length) - 1, 4), 0, -1)), LAST]
    if profile.is_number and profile.low is not None and profile.high is not None:
        kept = [whole_value(name)] if profile.distinct <= _FEW else []
        return [*kept, *width_steps(name, profile.low, profile.high, is_integer=profile.is_integer), LAST]
    return [whole_value(name), LAST]
