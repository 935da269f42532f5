"""``label`` and ``models``: what is predicted, by which champion and which challenger."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from tasks.params.base import Section, split_reference

View = Literal["raw", "masked"]
Task = Literal["binary", "multiclass", "regression"]


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
    """The champion as production ran it: its logged scores (view raw), and the column that names its version.

    ``scores`` is a column (of the positive class's probability, or of the prediction of a number), or class -> column.
    """

    scores: str | dict[str, str]
    version: str

    @model_validator(mode="after")
    def _one_table(self) -> "LoggedScores":
        if not self.columns:
            raise ValueError("scores: name a column for each class")
        if {split_reference(reference)[0] for reference in (*self.columns, self.version)} != {self.table}:
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
        return split_reference(self.version)[0]


class StoredModel(Section):
    """A fitted model in skops format, with the view it was trained on."""

    model: str
    sha256: str
    """Hash of ``model``: DVC sees the file's changes through it, and a stage refuses a file with another one."""
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
    """A part, several parts, or ``not <part>`` for all others of the split; see :func:`~tasks.params.splits.resolve_parts`."""

    @model_validator(mode="after")
    def _estimator_or_file(self) -> "Recipe":
        if (self.estimator is None) == (self.file is None):
            raise ValueError("name exactly one of estimator and file")
        if (self.file is None) != (self.sha256 is None):
            raise ValueError("file and sha256 go together; `sha256sum FILE` prints the hash")
        return self


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


class ModelsParams(Section):
    """The model in production and the one that wants to replace it."""

    champion: Champion | None = None
    """None: there is no model in production yet, and a verdict on the first one is a rubber stamp."""
    challenger: Recipe = Field()
