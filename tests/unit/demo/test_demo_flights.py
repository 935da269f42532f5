"""Flights and outcomes: identity, times in UTC, labels."""

from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.demo.flights import derive_outcomes, select_flights


def _row(flights: pa.Table, flight_id: str) -> dict[str, object]:
    (row,) = flights.filter(pc.equal(flights["flight_id"], flight_id)).to_pylist()
    return row


def test_every_flight_of_the_year_is_there_once(flights: pa.Table) -> None:
    """All of the source's flights, each under its own id, in order of departure."""
    assert flights.num_rows == 336_776
    assert len(pc.unique(flights["flight_id"])) == flights.num_rows
    scheduled = flights["scheduled_utc"].to_numpy()
    assert (scheduled[1:] >= scheduled[:-1]).all()


def test_local_clocks_become_utc_in_winter_and_summer(flights: pa.Table) -> None:
    """05:15 in New York is 10:15 UTC in January; 08:30 in Houston is 14:30 UTC; summer time moves both by an hour."""
    winter = _row(flights, "UA1545-20130101-EWR")
    assert winter["scheduled_utc"] == datetime(2013, 1, 1, 10, 15, tzinfo=timezone.utc)
    assert winter["scheduled_arrival_utc"] == datetime(2013, 1, 1, 14, 19, tzinfo=timezone.utc)
    assert winter["arrival_known_utc"] == datetime(2013, 1, 1, 14, 30, tzinfo=timezone.utc)
    july = flights.filter(pc.equal(pc.strftime(flights["scheduled_utc"], "%m-%d"), "07-15"))
    offset = (pc.hour(july["scheduled_utc"]).to_numpy() - july["local_hour"].to_numpy()) % 24
    assert set(offset) == {4}


def test_time_tables_fit_the_air_time(flights: pa.Table) -> None:
    """Scheduled durations across time zones lie near what was flown, so no zone is wrong by an hour or more."""
    flown = flights.filter(pc.is_valid(flights["air_time"]))
    minutes = pc.subtract(flown["scheduled_arrival_utc"], flown["scheduled_utc"]).cast(pa.int64()).to_numpy() / 60e6
    slack = minutes - flown["air_time"].to_numpy()
    assert 25 < np.median(slack) < 50
    for dest in ("LAX", "DEN", "ORD", "HNL", "PHX", "SJU", "ANC"):
        at_dest = pc.equal(flown["dest"], dest).to_numpy()
        assert 10 < np.median(slack[at_dest]) < 70, dest


def test_a_label_is_late_cancelled_or_diverted(flights: pa.Table) -> None:
    """More than 15 minutes late counts, 15 does not; no arrival counts."""
    delay, label = flights["arr_delay"], flights["is_late"].to_numpy()
    expected = pc.fill_null(pc.greater(delay, 15), True).to_numpy()
    assert (label == expected).all()
    assert 0.2 < label.mean() < 0.3
    assert pc.all(pc.is_null(flights.filter(flights["is_cancelled"])["arr_delay"])).as_py()


def test_nothing_is_known_before_the_scheduled_departure(flights: pa.Table) -> None:
    """A prediction two hours ahead never meets the flight's own arrival."""
    early = pc.less_equal(flights["arrival_known_utc"], flights["scheduled_utc"])
    assert not pc.any(early).as_py()


def test_outcomes_are_known_after_the_arrival_and_some_days_later(flights: pa.Table) -> None:
    """Most labels come within the hour, about three in a hundred one to three days on."""
    outcomes = derive_outcomes(flights, 1)
    lag = pc.subtract(outcomes["known_utc"], flights["arrival_known_utc"]).cast(pa.int64()).to_numpy() / 86_400e6
    assert lag.min() > 0
    assert lag.max() <= 3
    assert 0.025 < (lag >= 1).mean() < 0.035
    assert outcomes.schema.field("is_late").type == pa.int8()


def test_the_table_holds_no_label(flights: pa.Table) -> None:
    """The label lies in outcomes alone."""
    assert "is_late" not in select_flights(flights).column_names
