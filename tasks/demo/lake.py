"""The demo's production lake: seven tables and a model, as they stood at a given time.

What belongs here: building the lake, letting it grow, and taking up what was interrupted. What does not: which rows that
writes (tables), where they come from (flights, weather, bookings, registers, production), and how they are stored (partitions).

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

import errno
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from tasks.demo.bookings import LONGEST_LEAD_DAYS
from tasks.demo.marker import MARKER, Marker, hold_lake, is_own_file, read_marker, require_marker, write_marker
from tasks.demo.partitions import list_files, remove_folders
from tasks.demo.source import require_package
from tasks.demo.streams import DAY_US, microseconds, midnight
from tasks.demo.tables import MODELS, TABLES, Step, write_tables
from tasks.errors import LakeError

YEAR_END = datetime(2014, 1, 1, tzinfo=timezone.utc)
"""The source's flights end here: the demo's last day."""
_FOLDERS = (*TABLES, MODELS)


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


def build_lake(
    lake: Path,
    as_of: datetime,
    *,
    seed: int,
    save_model: Callable[[object], bytes] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    period: DemoPeriod | None = None,
) -> LakeSummary:
    """Make the folder ``lake`` the demo's production as of ``as_of`` (aware), and say what it holds.

    A whole lake of the same seed and period is left alone at the same ``as_of`` and grows to a later one, so that unchanged
    files are not touched; in all other cases it is built from nothing. ``save_model`` turns the fitted pipeline into
    canonical bytes (without it skops' own are stored, which differ from run to run); ``progress`` is told each table.
    ``period`` is that of the demo lake that is there already, or the default, where none is given.

    Raises :class:`~tasks.errors.LakeError` where the package with the real data is missing, ``as_of`` lies outside the
    demo's year, or ``lake`` holds something that the demo did not make.
    """
    found = read_marker(lake)
    if period is None:
        period = DemoPeriod() if found is None else DemoPeriod(found.first_day, found.trained_until)
    _check_as_of(as_of, period)
    _check_place(lake)
    wanted = Marker(
        seed=seed,
        first_day=period.first_day,
        trained_until=period.trained_until,
        as_of_utc=None,
        growing_to_utc=_text(as_of),
        files={},
    )
    if found is not None and _is_there(lake, found, wanted):
        return _summarise(lake, found, 0)
    require_package()
    try:
        with hold_lake(lake):
            return _reach(lake, wanted, save_model, progress)
    except OSError as error:
        raise LakeError(
            f"demo lake {lake}",
            found=f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else ""),
            expected="a folder that can be written" + (", with 200 MB free" if error.errno == errno.ENOSPC else ""),
            next_step="make room or mend the permissions, then run it again: it goes on from what is whole",
        ) from error


def advance_lake(
    lake: Path, *, save_model: Callable[[object], bytes] | None = None, progress: Callable[[str], None] = lambda _: None
) -> LakeSummary:
    """Let the demo lake grow by one day; parameters and errors as of :func:`build_lake` and :func:`next_as_of`."""
    marker = require_marker(lake)
    return build_lake(lake, next_as_of(lake), seed=marker.seed, save_model=save_model, progress=progress)


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


def _reach(
    lake: Path, wanted: Marker, save_model: Callable[[object], bytes] | None, progress: Callable[[str], None]
) -> LakeSummary:
    found, until = read_marker(lake), wanted.growing_to_utc  # read again: another process may have held the lake
    if found is not None and _is_there(lake, found, wanted):
        return _summarise(lake, found, 0)
    if found is not None and _can_grow(lake, found, wanted):
        step = Step(found.model_copy(update={"growing_to_utc": until}), _parse(found.as_of_utc), _parse(until))
        write_marker(lake, step.marker)
    else:
        write_marker(lake, wanted)  # first of all, so that what is cut off from here on is not taken for the old lake
        remove_folders(lake, _FOLDERS)
        first_us = microseconds(midnight(wanted.first_day)) - (LONGEST_LEAD_DAYS + 1) * DAY_US
        step = Step(wanted, first_us, _parse(until))
    return _grow(lake, step, save_model, progress)


def _check_as_of(as_of: datetime, period: DemoPeriod) -> None:
    is_aware = as_of.tzinfo is not None
    if not is_aware or not midnight(period.first_day) < as_of <= YEAR_END:
        raise LakeError(
            "demo lake: as of",
            found=as_of.isoformat() + ("" if is_aware else " (no time zone)"),
            expected=f"a time in UTC after {period.first_day} and not after {YEAR_END.date()}: the demo's data covers 2013",
            next_step="set snapshot.as_of_utc in params.yaml to a time in that range; `windtunnel demo-lake` starts over",
        )


def _check_place(lake: Path) -> None:
    if not lake.exists():
        return
    entries = list(lake.iterdir()) if lake.is_dir() else []
    if (lake / MARKER).is_file():  # asked after the listing: another build puts the marker there before all else
        return
    if not lake.is_dir() or not all(is_own_file(path) for path in entries):
        raise LakeError(
            f"demo lake {lake}",
            found="files that the demo did not make",
            expected="no such folder, an empty one, or a demo lake",
            next_step="set snapshot.lake in params.yaml to another folder, or move these files away",
        )


def _is_there(lake: Path, found: Marker, wanted: Marker) -> bool:
    is_whole = found.growing_to_utc is None and found.as_of_utc == wanted.growing_to_utc
    return is_whole and _can_grow(lake, found, wanted)


def _can_grow(lake: Path, found: Marker, wanted: Marker) -> bool:
    same = (found.seed, found.first_day, found.trained_until) == (wanted.seed, wanted.first_day, wanted.trained_until)
    if not same or found.as_of_utc is None or _parse(found.as_of_utc) > _parse(wanted.growing_to_utc):
        return False
    listed = {f"{table}/{path}" for table, paths in found.files.items() for path in paths}
    if found.growing_to_utc is None:
        return listed == list_files(lake, _FOLDERS)
    # An interrupted run may have left files of its own day; the same run again writes each of them anew.
    return found.growing_to_utc == wanted.growing_to_utc and listed <= list_files(lake, _FOLDERS)


def _grow(lake: Path, step: Step, save_model: Callable[[object], bytes] | None, progress: Callable[[str], None]) -> LakeSummary:
    files = {table: dict(paths) for table, paths in step.marker.files.items()}
    count = 0
    for table, written in write_tables(lake, step, save_model):
        files.setdefault(table, {}).update(written)
        count += len(written)
        if written:
            progress(f"{table}: {sum(written.values()):,} rows in {len(written)} files")
    for stray in list_files(lake, _FOLDERS) - {f"{table}/{path}" for table, paths in files.items() for path in paths}:
        (lake / stray).unlink()
    marker = step.marker.model_copy(update={"as_of_utc": step.marker.growing_to_utc, "growing_to_utc": None, "files": files})
    write_marker(lake, marker)
    return _summarise(lake, marker, count)


def _summarise(lake: Path, marker: Marker, written_files: int) -> LakeSummary:
    tables = {table: paths for table, paths in sorted(marker.files.items()) if table != MODELS}
    return LakeSummary(
        lake=lake,
        as_of_utc=_time(_parse(marker.as_of_utc)),
        rows={table: sum(paths.values()) for table, paths in tables.items()},
        files={table: len(paths) for table, paths in tables.items()},
        written_files=written_files,
    )


def _text(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _parse(text: str | None) -> int:
    return microseconds(datetime.fromisoformat(text or ""))


def _time(value_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=value_us)
