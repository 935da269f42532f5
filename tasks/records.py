"""The nouns that capabilities hand each other, as frozen records with a stable JSON form.

What belongs here: values that cross from one capability to another, and their JSON. What does not: behaviour, and
parameters (``tasks.params``). Times are UTC and written as RFC 3339 with ``Z``; hashes are lower-case hexadecimal SHA-256.
"""

import json
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import DatasetError

View = Literal["raw", "masked"]
Direction = Literal["higher_is_better", "lower_is_better"]
Decision = Literal["promote", "reject", "inconclusive", "not_judged"]
CriterionStatus = Literal["pass", "fail", "inconclusive", "not_judged"]


class Record(BaseModel):
    """A frozen record; its JSON has sorted keys, so that equal records are equal bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", protected_namespaces=())

    def to_json(self) -> str:
        """The record as indented JSON with sorted keys and a final newline; NaN and infinities become null."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str) -> Self:
        """Read a record; ``origin`` names the file in the error. Raises :class:`~tasks.errors.DatasetError`."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise DatasetError(
                origin,
                found=f"{where}: {first['msg']}",
                expected=f"a {cls.__name__} record of this version",
                next_step="make it again with `dvc repro`; if it was edited by hand, restore it",
            ) from None


class PinnedFile(Record):
    """One file of the lake as it stood when it was pinned."""

    path: str
    """Relative to the lake, with forward slashes."""
    bytes: int
    mtime_utc: str
    sha256: str
    rows: int
    known_rows: int
    """Rows whose ``known`` time is not after ``as_of_utc``: the only ones that a snapshot copies."""
    version_id: str | None = None
    """The object's version in a store that keeps versions; it alone is then read, whatever has been written since."""
    etag: str | None = None
    """The object's ETag, as the store gave it; another one under the same name is another object."""
    watermark_utc: str | None
    """The newest ``known`` time in the file, later than ``as_of_utc`` where rows are held back."""


class PinnedTable(Record):
    """One table of the lake: its files in order of path, and its newest known time up to ``as_of_utc``."""

    watermark_utc: str | None
    files: tuple[PinnedFile, ...]
    known: str = ""
    """The column that ``known_rows`` and the watermarks were read from."""
    columns: dict[str, str] = {}
    """Declared column -> canonical type, on which all files agree; a column that is all-null in one file takes the others'."""
    folders: tuple[str, ...] = ()
    """The declared columns that no file stores, but whose values the names of its folders say (``day=2013-01-31``)."""
    reading: str = ""
    """Hash of how the files were declared to be read (path, format, csv, types); empty where nothing of it is declared."""


class Pin(Record):
    """The lake as it was observed once; the snapshot copies exactly this."""

    schema_version: Literal[1] = 1
    lake: str
    as_of_utc: str
    access: str
    """How it was made sure that production is only read."""
    tables: dict[str, PinnedTable]


class PartitionRecord(Record):
    """One file of a dataset and everything that its reuse rests on."""

    path: str
    """Relative to the dataset's folder, with forward slashes; its first part is the table."""
    rows: int
    bytes: int
    sha256: str
    logical_hash: str
    reuse_key: str


class TableRecord(Record):
    """One table of a dataset: its key columns, its columns with canonical types, and its partitions in order of path."""

    key: tuple[str, ...]
    columns: dict[str, str]
    partitions: tuple[PartitionRecord, ...]

    @property
    def rows(self) -> int:
        return sum(partition.rows for partition in self.partitions)


class Manifest(Record):
    """What a dataset holds; written last, so that a dataset without one is not whole."""

    schema_version: Literal[1] = 1
    dataset: str
    logical_hash: str
    about: dict[str, str]
    """Provenance in words and hashes: as of, source, licence, policy, key id, view, seed."""
    tables: dict[str, TableRecord]


