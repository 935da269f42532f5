"""What personal data looks like: patterns of values, with checksums, and words in columns' names.

What belongs here: the detectors alone. What does not: what follows for a column (``classes``). No list of people's names is
kept: a name is told by its column's name, or by its shape.
"""

import re
from dataclasses import dataclass
from typing import Literal

ColumnClass = Literal["identifier", "quasi", "sensitive", "free_text", "safe"]

_DIGITS = "regexp_replace(v, '[^0-9]', '', 'g')"
_DIGIT = f"substr({_DIGITS}, (length({_DIGITS}) - i)::BIGINT, 1)::INT"
_LUHN = f"""(list_sum(list_transform(range(length({_DIGITS})), lambda i:
    CASE WHEN i % 2 = 0 THEN {_DIGIT} ELSE 2 * {_DIGIT} - CASE WHEN {_DIGIT} > 4 THEN 9 ELSE 0 END END)) % 10 = 0)"""
"""Doubling every second digit from the right, with its digits added up, gives a multiple of ten (ISO/IEC 7812-1, annex B)."""
_BARE = "replace(v, ' ', '')"
_IBAN_MOD_97 = f"""(list_reduce(list_transform(string_split(substr({_BARE}, 5) || substr({_BARE}, 1, 4), ''),
    lambda c: (CASE WHEN c BETWEEN 'A' AND 'Z' THEN ascii(c) - 55 ELSE c::INT END)::BIGINT),
    lambda a, b: (a * CASE WHEN b > 9 THEN 100 ELSE 10 END + b) % 97) = 1)"""
"""Letters count from A = 10, the first four characters go last, and the number leaves 1 modulo 97 (ISO 13616)."""


@dataclass(frozen=True)
class Pattern:
    """How one kind of value is told: an anchored regular expression (RE2), and a checksum in SQL over ``v``."""

    name: str
    what: str
    regex: str
    checksum: str = ""

    @property
    def sql(self) -> str:
        """A boolean over the text ``v``; the checksum is only taken of what has the form."""
        form = f"regexp_full_match(v, '{self.regex.replace(chr(39), chr(39) * 2)}')"
        return f"CASE WHEN {form} THEN {self.checksum or 'true'} ELSE false END"


PATTERNS = (
    Pattern("email", "e-mail addresses", r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    Pattern(
        "iban", "account numbers (IBAN, checksum holds)", r"[A-Z]{2}[0-9]{2} ?(?:[A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}", _IBAN_MOD_97
    ),
    Pattern("card", "card numbers (Luhn's checksum holds)", r"[2-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}", _LUHN),
    Pattern("ssn", "social security numbers", r"[0-9]{3}-[0-9]{2}-[0-9]{4}"),
    Pattern("ip", "IP addresses", r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"),
    Pattern("phone", "telephone numbers", r"(?:\+|00)[0-9][0-9 ()/.-]{6,18}[0-9]|\(?[0-9]{3,5}\)?[ /-][0-9]{3,4}[ -]?[0-9]{3,5}"),
    Pattern("uuid", "identifiers (UUID)", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
    Pattern("date", "dates as text", r"[12][0-9]{3}-[01][0-9]-[0-3][0-9](?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?"),
    Pattern("person", "names of people, by their shape", r"\p{Lu}[\p{Ll}\p{Lu}'.-]+(?:,? \p{Lu}[\p{Ll}\p{Lu}'.()\"-]*){1,5}"),
)
"""In the order in which they count: a card number is also a telephone number to a naive eye."""

_NAMES: tuple[tuple[ColumnClass, str, str], ...] = (
    (
        "identifier",
        "a person's name",
        r"^names?$|^(first|last|middle)$|(^|_)(first|last|middle|given|family|full|maiden|nick|user|customer|patient|person|client|"
        r"contact|employee|holder|passenger|sur|fore)_?names?(_|$)",
    ),
    (
        "identifier",
        "an address or number of a person",
        r"(^|_)(e_?mails?|phone|telephone|mobile|cell|fax|tel)(_?(no|number|nr))?(_|$)",
    ),
    (
        "identifier",
        "a person's number",
        r"(^|_)(customer|user|client|patient|person|member|subscriber|driver|employee|passenger|student|subject|respondent|"
        r"participant)_?(id|no|number|nr|num|key)(_|$)",
    ),
    ("identifier", "where somebody lives", r"(^|_)(address|addr|street|strasse|house_?(no|number))(_|$)"),
    (
        "identifier",
        "an official number",
        r"(^|_)(ssn|social_security|passport|iban|bic|tax_?(id|no)|national_?id|licen[cs]e_?(no|number))(_|$)",
    ),
    ("identifier", "a card or an account", r"(^|_)(credit_?card|card|account)_?(no|number|nr|num)(_|$)"),
    ("identifier", "somebody's device or login", r"(^|_)(ip|ip_?addr(ess)?|mac_?addr(ess)?|login|username|device_?id|cookie)(_|$)"),
    (
        "quasi",
        "a date of birth",
        r"(^|_)(born|dob)(_|$)|(^|_)birth(?!s(_|$)|_?(weight|wt|order|outcome|rate|length|type|control|place))",
    ),
    ("quasi", "an age", r"(^|_)age(_|$)"),
    ("quasi", "sex or origin", r"(^|_)(sex|gender|race|ethnicity|ethnic|nationality|native|citizenship)(_|$)"),
    (
        "quasi",
        "a place",
        r"(^|_)(zip|zip_?code|postal(_?code)?|post_?code|plz|city|town|county|municipality|district|country|birth_?place|lat|lon|lng|latitude|longitude)(_|$)|^long$",
    ),
    (
        "quasi",
        "a person's situation",
        r"(^|_)(marital|marital_?status|occupation|profession|job|job_?title|education|language|household)(_|$)",
    ),
    (
        "sensitive",
        "what is nobody else's business",
        r"(^|_)(religion|diagnos[ie]s|disease|hiv|health|political|party|sexual|criminal|crime|conviction|salary|income|wage)(_|$)",
    ),
    (
        "free_text",
        "words that people write",
        r"(^|_)(notes?|comments?|description|message|remarks?|text|feedback|review|body|memo)(_|$)",
    ),
)


def snake_case(name: str) -> str:
    """A column's name in lower-case words that underscores part."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def class_by_name(name: str) -> tuple[ColumnClass, str] | None:
    """The class that a column's name speaks for, and what it names; None where it says nothing."""
    words = snake_case(name)
    return next(((found, what) for found, what, regex in _NAMES if re.search(regex, words)), None)
