"""Watching a difference day by day: false alarms under continuous looking, and what a file of days says."""

import json
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from flows.cli.root import windtunnel
from tasks.errors import GateError
from tasks.gates.sequential import FEWEST_DAYS, confidence_sequence, watch
from tasks.stages.monitoring import monitor_file

DAYS = 365


def days(count=DAYS):
    return tuple(str(day) for day in np.datetime64("2020-01-01") + np.arange(count))


def holding(share, lag, random):
    """1,000 years of days that hold a ``share`` of the day ``lag`` before, of variance 1."""
    drawn = random.normal(size=(1000, DAYS + 100))
    for day in range(lag, DAYS + 100):
        drawn[:, day] = share * drawn[:, day - lag] + np.sqrt(1 - share**2) * drawn[:, day]
    return drawn[:, 100:]


KINDS = {
    "normal": (lambda random: random.normal(size=(1000, DAYS)), 0.05),
    "skewed": (lambda random: random.gamma(2, 1, size=(1000, DAYS)) - 2, 0.05),
    "like the day before": (lambda random: holding(0.4, 1, random), 0.05),
    "like the same day of last week": (lambda random: holding(0.6, 7, random), 0.05),
    # Not kept, and said so: twice to three times as often wrong without the allowance for slow effects.
    "a slow effect": (lambda random: np.sqrt(0.3) * holding(0.9, 1, random) + np.sqrt(0.7) * random.normal(size=(1000, DAYS)), 0.2),
}
"""Years of days with a mean of 0, and the share of years that may be wrong."""


@pytest.mark.parametrize("kind", KINDS)
def test_false_alarms_under_daily_looks_stay_as_rare_as_is_said(kind):
    """1,000 years of an equal model, each looked at every day; the interval that holds on one day alone is far off."""
    make, most = KINDS[kind]
    drawn = make(np.random.default_rng(5))
    sequences = np.stack([confidence_sequence(one, 0.05) for one in drawn])[:, FEWEST_DAYS - 1 :]
    alarms = ((sequences[..., 0] > 0) | (sequences[..., 1] < 0)).any(axis=1)
    assert alarms.mean() <= most
    count = np.arange(1, DAYS + 1)
    means = np.cumsum(drawn, axis=1) / count
    spread = np.sqrt(np.cumsum(np.square(drawn), axis=1) / count - np.square(means))
    naive = (np.abs(means) > 1.96 * spread / np.sqrt(count))[:, FEWEST_DAYS - 1 :].any(axis=1)
    assert naive.mean() > 1 / 4


def test_the_sequence_is_the_published_formula():
    """At one time, written out: Waudby-Smith et al. (2024), theorem 2.2 with the tuning of their appendix; of days that swing."""
    values = np.sort(np.random.default_rng(1).normal(3, 2, size=80))[order_that_swings(80)]
    time, alpha = 80, 0.1
    rho = np.sqrt((-2 * np.log(alpha) + np.log(-2 * np.log(alpha)) + 1) / 60)
    root = np.sqrt(2 * (time * rho**2 + 1) / (time**2 * rho**2) * np.log(np.sqrt(time * rho**2 + 1) / alpha))
    low, high = confidence_sequence(values, alpha)[time - 1]
    assert (low, high) == pytest.approx((values.mean() - values.std() * root, values.mean() + values.std() * root))


def test_days_that_resemble_earlier_ones_are_worth_fewer():
    """The interval is wider by the root of a factor: of the day before and the week before, as textbooks write the correlation."""
    values = np.convolve(np.random.default_rng(1).normal(3, 2, size=81), [1, 0.8], "valid")
    factor = 1.0
    for lag in (1, 7):
        alike = correlation(values, lag)
        alike = max(0.0, alike + (1 + (3 + lag) * alike) / 80 + np.sqrt((1 - alike**2) / 80) / 2)
        factor *= (1 + alike) / (1 - alike)
    assert factor > 2
    assert widened(values) == pytest.approx(np.sqrt(factor))


def test_a_slow_effect_under_days_of_their_own_widens_more_than_the_day_before_tells():
    """Its share, from the mean correlation over a week, solves the equation in which the estimated mean takes its part."""
    random = np.random.default_rng(3)
    values = np.sin(np.arange(80) / 8) + 1.2 * random.normal(size=80)
    share = (widened(values) ** 2 - 1) / 18
    assert 0.2 < share < 1
    # Var(mean) = var (1 + 18 share) / n is missing from both the covariances and the variance.
    taken = (1 + 18 * share) / 60
    spans = [values[start : start + 60] for start in range(21)]
    over_a_week = np.mean([correlation(span, lag) * 60 / (60 - lag) for span in spans for lag in range(1, 8)])
    assert over_a_week * (1 - taken) + taken == pytest.approx(share * np.mean(0.9 ** np.arange(1, 8)))


def correlation(values, lag):
    """Of a day with the one ``lag`` days before."""
    around = values - values.mean()
    return (around[lag:] * around[:-lag]).sum() / np.square(around).sum()


def widened(values):
    """How many times as wide the interval is as that of the same 80 values in an order in which no day resembles an earlier one."""
    ends = [confidence_sequence(one, 0.1)[-1] for one in (values, np.sort(values)[order_that_swings(80)])]
    return (ends[0][1] - ends[0][0]) / (ends[1][1] - ends[1][0])


