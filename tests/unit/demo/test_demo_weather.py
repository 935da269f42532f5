"""Weather: real readings, one misread a day, and its correction."""

from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.demo.source import read_source
from tasks.demo.streams import DAY_US, as_integers, microseconds
from tasks.demo.weather import CORRECTED_AFTER_US, KNOT_MPH, derive_weather, publish_weather

START = microseconds(datetime(2013, 1, 1, tzinfo=timezone.utc))
WEATHER = derive_weather(read_source("weather")).slice(0, 1_500)


def _wind(table: pa.Table) -> np.ndarray:
    return np.asarray(table["wind_speed"].to_numpy(zero_copy_only=False))


@pytest.fixture(scope="module")
def year() -> pa.Table:
    return derive_weather(read_source("weather"))


def test_one_reading_per_airport_and_hour(year: pa.Table) -> None:
    """Keys are unique over the change of the clocks too, and all hours are UTC hours."""
    assert year.group_by(["origin", "observed_utc"]).aggregate([]).num_rows == year.num_rows == 26_115
    assert (as_integers(year["observed_utc"]) % 3_600_000_000 == 0).all()


def test_hours_follow_the_sun(year: pa.Table) -> None:
    """It is coldest before dawn in New York, about 10 UTC: readings are not stamped with local time."""
    hours = pc.hour(year["observed_utc"]).to_numpy()
    temperature = year["temperature"].to_numpy(zero_copy_only=False)
    mean = [np.nanmean(temperature[hours == hour]) for hour in range(24)]
    assert int(np.argmin(mean)) in (9, 10, 11)


def test_the_impossible_wind_speed_is_a_gap(year: pa.Table) -> None:
    """No reading beyond any storm's."""
    assert pc.max(year["wind_speed"]).as_py() < 150
    assert year["wind_speed"].null_count == 5


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20 * DAY_US), st.integers(0, 2**32))
def test_one_reading_a_day_is_in_knots_until_corrected(after: int, seed: int) -> None:
    """At any time each day has at most one misreading, and one that is older than four and a half days has none."""
    as_of = START + after
    published, written = publish_weather(WEATHER, seed, as_of)
    real, shown = _wind(WEATHER), _wind(published)
    differs = np.flatnonzero(~((real == shown) | (np.isnan(real) & np.isnan(shown))))
    days = as_integers(WEATHER["observed_utc"]) // DAY_US
    pending = np.unique(days[days * DAY_US + CORRECTED_AFTER_US >= as_of])
    assert days[differs].tolist() == pending.tolist()
    assert np.allclose(shown[differs] * KNOT_MPH, real[differs], atol=1e-4)
    corrected = np.flatnonzero(written != as_integers(WEATHER["observed_utc"]))
    assert (written[corrected] < as_of).all()
    assert len(np.unique(days[corrected])) == len(corrected)


def test_between_two_days_one_partition_is_corrected() -> None:
    """From one midnight to the next, published readings change in one day only."""
    for number in range(6, 15):
        before, after = (_wind(publish_weather(WEATHER, 3, START + count * DAY_US)[0]) for count in (number, number + 1))
        changed = np.flatnonzero((before != after) & ~(np.isnan(before) & np.isnan(after)))
        assert len(changed) == 1
