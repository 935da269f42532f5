"""``evaluation`` and ``gates``: what is measured, on which rows, and what a verdict demands."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from tasks.params.base import Section
from tasks.params.user_code import FunctionSource

LEAST_SEARCH_CONFIDENCE = 0.9
"""The two-sided confidence below which no search is judged: slices that could be called worse at less are not kept."""
BY_ROW = "row"
"""The cluster that is the row itself: rows are taken to be independent of one another."""


class IntervalParams(Section):
    """How intervals are computed; ``cluster`` is ``day``, ``row``, or a column of the rows' table (an entity)."""

    method: Literal["cluster_bootstrap"]
    cluster: str
    replicates: int = Field(ge=100, le=100_000)
    confidence: float = Field(gt=0.5, lt=1)


COST = "cost"
"""A metric ``cost@<threshold>``: what wrong decisions at that threshold cost, per row."""


class CostParams(Section):
    """What a wrong decision costs, in any one unit."""

    false_positive: float = Field(ge=0, allow_inf_nan=False)
    false_negative: float = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _something_costs(self) -> "CostParams":
        if not self.false_positive and not self.false_negative:
            raise ValueError("costs: one must be above 0, or no decision could ever be wrong")
        return self


class UserMetric(FunctionSource):
    """A metric of the user's own: a function of (label, score, weight) that gives one number."""

    direction: Literal["higher_is_better", "lower_is_better"]


class DiscoverParams(Section):
    """Slices to be searched for harm: the values of ``columns`` of the rows' table, and pairs of them."""

    columns: tuple[str, ...] = Field(min_length=1, max_length=12)
    metric: str
    min_rows: int = Field(ge=1)
    pairs: bool = True
    bins: int = Field(default=4, ge=2, le=20)
    """Of a column of numbers: groups of nearly equal size."""
    margin: float = Field(default=0.0, ge=0)
    """How much worse than the champion a slice may be, in the metric's unit."""

    @model_validator(mode="after")
    def _columns_differ(self) -> "DiscoverParams":
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: name each column once")
        return self


class EvaluationParams(Section):
    """The rows that are judged, the metrics, the slices and the intervals."""

    split: str
    part: str
    """The one part that is judged, or ``all folds`` of a split into folds."""
    metrics: tuple[str, ...] = Field(min_length=1)
    slices: tuple[str, ...] = ()
    weight: str | None = None
    """A column of the rows' table: how much each row counts in every metric; None: all rows count alike."""
    costs: CostParams | None = None
    """What metrics called ``cost@<threshold>`` count."""
    functions: dict[str, UserMetric] = Field(default_factory=dict)
    """Metrics of the user's own, by the name that ``metrics`` calls them."""
    discover: DiscoverParams | None = None
    """Slices that nobody declares; None: none are searched."""
    interval: IntervalParams

    @model_validator(mode="after")
    def _searched_by_a_metric(self) -> "EvaluationParams":
        if self.discover is not None and self.discover.metric not in self.metrics:
            raise ValueError(f"discover.metric: {self.discover.metric!r} is not in evaluation.metrics")
        return self

    @model_validator(mode="after")
    def _functions_are_asked(self) -> "EvaluationParams":
        for name in self.functions:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"functions.{name}: a metric's name is lower-case letters, digits, underscores")
            if name not in self.metrics:
                raise ValueError(f"functions.{name}: it is not in evaluation.metrics, and nothing would be measured by it")
        return self

    @model_validator(mode="after")
    def _costs_are_known(self) -> "EvaluationParams":
        asked = [name for name in self.metrics if name.partition("@")[0] == COST]
        if asked and self.costs is None:
            raise ValueError(f"metrics: {asked[0]} needs evaluation.costs, with false_positive and false_negative")
        return self


class EvidenceCriterion(Section):
    """Evidence that must be there and passed: every validation report, the disclosure report, or the utility certificate."""

    evidence: Literal["validation", "disclosure", "utility"]
    critical: bool


IntervalMethod = Literal["cluster_bootstrap", "expanded", "bca", "delong", "mcnemar"]


class MetricCriterion(Section):
    """A metric that must hold an absolute bound, one test against the champion (a margin, or being better), or both."""

    metric: str
    slice: str | None = None
    bound: float | None = None
    margin: float | None = Field(default=None, ge=0)
    relative_margin: float | None = Field(default=None, ge=0, lt=1)
    better_by: float | None = Field(default=None, ge=0)
    confidence: float | None = Field(default=None, gt=0.5, lt=1)
    """None: ``evaluation.interval.confidence``."""
    method: IntervalMethod = "expanded"
    min_rows: int = Field(ge=1)
    critical: bool

    @property
    def is_compared(self) -> bool:
        """Whether the champion is tested against."""
        return any(asked is not None for asked in (self.margin, self.relative_margin, self.better_by))

    @model_validator(mode="after")
    def _can_fail(self) -> "MetricCriterion":
        if self.bound is None and not self.is_compared:
            raise ValueError("name bound, margin, relative_margin or better_by: a criterion that cannot fail judges nothing")
        if sum(asked is not None for asked in (self.margin, self.relative_margin, self.better_by)) > 1:
            raise ValueError("name one of margin, relative_margin and better_by: a criterion makes one test against the champion")
        return self

    def require_method(self, interval: IntervalParams, weight: str | None) -> None:
        """Refuse a ``method`` that is not made for the metric, the rows or the test; raises ``ValueError``."""
        metric = {"delong": "roc_auc", "mcnemar": "accuracy"}.get(self.method)
        if metric is not None and self.metric != metric:
            raise ValueError(f"method: {self.method} is of the metric {metric}; take expanded")
        if metric is not None and weight is not None:
            raise ValueError(f"method: {self.method} knows no weights (evaluation.weight); take expanded")
        if self.method == "mcnemar" and interval.cluster != BY_ROW:
            raise ValueError("method: mcnemar takes rows to be independent; evaluation.interval.cluster must be row")
        if self.method == "mcnemar" and (self.bound is not None or self.relative_margin is not None):
            raise ValueError("method: mcnemar compares decisions; name margin or better_by, and a bound in a criterion of its own")
        tail = (1 - (self.confidence or interval.confidence)) / 2
        if metric is None and tail * (interval.replicates + 1) < 1:
            needed = math.ceil(1 / tail)
            raise ValueError(f"confidence: no replicate lies so far out; evaluation.interval.replicates must be {needed:,} or more")


