"""Fairness: how far the challenger's metric lies apart between the slices of a column.

What belongs here: the gap between the best and the worst slice, with an interval, held against a limit. What does not: each slice
against a limit or the champion (``comparisons``). The largest true gap lies between two certain slices, though nobody knows which:
it exceeds the best upper end less the worst lower end only where one of these two intervals misses, so that half the error each
suffices for a pass, however many slices there are. To call a gap too large any of them could err, and the error is divided by all
of them (Bonferroni).
"""

import math
from collections.abc import Sequence

from tasks.gates.bounds import LimitOutcome, is_usable, judge_bound
from tasks.gates.comparisons import NOT_TOLD, days_that_hold, drawn, tell_waiting
from tasks.gates.evidence import plain_outcome
from tasks.gates.intervals import read_interval
from tasks.params.judging import ParityCriterion
from tasks.records import Comparison, CriterionOutcome, Evaluation, Interval

_FEWEST = 2


def judge_parity(
    name: str, criterion: ParityCriterion, evaluation: Evaluation | None, *, is_later: bool = False
) -> CriterionOutcome:
    """The outcome of a criterion on the gap between slices; every slice must be there, be known, and have rows enough."""
    confidence = criterion.confidence or (evaluation.confidence if evaluation else None)
    unjudged = plain_outcome(name, criterion.critical, "not_judged", "there is no evaluation").model_copy(
        update={
            "metric": f"parity[{criterion.parity} by {criterion.slice}]",
            "direction": "lower_is_better",
            "min_rows": criterion.min_rows,
            "bound": criterion.gap,
            "confidence": confidence,
            "method": criterion.method,
        }
    )
    if evaluation is None or confidence is None:
        return unjudged
    found = [c for c in evaluation.comparisons if c.metric == criterion.parity and c.slice_column == criterion.slice]
    interval = _gap_interval(found, criterion, evaluation, confidence, is_later=is_later)
    outcome = _unknown(found, criterion, evaluation) or _too_few(found, criterion, interval) or _held(found, criterion, interval)
    rows = sum(c.rows for c in found)
    days = days_that_hold(outcome.rows_to_decide, rows, evaluation.days)
    waiting = tell_waiting(outcome.status, outcome.rows_to_decide, days, rows, evaluation.days)
    return unjudged.model_copy(
        update={
            "status": outcome.status,
            "reason": outcome.reason if outcome.says_why else outcome.reason + waiting,
            "n": rows,
            "challenger": _gap([c.challenger for c in found]),
            "champion": _gap([c.champion for c in found]),
            "interval": interval,
            "challenger_interval": interval,
            **drawn(evaluation, criterion.method),
            "rows_to_decide": outcome.rows_to_decide,
            "days_to_decide": days,
        }
    )


def _unknown(found: Sequence[Comparison], criterion: ParityCriterion, evaluation: Evaluation) -> LimitOutcome | None:
    """Why nothing can be said of the slices together, or None: a slice that is left out could be the one that is worst off."""
    missing = [slice_name for slice_name in evaluation.missing_slices if slice_name.startswith(f"{criterion.slice}=")]
    undefined = [str(c.slice_value) for c in found if not c.is_withheld and _gap([c.challenger]) is None]
    if len(found) < _FEWEST:
        return LimitOutcome("not_judged", f"{len(found)} slices of {criterion.slice} were measured; parity needs two")
    if missing or undefined:
        told = [f"no row of {', '.join(missing)}"] if missing else []
        told += [f"no {criterion.parity} of {', '.join(undefined)}"] if undefined else []
        return LimitOutcome("not_judged", "; ".join(told))
    return None


def _too_few(found: Sequence[Comparison], criterion: ParityCriterion, interval: Interval | None) -> LimitOutcome | None:
    """That slices have too few rows, or people, and the rows of all slices at which none would; None where all have enough."""
    least = criterion.min_rows
    withheld = [str(c.slice_value) for c in found if c.is_withheld]
    few = [c for c in found if not c.is_withheld and c.rows < least]
    if withheld:
        more = f"; fewer than {least:,} rows: {_short_of(few, least)}" if few else ""
        return LimitOutcome("inconclusive", f"withheld: {', '.join(withheld)}{more}; {NOT_TOLD}", says_why=True)
    if not few:
        return None
    # The least that is judged decides nothing where today's interval would still be too wide at that many rows.
    held = _held(found, criterion, interval)
    rows = sum(c.rows for c in found)
    enough: int | None = math.ceil(rows * max(least / max(1, c.rows) for c in few))
    if held.status == "inconclusive" and enough is not None:
        enough = None if held.rows_to_decide is None else max(enough, held.rows_to_decide)
    return LimitOutcome("inconclusive", f"fewer than {least:,} rows: {_short_of(few, least)}", enough)


def _short_of(few: Sequence[Comparison], least: int) -> str:
    return ", ".join(f"{c.slice_value} ({least - c.rows:,} more)" for c in few)


def _held(found: Sequence[Comparison], criterion: ParityCriterion, interval: Interval | None) -> LimitOutcome:
    gap = _gap([c.challenger for c in found])
    if gap is None or interval is None:
        return LimitOutcome("not_judged", f"no interval of {criterion.parity} in one slice or more")
    ordered = sorted(found, key=lambda c: c.challenger or 0.0)
    between = f" (between {ordered[0].slice_value} and {ordered[-1].slice_value})"
    outcome = judge_bound(gap, interval, "lower_is_better", criterion.gap, sum(c.rows for c in found))
    return LimitOutcome(outcome.status, f"gap {outcome.reason}{between}", outcome.rows_to_decide)


def _gap(values: Sequence[float | None]) -> float | None:
    """The largest difference between two of ``values``; None where one is not known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return max(known) - min(known) if known and len(known) == len(values) else None


def _gap_interval(
    found: Sequence[Comparison], criterion: ParityCriterion, evaluation: Evaluation, confidence: float, *, is_later: bool
) -> Interval | None:
    error = (1 - confidence) / 2

    def read(one_sided: float) -> list[Interval]:
        asked = 1 - 2 * one_sided
        read = [read_interval(c, "challenger", criterion.method, asked, evaluation, is_later=is_later)[0] for c in found]
        return [interval for interval in read if interval is not None and is_usable(interval)]

    wide, widest = read(error / 2), read(error / max(1, 2 * len(found)))
    if len(found) < _FEWEST or len(wide) < len(found):
        return None
    low = 0.0  # where the replicates cannot show a gap of so many slices, none is shown
    if len(widest) == len(found):
        low = max(0.0, max(interval.low for interval in widest) - min(interval.high for interval in widest))
    high = max(interval.high for interval in wide) - min(interval.low for interval in wide)
    return Interval(low=low, high=high, confidence=confidence)
