"""``label`` and ``models``: what is predicted, by which champion and which challenger."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from tasks.params.base import Section, split_reference

View = Literal["raw", "masked"]
Task = Literal["binary", "multiclass", "regression"]
SAMPLE_WEIGHT = "sample_weight"
"""The column of weights beside the features of training rows, named as scikit-learn names them."""


class LabelParams(Section):
    """The label column, the time it became known, and the task."""

    table: str
    column: str
    known: str
    task: Task
    positive: int | str | bool | None = None

    @model_validator(mode="after")
    def _positive_belongs_to_binary(self) -> "LabelParams":
        if self.task != "binary" and self.positive is not None:
            raise ValueError(f"positive: a label of the task {self.task} has no positive value; remove it")
        return self


class LoggedScores(Section):
    """The champion as production ran it: its logged scores (view raw), and the column that names its version,
    if there is one.

    ``scores`` is a column (of the positive class's probability, or of the prediction of a number), or class -> column.
    """

    scores: str | dict[str, str]
    version: str | None = None

    @model_validator(mode="after")
    def _one_table(self) -> "LoggedScores":
        if not self.columns:
            raise ValueError("scores: name a column for each class")
        named = (*self.columns, *([self.version] if self.version else []))
        if {split_reference(reference)[0] for reference in named} != {self.table}:
            raise ValueError("scores and version must lie in one table")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The references of all score columns: one, or one per class in the order of :attr:`classes`."""
        scores = self.scores
        return (scores,) if isinstance(scores, str) else tuple(scores[name] for name in self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that have a score, sorted; none where ``scores`` is one column."""
        return () if isinstance(self.scores, str) else tuple(sorted(self.scores))

    @property
    def table(self) -> str:
        """The table that scores and version lie in."""
        return split_reference(self.columns[0])[0]


class StoredModel(Section):
    """A fitted model in skops format, with the view it was trained on."""

    model: str
    """A file, or a model in an MLflow registry: ``models:/name/version``, ``models:/name@alias``, ``runs:/run/path``."""
    sha256: str
    """Hash of the model's file: DVC sees its changes through it, and a stage refuses a file with another one."""
    view: View


class Recipe(Section):
    """How to fit a model: a scikit-learn estimator by import path, or a Python file that defines one as ``estimator``."""

    estimator: str | None = None
    file: str | None = None
    sha256: str | None = None
    """Hash of ``file``: DVC sees the file's changes through it, and a stage refuses a file with another one."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    split: str
    part: str | tuple[str, ...]
    """A part, several parts, or ``not <part>`` for all others of the split; see :func:`~tasks.params.splits.resolve_parts`.
    Where all folds are judged: ``other folds``."""
    weight: str | None = None
    """A column of the rows' table: how much each row counts in fitting; None: all rows count alike."""

    @model_validator(mode="after")
    def _estimator_or_file(self) -> "Recipe":
        if (self.estimator is None) == (self.file is None):
            raise ValueError("name exactly one of estimator and file")
        if (self.file is None) != (self.sha256 is None):
            raise ValueError("file and sha256 go together; `sha256sum FILE` prints the hash")
        return self


class ScoreFile(Section):
    """Scores that somebody else computed, row by row, with the view that they were computed on."""

    score_file: str
    sha256: str
    """Hash of ``score_file``."""
    view: View


class CommandLimits(Section):
    """What a command may use: time of the whole, memory of each of its processes, and bytes that it prints or leaves in files."""

    time_seconds: int = Field(default=3600, ge=1)
    memory_bytes: int = Field(default=8_000_000_000, ge=1_000_000)
    output_bytes: int = Field(default=1_000_000_000, ge=1_000)


class Command(Section):
    """A program that is given training rows and rows to score, and writes scores."""

    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments; ``{train}``, ``{score}``, ``{train_csv}``, ``{score_csv}``, ``{out}`` and ``{seed}`` are filled in."""
    files: dict[str, str] = Field(default_factory=dict)
    """File of the project -> its SHA-256; each is laid into the program's working folder under its own name."""
    limits: CommandLimits = CommandLimits()
    split: str
    part: str | tuple[str, ...]
    weight: str | None = None
    """A column of the rows' table that the training rows carry as ``sample_weight``."""

    @model_validator(mode="after")
    def _is_told_where_rows_lie(self) -> "Command":
        said = " ".join(self.command)
        if "{out}" not in said or not ("{score}" in said or "{score_csv}" in said):
            raise ValueError("command: its arguments must name {out}, and {score} or {score_csv}")
        names = [name.rpartition("/")[2] for name in self.files]
        if len(set(names)) != len(names):
            raise ValueError("files: two have one name, and all are laid into one folder")
        return self


class MlflowParams(Section):
    """Where models that are named by a URI lie, and what champions are called there."""

    tracking_uri: str | None = Field(default=None, min_length=1)
    """The environment variable MLFLOW_TRACKING_URI wins over it; None: a registry of the project's own, below .windtunnel."""
    name: str = Field(default="windtunnel", pattern=r"^[^/:@]+$")
    """The registered model whose versions are promoted, and the experiment that shows verdicts."""
    log_verdicts: bool = False
    """Whether every verdict that is published becomes a run there; one that is promoted does in any case."""


def _challenger_kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    for kind, key in (("command", "command"), ("score_file", "score_file"), ("model", "model"), ("recipe", "estimator")):
        if key in keys:
            return kind
    return "recipe" if {"file", "split"} & set(keys) else None


def _champion_kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    for kind, key in (("scores", "scores"), ("model", "model"), ("recipe", "split")):
        if key in keys:
            return kind
    return None


Champion = Annotated[
    Annotated[LoggedScores, Tag("scores")] | Annotated[StoredModel, Tag("model")] | Annotated[Recipe, Tag("recipe")],
    Discriminator(
        _champion_kind, custom_error_type="champion", custom_error_message="name scores and version, or model and view, or a recipe"
    ),
]


Challenger = Annotated[
    Annotated[Recipe, Tag("recipe")]
    | Annotated[StoredModel, Tag("model")]
    | Annotated[ScoreFile, Tag("score_file")]
    | Annotated[Command, Tag("command")],
    Discriminator(
        _challenger_kind,
        custom_error_type="challenger",
        custom_error_message="name an estimator or a file, a model and its view, a score_file and its view, or a command",
    ),
]


class ModelsParams(Section):
    """The model in production and the one that wants to replace it."""

    champion: Champion | None = None
    """None: there is no model in production yet, and a verdict on the first one is a rubber stamp."""
    challenger: Challenger
    mlflow: MlflowParams | None = None
    """None: as an empty section would say."""


def refitted_role(models: "ModelsParams") -> Literal["champion", "challenger"] | None:
    """Whose recipe is fitted again with another seed, to see how far a seed alone moves figures: the champion's where it has one.

    None where neither is a recipe, and nothing can be fitted here.
    """
    if isinstance(models.champion, Recipe):
        return "champion"
    return "challenger" if isinstance(models.challenger, Recipe) else None
