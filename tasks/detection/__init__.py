"""What personal data looks like: patterns with checksums, names of people, words in columns' names; columns and texts that have it.

What belongs here: finding personal data in values. What does not: what is done about it (``tasks.masking``), and what a column
is for (``tasks.projects``). Nothing here shows a value.
"""

from tasks.detection.columns import ColumnClass, class_by_name, snake_case
from tasks.detection.evidence import ColumnEvidence, Examiner, add_up
from tasks.detection.findings import (
    FREE_LENGTH,
    FREE_WORDS,
    HIGH_SHARE,
    MANY_TEXTS,
    ColumnFinding,
    classify_columns,
    judge_column,
    judge_partitions,
)
from tasks.detection.patterns import PATTERN_NAMES, PATTERNS, find_patterns
from tasks.detection.people import are_named, load_names

__all__ = [
    "FREE_LENGTH",
    "FREE_WORDS",
    "HIGH_SHARE",
    "MANY_TEXTS",
    "PATTERNS",
    "PATTERN_NAMES",
    "ColumnClass",
    "ColumnEvidence",
    "ColumnFinding",
    "Examiner",
    "add_up",
    "are_named",
    "class_by_name",
    "classify_columns",
    "find_patterns",
    "judge_column",
    "judge_partitions",
    "load_names",
    "snake_case",
]
