"""Whom a verdict compared its challenger with, held against the champion that stands.

What belongs here: refusing a promotion over a champion that nobody compared with, and the words for what was compared. What does
not: who stands (``flows.alias_moves``), and moving the alias (``flows.promotion``).
"""

import hashlib
from pathlib import Path

from flows.alias_moves import read_standing
from flows.verdict_store import StoredVerdict
from tasks.errors import GateError
from tasks.params import load_params
from tasks.params.models import LoggedScores, MlflowParams, StoredModel
from tasks.paths import ProjectPaths, main_root
from tasks.records import Champion, Championship
from tasks.registry import NOBODY

_CHAMPION = "models/champion"


def require_compared(stored: StoredVerdict, champion: Champion | None, origin: str) -> str:
    """Whom the verdict compared with in place of the champion that leaves, in words; empty where it was that one, or nobody stands.

    ``champion``: as the event log says; ``origin``: the version at which the alias stands, which somebody else may have put there.
    Raises :class:`~tasks.errors.GateError` for a rubber stamp, and for a comparison with a stored model that is another one.
    """
    if champion is not None and _is_own(stored, champion):
        return champion.compared_with  # its other form, or taken back: it replaces whom it replaced
    told = _told_other(stored, champion, origin)
    if not told:
        return ""
    name = champion.version if champion and origin == NOBODY else origin
    is_logged = champion is not None and origin in (champion.version, NOBODY)
    if stored.verdict.rubber_stamp:
        found = f"a rubber stamp, which compared with nobody, while version {name} is champion"
    elif is_logged and isinstance(stored.params.models.champion, StoredModel):
        found = f"one that compared with {told}"
    else:
        return told
    raise GateError(
        f"verdict {stored.name}",
        found=found,
        expected=f"a verdict beside version {name}",
        next_step=f"name version {name} in models.champion of params.yaml (docs/params.md), then windtunnel run",
    )


def require_comparable(root: Path, stored: StoredVerdict) -> None:
    """What the event log alone can tell of :func:`require_compared`, which raises: before anybody is asked, or a registry is.

    While a move is cut off, the log does not tell who stands.
    """
    standing = _read_standing(root)
    if standing.champion is not None and standing.unfinished is None:
        require_compared(stored, standing.champion, standing.champion.version)


def comparison_notes(root: Path, stored: StoredVerdict) -> tuple[str, ...]:
    """What whoever approves has to know of whom the verdict compared with, by the event log; the registry is not asked."""
    champion = _read_standing(root).champion
    if champion is None or stored.verdict.rubber_stamp or _is_own(stored, champion):
        return ()
    told = _told_other(stored, champion, champion.version)
    return (f"Compared with {told}.",) if told else ()


def _read_standing(root: Path) -> Championship:
    section = load_params(ProjectPaths(root).params).models.mlflow or MlflowParams()
    return read_standing(ProjectPaths(main_root(root)), section.name)


def _is_own(stored: StoredVerdict, champion: Champion) -> bool:
    return champion.verdict == hashlib.sha256(stored.content).hexdigest()


def _told_other(stored: StoredVerdict, champion: Champion | None, origin: str) -> str:
    """Whom the verdict compared with, and that this is not the version that stands; empty where it is, or none stands."""
    if champion is None and origin == NOBODY:
        return ""
    compared = stored.verdict.inputs.get(_CHAMPION)
    if champion is not None and origin in (champion.version, NOBODY):
        if compared == champion.logical_hash:
            return ""
        origin = champion.version
    return f"{_name_of(stored)}, not with version {origin}, the champion at that time"


def _name_of(stored: StoredVerdict) -> str:
    declared = stored.params.models.champion
    if declared is None:
        return "nobody"
    if isinstance(declared, LoggedScores):
        return f"the scores logged in {', '.join(declared.columns)}"
    if isinstance(declared, StoredModel):
        return f"the stored model {declared.model}"
    return f"the recipe {declared.estimator or declared.file}"
