"""Facts of a whole table that one partition cannot know: which combinations are rare, and where a list of fakes is too short.

What belongs here: what is observed of each partition, and what follows from all observations. What does not: reading partitions
(the stage ``mask``), and what is done about it (``suppression``).

Combinations are counted as they are published, that is after their columns are masked: raw ones would nearly all be rare. So an
observation is made by masking, in Python on Arrow tables, on any engine; what it gathers is small and may travel.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import hash_mapping, logical_hash
from tasks.errors import MaskingError
from tasks.masking.dispatch import Cells
from tasks.masking.keyed_hash import Keys
from tasks.masking.policy import treat_columns
from tasks.masking.tokens import keyed_numbers
from tasks.masking.transforms.columns import to_array
from tasks.masking.transforms.fakes import fake_entries
from tasks.params.masking import MaskingParams, TablePolicy
from tasks.params.masking_rules import FakeRule, named_beside

_RARE, _HELD, _ENTITY = "rare", "/held", "/entity"
"""No table has a column of the latter names."""
_ENTITY_PURPOSE = "suppress/"
_WAITING_ROWS = 2_000_000

Observation = Mapping[str, pa.Table]
"""What one partition adds: under ``rare`` its combinations, under a faked column's name the numbers its fakes are picked by."""


@dataclass(frozen=True)
class FakeCount:
    """A faked column's distinct values, and how many of them share their fake with another one at least."""

    entries: int
    distinct: int
    fakes: int

    @property
    def collisions(self) -> int:
        """By how much fakes are fewer than what they stand for."""
        return self.distinct - self.fakes


@dataclass(frozen=True)
class Facts:
    """What is known of a whole table."""

    rare: pa.Table = field(default_factory=lambda: pa.table({}))
    """The masked combinations that fewer than k rows or entities hold; columns as the policy names them."""
    rare_rows: int = 0
    """The rows that have one of them."""
    fakes: Mapping[str, FakeCount] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """What masked rows owe to the facts: another one, and every partition of the table is masked again."""
        return hash_mapping({"rare": logical_hash(self.rare, self.rare.column_names)} if self.rare.num_columns else {})


def observed_columns(policy: MaskingParams, table_name: str) -> tuple[str, ...]:
    """The raw columns that :func:`observe` reads; none where the policy needs no facts of the table."""
    declared = policy.tables.get(table_name)
    if declared is None:
        return ()
    names = [name for name, rule in declared.columns.items() if isinstance(rule, FakeRule)]
    if declared.suppress is not None:
        names += [*declared.suppress.columns, *([declared.suppress.per] if declared.suppress.per else [])]
    beside = [other for name in names if name in declared.columns for other in named_beside(declared.columns[name])]
    return tuple(dict.fromkeys([*names, *beside]))


def observe(table_name: str, table: pa.Table, policy: MaskingParams, key: Keys) -> Observation:
    """What the rows ``table`` (with :func:`observed_columns` at least) add to the facts of their table."""
    declared = policy.tables[table_name]
    seen: dict[str, pa.Table] = {}
    for treatment in treat_columns(policy, table_name, _faked(declared)):
        numbers = Cells(table_name, table, treatment, key).fake_numbers()
        seen[treatment.column] = pa.table({"number": pc.unique(numbers.drop_null())})
    rule = declared.suppress
    if rule is not None:
        treated = treat_columns(policy, table_name, rule.columns)
        masked = pa.table({t.column: Cells(table_name, table, t, key).mask() for t in treated})
        counted = list(rule.columns)
        if rule.per is not None:
            entity = f"{table_name}.{rule.per}"
            numbers = keyed_numbers({entity: table.column(rule.per)}, key.derive(f"{_ENTITY_PURPOSE}{entity}"))
            masked, counted = masked.append_column(_ENTITY, numbers), [*counted, _ENTITY]
        seen[_RARE] = masked.group_by(counted).aggregate([([], "count_all")]).rename_columns([*counted, _HELD])
    return seen


