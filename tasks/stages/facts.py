"""The facts of a table that masking one partition cannot know, gathered over all partitions of the snapshot.

What belongs here: reading what is observed. What does not: what is observed, and what follows (``tasks.masking.facts``).
"""

from pathlib import Path

from tasks.datasets import read_partition
from tasks.masking import Facts, MaskingKey, conclude, observe, observed_columns
from tasks.params.masking import MaskingParams
from tasks.records import TableRecord


def gather_facts(name: str, table: TableRecord, snapshots: Path, policy: MaskingParams, key: MaskingKey) -> Facts | None:
    """The facts of the table ``name`` in the folder ``snapshots``; None where its policy needs none.

    Every partition is read, but only the columns that matter. Raises :class:`~tasks.errors.MaskingError` where a fake that is
    declared unique is not.
    """
    columns = observed_columns(policy, name)
    if not columns:
        return None
    return conclude(
        policy, name, (observe(name, read_partition(snapshots, part, columns), policy, key) for part in table.partitions)
    )
