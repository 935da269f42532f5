"""Promoting a verdict's model, and rolling back to the one before: what is checked, and in which order.

What belongs here: what a promotion and a rollback need before the alias may move. What does not: the order of log and alias
(``flows.alias_moves``), who may promote (``flows.approval``), printing, and Prefect.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from flows.alias_moves import expected_origin, make_move, settle_cut_off
from flows.approval import require_promotable
from flows.champion_branches import CURRENT, champion_branch, keep_champion, point_current
from flows.comparison import require_compared
from flows.programs import git
from flows.registration import (
    Candidate,
    private_folder,
    read_candidate,
    refit_candidate,
    register,
    require_registered,
    require_registrable,
)
from flows.registry_office import Office, open_office
from flows.rolled_back import require_approved_since, tell_pages
from flows.verdict_store import StoredVerdict, find_verdict
from flows.verification import Level, checkout_of_verdict, verify_checkout
from tasks.errors import GateError, RegistryError, WindtunnelError
from tasks.paths import ProjectPaths
from tasks.records import Champion, Championship, Promotable
from tasks.registry import ALIAS, AliasMoved, Move

DRILL = "drill"
"""The alias that a drill moves in place of the champion's."""


@dataclass(frozen=True)
class Moved:
    """What a promotion or a rollback came to."""

    champion: Champion
    is_own: bool
    """Whether this call moved the alias; False where the champion was champion already."""
    flip_ms: float | None
    """How long MLflow took to set the alias; None where it had been set already."""
    seconds: float
    """The whole of it, verification included."""
    untold: str = ""
    """What could not be told of the move once it was made, and why; it stands all the same."""


def promote(root: Path, name: str, now: datetime, *, taken_over: str | None = None, is_refit: bool = False) -> Moved:
    """Make the challenger of the verdict ``name`` the champion; with ``is_refit`` its recipe, fitted again on raw rows.

    ``taken_over``: the version at which somebody else put the alias. What is champion by that verdict already changes nothing.
    Raises :class:`~tasks.errors.GateError` where the verdict may not be promoted or does not hold, and
    :class:`~tasks.errors.RegistryError` where the alias stands elsewhere than the event log says, or the registry is down.
    """
    started = time.perf_counter()
    stored = find_verdict(root, name)
    promotable = require_promotable(root, stored, now)
    with open_office(root) as office:
        standing = settle_cut_off(office.desk)
        origin = expected_origin(office.desk, standing, taken_over)
        champion, moved = standing.champion, None
        if champion is None or not _is_of(champion, promotable, is_refit=is_refit) or taken_over is not None:
            require_approved_since(root, standing, promotable)
            compared = require_compared(stored, champion, origin)
            offer = _prepare(root, office, stored, promotable, is_refit=is_refit)
            promotable = require_promotable(root, stored, _now())  # verifying took minutes: rights may have ended meanwhile
            require_approved_since(root, standing, promotable)
            about = {**offer, **_agreed(promotable), **({"compared_with": compared} if compared else {})}
            moved = make_move(office.desk, Move("promotion", office.desk.model, origin, about))
            champion = _require_champion(office.desk.read())
        untold = _tell(root, office.desk.main.root, champion.branch)
        return Moved(champion, moved is not None, moved.flip_ms if moved else None, time.perf_counter() - started, untold)


def rollback(
    root: Path, reason: str, *, taken_over: str | None = None, is_drill: bool = False, only_event: str | None = None
) -> Moved:
    """Make the champion before the present one champion again, after holding all that it was promoted on against its hashes.

    A drill does all of it with an alias of its own, and writes nothing into the event log. ``only_event``: the event of the one
    champion that is to leave; where another stands by now, nothing moves, and :class:`~tasks.errors.GateError` is raised. Raises
    :class:`~tasks.errors.RegistryError` where there is none before it, its model is gone, or the alias stands elsewhere than the
    log says, and :class:`~tasks.errors.GateError` where its verdict does not hold any more.
    """
    started = time.perf_counter()
    with open_office(root) as office:
        desk = office.desk
        standing = desk.read() if is_drill else settle_cut_off(desk)
        if only_event is not None:
            _require_standing(standing, only_event)
        leaving, target = standing.champion, standing.previous
        if leaving is None or target is None:
            raise _nothing_before(desk.model, leaving)
        with checkout_of_verdict(desk.main.root, target.branch, worktree="rollback") as tree:
            _require_holds(tree, "hashes", target.branch, target.verdict)
        origin = expected_origin(desk, standing, taken_over)  # asked for by now: MLflow has had the time to start
        with private_folder(desk.main) as folder:
            require_registered(office.registry, desk.model, target.version, target.logical_hash, folder)
        if is_drill:
            return Moved(target, False, _drill(office, leaving, target).flip_ms, time.perf_counter() - started)
        about = {**_about(target), "leaves": leaving.version, "leaves_verdict": leaving.verdict, "reason": reason}
        moved = make_move(desk, Move("rollback", desk.model, origin, about))
        champion = _require_champion(desk.read())
        untold = _tell(root, desk.main.root, champion.branch)
        return Moved(champion, True, moved.flip_ms, time.perf_counter() - started, untold)


def confirm(root: Path, version: str, event: str) -> Champion:
    """The champion that ``event`` made, whose alias and model the registry hands over as ``version``, as the event log says.

    Raises :class:`~tasks.errors.RegistryError` where it does not, and :class:`~tasks.errors.GateError` where another champion
    stands by now, about which this says nothing.
    """
    with open_office(root) as office, private_folder(office.desk.main) as folder:
        standing = settle_cut_off(office.desk)
        champion = _require_standing(standing, event)
        expected_origin(office.desk, standing, version)
        require_registered(office.registry, office.desk.model, ALIAS, champion.logical_hash, folder)
        return champion


