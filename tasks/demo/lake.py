"""The demo's production lake: seven tables and a model, as they stood at a given time.

What belongs here: which rows are in the lake at which time, building it and letting it grow. What does not: where rows come
from (flights, weather, bookings, registers, production) and how they are stored (partitions).

**What is there when.** A row is in the lake when it was known before ``as_of``; nothing is in it from later.

| table | one file per day of | what a day later brings |
|---|---|---|
| flights | scheduled departure | a new day, and the late arrivals of the day before (rarely of two days before) |
| weather | observation | a new day, and **one** older day rewritten: the correction of its misreading |
| bookings | booking | a new day |
| predictions | prediction | a new day |
| outcomes | the label becoming known | a new day; some of its labels belong to flights of up to three days before |
| planes, airports, members | (a single file) | nothing |

Every file is a pure function of the seed, the period and ``as_of``, so that a lake that grew day by day equals one that was
built at once, file for file, and its modification times are those of its rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.demo.bookings import LONGEST_LEAD_DAYS, Draws, compose_bookings, draw_bookings
from tasks.demo.flights import derive_flights, derive_outcomes, select_flights
from tasks.demo.marker import MARKER, Marker, read_marker, require_marker, write_marker
from tasks.demo.partitions import DatedRows, list_files, remove_folders, write_bytes, write_days, write_table
from tasks.demo.passengers import Passengers, draw_passengers
from tasks.demo.production import ProductionModel, dump_model, score_flights, train_model
from tasks.demo.registers import LISTED_UTC, derive_airports, derive_planes, list_members
from tasks.demo.source import read_source
from tasks.demo.streams import DAY_US, as_integers, microseconds
from tasks.demo.weather import derive_weather, publish_weather
from tasks.errors import LakeError

YEAR_END = datetime(2014, 1, 1, tzinfo=timezone.utc)
"""The source's flights end here: the demo's last day."""
MODELS = "models"
"""Folder of the production model, beside the tables and none of them."""
_TABLES = ("flights", "weather", "bookings", "predictions", "outcomes", "planes", "airports", "members")
_BATCH_DAYS = 30


@dataclass(frozen=True)
class DemoPeriod:
    """Which days the lake covers and its model learned from; shorter ones make small lakes for tests."""

    first_day: date = date(2013, 1, 1)
    """First UTC day of departures."""
    trained_until: date = date(2013, 4, 1)
    """The model learned from flights known before this day, and has scored all from this day on."""


@dataclass(frozen=True)
class LakeSummary:
    """What a lake holds after building or growing."""

    lake: Path
    as_of_utc: datetime
    rows: dict[str, int]
    files: dict[str, int]
    written_files: int
    """Files that this call wrote; 0 where the lake was there already."""


@dataclass(frozen=True)
class _Step:
    """One way from what is there to what is to be: rows known in [since, until) are new."""

    marker: Marker
    since_us: int
    until_us: int


def build_lake(
    lake: Path,
    as_of: datetime,
    *,
    seed: int,
    save_model: Callable[[object], bytes] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    period: DemoPeriod = DemoPeriod(),
) -> LakeSummary:
    """Make the folder ``lake`` the demo's production as of ``as_of`` (aware), and say what it holds.

    A whole lake of the same seed and period is left alone at the same ``as_of`` and grows to a later one, so that unchanged
    files are not touched; in all other cases it is built from nothing. ``save_model`` turns the fitted pipeline into
    canonical bytes (without it skops' own are stored, which differ from run to run); ``progress`` is told each table.

    Raises :class:`~tasks.errors.LakeError` where the package with the real data is missing, ``as_of`` lies outside the
    demo's year, or ``lake`` holds something that the demo did not make.
    """
    _check_as_of(as_of, period)
    _check_place(lake)
    found = read_marker(lake)
    wanted = Marker(
        seed=seed,
        first_day=period.first_day,
        trained_until=period.trained_until,
        as_of_utc=None,
        growing_to_utc=_text(as_of),
        files={},
    )
    if found is not None and _can_grow(lake, found, wanted):
        if found.as_of_utc == _text(as_of) and found.growing_to_utc is None:
            return _summarise(lake, found, 0)
        step = _Step(found.model_copy(update={"growing_to_utc": _text(as_of)}), _parse(found.as_of_utc), microseconds(as_of))
    else:
        remove_folders(lake, [*_TABLES, MODELS])
        step = _Step(wanted, microseconds(_midnight(period.first_day)) - (LONGEST_LEAD_DAYS + 1) * DAY_US, microseconds(as_of))
    write_marker(lake, step.marker)
    return _grow(lake, step, save_model, progress)


def advance_lake(
    lake: Path, *, save_model: Callable[[object], bytes] | None = None, progress: Callable[[str], None] = lambda _: None
) -> LakeSummary:
    """Let the demo lake grow by one day; parameters and errors as of :func:`build_lake` and :func:`next_as_of`."""
    marker = require_marker(lake)
    period = DemoPeriod(marker.first_day, marker.trained_until)
    return build_lake(lake, next_as_of(lake), seed=marker.seed, save_model=save_model, progress=progress, period=period)


def next_as_of(lake: Path) -> datetime:
    """The next unseen day of the demo lake: one day after what it holds (or what an interrupted run was growing it to).

    Raises :class:`~tasks.errors.LakeError` where ``lake`` is no demo lake, or its year is over.
    """
    marker = require_marker(lake)
    if marker.growing_to_utc is not None:
        return _time(_parse(marker.growing_to_utc))
    after = _time(_parse(marker.as_of_utc)) + timedelta(days=1)
    _check_as_of(after, DemoPeriod(marker.first_day, marker.trained_until))
    return after


def _check_as_of(as_of: datetime, period: DemoPeriod) -> None:
    is_aware = as_of.tzinfo is not None
    if not is_aware or not _midnight(period.first_day) < as_of <= YEAR_END:
        raise LakeError(
            "demo lake: as of",
            found=as_of.isoformat() + ("" if is_aware else " (no time zone)"),
            expected=f"a time in UTC after {period.first_day} and not after {YEAR_END.date()}: the demo's data covers 2013",
            next_step="set snapshot.as_of_utc in params.yaml to a time in that range; `windtunnel demo-lake` starts over",
        )


def _check_place(lake: Path) -> None:
    if lake.exists() and (not lake.is_dir() or (not (lake / MARKER).exists() and any(lake.iterdir()))):
        raise LakeError(
            f"demo lake {lake}",
            found="files that the demo did not make",
            expected="no such folder, an empty one, or a demo lake",
            next_step="set snapshot.lake in params.yaml to another folder, or move these files away",
        )


def _can_grow(lake: Path, found: Marker, wanted: Marker) -> bool:
    same = (found.seed, found.first_day, found.trained_until) == (wanted.seed, wanted.first_day, wanted.trained_until)
    if not same or found.as_of_utc is None or _parse(found.as_of_utc) > _parse(wanted.growing_to_utc):
        return False
    listed = {f"{table}/{path}" for table, paths in found.files.items() for path in paths}
    if found.growing_to_utc is None:
        return listed == list_files(lake)
    # An interrupted run may have left files of its own day; the same run again writes each of them anew.
    return found.growing_to_utc == wanted.growing_to_utc and listed <= list_files(lake)


def _grow(lake: Path, step: _Step, save_model: Callable[[object], bytes] | None, progress: Callable[[str], None]) -> LakeSummary:
    files = {table: dict(paths) for table, paths in step.marker.files.items()}
    count = 0
    for table, written in _write_tables(lake, step, save_model):
        files.setdefault(table, {}).update(written)
        count += len(written)
        if written:
            progress(f"{table}: {sum(written.values()):,} rows in {len(written)} files")
    for stray in list_files(lake) - {f"{table}/{path}" for table, paths in files.items() for path in paths}:
        (lake / stray).unlink()
    marker = step.marker.model_copy(update={"as_of_utc": step.marker.growing_to_utc, "growing_to_utc": None, "files": files})
    write_marker(lake, marker)
    return _summarise(lake, marker, count)


def _write_tables(lake: Path, step: _Step, save_model: Callable[[object], bytes] | None) -> Iterator[tuple[str, dict[str, int]]]:
    """Write what changed, table by table; yields each table and the rows of its files written."""
    seed, first_us = step.marker.seed, microseconds(_midnight(step.marker.first_day))
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


def _write_known(folder: Path, table: pa.Table, day: str, known: str, step: _Step) -> dict[str, int]:
    """Write a table's rows known before the step's end, by the day of ``day``, where a day got new ones."""
    table = table.filter(pa.array(as_integers(table[known]) < step.until_us))
    table = table.take(pa.array(np.argsort(as_integers(table[day]), kind="stable")))
    return write_days(folder, DatedRows(table, as_integers(table[day]), as_integers(table[known])), since_us=step.since_us)


def _write_weather(folder: Path, first_us: int, step: _Step) -> dict[str, int]:
    weather, written = publish_weather(derive_weather(read_source("weather")), step.marker.seed, step.until_us)
    observed = as_integers(weather["observed_utc"])
    is_there = (observed >= first_us - DAY_US) & (observed < step.until_us)
    rows = DatedRows(weather.filter(pa.array(is_there)), observed[is_there], written[is_there])
    return write_days(folder, rows, since_us=step.since_us)


def _write_production(
    lake: Path, flights: pa.Table, step: _Step, save_model: Callable[[object], bytes] | None
) -> Iterator[tuple[str, dict[str, int]]]:
    released_us = microseconds(_midnight(step.marker.trained_until))
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


def _write_bookings(folder: Path, flights: pa.Table, passengers: Passengers, step: _Step) -> dict[str, int]:
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


def _summarise(lake: Path, marker: Marker, written_files: int) -> LakeSummary:
    tables = {table: paths for table, paths in sorted(marker.files.items()) if table != MODELS}
    return LakeSummary(
        lake=lake,
        as_of_utc=_time(_parse(marker.as_of_utc)),
        rows={table: sum(paths.values()) for table, paths in tables.items()},
        files={table: len(paths) for table, paths in tables.items()},
        written_files=written_files,
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


def _text(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _parse(text: str | None) -> int:
    return microseconds(datetime.fromisoformat(text or ""))


def _time(value_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=value_us)
