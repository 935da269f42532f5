"""What verdicts of before told less of, so that a verdict that decides the same is not called another.

What belongs here: what was added to a verdict's words later, and decides nothing. What does not: comparing (``figures``). A status,
a figure and a decision are never taken from the older verdict, nor the reason of what passed or failed.
"""

from collections.abc import Sequence
from typing import TypeVar

from tasks.records import CriterionOutcome, LaterLooks, LaterOutcome, Verdict

_DRIFT = "chi_squared"
_COUNTED = ("method", "n", "min_rows")
"""What outcomes of drift name by now."""
_WAITING = ("rows_to_decide", "days_to_decide")
_Told = TypeVar("_Told", CriterionOutcome, LaterOutcome)


def tell_as_before(written: Verdict, again: Verdict) -> Verdict:
    """``again`` without what was added since ``written`` was, where that lacks it: it says no more of what is undecided.

    An inconclusive reason that goes on today (``; ...``) where the older one ends, ends there; the rows and days that it then names
    are left away where the older one names none, and of drift what was counted.
    """
    outcomes = _each(written.criteria, again.criteria)
    told: dict[str, object] = {"criteria": outcomes, "reason": _sentence(again.reason, again.criteria, outcomes)}
    was, now = written.later_looks, again.later_looks
    if was is not None and now is not None:
        later = _later(was, now)
        told["later_looks"] = later.model_copy(update={"reason": _sentence(later.reason, again.criteria, outcomes)})
    return again.model_copy(update=told)


def _later(written: LaterLooks, again: LaterLooks) -> LaterLooks:
    outcomes = _each(written.outcomes, again.outcomes)
    return again.model_copy(update={"outcomes": outcomes, "reason": _sentence(again.reason, again.outcomes, outcomes)})


def _each(written: Sequence[_Told], again: Sequence[_Told]) -> tuple[_Told, ...]:
    if [outcome.name for outcome in written] != [outcome.name for outcome in again]:
        return tuple(again)
    return tuple(_outcome(was, now) for was, now in zip(written, again, strict=True))


def _outcome(written: _Told, again: _Told) -> _Told:
    if written.status != again.status:
        return again
    lacking: dict[str, object] = {}
    if isinstance(again, CriterionOutcome) and again.method == _DRIFT:
        lacking |= {name: None for name in _COUNTED if getattr(written, name) is None}
    if again.status == "inconclusive" and written.reason and again.reason.startswith(f"{written.reason}; "):
        lacking |= {"reason": written.reason} | {name: None for name in _WAITING if getattr(written, name) is None}
    return again.model_copy(update=lacking)


def _sentence(reason: str, again: Sequence[_Told], told: Sequence[_Told]) -> str:
    """The verdict's sentence, which quotes some reasons, with those that are told."""
    for now, shorter in zip(again, told, strict=True):
        reason = reason.replace(now.reason, shorter.reason) if now.reason != shorter.reason else reason
    return reason
