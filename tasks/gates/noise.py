"""Claims to be better against the noise floor: what lies within it, or where none is known, is called no improvement.

What belongs here: a claim's outcome beside the floor, and why there is none. What does not: measuring it (``tasks.evaluation``),
and the claim's own interval (``bounds``).
"""

import math
from dataclasses import replace

from tasks.gates.bounds import LimitOutcome
from tasks.records import Comparison, Evaluation

WITHIN_NOISE = "within the noise floor"
"""How the reason of a difference that a model shows to itself begins."""
UNKNOWN_NOISE = "no noise floor is known"
"""How the reason of a claim begins that would hold, were it known that no model differs as much from itself."""
NOISE_NEEDS = "and it takes a recipe of one side (or ask for a margin)"
"""What such a claim waits for, in a few words."""
_SCORED_BY_RUNS = ("recipe", "stored_model")
"""Of a challenger; a champion's floor counts where it is fitted again, since asking it twice tells nothing of another model."""


def hold_against_noise(outcome: LimitOutcome, found: Comparison, by: float, evaluation: Evaluation) -> LimitOutcome:
    """The ``outcome`` of a claim to be better than the champion by more than ``by``, beside the noise floor of ``found``.

    It passes only beyond a floor that is known; one that fails stays failed. No rows are named where none would let it pass.
    """
    floor, delta = found.noise_floor, found.delta or 0.0
    is_ahead = _sign(found) * delta > by
    if floor is None or not math.isfinite(floor):
        return _without_floor(outcome, is_ahead=is_ahead, why=why_unknown(evaluation))
    itself = f"a model fitted or scored again differs from itself by up to {floor:.4f}"
    if abs(delta) <= floor and outcome.status == "pass":
        return LimitOutcome("inconclusive", f"{WITHIN_NOISE}: difference {delta:+.4f}, and {itself}", says_why=True)
    if abs(delta) <= floor and outcome.status == "inconclusive" and is_ahead:
        told = f"{outcome.reason}; nor would more rows let it pass, since that is {WITHIN_NOISE}: {itself}"
        return LimitOutcome("inconclusive", told, says_why=True)
    return replace(outcome, reason=f"{outcome.reason}; noise floor {floor:.4f}")


def _sign(found: Comparison) -> int:
    return 1 if found.direction == "higher_is_better" else -1


def _without_floor(outcome: LimitOutcome, *, is_ahead: bool, why: str) -> LimitOutcome:
    if outcome.status == "pass":
        told = f"{UNKNOWN_NOISE}, so that no difference is called an improvement ({outcome.reason}): {why}"
        return LimitOutcome("inconclusive", told, says_why=True)
    if outcome.status == "inconclusive" and is_ahead:
        told = f"{outcome.reason}; nor would more rows let it pass, since {UNKNOWN_NOISE}: {why}"
        return LimitOutcome("inconclusive", told, says_why=True)
    return replace(outcome, reason=f"{outcome.reason}; {UNKNOWN_NOISE}")


def is_measured_by_runs(evaluation: Evaluation) -> bool:
    """Whether a run measures a noise floor of these models: the champion is fitted here, or the challenger scored here at least."""
    champion = evaluation.champion
    return evaluation.challenger.basis in _SCORED_BY_RUNS or (champion is not None and champion.basis == "recipe")


def why_unknown(evaluation: Evaluation) -> str:
    """Why there is no noise floor in ``evaluation``, or not of each slice, and what to do next."""
    if any(found.noise_floor is not None for found in evaluation.comparisons):
        return "the model that was fitted again has no figure here; judge more rows, or ask for a margin (non-inferiority)"
    if is_measured_by_runs(evaluation):
        return "no model was fitted or scored again here, as windtunnel run does"
    champion = evaluation.champion
    known = "the challenger" if champion is not None and champion.basis == "stored_model" else "each side"
    return (
        f"{known} is known only by a column of scores, and nothing can be fitted again here; "
        "give the recipe of one (models.challenger, models.champion), whose refit measures the floor, or ask for a margin "
        "(non-inferiority)"
    )
