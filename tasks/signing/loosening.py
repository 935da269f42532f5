"""Which way a change of the policy goes.

What belongs here: what differs between two versions, and whether that demands more or less. What does not: who has to sign it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.records import PolicyChange, PolicyVersion
from tasks.signing.policy import SIGNERS_CHANGED

_UNORDERED = "neither is the stricter one, so it counts as loosening"


def classify_change(before: PolicyVersion, after: PolicyVersion) -> tuple[PolicyChange, ...]:
    """Each place at which ``after`` differs from ``before``; what cannot be ordered is a loosening."""
    found = [
        PolicyChange(where=where, was=was, now=now, direction="loosening", why=_UNORDERED)
        for where, was, now in _differing(before.policy, after.policy)
    ]
    if before.allowed_signers != after.allowed_signers:
        told = ("the list as it was", "the list as it is")
        found.append(
            PolicyChange(where=SIGNERS_CHANGED, was=told[0], now=told[1], direction="loosening", why="who may sign was changed")
        )
    return tuple(found)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, str, str]]:
    for name in sorted({*before, *after}):
        was, now, place = before.get(name), after.get(name), f"{where}{name}"
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _differing(was, now, f"{place}.")
        elif was != now:
            yield place, str(was), str(now)