def _tell(root: Path, main: Path, branch: str) -> str:
    """Let branch and pages tell of a move that was made; what could not be told.

    Never an error: whoever reads one of a rollback rolls back again, and is one champion too far.
    """
    untold = []
    for what, tell in ((CURRENT, partial(point_current, main, branch)), ("the kept pages", partial(tell_pages, root))):
        try:
            tell()
        except WindtunnelError as error:
            untold.append(f"{what}: {error.thing}: {error.found} ({error.next_step})")
        except (OSError, ValueError) as error:
            untold.append(f"{what}: {error}")
    again = f"The alias has moved, and this is lacking; once it is mended, `windtunnel promote {branch}` tells it. "
    return again + "; ".join(untold) if untold else ""


def _is_of(champion: Champion, promotable: Promotable, *, is_refit: bool) -> bool:
    """Whether the champion is what is to be promoted: by the same verdict, and its fitted model, or its recipe."""
    return champion.verdict == promotable.verdict_hash and champion.promoted == ("recipe" if is_refit else "fitted_model")


def _prepare(root: Path, office: Office, stored: StoredVerdict, promotable: Promotable, *, is_refit: bool) -> dict[str, str]:
    """Verify the verdict, keep what it rests on, and register its model; nothing has moved after that. What the log is to say."""
    branch = champion_branch(promotable.verdict_hash)
    with checkout_of_verdict(root, stored.name, worktree="promote") as tree:
        require_registrable(tree, stored, is_refit=is_refit)  # told before minutes of verifying
        _require_holds(tree, "metrics", stored.name, promotable.verdict_hash)
        commit = None if tree.root == root else git(tree.root, "rev-parse", "HEAD")
        candidate = (refit_candidate if is_refit else read_candidate)(tree, stored, branch)
        with private_folder(office.desk.main) as folder:
            version = register(office.registry, office.desk.model, office.where, candidate, folder)
    kept = keep_champion(root, commit)
    if kept != branch:
        raise GateError(
            f"verdict {stored.name}",
            found=f"another verdict by now: {kept} was kept",
            expected=f"{branch}, which was verified",
            next_step="try again, while nothing else is run in this checkout",
        )
    return _offer(candidate, version, branch)


def _offer(candidate: Candidate, version: str, branch: str) -> dict[str, str]:
    verdict = candidate.verdict
    return {
        "version": version,
        "verdict": candidate.sha256,
        "branch": branch,
        "logical_hash": candidate.logical_hash,
        **candidate.told,
        "split": verdict.split,
        "part": verdict.part,
        "rubber_stamp": str(verdict.rubber_stamp).lower(),
    }


def _agreed(promotable: Promotable) -> dict[str, str]:
    return {"signed_by": promotable.signed_by, "approved_by": promotable.approved_by, "approval": promotable.approval}


def _about(champion: Champion) -> dict[str, str]:
    told = champion.model_dump(mode="json", exclude={"model", "at_utc", "actor", "event", "rubber_stamp"})
    return {name: value for name, value in told.items() if value} | {"rubber_stamp": str(champion.rubber_stamp).lower()}


def _drill(office: Office, leaving: Champion, target: Champion) -> AliasMoved:
    """Flip an alias of the drill's own from the champion to the one before, and remove it."""
    model = office.desk.model
    office.registry.drop_alias(model, DRILL)
    office.registry.move_alias(model, DRILL, expected=None, target=leaving.version)
    moved = office.registry.move_alias(model, DRILL, expected=leaving.version, target=target.version)
    office.registry.drop_alias(model, DRILL)
    return moved


def _require_holds(tree: ProjectPaths, level: Level, name: str, sha256: str) -> None:
    """Refuse a verdict that does not hold, or cannot be checked, or is another one by now."""
    if hashlib.sha256(tree.verdict.read_bytes()).hexdigest() != sha256:
        raise GateError(f"verdict {name}", found="another verdict than a moment ago", expected="one verdict", next_step="try again")
    found = verify_checkout(tree, level)
    if found.outcome == "holds":
        return
    first = next((check for check in found.checks if check.status == found.outcome), None)
    told = f"{first.what}: {first.reason}" if first else "nothing was checked"
    raise GateError(
        f"verdict {name}",
        found=f"{'what does not hold' if found.outcome == 'does_not_hold' else 'what cannot be checked'}: {told}",
        expected=f"a verdict that holds at level {level}",
        next_step=f"windtunnel verify {name} --level {level}",
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _require_standing(standing: Championship, event: str) -> Champion:
    """The champion, where it is the one that ``event`` made: nobody judges, or takes back, what another run promoted."""
    champion = standing.champion
    if champion is None or champion.event != event:
        raise GateError(
            f"the champion of {standing.model}",
            found=f"version {champion.version} of another promotion by now" if champion else "none any more",
            expected="the champion that this run found or made",
            next_step="windtunnel champion shows who was made champion, and by whom",
        )
    return champion


def _require_champion(standing: Championship) -> Champion:
    if standing.champion is None:
        raise _nothing_before(standing.model, None)
    return standing.champion


def _nothing_before(model: str, champion: Champion | None) -> RegistryError:
    only = f"version {champion.version} only, the first that was promoted here" if champion else "no champion yet"
    return RegistryError(
        f"the champions of {model}",
        found=only,
        expected="a champion, and one before it",
        next_step="windtunnel champion shows them; windtunnel promote makes one",
    )
