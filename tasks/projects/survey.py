"""The one table that a project is made around, read once, with columns that the pipeline can take.

What belongs here: choosing the table that holds the label, and leaving out columns that cannot be used, by name. What does not:
reading a lake (``tasks.sources``).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tasks.datasets import canonical_type
from tasks.errors import DatasetError, ProjectError
from tasks.projects.roles import Wishes


@dataclass(frozen=True)
class Reading:
    """What was read of a table: rows, bounded in number and evenly spread, and how its files are to be declared."""

    table: pa.Table
    declared: Mapping[str, Any] = field(default_factory=dict)
    """Beside columns, key and times: path, format, csv, types."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    """Of the whole table; None: those that were read."""
    reasons: tuple[str, ...] = ()
    count_distinct: Callable[[Sequence[str]], int] | None = None
    """Counts the distinct combinations of columns over the whole table; needed where not every row was read."""

    @property
    def is_whole(self) -> bool:
        """Whether every row was read."""
        return self.rows is None or self.rows == self.table.num_rows


@dataclass(frozen=True)
class LakeTable:
    """A table of a lake: its columns, and how its rows are read."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[], Reading]
    trouble: str = ""
    """Why it cannot be read, where it has no columns."""

    @property
    def contents(self) -> str:
        """Its first columns, or why there are none."""
        if self.trouble:
            return f"cannot be read: {self.trouble}"
        return f"{', '.join(self.columns[:12])}{' ...' if len(self.columns) > 12 else ''}"


def choose_table(tables: Sequence[LakeTable], wanted: str | None, label: str) -> LakeTable:
    """The table called ``wanted``, or the only one that has the column ``label`` (case counts last).

    Raises :class:`~tasks.errors.ProjectError` where there is none, or more than one.
    """
    names = ", ".join(table.name for table in tables) or "none"
    if wanted is not None:
        found = [table for table in tables if table.name == wanted]
        if not found:
            raise ProjectError(f"--table {wanted}", found=f"tables {names}", expected="one of them", next_step="mend --table")
        return found[0]
    having = [table for table in tables if label in table.columns]
    having = having or [table for table in tables if label.casefold() in {column.casefold() for column in table.columns}]
    if len(having) == 1:
        return having[0]
    if not having:
        shown = "; ".join(f"{table.name}: {table.contents}" for table in tables)
        raise ProjectError(
            f"--label {label}",
            found=f"no table with such a column ({shown})",
            expected="a column of one table",
            next_step="mend --label",
        )
    several = ", ".join(table.name for table in having)
    raise ProjectError(
        f"--label {label}", found=f"such a column in {several}", expected="one table", next_step="say which by --table"
    )


def survey_columns(source: LakeTable, reading: Reading, wishes: Wishes) -> tuple[pa.Table, dict[str, str]]:
    """The rows of ``source`` that were read, in columns that the pipeline can take, and why others are left out.

    A name that stands twice cannot be asked for; names that differ by case alone are one name to SQL, and the first counts.
    Raises :class:`~tasks.errors.ProjectError` where the label is among what is left out, or there is no row.
    """
    table = reading.table
    left_out = {**reading.left_out, **_unusable(table.schema)}
    if wishes.label in left_out:
        raise ProjectError(
            f"--label {wishes.label}",
            found=left_out[wishes.label],
            expected="a column that can be read",
            next_step="mend the data, or --label",
        )
    if table.num_rows == 0:
        raise ProjectError(
            f"table {source.name}", found="no rows", expected="rows, with a label", next_step="name another table by --table"
        )
    return table.select(usable_columns(reading)), left_out


def usable_columns(reading: Reading) -> list[str]:
    """The columns of ``reading`` that the pipeline can take."""
    unusable = _unusable(reading.table.schema)
    return [name for name in reading.table.column_names if name not in reading.left_out and name not in unusable]


def _unusable(schema: pa.Schema) -> dict[str, str]:
    counts = Counter(schema.names)
    seen: dict[str, str] = {}
    found: dict[str, str] = {}
    for column in schema:
        first = seen.setdefault(column.name.casefold(), column.name)
        if counts[column.name] > 1:
            found[column.name] = "left out: it stands more than once"
        elif first != column.name:
            found[column.name] = f"left out: it differs from {first} by case alone"
        elif not _is_taken(column.type):
            found[column.name] = f"left out: the type {column.type} is not taken"
    return found


def _is_taken(kind: pa.DataType) -> bool:
    try:
        name = canonical_type(kind)
    except DatasetError:
        return False
    return not name.startswith(("time32", "time64", "duration", "interval", "halffloat", "month", "fixed"))
