"""How challenger and champion did on identical rows.

What belongs here: measures with their intervals, by slice and class. What does not: what follows from them (``verdict``).
"""

from typing import Literal

from tasks.records.base import Direction, Record
from tasks.records.models import ModelCard


class Interval(Record):
    """A two-sided confidence interval."""

    low: float
    high: float
    confidence: float


class Replicates(Record):
    """How one figure came out in the replicates of the bootstrap: enough for an interval of any confidence."""

    quantiles: tuple[float, ...]
    """At ``Evaluation.tails``."""
    below: float
    """The share of the replicates that are below the figure itself, equal ones half."""
    acceleration: float | None
    """How fast the figure's spread changes with the figure, from leaving out one cluster at a time (0 with many clusters, where it
    is nothing to speak of); None where the figure is undefined without one of them."""


class AreaErrors(Record):
    """Variances of the areas under both ROC curves, and how they move together (DeLong; rows of one cluster as one)."""

    champion: float | None
    challenger: float
    covariance: float | None


class Discordance(Record):
    """Rows that one model decides rightly and the other wrongly."""

    only_champion: int
    only_challenger: int


class Spread(Record):
    """What intervals are read from, whatever confidence and method a criterion asks for."""

    challenger: Replicates | None
    delta: Replicates | None
    relative: Replicates | None
    """Of the difference as a share of the champion's figure; None where that is not above zero in every replicate."""
    areas: AreaErrors | None = None
    """Of ``roc_auc`` of a binary label, one draw of unweighted rows."""
    discordance: Discordance | None = None
    """Of ``accuracy`` of unweighted rows, each its own cluster; None also where it would tell of fewer than k people."""


class NoiseFloor(Record):
    """How far figures lie apart where nothing differs but chance: a model against itself, fitted or scored again.

    By how much is in each comparison's ``noise_floor``, in the metric's unit.
    """

    of: Literal["champion", "challenger"] | None
    """Whose recipe was fitted again with another seed; None where neither could be."""
    seed: int | None
    """Of the refit."""
    scored_twice: dict[str, float]
    """By role, the most by which a row's score differed when the model was asked again; models that are not scored here are not
    in it."""
    told: str
    """The same in words, with why it is of this model."""


class Comparison(Record):
    """Champion and challenger under one metric on identical rows, overall or on one slice."""

    metric: str
    direction: Direction
    slice_column: str | None
    slice_value: str | None
    rows: int
    positives: int | None
    clusters: int
    champion: float | None
    challenger: float | None
    delta: float | None
    """Challenger less champion, in the metric's own unit."""
    champion_interval: Interval | None
    challenger_interval: Interval | None
    delta_interval: Interval | None
    reason: str
    """Why a figure is missing, or empty."""
    is_withheld: bool = False
    """Whether there are no figures because they would rest on fewer than k people, or give those of fewer than k away."""
    spread: Spread | None = None
    noise_floor: float | None = None
    """The largest difference that a model shows to itself, fitted or scored again, on these rows: the far end of its interval. None
    where it is not known."""


class ClassScores(Record):
    """How one model does on one class; None where undefined."""

    precision: float | None
    recall: float | None
    f1: float | None
    predicted: tuple[int | None, ...]
    """The class's rows by the class that is predicted, in the order of the evaluation's classes: a row of the confusion matrix.

    None: withheld, since it would rest on fewer than k people, or tell of them; the figures that would tell are then withheld too.
    """


class ClassOutcome(Record):
    """One class of the label on the judged rows; a binary label has the classes 0 and 1."""

    name: str
    rows: int | None
    """None: withheld, as is the share, where it would be fewer than k, or give such a number away."""
    fraction: float | None
    """The class's share of all judged rows, by their weights: its prevalence."""
    is_rare: bool
    """Too few rows for figures of this class to say much."""
    champion: ClassScores | None
    challenger: ClassScores


class ResidualBin(Record):
    """Rows of similar predictions: what was predicted and observed, and how far apart (observed less predicted)."""

    rows: int
    predicted: float
    observed: float
    low: float
    """Quantiles of the residuals: 5 %, 25 %, 50 %, 75 %, 95 %."""
    lower_quartile: float
    median: float
    upper_quartile: float
    high: float


