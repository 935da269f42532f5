"""Moving the alias of the champion: written down first, moved only from where it is believed to stand, settled where cut off.

What belongs here: the order of log and registry, and what a crash between them leaves. What does not: whether anything may be
promoted (``flows.promotion``), and Prefect.
"""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

from tasks.errors import RegistryError
from tasks.ledger import Chain, Draft, append_event, read_chain, read_content
from tasks.paths import ProjectPaths
from tasks.records import Championship, Event
from tasks.registry import ALIAS, NOBODY, AliasMoved, Move, RegistryVersion, closing, read_championship, settle


class Aliases(Protocol):
    """What of a registry a move needs."""

    def read_alias(self, model: str, alias: str) -> RegistryVersion | None:
        """The version at which the alias stands; None: nowhere."""

    def move_alias(self, model: str, alias: str, *, expected: str | None, target: str) -> AliasMoved:
        """Move the alias to ``target`` where it stands at ``expected``."""


@dataclass(frozen=True)
class Desk:
    """Where moves of one registered model are made: its registry, and the main checkout with the event log."""

    main: ProjectPaths
    aliases: Aliases
    model: str

    def read(self) -> Championship:
        """The champions as the log tells; a fresh clone's is the one that came with it."""
        return read_standing(self.main, self.model)

    def append(self, kind: str, about: Mapping[str, str]) -> Event:
        """Write one event of a move down, where no other move is under way, or it closes that one."""

        def decide(chain: Chain) -> Draft:
            unfinished = read_championship(chain.events, self.model).unfinished
            if about.get("begun") != (unfinished.hash if unfinished else None):
                raise RegistryError(
                    f"the alias {ALIAS} of {self.model}",
                    found="another move that was begun meanwhile",
                    expected="one move at a time",
                    next_step="windtunnel champion, then try again",
                )
            return Draft("rollback" if kind == "rollback" else "promotion", about)

        event = append_event(self.main.events, decide, actor=getpass.getuser(), clock=_now, start=self._start())
        if event is None:
            raise AssertionError("a draft is always made")
        return event

    def _start(self) -> bytes:
        return read_content(self.main.landed_events) or b""


def read_standing(main: ProjectPaths, model: str) -> Championship:
    """The champions of ``model`` as the event log of the main checkout tells; a fresh clone's log is the one that came with it."""
    content = read_content(main.events) or read_content(main.landed_events) or b""
    return read_championship(read_chain(content, origin="events").events, model)


def settle_cut_off(desk: Desk) -> Championship:
    """Close a move that was cut off, by where the alias stands now; the champions after that.

    Raises :class:`~tasks.errors.RegistryError` where the registry does not answer; the log stays as it is then.
    """
    standing = desk.read()
    if standing.unfinished is None:
        return standing
    found = desk.aliases.read_alias(desk.model, ALIAS)
    desk.append(standing.unfinished.kind, settle(standing.unfinished, found.version if found else None))
    return desk.read()


def expected_origin(desk: Desk, standing: Championship, taken_over: str | None) -> str:
    """The version at which the alias has to stand: where the log says, or where the user says that somebody else put it.

    Raises :class:`~tasks.errors.RegistryError` naming where it does stand.
    """
    expected = taken_over or (standing.champion.version if standing.champion else NOBODY)
    found = desk.aliases.read_alias(desk.model, ALIAS)
    if (found.version if found else NOBODY) != expected:
        raise _moved_by_others(desk.model, found, expected)
    return expected


def make_move(desk: Desk, move: Move) -> AliasMoved:
    """Write the move down, move the alias, and write down what came of it.

    Raises :class:`~tasks.errors.RegistryError` where the alias was not moved; where the registry fell silent meanwhile, the next
    command settles it (:func:`settle_cut_off`).
    """
    begun = desk.append(move.kind, move.begun())
    expected = None if move.origin == NOBODY else move.origin
    try:
        moved = desk.aliases.move_alias(desk.model, ALIAS, expected=expected, target=move.target)
    except RegistryError:
        standing = settle_cut_off(desk).champion
        if standing is None or standing.version != move.target:
            raise
        return AliasMoved(is_moved=True, found=move.target, flip_ms=None)
    if not moved.is_moved:
        desk.append(move.kind, closing(begun, "undone", f"the alias stands at {moved.found or NOBODY}"))
        raise _moved_by_others(desk.model, desk.aliases.read_alias(desk.model, ALIAS), move.origin)
    desk.append(move.kind, closing(begun, "done"))
    return moved


def _moved_by_others(model: str, found: RegistryVersion | None, expected: str) -> RegistryError:
    if found is None:
        told = "it stands nowhere"
    else:
        verdict = found.tags.get("windtunnel.verdict")
        told = f"it stands at version {found.version}, " + (
            f"of the verdict {verdict[:12]}" if verdict else "which no verdict of Windtunnel promoted"
        )
    return RegistryError(
        f"the alias {ALIAS} of {model}",
        found=f"{told}; somebody else moved it",
        expected=f"version {expected}, as the event log says" if expected != NOBODY else "no champion yet, as the event log says",
        next_step=f"find out who moved it, and why; `--from {found.version if found else NOBODY}` then goes on from there",
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
