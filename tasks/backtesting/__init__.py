"""Backtesting a gate: which moments of history it decides at, other margins, and what its decisions were worth."""

from tasks.backtesting.periods import Period, Step, Unit, choose_unit, cut_periods, plan_steps
from tasks.backtesting.scoring import SCALES, is_good_release, scale_margins, tally

__all__ = [
    "SCALES",
    "Period",
    "Step",
    "Unit",
    "choose_unit",
    "cut_periods",
    "is_good_release",
    "plan_steps",
    "scale_margins",
    "tally",
]
