"""The decision record: a verdict and its receipt as an in-toto statement in a DSSE envelope, signed with an SSH key.

What belongs here: the statement, the envelope, and reading both back. What does not: where they lie, and what a decision means.
Formats: in-toto Statement v1, DSSE v1 (its ``sig`` is the blob of an SSH signature over the pre-authentication encoding).
"""

import base64
import hashlib
import json
from collections.abc import Set
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tasks.errors import DatasetError, SigningError
from tasks.records import Receipt, Record, Verdict
from tasks.signing.making import sign_bytes
from tasks.signing.signers import Signer, Signers, verify_by
from tasks.signing.sshsig import armor, read_armored

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://windtunnel.invalid/decision/v1"
LOGICAL = "windtunnelLogicalSha256"
"""The name of a digest that is of what rows or weights mean, not of a file's bytes."""
MODEL = "models/challenger"


class EnvelopeSignature(Record):
    """One signature of an envelope."""

    keyid: str
    sig: str


class Envelope(Record):
    """A DSSE envelope."""

    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    payload: str
    signatures: tuple[EnvelopeSignature, ...] = Field(min_length=1, max_length=1)


def decision_record(verdict: bytes, receipt: Receipt) -> bytes:
    """The in-toto statement of the verdict with these bytes and of its receipt, as canonical JSON.

    Its subjects are the verdict by SHA-256 and the challenger's model by logical hash.
    """
    found = Verdict.from_json(verdict, origin="verdict.json")
    subjects = [{"name": "verdict.json", "digest": {"sha256": hashlib.sha256(verdict).hexdigest()}}]
    if MODEL in found.inputs:
        subjects.append({"name": MODEL, "digest": {LOGICAL: found.inputs[MODEL]}})
    summary = {
        "decision": found.decision,
        "standingDecision": found.standing(receipt.look),
        "reason": found.reason,
        "rehearsal": found.rehearsal,
        "rubberStamp": found.rubber_stamp,
        "criteria": [{"name": c.name, "status": c.status, "isCritical": c.is_critical} for c in found.criteria],
        "inputs": found.inputs,
        "policyHash": found.policy_hash,
        "paramsHash": found.params_hash,
        "receipt": receipt.model_dump(mode="json"),
    }
    return _canonical({"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": summary})


def sign_record(record: bytes, key: Path, banned: Set[str] = frozenset()) -> bytes:
    """The envelope of ``record``, signed with ``key``. Raises :class:`~tasks.errors.SigningError`."""
    found = read_armored(sign_bytes(encode_payload(record), key, banned))
    signature = {"keyid": found.fingerprint, "sig": base64.b64encode(found.blob).decode()}
    envelope = {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(record).decode(), "signatures": [signature]}
    return _canonical(envelope) + b"\n"


def encode_payload(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding (PAE): what is signed."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def open_envelope(envelope: bytes, signers: Signers, at: datetime) -> tuple[bytes, Signer]:
    """The payload of an envelope and who signed it, by a key that is allowed at the moment ``at``.

    Raises :class:`~tasks.errors.SigningError` where it is cut off, changed, or signed by nobody who may.
    """
    found = _read(envelope)
    try:
        payload = base64.b64decode(found.payload, validate=True)
        blob = base64.b64decode(found.signatures[0].sig, validate=True)
    except ValueError:
        raise _broken("base64 that cannot be read") from None
    signer = verify_by(signers, encode_payload(payload), armor(blob), at)
    if signer.fingerprint != found.signatures[0].keyid:
        raise _broken("another keyid than that of the key that signed")
    return payload, signer


def check_envelope(envelope: bytes, verdict: bytes, receipt: Receipt, signers: Signers, at: datetime) -> Signer:
    """Who signed this very verdict with this very receipt. Raises :class:`~tasks.errors.SigningError`."""
    payload, signer = open_envelope(envelope, signers, at)
    if not _is_of(payload, verdict, receipt):
        raise SigningError(
            "signature of the verdict",
            found="the signature of another verdict, or of another receipt",
            expected="the decision record of this verdict and its receipt",
            next_step="windtunnel run judges again, and signs",
        )
    return signer


def key_owner(envelope: bytes, signers: Signers) -> Signer | None:
    """The line of ``signers`` with the key that an envelope names; whether that key signed is not checked.

    Raises :class:`~tasks.errors.SigningError` where the envelope is cut off or no envelope.
    """
    return signers.find(_read(envelope).signatures[0].keyid)


def _is_of(payload: bytes, verdict: bytes, receipt: Receipt) -> bool:
    """Whether the statement is of this verdict and this receipt; what a later version would add to it does not count."""
    try:
        statement = json.loads(payload)
        predicate, subject = statement["predicate"], statement["subject"][0]
        told = Receipt.from_json(json.dumps(predicate["receipt"]), origin="")
        kinds = (statement["_type"], statement["predicateType"])
        named = (subject["name"], subject["digest"]["sha256"], predicate["decision"])
    except (ValueError, LookupError, TypeError, DatasetError):
        return False
    of_this = ("verdict.json", hashlib.sha256(verdict).hexdigest(), receipt.decision)
    return kinds == (STATEMENT_TYPE, PREDICATE_TYPE) and named == of_this and told == receipt


def _read(envelope: bytes) -> Envelope:
    try:
        return Envelope.from_json(envelope, origin="envelope")
    except DatasetError as error:
        raise _broken(error.found) from None


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _broken(found: str) -> SigningError:
    return SigningError(
        "DSSE envelope",
        found=f"one that was cut off or changed: {found}",
        expected="an in-toto statement in a DSSE envelope with one signature",
        next_step="restore it, or judge again: windtunnel run",
    )