def order_that_swings(count):
    """The lowest beside the highest, and so on: no day resembles the one before."""
    return np.stack([np.arange(count // 2), count - 1 - np.arange(count // 2)], axis=1).ravel()


@pytest.mark.parametrize(
    ("mean", "direction", "expected"),
    [
        (0.3, "higher_is_better", "holds"),
        (-0.6, "higher_is_better", "broken"),
        (0.6, "lower_is_better", "broken"),
        (-0.3, "lower_is_better", "holds"),
        (-0.2, "higher_is_better", "undecided"),
    ],
)
def test_a_margin_is_held_broken_or_undecided(mean, direction, expected):
    """By the metric's direction; the ends are in the difference's own sign, and the first day that told is named."""
    differences = mean + 0.5 * np.random.default_rng(2).normal(size=120)
    differences += mean - differences.mean()
    found = watch(days(120), differences, direction, 0.2, 0.05)
    assert (found.status, found.low < found.mean < found.high) == (expected, True)
    assert (found.since is None) == (expected == "undecided")
    assert found.mean == pytest.approx(mean)


def test_what_was_broken_once_stays_broken():
    """Later days that look better take no alarm back."""
    differences = np.concatenate([np.full(60, -1.0), np.full(900, 1.0)]) + 0.1 * np.random.default_rng(3).normal(size=960)
    found = watch(days(960), differences, "higher_is_better", 0.0, 0.05)
    assert (found.status, found.since) == ("broken", days()[FEWEST_DAYS - 1])


def test_harm_that_begins_late_is_no_slow_effect():
    """A whole standard deviation after 120 good days is noticed in the ninety days after, in most of 200 years."""
    drawn = np.random.default_rng(6).normal(size=(200, 210)) - (np.arange(210) >= 120)
    assert np.mean([confidence_sequence(one, 0.05)[-1, 1] < 0 for one in drawn]) > 0.5


def test_what_held_once_is_held_on_the_last_day_or_not_at_all():
    """A hundred good days say nothing of the forty bad ones after them."""
    generator = np.random.default_rng(1)
    good, bad = generator.normal(0, 0.01, 100), generator.normal(-0.05, 0.01, 40)
    held = watch(days(100), good, "higher_is_better", 0.01, 0.05)
    assert held.status == "holds"
    found = watch(days(140), np.concatenate([good, bad]), "higher_is_better", 0.01, 0.05)
    assert (found.status, found.since) == ("undecided", None)
    assert "for the last time" in found.reason


@pytest.mark.parametrize("differences", [np.full(39, 1.0), np.zeros(100)])
def test_too_few_days_or_days_that_are_all_alike_conclude_nothing(differences):
    """Nothing examined is never a pass."""
    found = watch(days(len(differences)), differences, "higher_is_better", 0.5, 0.05)
    assert found.status == "undecided"


def test_a_file_of_days_is_an_exit_code(tmp_path):
    """Parquet with several rows a day, and CSV: the same outcome, in words and as JSON."""
    differences = 0.5 + np.random.default_rng(4).normal(size=(40, 2))
    table = pa.table({"day": np.repeat(np.array(days(40), "datetime64[D]"), 2), "difference": differences.ravel()})
    pq.write_table(table, tmp_path / "found.parquet")
    lines = [f"{day},{value:.17g}" for day, value in zip(days(40), differences.mean(axis=1), strict=True)]
    (tmp_path / "found.csv").write_text("\n".join(["day,difference", *lines]))
    ran = [
        CliRunner().invoke(windtunnel, ["gate", "monitor", str(tmp_path / name), "--margin", "0.5", "--json"])
        for name in ("found.parquet", "found.csv")
    ]
    assert [one.exit_code for one in ran] == [0, 0]
    found = [json.loads(one.stdout) for one in ran]
    assert found[0]["days"] == 40
    assert [one["low"] for one in found] == pytest.approx([found[0]["low"]] * 2)


FAULTS = {
    "gone.csv": (None, "no such file"),
    "bad.txt": ("x", "ends in .txt"),
    "columns.csv": ("day,other\n2020-01-01,1", "cannot be read"),
    "words.csv": ("day,difference\n2020-01-01,high", "cannot be read"),
    "gap.csv": ("day,difference\n2020-01-01,1\n2020-01-02,", "1 rows without a finite difference"),
    "endless.csv": ("day,difference\n2020-01-01,inf", "1 rows without a finite difference"),
    "dayless.csv": ("day,difference\n2020-01-01,1\n,2", "rows without a day"),
    "empty.csv": ("day,difference\n", "no rows"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_says_nothing_is_refused(tmp_path, name):
    """With what it should be, and no value of it."""
    content, told = FAULTS[name]
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(GateError) as caught:
        monitor_file(tmp_path / name, "higher_is_better", margin=0.0, alpha=0.05, today=date(2026, 1, 1))
    assert told in caught.value.found
    assert "high" not in caught.value.found


@pytest.mark.parametrize(
    ("last", "told"), [("2026-01-11", "1 days that have not come yet, the first 2026-01-11"), ("infinity", "infinity")]
)
def test_days_that_have_not_come_yet_are_refused(tmp_path, last, told):
    """A file from the future, or a clock that went back: nobody has seen these days, so they say nothing."""
    file = tmp_path / "days.csv"
    seen = [f"2026-01-{day:02d},0.01" for day in range(1, 11)]
    file.write_text("\n".join(["day,difference", *seen]))
    watched = monitor_file(file, "higher_is_better", margin=0.1, alpha=0.05, today=date(2026, 1, 10))
    assert watched.days == 10
    file.write_text("\n".join(["day,difference", f"{last},0.01", *seen]))
    with pytest.raises(GateError, match=told) as refused:
        monitor_file(file, "higher_is_better", margin=0.1, alpha=0.05, today=date(2026, 1, 10))
    assert refused.value.exit_code == 2
