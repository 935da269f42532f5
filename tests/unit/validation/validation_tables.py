"""Tables that conform to the demo's suites, and mutations that break one expectation each: material for the tests here."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[3]
ROWS = 40
_START = datetime(2013, 5, 1, 10, tzinfo=timezone.utc)
_TIMES = pa.timestamp("us", "UTC")


def _times(offset_minutes: int = 0) -> pa.Array:
    return pa.array([_START + timedelta(minutes=17 * row + offset_minutes) for row in range(ROWS)], _TIMES)


def _tokens(domain: str) -> pa.Array:
    return pa.array([str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{domain}{row}")) for row in range(ROWS)])


def _cycle(*values: Any, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([values[row % len(values)] for row in range(ROWS)], kind)


def _flights(flight_id: pa.Array, tailnum: pa.Array) -> pa.Table:
    return pa.table(
        {
            "flight_id": flight_id,
            "scheduled_utc": _times(),
            "arrival_known_utc": _times(190),
            "carrier": _cycle("UA", "9E", "B6"),
            "origin": _cycle("EWR", "JFK", "LGA"),
            "dest": _cycle("IAH", "MIA"),
            "tailnum": tailnum,
            "distance": _cycle(1400, 1089, kind=pa.int32()),
            "dep_delay": _cycle(-3, 12, 40, kind=pa.int32()),
            "arr_delay": _cycle(-12, 8, None, 44, kind=pa.int32()),
        }
    )


def _weather() -> pa.Table:
    return pa.table(
        {
            "origin": _cycle("EWR", "JFK", "LGA"),
            "observed_utc": _times(),
            "wind_speed": _cycle(0.0, 10.4, 35.0),
            "visibility": _cycle(10.0, 0.5),
            "precipitation": _cycle(0.0, 0.0, 1.2),
            "temperature": _cycle(39.0, 82.0),
            "pressure": _cycle(1012.5, None, 1020.1),
        }
    )


def _planes(tailnum: pa.Array) -> pa.Table:
    years = _cycle(*range(1998, 2012), kind=pa.int32())
    return pa.table({"tailnum": tailnum, "listed_utc": _times(), "year_built": years, "seats": _cycle(55, 189, kind=pa.int32())})


def _predictions(flight_id: pa.Array) -> pa.Table:
    scores = _cycle(0.12, 0.31, 0.07)
    return pa.table({"flight_id": flight_id, "predicted_utc": _times(), "model_version": _cycle("delay-2013-03"), "score": scores})


def _outcomes(flight_id: pa.Array) -> pa.Table:
    return pa.table({"flight_id": flight_id, "is_late": _cycle(0, 0, 1, 0, kind=pa.int8()), "known_utc": _times(200)})


_RAW_FLIGHTS = pa.array([f"UA{row + 1}-20130501-EWR" for row in range(ROWS)])
_RAW_AIRCRAFT = pa.array([f"N{10000 + row}" for row in range(ROWS)])


def _bookings_raw() -> pa.Table:
    return pa.table(
        {
            "booking_id": pa.array([f"K{'ABCDEFGH'[row // 8]}{'ABCDEFGH'[row % 8]}222" for row in range(ROWS)]),
            "flight_id": _RAW_FLIGHTS,
            "loyalty_no": _cycle(*[f"WT{10_000_000 + n}" for n in range(9)]),
            "email": _cycle("ada@example.com", "bob@mail.example.org"),
            "birth_date": _cycle(date(1961, 4, 2), date(1988, 12, 30), kind=pa.date32()),
            "member_since": _cycle(date(2001, 1, 9), date(2010, 6, 1), kind=pa.date32()),
            "postcode": _cycle("10014", "07030"),
            "loyalty_tier": _cycle("none", "silver", "gold"),
            "note": _cycle(None, None, None, "vegetarian meal"),
            "booked_utc": _times(-5000),
        }
    )


def _bookings_masked() -> pa.Table:
    table = _bookings_raw().drop_columns(["email", "member_since"])
    replaced = {
        "booking_id": _tokens("booking"),
        "flight_id": _tokens("flight"),
        "loyalty_no": _cycle(*_tokens("passenger").to_pylist()[:9]),
        "birth_date": _cycle(1960, 1980, kind=pa.int64()),
        "postcode": _cycle("10", "07"),
        "note": _cycle(None, None, None, "[redacted]"),
    }
    for name, column in replaced.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _features() -> pa.Table:
    numbers = {
        "distance": (1400.0, 1089.0),
        "hour": (10.0, 23.0),
        "weekday": (2.0, 6.0),
        "wind_speed": (0.0, 10.4, 35.0),
        "visibility": (10.0, 0.5),
        "precipitation": (0.0, 1.2),
        "pressure": (1012.5, None, 1020.1),
        "aircraft_year": (1999.0, 2008.0, None),
        "aircraft_delay_last": (-10.0, None, 60.0),
        "aircraft_delay_7d": (-10.0, None, 60.0),
        "airport_delay_3h": (3.0, 8.5),
        "airport_delay_1d": (3.0, 8.5, None),
        "carrier_delay_1d": (0.0, 4.5),
        "passenger_count": (0.0, 3.0),
        "passenger_birth_decade": (1965.0, None),
        "passenger_gold_share": (0.5, None),
        "passenger_local_share": (0.25, None),
    }
    fixed = {
        "row_key": _tokens("flight"),
        "at_utc": _times(-120),
        "label": _cycle(0, 0, 1, 0, None, kind=pa.int8()),
        "label_known_utc": pa.array(
            [_START + timedelta(hours=9, minutes=row) if row % 5 != 4 else None for row in range(ROWS)], _TIMES
        ),
        "carrier": _cycle("UA", "9E", "B6"),
        "origin": _cycle("EWR", "JFK", "LGA"),
    }
    return pa.table(fixed | {name: _cycle(*values, kind=pa.float64()) for name, values in numbers.items()})


def _stored_predictions() -> pa.Table:
    return pa.table(
        {
            "row_key": _tokens("flight"),
            "part": _cycle("test"),
            "day": _cycle(date(2013, 9, 2), date(2013, 9, 30), kind=pa.date32()),
            "cluster": _cycle("2013-09-02", "2013-09-30"),
            "label": _cycle(0, 0, 1, 0, kind=pa.int8()),
            "champion_score": _cycle(0.12, 0.31, 0.07),
            "challenger_score": _cycle(0.10, 0.36, 0.05),
            "slice_origin": _cycle("EWR", "JFK", "LGA"),
            "slice_carrier": _cycle("UA", "9E", "B6"),
        }
    )


CONFORMING: dict[str, Callable[[], pa.Table]] = {
    "raw/flights": lambda: _flights(_RAW_FLIGHTS, _RAW_AIRCRAFT),
    "raw/weather": _weather,
    "raw/planes": lambda: _planes(_RAW_AIRCRAFT),
    "raw/bookings": _bookings_raw,
    "raw/predictions": lambda: _predictions(_RAW_FLIGHTS),
    "raw/outcomes": lambda: _outcomes(_RAW_FLIGHTS),
    "masked/flights": lambda: _flights(_tokens("flight"), _tokens("aircraft")),
    "masked/weather": _weather,
    "masked/planes": lambda: _planes(_tokens("aircraft")),
    "masked/bookings": _bookings_masked,
    "masked/predictions": lambda: _predictions(_tokens("flight")),
    "masked/outcomes": lambda: _outcomes(_tokens("flight")),
    "splits/assignments": lambda: pa.table(
        {"row_key": _tokens("flight"), "part": _cycle("train", "validation", "test", "embargo")}
    ),
    "features/features": _features,
    "predictions/predictions": _stored_predictions,
}
"""A table that conforms to each file of ``expectations/``, by the file's path without its suffix."""


