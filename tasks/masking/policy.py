"""The policy, column by column: which treatment each column of a table gets, in what words it is reported, and its hash.

What belongs here: reading ``masking`` of ``params.yaml`` into treatments. What does not: carrying them out (``table``). A
column that no policy names is never kept.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tasks.datasets import hash_mapping
from tasks.errors import MaskingError
from tasks.params.masking import MaskingParams
from tasks.params.masking_rules import ColumnRule, DateShiftRule, EncryptRule, FakeRule, KeepRule, SuppressRule, TextRule, TokenRule
from tasks.params.snapshot import TableParams
from tasks.records import ColumnTreatment

KEPT, DROP, TOKEN, ENCRYPT, FAKE, UNDECLARED = "kept", "drop", "token", "encrypt", "fake", "undeclared"
_UNIQUE = (KEPT, TOKEN, ENCRYPT)
"""What leaves distinct keys distinct."""
_WORDS_OF_ALL_RULES = ("column_class", "reason", "transform")


@dataclass(frozen=True)
class Treatment:
    """What happens to one column; ``domain`` is that of its tokens, or of the entity by whose key its dates move.

    A text's is those of the columns it may mention, a line for each.
    """

    column: str
    transform: str
    """kept, drop, or the name of the rule's transform."""
    column_class: str
    reason: str
    rule: ColumnRule | None = None
    domain: str | None = None

    @property
    def is_dropped(self) -> bool:
        """True where the column does not leave the restricted zone."""
        return self.transform == DROP

    @property
    def is_undeclared(self) -> bool:
        """True where it is dropped because no policy names it."""
        return self.column_class == UNDECLARED

    @property
    def words(self) -> str:
        """The transform with its settings, for example ``generalise keep_prefix=2``; two that differ have different words."""
        if self.rule is None:
            return self.transform
        return " ".join([self.transform, *(f"{name}={_write(value)}" for name, value in _settings(self.rule))])


def treat_columns(policy: MaskingParams, table: str, columns: Iterable[str]) -> tuple[Treatment, ...]:
    """The treatment of each of ``columns`` of ``table``, in their order."""
    return tuple(_treat(policy, table, column) for column in columns)


def column_treatments(policy: MaskingParams, tables: Mapping[str, TableParams]) -> tuple[ColumnTreatment, ...]:
    """The treatment of every declared column of ``tables``, for the privacy report, in order of table and declaration."""
    return tuple(
        ColumnTreatment(
            table=name,
            column=treatment.column,
            column_class=treatment.column_class,
            transform=treatment.words,
            domain=treatment.domain if treatment.transform in (TOKEN, ENCRYPT, FAKE) else None,
            reason=treatment.reason,
        )
        for name, declared in sorted(tables.items())
        for treatment in treat_columns(policy, name, declared.columns)
    )


def explain_columns(
    policy: MaskingParams, tables: Mapping[str, TableParams], place: str | None = None
) -> tuple[ColumnTreatment, ...]:
    """What happens to each declared column, undeclared ones included; only those of ``place``: a table, or ``table.column``.

    Raises :class:`~tasks.errors.MaskingError` where ``place`` names nothing.
    """
    every = column_treatments(policy, tables)
    found = tuple(t for t in every if place in (None, t.table, f"{t.table}.{t.column}"))
    if not found:
        raise MaskingError(
            str(place),
            found="no such table or column in snapshot.tables",
            expected=f"one of {', '.join(sorted(tables))}, or table.column",
            next_step="windtunnel mask explain",
        )
    return found


def policy_hash(treatments: Iterable[Treatment], suppress: SuppressRule | None = None) -> str:
    """What a masked partition owes to the policy: columns in order, transforms, settings and domains; reasons are words."""
    columns = [[t.column, t.words, t.domain] for t in treatments if not t.is_dropped]
    if suppress is None:
        return hash_mapping({"columns": columns})
    return hash_mapping({"columns": columns, "suppress": suppress.model_dump(mode="json", exclude={"reason"})})


def require_keys_survive(policy: MaskingParams, tables: Mapping[str, TableParams]) -> None:
    """Raise :class:`~tasks.errors.MaskingError` where a table is masked so that its rows lose their key.

    A key column must be kept or become a token; every other treatment makes keys equal or takes them away. A table of which
    nothing is left needs no key.
    """
    for name, declared in sorted(tables.items()):
        treatments = {t.column: t for t in treat_columns(policy, name, declared.columns)}
        if all(treatment.is_dropped for treatment in treatments.values()):
            continue
        for column in declared.key:
            treatment = treatments[column]
            if treatment.transform not in _UNIQUE:
                named = "named by no policy, and so dropped" if treatment.is_undeclared else treatment.words
                raise MaskingError(
                    f"masking {name}.{column}, of the table's key",
                    found=named,
                    expected="key columns that are safe or become tokens, so that masked rows can be told apart and joined",
                    next_step=f"in params.yaml add it to a domain: `masking.domains.{column.lower()}: [{name}.{column}]`",
                )


def _treat(policy: MaskingParams, table: str, column: str) -> Treatment:
    shared = _domain(policy, f"{table}.{column}")
    if shared is not None:
        return Treatment(column, TOKEN, "identifier", f"joins as a token in the domain {shared}", domain=shared)
    declared = policy.tables.get(table)
    if declared is not None and column in declared.safe:
        return Treatment(column, KEPT, "safe", declared.reason)
    rule = declared.columns.get(column) if declared is not None else None
    if rule is None:
        return Treatment(column, DROP, UNDECLARED, "no policy names it")
    if isinstance(rule, KeepRule):
        return Treatment(column, KEPT, rule.column_class, rule.reason)
    domain = None
    if isinstance(rule, TokenRule):
        domain = _own_domain(table, column)
    elif isinstance(rule, EncryptRule | FakeRule):
        domain = rule.domain or _own_domain(table, column)
    elif isinstance(rule, TextRule):
        domain = "\n".join(_domain(policy, f"{table}.{name}") or _own_domain(table, name) for name in rule.names_in) or None
    elif isinstance(rule, DateShiftRule):
        domain = _domain(policy, f"{table}.{rule.per}") or _own_domain(table, rule.per)
    return Treatment(column, rule.transform, rule.column_class, rule.reason, rule, domain)


def _own_domain(table: str, column: str) -> str:
    """The domain of a column that joins with no other; the dot keeps it apart from declared domains, which have none."""
    return f"{table}.{column}"


def _domain(policy: MaskingParams, reference: str) -> str | None:
    return next((domain for domain, references in policy.domains.items() if reference in references), None)


def _settings(rule: ColumnRule) -> list[tuple[str, object]]:
    """What a rule says beyond its class, reason and transform, in the order of its grammar; what it leaves out is not told."""
    fields = {name: field for name, field in type(rule).model_fields.items() if name not in _WORDS_OF_ALL_RULES}
    told = [(name, getattr(rule, name), field) for name, field in fields.items()]
    return [(name, value) for name, value, field in told if field.is_required() or value != field.default]


def _write(value: object) -> str:
    """A plain word or number as it is, anything else as JSON, so that no two settings read alike."""
    is_plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*", value) and value not in ("true", "false")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_plain or is_number else json.dumps(value, separators=(",", ":"))
