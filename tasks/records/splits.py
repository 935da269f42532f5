"""What is known of a split.

What belongs here: sizes, hashes and rules of a split. What does not: its rows.
"""

from typing import Literal

from tasks.records.base import Record


class SplitMetadata(Record):
    """How a split was made; the fields under ``definition`` may never change under the same name."""

    schema_version: Literal[1] = 1
    name: str
    why: str
    definition: dict[str, str]
    """kind, column or unit, boundaries or parts, embargo, salt and seed, as canonical text."""
    definition_hash: str
    parts: dict[str, int]
    """Rows per part, ``embargo`` included."""
    from_utc: dict[str, str]
    """Earliest time of each part."""
    to_utc: dict[str, str]
    """Latest time of each part."""
    notes: tuple[str, ...] = ()
    """What a reader should know of it, as strata with fewer rows than there are parts."""
    logical_hash: str
