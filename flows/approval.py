"""Approvals, and whether a verdict may be promoted.

What belongs here: an approval in the event log, and everything that promotion asks of a verdict. What does not: what promotion
does, and Prefect.
"""

import getpass
import hashlib
from collections.abc import Iterable, Sequence, Set
from datetime import datetime, timezone
from pathlib import Path

from flows.event_log import live_log
from flows.signatures import project_standing, require_envelope, require_none_lost, require_signed
from flows.verdict_checks import check_stored, require_promotes
from flows.verdict_store import StoredVerdict, find_verdict
from tasks.errors import GateError, SigningError
from tasks.ledger import Draft, append_event, known_events, read_content
from tasks.params import load_params
from tasks.paths import ProjectPaths, main_root
from tasks.records import Event, Promotable, SignedStatement, Statement
from tasks.signing import (
    PolicyState,
    Signer,
    check_statement,
    make_statement,
    moment,
    require_approvable,
    require_own,
    require_signer,
    told,
    told_unapproved,
    unapproved,
)
from tasks.stages.policies import SIGNED_POLICY, banned_keys

_SKEW_SECONDS = 300
"""How far the time that an approval names may be from when it was written down."""


def approve(root: Path, name: str, *, key: Path, reason: str, now: datetime) -> Event:
    """Approve the verdict ``name`` with ``key``, and write it into the event log.

    Raises :class:`~tasks.errors.GateError` where it cannot be promoted anyway, and :class:`~tasks.errors.SigningError` where the
    key is of nobody who may approve it.
    """
    return record_approval(root, name, sign_approval(root, name, key=key, reason=reason, now=now), now)


def sign_approval(root: Path, name: str, *, key: Path, reason: str, now: datetime) -> SignedStatement:
    """An approval of the verdict ``name``, signed with ``key``, that somebody else may write down; raises as :func:`approve`."""
    stored = find_verdict(root, name)
    state, judge = require_actionable(root, stored, now)
    signer = require_own(state.signers, key, now)
    require_other(signer.principal, judge, state)
    if signer.is_machine:
        raise _nobody(f"the key of {signer.principal}, a machine", "the key of a person")
    statement = Statement(
        what="approval", subject=hash_verdict(stored), principal=signer.principal, reason=reason, at_utc=told(now)
    )
    paths = ProjectPaths(main_root(root))
    return make_statement(statement, key, banned_keys(paths, load_params(paths.params)))


def record_approval(root: Path, name: str, signed: SignedStatement, now: datetime) -> Event:
    """Write the approval ``signed`` of the verdict ``name`` into the event log, where it was signed just now and counts.

    Raises as :func:`approve`.
    """
    stored = find_verdict(root, name)
    state, judge = require_actionable(root, stored, now)
    statement, paths = signed.statement, ProjectPaths(main_root(root))
    approver = check_statement(state.signers, signed, what="approval", subject=hash_verdict(stored), now=now)
    require_other(approver.principal, judge, state)
    if abs((now - moment(statement.at_utc)).total_seconds()) > _SKEW_SECONDS:
        raise _nobody(f"an approval signed at {statement.at_utc}", "one that was signed within the last five minutes")
    _require_after(statement, judged_at(stored))
    former = approvals_of(known_events(live_log(paths), paths.landed_events), statement.subject)
    if any(event.about.get("signature") == signed.signature for event in former):  # after a rollback, it would promote again
        raise _nobody("an approval that is in the log already", "one that is signed anew")
    about = {
        "verdict": statement.subject,
        "principal": statement.principal,
        "reason": statement.reason,
        "signed_utc": statement.at_utc,
        "signature": signed.signature,
    }
    event = append_event(
        live_log(paths),
        lambda _chain: Draft("approval", about),
        actor=getpass.getuser(),
        clock=lambda: datetime.now(timezone.utc),
        start=read_content(paths.landed_events) or b"",
    )
    if event is None:
        raise GateError("approval", found="nothing written", expected="an event", next_step="windtunnel approve again")
    return event


def require_actionable(root: Path, stored: StoredVerdict, now: datetime) -> tuple[PolicyState, Signer]:
    """The project's signed policy, and who signed ``stored``: a verdict that is whole, fresh, promotes, and is no rehearsal.

    It must have been judged by the signed policy as it stands now, and somebody must be left who may approve it. Raises
    :class:`~tasks.errors.GateError` or :class:`~tasks.errors.SigningError` (exit code 2) in every other case.
    """
    require_promotes(f"verdict {stored.name}", stored, check_stored(stored, now))
    standing, verdict = project_standing(root, now), stored.verdict
    if verdict.rehearsal or standing.unsigned or standing.digest is None:
        raise GateError(
            f"verdict {stored.name}",
            found=f"a rehearsal: {standing.unsigned or 'nobody had signed masking policy and criteria when it was judged'}",
            expected="a verdict by a masking policy and criteria that somebody signed as they are",
            next_step="windtunnel policy sign, then windtunnel run",
        )
    require_none_lost(ProjectPaths(main_root(root)), standing.state)
    if verdict.inputs.get(SIGNED_POLICY) != standing.digest:
        raise GateError(
            f"verdict {stored.name}",
            found="one that was judged by another version of the signed policy",
            expected=f"version {standing.state.carried}, which is in force",
            next_step="windtunnel run, then check again",
        )
    signer = require_signed(stored, standing.state)
    require_signer(standing.state.signers, signer.fingerprint, now)
    require_approvable(standing.state, signer, f"verdict {stored.name}", now)
    return standing.state, signer


