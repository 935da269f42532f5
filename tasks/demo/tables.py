"""What one step of the demo's lake writes, table by table.

What belongs here: which rows of each table are in the lake after a step, and which of its files change. What does not:
when a step is taken (lake), where rows come from, and how files are written (partitions).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.demo.bookings import Draws, compose_bookings, draw_bookings
from tasks.demo.flights import derive_flights, derive_outcomes, select_flights
from tasks.demo.marker import Marker
from tasks.demo.partitions import DatedRows, write_bytes, write_days, write_table
from tasks.demo.passengers import Passengers, draw_passengers
from tasks.demo.production import ProductionModel, dump_model, score_flights, train_model
from tasks.demo.registers import LISTED_UTC, derive_airports, derive_planes, list_members
from tasks.demo.source import read_source
from tasks.demo.streams import DAY_US, as_integers, microseconds, midnight
from tasks.demo.weather import derive_weather, publish_weather

MODELS = "models"
"""Folder of the production model, beside the tables and none of them."""
TABLES = ("flights", "weather", "bookings", "predictions", "outcomes", "planes", "airports", "members")
_BATCH_DAYS = 30


@dataclass(frozen=True)
class Step:
    """One step of a lake: its marker, and the times from which (included) and until which (excluded) rows are new."""

    marker: Marker
    since_us: int
    until_us: int


def write_tables(lake: Path, step: Step, save_model: Callable[[object], bytes] | None) -> Iterator[tuple[str, dict[str, int]]]:
    """Write what changed, table by table; yields each table and the rows of its files written."""
    seed, first_us = step.marker.seed, microseconds(midnight(step.marker.first_day))
    airports = read_source("airports")
    flights = derive_flights(read_source("flights"), airports)
    flights = flights.slice(int(np.searchsorted(as_integers(flights["scheduled_utc"]), first_us)))
    passengers = draw_passengers(seed)
    if not step.marker.files:
        yield from _write_registers(lake, airports, passengers)
    yield "flights", _write_known(lake / "flights", select_flights(flights), "scheduled_utc", "arrival_known_utc", step)
    yield "outcomes", _write_known(lake / "outcomes", derive_outcomes(flights, seed), "known_utc", "known_utc", step)
    yield "weather", _write_weather(lake / "weather", first_us, step)
    yield from _write_production(lake, flights, step, save_model)
    yield "bookings", _write_bookings(lake / "bookings", flights, passengers, step)


def _write_registers(lake: Path, airports: pa.Table, passengers: Passengers) -> Iterator[tuple[str, dict[str, int]]]:
    tables = {
        "planes": derive_planes(read_source("planes")),
        "airports": derive_airports(airports),
        "members": list_members(passengers),
    }
    for name, table in tables.items():
        write_table(lake / name / f"{name}.parquet", table, microseconds(LISTED_UTC))
        yield name, {f"{name}.parquet": table.num_rows}


def _write_known(folder: Path, table: pa.Table, day: str, known: str, step: Step) -> dict[str, int]:
    """Write a table's rows known before the step's end, by the day of ``day``, where a day got new ones."""
    table = table.filter(pa.array(as_integers(table[known]) < step.until_us))
    table = table.take(pa.array(np.argsort(as_integers(table[day]), kind="stable")))
    return write_days(folder, DatedRows(table, as_integers(table[day]), as_integers(table[known])), since_us=step.since_us)


def _write_weather(folder: Path, first_us: int, step: Step) -> dict[str, int]:
    weather, written = publish_weather(derive_weather(read_source("weather")), step.marker.seed, step.until_us)
    observed = as_integers(weather["observed_utc"])
    is_there = (observed >= first_us - DAY_US) & (observed < step.until_us)
    rows = DatedRows(weather.filter(pa.array(is_there)), observed[is_there], written[is_there])
    return write_days(folder, rows, since_us=step.since_us)


def _write_production(
    lake: Path, flights: pa.Table, step: Step, save_model: Callable[[object], bytes] | None
) -> Iterator[tuple[str, dict[str, int]]]:
    released_us = microseconds(midnight(step.marker.trained_until))
    if step.until_us <= released_us:
        return
    model = train_model(flights, step.marker.first_day, step.marker.trained_until)
    if not step.marker.files.get(MODELS):
        yield MODELS, _store_model(lake, model, save_model, released_us)
    start_us = max(step.since_us // DAY_US * DAY_US, released_us)
    predictions = score_flights(flights, model, step.marker.seed, start_us, step.until_us)
    predicted = as_integers(predictions["predicted_utc"])
    yield "predictions", write_days(lake / "predictions", DatedRows(predictions, predicted, predicted), since_us=step.since_us)


def _store_model(
    lake: Path, model: ProductionModel, save_model: Callable[[object], bytes] | None, released_us: int
) -> dict[str, int]:
    path = f"{model.version}.skops"
    write_bytes(lake / MODELS / path, dump_model(model, save_model), released_us)
    return {path: 0}


def _write_bookings(folder: Path, flights: pa.Table, passengers: Passengers, step: Step) -> dict[str, int]:
    """Bookings by batches of days, so that no more than a batch of texts is in memory."""
    start_us = step.since_us // DAY_US * DAY_US
    draws = draw_bookings(flights, passengers, step.marker.seed, start_us, step.until_us)
    written: dict[str, int] = {}
    for batch_us in range(start_us, step.until_us, _BATCH_DAYS * DAY_US):
        first, last = np.searchsorted(draws.booked, [batch_us, batch_us + _BATCH_DAYS * DAY_US])
        batch = Draws(**{name: values[first:last] for name, values in vars(draws).items()})
        rows = DatedRows(compose_bookings(batch, flights, passengers), batch.booked, batch.booked)
        written.update(write_days(folder, rows, since_us=step.since_us))
    return written
