"""Champions without MLflow: an alias in memory, and what a promotion's event says."""

from collections.abc import Callable
from pathlib import Path

from flows.alias_moves import Desk
from tasks.paths import ProjectPaths
from tasks.registry import NOBODY, AliasMoved, Move, RegistryVersion

MODEL = "late-flights"


class OneAlias:
    """A registry of one alias; ``meanwhile`` is called just before it is asked to move."""

    def __init__(self, version: str | None = None) -> None:
        self.version = version
        self.meanwhile: Callable[[], None] = lambda: None
        self.afterwards: Callable[[], None] = lambda: None

    def read_alias(self, model: str, alias: str) -> RegistryVersion | None:
        return None if self.version is None else RegistryVersion(self.version, "run", {"windtunnel.verdict": "e" * 64})

    def move_alias(self, model: str, alias: str, *, expected: str | None, target: str) -> AliasMoved:
        self.meanwhile()
        if self.version != expected:
            return AliasMoved(False, self.version, 0.0)
        self.version = target
        self.afterwards()
        return AliasMoved(True, target, 1.0)


def desk_of(root: Path, alias: OneAlias) -> Desk:
    """Where moves are made in the project ``root``."""
    return Desk(ProjectPaths(root), alias, MODEL)


def promotion(version: str, origin: str = NOBODY) -> Move:
    """The promotion of ``version``, whose verdict is named after it."""
    return Move("promotion", MODEL, origin, _about(version))


def rolling_back(to: str, origin: str) -> Move:
    """The rollback from ``origin`` to ``to``."""
    return Move("rollback", MODEL, origin, {**_about(to), "leaves": origin, "reason": "too slow"})


def _about(version: str) -> dict[str, str]:
    return {
        "version": version,
        "verdict": version * 64,
        "branch": f"champions/{version * 12}",
        "logical_hash": f"{version}f" * 32,
        "promoted": "fitted_model",
        "view": "masked",
        "split": "by_time",
        "part": "test",
    }