def require_promotable(root: Path, stored: StoredVerdict, now: datetime) -> Promotable:
    """What may be promoted: as :func:`require_actionable`, and approved for each loosening by a person whose change it is not.

    One who neither judged nor loosened anything that is in force is enough; else it takes more, for what each of them loosened.
    The newest approvals count first; of several, the oldest is named.

    Raises :class:`~tasks.errors.GateError` or :class:`~tasks.errors.SigningError` (exit code 2) in every other case.
    """
    state, judge = require_actionable(root, stored, now)
    counting, refusals = _counting(root, stored, (state, judge), now)
    approvers = list[str]()
    for principal, event in counting:
        if principal not in approvers:
            approvers.append(principal)
        if not unapproved(state, approvers):
            return Promotable(
                verdict_hash=hash_verdict(stored),
                name=stored.name,
                signed_by=judge.principal,
                approved_by=", ".join(sorted(approvers)),
                approval=event.hash,
                policy=stored.verdict.inputs[SIGNED_POLICY],
            )
    found = f"no approval that counts ({'; '.join(refusals)})" if refusals else "no approval"
    raise GateError(
        f"verdict {stored.name}",
        found=told_unapproved(state, judge, approvers, now) if approvers else found,
        expected="the approval of a person who did not sign the verdict, and for each loosening of one whose change it is not",
        next_step=f"windtunnel approve {stored.name} --key KEY --reason TEXT",
    )


def told_lacking(root: Path, stored: StoredVerdict, signed: SignedStatement, now: datetime) -> str:
    """What ``stored`` would still lack with the approval ``signed``, which no log holds yet; empty where nothing.

    Raises as :func:`require_actionable`.
    """
    state, judge = require_actionable(root, stored, now)
    counting, _ = _counting(root, stored, (state, judge), now)
    return told_unapproved(state, judge, [signed.statement.principal, *dict(counting)], now)


def _counting(
    root: Path, stored: StoredVerdict, by: tuple[PolicyState, Signer], now: datetime
) -> tuple[list[tuple[str, Event]], list[str]]:
    """Who approved ``stored``, with the event, the newest first; and why other approvals do not count."""
    (state, judge), digest, paths = by, hash_verdict(stored), ProjectPaths(main_root(root))
    counting, refusals = list[tuple[str, Event]](), list[str]()
    given = approvals_of(known_events(live_log(paths), paths.landed_events), digest)
    for event in sorted(given, key=lambda event: moment(event.at_utc), reverse=True):  # those that landed from elsewhere stand last
        try:
            approver = check_approval(event, state, digest, judged_at(stored), now)
            require_other(approver.principal, judge, state)
        except SigningError as error:
            refusals.append(error.found)
            continue
        counting.append((approver.principal, event))
    return counting, refusals


def hash_verdict(stored: StoredVerdict) -> str:
    """SHA-256 of the verdict's bytes, by which approvals know it."""
    return hashlib.sha256(stored.content).hexdigest()


def approvals_of(events: Iterable[Event], digest: str) -> Sequence[Event]:
    """The approvals of the verdict with this hash, as they stand in the log; whether they count is another question."""
    return [event for event in events if event.kind == "approval" and event.about.get("verdict") == digest]


def judged_at(stored: StoredVerdict) -> datetime:
    """When the verdict was judged, by its receipt. Raises :class:`~tasks.errors.SigningError` where nobody signed."""
    return moment(require_envelope(stored)[1].created_utc)


def check_approval(event: Event, state: PolicyState, digest: str, judged: datetime, now: datetime | None) -> Signer:
    """Who approved, by an event whose signature is good and was made when it was written down, after the verdict was ``judged``.

    Where ``now`` is given, the key must be good then too: a clock that was set back brings no expired key to life. Raises
    :class:`~tasks.errors.SigningError`.
    """
    about = event.about
    statement = Statement(
        what="approval",
        subject=about.get("verdict", ""),
        principal=about.get("principal", ""),
        reason=about.get("reason", ""),
        at_utc=about.get("signed_utc", ""),
    )
    signed = SignedStatement(statement=statement, signature=about.get("signature", ""))
    if abs((moment(event.at_utc) - moment(statement.at_utc)).total_seconds()) > _SKEW_SECONDS:
        raise _nobody(f"an approval signed at {statement.at_utc} and written down at {event.at_utc[:19]}Z", "one moment for both")
    _require_after(statement, judged)
    approver = check_statement(state.signers, signed, what="approval", subject=digest, now=now)
    return approver if now is None else require_signer(state.signers, approver.fingerprint, now)


def _require_after(statement: Statement, judged: datetime) -> None:
    if (judged - moment(statement.at_utc)).total_seconds() > _SKEW_SECONDS:
        raise _nobody(f"an approval signed at {statement.at_utc}, before the verdict was judged", f"one after {told(judged)}")


def require_other(principal: str, judge: Signer, state: PolicyState) -> None:
    """Refuse the approval of whoever signed the verdict, or who is an author of all that loosened its policy.

    Where others loosened something else, his counts for that (:func:`require_promotable`). Raises
    :class:`~tasks.errors.SigningError`.
    """
    require_not_judge(principal, judge, state.names_of(judge))
    if state.loosenings and len(unapproved(state, [principal])) == len(state.loosenings):
        raise _nobody(f"{principal}, whose change loosened the policy", "another person: nobody approves his own change")


def require_not_judge(principal: str, judge: Signer, names: Set[str] = frozenset()) -> None:
    """Refuse the approval of whoever signed the verdict, also by another one of his ``names``.

    Raises :class:`~tasks.errors.SigningError`.
    """
    if principal == judge.principal or principal in names:
        raise _nobody(f"{principal}, who signed the verdict", "another person: nobody approves what he judged himself")


def _nobody(found: str, expected: str) -> SigningError:
    return SigningError("approval", found=found, expected=expected, next_step="ask somebody else to: windtunnel approve")
