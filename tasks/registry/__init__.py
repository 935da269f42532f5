"""The model registry: runs and versions in it, and the alias ``champion``, moved only from where it is believed to stand.

What belongs here: what the event log says about champions, what a verdict looks like as an MLflow run, and asking MLflow. What
does not: whether a verdict may be promoted, the event log itself, and whose files are registered (``flows.promotion``).
"""

from tasks.registry.facts import REFIT_TAG, RunFacts, describe_refit, describe_run
from tasks.registry.history import ALIAS, NOBODY, Move, closing, find_rollback, read_championship, settle
from tasks.registry.session import AliasMoved, Registry, RegistryVersion, open_registry

__all__ = [
    "ALIAS",
    "NOBODY",
    "REFIT_TAG",
    "AliasMoved",
    "Move",
    "Registry",
    "RegistryVersion",
    "RunFacts",
    "closing",
    "describe_refit",
    "describe_run",
    "find_rollback",
    "open_registry",
    "read_championship",
    "settle",
]
