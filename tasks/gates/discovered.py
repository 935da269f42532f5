"""Slices that nobody declared: whether the challenger is shown to do harm on any of those that were searched.

What belongs here: Holm's correction over the whole search, and the outcome. What does not: searching (``tasks.evaluation``). A
pass says that no harm was found among so many slices, not that there is none: what is to be shown safe is declared, and asked with
a margin.
"""

import math

from tasks.gates.comparisons import RESAMPLING, days_that_hold, tell_waiting
from tasks.gates.evidence import plain_outcome
from tasks.gates.superiority import holm_errors
from tasks.params.judging import DiscoveredCriterion
from tasks.records import CriterionOutcome, CriterionStatus, Discovery, Evaluation, SuspectSlice

METHOD = "student_t"
"""Of the difference over its standard error from the cluster bootstrap, with the clusters less one as degrees of freedom."""
_NAMED = 3
_NOT_TOLD = (
    "how many rows would do is not told: the largest slice is of too few people, or would have no figure at any number; "
    "search fewer columns, or ask for fewer rows (evaluation.discover)"
)


def judge_discovered(name: str, criterion: DiscoveredCriterion, evaluation: Evaluation | None) -> CriterionOutcome:
    """``fail`` where a slice is shown to be worse, all that were looked at corrected together; ``inconclusive`` where none was."""
    confidence = criterion.confidence or (evaluation.confidence if evaluation else None)
    found = evaluation.discovery if evaluation else None
    status, reason = _judge(found, criterion, evaluation, confidence)
    outcome = plain_outcome(name, criterion.critical, status, reason).model_copy(
        update={
            "metric": f"discovered[{criterion.discovered}]",
            "direction": found.direction if found else None,
            "min_rows": found.min_rows if found else None,
            "confidence": confidence,
            "slices_searched": found.searched if found else 0,
        }
    )
    return outcome if found is None or evaluation is None else outcome.model_copy(update=_of_rows(found, evaluation, outcome))


def _of_rows(found: Discovery, evaluation: Evaluation, outcome: CriterionOutcome) -> dict[str, object]:
    """How each slice was tested, and of how many rows; how many would let a first slice be searched.

    Nothing where nothing was judged, or by a search of before that was kept, whose outcome stays as it was.
    """
    if outcome.status == "not_judged" or found.replicates is None:
        return {}
    seed = evaluation.seeds.get(RESAMPLING)
    how: dict[str, object] = {"method": METHOD, "replicates": found.replicates, "seed": seed, "n": evaluation.rows}
    if outcome.status != "inconclusive":
        return how | {"reason": f"{outcome.reason}; each by Student's t of {found.replicates:,} replicates (seed {seed})"}
    if found.rows_for_one is None:
        return how | {"reason": f"{outcome.reason}; {_NOT_TOLD}"}
    days = days_that_hold(found.rows_for_one, evaluation.rows, evaluation.days)
    waiting = tell_waiting("inconclusive", found.rows_for_one, days, evaluation.rows, evaluation.days)
    return how | {"reason": outcome.reason + waiting, "rows_to_decide": found.rows_for_one, "days_to_decide": days}


def _judge(
    found: Discovery | None, criterion: DiscoveredCriterion, evaluation: Evaluation | None, confidence: float | None
) -> tuple[CriterionStatus, str]:
    if evaluation is None or confidence is None:
        return "not_judged", "there is no evaluation"
    if evaluation.champion is None:
        return "not_judged", "there is no champion that a slice could be worse off against"
    if found is None or found.metric != criterion.discovered:
        return "not_judged", f"no slice was searched by {criterion.discovered}"
    if not found.searched and not found.undefined:
        return (
            "inconclusive",
            f"no slice of {' and '.join(found.columns)} has {found.min_rows:,} rows of enough people and clusters",
        )
    return _of_search(found, (1 - confidence) / 2)


def _of_search(found: Discovery, error: float) -> tuple[CriterionStatus, str]:
    if not all(math.isfinite(suspect.p_value) for suspect in found.suspects):
        return "not_judged", "the error of a slice is no number"
    looked = f"{found.searched:,} slices searched ({found.too_small:,} more too small to tell), corrected together (Holm)"
    bad = shown_worse(found, error)
    if not bad and found.undefined:
        lacks = f"the challenger has no {found.metric} on {found.undefined:,} slices where the champion has one"
        return "not_judged", f"{lacks}; none of the others is shown to be worse: {looked}"
    if not bad:
        return "pass", f"none is shown to be worse by more than {found.margin:g}: {looked}"
    named = [suspect for suspect in bad if suspect.slice is not None]
    told = [f"{s.slice} ({s.delta:+.4f} on {s.rows:,} rows)" for s in named[:_NAMED]]
    more = len(bad) - len(told)
    told += [f"{more} {'more' if told else 'slices'}, {len(bad) - len(named)} of them withheld"] if more else []
    return "fail", f"worse by more than {found.margin:g} in {found.metric} on {', '.join(told)}: {looked}"


def shown_worse(found: Discovery, error: float) -> list[SuspectSlice]:
    """The slices that are worse at ``error`` (one-sided) for the whole search; the others hold at no error that counts."""
    p_values = [suspect.p_value for suspect in found.suspects] + [1.0] * (found.searched - len(found.suspects))
    errors = holm_errors(p_values, [error] * len(p_values))
    return [suspect for suspect, allowed in zip(found.suspects, errors, strict=False) if suspect.p_value <= allowed]
