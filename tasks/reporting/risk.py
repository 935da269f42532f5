"""What a model's owner states of it, and what is not stated: for the risk officer.

What belongs here: the statement as rows for the page and for Markdown. What does not: what follows from a gap, which is a person's
to decide.
"""

from dataclasses import dataclass

from tasks.records import RiskStatement

NOT_STATED = "not stated"


@dataclass(frozen=True)
class RiskRow:
    """One thing that a risk officer asks for."""

    name: str
    text: str
    is_gap: bool


def risk_rows(statement: RiskStatement) -> tuple[RiskRow, ...]:
    """Owner, tier, intended use, what it is not for, and known limits, in this order; what is missing is a gap, never left out."""
    stated = {
        "Owner": statement.owner,
        "Risk tier": statement.tier,
        "Intended use": statement.intended_use,
        "Not for": statement.not_for,
        "Known limits": "; ".join(statement.limits) or None,
    }
    return tuple(RiskRow(name, text or NOT_STATED, text is None) for name, text in stated.items())
