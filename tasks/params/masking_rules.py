"""One rule per column of ``masking.tables``: the class of the column, its transform, and the settings of that.

What belongs here: the grammar of each rule, and what can be refused by looking at one rule alone. What does not: the policy
they stand in (``masking``), and what a transform does to values (``tasks.masking``).
"""

import re
import string
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator, model_validator

from tasks.params.base import Section
from tasks.params.lists import read_list

ColumnClass = Literal["identifier", "quasi", "sensitive", "free_text"]
DatePart = Literal["year", "quarter", "month", "week", "day", "weekday", "hour", "minute"]
FakeList = Literal["given_name", "family_name", "full_name", "email", "town", "street", "company"]
ALPHABETS = {
    "digits": string.digits,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "alphanumeric": string.digits + string.ascii_uppercase + string.ascii_lowercase,
}
"""Alphabets by name; their order is part of every encrypted value, and never changes."""


class Rule(Section):
    """What every column rule has: the class of the column, and why it is treated so."""

    column_class: ColumnClass = Field(alias="class")
    reason: str = ""


class KeepRule(Section):
    """The column is kept as it is, for a reason of its own."""

    column_class: Literal["safe"] = Field(alias="class")
    transform: Literal["keep"]
    reason: str = Field(min_length=1)


class DropRule(Rule):
    """The column does not leave the restricted zone."""

    transform: Literal["drop"]


class RedactRule(Rule):
    """Every value is replaced by the constant ``[redacted]``; NULL stays NULL."""

    transform: Literal["redact"]


class TextRule(Section):
    """Spans of a text that tell who somebody is become keyed tokens; the rest of the text stays."""

    column_class: Literal["free_text"] = Field(alias="class")
    transform: Literal["text"]
    reason: str = ""
    names_in: tuple[str, ...] = ()
    """Columns of the same row whose values are found in the text however they are written."""
    detector: Literal["builtin", "presidio"] = "builtin"


class ConstantRule(Rule):
    """Every value is replaced by one that is given; NULL stays NULL."""

    transform: Literal["constant"]
    value: StrictBool | StrictInt | StrictFloat | StrictStr

    @field_validator("value")
    @classmethod
    def _can_be_stored(cls, value: bool | float | str) -> bool | float | str:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("a constant that is a whole number has 64 bits")
        return value


class TokenRule(Rule):
    """A keyed token in a domain of the column's own; columns that join share a domain under ``masking.domains``."""

    transform: Literal["token"]


class EncryptRule(Rule):
    """Format-preserving encryption (FF1): texts of an alphabet, or whole numbers of so many digits."""

    transform: Literal["encrypt"]
    alphabet: str | None = Field(default=None, max_length=256)
    keep: str = Field(default="", max_length=256)
    luhn: bool = False
    digits: int | None = Field(default=None, ge=6, le=18)
    domain: str | None = None

    @model_validator(mode="after")
    def _text_or_number(self) -> "EncryptRule":
        if (self.alphabet is None) == (self.digits is None):
            raise ValueError("encrypt needs an alphabet for texts, or digits for whole numbers")
        if self.digits is not None and (self.keep or self.luhn):
            raise ValueError("encrypt: keep and luhn go with an alphabet")
        together = self.letters + self.keep
        if not together.isascii() and any(not unicodedata.is_normalized("NFC", a + b) for a in together for b in together):
            raise ValueError("encrypt: alphabet and keep have no characters that combine with others (normal form C)")
        if self.alphabet is not None and (len(self.letters) < 2 or len(set(together)) != len(together)):
            raise ValueError("encrypt: alphabet has two characters or more, none of them twice, and none of keep")
        if self.luhn and self.letters != ALPHABETS["digits"]:
            raise ValueError("encrypt: luhn goes with alphabet: digits")
        if self.domain is not None:
            require_domain(self.domain)
        return self

    @property
    def letters(self) -> str:
        """The characters that are encrypted, in the order of their digits; none of numbers."""
        return "" if self.alphabet is None else ALPHABETS.get(self.alphabet, self.alphabet)


class FakeRule(Rule):
    """A made-up value from a list: one that comes with the package, or a file of the user's, held to its hash."""

    transform: Literal["fake"]
    list: FakeList | None = None
    file: str | None = None
    sha256: str | None = None
    unique: bool = False
    domain: str | None = None
    _entries: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _one_list(self) -> "FakeRule":
        if (self.list is None) == (self.file is None):
            raise ValueError("fake needs a list by its name, or a file of yours")
        if (self.file is None) != (self.sha256 is None):
            raise ValueError("fake: file and sha256 go together")
        if self.file is not None and (PurePosixPath(self.file).is_absolute() or ".." in PurePosixPath(self.file).parts):
            raise ValueError("fake: file is a plain path relative to the project")
        if self.domain is not None:
            require_domain(self.domain)
        return self

    @property
    def file_entries(self) -> tuple[str, ...]:
        """The entries of ``file``; they are read when ``params.yaml`` is loaded."""
        if not self._entries:
            raise ValueError("the list of fakes has not been read")
        return self._entries

    def read_file(self, root: Path) -> None:
        """Read ``file`` below ``root``, where there is one. Raises :class:`~tasks.errors.ParameterError` as ``read_list`` does."""
        if self.file is not None and self.sha256 is not None:
            self._entries = read_list(root, self.file, self.sha256)