class ColumnTreatment(Record):
    """What masking did to one column, and why; part of the privacy report."""

    table: str
    column: str
    column_class: str
    """identifier, quasi, sensitive, free_text, safe, token (of a domain) or undeclared."""
    transform: str
    """kept, drop, or the rule's transform with its settings, for example ``generalise keep_prefix=2``."""
    domain: str | None
    reason: str


class JoinCounts(Record):
    """How two sets of keys meet; rows whose key holds NULL join nothing and are left out."""

    left_rows: int
    left_keys: int
    """Distinct ones."""
    right_rows: int
    right_keys: int
    matched_keys: int
    """Distinct keys that stand on both sides."""
    left_matched_rows: int
    right_matched_rows: int
    joined_rows: int
    """Rows of the inner join."""

    @property
    def left_orphans(self) -> int:
        """Rows on the left whose key is not on the right."""
        return self.left_rows - self.left_matched_rows

    @property
    def right_orphans(self) -> int:
        """Rows on the right whose key is not on the left."""
        return self.right_rows - self.right_matched_rows


class JoinMeasure(Record):
    """One join of the tables, counted on raw keys and on masked ones."""

    domains: tuple[str, ...]
    left: str
    """``table.column``, or ``table.(column, column)`` of a composite key."""
    right: str
    before: JoinCounts
    after: JoinCounts

    @property
    def holds(self) -> bool:
        """True where masking changed nothing."""
        return self.before == self.after


class PersonalDataFinding(Record):
    """Something that looks like personal data in a masked column; never a value of it."""

    table: str
    column: str
    kind: str
    """The pattern, or names, name of the column, free text, many values, bytes; ``nothing`` where it is only accepted."""
    evidence: str
    status: Literal["accepted", "noted", "refused"]
    """``noted``: worth a look. A run with anything refused stops, so no report holds such a finding."""
    reason: str
    """Why it is accepted, or empty."""


class SuppressedRows(Record):
    """What was taken from a table because too few hold it; holds no value."""

    table: str
    columns: tuple[str, ...]
    k: int
    per: str | None
    """The entity that is counted; None where rows are."""
    what: Literal["cells", "rows"]
    combinations: int | None
    """How many masked combinations fewer than k rows or entities hold; None where that number is below k itself, and above 0."""
    rows: int | None
    """The rows with such a combination; None where fewer than k, and more than 0."""


class FakedColumn(Record):
    """How many values of a column a list of fakes stands for, and what two of them share; holds no value."""

    table: str
    column: str
    entries: int
    distinct_values: int
    distinct_fakes: int
    collisions: int
    """By how much fakes are fewer than values: of so many values the fake is also that of another one."""


class PrivacyReport(Record):
    """What masking did, column by column; holds no value of any row."""

    schema_version: Literal[1] = 1
    purpose: str = ""
    owner: str = ""
    key_id: str
    key_fingerprint: str
    algorithm: str
    statement: str
    treatments: tuple[ColumnTreatment, ...]
    suppressed: tuple[SuppressedRows, ...] = ()
    fakes: tuple[FakedColumn, ...] = ()
    undeclared: tuple[str, ...]
    """``table.column`` of every column that was dropped because no policy names it."""
    rows: dict[str, int]
    joins: tuple[JoinMeasure, ...] = ()
    """Every join within a domain, before and after masking; they are equal, or the run would have stopped."""
    examined: tuple[str, ...] = ()
    """``table.column`` of every column that was searched for personal data after masking."""
    findings: tuple[PersonalDataFinding, ...] = ()


class Share(Record):
    """A share of people with its 95 % interval."""

    value: float
    low: float
    high: float


class KnownColumnRisk(Record):
    """One quasi-identifier, and what it adds to the risk."""

    column: str
    treatment: str
    below_without: int | None
    """People in crowds below k if nothing were left of it; None: withheld."""


class SensitiveColumnRisk(Record):
    """What crowds give away of one sensitive column."""

    column: str
    distinct: int
    """Distinct l-diversity: the fewest different values in a crowd."""
    entropy: float
    """Entropy l-diversity, as a number of equally frequent values."""
    closeness: float
    """t-closeness: the largest distance of a crowd's values from everybody's, 0 to 1."""
    distance: Literal["ordered earth mover", "total variation"]


