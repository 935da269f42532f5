"""``splits``: each named way to part the rows, side by side."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.params.base import Section

Part = Literal["train", "validation", "test"]
ASSIGNMENTS = "assignments"
"""The table of a stored split that says of each row in which part it is; a further repeat of folds has one of its own."""
ALL_FOLDS = "all folds"
"""As the part that is judged: every fold, each by a model of the others."""
OTHER_FOLDS = "other folds"
"""As the part that a recipe is fitted on: of each fold that is judged, the others of the same draw."""
_ALL_BUT = "not "


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

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        return {ASSIGNMENTS: self.part_names}

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


class SharedSplit(Section):
    """What splits have that share rows or entities out by a keyed draw: the salt, and each part's share."""

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

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        return {ASSIGNMENTS: self.part_names}


class KeyedHashSplit(SharedSplit):
    """By a keyed hash of an entity (``unit``): growth never moves an entity."""

    kind: Literal["keyed_hash"]
    unit: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.unit,)


class StratifiedSplit(SharedSplit):
    """With the same shares within each value of ``by``; by rows, or by whole entities (``unit``), each where it was first seen."""

    kind: Literal["stratified"]
    by: str
    unit: str | None = None

    @model_validator(mode="after")
    def _unit_is_another_column(self) -> "StratifiedSplit":
        if self.unit == self.by:
            raise ValueError("unit and by: name two columns; an entity of its own stratum would leave nothing to share out")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.by,) if self.unit is None else (self.by, self.unit)


class KFoldSplit(Section):
    """``k`` folds of equal share by a keyed hash of the row, or of an entity (``unit``), drawn ``repeats`` times over."""

    kind: Literal["kfold"]
    k: int = Field(ge=2, le=20)
    repeats: int = Field(default=1, ge=1, le=20)
    unit: str | None = None
    salt: str = Field(min_length=1)
    why: str = Field(min_length=1)

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(part for parts in self.tables.values() for part in parts)

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        draws = range(1, self.repeats + 1)
        folds = [tuple(draw_name(f"fold_{fold}", draw) for fold in range(1, self.k + 1)) for draw in draws]
        return {assignments_of(parts[0]): parts for parts in folds}

    @property
    def columns(self) -> tuple[str, ...]:
        return () if self.unit is None else (self.unit,)


SplitParams = Annotated[TimeSplit | KeyedHashSplit | StratifiedSplit | KFoldSplit, Field(discriminator="kind")]


def assignments_of(part: str) -> str:
    """The table of a stored split in which the rows of ``part`` stand: each row stands in each table once."""
    repeat, underscore, _ = part.partition("_fold_")
    return f"{ASSIGNMENTS}_{repeat}" if underscore else ASSIGNMENTS


def draws_of(split: SplitParams) -> tuple[tuple[str, ...], ...]:
    """The folds of each draw; none of a split of another kind."""
    return tuple(split.tables.values()) if isinstance(split, KFoldSplit) else ()


def draw_name(name: str, draw: int) -> str:
    """``name`` in draw 1, 2, ...: what is of a further draw begins with ``r2_`` and so on, as its folds do."""
    return name if draw == 1 else f"r{draw}_{name}"


def resolve_parts(split: SplitParams, wanted: str | Sequence[str]) -> tuple[str, ...]:
    """The parts that ``wanted`` names: a part, several, ``not <part>``, which is all others of the same draw, or ``all folds``.

    ``all folds`` are those of the first draw, which hold every row. Raises ``ValueError`` for a part that the split does not have,
    no part at all, or parts of two repeats, which overlap.
    """
    names = split.part_names
    if wanted == ALL_FOLDS and isinstance(split, KFoldSplit):
        return draws_of(split)[0]
    if isinstance(wanted, str) and wanted.startswith(_ALL_BUT):
        left_out = wanted.removeprefix(_ALL_BUT).strip()
        _require_known((left_out,), names)
        return tuple(part for part in split.tables[assignments_of(left_out)] if part != left_out)
    chosen = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    _require_known(chosen, names)
    if len({assignments_of(part) for part in chosen}) > 1:
        raise ValueError(f"{', '.join(chosen)} are folds of two repeats, which hold the same rows")
    return tuple(part for part in names if part in chosen)


def _require_known(chosen: Sequence[str], names: Sequence[str]) -> None:
    unknown = [part for part in chosen if part not in names]
    if unknown or not chosen:
        raise ValueError(f"no part {unknown[0]!r}" if unknown else "no part at all")
