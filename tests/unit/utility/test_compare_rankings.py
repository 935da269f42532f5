"""Rank correlation and agreement of decisions: known rankings give known figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau, spearmanr

from tasks.records import Interval
from tasks.utility import PanelFigures, compare_decisions, compare_rankings


def _interval(values):
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(low=float(low), high=float(high), confidence=0.95)


def _figures(points, noise=0.001, seed=0):
    points = np.array(points, dtype=float)
    return PanelFigures(points, points + np.random.default_rng(seed).normal(0, noise, (200, len(points))))


def _decide(lead, interval, champion):
    return "pass" if interval.low >= -0.01 else "fail" if interval.high < -0.01 else "inconclusive"


def _compare(raw, masked):
    return compare_decisions(raw, masked, rule="margin 0.01", find_interval=_interval, decide=_decide)


@given(arrays(float, 6, elements=st.integers(0, 4)), arrays(float, 6, elements=st.integers(0, 4)))
def test_correlations_are_those_of_scipy(raw, masked):
    """Ties included; without any ranking there is no correlation."""
    empty = np.zeros((0, 6))
    found = compare_rankings(PanelFigures(raw, empty), PanelFigures(masked, empty), _interval)
    if len(set(raw)) < 2 or len(set(masked)) < 2:
        assert found.spearman is None and found.kendall is None
    else:
        assert found.spearman == pytest.approx(spearmanr(raw, masked).statistic)
        assert found.kendall == pytest.approx(kendalltau(raw, masked).statistic)


def test_the_interval_comes_from_replicates_of_both_sides():
    """Well apart, every replicate ranks alike."""
    figures = _figures([0.6, 0.65, 0.7, 0.75])
    found = compare_rankings(figures, _figures([0.5, 0.6, 0.7, 0.8], seed=1), _interval)
    assert (found.spearman_interval.low, found.spearman_interval.high) == (pytest.approx(1.0), pytest.approx(1.0))


def test_without_replicates_there_is_no_interval():
    """Too few clusters to resample."""
    figures = PanelFigures(np.array([0.1, 0.2, 0.3]), np.zeros((0, 3)))
    assert compare_rankings(figures, figures, _interval).spearman_interval is None


def test_equal_figures_agree_wholly():
    """Each pair that is told apart is decided twice, the same each time."""
    figures = _figures([0.5, 0.6, 0.7])
    found = _compare(figures, figures)
    assert (found.pairs, found.told_apart, found.decisions, found.same, found.same_order, found.reversed) == (3, 3, 6, 1.0, 1.0, 0)


def test_a_turned_ranking_reverses_decisions():
    """Who won against the other now loses by more than the margin."""
    found = _compare(_figures([0.5, 0.6, 0.7]), _figures([0.7, 0.6, 0.5]))
    assert (found.same, found.same_order, found.reversed) == (0.0, 0.0, 6)


def test_models_that_raw_rows_do_not_tell_apart_are_not_asked():
    """Their order on masked rows says nothing."""
    found = _compare(_figures([0.5, 0.5, 0.5], noise=0.1), _figures([0.5, 0.6, 0.7]))
    assert (found.told_apart, found.same, found.same_order) == (0, None, None)