class FeatureDrift(Record):
    """How far one feature's distribution lies from where it was when the model was fitted; None where too few people tell."""

    feature: str
    bins: int
    psi: float | None
    """Population stability index."""
    total_variation: float | None
    """Half the sum of the differences of the bins' shares: 0 to 1."""
    kolmogorov_smirnov: float | None
    """The largest difference of the shares below an edge of the bins; of numbers."""
    by_chance: float | None
    """The PSI that rows of one distribution stay below in 95 of 100 draws of as many rows."""
    reason: str
    """Why figures are missing, or empty."""
    variance_ratio: float | None = None
    """The variance that drift gives the PSI, beside that of one whose bins all changed little; 1 at least. None: not measured."""


class Drift(Record):
    """The judged rows' features against those of the rows that the challenger was fitted on."""

    reference: str
    """The parts of the split that are compared with, joined by ``, ``."""
    reference_rows: int
    rows: int
    features: tuple[FeatureDrift, ...]


class FoldsJudged(Record):
    """All folds were judged, each by models of the others: how many, and how often they were drawn anew."""

    count: int
    draws: int
    """With several, figures are means over them; rows and clusters count once."""
    kept_model: Literal["none"] = "none"
    """As many models were fitted as folds were judged; how to fit one is what was judged, and none of them is kept."""


class SuspectSlice(Record):
    """A slice of a search that may be worse off; without name and figures where these would tell of fewer than k people."""

    p_value: float
    """The least one-sided error at which it alone would be called worse by more than the margin."""
    slice: str | None = None
    rows: int | None = None
    clusters: int | None = None
    champion: float | None = None
    challenger: float | None = None
    delta: float | None = None


class Discovery(Record):
    """A search through slices that nobody declared, for those on which the challenger is worse than the champion."""

    metric: str
    direction: Direction
    columns: tuple[str, ...]
    margin: float
    min_rows: int
    searched: int
    """Slices that were measured: as many as errors are corrected for."""
    too_small: int
    """Slices with too few rows, people or clusters, or where the champion has no figure either; nothing is known of them."""
    undefined: int = 0
    """Slices on which the champion has a figure and the challenger has none, or has none in too many replicates."""
    suspects: tuple[SuspectSlice, ...]
    """Those with a p-value of at most 0.05, the least first."""
    replicates: int | None = None
    """Of the bootstrap that each slice's standard error is from; None in older evaluations."""
    rows_for_one: int | None = None
    """Where none was searched: so many judged rows in all that the largest would be, at today's shares; None where that may not be
    told, would not help, or is not asked."""


class Evaluation(Record):
    """Everything a gate may know of how champion and challenger did."""

    schema_version: Literal[1] = 1
    split: str
    part: str
    rows: int
    days: int
    """Distinct UTC days with judged rows; rows / days is the rate at which new rows come. 0: rows have no times of their own."""
    unlabelled_rows: int
    unscored_rows: int
    """Labelled rows of the part without a champion score; they are not compared."""
    from_utc: str
    to_utc: str
    champion: ModelCard | None
    challenger: ModelCard
    judged: Literal["recipe", "fitted_model"]
    interval_method: str
    cluster: str
    replicates: int
    confidence: float
    seeds: dict[str, int]
    comparisons: tuple[Comparison, ...]
    missing_slices: tuple[str, ...]
    """``column=value`` of slices that the split's other parts have and this part lacks."""
    inputs: dict[str, str]
    """Logical hashes: features, split, masked, predictions, model."""
    task: Literal["binary", "multiclass", "regression"] = "binary"
    weight: str | None = None
    """The column by which rows are weighted; None where all count alike."""
    late_scores: int = 0
    """Logged scores of the champion that were made after the row's prediction time, when it may have known more."""
    classes: tuple[ClassOutcome, ...] = ()
    """Of a binary or multiclass label, in the order of the classes."""
    residuals: dict[str, tuple[ResidualBin, ...]] = {}
    """Of a regression: by role, tenths of the rows by rising prediction."""
    folds_judged: FoldsJudged | None = None
    """None where one part is judged."""
    tails: tuple[float, ...] = ()
    """The share of replicates below each quantile of a :class:`Replicates`, rising."""
    discovery: Discovery | None = None
    """The search for slices that nobody declared; None where none was asked, or there is no champion."""
    folds: tuple[Comparison, ...] = ()
    """Each fold of each draw by itself, as a slice of the column ``fold``; nothing is judged by them."""
    noise: NoiseFloor | None = None
    """What the comparisons' noise floors are of."""
    drift: Drift | None = None
    """None where there are no other rows to compare the judged ones with: where all folds are judged."""
