"""Signing the policy: the masking policy, the criteria, the expectations and who may sign, as they stand in a checkout.

What belongs here: the next version and its signatures in ``policies/``, and the event of it. What does not: which way a change
goes and whose signature it takes (``tasks.signing``), and Prefect.
"""

import getpass
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
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
    RIVALS,
    SIGNERS_FILE,
    PolicyState,
    SignedVersion,
    Signer,
    Signers,
    do_meet,
    is_of_signers,
    judge_chain,
    judge_rivals,
    loosened_places,
    loosening_of,
    make_statement,
    parse_signers,
    read_versions,
    require_own,
    signers_text,
    told,
)
from tasks.stages.policies import PolicyStanding, banned_keys, classify, judging, read_policy, stand_by


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
    if force is None or standing.state.is_broken:
        return PolicyView(standing, (), (), 0)
    wanted = next_version(paths, standing.state, params, author="", reason="")
    is_waiting = _is_of(standing.state.pending, wanted)  # also where it says the same as ours, and changes a rival only
    if not standing.unsigned and not is_waiting:
        return PolicyView(standing, (), (), 0)
    rivals = _rivals_of(paths, params, standing.state, now) if is_waiting else ()
    return PolicyView(standing, changes_to(wanted, (standing.state, *rivals)), *find_flips(root, force.version, wanted))


def sign_policy(root: Path, *, key: Path, reason: str, now: datetime) -> PolicyView:
    """Sign the policy as it stands in the checkout at ``root``; returns what then stands, and what was changed.

    Where a version with this very content waits for a signature, it is signed; else a new one is written, which takes the place of
    one that waits. Raises :class:`~tasks.errors.SigningError` where the key is of nobody who may, or there is nothing to sign.
    """
    paths = ProjectPaths(root)
    params = load_params(paths.params)
    before = view_policy(root, now)
    state = before.standing.state
    require_whole(state)
    wanted = next_version(paths, state, params, author="", reason=reason)
    waiting = state.pending if _is_of(state.pending, wanted) else None
    if not before.standing.unsigned and waiting is None:
        raise cannot(f"version {state.carried}, which is signed and in force", "a change to sign", "windtunnel policy show")
    if waiting is None or not waiting.version.merges:  # one that merges is on the way to settle what is lost
        require_none_lost(paths, state)
    rivals = _rivals_of(paths, params, state, now) if waiting else ()
    listed = parse_signers(signers_text(paths.policies), origin=SIGNERS_FILE, banned=banned_keys(paths, params))
    signer = _own(before, (state, *rivals), listed, key, now)
    if waiting is not None:
        version, content = waiting.version, (paths.policies / f"{waiting.version.number:04d}.json").read_bytes()
    else:
        took_up = taken_up(wanted, (state,)) - {signer.principal}
        version = wanted.model_copy(update={"author": signer.principal, "took_up": tuple(sorted(took_up))})
        content = version.to_json().encode()
    return seal_version(before, paths, params, version, content, signer=signer, key=key, reason=reason, now=now)


def seal_version(
    before: PolicyView,
    paths: ProjectPaths,
    params: Params,
    version: PolicyVersion,
    content: bytes,
    *,
    signer: Signer,
    key: Path,
    reason: str,
    now: datetime,
    beside: Path | None = None,
) -> PolicyView:
    """Sign ``version``, whose bytes are ``content``, and write it, its signature and the event; returns what then stands.

    It takes the place of another one with its number; ``beside`` holds the rivals that are to lie in ``policies/`` with it. Raises
    :class:`~tasks.errors.SigningError`, with nothing written, where the policy would not hold with it.
    """
    digest = hashlib.sha256(content).hexdigest()
    statement = Statement(what="policy", subject=digest, principal=signer.principal, reason=reason, at_utc=told(now))
    signed = make_statement(statement, key, banned_keys(paths, params))
    name = f"{version.number:04d}"
    files = {f"{name}.json": content, f"{name}.{signer.principal}.json": signed.to_json().encode()}
    with tempfile.TemporaryDirectory(prefix="windtunnel-policy-") as folder:
        trial = Path(folder) / "policies"
        shutil.copytree(paths.policies, trial)
        _lay_version(trial, name, files, beside)
        found = judge_chain(read_versions(trial), judging(paths, params, now))
    if found.is_broken:
        raise cannot(
            f"a version that the policy would not hold with: {found.problem}", "one that may follow", "windtunnel policy show"
        )
    _lay_version(paths.policies, name, files, beside)
    after = stand_by(paths, params, now)
    force = after.state.in_force
    _log(paths, statement, version, before.changes, is_in_force=force is not None and force.digest == digest)
    return PolicyView(after, before.changes, before.flips, before.judged_again)


