"""A stored evaluation judged by two sets of criteria.

What belongs here: whether the decision differs, and by which criterion. What does not: finding evaluations, and which way a
change of criteria goes (``tasks.signing``). The self-test is left out: it is of criteria on today's rows, not of a difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.gates.criteria import judge_criteria
from tasks.gates.decision import decide
from tasks.params.judging import GatesParams
from tasks.records import CriterionOutcome, DisclosureReport, Evaluation, Flip, MeasuredEvidence, UtilityReport, ValidationReport


@dataclass(frozen=True)
class StoredEvidence:
    """What a past verdict was judged on."""

    name: str
    evaluation: Evaluation
    reports: Mapping[str, ValidationReport | None]
    disclosure: DisclosureReport | None
    utility: UtilityReport | None
    measured: Mapping[str, MeasuredEvidence] = field(default_factory=dict)


def find_flip(evidence: StoredEvidence, was: GatesParams, now: GatesParams) -> Flip | None:
    """How the decision on ``evidence`` differs between two sets of criteria; None where it does not."""
    before, after = (_judge(evidence, gates) for gates in (was, now))
    decisions = decide(before), decide(after)
    if decisions[0] == decisions[1]:
        return None
    former = {outcome.name: outcome.status for outcome in before}
    latter = {outcome.name: outcome.status for outcome in after}
    by = tuple(sorted(name for name in {*former, *latter} if former.get(name) != latter.get(name)))
    return Flip(name=evidence.name, was=decisions[0], now=decisions[1], by=by)


def _judge(evidence: StoredEvidence, gates: GatesParams) -> tuple[CriterionOutcome, ...]:
    return judge_criteria(
        *(evidence.evaluation, evidence.reports, gates),
        disclosure=evidence.disclosure,
        utility=evidence.utility,
        measured=evidence.measured,
    )
