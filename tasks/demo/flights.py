"""The demo's flights and their outcomes: real departures from New York in 2013, and when each was known.

What belongs here: identity, times in UTC and labels of flights. What does not: what is synthetic about passengers, or how
the lake stores anything.
"""

import numpy as np
import pyarrow as pa

from tasks.demo.streams import DAY_US, MINUTE_US, as_integers, as_timestamps, open_stream

LATE_MINUTES = 15
"""A flight is late when it arrives more than this many minutes after its scheduled arrival, or never."""

_FLIGHTS = f"""
WITH placed AS (
  SELECT f.*, time_hour + minute * INTERVAL 1 MINUTE AS scheduled_utc,
         coalesce(a.tzone, 'America/Puerto_Rico') AS zone -- the register lacks the four airports in the Caribbean, all on this time
  FROM source f LEFT JOIN airports a ON f.dest = a.faa
), timed AS (
  SELECT *, timezone(zone, scheduled_utc) AS there,
         (sched_arr_time // 100) * 60 + sched_arr_time % 100 AS arrival_minute
  FROM placed
), arriving AS (
  SELECT *, scheduled_utc + ((arrival_minute - hour(there) * 60 - minute(there) + 2880) % 1440)
            * INTERVAL 1 MINUTE AS scheduled_arrival_utc
  FROM timed
)
SELECT carrier || flight || '-' || strftime(make_date(year, month, day), '%Y%m%d') || '-' || origin AS flight_id,
       scheduled_utc, scheduled_arrival_utc,
       CASE WHEN arr_delay IS NOT NULL THEN scheduled_arrival_utc + arr_delay * INTERVAL 1 MINUTE
            WHEN dep_time IS NULL THEN scheduled_utc + (30 + (flight * 7 + day * 13) % 90) * INTERVAL 1 MINUTE
            ELSE scheduled_arrival_utc + INTERVAL 6 HOUR END AS arrival_known_utc,
       carrier, flight::INTEGER AS flight_number, origin, dest, tailnum, distance::INTEGER AS distance,
       dep_delay::INTEGER AS dep_delay, arr_delay::INTEGER AS arr_delay, air_time::INTEGER AS air_time,
       dep_time IS NULL AS is_cancelled, dep_time IS NOT NULL AND arr_delay IS NULL AS is_diverted,
       source."hour"::INTEGER AS local_hour,
       isodow(make_date(year, month, day))::INTEGER AS local_weekday,
       (arr_delay IS NULL OR arr_delay > {LATE_MINUTES})::TINYINT AS is_late
FROM arriving AS source
ORDER BY scheduled_utc, flight_id
"""  # noqa: S608 - built from a constant of this module


def derive_flights(source: pa.Table, airports: pa.Table) -> pa.Table:
    """All flights of the year with what the lake's other tables are derived from, in order of scheduled departure.

    Columns: flight_id (carrier and number, local date, origin: unique, as each number departs once a day from an origin);
    scheduled_utc and scheduled_arrival_utc (the timetable's local clocks, in UTC); arrival_known_utc (actual arrival; for a
    cancelled flight 30 to 119 minutes after its scheduled departure; for a diverted one six hours after its scheduled
    arrival); carrier, flight_number, origin, dest, tailnum (nullable), distance (miles), dep_delay, arr_delay and air_time
    (minutes, NULL where there was none), is_cancelled, is_diverted; local_hour and local_weekday (1 is Monday) of the
    scheduled departure; is_late (1: arrived more than 15 minutes late, was cancelled or diverted).
    """
    import duckdb  # here, since stages import this package only to know the demo's key

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.register("source", source)
        connection.register("airports", airports)
        return connection.sql(_FLIGHTS).to_arrow_table()


def select_flights(flights: pa.Table) -> pa.Table:
    """The lake's table ``flights``: :func:`derive_flights` less what production does not store with a flight."""
    return flights.drop_columns(["local_hour", "local_weekday", "is_late"])


def derive_outcomes(flights: pa.Table, seed: int) -> pa.Table:
    """The lake's table ``outcomes``: flight_id, is_late (int8), known_utc, reported_by (ops or reconciliation).

    Operations report most outcomes 5 to 30 minutes after the arrival is known. Three in a hundred are settled by
    reconciliation, one to three days later: these are the labels that come late.
    """
    rows = flights.num_rows
    stream = open_stream(seed, "outcomes")
    is_reconciled = stream.random(rows) < 0.03
    prompt = stream.integers(5, 31, rows) * MINUTE_US
    settled = stream.integers(DAY_US, 3 * DAY_US, rows) // MINUTE_US * MINUTE_US

    known = as_integers(flights["arrival_known_utc"]) + np.where(is_reconciled, settled, prompt)
    return pa.table(
        {
            "flight_id": flights["flight_id"],
            "is_late": flights["is_late"],
            "known_utc": as_timestamps(known),
            "reported_by": pa.array(["ops", "reconciliation"]).take(pa.array(is_reconciled.astype("int8"))),
        }
    )
