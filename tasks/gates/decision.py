"""The decision: outcomes in, one frozen verdict out.

What belongs here: how outcomes become a decision, and its exit code. What does not: how a criterion is judged
(``criteria``), the sentence that says it (``wording``), and who judged when (``receipt``).

Critical criteria decide, worst first: any ``fail`` rejects, whatever else could not be judged, because it would stand if the
rest were known; else any ``not_judged``, else any ``inconclusive``; promotion needs every one to pass. Advisory criteria
(``critical: false``) are told in the reason and never change the decision.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tasks.datasets import hash_mapping
from tasks.errors import ExitCode
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.criteria import SUBJECTS, judge_criteria
from tasks.gates.evidence import WORST_FIRST
from tasks.gates.later import differing, later_confidence, later_gates
from tasks.gates.levels import judge_levels, level_of
from tasks.gates.selftest import hold_self_test, voided_by
from tasks.gates.wording import explain
from tasks.params import Params, stated
from tasks.params.judging import GatesParams
from tasks.records import (
    CriterionOutcome,
    Decision,
    DisclosureReport,
    Evaluation,
    LaterLooks,
    MeasuredEvidence,
    ModelCard,
    RiskStatement,
    UtilityReport,
    ValidationReport,
    Verdict,
    View,
)

_DECISIONS: dict[str, Decision] = {"fail": "reject", "not_judged": "not_judged", "inconclusive": "inconclusive", "pass": "promote"}
_EXIT_CODES = {
    "promote": ExitCode.PROMOTE,
    "reject": ExitCode.REJECT,
    "not_judged": ExitCode.COULD_NOT_JUDGE,
    "inconclusive": ExitCode.INCONCLUSIVE,
}
_FEWEST_LOOKS = 2
_Outcomes = tuple[CriterionOutcome, ...]


@dataclass(frozen=True)
class Provenance:
    """What a verdict says of where it comes from, beside what the evaluation itself knows."""

    split: str
    part: str
    params_hash: str
    inputs: Mapping[str, str]
    """Logical hashes of the evidence, by name; the evaluation's own are added."""
    seeds: Mapping[str, int]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Package -> version of what judges."""
    is_rehearsal: bool = False
    """Whether nobody has signed masking policy and criteria as they are."""


def hash_params(params: Params) -> str:
    """The hash of all parameters that a verdict depends on: when and how often data is refreshed is none of them."""
    return hash_mapping(stated(params, exclude={"refresh"}))


def hash_gates(gates: GatesParams) -> str:
    """The hash of the criteria and all else in ``gates``."""
    return hash_mapping(stated(gates))


def decide(outcomes: Iterable[CriterionOutcome]) -> Decision:
    """The decision that the critical ``outcomes`` come to; without any critical one, ``not_judged``."""
    statuses = [outcome.status for outcome in outcomes if outcome.is_critical]
    return _DECISIONS[min(statuses, key=WORST_FIRST.index)] if statuses else "not_judged"


def exit_code(decision: Decision) -> ExitCode:
    """The exit code that a release flow acts on."""
    return _EXIT_CODES[decision]


def judge(
    evaluation: Evaluation | None,
    reports: Mapping[str, ValidationReport | None],
    gates: GatesParams,
    provenance: Provenance,
    subjects: tuple[str, ...] = SUBJECTS,
    *,
    disclosure: DisclosureReport | None = None,
    utility: UtilityReport | None = None,
    measured: Mapping[str, MeasuredEvidence] | None = None,
    planted: Mapping[str, Evaluation] | None = None,
) -> Verdict:
    """Judge an evaluation, the validation reports of ``subjects``, the disclosure report and the certificate under ``gates``.

    ``measured``: by its kind, what stages measured beside the evaluation.

    Missing evidence (None, or not there) is ``not_judged``, never an error: the verdict says what is missing. Every criterion is
    held against planted failures first; ``planted`` as :func:`~tasks.gates.selftest.hold_self_test` takes them.
    """
    self_test = hold_self_test(SelfTestEvidence(evaluation, reports, disclosure, subjects, utility, measured or {}), gates, planted)
    beside = judge_levels(evaluation, gates.require) + voided_by(self_test)
    has_champion = evaluation is None or evaluation.champion is not None

    def hold(asked: GatesParams, *, is_later: bool = False) -> tuple[CriterionOutcome, ...]:
        found = judge_criteria(
            *(evaluation, reports, asked, subjects),
            disclosure=disclosure,
            utility=utility,
            measured=measured,
            is_later=is_later,
        )
        return found + beside

    def tell(found: tuple[CriterionOutcome, ...]) -> str:
        return explain(
            decide(found),
            found,
            is_rubber_stamp=not has_champion,
            is_rehearsal=provenance.is_rehearsal,
            classes=evaluation.classes if evaluation else (),
            folds=evaluation.folds_judged if evaluation else None,
        )

    outcomes = hold(gates)
    return Verdict(
        decision=decide(outcomes),
        reason=tell(outcomes),
        criteria=outcomes,
        missing_slices=evaluation.missing_slices if evaluation else (),
        rubber_stamp=not has_champion,
        view=_views(evaluation),
        judged=evaluation.judged if evaluation else "recipe",
        evidence_level=level_of(evaluation.challenger.basis) if evaluation else "refitted_here",
        split=provenance.split,
        part=provenance.part,
        inputs={**(evaluation.inputs if evaluation else {}), **provenance.inputs},
        policy_hash=hash_gates(gates),
        params_hash=provenance.params_hash,
        environment=dict(provenance.environment),
        seeds={**provenance.seeds, **_seeds(evaluation)},
        folds=evaluation.folds_judged if evaluation else None,
        weights=_weights(evaluation),
        noise=evaluation.noise if evaluation else None,
        self_test=self_test.planted,
        rehearsal=provenance.is_rehearsal,
        risk=RiskStatement(**gates.risk.model_dump()),
        later_looks=_later_looks(evaluation, gates, outcomes, hold, tell),
    )


def _later_looks(
    evaluation: Evaluation | None,
    gates: GatesParams,
    first: _Outcomes,
    hold: Callable[..., _Outcomes],
    tell: Callable[[_Outcomes], str],
) -> LaterLooks | None:
    """What a later look comes to, by the same functions as the ``first``; None where there can be none."""
    budget = gates.looks.budget
    if evaluation is None or budget < _FEWEST_LOOKS:
        return None
    later = hold(later_gates(gates, evaluation), is_later=True)
    return LaterLooks(
        budget=budget,
        confidence=later_confidence(evaluation.confidence, budget),
        decision=decide(later),
        reason=tell(later),
        outcomes=differing(first, later),
    )


def _views(evaluation: Evaluation | None) -> dict[str, View]:
    return {card.role: card.view for card in _cards(evaluation)}


def _seeds(evaluation: Evaluation | None) -> dict[str, int]:
    fitted: dict[str, int] = {card.role: card.seed for card in _cards(evaluation) if card.seed is not None}
    return {**(evaluation.seeds if evaluation else {}), **fitted}


def _weights(evaluation: Evaluation | None) -> dict[str, str]:
    declared = {card.role: card.weight for card in _cards(evaluation)} | {"judging": evaluation.weight if evaluation else None}
    return {where: column for where, column in declared.items() if column is not None}


def _cards(evaluation: Evaluation | None) -> list[ModelCard]:
    cards = (evaluation.champion, evaluation.challenger) if evaluation else ()
    return [card for card in cards if card is not None]
