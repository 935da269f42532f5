"""What masking did, as the privacy report says it.

What belongs here: the treatment of columns, joins, findings and counts. What does not: the risk that is left (``disclosure``).
"""

from typing import Literal

from tasks.records.base import Record


class ColumnTreatment(Record):
    """What masking did to one column, and why; part of the privacy report."""

    table: str
    column: str
    column_class: str
    """identifier, quasi, sensitive, free_text, safe, token (of a domain) or undeclared."""
    transform: str
    """kept, drop, or the rule's transform with its settings, for example ``generalise keep_prefix=2``."""
    domain: str | None
    reason: str


class JoinCounts(Record):
    """How two sets of keys meet; rows whose key holds NULL join nothing and are left out."""

    left_rows: int
    left_keys: int
    """Distinct ones."""
    right_rows: int
    right_keys: int
    matched_keys: int
    """Distinct keys that stand on both sides."""
    left_matched_rows: int
    right_matched_rows: int
    joined_rows: int
    """Rows of the inner join."""

    @property
    def left_orphans(self) -> int:
        """Rows on the left whose key is not on the right."""
        return self.left_rows - self.left_matched_rows

    @property
    def right_orphans(self) -> int:
        """Rows on the right whose key is not on the left."""
        return self.right_rows - self.right_matched_rows


class JoinMeasure(Record):
    """One join of the tables, counted on raw keys and on masked ones."""

    domains: tuple[str, ...]
    left: str
    """``table.column``, or ``table.(column, column)`` of a composite key."""
    right: str
    before: JoinCounts
    after: JoinCounts

    @property
    def holds(self) -> bool:
        """True where masking changed nothing."""
        return self.before == self.after


class PersonalDataFinding(Record):
    """Something that looks like personal data in a masked column; never a value of it."""

    table: str
    column: str
    kind: str
    """The pattern, or names, name of the column, free text, many values, bytes; ``nothing`` where it is only accepted."""
    evidence: str
    status: Literal["accepted", "noted", "refused"]
    """``noted``: worth a look. A run with anything refused stops, so no report holds such a finding."""
    reason: str
    """Why it is accepted, or empty."""


class SuppressedRows(Record):
    """What was taken from a table because too few hold it; holds no value."""

    table: str
    columns: tuple[str, ...]
    k: int
    per: str | None
    """The entity that is counted; None where rows are."""
    what: Literal["cells", "rows"]
    combinations: int | None
    """How many masked combinations fewer than k rows or entities hold; None where that number is below k itself, and above 0."""
    rows: int | None
    """The rows with such a combination; None where fewer than k, and more than 0."""


class FakedColumn(Record):
    """How many values of a column a list of fakes stands for, and what two of them share; holds no value."""

    table: str
    column: str
    entries: int
    distinct_values: int
    distinct_fakes: int
    collisions: int
    """By how much fakes are fewer than values: of so many values the fake is also that of another one."""


class PrivacyReport(Record):
    """What masking did, column by column; holds no value of any row."""

    schema_version: Literal[1] = 1
    purpose: str = ""
    owner: str = ""
    key_id: str
    key_fingerprint: str
    algorithm: str
    statement: str
    treatments: tuple[ColumnTreatment, ...]
    suppressed: tuple[SuppressedRows, ...] = ()
    fakes: tuple[FakedColumn, ...] = ()
    undeclared: tuple[str, ...]
    """``table.column`` of every column that was dropped because no policy names it."""
    rows: dict[str, int]
    joins: tuple[JoinMeasure, ...] = ()
    """Every join within a domain, before and after masking; they are equal, or the run would have stopped."""
    examined: tuple[str, ...] = ()
    """``table.column`` of every column that was searched for personal data after masking."""
    findings: tuple[PersonalDataFinding, ...] = ()
