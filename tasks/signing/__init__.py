"""Signatures: who signed what, with SSH keys; the decision record; and the signed policy.

What belongs here: SSH signatures, allowed signers, statements, envelopes and the chain of policy versions. What does not: where
verdicts and events lie, and what may be promoted (flows).
"""

from tasks.signing.approving import require_approvable, told_unapproved, unapproved
from tasks.signing.authorship import Loosening, do_meet, is_of_signers, loosened_places, loosening_of
from tasks.signing.chain import Judging, PolicyState, judge_chain, judge_rivals
from tasks.signing.envelope import check_envelope, decision_record, key_owner, open_envelope, sign_record
from tasks.signing.loosening import classify_change
from tasks.signing.making import find_key, key_fingerprint, require_key, sign_bytes
from tasks.signing.policy import (
    FIRST,
    RIVALS,
    SIGNERS_FILE,
    SignedVersion,
    policy_content,
    read_versions,
    signers_text,
    with_edition,
)
from tasks.signing.signers import Signer, Signers, parse_signers, read_signers, require_signer, verify_bytes
from tasks.signing.statements import check_statement, make_statement, moment, require_own, told
from tasks.signing.suite_order import EXPECTATIONS

__all__ = [
    "EXPECTATIONS",
    "FIRST",
    "RIVALS",
    "SIGNERS_FILE",
    "Judging",
    "Loosening",
    "PolicyState",
    "SignedVersion",
    "Signer",
    "Signers",
    "check_envelope",
    "check_statement",
    "classify_change",
    "decision_record",
    "do_meet",
    "find_key",
    "is_of_signers",
    "judge_chain",
    "judge_rivals",
    "key_fingerprint",
    "key_owner",
    "loosened_places",
    "loosening_of",
    "make_statement",
    "moment",
    "open_envelope",
    "parse_signers",
    "policy_content",
    "read_signers",
    "read_versions",
    "require_approvable",
    "require_key",
    "require_own",
    "require_signer",
    "sign_bytes",
    "sign_record",
    "signers_text",
    "told",
    "told_unapproved",
    "unapproved",
    "verify_bytes",
    "with_edition",
]
