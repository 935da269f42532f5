"""``masking.utility``: whether the ranking of models survives masking, and how well it has to."""

from typing import Literal

from pydantic import Field

from tasks.params.base import Section

PanelModel = Literal["linear", "linear_shrunk", "boosting", "forest", "tree"]


class UtilityParams(Section):
    """The models that are compared on raw and on masked rows, on how many rows, and what has to hold.

    The defaults hold where the section is left out: the certificate is always made.
    """

    models: tuple[PanelModel, ...] = Field(default=("linear", "linear_shrunk", "boosting", "forest", "tree"), min_length=2)
    """Families of the panel. Weakened models, and the project's own recipes, always stand beside them."""
    rows: int = Field(default=10_000, ge=200, le=1_000_000)
    """The most rows that are drawn to fit on, and the most that are drawn to be judged."""
    min_rank_correlation: float = Field(default=0.8, gt=0, le=1)
    """Spearman's: the lower end of its interval has to reach it."""
    min_agreement: float = Field(default=0.8, gt=0, le=1)
    """The share of the gate's decisions that are the same on masked rows."""
    files: bool = False
    """Whether a recipe that is a Python file is fitted on raw rows too: what it does with them, nobody here can see."""