def _replace(frame: pd.DataFrame, column: str, value: Any, rows: slice = slice(0, 1)) -> pd.DataFrame:
    """``frame`` with ``value`` in some rows of ``column``, whose type gives way to the value's."""
    values = list(frame[column])
    for row in range(*rows.indices(len(values))):
        values[row] = value
    changed = pd.Series(values, index=frame.index)
    return frame.assign(**{column: changed.astype(frame[column].dtype) if str(frame[column].dtype) == "str" else changed})


def _beyond(frame: pd.DataFrame, column: str, kwargs: dict[str, Any], rows: slice) -> pd.DataFrame:
    limit, step = (kwargs["max_value"], 1) if "max_value" in kwargs else (kwargs["min_value"], -1)
    if isinstance(limit, str):
        return _replace(frame, column, pd.Timestamp(limit) + step * pd.Timedelta(days=1), rows)
    return _replace(frame, column, float(limit) + step, rows)


def mutate(frame: pd.DataFrame, kind: str, kwargs: dict[str, Any]) -> pd.DataFrame:
    """``frame`` changed so that the expectation ``kind`` with ``kwargs`` no longer holds."""
    column = kwargs.get("column", "")
    one, but_one, every = slice(0, 1), slice(1, None), slice(None)
    distinct = {True: [f"value {n}" for n in range(ROWS)], False: [float(n) for n in range(ROWS)]}
    changes: dict[str, Callable[[], pd.DataFrame]] = {
        "expect_table_row_count_to_be_between": lambda: frame.iloc[:0],
        "expect_table_columns_to_match_set": lambda: frame.assign(undeclared="ada@example.com"),
        "expect_column_values_to_not_be_null": lambda: _replace(frame, column, None, but_one),
        "expect_column_proportion_of_non_null_values_to_be_between": lambda: _replace(frame, column, None, but_one),
        "expect_column_values_to_be_unique": lambda: _replace(frame, column, frame[column].iloc[1]),
        "expect_compound_columns_to_be_unique": lambda: pd.concat([frame, frame.iloc[:1]], ignore_index=True),
        "expect_column_values_to_be_between": lambda: _beyond(frame, column, kwargs, one),
        "expect_column_mean_to_be_between": lambda: _beyond(frame, column, kwargs, every),
        "expect_column_values_to_be_in_set": lambda: _replace(frame, column, "XX" if str(frame[column].dtype) == "str" else 7),
        "expect_column_values_to_match_regex": lambda: _replace(frame, column, "Ada Lovelace"),
        "expect_column_values_to_not_match_regex": lambda: _replace(frame, column, "ada@example.com"),
        "expect_column_proportion_of_unique_values_to_be_between": lambda: frame.assign(**{column: distinct[True]}),
        "expect_column_unique_value_count_to_be_between": lambda: frame.assign(
            **{column: distinct[str(frame[column].dtype) == "str"] if "max_value" in kwargs else frame[column].iloc[0]}
        ),
        "expect_column_pair_values_a_to_be_greater_than_b": lambda: _replace(
            frame, kwargs["column_A"], frame[kwargs["column_B"]].iloc[0] - pd.Timedelta(days=1)
        ),
    }
    return changes[kind]()
