"""Sources: production lakes, what they held when they were pinned, and the snapshot that copies exactly that.

What belongs here: everything that reads production. What does not: what the tables mean, and anything that would write to a
lake; no lake has a writing method.
"""

from tasks.sources.date_spellings import TextTimes, find_text_times
from tasks.sources.discovery import FoundTable, find_tables
from tasks.sources.guess import FormatGuess, guess_format
from tasks.sources.lake import Lake, LakeFile, LocalLake, open_lake, resolve_lake
from tasks.sources.layout import list_table
from tasks.sources.pin import pin_lake, read_pin, write_pin
from tasks.sources.snapshot import SnapshotResult, check_pin, write_snapshot
from tasks.sources.tables import InferredTypes, column_names, infer_types, read_batches, read_sample

__all__ = [
    "FormatGuess",
    "FoundTable",
    "InferredTypes",
    "Lake",
    "LakeFile",
    "LocalLake",
    "SnapshotResult",
    "TextTimes",
    "check_pin",
    "column_names",
    "find_tables",
    "find_text_times",
    "guess_format",
    "infer_types",
    "list_table",
    "open_lake",
    "pin_lake",
    "read_batches",
    "read_pin",
    "read_sample",
    "resolve_lake",
    "write_pin",
    "write_snapshot",
]
