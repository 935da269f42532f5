"""Champions without MLflow: an alias in memory, and what a promotion's event says."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import flows.promotion
import flows.registry_office
from flows.alias_moves import Desk
from tasks.errors import RegistryError
from tasks.paths import ProjectPaths
from tasks.registry import ALIAS, NOBODY, AliasMoved, Move, RegistryVersion, RunFacts

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
        if alias != ALIAS:
            return AliasMoved(True, target, 1.0)
        self.meanwhile()
        if self.version != expected:
            return AliasMoved(False, self.version, 0.0)
        self.version = target
        self.afterwards()
        return AliasMoved(True, target, 1.0)


class MemoryRegistry(OneAlias):
    """A registry whose runs and versions are folders in ``folder``; further aliases are not kept apart."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.versions: dict[str, Path] = {}

    def log_run(self, experiment: str, facts: RunFacts, folder: Path, artifacts: str | None, *, is_anew: bool = False) -> str:
        name = facts.tags["windtunnel.verdict"][:12] + facts.tags.get("windtunnel.refit", "")[:12]
        place = self.folder / f"run-{name}-{len(self.versions) if is_anew else 0}"
        if not place.exists():
            shutil.copytree(folder, place)
        return str(place)

    def register(self, model: str, run: str, facts: RunFacts, flavor: Mapping[str, Any]) -> RegistryVersion:
        known = [version for version, place in self.versions.items() if place == Path(run)]
        version = known[0] if known else str(len(self.versions) + 1)
        self.versions[version] = Path(run)
        (Path(run) / "model/MLmodel").write_text(yaml.safe_dump({"flavors": {"sklearn": dict(flavor)}}))
        return RegistryVersion(version, run, facts.tags)

    def download(self, uri: str, folder: Path) -> Path:
        wanted = self.version if "@" in uri else uri.rpartition("/")[2]
        place = self.versions.get(str(wanted), Path("nowhere")) / "model"
        if not place.is_dir():
            raise RegistryError(uri, found="MlflowException", expected="an answer", next_step="look")
        return place

    def drop_alias(self, model: str, alias: str) -> None:
        """A drill's alias is not kept."""


def use_registry(monkeypatch: pytest.MonkeyPatch, registry: OneAlias) -> None:
    """Let ``registry`` be the one that the project names."""

    @contextmanager
    def opened(_environment: object) -> Iterator[OneAlias]:
        yield registry

    monkeypatch.setattr(flows.registry_office, "open_registry", opened)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://registry.invalid")


def kept_in(monkeypatch: pytest.MonkeyPatch, places: Mapping[str, Path]) -> None:
    """Branches of champions whose data lies in folders, in place of DVC's cache."""
    real = flows.promotion.checkout_of_verdict

    @contextmanager
    def checkout(root: Path, name: str, *, worktree: str) -> Iterator[ProjectPaths]:
        if name in places:
            yield ProjectPaths(places[name])
        else:
            with real(root, name, worktree=worktree) as tree:
                yield tree

    monkeypatch.setattr(flows.promotion, "checkout_of_verdict", checkout)


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
