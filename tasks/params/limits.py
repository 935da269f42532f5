"""``masking.limits``: whose risk is measured, what an attacker is taken to know, and how much risk is too much."""

from pydantic import Field

from tasks.params.base import Section


class LimitsParams(Section):
    """How well people must hide in what is shared. Above a limit masked data is not released: no model is judged on it.

    The defaults ask for k-anonymity with k = 5 for everybody; l-diversity, t-closeness and attacks are measured, and judged
    where a limit is given.
    """

    k: int = Field(default=5, ge=2, le=1000)
    person: str | None = None
    """The domain (``masking.domains``) whose tokens are people; None: each row of ``features.rows`` is one person."""
    quasi: tuple[str, ...] = ()
    """``table.column`` that the policy keeps, and an attacker may know all the same."""
    below: float = Field(default=0.0, ge=0, lt=1)
    diversity: float | None = Field(default=None, gt=1)
    closeness: float | None = Field(default=None, gt=0, lt=1)
    excess: float | None = Field(default=None, gt=0, lt=1)
