"""Who stands behind what: signed statements, versions of the signed policy, and a verdict that may be promoted.

What belongs here: what is signed and what a check of it comes to. What does not: keys, and how anything is verified
(``tasks.signing``).
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from tasks.records.base import Record


class Statement(Record):
    """What somebody signs: that he stands behind ``subject``; its canonical JSON is the signed bytes."""

    what: Literal["approval", "policy"]
    subject: str
    """SHA-256 of the verdict's bytes, or of the policy version's."""
    principal: str
    reason: str
    at_utc: str
    """RFC 3339. Signatures carry no time of their own; the signer's key must have been valid then."""


class SignedStatement(Record):
    """A statement with its signature, an armored SSHSIG over the statement's canonical JSON."""

    statement: Statement
    signature: str


class PolicyVersion(Record):
    """One version of the signed policy: what is judged by which rules, and who may sign. Its bytes are what is signed."""

    schema_version: Literal[1] = 1
    number: int
    previous: str
    """SHA-256 of the version before; of the first, 64 zeros."""
    author: str
    """The principal whose change this is; he does not approve what is judged by a loosening of his."""
    reason: str
    policy: dict[str, Any]
    """The sections of params.yaml that a verdict's rules lie in, defaults left out."""
    allowed_signers: str
    """The text of ``policies/allowed_signers``: who may sign from this version on."""
    took_up: tuple[str, ...] = ()
    """Principals of versions that waited and whose loosening this one took up: it is their change too."""
    merges: tuple[Annotated[str, Field(pattern="^[0-9a-f]{64}$")], ...] = ()
    """SHA-256 of the newest version of each rival line, signed beside this one's, that this version follows too."""


class PolicyChange(Record):
    """One difference between two versions of a policy, and which way it goes."""

    where: str
    was: str
    now: str
    direction: Literal["loosening", "tightening", "neutral"]
    why: str = ""
    has_order: bool = True
    """False of one value in the place of another, of which neither is the stricter one: a seed, a boundary, an edition."""


class Promotable(Record):
    """A verdict that may be promoted: whole, fresh, no rehearsal, signed, and approved by somebody else."""

    verdict_hash: str
    name: str
    signed_by: str
    approved_by: str
    approval: str
    """The hash of the approval in the event log; of several that it takes, of the oldest."""
    policy: str
    """SHA-256 of the signed policy version that it was judged by."""
