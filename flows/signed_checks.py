"""Whether what was signed holds: the policy, the verdict, and its approvals.

What belongs here: one check for each signature that lies with a verdict. What does not: what may be promoted (``flows.approval``).
"""

from collections.abc import Iterable
from datetime import datetime, timezone

from flows.approval import approvals_of, check_approval, hash_verdict, judged_at, require_not_judge
from flows.event_log import live_log
from flows.signatures import SIGNATURE, LostVersion, lost_version, project_standing, require_signed
from flows.verdict_store import StoredVerdict
from tasks.errors import LedgerError, SigningError
from tasks.ledger import known_events
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root
from tasks.records import Check, Event
from tasks.signing import EXPECTATIONS, PolicyState
from tasks.stages.policies import SIGNED_POLICY, PolicyStanding, stand_by


def check_signatures(paths: ProjectPaths, params: Params, stored: StoredVerdict) -> tuple[Check, ...]:
    """Whether the signatures of policy, verdict and approvals are good; a rehearsal needs none, and says that it is one."""
    standing = stand_by(paths, params, datetime.now(timezone.utc))
    try:
        events = known_events(live_log(paths), paths.landed_events)
    except LedgerError:  # which is a check of its own, and does not hold
        events = ()
    told = _outside_of_project(paths, standing.state, events)
    return (
        _check_policy(standing, stored, told),
        _check_verdict(standing, stored),
        *check_approvals(events, stored, standing.state),
    )


def _outside_of_project(paths: ProjectPaths, state: PolicyState, events: Iterable[Event]) -> str:
    """Why the policy of a branch is none that this project had, or the project has lost one; empty where all is well.

    A branch stays as it was judged, while the project's main checkout goes on: so the branch's versions have to be among the
    project's (or the other way round, where the main checkout is behind), and it is the project that may have lost none.
    """
    main = ProjectPaths(main_root(paths.root))
    if main.root == paths.root.resolve():
        return _told_lost(lost_version(events, state))
    own = project_standing(main.root, datetime.now(timezone.utc)).state
    if own.is_broken:
        return f"of the main checkout: {own.problem}"
    mine, theirs = own.known, state.known
    if mine and not theirs <= mine and not mine <= theirs:
        strange = next(signed.version.number for signed in state.versions[: state.carried] if signed.digest not in mine)
        return f"version {strange} of the branch is none of the main checkout's, whose policy went another way"
    return _told_lost(lost_version(events, own if len(mine) > len(theirs) else state), "in the main checkout, ")


def _told_lost(lost: LostVersion | None, where: str = "") -> str:
    return f"{lost.found}; next: {where}{lost.next_step}" if lost else ""


def check_approvals(events: Iterable[Event], stored: StoredVerdict, state: PolicyState) -> tuple[Check, ...]:
    """One check for each approval of the verdict: whether its signature is good, and of somebody else than who judged.

    Whose change loosened what is asked where something is to be promoted: a champion of before such a rule stays one to return to.
    """
    digest = hash_verdict(stored)
    return tuple(_checked(event, state, stored, digest) for event in approvals_of(events, digest))


def _checked(event: Event, state: PolicyState, stored: StoredVerdict, digest: str) -> Check:
    what = f"approval {event.number}"
    try:
        approver = check_approval(event, state, digest, judged_at(stored), None)
        require_not_judge(approver.principal, require_signed(stored, state))
    except SigningError as error:
        return Check(what=what, status="does_not_hold", reason=error.found)
    return Check(what=what, status="holds", reason=f"{approver.principal}, {event.at_utc[:19]}Z: {event.about.get('reason', '')}")


def _check_policy(standing: PolicyStanding, stored: StoredVerdict, outside: str) -> Check:
    what, state, verdict = "signatures of the policy", standing.state, stored.verdict
    if state.is_broken or outside:
        return Check(what=what, status="does_not_hold", reason=state.problem if state.is_broken else outside)
    # A verdict and a policy of before suites were signed belong together; no newer verdict is judged by such a policy.
    is_of_before = standing.is_without_suites and not any(name.startswith(f"{EXPECTATIONS}/") for name in verdict.inputs)
    unsigned = "" if is_of_before else standing.unsigned
    if verdict.rehearsal != bool(unsigned):
        told = "a rehearsal" if verdict.rehearsal else "no rehearsal"
        return Check(what=what, status="does_not_hold", reason=f"the verdict says that it is {told}: {unsigned or 'signed'}")
    if unsigned or state.in_force is None:
        return Check(what=what, status="holds", reason=f"a rehearsal, as the verdict says: {unsigned}")
    if verdict.inputs.get(SIGNED_POLICY) != state.in_force.digest:
        told = f"version {state.carried} is in force, and the verdict was judged by another"
        return Check(what=what, status="does_not_hold", reason=told)
    names = ", ".join(sorted({signer.principal for signer in state.signers.lines}))
    told = (
        f"version {state.carried}, from {state.versions[0].digest[:12]} on, by {state.in_force.version.author}; may sign: {names}"
    )
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
