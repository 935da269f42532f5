"""Bookings: the same whichever window they are drawn in, made before departure, and with the signal that is stated."""

from datetime import datetime, timezone
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from demo_lakes import SEED
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.demo.bookings import BOOKINGS_PER_FLIGHT, Draws, compose_bookings, draw_bookings
from tasks.demo.passengers import Passengers, draw_passengers
from tasks.demo.streams import DAY_US, as_integers, microseconds

pytestmark = pytest.mark.slow

JUNE = microseconds(datetime(2013, 6, 1, tzinfo=timezone.utc))
PEOPLE = draw_passengers(SEED, 500)


def _flights(per_day: int, days: int) -> pa.Table:
    number = np.arange(per_day * days)
    return pa.table(
        {
            "flight_id": pa.array(number).cast(pa.string()),
            "scheduled_utc": pa.array(JUNE + number * (DAY_US // per_day)).cast(pa.timestamp("us", "UTC")),
            "is_late": pa.array((number % 4 == 0).astype(np.int8)),
        }
    )


@pytest.fixture(scope="module")
def june(flights: pa.Table, passengers: Passengers) -> tuple[Draws, pa.Table]:
    draws = draw_bookings(flights, passengers, SEED, JUNE, JUNE + 10 * DAY_US)
    return draws, compose_bookings(draws, flights, passengers)


def test_bookings_are_made_before_departure_and_few_after_the_prediction(june: tuple[Draws, pa.Table], flights: pa.Table) -> None:
    """All before departure, most days before, some in the last two hours: those the model could not know of."""
    draws, _ = june
    lead = (as_integers(flights["scheduled_utc"])[draws.flight] - draws.booked) / 3_600e6
    assert lead.min() > 0
    assert lead.max() <= 60 * 24 + 2.01
    assert 0.01 < (lead < 2).mean() < 0.10
    assert (lead > 48).mean() > 0.5


def test_notes_mention_the_passenger_of_their_own_booking(june: tuple[Draws, pa.Table]) -> None:
    """Some notes hold the passenger's name, e-mail or telephone number, others none, most bookings no note."""
    _, table = june
    assert table["note"].null_count > table.num_rows / 2
    noted = table.filter(pc.is_valid(table["note"])).to_pylist()
    mentions = {field: sum(row[field] in row["note"] for row in noted) for field in ("name", "email", "phone")}
    assert min(mentions.values()) > len(noted) / 10
    assert not any("@" in row["note"] and row["email"] not in row["note"] for row in noted)


def test_booking_ids_are_unique_locators(june: tuple[Draws, pa.Table]) -> None:
    """Six letters and digits each, no two alike."""
    ids = june[1]["booking_id"]
    assert len(pc.unique(ids)) == len(ids)
    assert pc.all(pc.match_substring_regex(ids, "^[A-Z2-9]{6}$")).as_py()


def test_passengers_recur(june: tuple[Draws, pa.Table]) -> None:
    """People fly more than once."""
    numbers = june[1]["loyalty_no"]
    assert len(pc.unique(numbers)) < len(numbers) / 2


def test_the_year_holds_enough_bookings(flights: pa.Table) -> None:
    """At least half a million in a year."""
    assert flights.num_rows * BOOKINGS_PER_FLIGHT > 500_000


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 40 * DAY_US), min_size=2, max_size=4, unique=True).map(sorted))
def test_windows_together_hold_what_one_window_holds(cuts: list[int]) -> None:
    """However time is cut, each booking falls into one window, and is the same one."""
    flights, start = _flights(20, 50), JUNE - 5 * DAY_US
    edges = [start + cut for cut in cuts]
    whole = draw_bookings(flights, PEOPLE, SEED, edges[0], edges[-1])
    parts = [draw_bookings(flights, PEOPLE, SEED, a, b) for a, b in pairwise(edges)]
    for name, values in vars(whole).items():
        assert np.array_equal(values, np.concatenate([getattr(part, name) for part in parts])), name


def test_late_flights_carry_the_stated_passengers() -> None:
    """More locals and later birth decades, fewer gold members: a little, as the module's docstring says."""
    flights, people = _flights(2_000, 20), draw_passengers(SEED, 20_000)
    draws = draw_bookings(flights, people, SEED, JUNE - 70 * DAY_US, JUNE + 20 * DAY_US)
    is_late = flights["is_late"].to_numpy()[draws.flight] == 1
    for attribute, low, high in ((people.is_local, 0.01, 0.06), (people.birth_decade, 0.3, 1.6), (people.is_gold, -0.09, -0.02)):
        values = attribute[draws.passenger]
        assert low < values[is_late].mean() - values[~is_late].mean() < high
