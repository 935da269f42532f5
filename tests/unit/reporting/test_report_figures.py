# ruff: noqa: RUF001 - minus signs and dashes are what readers see
"""One number looks the same everywhere, and never like another one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_stories import make_outcome

from tasks.records import Interval
from tasks.reporting import figures

FLOATS = st.floats(-1, 1, allow_nan=False)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (figures.format_level(0.75123), "0.7512"),
        (figures.format_level(52.12345), "52.123"),
        (figures.format_level(123456.7), "123457"),
        (figures.format_change(-1234.56), "−1234.6"),
        (figures.format_fraction(0.2271), "22.7 %"),
        (figures.format_fraction(0.0004), "< 0.1 %"),
        (figures.format_fraction(0.0), "0.0 %"),
        (figures.label_metric("recall[heavy rain]"), "Recall of heavy rain"),
        (figures.label_metric("macro_f1"), "Macro F1"),
        (figures.format_level(None), "–"),
        (figures.format_level(float("nan")), "–"),
        (figures.format_change(0.01234), "+0.0123"),
        (figures.format_change(-0.005), "−0.0050"),
        (figures.format_change(-0.00001), "0.0000"),
        (figures.format_change(float("inf")), "–"),
        (figures.format_plain(0.65), "0.65"),
        (figures.format_plain(-0.005), "−0.005"),
        (figures.format_plain(0.0), "0"),
        (figures.format_plain(0.0000025), "0.0000025"),
        (figures.format_plain(1e-12), "0"),
        (figures.format_count(12345), "12,345"),
        (figures.format_count(None), "–"),
        (figures.format_share(1, 4), "25.0 %"),
        (figures.format_share(1, 1_000_000), "< 0.1 %"),
        (figures.format_share(999_999, 1_000_000), "> 99.9 %"),
        (figures.format_share(0, 10), "0 %"),
        (figures.format_share(10, 10), "100 %"),
        (figures.format_share(0, 0), "–"),
        (figures.format_bytes(999), "999 B"),
        (figures.format_bytes(999_999), "1.0 MB"),
        (figures.format_confidence(0.95), "95 %"),
        (figures.format_moment("2013-10-31T06:07:08Z"), "2013-10-31 06:07 UTC"),
        (figures.format_moment(None), "–"),
        (figures.format_day("2013-10-31T06:07:08Z"), "2013-10-31"),
        (figures.label_metric("roc_auc"), "ROC AUC"),
        (figures.label_metric("own_cost"), "own cost"),
        (figures.label_metric(None), "–"),
    ],
)
def test_a_value_is_written_as_its_noun_wants(actual: str, expected: str) -> None:
    """Levels, changes, thresholds, counts, shares, sizes and times each have one form."""
    assert actual == expected


def test_interval_is_written_with_both_ends() -> None:
    """A difference's ends carry signs, a level's do not."""
    interval = Interval(low=-0.001, high=0.02, confidence=0.95)
    assert figures.format_interval(interval, is_change=True) == "−0.0010 to +0.0200"
    assert figures.format_interval(interval, is_change=False) == "−0.0010 to 0.0200"
    assert figures.format_interval(None, is_change=True) == "–"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bound": 0.65, "margin": None}, "≥ 0.65"),
        ({"bound": None, "margin": 0.005}, "difference ≥ −0.005"),
        ({"bound": 0.65, "margin": 0.005}, "≥ 0.65 and difference ≥ −0.005"),
        ({"bound": None, "margin": 0.002, "direction": "lower_is_better"}, "difference ≤ +0.002"),
        ({"bound": 0.5, "margin": None, "direction": "lower_is_better"}, "≤ 0.5"),
        ({"bound": None, "margin": 0.0}, "difference ≥ 0"),
        ({"bound": None, "margin": None, "metric": None}, "passed"),
    ],
)
def test_limit_follows_the_direction(changes: dict[str, object], expected: str) -> None:
    """A limit reads the way its metric is judged."""
    assert figures.format_limit(make_outcome(**changes)) == expected


@settings(deadline=None, max_examples=200)
@given(FLOATS, FLOATS)
def test_what_differs_looks_different(one: float, other: float) -> None:
    """An interval's end that misses its limit, by however little, is not printed as the limit."""
    digits = figures.digits_to_tell_apart((one, other))
    assert 4 <= digits <= 9
    if abs(one - other) > 1e-8:
        assert figures.format_change(one, digits) != figures.format_change(other, digits)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int) -> None:
    """0 % means none and 100 % means all."""
    part = min(part, whole)
    text = figures.format_share(part, whole)
    assert (text == "0 %") == (part == 0)
    assert (text == "100 %") == (part == whole)
