"""The privacy report: what masking did to each column, under which key, and what that does and does not mean.

What belongs here: the report's words and its making. What does not: masking. It holds no value of any row.
"""

from collections.abc import Iterable, Mapping

from tasks.masking.facts import Facts
from tasks.masking.keys import MaskingKey
from tasks.masking.policy import UNDECLARED, column_treatments
from tasks.params.masking import MaskingParams
from tasks.params.snapshot import TableParams
from tasks.records import FakedColumn, JoinMeasure, PersonalDataFinding, PrivacyReport, SuppressedRows

ALGORITHM = (
    "tokens: HMAC-SHA256 (RFC 2104) of the canonical value, first 128 bits as a UUID; "
    "one key per domain, HMAC-SHA256(master key, 'mask/v1/' + domain); "
    "encrypt: FF1 (NIST SP 800-38G) with AES-256, one key per domain, HMAC-SHA256(master key, 'mask/v1/ff1/' + domain); "
    "date_shift: whole days from HMAC-SHA256 of the entity, equally likely in [-max_days, max_days]; "
    "NULL where the entity is NULL; "
    "fake, noise, shuffle: by HMAC-SHA256 of the value or of the row's key, under keys of their own"
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
    facts: Mapping[str, Facts],
) -> PrivacyReport:
    """The report for the declared ``tables``; ``rows`` counts the masked rows of each table that survives.

    ``searched`` names the columns that were searched for personal data, and ``findings`` what was found there. ``facts`` are
    those of the tables whose policy needs some.
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
        suppressed=tuple(_suppressed(policy, name, found) for name, found in sorted(facts.items()) if found.rare.num_columns),
        fakes=tuple(
            FakedColumn(
                table=name,
                column=column,
                entries=count.entries,
                distinct_values=count.distinct,
                distinct_fakes=count.fakes,
                collisions=count.collisions,
            )
            for name, found in sorted(facts.items())
            for column, count in found.fakes.items()
        ),
        undeclared=tuple(f"{t.table}.{t.column}" for t in treatments if t.column_class == UNDECLARED),
        rows=dict(rows),
        joins=joins,
        examined=tuple(searched),
        findings=findings,
    )


def _suppressed(policy: MaskingParams, table: str, facts: Facts) -> SuppressedRows:
    rule = policy.tables[table].suppress
    if rule is None:
        raise ValueError(f"{table}: rare combinations without a rule")

    def publish(count: int) -> int | None:
        return None if 0 < count < rule.k else count

    return SuppressedRows(
        table=table,
        columns=rule.columns,
        k=rule.k,
        per=rule.per,
        what=rule.what,
        combinations=publish(facts.rare.num_rows),
        rows=publish(facts.rare_rows),
    )