class AttackOutcome(Record):
    """One attack beside its control; a share is None where it would rest on fewer than k people."""

    attack: str
    column: str | None
    targets: int
    success: Share | None
    control: Share | None
    excess: Share | None


class GeneralisedColumn(Record):
    """What a proposal makes of one column, and what that costs."""

    column: str
    becomes: str
    """The rule as it would stand in params.yaml; empty: it stays as it is."""
    information_lost: float
    """The share of the column's information (entropy) that is lost."""
    features: tuple[str, ...]
    """The features that read it."""
    quality: str
    """What a model loses with it, measured, or why that is not known."""


class ViewRisk(Record):
    """The risk of all people in one joined view. A count or share is None where it would rest on fewer than k people."""

    who: str
    tables: tuple[str, ...]
    people: int
    smallest: int | None
    """The people in the smallest crowd; None: fewer than k."""
    below: int | None
    """People in crowds below k."""
    unique: int | None
    """People who stand alone."""
    highest: float | None
    """Prosecutor risk: 1 / smallest."""
    average: float
    """The share of people whom somebody who always guesses would find."""
    columns: tuple[KnownColumnRisk, ...]
    sensitive: tuple[SensitiveColumnRisk, ...]
    attacks: tuple[AttackOutcome, ...]
    exceeded: tuple[str, ...]
    """Each limit that does not hold, in words."""
    proposal: tuple[GeneralisedColumn, ...]
    """The cheapest generalisation that would hold k; empty where it holds."""
    suppression: str = ""
    """The rule that would take rare combinations away instead, where that costs less; empty where it would not do."""


class DisclosureReport(Record):
    """Whether masked data may be used to judge models and be passed on; holds no value of any row."""

    schema_version: Literal[1] = 1
    is_released: bool
    statement: str
    limits: dict[str, int | float | str | tuple[str, ...] | None]
    inputs: dict[str, str]
    """Logical hashes of the datasets that were examined: masked, features."""
    views: tuple[ViewRisk, ...]
    """All people first; then tables with quasi-identifiers that nothing joins."""


class ExpectationOutcome(Record):
    """One expectation's outcome, as counts; never a value of a row."""

    expectation: str
    column: str | None
    severity: Literal["critical", "warning", "info"]
    is_passed: bool
    element_count: int | None
    unexpected_count: int | None
    reason: str


class SuiteOutcome(Record):
    """One suite against one table and period: ``YYYY-MM``, or ``all`` where partitions carry no day.

    A very large period is examined in pieces: ``all``, ``all.002``, ``all.003``.
    """

    suite: str
    table: str
    period: str
    rows: int
    is_passed: bool
    """True when no critical expectation failed and something was examined."""
    reuse_key: str
    expectations: tuple[ExpectationOutcome, ...]


class Finding(Record):
    """Something that validation noticed beside the suites: a leak, a suspected target leak, a missing table."""

    kind: str
    name: str
    is_blocking: bool
    found: str
    expected: str


class ValidationReport(Record):
    """Whether one subject (raw, masked, splits, features, predictions) may be used downstream."""

    schema_version: Literal[1] = 1
    subject: str
    is_passed: bool
    engine: str
    inputs: dict[str, str]
    """Logical hashes of the datasets that were examined, by name."""
    suites: tuple[SuiteOutcome, ...]
    findings: tuple[Finding, ...]


class SplitMetadata(Record):
    """How a split was made; the fields under ``definition`` may never change under the same name."""

    schema_version: Literal[1] = 1
    name: str
    why: str
    definition: dict[str, str]
    """kind, column or unit, boundaries or parts, embargo, salt and seed, as canonical text."""
    definition_hash: str
    parts: dict[str, int]
    """Rows per part, ``embargo`` included."""
    from_utc: dict[str, str]
    """Earliest time of each part."""
    to_utc: dict[str, str]
    """Latest time of each part."""
    notes: tuple[str, ...] = ()
    """What a reader should know of it, as strata with fewer rows than there are parts."""
    logical_hash: str


