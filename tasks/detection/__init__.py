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
from tasks.detection.mentions import Mentions
from tasks.detection.patterns import PATTERN_NAMES, PATTERNS, find_patterns
from tasks.detection.people import are_named, are_surnames, fold_words, load_names
from tasks.detection.spans import KINDS, PERSON, Cut, cut_texts, find_spans

__all__ = [
    "FREE_LENGTH",
    "FREE_WORDS",
    "HIGH_SHARE",
    "KINDS",
    "MANY_TEXTS",
    "PATTERNS",
    "PATTERN_NAMES",
    "PERSON",
    "ColumnClass",
    "ColumnEvidence",
    "ColumnFinding",
    "Cut",
    "Examiner",
    "Mentions",
    "add_up",
    "are_named",
    "are_surnames",
    "class_by_name",
    "classify_columns",
    "cut_texts",
    "find_patterns",
    "find_spans",
    "fold_words",
    "judge_column",
    "judge_partitions",
    "load_names",
    "snake_case",
]
