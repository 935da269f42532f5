"""What a verification looked at, and whether it holds.

What belongs here: one check and what all come to. What does not: how anything is checked.
"""

from typing import Literal

from tasks.records.base import Record

CheckStatus = Literal["holds", "does_not_hold", "not_checked"]


class Check(Record):
    """One thing that was held against what it claims to be."""

    what: str
    status: CheckStatus
    reason: str


class Verification(Record):
    """All checks of one verification, in the order in which they were made."""

    checks: tuple[Check, ...]

    @property
    def outcome(self) -> CheckStatus:
        """``does_not_hold`` where any check does not; else ``not_checked`` where any could not be made, or none was."""
        found = {check.status for check in self.checks}
        if "does_not_hold" in found:
            return "does_not_hold"
        return "holds" if found == {"holds"} else "not_checked"
