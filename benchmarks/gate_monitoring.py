"""A year of daily looks at one challenger: how often the confidence sequence is wrong, and how soon it notices harm.

What belongs here: simulated days, the sequence of ``windtunnel gate monitor``, and beside it an interval of that confidence that is
looked at each day. What does not: one look at a holdout (``gate_simulation``), and thirty of them (``gate_looks``).
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.gate_simulation import SIMULATIONS, draws, rate
from benchmarks.measure import print_table
from tasks.gates import watch
from tasks.gates.sequential import FEWEST_DAYS, confidence_sequence

DAYS, ALPHA = 365, 0.05
_MOST_ROWS = 80
_LATE = 100 - FEWEST_DAYS
"""Of the days on which something is concluded, the place of the hundredth day."""
_NAMES = tuple(str(day) for day in np.datetime64("2020-01-01") + np.arange(DAYS))
Floats = NDArray[np.float64]


def normal_days(random: np.random.Generator) -> Floats:
    """Independent days of one spread."""
    return random.normal(size=DAYS)


def skewed_days(random: np.random.Generator) -> Floats:
    """Independent days, some far better than others: most lie below the mean."""
    return random.gamma(2, 1, DAYS) - 2


def clustered_rows(random: np.random.Generator) -> Floats:
    """Means of days of 20 to 80 rows, the rows of a day sharing an effect: both models' errors in scoring the same rows."""
    rows = random.integers(20, _MOST_ROWS + 1, DAYS)
    is_there = np.arange(_MOST_ROWS) < rows[:, None]
    hardness = np.exp(0.5 * random.normal(size=(DAYS, 1)))
    effect = 0.3 * random.normal(size=(DAYS, 1))
    champion, challenger = (np.square(hardness * random.normal(size=(DAYS, _MOST_ROWS))) for _ in range(2))
    found: Floats = ((challenger - champion) * is_there).sum(axis=1) / rows + effect[:, 0]
    return found


def weekly_days(random: np.random.Generator) -> Floats:
    """Weekends on which the challenger is better, and other days on which it is worse."""
    shift = np.where(np.arange(DAYS) % 7 >= 5, 2.5, -1.0)
    return random.normal(size=DAYS) + shift - shift[: DAYS // 7 * 7].mean()


def far_skewed_days(random: np.random.Generator) -> Floats:
    """Independent lognormal days: the mean lies in a few of them."""
    found: Floats = np.exp(random.normal(size=DAYS)) - np.exp(0.5)
    return found


def dependent_days(random: np.random.Generator, share: float, lag: int = 1) -> Floats:
    """Days of which each holds a ``share`` of the day ``lag`` before."""
    chance = random.normal(size=DAYS + lag)
    days = chance.copy()
    for day in range(lag, DAYS + lag):
        days[day] = share * days[day - lag] + np.sqrt(1 - share**2) * chance[day]
    return days[lag:]


def slow_days(random: np.random.Generator, part: float, share: float) -> Floats:
    """A ``part`` of the variance holds a ``share`` of the day before; the rest of each day is its own."""
    found: Floats = np.sqrt(part) * dependent_days(random, share) + np.sqrt(1 - part) * random.normal(size=DAYS)
    return found


_KINDS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "normal": normal_days,
    "skewed": skewed_days,
    "rows that share a day's effect": clustered_rows,
    "other on weekends": weekly_days,
    "each holds 0.3 of the day before": partial(dependent_days, share=0.3),
    "each holds 0.5 of the day before": partial(dependent_days, share=0.5),
    "each holds 0.7 of the day before": partial(dependent_days, share=0.7),
    "each holds 0.5 of the day a week before": partial(dependent_days, share=0.5, lag=7),
    "each holds 0.7 of the day a week before": partial(dependent_days, share=0.7, lag=7),
    "30 % slow (0.9 of the day before)": partial(slow_days, part=0.3, share=0.9),
    "20 % slower (0.95 of the day before)": partial(slow_days, part=0.2, share=0.95),
    "skewed as a lognormal": far_skewed_days,
}


def false_alarms() -> None:
    """An equal model and a margin of 0: whatever is concluded on some day is wrong, one way or the other."""
    rows = []
    for name, make in _KINDS.items():
        broken, held, either, late, naive = 0, 0, 0, 0, 0
        for _, random in draws(f"monitoring {name}"):
            days = make(random)
            is_broken = watch(_NAMES, days, "higher_is_better", 0.0, ALPHA).status == "broken"
            ends = confidence_sequence(days, ALPHA)[FEWEST_DAYS - 1 :]
            is_held = bool((ends[:, 0] > 0).any())
            broken, held, either = broken + is_broken, held + is_held, either + (is_broken or is_held)
            late += bool(((ends[_LATE:, 0] > 0) | (ends[_LATE:, 1] < 0)).any())
            naive += first_day(daily_interval(days), 0.0) is not None
        rows.append([name, *(rate(count, SIMULATIONS) for count in (broken, held, either, late, naive))])
    head = ["days", "called broken", "called better", "wrong at all", "from day 100 on", "broken, by a daily interval"]
    print_table(f"A year of daily looks at an equal model, alpha {ALPHA} ({SIMULATIONS} each)", head, rows)


def delays() -> None:
    """How soon a challenger is noticed that is worse than the margin allows, from the first day or after a good third of a year."""
    rows = []
    for began in (0, 120):
        for worse in (0.25, 0.5, 1.0):
            told: dict[str, list[int]] = {"sequence": [], "daily": []}
            early = 0
            for _, random in draws(f"delay {began} {worse}"):
                days = clustered_rows(random)
                days = days / days.std() - worse * (np.arange(DAYS) >= began)
                found = watch(_NAMES, days, "higher_is_better", 0.0, ALPHA)
                daily = first_day(daily_interval(days), 0.0)
                if found.status == "broken" and found.since is not None:
                    told["sequence"].append(_NAMES.index(found.since) + 1)
                if daily is not None:
                    told["daily"].append(daily + 1)
                early += daily is not None and daily < began
            seen = [rate(len(told[rule]), SIMULATIONS) for rule in told]
            when = [f"{np.median(told[rule]):.0f} ({np.quantile(told[rule], 0.9):.0f})" if told[rule] else "" for rule in told]
            rows.append(
                [f"{worse:g}", f"day {began + 1}", seen[0], when[0], seen[1], when[1], rate(early, SIMULATIONS) if began else ""]
            )
    head = ["worse by", "from", "noticed", "on day, median (90 %)", "daily interval", "on day", "before there was harm"]
    print_table(f"When harm is noticed, in standard deviations of a day, margin 0 ({SIMULATIONS} each)", head, rows)


def daily_interval(days: Floats) -> Floats:
    """The upper end of Student's interval of the mean of the days so far, after each; NaN before ``FEWEST_DAYS``."""
    count = np.arange(1, len(days) + 1)
    means = np.cumsum(days) / count
    variances = np.maximum(np.cumsum(np.square(days)) / count - np.square(means), 0.0) * count / np.maximum(count - 1, 1)
    ends: Floats = means + stats.t.ppf(1 - ALPHA / 2, np.maximum(count - 1, 1)) * np.sqrt(variances / count)
    ends[: FEWEST_DAYS - 1] = np.nan
    return ends


def first_day(upper: Floats, limit: float) -> int | None:
    """The place of the first day on which an interval lies wholly below ``limit``; None where there is none."""
    places = np.flatnonzero(upper < limit)
    return int(places[0]) if len(places) else None


def monitoring() -> None:
    """Every simulation."""
    false_alarms()
    delays()


if __name__ == "__main__":
    monitoring()
