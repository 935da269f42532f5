"""Signatures of verdicts: made where a verdict is published, and asked for where it is acted upon.

What belongs here: which key signs here, and where what is signed lies. What does not: how anything is signed (``tasks.signing``),
approvals (``flows.approval``), and Prefect.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from flows.verdict_store import StoredVerdict, envelope_path, receipt_path
from tasks.datasets import write_atomically
from tasks.demo import demo_key_path
from tasks.demo.identities import OWNER
from tasks.errors import SigningError
from tasks.ledger import known_events
from tasks.params import Params, load_params
from tasks.paths import ProjectPaths, main_root
from tasks.records import Event, Receipt
from tasks.signing import (
    PolicyState,
    Signer,
    check_envelope,
    decision_record,
    find_key,
    key_fingerprint,
    moment,
    require_own,
    sign_record,
)
from tasks.stages.policies import PolicyStanding, banned_keys, is_demo, stand_by

SIGNATURE = "signature of the verdict"


def sign_verdict(paths: ProjectPaths, earlier: ProjectPaths) -> Path | None:
    """Sign the verdict of ``paths`` with the key that the environment names, and return the envelope's path; None without a key.

    A verdict that was signed before, here or in the checkout ``earlier``, keeps its envelope. Raises
    :class:`~tasks.errors.SigningError` where the key is nobody's who may sign here, or cannot be used.
    """
    content = paths.verdict.read_bytes()
    path, former = envelope_path(paths, content), envelope_path(earlier, content)
    if not path.exists() and former.exists():
        write_atomically(path, former.read_bytes())
    if path.exists():
        return path
    params = load_params(paths.params)
    key = find_key(os.environ) or _demo_key(paths, params)
    if key is None:
        return None
    standing = stand_by(paths, params)
    if standing.state.in_force is not None:  # before the first policy is signed, nobody can be told from anybody
        require_own(standing.state.signers, key, datetime.now(timezone.utc))
    receipt = Receipt.from_json(receipt_path(paths, content).read_bytes(), origin="receipt")
    envelope = sign_record(decision_record(content, receipt), key, banned_keys(paths, params))
    write_atomically(path, envelope)
    return path


def require_usable_key(paths: ProjectPaths) -> None:
    """Refuse, before minutes are spent on a verdict, a key that could not sign it; without a key nothing is asked.

    Raises :class:`~tasks.errors.SigningError` where the key that the environment names cannot be read, lies open, or is of nobody
    who may sign here.
    """
    key = find_key(os.environ)
    if key is None:
        return
    key_fingerprint(key)
    standing = stand_by(paths, load_params(paths.params))
    if standing.state.in_force is not None:
        require_own(standing.state.signers, key, datetime.now(timezone.utc))


def _demo_key(paths: ProjectPaths, params: Params) -> Path | None:
    """The published key of the demo's owner, in the demo; None where it is not there, or nothing here can sign."""
    key = demo_key_path(ProjectPaths(main_root(paths.root)).state, OWNER)
    return key if is_demo(paths, params) and key.exists() and shutil.which("ssh-keygen") else None


def require_envelope(stored: StoredVerdict) -> tuple[bytes, Receipt]:
    """The signed decision record of a verdict, and its receipt. Raises :class:`~tasks.errors.SigningError` where nobody signed."""
    if stored.envelope is None or stored.receipt is None:
        raise SigningError(
            f"{SIGNATURE} {stored.name}",
            found="none: it was judged without a key",
            expected="the signature of whoever judged",
            next_step="set WINDTUNNEL_SIGNING_KEY to the path of a key in policies/allowed_signers, then windtunnel run",
        )
    return stored.envelope, stored.receipt


def require_signed(stored: StoredVerdict, state: PolicyState) -> Signer:
    """Who signed the verdict, by a key that was allowed when it was judged. Raises :class:`~tasks.errors.SigningError`."""
    envelope, receipt = require_envelope(stored)
    return check_envelope(envelope, stored.content, receipt, state.signers, moment(receipt.created_utc))


@dataclass(frozen=True)
class LostVersion:
    """A version of the policy that was in force, as the log says, and is not among those that are here."""

    found: str
    next_step: str


def lost_version(events: Iterable[Event], state: PolicyState) -> LostVersion | None:
    """Which version of the policy the log says was in force, and is none that ``state`` carries or merged, if any.

    Versions are undone by later ones that somebody signs. Taking the newest away, or its signatures, would undo it with nobody's.
    """
    numbers = {str(number) for number in range(1, state.carried + 1)}
    for event in events:
        about = event.about
        was_in_force = event.kind == "change" and about.get("what") == "policy" and about.get("in_force") == "true"
        digest, number = about.get("policy", ""), about.get("version", "")
        if not was_in_force or digest in state.known:
            continue
        told = f"version {number}, which the log says was in force ({digest[:12]}), "
        if number in numbers:
            told += f"is another one than version {number} here: they were signed beside each other"
            return LostVersion(told, "windtunnel policy merge BRANCH (the one it was signed on), or restore policies/ from Git")
        return LostVersion(f"{told}is gone or lost its signatures", "restore policies/ from Git")
    return None


def require_none_lost(paths: ProjectPaths, state: PolicyState) -> None:
    """Refuse a policy of which a version that was in force is gone. Raises :class:`~tasks.errors.SigningError`."""
    lost = lost_version(known_events(ProjectPaths(main_root(paths.root)).events, paths.landed_events), state)
    if lost:
        raise SigningError("policy", found=lost.found, expected="every version that was in force", next_step=lost.next_step)


def project_standing(root: Path, now: datetime) -> PolicyStanding:
    """The signed policy of the project as its main checkout has it: a branch brings no signers of its own."""
    paths = ProjectPaths(main_root(root))
    return stand_by(paths, load_params(paths.params), now)
