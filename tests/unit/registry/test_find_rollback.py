"""Whether a rollback stands against a verdict, by what the event log says of moves."""

import pytest

from tasks.records import Event
from tasks.registry import find_rollback

ADA, BEN = "a" * 64, "b" * 64


def events_of(*moves):
    """Each move is (kind, step, verdict, the verdict that leaves, the model if not m); one that ends ``begun`` was cut off."""
    found = []
    for kind, step, verdict, leaves, *other in moves:
        model = other[0] if other else "m"
        about = {"step": "begun", "model": model, "version": "1", "verdict": verdict, "reason": "slow"}
        begun = event_of(len(found) + 1, kind, about | ({"leaves": "2", "leaves_verdict": leaves} if leaves else {}))
        found.append(begun)
        if step != "begun":
            found.append(event_of(len(found) + 1, kind, {"step": step, "model": model, "begun": begun.hash}))
    return found


def event_of(number, kind, about):
    return Event(
        number=number,
        kind=kind,
        at_utc=f"2026-01-01T00:00:{number:02d}.000000Z",
        actor="ann",
        about=about,
        previous="0" * 64,
        hash=f"{number:064d}",
    )


PROMOTED = ("promotion", "done", ADA, None)
ROLLED = ("rollback", "done", BEN, ADA)


@pytest.mark.parametrize(
    ("moves", "stands"),
    [
        ((PROMOTED,), False),
        ((PROMOTED, ROLLED), True),
        ((PROMOTED, ("rollback", "undone", BEN, ADA)), False),
        ((PROMOTED, ("rollback", "begun", BEN, ADA)), True),
        ((PROMOTED, ROLLED, PROMOTED), False),
        ((PROMOTED, ROLLED, ("promotion", "undone", ADA, None)), True),
        ((PROMOTED, ROLLED, ("rollback", "done", ADA, BEN)), False),
        ((PROMOTED, ("rollback", "done", ADA, ADA)), False),
        ((PROMOTED, ROLLED, PROMOTED, ROLLED), True),
        ((PROMOTED, ROLLED, (*PROMOTED, "n")), True),
        ((PROMOTED, (*PROMOTED, "n"), (*ROLLED, "n")), True),
        ((PROMOTED, (*PROMOTED, "n"), (*ROLLED, "n"), PROMOTED), True),
        ((PROMOTED, (*PROMOTED, "n"), (*ROLLED, "n"), (*PROMOTED, "n")), False),
    ],
)
def test_a_rollback_stands_until_it_is_champion_again(moves, stands):
    """In the registered model where it was taken back. Undone moves count for nothing; one that was cut off counts."""
    found = find_rollback(events_of(*moves), ADA)
    assert (found is not None) == stands


def test_events_of_several_logs_come_in_any_order():
    """By their times: what landed from elsewhere stands last in the list."""
    events = events_of(PROMOTED, ROLLED, PROMOTED)
    assert find_rollback(reversed(events), ADA) is None
    found = find_rollback(reversed(events[:4]), ADA)
    assert (found.version, found.actor, found.reason, found.event) == ("2", "ann", "slow", events[2].hash)
