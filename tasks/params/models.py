"""``label`` and ``models``: what is predicted, by which champion and which challenger."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from tasks.params.base import Section, split_reference

View = Literal["raw", "masked"]


class LabelParams(Section):
    """The label column, the time it became known, and the task."""

    table: str
    column: str
    known: str
    task: Literal["binary", "multiclass", "regression"]
    positive: int | str | bool | None = None


class LoggedScores(Section):
    """The champion as production ran it: its logged scores (view raw), and the column that names its version."""

    scores: str
    version: str

    @model_validator(mode="after")
    def _one_table(self) -> "LoggedScores":
        if split_reference(self.scores)[0] != split_reference(self.version)[0]:
            raise ValueError("scores and version must lie in one table")
        return self


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
    part: str

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

    champion: Champion
    challenger: Recipe = Field()
