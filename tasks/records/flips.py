"""Past verdicts that would have come out otherwise under other criteria.

What belongs here: one such verdict. What does not: judging it again.
"""

from tasks.records.base import Record
from tasks.records.verdict import Decision


class Flip(Record):
    """A stored evaluation judged by the criteria as they were and as they are to be."""

    name: str
    """The branch, or the name under which the results are kept."""
    was: Decision
    now: Decision
    by: tuple[str, ...]
    """Criteria whose outcome differs."""
