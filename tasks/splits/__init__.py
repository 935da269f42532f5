"""Splits: which row belongs to which part, whether that ever moved, and whether anything leaks between the parts.

What belongs here: strategies, custody, tallies and leakage, as functions of Arrow values. What does not: reading snapshots,
masking keys and writing datasets (the stage ``split``).
"""

from tasks.splits.custody import check_custody, definition_hash, definition_of, read_metadata
from tasks.splits.digest import RowDigest, digest_rows, own_column
from tasks.splits.leakage import find_leaks
from tasks.splits.strata import Strata, assign_stratified
from tasks.splits.strategies import EMBARGO, assign_by_keyed_hash, assign_by_time, assign_to_folds
from tasks.splits.tally import PartitionTally, Tallies, check_parts, make_metadata, read_tallies, sum_strata, tally_partition

__all__ = [
    "EMBARGO",
    "PartitionTally",
    "RowDigest",
    "Strata",
    "Tallies",
    "assign_by_keyed_hash",
    "assign_by_time",
    "assign_stratified",
    "assign_to_folds",
    "check_custody",
    "check_parts",
    "definition_hash",
    "definition_of",
    "digest_rows",
    "find_leaks",
    "make_metadata",
    "own_column",
    "read_metadata",
    "read_tallies",
    "sum_strata",
    "tally_partition",
]
