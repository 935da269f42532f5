"""How far a verdict's evidence was made here, and whether that is enough.

What belongs here: evidence levels, and the outcome where one is too low. What does not: criteria on figures (``criteria``).
Whoever computed scores, or fitted a model, elsewhere may have known the judged labels: no figure can tell, so that a policy has to.
"""

from typing import Literal

from tasks.gates.evidence import plain_outcome
from tasks.params.judging import RequiredEvidence
from tasks.records import CriterionOutcome, Evaluation

EvidenceLevel = Literal["refitted_here", "scored_here", "scores_brought_along"]
_RISING: tuple[EvidenceLevel, ...] = ("scores_brought_along", "scored_here", "refitted_here")
_LEVELS: dict[str, EvidenceLevel] = {
    "recipe": "refitted_here",
    # Its program ran here, on rows without labels; whether it learnt from the rows that it was given, nobody can see.
    "command": "scored_here",
    "stored_model": "scored_here",
    "score_file": "scores_brought_along",
    "logged_scores": "scores_brought_along",
}
REQUIRED = "required_evidence"
"""The name of the outcome that says that evidence is too weak."""


def level_of(basis: str) -> EvidenceLevel:
    """The evidence level of scores that come from a model of ``basis`` (as a :class:`~tasks.records.ModelCard` has it)."""
    return _LEVELS[basis]


def judge_levels(evaluation: Evaluation | None, required: RequiredEvidence) -> tuple[CriterionOutcome, ...]:
    """An outcome ``not_judged`` for challenger or champion whose evidence is weaker than ``required``; none where it is enough."""
    if evaluation is None:
        return ()
    weak = []
    level = level_of(evaluation.challenger.basis)
    if _RISING.index(level) < _RISING.index(required.challenger):
        weak.append(f"the challenger's evidence is {level}, and gates.require.challenger asks for {required.challenger}")
    basis = None if evaluation.champion is None else evaluation.champion.basis
    if required.champion == "logged_scores" and basis != "logged_scores":
        weak.append(f"the champion is {basis or 'none'}, and gates.require.champion asks for the scores that production logged")
    return (plain_outcome(REQUIRED, True, "not_judged", "; ".join(weak)),) if weak else ()
