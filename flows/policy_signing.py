"""Signing the policy: the masking policy, the criteria, the expectations and who may sign, as they stand in a checkout.

What belongs here: the next version and its signatures in ``policies/``, and the event of it. What does not: which way a change
goes and whose signature it takes (``tasks.signing``), and Prefect.
"""

import getpass
import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from flows.event_log import live_log
from flows.policy_flips import find_flips
from flows.signatures import require_none_lost
from tasks.datasets import write_atomically
from tasks.errors import SigningError
from tasks.ledger import Draft, append_event, read_content
from tasks.params import Params, load_params
from tasks.paths import ProjectPaths
from tasks.records import Flip, PolicyChange, PolicyVersion, Statement
from tasks.signing import (
    FIRST,
    SIGNERS_FILE,
    PolicyState,
    Signer,
    Signers,
    make_statement,
    parse_signers,
    require_own,
    signers_text,
    told,
)
from tasks.stages.policies import PolicyStanding, banned_keys, classify, read_policy, stand_by


@dataclass(frozen=True)
class PolicyView:
    """The signed policy of a checkout, and what params.yaml and allowed_signers change of it."""

    standing: PolicyStanding
    changes: tuple[PolicyChange, ...]
    flips: tuple[Flip, ...]
    judged_again: int
    """Past verdicts that were judged again to find the flips."""


def view_policy(root: Path, now: datetime) -> PolicyView:
    """The signed policy as it stands in the checkout at ``root``, and what has been changed since."""
    paths = ProjectPaths(root)
    params = load_params(paths.params)
    standing = stand_by(paths, params, now)
    force = standing.state.in_force
    if force is None or not standing.unsigned or standing.state.is_broken:
        return PolicyView(standing, (), (), 0)
    wanted = _next_version(paths, standing.state, params, author="", reason="")
    changes = classify(force.version, wanted)
    flips, judged_again = find_flips(root, force.version, wanted)
    return PolicyView(standing, changes, flips, judged_again)


def sign_policy(root: Path, *, key: Path, reason: str, now: datetime) -> PolicyView:
    """Sign the policy as it stands in the checkout at ``root``; returns what then stands, and what was changed.

    Where a version with this very content waits for a signature, it is signed; else a new one is written, which takes the place of
    one that waits. Raises :class:`~tasks.errors.SigningError` where the key is of nobody who may, or there is nothing to sign.
    """
    paths = ProjectPaths(root)
    params = load_params(paths.params)
    banned = banned_keys(paths, params)
    before = view_policy(root, now)
    state = before.standing.state
    if state.is_broken:
        raise _cannot(
            f"a folder that does not hold: {state.problem}", "signed versions as they were written", "restore policies/ from Git"
        )
    require_none_lost(paths, state)
    if not before.standing.unsigned:
        raise _cannot(f"version {state.carried}, which is signed and in force", "a change to sign", "windtunnel policy show")
    text = signers_text(paths.policies)
    signer = _own(before, parse_signers(text, origin=SIGNERS_FILE, banned=banned), key, now)
    wanted = _next_version(paths, state, params, author=signer.principal, reason=reason)
    waiting = state.pending
    if waiting is not None and (waiting.version.policy, waiting.version.allowed_signers) == (wanted.policy, wanted.allowed_signers):
        wanted = waiting.version
    content = wanted.to_json().encode()
    statement = Statement(
        what="policy",
        subject=hashlib.sha256(content).hexdigest(),
        principal=signer.principal,
        reason=reason,
        at_utc=told(now),
    )
    signed = make_statement(statement, key, banned)
    name = f"{wanted.number:04d}"
    if waiting is None or wanted is not waiting.version:
        for file in paths.policies.glob(f"{name}.*json"):
            file.unlink()
    write_atomically(paths.policies / f"{name}.json", content)
    write_atomically(paths.policies / f"{name}.{signer.principal}.json", signed.to_json().encode())
    after = stand_by(paths, params, now)
    _log(paths, statement, wanted, before.changes, is_in_force=not after.unsigned)
    return PolicyView(after, before.changes, before.flips, before.judged_again)


def _next_version(paths: ProjectPaths, state: PolicyState, params: Params, *, author: str, reason: str) -> PolicyVersion:
    force = state.in_force
    return PolicyVersion(
        number=state.carried + 1,
        previous=force.digest if force else FIRST,
        author=author,
        reason=reason,
        policy=read_policy(paths, params),
        allowed_signers=signers_text(paths.policies),
    )


def _own(view: PolicyView, listed: Signers, key: Path, now: datetime) -> Signer:
    """Whose key it is: of those in force; where nobody is, or one alone takes somebody in, of those who are listed."""
    trusted = view.standing.state.signers
    if len(trusted.people) < 2 and all(change.where.startswith(f"{SIGNERS_FILE}.") for change in _loosening(view.changes)):
        trusted = Signers((*trusted.lines, *(line for line in listed.lines if line not in trusted.lines)), listed.banned)
    signer = require_own(trusted, key, now)
    if signer.is_machine:
        raise _cannot(f"the key of {signer.principal}, a machine", "the key of a person", "ask a person to sign")
    return signer


def _loosening(changes: tuple[PolicyChange, ...]) -> list[PolicyChange]:
    return [change for change in changes if change.direction == "loosening"]


def _log(
    paths: ProjectPaths, statement: Statement, version: PolicyVersion, changes: tuple[PolicyChange, ...], *, is_in_force: bool
) -> None:
    about = {
        "what": "policy",
        "policy": statement.subject,
        "version": str(version.number),
        "principal": statement.principal,
        "reason": statement.reason,
        "in_force": str(is_in_force).lower(),
        "loosened": ", ".join(change.where for change in _loosening(changes)),
    }
    append_event(
        live_log(paths),
        lambda _chain: Draft("change", about),
        actor=getpass.getuser(),
        clock=lambda: datetime.now(timezone.utc),
        start=read_content(paths.landed_events) or b"",
    )


def _cannot(found: str, expected: str, next_step: str) -> SigningError:
    return SigningError("policy", found=found, expected=expected, next_step=next_step)
