"""From classes to a masking policy: which columns are kept, which become tokens, which lose detail, which go.

What belongs here: the proposal for one table, in the words of ``masking`` of params.yaml. What does not: how it is carried out
(``tasks.masking``).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.detection import snake_case
from tasks.disclosure import Generalisation
from tasks.projects.classes import Classed
from tasks.projects.profile import ColumnProfile

_MOST_TOKENS = 5000
"""Distinct texts above which tokens tell a model nothing, and a person too much."""
_RECURS = 0.5
_BANDS = 40
_FEW = 20


@dataclass(frozen=True)
class Policy:
    """The policy of one table: safe columns, token domains, and one rule (transform, settings) for each other column."""

    safe: tuple[str, ...]
    domains: dict[str, str]
    """Column -> the name of its domain."""
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    kept_quasi: tuple[str, ...] = ()
    """Safe columns that are quasi-identifiers all the same: enough people share each of their values to keep them."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """The columns that do not leave the restricted zone."""
        return tuple(column for column, rule in self.rules.items() if rule["transform"] == "drop")

    def words(self, column: str) -> str:
        """What becomes of ``column``, in words."""
        if column in self.safe:
            return "kept"
        if column in self.domains:
            return "token"
        rule = self.rules[column]
        settings = [f"{key} {value}" for key, value in rule.items() if key not in ("class", "transform", "reason")]
        return " ".join([rule["transform"], *settings])


def propose_policy(
    profiles: Mapping[str, ColumnProfile], classed: Mapping[str, Classed], generalisation: Generalisation, tokens: Mapping[str, str]
) -> Policy:
    """The policy; ``tokens`` maps the columns that must stay apart (key, entity) to the names of their domains."""
    safe: list[str] = []
    rules: dict[str, dict[str, Any]] = {}
    for name, found in classed.items():
        if name in tokens:
            continue
        rule = generalisation.rules.get(name) if found.column_class == "quasi" else _rule(profiles[name], found)
        if not rule:
            safe.append(name)
        else:
            rules[name] = {"class": found.column_class, **rule, "reason": found.evidence}
    quasi = tuple(name for name in safe if classed[name].column_class == "quasi")
    return Policy(tuple(safe), dict(tokens), rules, quasi)


def domain_name(column: str) -> str:
    """A name for the domain of ``column``: lower-case letters, digits and underscores."""
    return snake_case(column) or "key"


def _rule(profile: ColumnProfile, found: Classed) -> dict[str, Any]:
    """The treatment of a column that is no quasi-identifier; empty: it is kept."""
    if found.column_class == "safe":
        return {}
    if found.column_class == "sensitive":
        if profile.is_text and profile.distinct <= _MOST_TOKENS and profile.distinct_share < _RECURS:
            return {"transform": "token"}
        if profile.is_number and profile.distinct > _FEW:
            return {"transform": "generalise", "width": _width(profile)}
    return {"transform": "drop"}


def _width(profile: ColumnProfile) -> int | float:
    """A round width that leaves some forty bands."""
    width = max((profile.high or 0) - (profile.low or 0), 1e-9) / _BANDS
    scale = 10.0 ** math.floor(math.log10(width))
    rounded = next(step * scale for step in (1, 2, 5, 10) if step * scale >= width)
    return int(rounded) if rounded >= 1 else rounded
