"""Columns before and after masking, for the distances of the stage ``utility``: the same partitions of both.

What belongs here: which columns are held against one another, and whose rows they are. What does not: distances
(``tasks.utility``). No stage of its own: that one calls it.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import StoredTable, open_table
from tasks.masking import treat_columns
from tasks.params.base import split_reference
from tasks.records import Manifest, PartitionRecord
from tasks.stages import StageContext
from tasks.utility import ColumnSample, spread

_MOST_PARTITIONS = 24
"""Partitions of a table that are looked at where all would be too many, evenly spaced."""
_MOST_ROWS = 300_000
"""Rows of a table that are looked at, but one partition at least."""


def sample_columns(context: StageContext, snapshots: Manifest, masked: Manifest) -> Iterator[ColumnSample]:
    """Every column that survives masking, raw and masked, in order of table and column."""
    policy, paths = context.params.masking, context.paths
    for name in sorted(masked.tables):
        before, after = open_table(paths.snapshots, snapshots, name), open_table(paths.masked, masked, name)
        stored = {partition.path: partition for partition in after.record.partitions}
        chosen = choose_partitions([p for p in before.record.partitions if p.path in stored])
        if not chosen:
            continue
        columns = sorted(after.columns)
        raw = _read(before, chosen, columns)
        rows = _read(after, [stored[partition.path] for partition in chosen], columns)
        people = _count_people(context, name, rows)
        for treatment in treat_columns(policy, name, columns):
            yield ColumnSample(
                table=name,
                column=treatment.column,
                transform=treatment.transform,
                treatment=treatment.words,
                raw=raw.column(treatment.column),
                masked=rows.column(treatment.column),
                people=people,
            )


def choose_partitions(partitions: list[PartitionRecord]) -> list[PartitionRecord]:
    """Some of ``partitions``, evenly spaced, of no more rows than are looked at."""
    total = sum(partition.rows for partition in partitions)
    fitting = max(1, len(partitions) * _MOST_ROWS // max(1, total))
    return spread(partitions, min(_MOST_PARTITIONS, fitting))


def _read(table: StoredTable, partitions: list[PartitionRecord], columns: list[str]) -> pa.Table:
    return pa.concat_tables([table.read(partition, columns) for partition in partitions], promote_options="default")


def _count_people(context: StageContext, name: str, rows: pa.Table) -> int:
    """The people of the table ``name``, where a column of it says whose row each is; else its rows."""
    person = context.params.masking.limits.person
    references = context.params.masking.domains[person] if person is not None else ()
    own = [column for where, column in map(split_reference, references) if where == name and column in rows.column_names]
    return (pc.count_distinct(rows.column(own[0])).as_py() or 0) if own else rows.num_rows
