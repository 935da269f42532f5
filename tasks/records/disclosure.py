"""The risk that masked data leaves, measured on the joined view.

What belongs here: risks, attacks and what would lower them. What does not: what masking did (``privacy``).
"""

from typing import Literal

from tasks.records.base import Record


class Share(Record):
    """A share of people with its 95 % interval."""

    value: float
    low: float
    high: float


class KnownColumnRisk(Record):
    """One quasi-identifier, and what it adds to the risk."""

    column: str
    treatment: str
    below_without: int | None
    """People in crowds below k if nothing were left of it; None: withheld."""


class SensitiveColumnRisk(Record):
    """What crowds give away of one sensitive column."""

    column: str
    distinct: int
    """Distinct l-diversity: the fewest different values in a crowd."""
    entropy: float
    """Entropy l-diversity, as a number of equally frequent values."""
    closeness: float
    """t-closeness: the largest distance of a crowd's values from everybody's, 0 to 1."""
    distance: Literal["ordered earth mover", "total variation"]


class AttackOutcome(Record):
    """One attack beside its control; a share is None where it would rest on fewer than k people."""

    attack: str
    column: str | None
    targets: int
    success: Share | None
    control: Share | None
    excess: Share | None


class GeneralisedColumn(Record):
    """What a proposal makes of one column, and what that costs."""

    column: str
    becomes: str
    """The rule as it would stand in params.yaml; empty: it stays as it is."""
    information_lost: float
    """The share of the column's information (entropy) that is lost."""
    features: tuple[str, ...]
    """The features that read it."""
    quality: str
    """What a model loses with it, measured, or why that is not known."""


class ViewRisk(Record):
    """The risk of all people in one joined view. A count or share is None where it would rest on fewer than k people."""

    who: str
    tables: tuple[str, ...]
    people: int
    smallest: int | None
    """The people in the smallest crowd; None: fewer than k."""
    below: int | None
    """People in crowds below k."""
    unique: int | None
    """People who stand alone."""
    highest: float | None
    """Prosecutor risk: 1 / smallest."""
    average: float
    """The share of people whom somebody who always guesses would find."""
    columns: tuple[KnownColumnRisk, ...]
    sensitive: tuple[SensitiveColumnRisk, ...]
    attacks: tuple[AttackOutcome, ...]
    exceeded: tuple[str, ...]
    """Each limit that does not hold, in words."""
    proposal: tuple[GeneralisedColumn, ...]
    """The cheapest generalisation that would hold k; empty where it holds."""
    suppression: str = ""
    """The rule that would take rare combinations away instead, where that costs less; empty where it would not do."""


class DisclosureReport(Record):
    """Whether masked data may be used to judge models and be passed on; holds no value of any row."""

    schema_version: Literal[1] = 1
    is_released: bool
    statement: str
    limits: dict[str, int | float | str | tuple[str, ...] | None]
    inputs: dict[str, str]
    """Logical hashes of the datasets that were examined: masked, features."""
    views: tuple[ViewRisk, ...]
    """All people first; then tables with quasi-identifiers that nothing joins."""