class ParityCriterion(Section):
    """A metric of the challenger that may not lie further apart than ``gap`` between any two slices of a column."""

    parity: str
    slice: str
    gap: float = Field(gt=0)
    confidence: float | None = Field(default=None, gt=0.5, lt=1)
    method: IntervalMethod = "expanded"
    min_rows: int = Field(ge=1)
    critical: bool

    def require_method(self, interval: IntervalParams, weight: str | None) -> None:
        """As of a criterion on the metric with a bound; half the error is needed at each side."""
        confidence = 1 - (1 - (self.confidence or interval.confidence)) / 2
        asked = {"metric": self.parity, "bound": self.gap, "confidence": confidence, "method": self.method}
        MetricCriterion.model_validate({**asked, "min_rows": 1, "critical": self.critical}).require_method(interval, weight)


class DriftCriterion(Section):
    """Features that may not have drifted further, since the challenger was fitted, than ``most``."""

    drift: Literal["psi"]
    most: float = Field(gt=0)
    features: tuple[str, ...] = ()
    """None: all of them."""
    min_rows: int = Field(ge=1)
    critical: bool


class DiscoveredCriterion(Section):
    """That no slice of the search (``evaluation.discover``) is shown to be worse off by the metric than with the champion."""

    discovered: str
    confidence: float | None = Field(default=None, gt=0.5, lt=1)
    """As of all criteria two-sided; the error of the whole search is half of what it leaves."""
    critical: bool

    def require_search(self, evaluation: EvaluationParams) -> None:
        """Refuse a criterion on another search than is asked for, or at more error than slices are kept for (``ValueError``)."""
        if evaluation.discover is None or evaluation.discover.metric != self.discovered:
            raise ValueError(f"discovered: {self.discovered!r} is not evaluation.discover.metric")
        if (self.confidence or evaluation.interval.confidence) < LEAST_SEARCH_CONFIDENCE:
            raise ValueError(f"confidence: a search is judged at {LEAST_SEARCH_CONFIDENCE} or more")


class MeasuredCriterion(Section):
    """A measure of what a stage left in ``data/evidence`` (latency, robustness, resources): at most, or at least, so much."""

    measured: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)
    measure: str = Field(min_length=1)
    most: float | None = Field(default=None, allow_inf_nan=False)
    least: float | None = Field(default=None, allow_inf_nan=False)
    confidence: float | None = Field(default=None, gt=0.5, lt=1)
    """None: ``evaluation.interval.confidence``. Ends that were measured at less are moved out."""
    min_count: int = Field(default=1, ge=1)
    """How many requests, rows or trials the measure must rest on; what is read off counts one."""
    critical: bool

    @model_validator(mode="after")
    def _has_one_limit(self) -> "MeasuredCriterion":
        if (self.most is None) == (self.least is None):
            raise ValueError("name one of most and least: a criterion without a limit judges nothing, and two are two criteria")
        return self


def _criterion_kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((kind for kind in ("evidence", "metric", "parity", "drift", "discovered", "measured") if kind in keys), None)


Criterion = Annotated[
    Annotated[EvidenceCriterion, Tag("evidence")]
    | Annotated[MetricCriterion, Tag("metric")]
    | Annotated[ParityCriterion, Tag("parity")]
    | Annotated[DriftCriterion, Tag("drift")]
    | Annotated[DiscoveredCriterion, Tag("discovered")]
    | Annotated[MeasuredCriterion, Tag("measured")],
    Discriminator(
        _criterion_kind,
        custom_error_type="criterion",
        custom_error_message="name evidence, metric, parity, drift, discovered or measured",
    ),
]


class LooksParams(Section):
    """How many candidates may be measured on one holdout before it has to be refreshed."""

    budget: int = Field(default=30, ge=1, le=1_000)


class RequiredEvidence(Section):
    """How far scores must have been made here for a verdict to promote: what was made elsewhere may have known the labels."""

    challenger: Literal["scores_brought_along", "scored_here", "refitted_here"] = "scores_brought_along"
    champion: Literal["any", "logged_scores"] = "any"


_Words = Annotated[str, Field(min_length=1, max_length=2_000)]


class RiskParams(Section):
    """What a risk officer asks of a model, in the owner's words; nothing is judged by it, and a gap is shown."""

    owner: _Words | None = None
    tier: _Words | None = None
    intended_use: _Words | None = None
    not_for: _Words | None = None
    limits: tuple[_Words, ...] = Field(default=(), max_length=50)


class GatesParams(Section):
    """The criteria of promotion, for how many days a verdict may be acted upon, and what looks at a holdout cost."""

    max_age_days: int = Field(ge=1)
    looks: LooksParams = LooksParams()
    require: RequiredEvidence = RequiredEvidence()
    risk: RiskParams = RiskParams()
    criteria: dict[str, Criterion] = Field(min_length=1)

    @model_validator(mode="after")
    def _something_is_critical(self) -> "GatesParams":
        if not any(criterion.critical for criterion in self.criteria.values()):
            raise ValueError("criteria: at least one must be critical, or nothing could ever be rejected")
        return self
