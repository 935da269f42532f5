"""How far the signatures of a policy carry: each version by those who were in force before it.

What belongs here: who has to have signed which version. What does not: the files (``policy``), and which way a change goes
(``loosening``).

The first version is trusted as it lies in Git, and is signed by one person who stands in its own list of signers. A later one is
signed by people of the version *before*: so nobody becomes a signer by writing himself into a file. A version that merges rivals,
signed beside each other on two branches, has to be one that may follow each of them: signed by each one's people, as many as it
takes from there. So nothing comes into force by a merge that could not have on either branch.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from tasks.errors import SigningError
from tasks.records import PolicyChange, PolicyVersion
from tasks.signing.authorship import (
    Listed,
    Loosening,
    carried_on,
    is_of_signers,
    listed_in,
    loosening_made,
    loosening_of,
    names_of,
)
from tasks.signing.policy import FIRST, RIVALS, SIGNERS_FILE, SignedVersion, broken
from tasks.signing.signers import Signer, Signers, parse_signers
from tasks.signing.sshsig import read_armored, refused
from tasks.signing.statements import CLOCK_SKEW, check_statement, moment, told

Classify = Callable[[PolicyVersion, PolicyVersion], tuple[PolicyChange, ...]]


@dataclass(frozen=True)
class PolicyState:
    """How far a chain of versions carries."""

    versions: tuple[SignedVersion, ...]
    """All that lie there, in order."""
    carried: int
    """How many of them, from the first, are signed as they have to be."""
    signers: Signers
    """Who may sign now: of the version in force; of nobody where there is none."""
    loosenings: tuple[Loosening, ...] = ()
    """Every loosening that is still part of the policy in force, also those of the rivals that it merged."""
    known: frozenset[str] = frozenset()
    """SHA-256 of every version that is or was in force here: those carried, and those that they merged."""
    listed: Listed = frozenset()
    """Every key and name that may sign or once might here, by the versions carried and those that they merged."""
    problem: str = ""
    """Why the next version is not in force; empty where there is none."""
    is_broken: bool = False
    """Whether something was changed or forged, not only left unsigned."""

    @property
    def in_force(self) -> SignedVersion | None:
        """The newest version that is signed as it has to be."""
        return self.versions[self.carried - 1] if self.carried else None

    @property
    def loosened_by(self) -> frozenset[str]:
        """Whose changes loosened the policy that is in force: each of them, not the newest one's author alone."""
        return frozenset[str]().union(*(loosening.authors for loosening in self.loosenings))

    def names_of(self, signer: Signer) -> frozenset[str]:
        """Every name that the person or machine with this key stands or stood under."""
        same_key = frozenset(name for key, name in self.listed if key == signer.fingerprint)
        return names_of(same_key | {signer.principal}, self.listed)

    @property
    def pending(self) -> SignedVersion | None:
        """The version that waits for a signature."""
        return self.versions[self.carried] if self.carried < len(self.versions) and not self.is_broken else None


@dataclass(frozen=True)
class Judging:
    """What a chain is judged by."""

    classify: Classify
    """What changed from one version to the next, and which way."""
    banned: Set[str] = frozenset()
    """Fingerprints that count for nobody."""
    now: datetime | None = None
    """Signatures from after it count for nothing, where it is given."""


def judge_chain(versions: Sequence[SignedVersion], by: Judging) -> PolicyState:
    """How far the ``versions`` carry."""
    state = PolicyState(tuple(versions), 0, Signers(()))
    for signed in versions:
        try:
            state = _follow(state, signed, by)
        except SigningError as error:
            return replace(state, problem=f"version {state.carried + 1}: {error.found}", is_broken=True)
        if state.problem:
            break
    return state


def judge_rivals(state: PolicyState, signed: SignedVersion, by: Judging) -> tuple[PolicyState, ...]:
    """How far each line carries that ``signed``, the version after those that ``state`` carries, merges.

    Raises :class:`~tasks.errors.SigningError` where one is not there, or is not signed to its end as it has to be.
    """
    found = []
    for named, line in zip(signed.version.merges, signed.rivals, strict=True):
        where = f"{RIVALS}/{named[:12]}"
        if not line or line[-1].digest != named:
            raise broken(where, f"a version {named[:12]} to merge that is not there: policies/{RIVALS}/{named}")
        fork = line[0].version.number - 1
        if not 0 <= fork <= state.carried:
            raise broken(where, f"a line to merge that begins with version {fork + 1}, and {state.carried} are in force here")
        rival = judge_chain((*state.versions[:fork], *line), by)
        if rival.problem:
            raise broken(where, f"a line to merge that does not hold: {rival.problem}")
        found.append(rival)
    return tuple(found)


