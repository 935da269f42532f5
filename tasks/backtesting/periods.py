"""History cut into periods, and the decisions that could have been made at their ends.

What belongs here: calendars. What does not: rows, models and criteria. All times are UTC; a period holds its start and not its end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Literal

Unit = Literal["month", "week", "day"]
UNITS: tuple[Unit, ...] = ("month", "week", "day")
JUDGED: dict[Unit, int] = {"month": 1, "week": 4, "day": 28}
"""How many periods a decision is judged on."""
_FEWEST = 4
"""Periods from which on a unit is taken: one to fit on, one to judge, one that shows what came of it; and so twice."""


@dataclass(frozen=True)
class Period:
    """A month, a week from Monday, or a day."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Step:
    """One decision: fitted on what was known when ``judged`` began, judged on it, decided at its end, lived through in ``live``."""

    judged: Period
    live: Period

    @property
    def fitted_until(self) -> datetime:
        """Only what was known by then may be fitted on."""
        return self.judged.start

    @property
    def decided_at(self) -> datetime:
        """Only what was known by then may be judged by."""
        return self.judged.end


def cut_periods(days: Iterable[date], unit: Unit) -> tuple[Period, ...]:
    """The periods that ``days`` (those with rows) lie in, in order; those without a row between them are left out."""
    return tuple(_period(start, unit) for start in sorted({_start(day, unit) for day in days}))


def choose_unit(days: Sequence[date]) -> Unit:
    """The longest unit of which there are periods enough for two decisions; ``day`` where none has them."""
    return next((unit for unit in UNITS if len(cut_periods(days, unit)) >= _FEWEST), "day")


def plan_steps(periods: Sequence[Period], unit: Unit) -> tuple[Step, ...]:
    """Every decision that has a period before it to fit on, and one after it that shows what came of it.

    A decision is made at the end of each period; what it is judged on are the last ``unit``'s worth of :data:`JUDGED` periods (at
    most half of those there are): a week alone has too few days for an interval over days.
    """
    count = min(JUDGED[unit], max(1, (len(periods) - 2) // 2))
    return tuple(Step(_joined(periods[end - count + 1 : end + 1]), live) for end, live in enumerate(periods[1:]) if end >= count)


def _joined(periods: Sequence[Period]) -> Period:
    first, last = periods[0], periods[-1]
    return last if first is last else Period(f"{first.name} to {last.name}", first.start, last.end)


def _start(day: date, unit: Unit) -> date:
    if unit == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if unit == "week" else day


def _period(start: date, unit: Unit) -> Period:
    days = {"month": 31, "week": 7, "day": 1}[unit]
    end = _start(start + timedelta(days=days), unit)
    name = f"{start:%Y-%m}" if unit == "month" else f"{start:%Y-%m-%d}"
    return Period(name, _midnight(start), _midnight(end))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