def conclude(policy: MaskingParams, table_name: str, observations: Iterable[Observation]) -> Facts:
    """The facts of a table, from the observations of all its partitions, in any order.

    Raises :class:`~tasks.errors.MaskingError` where a fake that is declared unique is not.
    """
    declared, seen = policy.tables[table_name], _merge_all(observations)
    counts = {}
    for name in _faked(declared):
        rule = declared.columns[name]
        if isinstance(rule, FakeRule):
            numbers = seen[name].column("number").to_numpy() if name in seen else np.zeros(0, np.uint64)
            entries = len(fake_entries(rule))
            counts[name] = FakeCount(entries, len(numbers), len(np.unique(numbers % np.uint64(entries))))
            _require_unique(rule, counts[name], f"{table_name}.{name}")
    return Facts(*_find_rare(declared, seen.get(_RARE)), counts)


def require_facts(policy: MaskingParams, table_name: str, facts: Facts | None) -> Facts:
    """``facts``, or none where none are needed; raises :class:`~tasks.errors.MaskingError` where they are, and are not there."""
    declared = policy.tables.get(table_name)
    rules = () if declared is None else declared.columns.values()
    is_needed = any(isinstance(rule, FakeRule) and rule.unique for rule in rules)
    if declared is not None and declared.suppress is not None:
        is_needed = True
    if is_needed and facts is None:
        raise MaskingError(
            f"masking {table_name}",
            found="suppress or a unique fake in its policy, and nothing known of the table as a whole",
            expected="the facts of all its partitions",
            next_step="dvc repro mask",
        )
    return facts if facts is not None else Facts()


def _faked(declared: TablePolicy) -> tuple[str, ...]:
    return tuple(name for name, rule in declared.columns.items() if isinstance(rule, FakeRule))


def _merge_all(observations: Iterable[Observation]) -> Observation:
    """One observation of all; few rows more are held at a time than the result has, however many partitions there are."""
    merged: dict[str, pa.Table] = {}
    waiting: list[Observation] = []
    for observation in observations:
        waiting.append(observation)
        if sum(table.num_rows for one in waiting for table in one.values()) > _WAITING_ROWS:
            merged, waiting = _merge([merged, *waiting]), []
    return _merge([merged, *waiting])


def _merge(observations: Sequence[Observation]) -> dict[str, pa.Table]:
    merged = {}
    for name in dict.fromkeys(name for one in observations for name in one):
        parts = [one[name] for one in observations if name in one]
        # A partition without a value may have given its column another type.
        together = pa.concat_tables(parts, promote_options="permissive")
        counted = [column for column in together.column_names if column != _HELD]
        if name == _RARE:
            grouped = together.group_by(counted).aggregate([(_HELD, "sum")])
            merged[name] = grouped.rename_columns([*counted, _HELD])
        else:
            merged[name] = pa.table({"number": pc.unique(together.column("number"))})
    return merged


def _find_rare(declared: TablePolicy, together: pa.Table | None) -> tuple[pa.Table, int]:
    """The rare combinations, and the rows that have them."""
    rule = declared.suppress
    if rule is None or together is None:
        return pa.table({}), 0
    # A row without an entity is nobody's: it adds nothing to how many hold its combination.
    wanted = [(_HELD, "sum"), *([(_ENTITY, "count_distinct")] if rule.per is not None else [])]
    combinations = together.group_by(list(rule.columns)).aggregate(wanted)
    rows = combinations.column(f"{_HELD}_sum")
    held = rows if rule.per is None else combinations.column(f"{_ENTITY}_count_distinct")
    is_rare = pc.less(held.cast(pa.int64()), to_array(np.array([rule.k]))[0])
    rare = combinations.filter(is_rare).select(list(rule.columns))
    order = [(name, "ascending") for name in rule.columns]
    return rare.sort_by(order), pc.sum(rows.filter(is_rare)).as_py() or 0


def _require_unique(rule: FakeRule, count: FakeCount, where: str) -> None:
    if rule.unique and count.collisions:
        raise MaskingError(
            f"masking {where}: {rule.transform}, unique",
            found=f"{count.distinct:,} distinct values, which a list of {count.entries:,} entries makes {count.fakes:,}",
            expected="a fake of its own for each value",
            next_step="take a list whose length is some times the square of the number of values, or use token or encrypt",
        )
