"""Sources: production lakes, what they held when they were pinned, and the snapshot that copies exactly that.

What belongs here: everything that reads production. What does not: what the tables mean, and anything that would write to a
lake; no lake has a writing method.
"""

from tasks.sources.lake import Lake, LakeFile, LocalLake, open_lake, resolve_lake
from tasks.sources.layout import list_table
from tasks.sources.pin import pin_lake, read_pin, write_pin
from tasks.sources.snapshot import SnapshotResult, check_pin, write_snapshot

__all__ = [
    "Lake",
    "LakeFile",
    "LocalLake",
    "SnapshotResult",
    "check_pin",
    "list_table",
    "open_lake",
    "pin_lake",
    "read_pin",
    "resolve_lake",
    "write_pin",
    "write_snapshot",
]
