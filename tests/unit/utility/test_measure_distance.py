"""Distances of columns: what masking leaves is 0, what it takes is not, and few people are no figure."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import wasserstein_distance

from tasks.utility import ColumnSample, measure_distance


def _measure(raw, masked, transform="kept", *, k=5, people=None):
    raw, masked = (column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column]) for column in (raw, masked))
    return measure_distance(ColumnSample("t", "c", transform, transform, raw, masked, people or len(raw)), k)


def test_kept_columns_do_not_move():
    """Of any type."""
    for column in ([1, 2, None, 4] * 10, ["a", "b", None, "a"] * 10, [date(2020, 1, day) for day in range(1, 29)]):
        found = _measure(pa.array(column), pa.array(column))
        assert (found.distance, found.reason) == (0.0, "")


def test_numbers_move_in_standard_deviations():
    """A column that is shifted by half its deviation."""
    raw = np.random.default_rng(0).normal(3, 2, 500)
    found = _measure(pa.array(raw), pa.array(raw + 1), "noise")
    assert found.measure == "Wasserstein"
    assert found.distance == pytest.approx(wasserstein_distance(raw, raw + 1) / raw.std(), abs=1e-4)


def test_dates_that_became_decades_are_held_against_years():
    """The decade's first year is some five years before the dates in it."""
    days = [date(1950 + year, 7, 2) for year in range(50)]
    found = _measure(pa.array(days), pa.array([day.year // 10 * 10 for day in days], pa.int32()), "generalise")
    assert found.measure == "Wasserstein"
    assert 0.2 < found.distance < 0.5


def test_tokens_leave_the_frequency_profile():
    """Names changed, frequencies not; one name for all of them is as far as it can be."""
    raw = pa.array(["a"] * 30 + ["b"] * 20 + ["c"] * 10)
    renamed = pa.array(["x"] * 30 + ["y"] * 20 + ["z"] * 10)
    assert _measure(raw, renamed, "token").distance == 0.0
    assert _measure(raw, pa.array(["[redacted]"] * 60), "redact").distance == pytest.approx(0.5)


def test_texts_that_keep_their_values_are_compared_by_value():
    """Half of one value became another."""
    found = _measure(pa.array(["a"] * 40 + ["b"] * 40), pa.array(["a"] * 60 + ["b"] * 20), "shuffle")
    assert (found.measure, found.distance) == ("total variation", 0.25)


def test_few_people_are_no_figure():
    """Nor are few values, or few changes."""
    column = pa.array(list(range(40)))
    assert _measure(column, column, people=4).distance is None
    assert _measure(pa.array([1, 2, None] + [None] * 9), pa.array([1, 2, None] + [None] * 9)).distance is None
    found = _measure(column, pa.array([*range(39), 1000]), "clip")
    assert (found.distance, found.reason) == (None, "withheld: fewer than 5 values make it")


def test_few_nulls_are_withheld():
    """One row without a value is somebody's; none, and many, are told."""
    raw = pa.array([None, *range(50)])
    found = _measure(raw, pa.array([None] * 10 + list(range(41))), "noise")
    assert (found.nulls_before, found.nulls_after) == (None, pytest.approx(0.1961))
    assert found.reason.startswith("NULLs withheld")


def test_a_constant_has_no_scale():
    """What became of it has no distance in its deviations."""
    found = _measure(pa.array([3.0] * 20), pa.array([3.0, 4.0] * 10), "noise")
    assert (found.distance, found.reason) == (None, "the raw column has one value only, and masked rows have others")
