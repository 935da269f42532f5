"""Masking one partition: read, masked, put in an order that tells nothing, packed. The same code wherever it runs.

What belongs here: what one worker does with one partition. What does not: where workers run (``engines``), and which
partitions there are (the stage ``mask``).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from tasks.datasets import PackedPartition, pack_partition, read_partition, sort_rows
from tasks.masking.facts import Facts, Observation, observe, observed_columns
from tasks.masking.keyed_hash import Keys, NotedPurposes
from tasks.masking.keys import MaskingKey
from tasks.masking.table import mask_columns, mask_table
from tasks.params.masking import MaskingParams
from tasks.records import PartitionRecord


@dataclass(frozen=True)
class RawPartition:
    """A partition that is to be masked, and the key under which its masked form may be used again."""

    record: PartitionRecord
    reuse_key: str


@dataclass(frozen=True)
class TableWork:
    """What every partition of one table is masked with; a cluster's worker is sent it."""

    table: str
    key: tuple[str, ...]
    """The table's key columns."""
    raw: Path
    masked: Path
    policy: MaskingParams
    keys: Keys
    facts: Facts | None = None
    """What must be known of the whole table; None where the policy needs nothing of the kind."""

    def mask(self, partition: RawPartition) -> PackedPartition:
        """Mask ``partition`` and pack it beside its place in the masked dataset.

        Raises :class:`~tasks.errors.MaskingError` as :func:`~tasks.masking.table.mask_table`, and
        :class:`~tasks.errors.DatasetError` where the partition is not what the manifest lists.
        """
        raw = read_partition(self.raw, partition.record)
        masked = mask_table(self.table, raw, self.policy, self.keys, facts=self.facts)
        # In the snapshot's order, that of raw keys, a token's place would tell which keys its own lies between.
        masked = sort_rows(masked, self.key)
        return pack_partition(self.masked, partition.record.path, partition.reuse_key, masked, self.key)

    def observe(self, record: PartitionRecord) -> Observation:
        """What the raw partition adds to the facts of its table; only the columns that matter are read."""
        return observe(
            self.table, read_partition(self.raw, record, observed_columns(self.policy, self.table)), self.policy, self.keys
        )

    def for_workers(self, first: PartitionRecord) -> "TableWork":
        """The same with no more keys than this table needs, without the master key; ``first`` is any of its partitions."""
        if not isinstance(self.keys, MaskingKey):
            return self
        noted = NotedPurposes()
        nothing = pq.read_schema(self.raw / first.path).empty_table()
        mask_columns(self.table, nothing, self.policy, noted)
        if observed_columns(self.policy, self.table):
            observe(self.table, nothing, self.policy, noted)
        return replace(self, keys=self.keys.hand_out(noted.purposes))
