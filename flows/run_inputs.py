"""What a run is declared by, as it was when the run began: whoever edits it meanwhile ends the run.

What belongs here: which files these are, and holding them against how they were. What does not: what a single stage reads, which it
holds against itself (``tasks.__main__``). Between two stages nobody runs, and each of them alone would see one state only.
"""

from collections.abc import Mapping
from pathlib import Path

from tasks.datasets import hash_path
from tasks.errors import StageError
from tasks.paths import ProjectPaths


def hash_run_inputs(root: Path) -> dict[str, str]:
    """A hash of each file and folder that a run of the project in ``root`` is declared by, by its path; empty: not there."""
    paths = ProjectPaths(root)
    declared = (paths.params, paths.pin, paths.graph, paths.environment_lock, paths.expectations, paths.policies)
    return {path.relative_to(root).as_posix(): hash_path(path) for path in declared}


def require_as_begun(root: Path, begun: Mapping[str, str]) -> None:
    """Raise :class:`~tasks.errors.StageError` naming what is no longer as it was when the run began."""
    now = hash_run_inputs(root)
    others = sorted(path for path in {*begun, *now} if begun.get(path) != now.get(path))
    if others:
        raise StageError(
            f"the run: {', '.join(others)}",
            found="changed while it went on",
            expected="one state from its first stage to its verdict, or that would be bound to what did not make its model",
            next_step="start the run again: stages that are up to date are not repeated",
        )
