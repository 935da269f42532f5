"""The registry of stages, and the composition roots that wire capabilities into them, one module per stage.

What belongs here: what each stage reads, calls and writes. What does not: how anything is computed. ``dvc.yaml`` declares
the same graph for DVC; a test holds the two together.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from tasks.errors import StageError
from tasks.params import Params
from tasks.paths import ProjectPaths


@dataclass(frozen=True)
class StageContext:
    """What a stage is run with: the project, its parameters, and the variant (a split's name, a validation's subject)."""

    paths: ProjectPaths
    params: Params
    variant: str | None = None


@dataclass(frozen=True)
class Stage:
    """One stage: the paths below the project's root that it reads and writes, and the function that does it."""

    reads: Callable[[StageContext], tuple[str, ...]]
    writes: Callable[[StageContext], tuple[str, ...]]
    code: tuple[str, ...]
    """Source files and folders whose change makes the stage's outputs stale; ``dvc.yaml`` lists the same."""
    run: Callable[[StageContext], None]
    variants: Callable[[Params], tuple[str, ...]] | None = None
    is_key_holder: bool = False
    """Whether the stage needs the masking key; every other one runs without it in its environment."""


STAGE_NAMES = ("snapshot", "mask", "split", "features", "disclosure", "utility", "train", "evaluate", "validate", "gate", "report")

LAKE_READER = "snapshot"
"""The one stage that opens production; every other one runs without the credentials of lake and remotes."""

MODEL_FETCHER = "train"
"""The one stage that fetches models from a registry; every other one runs without the credentials of its artifacts."""

FOUNDATION = ("tasks/datasets", "tasks/records", "tasks/params", "tasks/stages/made_with.py", "requirements.lock")
"""What every stage's outputs depend on, beside its own code."""


def load_stage(name: str) -> Stage:
    """The stage called ``name``; its module is imported only now, so that no stage pays for another's libraries."""
    if name not in STAGE_NAMES:
        raise StageError(
            f"stage {name!r}",
            found="no such stage",
            expected=f"one of {', '.join(STAGE_NAMES)}",
            next_step="python -m tasks --help",
        )
    stage: Stage = importlib.import_module(f"tasks.stages.{name}").STAGE
    return stage
