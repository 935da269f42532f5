"""Whose loosening a policy holds, from one version to the next.

What belongs here: how long a loosening counts, at which places, and for whom. What does not: which way a change goes
(``loosening``), and whose signature a version takes (``chain``).

A loosening counts until today's policy, compared with the version before it, asks for no less at its places. A place and what lies
below it are one matter: whoever takes a criterion away and puts it back has not taken back what was loosened inside it. One value
that has no order (a seed, a boundary) is never as strict again: there it counts until somebody sets another one, whose it is then.

Authors are people, not names: whoever stands in a later list under another name with the same key, or with another key under the
same name, is who he was.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from tasks.records import PolicyChange, PolicyVersion
from tasks.signing.policy import SIGNERS_FILE
from tasks.signing.signers import MACHINE, Signers

Listed = frozenset[tuple[str, str]]
"""Each fingerprint of a key and the name that it ever stood under, of all versions so far."""

_BELOW = (".", "/", " ")
"""What parts a place from those below it, as ``gates.criteria.x.margin`` or ``expectations/raw/trips.json expect_...``."""


@dataclass(frozen=True)
class Loosening:
    """What somebody loosened, for as long as the policy holds any of it."""

    before: PolicyVersion
    """The version that it loosened."""
    places: frozenset[str]
    authors: frozenset[str]
    """Whose change it is: the version's author, those whose waiting version it took up, and who put back a place of it looser."""
    unordered: frozenset[str] = frozenset()
    """Those of the places that hold one value without an order."""


def loosening_made(before: PolicyVersion, made: Sequence[PolicyChange], authors: frozenset[str]) -> Loosening | None:
    """What a version by ``authors``, which ``made`` changes of the version ``before`` it, loosens; None where nothing."""
    places = loosened_places(made)
    return Loosening(before, places, authors, _unordered_places(made)) if places else None


def listed_in(signers: Signers) -> Listed:
    """Each key's fingerprint and name in a list of signers."""
    return frozenset((line.fingerprint, line.principal) for line in signers.lines)


def names_of(names: Set[str], listed: Listed) -> frozenset[str]:
    """Every name that the people called ``names`` stand or stood under, by ``listed``.

    A key is one person's under each of its names, and a name one person's with each of its keys; but that of a machine may be that
    of several people's keys.
    """
    found = frozenset(names)
    while True:
        keys = {key for key, name in listed if name in found and not name.startswith(MACHINE)}
        more = found | {name for key, name in listed if key in keys}
        if more == found:
            return found
        found = more


def loosening_of(changes: Iterable[PolicyChange]) -> list[PolicyChange]:
    """Those of the changes that loosen."""
    return [change for change in changes if change.direction == "loosening"]


def loosened_places(changes: Iterable[PolicyChange]) -> frozenset[str]:
    """Where the changes loosen."""
    return frozenset(change.where for change in loosening_of(changes))


def is_of_signers(place: str) -> bool:
    """Whether the place is about who may sign: nothing is judged by that."""
    return place.startswith(f"{SIGNERS_FILE}.")


def do_meet(places: Iterable[str], others: Iterable[str]) -> bool:
    """Whether one of the places is one of the others, lies below one, or holds one."""
    return any(_is_within(one, other) or _is_within(other, one) for one in places for other in tuple(others))


def carried_on(
    earlier: Loosening, since: Sequence[PolicyChange], made: Sequence[PolicyChange], authors: frozenset[str]
) -> Loosening | None:
    """What is left of ``earlier`` after a version by ``authors``, which ``made`` changes; None where it was taken back.

    ``since`` is all that differs from the version before the loosening. Whoever puts back as a whole what is looser than before the
    loosening has written the looser value himself, so that it is his too. Who may sign is another matter than what is judged:
    whoever took somebody in is free of that once another person has made a version.
    """
    looser = loosened_places(since)
    places = frozenset(place for place in earlier.places if do_meet((place,), looser)) - (
        earlier.unordered & _unordered_places(made)
    )
    if authors.isdisjoint(earlier.authors):
        places = frozenset(place for place in places if not is_of_signers(place))
    if not places:
        return None
    wrote = [change.where for change in made if change.direction != "neutral"]
    is_put_back = any(
        do_meet((place,), places) and any(place != whole and _is_within(place, whole) for whole in wrote) for place in looser
    )
    whose = earlier.authors | authors if is_put_back else earlier.authors
    return replace(earlier, places=places, authors=whose, unordered=earlier.unordered & places)


def _unordered_places(changes: Iterable[PolicyChange]) -> frozenset[str]:
    return frozenset(change.where for change in changes if not change.has_order)


def _is_within(place: str, other: str) -> bool:
    return place == other or place.startswith(tuple(other + part for part in _BELOW))
