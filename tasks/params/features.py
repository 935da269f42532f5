"""``features``: what a model sees of a row, declared; compiled to SQL by ``tasks.features``.

Every feature is point in time: a row's prediction time is ``at.column`` less ``at.minus_minutes``, and of other tables only
what was known by then (their ``known`` column) is used.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tasks.params.base import IN_ORDER, Section
from tasks.params.user_code import FunctionSource

RESERVED = frozenset({"row_key", "at_utc", "label", "label_known_utc"})
"""Columns of the features dataset that are not features; a feature of that name would overwrite one."""


class PredictionTime(Section):
    """When the model is asked, relative to a time column of the row."""

    column: str
    minus_minutes: int = Field(ge=0)


class Take(Section):
    """A column of the row itself, known at prediction time."""

    take: str

    @property
    def source(self) -> str:
        return self.take


class TimePart(Section):
    """A part of a time column of the row itself, in UTC: hour 0 to 23, weekday 0 (Monday) to 6, month 1 to 12."""

    part: Literal["hour", "weekday", "month"]
    of: str

    @property
    def source(self) -> str:
        return self.of


class Latest(Section):
    """The value of the newest row (by that table's ``time``) with equal ``by`` columns."""

    latest: str
    by: tuple[str, ...] = Field(min_length=1)

    @property
    def source(self) -> str:
        return self.latest


class Mean(Section):
    """The mean over rows with equal ``by`` columns, of the last ``window_days`` before prediction where given."""

    mean: str
    by: tuple[str, ...] = Field(min_length=1)
    window_days: float | None = Field(default=None, gt=0)

    @property
    def source(self) -> str:
        return self.mean


class Count(Section):
    """The number of rows of a table with equal ``by`` columns; 0 where there are none."""

    count: str
    by: tuple[str, ...] = Field(min_length=1)
    window_days: float | None = Field(default=None, gt=0)

    @property
    def source(self) -> str:
        return self.count


class Share(Section):
    """The fraction of rows with equal ``by`` columns whose column equals ``equals``; NULL where there are none."""

    share: str
    equals: str | int | bool
    by: tuple[str, ...] = Field(min_length=1)
    window_days: float | None = Field(default=None, gt=0)

    @property
    def source(self) -> str:
        return self.share


_OPERATIONS = ("take", "part", "latest", "mean", "count", "share")


def _operation(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    named = [operation for operation in _OPERATIONS if operation in keys]
    return named[0] if len(named) == 1 else None


Feature = Annotated[
    Annotated[Take, Tag("take")]
    | Annotated[TimePart, Tag("part")]
    | Annotated[Latest, Tag("latest")]
    | Annotated[Mean, Tag("mean")]
    | Annotated[Count, Tag("count")]
    | Annotated[Share, Tag("share")],
    Discriminator(_operation, custom_error_type="feature", custom_error_message=f"name exactly one of {', '.join(_OPERATIONS)}"),
]


class UserFunction(FunctionSource):
    """A user's own function from declared features to further ones, row by row."""

    takes: tuple[str, ...] = Field(min_length=1)
    gives: Annotated[dict[str, Literal["number", "text"]], IN_ORDER] = Field(min_length=1)


class FeaturesParams(Section):
    """The rows to predict, the prediction time, and the features by name."""

    rows: str
    at: PredictionTime
    columns: Annotated[dict[str, Feature], IN_ORDER] = Field(min_length=1)
    functions: Annotated[dict[str, UserFunction], IN_ORDER] = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All features in the order of the dataset: the declared ones, then what functions give."""
        return (*self.columns, *(name for function in self.functions.values() for name in function.gives))

    @field_validator("columns")
    @classmethod
    def _names_are_usable(cls, value: dict[str, Feature]) -> dict[str, Feature]:
        for name in value:
            _require_usable(name)
        return value

    @model_validator(mode="after")
    def _functions_fit(self) -> "FeaturesParams":
        for where, function in self.functions.items():
            for name in function.takes:
                if name not in self.columns:
                    raise ValueError(f"functions.{where}.takes: {name!r} is not in features.columns")
            for name in function.gives:
                _require_usable(name)
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise ValueError(f"functions: the feature {twice[0]!r} is there already")
        return self


def _require_usable(name: str) -> None:
    if name in RESERVED or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        taken = ", ".join(sorted(RESERVED))
        raise ValueError(f"{name!r}: a feature's name is lower-case letters, digits, underscores; not {taken}")
