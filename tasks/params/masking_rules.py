"""One rule per column of ``masking.tables``: the class of the column, its transform, and the settings of that.

What belongs here: the grammar of each rule, and what can be refused by looking at one rule alone. What does not: the policy
they stand in (``masking``), and what a transform does to values (``tasks.masking``).
"""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator, model_validator

from tasks.params.base import Section

ColumnClass = Literal["identifier", "quasi", "sensitive", "free_text"]
DatePart = Literal["year", "quarter", "month", "week", "day", "weekday", "hour", "minute"]


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


class ConstantRule(Rule):
    """Every value is replaced by one that is given; NULL stays NULL."""

    transform: Literal["constant"]
    value: StrictBool | StrictInt | StrictFloat | StrictStr

    @field_validator("value")
    @classmethod
    def _can_be_stored(cls, value: bool | float | str) -> bool | float | str:
        if isinstance(value, str):
            require_text(value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("a constant that is a whole number has 64 bits")
        return value


class TokenRule(Rule):
    """A keyed token in a domain of the column's own; columns that join share a domain under ``masking.domains``."""

    transform: Literal["token"]


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
        for label in self.labels or ():
            require_text(label)
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


ColumnRule = Annotated[
    KeepRule
    | DropRule
    | RedactRule
    | ConstantRule
    | TokenRule
    | DateShiftRule
    | DatePartRule
    | GeneraliseRule
    | BucketRule
    | RoundRule
    | ClipRule,
    Field(discriminator="transform"),
]


def require_text(value: str) -> None:
    """Raise ``ValueError`` for text with lone surrogates, which has no UTF-8 and can be stored nowhere."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("text with a lone surrogate, which is no character") from None
