"""What the comparison comes to: the certificate holds, fails, or cannot be given.

What belongs here: the outcome, and its reasons in words. What does not: the figures (``ranking``, ``distances``). Nothing that was
not seen counts as held: a panel without a ranking on raw rows shows nothing, whatever masked rows make of it.
"""

from collections.abc import Callable

from tasks.params.utility import UtilityParams
from tasks.records import Agreement, CriterionStatus, Interval, RankCorrelation, UtilityOutcome

FEWEST_MODELS = 4
"""Models below which a rank correlation could hardly come out otherwise."""
LEAST_TOLD_APART = 0.2
"""The share of pairs that raw rows have to tell apart; one in twenty would be by chance."""
JudgeBound = Callable[[float, Interval, float], CriterionStatus]
"""A figure (higher is better), its interval, and the bound that it has to hold -> the outcome."""


def conclude(
    correlation: RankCorrelation, agreement: Agreement, bounds: UtilityParams, models: int, judge_bound: JudgeBound
) -> tuple[UtilityOutcome, tuple[str, ...]]:
    """The outcome for a panel of ``models``, and why it does not hold or cannot be told.

    ``cannot_tell`` where the panel is too small, or its models do not differ beyond noise on raw rows; else ``fails`` where the
    rank correlation (its whole interval) or the agreement lies below its bound; else ``cannot_tell`` where the interval
    leaves that open.
    """
    unseen = _unseen(agreement, models)
    if unseen:
        return "cannot_tell", (unseen,)
    found = [_judge_correlation(correlation, bounds.min_rank_correlation, judge_bound), _judge_agreement(agreement, bounds)]
    failed = tuple(reason for status, reason in found if status == "fail")
    if failed:
        return "fails", failed
    open_ones = tuple(reason for status, reason in found if status != "pass")
    return ("cannot_tell", open_ones) if open_ones else ("holds", ())


def _unseen(agreement: Agreement, models: int) -> str:
    if models < FEWEST_MODELS:
        return f"{models} models could be compared, and at least {FEWEST_MODELS} are needed"
    if agreement.told_apart < LEAST_TOLD_APART * agreement.pairs:
        return (
            f"raw rows tell {agreement.told_apart} of {agreement.pairs} pairs of models apart beyond noise, too few for a ranking "
            "that could survive; judge more rows (masking.utility.rows, evaluation.part)"
        )
    return ""


def _judge_correlation(found: RankCorrelation, bound: float, judge_bound: JudgeBound) -> tuple[CriterionStatus, str]:
    if found.spearman is None:
        return "fail", "masked rows rank no model above another"
    interval = found.spearman_interval
    if interval is None:
        return "not_judged", "the rank correlation has no interval: too few clusters of rows, or too few that hold each class"
    told = f"rank correlation {found.spearman:.2f} ({interval.low:.2f} to {interval.high:.2f}), at least {bound:g} wanted"
    status = judge_bound(found.spearman, interval, bound)
    return status, told if status == "fail" else f"too wide to tell: {told}"


def _judge_agreement(found: Agreement, bounds: UtilityParams) -> tuple[CriterionStatus, str]:
    same = found.same or 0.0
    told = f"{same:.0%} of {found.decisions} decisions are the same on masked rows, at least {bounds.min_agreement:.0%} wanted"
    if found.reversed:
        told += f"; {found.reversed} of them are reversed"
    return ("pass" if same >= bounds.min_agreement else "fail"), told
