"""The class of each column, with the evidence, never with a value.

What belongs here: the rules from a profile to a class. What does not: measuring (``profile``), and what is done with a class
(``policy``). Fail closed: a text of many values that nothing speaks for is sensitive.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.detection import FREE_LENGTH, FREE_WORDS, HIGH_SHARE, MANY_TEXTS, PATTERNS, ColumnClass, class_by_name
from tasks.projects.profile import ColumnProfile
from tasks.projects.roles import FILE_TIME

_MOST = 0.5
"""The share of distinct values with a pattern from which the column is of that kind."""
_SOME = 0.02
_ENOUGH_NAMES = 10
_UNIQUE_SHARE = 0.95
_THING_SHARE = 0.05
"""Distinct values per row (20 rows each) below which what looks like people's names rather names breeds, species, airlines."""
_LIFE_SPAN_YEARS = 30
_YEAR_MICROSECONDS = 365.25 * 86_400e6
_NEEDED: dict[str, str] = {
    "label": "the label, which the model learns",
    "score": "production's score, which the challenger is held against",
    "version": "names the version of production's model",
    "time": "orders the rows in time",
    "known": "says from when on a row was known",
}
_TOKENS = {"key": "tells rows apart", "entity": "tells whose rows they are", "join": "finds rows of another table"}


@dataclass(frozen=True)
class Classed:
    """A column, its class, and why; ``is_needed`` where the pipeline cannot do without it as it is."""

    name: str
    column_class: ColumnClass
    evidence: str
    is_needed: bool = False


def class_columns(profiles: Mapping[str, ColumnProfile], roles: Mapping[str, str]) -> dict[str, Classed]:
    """The class of each column; ``roles`` maps a column to its role (label, score, version, time, known, key, entity, join)."""
    return {name: _class(profile, roles.get(name)) for name, profile in profiles.items()}


def _class(profile: ColumnProfile, role: str | None) -> Classed:
    if role == "time" and profile.name == FILE_TIME:
        return Classed(
            profile.name, "safe", "when the file appeared, which stands in for a time that no column tells", is_needed=True
        )
    if role in _NEEDED:
        return Classed(profile.name, "safe", _NEEDED[role], is_needed=True)
    if role in _TOKENS:
        what = _TOKENS[role]
        return Classed(profile.name, "identifier", f"{what}: becomes a token, which joins and says nothing", is_needed=True)
    found = _by_values(profile) or _by_name(profile) or _by_shape(profile)
    return Classed(profile.name, *found)


def _by_values(profile: ColumnProfile) -> tuple[ColumnClass, str] | None:
    """What the values' own form says; it counts before the name, which anybody may have chosen."""
    if profile.named >= _MOST and profile.distinct >= _ENOUGH_NAMES:
        return "identifier", f"{profile.named:.0%} of its distinct values are names of people, by the lists"
    for pattern in PATTERNS:
        share = profile.shares.get(pattern.name, 0.0)
        if pattern.name == "person" and profile.distinct <= 20:
            continue  # a few capitalised words are categories
        if share >= _MOST and pattern.name == "person" and _names_things(profile):
            return (
                "sensitive",
                f"{share:.0%} of its distinct values look like {pattern.what}, yet each recurs as names of things do",
            )
        if share >= _MOST:
            column_class: ColumnClass = "quasi" if pattern.name == "date" else "identifier"
            return column_class, f"{share:.0%} of its distinct values look like {pattern.what}"
    for pattern in PATTERNS:
        share = profile.shares.get(pattern.name, 0.0)
        is_sign = pattern.is_telling and not (pattern.is_weak and pattern.checksum)
        if profile.is_text and is_sign and share >= _SOME:
            return "sensitive", f"{share:.0%} of its distinct values look like {pattern.what}"
    return None


def _names_things(profile: ColumnProfile) -> bool:
    """Whether texts of a name's shape recur so often that they rather name things, and the column's name speaks for nobody."""
    named = class_by_name(profile.name)
    return profile.distinct_share <= _THING_SHARE and (named is None or named[0] != "identifier")


def _by_name(profile: ColumnProfile) -> tuple[ColumnClass, str] | None:
    named = class_by_name(profile.name)
    if named is None or profile.distinct <= 1:
        return None
    column_class, what = named
    if column_class == "free_text" and (not profile.is_text or _is_category(profile)):
        return None
    if column_class == "identifier" and (profile.kind == "bool" or profile.distinct <= 2):
        return None  # a flag such as has_phone
    return column_class, f"by its name: {what}"


def _by_shape(profile: ColumnProfile) -> tuple[ColumnClass, str]:
    share = f"{profile.distinct_words} distinct value{'s' if profile.distinct != 1 else ''} in {profile.filled:,} rows"
    if profile.is_text:
        return _text_by_shape(profile, share)
    if profile.is_date:
        span = ((profile.high or 0) - (profile.low or 0)) / _YEAR_MICROSECONDS
        is_life = span >= _LIFE_SPAN_YEARS
        return "quasi", f"dates over {span:.0f} years, as dates of birth are" if is_life else "a date of its own singles out"
    if profile.is_integer and profile.distinct_share > _UNIQUE_SHARE and profile.distinct > MANY_TEXTS:
        return "identifier", f"nearly unique integers: {share}"
    if profile.kind == "binary":
        return "sensitive", "bytes, which nobody can look into"
    return "safe", f"numbers or flags, nothing speaks for a person: {share}"


def _text_by_shape(profile: ColumnProfile, share: str) -> tuple[ColumnClass, str]:
    if profile.words >= FREE_WORDS or profile.length >= FREE_LENGTH:
        return "free_text", f"{profile.words:.0f} words a value: {share}"
    if _is_category(profile):
        return "safe", f"categories that nothing speaks against: {share}"
    if profile.distinct_share > _UNIQUE_SHARE:
        return "identifier", f"nearly unique texts: {share}"
    return "sensitive", f"texts of many values that nothing speaks for: {share}"


def _is_category(profile: ColumnProfile) -> bool:
    return profile.distinct <= 2 or (profile.distinct <= MANY_TEXTS and profile.distinct_share <= HIGH_SHARE)
