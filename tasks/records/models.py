"""What is known of a stored model.

What belongs here: where it came from, how it was fitted, its hashes. What does not: how good it is (``evaluation``).
"""

from typing import Literal

from tasks.records.base import Record, View


class ModelCard(Record):
    """What a model is and how it came to be."""

    schema_version: Literal[1] = 1
    role: Literal["champion", "challenger", "refit"]
    """``refit``: one of the two, fitted again with another seed; known by its scores, and no contender."""
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
    made_with: dict[str, str] = {}
    """Hashes of the parameters of the stages that made it and what it was fitted on, as ``params/train``."""
    logical_hash: str | None
    """Hash of the canonical fitted model, or of the scores where they are all there is; None where production logged them."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that it was fitted on, none where nobody here can know."""
        return tuple(self.part.split(", ")) if self.part else ()