def _follow(state: PolicyState, signed: SignedVersion, by: Judging) -> PolicyState:
    """The state with ``signed`` in force too, or with the problem that keeps it from that; raises where something is wrong."""
    number, before = state.carried + 1, state.in_force
    own = parse_signers(signed.version.allowed_signers, origin=f"version {number}: {SIGNERS_FILE}", banned=by.banned)
    if any(read_armored(one.signature).fingerprint in by.banned for one in signed.signatures):
        return replace(state, problem=f"version {number} is signed by the demo's published key, which counts in the demo only")
    if (signed.version.number, signed.version.previous) != (number, before.digest if before else FIRST):
        told = f"version {number} does not follow the one before it"
        return replace(state, problem=told, is_broken=True)
    parents = (*((state,) if before else ()), *judge_rivals(state, signed, by))
    bases = [(parent.signers, _changes(parent, signed, by.classify)) for parent in parents] or [(own, ())]
    accepted = [_accepted(trusted, own, changes) for trusted, changes in bases]
    _require_known(signed, accepted)
    for parent in parents:
        _require_order(parent, signed)
    for (trusted, changes), who in zip(bases, accepted, strict=True):
        problem = _missing(signed, trusted, who, changes, by.now)
        if problem:
            return replace(state, problem=problem)
    listed = listed_in(own).union(*(parent.listed for parent in parents))
    return replace(
        state,
        carried=number,
        signers=own,
        loosenings=_loosenings(parents, [changes for _, changes in bases], signed, listed, by.classify),
        listed=listed,
        known=frozenset({signed.digest}).union(*(parent.known for parent in parents)),
    )


def _loosenings(
    parents: Sequence[PolicyState],
    changes: Sequence[Sequence[PolicyChange]],
    signed: SignedVersion,
    listed: Listed,
    classify: Classify,
) -> tuple[Loosening, ...]:
    """What has been loosened up to ``signed``: by it, and before, as far as it was not taken back since."""
    version, found = signed.version, list[Loosening]()
    authors = names_of({version.author, *version.took_up}, listed)
    for parent, made in zip(parents, changes, strict=False):  # the first version has no parent, and changes nothing
        for former in parent.loosenings:
            earlier = replace(former, authors=names_of(former.authors, listed))
            still = carried_on(earlier, _classified(earlier.before, signed, classify), made, authors)
            if still is not None and still not in found:  # rivals share what was loosened before they parted
                found.append(still)
    for parent, made in zip(parents, changes, strict=False):
        if parent.in_force is not None and (own := loosening_made(parent.in_force.version, made, authors)):
            found.append(own)
    return tuple(found)


def _changes(parent: PolicyState, signed: SignedVersion, classify: Classify) -> tuple[PolicyChange, ...]:
    """What changed since ``parent``."""
    return _classified(parent.in_force.version, signed, classify) if parent.in_force else ()


def _classified(before: PolicyVersion, signed: SignedVersion, classify: Classify) -> tuple[PolicyChange, ...]:
    """What changed since ``before``; nobody may have signed ``signed`` yet, so its sections may hold anything."""
    try:
        return classify(before, signed.version)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise broken(f"{signed.version.number:04d}.json", "a policy whose sections are none") from None


def _accepted(trusted: Signers, own: Signers, changes: Sequence[PolicyChange]) -> Signers:
    """Whose signatures count: of those in force; where one alone takes somebody in, there is nobody else to ask, also his.

    From then on it takes two.
    """
    loosening = loosening_of(changes)
    takes_in = bool(loosening) and all(is_of_signers(change.where) for change in loosening)
    return Signers(own.lines + trusted.lines, trusted.banned) if takes_in and len(trusted.people) == 1 else trusted


def _require_known(signed: SignedVersion, accepted: Sequence[Signers]) -> None:
    """Refuse a signature by somebody who counts nowhere: of each line only its own people do."""
    for one in signed.signatures:
        mark = read_armored(one.signature).fingerprint
        if not any(signers.find(mark) for signers in accepted):
            raise refused(f"a signature by key {mark}, which nobody here has")


def _missing(
    signed: SignedVersion, trusted: Signers, accepted: Signers, changes: Sequence[PolicyChange], now: datetime | None
) -> str:
    """Whose signature a version lacks; empty where it lacks none. Raises where a signature that is there is wrong."""
    number, author, loosening = signed.version.number, signed.version.author, loosening_of(changes)
    people = {
        check_statement(accepted, statement, what="policy", subject=signed.digest, now=now).principal
        for statement in signed.signatures
        if accepted.find(read_armored(statement.signature).fingerprint)
    }
    if author not in people or author not in trusted.people:
        return f"version {number} is not signed by {author}, whose change it is, as one of {_listed(trusted)}"
    if loosening and len(people) < 2:
        told = ", ".join(change.where for change in loosening[:3])
        whose = f" ({_listed(accepted)})" if signed.version.merges else ""
        return f"version {number} loosens ({told}) and needs a second person's signature{whose}"
    return ""


def _listed(signers: Signers) -> str:
    return ", ".join(sorted(signers.people)) or "nobody"


def _require_order(parent: PolicyState, signed: SignedVersion) -> None:
    """Refuse a signature from before the version that it follows: a key that expired since could still make one."""
    before = parent.in_force
    if before is None:
        return
    newest = max(moment(one.statement.at_utc) for one in before.signatures)
    for one in signed.signatures:
        if moment(one.statement.at_utc) < newest - CLOCK_SKEW:
            raise refused(f"a signature from before version {before.version.number} was signed", f"one after {told(newest)}")
