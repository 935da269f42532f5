"""Drift as a criterion: whether the world that is judged is still the one that the challenger was fitted on.

What belongs here: measured drift against a limit. What does not: measuring it (``tasks.evaluation``). A feature fails where its
index lies beyond the limit by more than chance explains, and is undecided between the two; the index errs upwards, so that a pass
is safe.
"""

from collections.abc import Sequence

from tasks.gates.evidence import plain_outcome, worst
from tasks.params.judging import DriftCriterion
from tasks.records import CriterionOutcome, CriterionStatus, Drift, Evaluation, FeatureDrift

_NAMED = 3


def judge_drift(name: str, criterion: DriftCriterion, evaluation: Evaluation | None) -> CriterionOutcome:
    """The outcome of a criterion on drift: the worst of its features."""
    drift = evaluation.drift if evaluation is not None else None
    if drift is None or not drift.features:
        why = "there is no evaluation" if evaluation is None else "drift was not measured"
        return plain_outcome(name, criterion.critical, "not_judged", why)
    if min(drift.rows, drift.reference_rows) < criterion.min_rows:
        reason = f"{drift.rows:,} rows against {drift.reference_rows:,}, and at least {criterion.min_rows:,} are judged"
        return plain_outcome(name, criterion.critical, "inconclusive", reason)
    asked = [found for found in drift.features if not criterion.features or found.feature in criterion.features]
    absent = sorted(set(criterion.features) - {found.feature for found in asked})
    if absent:
        return plain_outcome(name, criterion.critical, "not_judged", f"drift was not measured of {', '.join(absent)}")
    judged = [(found, _status(found, criterion.most)) for found in asked]
    status = worst([status for _, status in judged])
    telling = [found for found, own in judged if own == status]
    return plain_outcome(name, criterion.critical, status, _reason(status, telling, criterion, drift))


def _status(found: FeatureDrift, most: float) -> CriterionStatus:
    if found.psi is None or found.by_chance is None:
        return "inconclusive"
    if found.psi <= most:
        return "pass"
    return "fail" if found.psi > most + found.by_chance else "inconclusive"


def _reason(status: CriterionStatus, telling: Sequence[FeatureDrift], criterion: DriftCriterion, drift: Drift) -> str:
    rising = sorted(telling, key=lambda found: -(found.psi or 0.0))
    told = [f"{f.feature} {f.psi:.3f}" if f.psi is not None else f"{f.feature} ({f.reason})" for f in rising[:_NAMED]]
    more = f" and {len(rising) - _NAMED} more" if len(rising) > _NAMED else ""
    against = f"PSI against {drift.reference}, at most {criterion.most:g} wanted"
    if status == "pass":
        return f"no feature drifted further than {told[0]} ({against})"
    word = "drifted" if status == "fail" else "too little to tell whether these drifted"
    return f"{word}: {', '.join(told)}{more} ({against})"
