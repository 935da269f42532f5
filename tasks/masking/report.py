"""The privacy report: what masking did to each column, under which key, and what that does and does not mean.

What belongs here: the report's words and its making. What does not: masking. It holds no value of any row.
"""

from collections.abc import Iterable, Mapping

from tasks.masking.keys import MaskingKey
from tasks.masking.policy import UNDECLARED, column_treatments
from tasks.params.masking import MaskingParams
from tasks.params.snapshot import TableParams
from tasks.records import JoinMeasure, PersonalDataFinding, PrivacyReport

ALGORITHM = (
    "tokens: HMAC-SHA256 (RFC 2104) of the canonical value, first 128 bits as a UUID; "
    "one key per domain, HMAC-SHA256(master key, 'mask/v1/' + domain); "
    "encrypt: FF1 (NIST SP 800-38G) with AES-256, one key per domain, HMAC-SHA256(master key, 'mask/v1/ff1/' + domain); "
    "date_shift: whole days from HMAC-SHA256 of the entity, equally likely in [-max_days, max_days]; "
    "NULL where the entity is NULL"
)

STATEMENT = (
    "Masked data is pseudonymised, not anonymous: whoever holds the key, or knows enough about a person, may find that person "
    "again. It is still personal data (GDPR Article 4(5) and recital 26) and is to be kept, shared and deleted as such."
)


def make_privacy_report(
    policy: MaskingParams,
    tables: Mapping[str, TableParams],
    key: MaskingKey,
    rows: Mapping[str, int],
    *,
    joins: tuple[JoinMeasure, ...],
    searched: Iterable[str],
    findings: tuple[PersonalDataFinding, ...],
) -> PrivacyReport:
    """The report for the declared ``tables``; ``rows`` counts the masked rows of each table that survives.

    ``searched`` names the columns that were searched for personal data, and ``findings`` what was found there.
    """
    treatments = column_treatments(policy, tables)
    return PrivacyReport(
        purpose=policy.purpose,
        owner=policy.owner,
        key_id=key.id,
        key_fingerprint=key.fingerprint,
        algorithm=ALGORITHM,
        statement=STATEMENT,
        treatments=treatments,
        undeclared=tuple(f"{t.table}.{t.column}" for t in treatments if t.column_class == UNDECLARED),
        rows=dict(rows),
        joins=joins,
        examined=tuple(searched),
        findings=findings,
    )
