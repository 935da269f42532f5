"""The demo's hourly weather at the three airports, as it was first published and as it was corrected.

What belongs here: readings, and the one misreading a day that is corrected later. What does not: storing them.

All readings are real. One a day, though, is first published with its wind speed left in knots, and corrected to the real
one some four days later: that is how one older partition of the lake changes each day.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.demo.streams import DAY_US, Ints, as_integers, as_timestamps, open_stream

KNOT_MPH = 1.15078
"""Miles per hour in a knot, as the source's own figures were converted."""
CORRECTED_AFTER_US = 4 * DAY_US + DAY_US // 2
"""From the start of a day to the correction of its misreading: noon, four days on."""
_FASTEST_MPH = 150.0
"""The source holds one impossible wind speed (1,048 mph at EWR, 2013-02-12); it is stored as NULL, like other gaps."""

_COLUMNS = {
    "origin": "origin",
    "time_hour": "observed_utc",
    "temp": "temperature",
    "dewp": "dew_point",
    "humid": "humidity",
    "wind_dir": "wind_direction",
    "wind_speed": "wind_speed",
    "wind_gust": "wind_gust",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}


def derive_weather(source: pa.Table) -> pa.Table:
    """The real readings in order of time and origin, one per origin and hour.

    Columns: origin, observed_utc, temperature and dew_point (°F), humidity (%), wind_direction (degrees), wind_speed and
    wind_gust (mph), precipitation (inches), pressure (hPa), visibility (miles); gaps are NULL.
    """
    table = (
        source.select(list(_COLUMNS))
        .rename_columns(list(_COLUMNS.values()))
        .sort_by([("observed_utc", "ascending"), ("origin", "ascending")])
    )
    wind = pc.if_else(pc.greater(table["wind_speed"], _FASTEST_MPH), pa.scalar(None, pa.float64()), table["wind_speed"])
    table = table.set_column(table.column_names.index("wind_speed"), "wind_speed", wind)
    return table.set_column(1, "observed_utc", as_timestamps(as_integers(table["observed_utc"])))


def publish_weather(weather: pa.Table, seed: int, as_of_us: int) -> tuple[pa.Table, Ints]:
    """The readings as published by ``as_of_us``, and when each row was last written (microseconds UTC).

    A day's misreading is drawn from the seed and the day alone, among readings with wind. Before its correction it shows the
    speed in knots and the time of observation; from then on the real speed and the time of the correction.
    """
    observed = as_integers(weather["observed_utc"])
    speed = np.array(weather["wind_speed"].to_numpy(zero_copy_only=False), dtype=np.float64)
    misread = _draw_misreadings(observed // DAY_US, speed, seed)
    correction = observed[misread] // DAY_US * DAY_US + CORRECTED_AFTER_US
    is_corrected = correction < as_of_us
    written = observed.copy()
    written[misread[is_corrected]] = correction[is_corrected]
    pending = misread[~is_corrected]
    speed[pending] = np.round(speed[pending] / KNOT_MPH, 5)
    column = pa.array(speed, mask=np.isnan(speed))
    return weather.set_column(weather.column_names.index("wind_speed"), "wind_speed", column), written


def _draw_misreadings(days: Ints, speed: np.ndarray, seed: int) -> Ints:
    windy = np.flatnonzero(speed > 0)
    names, first, counts = np.unique(days[windy], return_index=True, return_counts=True)
    draws = np.array([open_stream(seed, "weather", int(day)).random() for day in names])
    return np.asarray(windy[first + (draws * counts).astype(np.int64)], dtype=np.int64)
