"""The demo's synthetic bookings: who booked which flight, when, and what the clerk noted.

What belongs here: drawing bookings of given flights by given passengers. What does not: who passengers are, or storing.

**The signal is planted, and this is how.** The flights' labels are real and cannot depend on invented people, so it is the
people who are drawn by the label: on a flight that turned out late, a passenger from beside the airports or of a later
birth decade is somewhat likelier, a gold member less likely (:data:`TILT`). The share of locals, the mean birth decade and
the share of gold members of a flight's bookings so carry a little information, about 0.005 of AUC beside the other
features. It is there so that what masking does to these columns shows in what a model can learn from them.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.demo.passengers import Passengers
from tasks.demo.streams import DAY_US, MINUTE_US, Ints, as_integers, as_timestamps, open_stream

BOOKINGS_PER_FLIGHT = 1.9
LONGEST_LEAD_DAYS = 60
TILT = {"is_local": 0.18, "is_gold": -0.24, "birth_decade": 0.04}
"""Added to the logarithm of a passenger's odds on a late flight; the birth decade's is per ten years after 1970."""

_MEAN_LEAD_DAYS = 12.0
_LAST_MINUTE_SHARE = 0.04
"""Bookings made in the two hours before departure, after the model has scored the flight."""
_PER_FLIGHT = 16
"""Numbers reserved per flight for its bookings; more than any flight draws."""
_LETTERS = np.frombuffer(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", dtype=np.uint8)
_CLASSES = ("economy", "premium", "business")
_CHANNELS = ("web", "app", "agency", "desk")
_NOTE_SHARES = np.array([0.72, 0.06, 0.04, 0.04, 0.05, 0.05, 0.04])


@dataclass(frozen=True)
class Draws:
    """Bookings as numbers, in order of booking time; one element each per booking."""

    flight: Ints
    """Row of the flights table."""
    passenger: Ints
    number: Ints
    """Unique per booking."""
    booked: Ints
    """Microseconds UTC."""
    note: Ints
    address: Ints
    fare: Ints
    choice: Ints


def draw_bookings(flights: pa.Table, passengers: Passengers, seed: int, from_us: int, until_us: int) -> Draws:
    """The bookings made from ``from_us`` until before ``until_us``, of the rows of ``flights`` (scheduled_utc, is_late).

    ``flights`` is the whole year in order of scheduled departure: a booking's number rests on its flight's row. Each day of
    departures has a stream of its own, so a window holds the same bookings as the year does.
    """
    scheduled = as_integers(flights["scheduled_utc"])
    is_late = flights["is_late"].to_numpy() == 1
    travel = [np.cumsum(weights) / weights.sum() for weights in (passengers.travel, _tilt(passengers))]
    first, last = np.searchsorted(scheduled, [from_us // DAY_US * DAY_US, until_us + (LONGEST_LEAD_DAYS + 1) * DAY_US])
    days = scheduled // DAY_US
    edges = np.searchsorted(days, np.arange(days[first], days[last - 1] + 2)) if last > first else np.zeros(0, np.int64)
    parts = []
    for start, stop in pairwise(edges.tolist()):
        if stop > start:
            part = _draw_day(
                open_stream(seed, "bookings", int(days[start])), start, scheduled[start:stop], is_late[start:stop], travel
            )
            parts.append(part[:, (part[3] >= from_us) & (part[3] < until_us)])
    everything = np.concatenate(parts, axis=1) if parts else np.zeros((8, 0), np.int64)
    return Draws(*everything[:, np.lexsort((everything[2], everything[3]))])


def _tilt(passengers: Passengers) -> np.ndarray:
    odds = TILT["is_local"] * passengers.is_local + TILT["is_gold"] * passengers.is_gold
    odds = odds + TILT["birth_decade"] * (passengers.birth_decade - 1970) / 10
    weights: np.ndarray = passengers.travel * np.exp(odds)
    return weights


def _draw_day(stream: np.random.Generator, start: int, scheduled: Ints, is_late: np.ndarray, travel: list[np.ndarray]) -> Ints:
    """One row per field of :class:`Draws`, in its order."""
    counts = np.minimum(stream.poisson(BOOKINGS_PER_FLIGHT, len(scheduled)), _PER_FLIGHT)
    total = int(counts.sum())
    flight = np.repeat(np.arange(len(scheduled)), counts)
    place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    draw = stream.random(total)
    passenger = np.where(is_late[flight], np.searchsorted(travel[1], draw), np.searchsorted(travel[0], draw))
    early = -_MEAN_LEAD_DAYS * DAY_US * np.log1p(-stream.random(total) * -np.expm1(-LONGEST_LEAD_DAYS / _MEAN_LEAD_DAYS))
    last_minute = stream.uniform(20, 120, total) * MINUTE_US
    lead = np.where(stream.random(total) < _LAST_MINUTE_SHARE, last_minute, 120 * MINUTE_US + early).astype(np.int64)
    booked = (scheduled[flight] - lead) // 1_000_000 * 1_000_000
    note = stream.choice(len(_NOTE_SHARES), total, p=_NOTE_SHARES)
    address, fare = stream.integers(0, 2**17, total), (stream.gamma(4.0, 5500.0, total) + 4900).astype(np.int64)
    choice = stream.integers(0, 64, total)
    return np.stack(
        [flight + start, passenger, (flight + start) * _PER_FLIGHT + place, booked, note, address, fare, choice]
    ).astype(np.int64)


def compose_bookings(draws: Draws, flights: pa.Table, passengers: Passengers) -> pa.Table:
    """The lake's table ``bookings`` of these draws.

    Columns: booking_id, flight_id, booked_utc, loyalty_no, name, email, phone, birth_date, member_since (dates), postcode,
    loyalty_tier, card_number, iban, ip_address (of the range for benchmarks, RFC 2544), note (nullable; some mention the
    passenger's name, e-mail or telephone), fare_usd, seat_class, channel.
    """
    people = passengers.table.take(pa.array(draws.passenger))
    return pa.table(
        {
            "booking_id": _compose_locators(draws.number),
            "flight_id": flights["flight_id"].take(pa.array(draws.flight)),
            "booked_utc": as_timestamps(draws.booked),
            **{name: people[name] for name in people.column_names},
            "ip_address": _compose_addresses(draws.address),
            "note": _compose_notes(draws.note, people),
            "fare_usd": pa.array(draws.fare / 100.0),
            "seat_class": pa.array(_CLASSES).take(pa.array(np.minimum(draws.choice // 24, 2))),
            "channel": pa.array(_CHANNELS).take(pa.array(draws.choice % 4)),
        }
    )


def _compose_locators(number: Ints) -> pa.Array:
    """Six letters and digits, as on a boarding card: the number scattered over 2**30 by an odd factor, in base 32."""
    scattered = (number * 738_371_933 + 411_777_111) % 2**30
    symbols = _LETTERS[scattered[:, None] // 32 ** np.arange(5, -1, -1) % 32]
    offsets = pa.py_buffer((np.arange(len(number) + 1) * 6).astype(np.int32).tobytes())
    return pa.StringArray.from_buffers(len(number), offsets, pa.py_buffer(symbols.tobytes()))


def _compose_addresses(address: Ints) -> pa.Array:
    octets = [pa.array(value).cast(pa.string()) for value in (18 + address // 65_536, address // 256 % 256, address % 256)]
    return pc.binary_join_element_wise(pa.scalar("198"), *octets, ".")


def _compose_notes(kind: Ints, people: pa.Table) -> pa.Array:
    has_note = np.flatnonzero(kind > 0)
    name, email, phone = (people[column].take(pa.array(has_note)).combine_chunks() for column in ("name", "email", "phone"))
    texts = [
        pa.repeat("Window seat, please.", len(has_note)),
        pa.repeat("Vegetarian meal.", len(has_note)),
        _sentence("Wheelchair for ", name, " at the gate."),
        _sentence("Please call ", phone, " if the flight is late."),
        _sentence("Receipt to ", email, ", thank you."),
        _sentence("", name, " travels with an infant; confirm at ", email, "."),
    ]
    notes = pc.choose(pa.array(kind[has_note] - 1), *texts)
    position = np.where(kind > 0, np.cumsum(kind > 0) - 1, -1)
    return notes.take(pa.array(position, mask=kind == 0))


def _sentence(*parts: str | pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*(pa.scalar(part) if isinstance(part, str) else part for part in parts), "")
