"""What figures come to: nothing that was not seen counts as held."""

from typing import Any

import pytest

from tasks.gates.bounds import judge_bound
from tasks.params.utility import UtilityParams
from tasks.records import Agreement, Interval, RankCorrelation
from tasks.utility import conclude


def _conclude(spearman=0.95, low=0.9, high=1.0, *, models=8, **agreement: Any):
    interval = None if low is None else Interval(low=low, high=high, confidence=0.95)
    correlation = RankCorrelation(spearman=spearman, spearman_interval=interval, kendall=None, kendall_interval=None)
    fields = {"pairs": 28, "told_apart": 20, "same_order": 1.0, "decisions": 40, "rule": "margin 0.01", "same": 0.95, "reversed": 0}
    return conclude(
        correlation,
        Agreement(**(fields | agreement)),
        UtilityParams(),
        models,
        lambda value, found, bound: judge_bound(value, found, "higher_is_better", bound, 1000).status,
    )


def test_a_ranking_that_survives_holds():
    """Both bounds reached."""
    assert _conclude() == ("holds", ())


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        ({"low": 0.2, "high": 0.6, "spearman": 0.4}, "fails", "rank correlation 0.40"),
        ({"same": 0.5, "reversed": 3}, "fails", "50% of 40 decisions are the same on masked rows, at least 80% wanted; 3 of them"),
        ({"spearman": None, "low": None}, "fails", "masked rows rank no model above another"),
        ({"low": 0.5}, "cannot_tell", "too wide to tell"),
        ({"low": None}, "cannot_tell", "no interval"),
        ({"told_apart": 5}, "cannot_tell", "raw rows tell 5 of 28 pairs of models apart"),
        ({"told_apart": 5, "same": 0.1, "low": 0.0, "high": 0.1}, "cannot_tell", "raw rows tell 5 of 28"),
        ({"models": 3}, "cannot_tell", "3 models could be compared"),
        ({"low": 0.5, "same": 0.5}, "fails", "50% of 40 decisions"),
    ],
)
def test_outcome_and_reason(changes, outcome, reason):
    """A panel without a ranking on raw rows cannot tell, whatever masked rows make of it; else a failure stands."""
    found, reasons = _conclude(**changes)
    assert found == outcome
    assert any(reason in text for text in reasons)
