"""What columns' names speak for: words in many spellings, and the class of what they name.

What belongs here: names of columns alone. What does not: values (``patterns``, ``people``), and what follows for a column.
"""

import re
from typing import Literal

from tasks.params.base import spell_plainly

ColumnClass = Literal["identifier", "quasi", "sensitive", "free_text", "safe"]

BORN: tuple[ColumnClass, str] = ("quasi", "a date of birth")

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
        *BORN,
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
    return re.sub(r"[^a-z0-9]+", "_", spell_plainly(spaced)).strip("_")


def class_by_name(name: str) -> tuple[ColumnClass, str] | None:
    """The class that a column's name speaks for, and what it names; None where it says nothing."""
    words = snake_case(name)
    return next(((found, what) for found, what, regex in _NAMES if re.search(regex, words)), None)
