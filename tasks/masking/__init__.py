"""Masking: the key, the policy, and what it makes of each column.

What belongs here: turning a raw table into a masked one, and saying what was done. What does not: reading and writing
datasets, and which lake a key is allowed for (``tasks.stages``).
"""

from tasks.masking.bindings import bind_key, require_same_key
from tasks.masking.engines import Engine, LocalEngine, open_engine
from tasks.masking.facts import Facts, Observation, conclude, observe, observed_columns
from tasks.masking.join_counts import KeyPlaces, measure_joins
from tasks.masking.joins import list_joins, require_joins_hold
from tasks.masking.keys import MaskingKey, load_key
from tasks.masking.partitions import RawPartition, TableWork
from tasks.masking.policy import column_treatments, explain_columns, policy_hash, require_keys_survive, treat_columns
from tasks.masking.report import make_privacy_report
from tasks.masking.residue import ResidueSearch
from tasks.masking.suppression import explain_suppression, require_joins_of_all_rows
from tasks.masking.table import mask_columns, mask_table

__all__ = [
    "Engine",
    "Facts",
    "KeyPlaces",
    "LocalEngine",
    "MaskingKey",
    "Observation",
    "RawPartition",
    "ResidueSearch",
    "TableWork",
    "bind_key",
    "column_treatments",
    "conclude",
    "explain_columns",
    "explain_suppression",
    "list_joins",
    "load_key",
    "make_privacy_report",
    "mask_columns",
    "mask_table",
    "measure_joins",
    "observe",
    "observed_columns",
    "open_engine",
    "policy_hash",
    "require_joins_hold",
    "require_joins_of_all_rows",
    "require_keys_survive",
    "require_same_key",
    "treat_columns",
]
