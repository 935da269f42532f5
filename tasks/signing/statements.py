"""Statements that people sign: an approval of a verdict, a version of the policy.

What belongs here: the bytes that are signed, making and checking a signed statement. What does not: whether a statement suffices
(``policy``, and flows for approvals).
"""

import json
from collections.abc import Set
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tasks.errors import SigningError
from tasks.records import SignedStatement, Statement
from tasks.signing.making import key_fingerprint, sign_bytes
from tasks.signing.signers import Signer, Signers, require_signer, verify_by
from tasks.signing.sshsig import refused

CLOCK_SKEW = timedelta(minutes=5)
"""How far two machines' clocks may differ before a signature counts as made in the future."""


def signed_bytes(statement: Statement) -> bytes:
    """The canonical JSON of a statement: what its signature is of."""
    return json.dumps(statement.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


def require_own(signers: Signers, key: Path, now: datetime) -> Signer:
    """Whose the key at ``key`` is, by ``signers``. Raises :class:`~tasks.errors.SigningError` where he may not sign now."""
    return require_signer(signers, key_fingerprint(key), now)


def make_statement(statement: Statement, key: Path, banned: Set[str] = frozenset()) -> SignedStatement:
    """``statement`` signed with ``key``. Raises :class:`~tasks.errors.SigningError`."""
    return SignedStatement(statement=statement, signature=sign_bytes(signed_bytes(statement), key, banned))


def check_statement(signers: Signers, signed: SignedStatement, *, what: str, subject: str, now: datetime | None = None) -> Signer:
    """The person who signed it, at the time that it names.

    Raises :class:`~tasks.errors.SigningError` where it says another thing, is of another ``subject``, is by a machine, by somebody
    else than it names, or, where ``now`` is given, from the future.
    """
    statement = signed.statement
    if (statement.what, statement.subject) != (what, subject):
        raise refused(f"a signed {statement.what} of {statement.subject[:12]}", f"the {what} of {subject[:12]}")
    at = moment(statement.at_utc)
    if now is not None and at > now + CLOCK_SKEW:
        raise refused(f"a signature made in the future, at {statement.at_utc}", "one made by now")
    signer = verify_by(signers, signed_bytes(statement), signed.signature, at)
    if signer.principal != statement.principal:
        raise refused(f"a statement of {statement.principal}, signed by {signer.principal}", "one person in both places")
    if signer.is_machine:
        raise refused(f"a signature by {signer.principal}, a machine", "one by a person")
    return signer


def moment(text: str) -> datetime:
    """The moment that an RFC 3339 text names. Raises :class:`~tasks.errors.SigningError`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise SigningError(
            "signature", found=f"the time {text!r}", expected="an RFC 3339 time with a zone", next_step="sign it again"
        )
    return found


def told(at: datetime) -> str:
    """A moment as RFC 3339 in UTC, to the second."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
