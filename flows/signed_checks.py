"""Whether what was signed holds: the policy, the verdict, and its approvals.

What belongs here: one check for each signature that lies with a verdict. What does not: what may be promoted (``flows.approval``).
"""

from collections.abc import Iterable
from datetime import datetime, timezone

from flows.approval import approvals_of, check_approval, hash_verdict, judged_at, require_other
from flows.event_log import live_log
from flows.signatures import SIGNATURE, lost_version, require_signed
from flows.verdict_store import StoredVerdict
from tasks.errors import LedgerError, SigningError
from tasks.ledger import known_events
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root
from tasks.records import Check, Event
from tasks.signing import EXPECTATIONS, PolicyState, read_versions
from tasks.stages.policies import SIGNED_POLICY, PolicyStanding, stand_by


def check_signatures(paths: ProjectPaths, params: Params, stored: StoredVerdict) -> tuple[Check, ...]:
    """Whether the signatures of policy, verdict and approvals are good; a rehearsal needs none, and says that it is one."""
    standing = stand_by(paths, params, datetime.now(timezone.utc))
    try:
        events = known_events(live_log(paths), paths.landed_events)
    except LedgerError:  # which is a check of its own, and does not hold
        events = ()
    here = _check_policy(
        standing, stored, lost_version(events, standing.state), _root_of_trust(ProjectPaths(main_root(paths.root)))
    )
    return (here, _check_verdict(standing, stored), *check_approvals(events, stored, standing.state))


def _root_of_trust(main: ProjectPaths) -> str | None:
    """SHA-256 of the first version of the main checkout's policy: where trust begins; None where there is none that can be read."""
    try:
        versions = read_versions(main.policies)
    except SigningError:
        return None
    return versions[0].digest if versions else None


def check_approvals(events: Iterable[Event], stored: StoredVerdict, state: PolicyState) -> tuple[Check, ...]:
    """One check for each approval of the verdict: whether its signature is good, and of somebody who may approve it."""
    digest = hash_verdict(stored)
    return tuple(_checked(event, state, stored, digest) for event in approvals_of(events, digest))


def _checked(event: Event, state: PolicyState, stored: StoredVerdict, digest: str) -> Check:
    what = f"approval {event.number}"
    try:
        approver = check_approval(event, state, digest, judged_at(stored), None)
        require_other(approver.principal, require_signed(stored, state), state)
    except SigningError as error:
        return Check(what=what, status="does_not_hold", reason=error.found)
    return Check(what=what, status="holds", reason=f"{approver.principal}, {event.at_utc[:19]}Z: {event.about.get('reason', '')}")


def _check_policy(standing: PolicyStanding, stored: StoredVerdict, lost: str, root: str | None) -> Check:
    what, state, verdict = "signatures of the policy", standing.state, stored.verdict
    if state.is_broken or lost:
        told = state.problem if state.is_broken else f"{lost}: restore policies/ from Git"
        return Check(what=what, status="does_not_hold", reason=told)
    # A verdict and a policy of before suites were signed belong together; no newer verdict is judged by such a policy.
    is_of_before = standing.is_without_suites and not any(name.startswith(f"{EXPECTATIONS}/") for name in verdict.inputs)
    unsigned = "" if is_of_before else standing.unsigned
    if verdict.rehearsal != bool(unsigned):
        told = "a rehearsal" if verdict.rehearsal else "no rehearsal"
        return Check(what=what, status="does_not_hold", reason=f"the verdict says that it is {told}: {unsigned or 'signed'}")
    if unsigned or state.in_force is None:
        return Check(what=what, status="holds", reason=f"a rehearsal, as the verdict says: {unsigned}")
    first = state.versions[0].digest
    if root is not None and first != root:
        told = f"a chain that begins at {first[:12]}, and the main checkout's begins at {root[:12]}"
        return Check(what=what, status="does_not_hold", reason=told)
    if verdict.inputs.get(SIGNED_POLICY) != state.in_force.digest:
        told = f"version {state.carried} is in force, and the verdict was judged by another"
        return Check(what=what, status="does_not_hold", reason=told)
    names = ", ".join(sorted({signer.principal for signer in state.signers.lines}))
    told = f"version {state.carried}, from {first[:12]} on, by {state.in_force.version.author}; may sign: {names}"
    told += "; of before expectations were signed" if is_of_before else ""
    return Check(what=what, status="holds", reason=told)


def _check_verdict(standing: PolicyStanding, stored: StoredVerdict) -> Check:
    if stored.envelope is None:
        if stored.verdict.rehearsal:
            return Check(what=SIGNATURE, status="holds", reason="none, and a rehearsal needs none")
        return Check(what=SIGNATURE, status="not_checked", reason="nobody signed it; it promotes nothing")
    if standing.state.in_force is None:
        return Check(what=SIGNATURE, status="holds", reason="by a key that no signed policy knows; a rehearsal needs none")
    try:
        signer = require_signed(stored, standing.state)
    except SigningError as error:
        return Check(what=SIGNATURE, status="does_not_hold", reason=error.found)
    return Check(what=SIGNATURE, status="holds", reason=f"{signer.principal}, {signer.fingerprint}")
