"""``splits``: each named way to part the rows, side by side."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.params.base import Section

Part = Literal["train", "validation", "test"]


class TimeSplit(Section):
    """By time: each boundary is the UTC day at whose start its part ends; what follows the last is ``test``."""

    kind: Literal["time"]
    column: str
    boundaries: dict[Part, date] = Field(min_length=1)
    embargo_days: int = Field(default=0, ge=0)
    why: str = Field(min_length=1)

    @model_validator(mode="after")
    def _boundaries_ascend(self) -> "TimeSplit":
        if "train" not in self.boundaries or "test" in self.boundaries:
            raise ValueError("boundaries: name train, and validation if wanted; test is what follows the last boundary")
        if "validation" in self.boundaries and self.boundaries["validation"] <= self.boundaries["train"]:
            raise ValueError("boundaries: validation must end after train")
        return self

    @property
    def part_names(self) -> tuple[str, ...]:
        return (*(part for part in ("train", "validation") if part in self.boundaries), "test")


class KeyedHashSplit(Section):
    """By a keyed hash of an entity (``unit``): growth never moves an entity."""

    kind: Literal["keyed_hash"]
    unit: str
    salt: str = Field(min_length=1)
    parts: dict[Part, float] = Field(min_length=2)
    why: str = Field(min_length=1)

    @field_validator("parts")
    @classmethod
    def _parts_sum_to_one(cls, value: dict[Part, float]) -> dict[Part, float]:
        if any(share <= 0 for share in value.values()) or abs(sum(value.values()) - 1) > 1e-9:
            raise ValueError("parts: shares must be positive and sum to 1")
        return value

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(self.parts)


SplitParams = Annotated[TimeSplit | KeyedHashSplit, Field(discriminator="kind")]
