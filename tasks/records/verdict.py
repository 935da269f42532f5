"""What the gate decided, and when.

What belongs here: outcomes of criteria, verdicts and receipts. What does not: measures (``evaluation``).
"""

from typing import Literal

from tasks.records.base import Direction, Record, View
from tasks.records.evaluation import FoldsJudged, Interval, NoiseFloor
from tasks.records.events import LookTaken

Decision = Literal["promote", "reject", "inconclusive", "not_judged"]
CriterionStatus = Literal["pass", "fail", "inconclusive", "not_judged"]
ChampionTest = Literal["non_inferiority", "superiority"]


class CriterionOutcome(Record):
    """One criterion, or one slice of it, judged. The field names are those of verdict.json."""

    name: str
    metric: str | None
    slice: str | None
    """``column=value``, or None for all rows."""
    direction: Direction | None
    challenger: float | None
    champion: float | None
    delta: float | None
    interval: Interval | None
    """Of the difference to the champion where it is tested, of the challenger's metric otherwise. Under a relative margin it is
    the interval of the relative difference, at the champion's figure; of a claim to be better, at the confidence that Holm's
    correction leaves it."""
    challenger_interval: Interval | None
    n: int | None
    min_rows: int | None
    bound: float | None
    margin: float | None
    """In the metric's unit; a relative one at the champion's figure."""
    is_critical: bool
    status: CriterionStatus
    reason: str
    rows_to_decide: int | None
    """For ``inconclusive``: rows that would decide at today's figures; None where no number would, or none may be told: the reason
    says why."""
    days_to_decide: int | None
    test: ChampionTest | None = None
    """What was asked of the difference to the champion, if anything."""
    relative_margin: float | None = None
    better_by: float | None = None
    confidence: float | None = None
    """The two-sided confidence that was asked; each end is held with an error of (1 - confidence) / 2."""
    method: str | None = None
    """How the interval that decided was computed; of a search the test of each slice, of drift what chance explains."""
    replicates: int | None = None
    """Of a bootstrap; None where the method needs none."""
    seed: int | None = None
    """That the replicates were drawn by, as in the verdict's ``seeds``; None where none were, or in older verdicts."""
    p_value: float | None = None
    """Of a claim to be better: the least one-sided error at which it alone would hold; 1 where it holds at none."""
    claims: int | None = None
    """Of a claim to be better: among how many Holm's correction was made."""
    slices_searched: int | None = None
    """Of a search for bad slices: how many were measured, and corrected for."""
    noise_floor: float | None = None
    """The largest difference that a model shows to itself on these rows; a difference within it is called no improvement. None: it
    is not known."""

    @property
    def is_compared(self) -> bool:
        """Whether the difference to the champion was tested."""
        return self.margin is not None or self.better_by is not None


class LaterOutcome(Record):
    """A criterion, or one slice of it, whose status at a later look is another than at the first."""

    name: str
    """As in the verdict's ``criteria``."""
    status: CriterionStatus
    reason: str
    rows_to_decide: int | None
    days_to_decide: int | None


class LaterLooks(Record):
    """What the same figures come to where the candidate is not the first that was measured on its holdout."""

    budget: int
    """Candidates that may be measured on one holdout; the later ones share half of the first one's error between them."""
    confidence: float
    """Two-sided; of criteria that name a confidence of their own, what that leaves is divided likewise."""
    decision: Decision
    """By the later confidence alone; what stands is :meth:`Verdict.standing`."""
    reason: str
    outcomes: tuple[LaterOutcome, ...]
    """Those that differ from the verdict's own."""


class RiskStatement(Record):
    """What the model's owner says of it, as params.yaml has it (``gates.risk``); None, and no limits: not stated."""

    owner: str | None = None
    tier: str | None = None
    intended_use: str | None = None
    not_for: str | None = None
    limits: tuple[str, ...] = ()


_WORST_FIRST: tuple[Decision, ...] = ("reject", "not_judged", "inconclusive", "promote")


class Verdict(Record):
    """The decision, everything it rests on, and nothing that differs from run to run."""

    schema_version: Literal[1] = 1
    decision: Decision
    reason: str
    criteria: tuple[CriterionOutcome, ...]
    missing_slices: tuple[str, ...]
    rubber_stamp: bool
    view: dict[str, View]
    """The view of each role's model and scores: champion, challenger."""
    judged: Literal["recipe", "fitted_model"]
    evidence_level: Literal["refitted_here", "scored_here", "scores_brought_along"]
    split: str
    part: str
    inputs: dict[str, str]
    """Logical hashes of the datasets and the model; SHA-256 of the files pin, evaluation and validation reports; and, as
    ``params/<stage>``, of the parameters that each stage before the gate was run with."""
    policy_hash: str
    params_hash: str
    seeds: dict[str, int]
    folds: FoldsJudged | None = None
    """How all folds were judged; None where one part was."""
    noise: NoiseFloor | None = None
    """What the criteria's noise floors are of; None where nothing was evaluated."""
    self_test: tuple[str, ...] = ()
    """Failures planted before this was judged; a criterion that did not notice one is named in an outcome ``self_test``."""
    rehearsal: bool = False
    """Whether nobody has signed masking policy and criteria as they are; such a verdict promotes nothing."""
    risk: RiskStatement = RiskStatement()
    """Nothing is judged by it; it is bound to the verdict all the same."""
    environment: dict[str, str] = {}
    """Package -> version of what judged, and Python's; empty in a verdict of before this was kept, which promotes nothing."""
    weights: dict[str, str] = {}
    """The column by which rows were weighted in ``judging``, and in fitting the ``champion`` and ``challenger``; what is not
    there counted all rows alike, or is not known."""
    later_looks: LaterLooks | None = None
    """How a later look at the holdout is judged; None where nothing was measured, none is allowed, or in older verdicts."""

    def standing(self, look: LookTaken | None) -> Decision:
        """The decision that may be acted upon, after what ``look`` cost: the verdict's own at the first look at a holdout.

        At a later one it is the weaker of both. A verdict that does not say what it comes to then decides nothing.
        """
        if look is None or look.number <= 1:
            return self.decision
        later: Decision = "inconclusive" if self.later_looks is None else self.later_looks.decision
        return min(self.decision, later, key=_WORST_FIRST.index)


class Receipt(Record):
    """Who judged, where and when: kept beside the verdict, outside DVC."""

    schema_version: Literal[1] = 1
    verdict_hash: str
    decision: Decision
    actor: str
    host: str
    environment: dict[str, str]
    created_utc: str
    expires_utc: str
    look: LookTaken | None = None
    """The look at the holdout that the verdict cost; None where nothing was measured."""
