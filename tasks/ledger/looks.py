"""What looks at a holdout cost.

What belongs here: what a look is, how many are left, and taking one. What does not: what the figures of a look are.

A holdout tells less each time that a candidate is chosen by what it said of the one before: choices fit themselves to its chance
(Dwork et al., 2015, "The reusable holdout", Science 349; Renggli et al., 2019, "Continuous integration of machine learning models
with ease.ml/ci", MLSys). So each holdout has a budget of candidates. A look is a pair of candidate and holdout, by hash: the same
pair again tells nothing new, and is free. It is written down before anything is measured, so that no figure is seen unpaid.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from tasks.errors import GateError
from tasks.ledger.chain import Chain, Draft, read_chain
from tasks.ledger.log import append_event, read_content, read_log
from tasks.records import Event, LookTaken


def looks_at(events: Iterable[Event], holdout: str) -> tuple[Event, ...]:
    """The first look of each candidate at ``holdout``, the earliest first."""
    first: dict[str, Event] = {}
    for event in sorted(events, key=lambda event: event.at_utc):
        if event.kind == "look" and event.about.get("holdout") == holdout:
            first.setdefault(event.about.get("candidate", ""), event)
    return tuple(first.values())


def find_look(events: Iterable[Event], candidate: str, holdout: str, budget: int) -> LookTaken | None:
    """The look of ``candidate`` at ``holdout``, and what is left of ``budget`` after all ``events``; None where there was none."""
    looks = looks_at(events, holdout)
    for number, event in enumerate(looks, start=1):
        if event.about.get("candidate") == candidate:
            left = max(0, budget - len(looks))
            return LookTaken(candidate=candidate, holdout=holdout, number=number, budget=budget, left=left, event=event.hash)
    return None


def decide_look(chain: Chain, elsewhere: Iterable[Event], candidate: str, holdout: str, budget: int) -> bool:
    """Whether a look has to be written down: not where it already is.

    ``elsewhere`` are events that landed from another machine; its looks count too. Raises
    :class:`~tasks.errors.GateError` where the budget is used up and this pair was never looked at.
    """
    if find_look(chain.events, candidate, holdout, budget) is not None:
        return False
    known = (*chain.events, *elsewhere)
    spent = len(looks_at(known, holdout))
    if spent >= budget and find_look(known, candidate, holdout, budget) is None:
        raise GateError(
            f"looks at holdout {holdout[:12]}",
            found=f"{spent} candidates that were measured on it, of {budget} that may be (gates.looks.budget)",
            expected="a look that is left, or a candidate that was measured on it before",
            next_step="windtunnel data refresh, or judge a part with other rows; `windtunnel try` stays free",
        )
    return True


def known_events(log: Path, landed: Path) -> tuple[Event, ...]:
    """The events of the log, and those that landed from elsewhere and are not in it."""
    own = read_log(log).events
    hashes = {event.hash for event in own}
    return own + tuple(event for event in _landed(landed)[1].events if event.hash not in hashes)


def take_look(
    log: Path,
    landed: Path,
    *,
    candidate: str,
    holdout: str,
    budget: int,
    about: Mapping[str, str],
    actor: str,
    clock: Callable[[], datetime],
) -> LookTaken:
    """Write the look down in ``log`` unless it is there, and say which one it was.

    ``landed`` is the log that came with the checkout: its looks count, and a project without a log of its own goes on from it.
    Raises :class:`~tasks.errors.GateError` where no look is left and :class:`~tasks.errors.LedgerError` where a log is broken.
    """
    content, elsewhere = _landed(landed)

    def decide(chain: Chain) -> Draft | None:
        if not decide_look(chain, elsewhere.events, candidate, holdout, budget):
            return None
        return Draft("look", {**about, "candidate": candidate, "holdout": holdout, "budget": str(budget)})

    append_event(log, decide, actor=actor, clock=clock, start=content)
    taken = find_look(known_events(log, landed), candidate, holdout, budget)
    if taken is None:
        raise GateError(str(log), found="no look, though one was written", expected="the look", next_step="windtunnel verify")
    return taken


def _landed(path: Path) -> tuple[bytes, Chain]:
    content = read_content(path) or b""
    return content, read_chain(content, origin=path.name)