def _lay_version(policies: Path, name: str, files: Mapping[str, bytes], beside: Path | None) -> None:
    """Write the version ``name`` and a signature of it, after the rivals that lie in ``beside``."""
    for kept in (beside / RIVALS).iterdir() if beside else ():
        shutil.rmtree(policies / RIVALS / kept.name, ignore_errors=True)
        shutil.copytree(kept, policies / RIVALS / kept.name)
    path = policies / f"{name}.json"
    if not path.exists() or path.read_bytes() != files[path.name]:
        for file in policies.glob(f"{name}.*json"):
            file.unlink()
    for written, content in files.items():
        write_atomically(policies / written, content)


def next_version(paths: ProjectPaths, state: PolicyState, params: Params, *, author: str, reason: str) -> PolicyVersion:
    """The version that would follow those that ``state`` carries, of what lies in the checkout."""
    force = state.in_force
    return PolicyVersion(
        number=state.carried + 1,
        previous=force.digest if force else FIRST,
        author=author,
        reason=reason,
        policy=read_policy(paths, params),
        allowed_signers=signers_text(paths.policies),
    )


def changes_to(wanted: PolicyVersion, states: Iterable[PolicyState]) -> tuple[PolicyChange, ...]:
    """What ``wanted`` changes of each of the policies in force, each change once."""
    found = (classify(state.in_force.version, wanted) for state in states if state.in_force)
    return tuple(dict.fromkeys(change for changes in found for change in changes))


def require_whole(state: PolicyState) -> None:
    """Refuse a folder that was edited or forged. Raises :class:`~tasks.errors.SigningError`."""
    if state.is_broken:
        raise cannot(
            f"a folder that does not hold: {state.problem}", "signed versions as they were written", "restore policies/ from Git"
        )


def _is_of(waiting: SignedVersion | None, wanted: PolicyVersion) -> bool:
    """Whether the version that waits says what lies in the checkout."""
    return waiting is not None and (waiting.version.policy, waiting.version.allowed_signers) == (
        wanted.policy,
        wanted.allowed_signers,
    )


def taken_up(wanted: PolicyVersion, states: Sequence[PolicyState]) -> frozenset[str]:
    """Whose loosening waits on one of the lines and is in ``wanted`` too, seen from any of them, though another one signs it."""
    waiting = [state.pending.version for state in states if state.pending]
    bases = [state.in_force.version for state in states if state.in_force]
    found = (
        {version.author, *version.took_up}
        for version in waiting
        for before in bases
        if do_meet(*(loosened_places(classify(before, each)) for each in (version, wanted)))
    )
    return frozenset[str]().union(*found)


def _rivals_of(paths: ProjectPaths, params: Params, state: PolicyState, now: datetime) -> tuple[PolicyState, ...]:
    """The lines that the version which waits merges."""
    return judge_rivals(state, state.pending, judging(paths, params, now)) if state.pending else ()


def _own(view: PolicyView, states: Sequence[PolicyState], listed: Signers, key: Path, now: datetime) -> Signer:
    """Whose key it is: of those in force; where nobody is, or one alone takes somebody in, of those who are listed."""
    lines = dict.fromkeys(line for state in states for line in state.signers.lines)
    takes_in = all(is_of_signers(place) for place in loosened_places(view.changes))
    if takes_in and any(len(state.signers.people) < 2 for state in states):
        lines |= dict.fromkeys(listed.lines)
    return require_person(Signers(tuple(lines), listed.banned), key, now)


def require_person(signers: Signers, key: Path, now: datetime) -> Signer:
    """Whose key it is, by ``signers``. Raises :class:`~tasks.errors.SigningError` where it is nobody's or a machine's."""
    signer = require_own(signers, key, now)
    if signer.is_machine:
        raise cannot(f"the key of {signer.principal}, a machine", "the key of a person", "ask a person to sign")
    return signer


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
        "loosened": ", ".join(change.where for change in loosening_of(changes)),
    }
    append_event(
        live_log(paths),
        lambda _chain: Draft("change", about),
        actor=getpass.getuser(),
        clock=lambda: datetime.now(timezone.utc),
        start=read_content(paths.landed_events) or b"",
    )


def cannot(found: str, expected: str, next_step: str) -> SigningError:
    """The error of a policy that cannot be signed."""
    return SigningError("policy", found=found, expected=expected, next_step=next_step)
