"""The facts of a table that masking one partition cannot know, gathered over all partitions of the snapshot.

What belongs here: gathering. What does not: what is observed, and what follows (``tasks.masking.facts``).
"""

from collections.abc import Sequence

from tasks.masking import Engine, Facts, TableWork, conclude, observed_columns
from tasks.records import PartitionRecord


def gather_facts(engine: Engine, work: TableWork, partitions: Sequence[PartitionRecord]) -> Facts | None:
    """The facts of the table that ``work`` masks; None where its policy needs none.

    Every partition is read, but only the columns that matter. Raises :class:`~tasks.errors.MaskingError` where a fake that is
    declared unique is not.
    """
    if not observed_columns(work.policy, work.table):
        return None
    return conclude(work.policy, work.table, engine.observe(work, partitions))
