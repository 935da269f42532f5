"""What personal data looks like: forms of values, with their checksums, found over distinct values.

What belongs here: the patterns, and which of them a value has. What does not: names of people (``people``), names of columns
(``columns``), and what follows for a column (``findings``). One regular expression of all forms (RE2, linear in a text's length)
leaves aside what has none; only the rest is held against each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.detection import checksums

LONGEST = 254
"""Bytes of the longest value that a pattern can have, an e-mail address (RFC 5321); what is longer is text."""
_FAILED = 100
"""Added to a pattern's number: the value has its form, not its checksum, and no other pattern."""


@dataclass(frozen=True)
class Pattern:
    """How one kind of value is told: a regular expression (RE2) of the whole value, and a checksum of what has this form."""

    name: str
    what: str
    regex: str
    checksum: Callable[[pa.Array], NDArray[np.bool_]] | None = None
    is_telling: bool = True
    """Whether a value of this form speaks for itself; a date, a UUID or two capitalised words may be anything."""
    is_weak: bool = False
    """Whether other numbers often have it too (versions, ranges, serial numbers): one value says nothing, most of a column does."""


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_GROUP = "[0-9a-fA-F]{1,4}"
PATTERNS = (
    Pattern("email", "e-mail addresses", r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    Pattern(
        "iban",
        "account numbers (IBAN, checksum holds)",
        r"(?i)[A-Z]{2}[0-9]{2} ?(?:[A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}",
        checksums.is_iban,
    ),
    Pattern("card", "card numbers (Luhn's checksum holds)", r"[2-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}", checksums.is_luhn),
    Pattern("amex", "card numbers (Luhn's checksum holds)", r"3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}", checksums.is_luhn),
    Pattern(
        "ssn", "social security numbers", r"(?:00[1-9]|0[1-9][0-9]|[1-57-8][0-9]{2}|6(?:[0-57-9][0-9]|6[0-57-9]))-[0-9]{2}-[0-9]{4}"
    ),
    Pattern("nino", "national insurance numbers", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:[0-9]{2} ?){3}[A-D]", is_weak=True),
    Pattern("dni", "Spanish identity numbers (checksum holds)", r"(?:[0-9]{8}|[XYZ][0-9]{7})[A-Z]", checksums.is_dni, is_weak=True),
    Pattern(
        "cpf", "Brazilian tax numbers (checksum holds)", r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}", checksums.is_cpf, is_weak=True
    ),
    Pattern("pesel", "Polish identity numbers (checksum holds)", r"[0-9]{11}", checksums.is_pesel, is_weak=True),
    Pattern(
        "nir",
        "French social security numbers (checksum holds)",
        r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2}(?: ?[0-9]{3}){2} ?[0-9]{2}",
        checksums.is_nir,
        is_weak=True,
    ),
    Pattern(
        "steuer_id",
        "German tax numbers (checksum holds)",
        r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        checksums.is_steuer_id,
        is_weak=True,
    ),
    Pattern("nhs", "NHS numbers (checksum holds)", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", checksums.is_nhs, is_weak=True),
    Pattern("bsn", "Dutch citizen numbers (checksum holds)", r"[0-9]{9}", checksums.is_bsn, is_weak=True),
    Pattern("ip", "IP addresses", rf"(?:{_OCTET}\.){{3}}{_OCTET}", is_weak=True),
    Pattern("ip6", "IP addresses", rf"(?:{_GROUP}:){{7}}{_GROUP}|(?:{_GROUP}:){{1,6}}(?::{_GROUP}){{1,6}}", is_weak=True),
    Pattern("mac", "addresses of network devices", r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"),
    Pattern(
        "phone",
        "telephone numbers",
        r"(?:\+|00)[0-9][0-9 ()/.-]{6,18}[0-9]|\(?[0-9]{3,5}\)?[ /-][0-9]{3,4}[ -][0-9]{3,5}|[0-9]{3}\.[0-9]{3}\.[0-9]{4}"
        r"|\([0-9]{3,5}\) ?[0-9]{6,8}|0[0-9]{2,5}[ /-][0-9]{4,8}",
        is_weak=True,
    ),
    Pattern("uuid", "identifiers (UUID)", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", is_telling=False),
    Pattern("date", "dates as text", r"[12][0-9]{3}-[01][0-9]-[0-3][0-9](?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?", is_telling=False),
    Pattern(
        "person",
        "names of people, by their shape",
        r"\p{Lu}[\p{Ll}\p{Lu}'.-]+(?:,? \p{Lu}[\p{Ll}\p{Lu}'.()\"-]*){1,5}",
        is_telling=False,
    ),
)
"""In the order in which they count: a card number is also a telephone number to a naive eye. A value has the first that fits."""

PATTERN_NAMES = tuple(pattern.name for pattern in PATTERNS)
_NUMBERS = {name: number for number, name in enumerate(PATTERN_NAMES, 1)}
_ANY = "|".join(f"(?:{pattern.regex})" for pattern in PATTERNS)


@dataclass(frozen=True)
class Patterns:
    """The patterns of values, one code (uint8) for each: 0 for none."""

    codes: NDArray[np.uint8]

    def has(self, name: str) -> NDArray[np.bool_]:
        """Which values have the pattern ``name``."""
        return np.asarray(self.codes == _NUMBERS[name])

    def counts(self) -> dict[str, int]:
        """How many values have each pattern that occurs."""
        found = np.bincount(self.codes, minlength=2 * _FAILED)
        return {name: int(found[number]) for name, number in _NUMBERS.items() if found[number]}

    def failed(self) -> dict[str, int]:
        """How many values have the form of each pattern that occurs so, but not its checksum."""
        found = np.bincount(self.codes, minlength=2 * _FAILED)
        return {name: int(found[number + _FAILED]) for name, number in _NUMBERS.items() if found[number + _FAILED]}


def find_patterns(values: pa.Array) -> Patterns:
    """The first pattern of each of ``values`` (strings, without NULL); spaces around a value do not count."""
    codes = np.zeros(len(values), np.uint8)
    short = np.flatnonzero(pc.less_equal(pc.binary_length(values), LONGEST).to_numpy(zero_copy_only=False))
    trimmed = pc.utf8_trim_whitespace(values.take(pa.array(short)))
    has_form = _fits(trimmed, _ANY)
    places = short[has_form]
    rest = trimmed.filter(pa.array(has_form))
    for number, pattern in enumerate(PATTERNS, 1):
        if not len(places):
            break
        fits = _fits(rest, pattern.regex)
        if pattern.checksum is not None and fits.any():
            formed = np.flatnonzero(fits)
            holds = pattern.checksum(rest.take(pa.array(formed)))
            failing = places[formed[~holds]]
            codes[failing] = np.where(codes[failing] == 0, number + _FAILED, codes[failing])
            fits[formed[~holds]] = False
        codes[places[fits]] = number
        places, rest = places[~fits], rest.filter(pa.array(~fits))
    return Patterns(codes)


def _fits(values: pa.Array, regex: str) -> NDArray[np.bool_]:
    found = pc.match_substring_regex(values, rf"\A(?:{regex})\z")
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
