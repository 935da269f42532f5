"""What an attacker is taken to know of people: which published columns, read from the masking policy.

What belongs here: the policy's columns by what they give an attacker to compare with. What does not: their values (``view``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.params.features import FeaturesParams, Latest, Mean, Share
from tasks.params.masking import MaskingParams
from tasks.params.masking_rules import ColumnRule, DateShiftRule

FEATURE = "features/"
"""Before the name of a feature that stands among the columns of the rows' table; no column that masking keeps is called so."""
_KNOWABLE = ("quasi", "identifier")
_NOTHING_TO_COMPARE = frozenset({"drop", "redact", "constant", "token", "encrypt", "fake", "shuffle"})
"""Transforms whose result nobody without the key can compute from what they know of a person, or finds beside that person."""
_NOTHING_LEFT = frozenset({"drop", "redact", "constant"})


@dataclass(frozen=True)
class KnownColumn:
    """A published column whose value an attacker can work out for a person whom they know; ``rule`` None: it is kept as it is."""

    table: str
    column: str
    rule: ColumnRule | None = None

    @property
    def name(self) -> str:
        """``table.column``."""
        return f"{self.table}.{self.column}"

    @property
    def shift(self) -> DateShiftRule | None:
        """Of a date that was shifted: how."""
        return self.rule if isinstance(self.rule, DateShiftRule) else None


def known_columns(masking: MaskingParams, published: Mapping[str, Mapping[str, str]]) -> tuple[KnownColumn, ...]:
    """The quasi-identifiers among the ``published`` columns (table -> column -> type).

    These are the columns of class ``quasi`` or ``identifier`` whose rule leaves something to compare with, and those that
    ``masking.limits.quasi`` names. A transform that is not known here counts as one that leaves everything.
    """
    found: list[KnownColumn] = []
    for table, columns in published.items():
        policy = masking.tables.get(table)
        for column in columns:
            rule = policy.columns.get(column) if policy else None
            is_named = f"{table}.{column}" in masking.limits.quasi
            if rule is None or rule.transform == "keep":
                found += [KnownColumn(table, column)] if is_named else []
            elif (is_named or rule.column_class in _KNOWABLE) and rule.transform not in _NOTHING_TO_COMPARE:
                found.append(KnownColumn(table, column, rule))
    return tuple(found)


def sensitive_columns(masking: MaskingParams, published: Mapping[str, Mapping[str, str]]) -> tuple[KnownColumn, ...]:
    """The ``published`` columns of class ``sensitive`` of which something is left."""
    return tuple(
        KnownColumn(table, column, rule)
        for table, columns in published.items()
        for column in columns
        if table in masking.tables
        and (rule := masking.tables[table].columns.get(column)) is not None
        and rule.column_class == "sensitive"
        and rule.transform not in _NOTHING_LEFT
    )


def known_features(features: FeaturesParams, masking: MaskingParams, known: tuple[KnownColumn, ...]) -> tuple[KnownColumn, ...]:
    """The features that gather quasi-identifiers of one person from other rows, such as the latest or the mean of them.

    A feature that is ``take``\\ n is the masked column itself. One over rows of several people (all who booked a flight) is
    nothing that is known of a person: where ``masking.limits.person`` names people, those count that are gathered ``by`` a
    column of theirs.
    """
    names = {column.name for column in known}
    person = masking.limits.person
    own = {
        reference.split(".", 1)[1]
        for reference in masking.domains.get(person or "", ())
        if reference.startswith(f"{features.rows}.")
    }
    return tuple(
        KnownColumn(features.rows, FEATURE + name)
        for name, feature in features.columns.items()
        if isinstance(feature, Latest | Mean | Share) and feature.source in names and (person is None or own & set(feature.by))
    )
