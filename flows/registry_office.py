"""Asking the model registry for one command: whose it is, who may move its alias meanwhile, and looking without moving.

What belongs here: opening the registry that a project names, and what only reads it or logs into it. What does not: promoting
(``flows.promotion``), printing, and Prefect.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flows.alias_moves import Desk
from flows.registration import log_verdict
from flows.verdict_store import find_verdict
from flows.worktrees import hold_lock
from tasks.credentials import model_keys
from tasks.errors import RegistryError
from tasks.models import is_own_registry, registry_environment, registry_uri
from tasks.params import load_params
from tasks.params.models import MlflowParams
from tasks.paths import ProjectPaths, main_root, make_private
from tasks.records import Championship, Check
from tasks.registry import ALIAS, NOBODY, Registry, open_registry


@dataclass(frozen=True)
class Office:
    """One command's hold on the registry: nobody else of this project moves the alias meanwhile."""

    desk: Desk
    registry: Registry
    where: str
    """The tracking URI; never shown, it may hold a password."""


@contextmanager
def open_office(root: Path) -> Iterator[Office]:
    """Hold the lock of promotions, and ask the registry that the parameters or MLFLOW_TRACKING_URI name."""
    main = ProjectPaths(main_root(root))
    make_private(main.state)
    with hold_lock(main.state / "promotion.lock", "promotions"):
        make_private(main.own_registry.parent)
        with _look_at_registry(root) as office:
            yield office


@contextmanager
def _look_at_registry(root: Path) -> Iterator[Office]:
    """As :func:`open_office`, for whoever changes nothing."""
    main = ProjectPaths(main_root(root))
    section = load_params(ProjectPaths(root).params).models.mlflow or MlflowParams()
    where = registry_uri(section.tracking_uri, root)
    with open_registry(registry_environment(where, model_keys(os.environ))) as registry:
        yield Office(Desk(main, registry, section.name), registry, where)


def find_champion(root: Path) -> tuple[Championship, Check]:
    """The champions as the event log tells, and whether the registry's alias stands where the log says; nothing is changed."""
    with _look_at_registry(root) as office:
        standing = office.desk.read()
        main = office.desk.main
        if is_own_registry(office.where, main.root) and not main.own_registry.exists():
            return standing, _compare_alias(standing, NOBODY)
        try:
            found = office.registry.read_alias(office.desk.model, ALIAS)
        except RegistryError as error:
            reason = f"could not be asked ({error.found}): {error.next_step}"
            return standing, Check(what=f"alias {ALIAS}", status="not_checked", reason=reason)
    return standing, _compare_alias(standing, found.version if found else NOBODY)


def _compare_alias(standing: Championship, stands: str) -> Check:
    """What it means that the alias stands at a version, or at :data:`NOBODY`."""
    what, told = f"alias {ALIAS}", f"the alias stands at {stands}"
    believed = standing.champion.version if standing.champion else NOBODY
    if standing.unfinished is not None:
        cut = f"a {standing.unfinished.kind} to version {standing.unfinished.about['version']} was cut off, and {told}"
        return Check(what=what, status="does_not_hold", reason=f"{cut}; the next windtunnel promote or rollback settles it")
    if stands != believed:
        return Check(what=what, status="does_not_hold", reason=f"{told}; somebody else moved it")
    return Check(what=what, status="holds", reason=told)


def show_in_mlflow(root: Path, name: str) -> str | None:
    """Log the verdict of the checkout ``root`` as a run, called ``name``, where ``models.mlflow.log_verdicts`` asks for it; its id.

    Raises :class:`~tasks.errors.RegistryError` where the registry is down.
    """
    section = load_params(ProjectPaths(root).params).models.mlflow
    if section is None or not section.log_verdicts:
        return None
    stored = replace(find_verdict(root, str(ProjectPaths(root).verdict)), name=name)
    make_private(ProjectPaths(main_root(root)).own_registry.parent)
    with _look_at_registry(root) as office:
        return log_verdict(office.registry, section.name, office.where, ProjectPaths(root), stored)