class DateShiftRule(Rule):
    """The date moves by a keyed number of days, the same for all rows of one entity (column ``per``)."""

    transform: Literal["date_shift"]
    per: str
    max_days: int = Field(ge=1, le=3650)


class DatePartRule(Rule):
    """One part of a date or time in UTC, such as its month, as a number."""

    transform: Literal["date_part"]
    part: DatePart


class GeneraliseRule(Rule):
    """Less detail: the first characters of a text, or the decade or year of a date, or a numeric band."""

    transform: Literal["generalise"]
    keep_prefix: int | None = Field(default=None, ge=1)
    to: Literal["year", "decade"] | None = None
    width: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _exactly_one_way(self) -> "GeneraliseRule":
        if sum(way is not None for way in (self.keep_prefix, self.to, self.width)) != 1:
            raise ValueError("generalise needs exactly one of keep_prefix, to, width")
        return self


class BucketRule(Rule):
    """The number of the band between ``edges`` that a number falls in, or that band's label."""

    transform: Literal["bucket"]
    edges: tuple[float, ...] = Field(min_length=1)
    labels: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _edges_rise(self) -> "BucketRule":
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges: each must be above the one before")
        if self.labels is not None and len(self.labels) != len(self.edges) + 1:
            raise ValueError("labels: one for each band, which is one more than there are edges")
        return self


class RoundRule(Rule):
    """The nearest multiple of ``step``; halves go to the even one."""

    transform: Literal["round"]
    step: float = Field(gt=0)


class ClipRule(Rule):
    """Top and bottom coding: what lies below ``low`` becomes ``low``, what lies above ``high`` becomes ``high``."""

    transform: Literal["clip"]
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "ClipRule":
        if self.low is None and self.high is None:
            raise ValueError("clip needs low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("clip: low must be below high")
        return self


class NoiseRule(Rule):
    """Keyed noise, the same for the same row (columns ``per``), of a scale that is absolute or relative to the number."""

    transform: Literal["noise"]
    per: tuple[str, ...] = Field(min_length=1)
    scale: float = Field(gt=0)
    relative: bool = False
    distribution: Literal["normal", "laplace"] = "normal"
    low: float | None = None
    high: float | None = None

    @field_validator("per", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return as_names(value)

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "NoiseRule":
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("noise: low must be below high")
        return self


class ShuffleRule(Rule):
    """The values of a partition in a keyed order, among rows that are equal in the columns ``within``."""

    transform: Literal["shuffle"]
    per: tuple[str, ...] = Field(min_length=1)
    within: tuple[str, ...] = ()

    @field_validator("per", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return as_names(value)


ColumnRule = Annotated[
    KeepRule
    | DropRule
    | RedactRule
    | TextRule
    | ConstantRule
    | TokenRule
    | EncryptRule
    | FakeRule
    | DateShiftRule
    | DatePartRule
    | GeneraliseRule
    | BucketRule
    | RoundRule
    | ClipRule
    | NoiseRule
    | ShuffleRule,
    Field(discriminator="transform"),
]


class SuppressRule(Section):
    """Of a whole table: what happens to rows whose combination of masked ``columns`` fewer than ``k`` rows or entities hold."""

    columns: tuple[str, ...] = Field(min_length=1)
    k: int = Field(ge=2)
    per: str | None = None
    what: Literal["cells", "rows"] = "cells"
    reason: str = ""


def as_names(value: object) -> object:
    """One column's name as a list of it; what is given as a list stays one."""
    return (value,) if isinstance(value, str) else value


def named_beside(rule: ColumnRule) -> tuple[str, ...]:
    """The other columns of its table that a rule reads."""
    if isinstance(rule, DateShiftRule):
        return (rule.per,)
    if isinstance(rule, NoiseRule):
        return rule.per
    if isinstance(rule, TextRule):
        return rule.names_in
    return (*rule.per, *rule.within) if isinstance(rule, ShuffleRule) else ()


def require_domain(name: str) -> None:
    """Raise ``ValueError`` for a name that no domain may have."""
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"{name!r}: a domain's name is lower-case letters, digits and underscores")
