"""``masking``: the key, the token domains, and what happens to each column of each table."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from tasks.params.base import Section, split_reference
from tasks.params.limits import LimitsParams
from tasks.params.masking_rules import ColumnRule, EncryptRule, FakeRule, SuppressRule, named_beside, require_domain
from tasks.params.utility import UtilityParams


class MaskingKeyParams(Section):
    """Where the master key comes from; ``id`` is its public name, bound to the key's fingerprint."""

    env: str
    file: str | None = None
    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    """A program and its arguments that print the key, such as a vault's client; no shell reads them."""
    command_seconds: int = Field(default=30, ge=1, le=600)
    id: str = Field(min_length=1)

    @model_validator(mode="after")
    def _file_or_command(self) -> "MaskingKeyParams":
        if (self.file is None) == (self.command is None):
            raise ValueError("key: name the key's `file`, or the `command` that prints it, and not both")
        return self


class TablePolicy(Section):
    """The policy of one table: its safe columns with the reason, and one rule for each other column that is kept."""

    safe: tuple[str, ...] = ()
    reason: str = Field(min_length=1)
    suppress: SuppressRule | None = None
    accepted: dict[str, Annotated[str, Field(min_length=10)]] = Field(default_factory=dict)
    """Column -> why what the search for personal data finds in it may stay; words for the privacy report."""
    columns: dict[str, ColumnRule] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _other_keys_are_columns(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "columns" in value:
            return value
        fixed = {"safe", "reason", "accepted", "suppress"}
        for name in ("accepted", "suppress"):
            if isinstance(value.get(name), dict) and "transform" in value[name]:
                fixed.remove(name)  # a column of that name, under a rule
        return {k: v for k, v in value.items() if k in fixed} | {"columns": {k: v for k, v in value.items() if k not in fixed}}

    @model_validator(mode="after")
    def _each_column_once(self) -> "TablePolicy":
        _require_distinct_names((*self.safe, *self.columns))
        twice = set(self.safe) & set(self.columns)
        if twice:
            raise ValueError(f"{sorted(twice)[0]}: both safe and under a rule")
        for name in self.accepted:
            if name not in self.safe and name not in self.columns:
                raise ValueError(f"accepted: {name} is neither safe nor under a rule, so there is nothing to accept")
        for name, rule in self.columns.items():
            if name in named_beside(rule):
                raise ValueError(f"{name}: {rule.transform} needs another column in `per`, the entity or row that it belongs to")
        return self

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Every column that the policy speaks of, those included that a rule only reads."""
        rare = () if self.suppress is None else (*self.suppress.columns, *([self.suppress.per] if self.suppress.per else []))
        return (*self.safe, *rare, *self.columns, *(name for rule in self.columns.values() for name in named_beside(rule)))


class SparkParams(Section):
    """The cluster that masks: its master's URL, and settings of Spark's own that go before ours."""

    master: str = Field(min_length=1)
    settings: dict[str, str] = Field(default_factory=dict)


class MaskingParams(Section):
    """The masking policy as a whole. A column that is in no domain, not safe and under no rule is dropped and named."""

    key: MaskingKeyParams
    purpose: str = ""
    """What the masked data is for; words for the privacy report."""
    owner: str = ""
    """Who answers for the policy; words for the privacy report."""
    domains: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    tables: dict[str, TablePolicy]
    limits: LimitsParams = LimitsParams()
    utility: UtilityParams = UtilityParams()
    engine: Literal["local", "spark"] = "local"
    spark: SparkParams | None = None

    @model_validator(mode="after")
    def _spark_has_a_master(self) -> "MaskingParams":
        if self.engine == "spark" and self.spark is None:
            raise ValueError("engine: spark needs `spark: {master: ...}` beside it, for example spark://host:7077 or local[2]")
        return self

    @field_validator("domains")
    @classmethod
    def _domain_names(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name in value:
            require_domain(name)
        return value

    @field_validator("tables")
    @classmethod
    def _table_names(cls, value: dict[str, TablePolicy]) -> dict[str, TablePolicy]:
        _require_distinct_names(value)
        return value

    @model_validator(mode="after")
    def _limits_name_people(self) -> "MaskingParams":
        if self.limits.person is not None and self.limits.person not in self.domains:
            raise ValueError(f"limits.person: no such domain {self.limits.person!r} in masking.domains")
        return self

    @model_validator(mode="after")
    def _domains_are_disjoint(self) -> "MaskingParams":
        owner: dict[str, str] = {}
        for domain, references in self.domains.items():
            for reference in references:
                table, column = split_reference(reference)
                if reference in owner:
                    raise ValueError(f"domains: {reference} is in {owner[reference]} and in {domain}")
                owner[reference] = domain
                policy = self.tables.get(table)
                if policy is not None and (column in policy.safe or column in policy.columns):
                    raise ValueError(f"tables.{table}.{column}: also in domain {domain}; a column has one treatment")
        return self

    @model_validator(mode="after")
    def _suppressed_columns_survive(self) -> "MaskingParams":
        kept = {reference for references in self.domains.values() for reference in references}
        for table, policy in self.tables.items():
            kept |= {f"{table}.{column}" for column in policy.safe}
            kept |= {f"{table}.{column}" for column, rule in policy.columns.items() if rule.transform != "drop"}
            for column in () if policy.suppress is None else policy.suppress.columns:
                if f"{table}.{column}" not in kept:
                    raise ValueError(f"tables.{table}.suppress: {column} does not leave; name columns that do")
        return self

    @model_validator(mode="after")
    def _domains_have_one_algorithm(self) -> "MaskingParams":
        made = dict.fromkeys(self.domains, ("as a token", "masking.domains"))
        for table, policy in self.tables.items():
            for column, rule in policy.columns.items():
                if not isinstance(rule, EncryptRule | FakeRule) or rule.domain is None:
                    continue
                how, where = rule.model_dump_json(exclude={"column_class", "reason"}), f"tables.{table}.{column}"
                others, there = made.setdefault(rule.domain, (how, where))
                if how != others:
                    raise ValueError(
                        f"{where}: domain {rule.domain} is made otherwise in {there}; a domain has one algorithm with one setting"
                    )
        return self

    def read_lists(self, root: Path) -> None:
        """Read every list of fakes that the policy names as a file below ``root``, the project's folder.

        Raises :class:`~tasks.errors.ParameterError` where one is missing or is not what the policy says.
        """
        for policy in self.tables.values():
            for rule in policy.columns.values():
                if isinstance(rule, FakeRule):
                    rule.read_file(root)


def _require_distinct_names(names: Iterable[str]) -> None:
    """Names that differ only by case would be one column in some engines: a rule could then hit the other."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"{other} and {name} differ only by case")
