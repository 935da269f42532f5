"""The utility certificate: whether the ranking of models survives masking.

What belongs here: aggregates over the whole panel and over whole columns. What does not: any model's own figure, raw or masked,
and any value of a row. Nothing here rests on fewer than ``masking.limits.k`` people.
"""

from typing import Literal

from tasks.records.base import Record
from tasks.records.evaluation import Interval

UtilityOutcome = Literal["holds", "fails", "cannot_tell"]
DistanceMeasure = Literal["Wasserstein", "total variation", "frequency profile"]


class RankCorrelation(Record):
    """How alike raw and masked rows rank the panel, 1 to -1; None where the panel has no ranking on one of them."""

    spearman: float | None
    spearman_interval: Interval | None
    kendall: float | None
    """Tau-b."""
    kendall_interval: Interval | None


class Agreement(Record):
    """Whether raw and masked rows lead to the same decisions on pairs of models that raw rows tell apart."""

    pairs: int
    """All pairs of models."""
    told_apart: int
    """The pairs whose difference on raw rows is beyond noise; all below is of these."""
    same_order: float | None
    """The share of them in which the same model is ahead on masked rows."""
    decisions: int
    """Each pair twice, either model as the champion."""
    rule: str
    """What the gate asks of each, in words."""
    same: float | None
    """The share of decisions that are the same."""
    reversed: int
    """Decisions that pass on one and fail on the other."""


class ColumnDistance(Record):
    """How far masking moved what one column looks like over all rows; None where it is withheld or cannot be said."""

    table: str
    column: str
    treatment: str
    measure: DistanceMeasure
    distance: float | None
    nulls_before: float | None
    """The share of NULL on raw rows."""
    nulls_after: float | None
    reason: str
    """Why a figure is missing; empty where none is."""


class UtilityReport(Record):
    """Whether verdicts on masked data may be believed; holds no raw value, and no figure of a single model."""

    schema_version: Literal[1] = 1
    outcome: UtilityOutcome
    reasons: tuple[str, ...]
    """Why it does not hold, or why that cannot be told; empty where it holds."""
    metric: str
    models: tuple[str, ...]
    left_out: dict[str, str]
    """A model that was not compared -> why."""
    taken_as_masked: dict[str, str]
    """A feature that raw rows cannot give -> why; both sides have its masked values, so what masking took of it is not seen."""
    fitted_rows: int
    judged_rows: int
    clusters: int
    split: str
    part: str
    correlation: RankCorrelation
    agreement: Agreement
    distances: tuple[ColumnDistance, ...]
    bounds: dict[str, float]
    """min_rank_correlation and min_agreement, as they were asked."""
    inputs: dict[str, str]
    """Logical hashes of the datasets that were compared: snapshots, masked, features, splits/<name>."""
    statement: str
