"""The demo's registers, which do not grow: aircraft, airports and the airline's loyalty members.

What belongs here: tables that are one file each. What does not: tables that grow by the day.
"""

from datetime import datetime, timezone

import pyarrow as pa

from tasks.demo.passengers import Passengers
from tasks.demo.streams import TIMESTAMP

LISTED_UTC = datetime(2012, 12, 31, tzinfo=timezone.utc)
"""When the registers were drawn up: before the first flight."""


def derive_planes(source: pa.Table) -> pa.Table:
    """``planes``: tailnum, listed_utc, year_built (nullable), seats, type, manufacturer, model, engines, engine.

    Some 700 of the 4,043 aircraft that fly are not in the register, as in the source.
    """
    names = ["tailnum", "year", "seats", "type", "manufacturer", "model", "engines", "engine"]
    table = source.select(names).rename_columns(["tailnum", "year_built", *names[2:]])
    return _list(_narrow(table, ["year_built", "seats", "engines"]), 1).sort_by("tailnum")


def derive_airports(source: pa.Table) -> pa.Table:
    """``airports``: airport, listed_utc, name, latitude and longitude (degrees), altitude (feet), time_zone."""
    table = source.select(["faa", "name", "lat", "lon", "alt", "tzone"])
    table = table.rename_columns(["airport", "name", "latitude", "longitude", "altitude", "time_zone"])
    return _list(_narrow(table, ["altitude"]), 1).sort_by("airport")


def list_members(passengers: Passengers) -> pa.Table:
    """``members``: the loyalty programme's people, whom ``bookings.loyalty_no`` names; synthetic personal data."""
    return _list(passengers.table.select(["loyalty_no", "name", "email", "member_since", "loyalty_tier"]), 1).sort_by("loyalty_no")


def _list(table: pa.Table, position: int) -> pa.Table:
    return table.add_column(position, "listed_utc", pa.repeat(pa.scalar(LISTED_UTC, TIMESTAMP), table.num_rows))


def _narrow(table: pa.Table, names: list[str]) -> pa.Table:
    for name in names:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int32()))
    return table