class ModelCard(Record):
    """What a model is and how it came to be."""

    schema_version: Literal[1] = 1
    role: Literal["champion", "challenger"]
    name: str
    basis: Literal["logged_scores", "recipe", "stored_model", "command", "score_file"]
    estimator: str
    parameters: str
    """Canonical JSON of the estimator's parameters."""
    view: View
    split: str | None
    part: str | None
    """The parts of the split, joined by ``, ``."""
    rows: int | None
    features: tuple[str, ...]
    seed: int | None
    classes: tuple[str, ...] = ()
    """Of a multiclass model: the classes that it tells apart."""
    weight: str | None = None
    """The column by which rows were weighted when it was fitted; None where all counted alike, or nobody here can know."""
    logical_hash: str | None
    """Hash of the canonical fitted model, or of the scores where they are all there is; None where production logged them."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that it was fitted on, none where nobody here can know."""
        return tuple(self.part.split(", ")) if self.part else ()


class Interval(Record):
    """A two-sided confidence interval."""

    low: float
    high: float
    confidence: float


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


class FoldsJudged(Record):
    """All folds were judged, each by models of the others: how many, and how often they were drawn anew."""

    count: int
    draws: int
    """With several, figures are means over them; rows and clusters count once."""
    kept_model: Literal["none"] = "none"
    """As many models were fitted as folds were judged; how to fit one is what was judged, and none of them is kept."""


class Evaluation(Record):
    """Everything a gate may know of how champion and challenger did."""

    schema_version: Literal[1] = 1
    split: str
    part: str
    rows: int
    days: int
    """Distinct UTC days with judged rows; rows / days is the rate at which new rows come."""
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
    folds: tuple[Comparison, ...] = ()
    """Each fold of each draw by itself, as a slice of the column ``fold``; nothing is judged by them."""


class CriterionOutcome(Record):
    """One criterion, or one slice of it, judged. The field names are those of verdict.json."""

    name: str
    metric: str | None
    slice: str | None
    """``column=value``, or None for all rows."""
    direction: Direction | None
    challenger: float | None
    champion: float | None
    delta: float | None
    interval: Interval | None
    """Of the difference to the champion where a margin is asked, of the challenger's metric otherwise."""
    challenger_interval: Interval | None
    n: int | None
    min_rows: int | None
    bound: float | None
    margin: float | None
    is_critical: bool
    status: CriterionStatus
    reason: str
    rows_to_decide: int | None
    """For ``inconclusive``: rows that would decide at today's difference; None where no number would."""
    days_to_decide: int | None


class Verdict(Record):
    """The decision, everything it rests on, and nothing that differs from run to run."""

    schema_version: Literal[1] = 1
    decision: Decision
    reason: str
    criteria: tuple[CriterionOutcome, ...]
    missing_slices: tuple[str, ...]
    rubber_stamp: bool
    view: dict[str, View]
    """The view of each role's model and scores: champion, challenger."""
    judged: Literal["recipe", "fitted_model"]
    evidence_level: Literal["refitted_here", "scored_here", "scores_brought_along"]
    split: str
    part: str
    inputs: dict[str, str]
    """Logical hashes of the datasets and the model; SHA-256 of the files pin, evaluation and validation reports."""
    policy_hash: str
    params_hash: str
    seeds: dict[str, int]
    folds: FoldsJudged | None = None
    """How all folds were judged; None where one part was."""
    weights: dict[str, str] = {}
    """The column by which rows were weighted in ``judging``, and in fitting the ``champion`` and ``challenger``; what is not
    there counted all rows alike, or is not known."""


class Receipt(Record):
    """Who judged, where and when: kept beside the verdict, outside DVC."""

    schema_version: Literal[1] = 1
    verdict_hash: str
    decision: Decision
    actor: str
    host: str
    environment: dict[str, str]
    created_utc: str
    expires_utc: str
