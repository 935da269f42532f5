"""The pin: exact, complete, and cheap where nothing changed."""

import hashlib
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_lake import MOMENT, CountingLake, SmallLake, after, day_rows

from tasks.errors import LakeError, PinError
from tasks.sources import LakeFile, pin_lake, read_pin, write_pin


def test_pins_what_each_file_holds(small: SmallLake) -> None:
    """Size, hash, rows, rows known by as_of (the moment itself included) and the newest known time."""
    pin = pin_lake(small.lake, small.params(2 + 1 / 3), None)
    last = pin.tables["sales"].files[2]
    assert last.path == "sales/day=2013-01-03/part-0.parquet"
    assert last.sha256 == hashlib.sha256(small.day_file(2).read_bytes()).hexdigest()
    assert last.bytes == small.day_file(2).stat().st_size
    assert (last.rows, last.known_rows, last.watermark_utc) == (3, 2, "2013-01-03T16:00:00Z")
    assert pin.tables["sales"].watermark_utc == "2013-01-03T08:00:00Z"
    assert pin.tables["sales"].columns == {"amount": "double", "id": "int64", "known_utc": "timestamp[UTC]"}
    assert (pin.lake, pin.as_of_utc, pin.access) == ("lake", "2013-01-03T08:00:00Z", "local directory, opened read-only")


def test_rows_without_a_known_time_are_never_known(small: SmallLake) -> None:
    """NULL says: not known yet."""
    small.add_day(0, known_utc=pa.array([after(0), None, None], MOMENT))
    file = pin_lake(small.lake, small.params(9), None).tables["sales"].files[0]
    assert (file.rows, file.known_rows) == (3, 1)


def test_pinning_leaves_the_lake_as_it_is(small: SmallLake) -> None:
    """No file of the lake is added, removed or touched."""

    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in small.root.rglob("*")}

    before = state()
    pin_lake(small.lake, small.params(9), None)
    assert state() == before


def test_second_pin_opens_only_new_and_changed_files(small: SmallLake) -> None:
    """Growth of the lake costs what has grown."""
    first = pin_lake(small.lake, small.params(3), None)
    small.add_day(3)
    small.add_day(1, amount=pa.array([7.0, 7.0, 7.25]))
    lake = CountingLake(small.root)
    second = pin_lake(lake, small.params(4), first)
    assert lake.opened == ["sales/day=2013-01-02/part-0.parquet", "sales/day=2013-01-04/part-0.parquet"]
    assert second == pin_lake(small.lake, small.params(4), None)


def test_partly_known_file_is_read_again_when_as_of_moves(small: SmallLake) -> None:
    """Bytes may stay while more of them becomes known; and less, when as_of goes back."""
    first = pin_lake(small.lake, small.params(2.5), None)
    for days in (3, 1.5):
        lake = CountingLake(small.root)
        assert pin_lake(lake, small.params(days), first) == pin_lake(small.lake, small.params(days), None)
        assert "sales/day=2013-01-01/part-0.parquet" not in lake.opened


@pytest.mark.parametrize("change", [{"known": "booked_utc"}, {"columns": ["id", "known_utc", "amount", "booked_utc"]}])
def test_other_declaration_reads_everything_again(tmp_path: Path, change: dict[str, object]) -> None:
    """What was pinned under another known column, or without a column, says nothing of the new one."""
    small = SmallLake(tmp_path, days=0)
    small.write("sales/a.parquet", day_rows(0, booked_utc=pa.array([after(5)] * 3, MOMENT)))
    small.write("shops/all.parquet", day_rows(0, booked_utc=pa.array([after(5)] * 3, MOMENT)))
    first = pin_lake(small.lake, small.params(9), None)
    params = small.params(9, **{"columns": ["id", "known_utc", "booked_utc"], **change})
    assert pin_lake(small.lake, params, first) == pin_lake(small.lake, params, None)


def test_pin_of_another_lake_is_not_reused(small: SmallLake) -> None:
    """Files of the same name, size and time in another lake are other files."""
    first = pin_lake(small.lake, small.params(3), None).model_copy(update={"lake": "other"})
    lake = CountingLake(small.root)
    pin_lake(lake, small.params(3), first)
    assert len(lake.opened) == 4


_STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from(["keep", "write", "delete"])), max_size=4)


@settings(max_examples=25, deadline=None)
@given(steps=_STEPS)
def test_pin_step_by_step_equals_pin_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]]
) -> None:
    """However lake and as_of move, taking over the last pin changes nothing but the work."""
    small = SmallLake(tmp_path_factory.mktemp("lake"))
    pin = pin_lake(small.lake, small.params(1), None)
    for number, (day, as_of, change) in enumerate(steps):
        if change == "write":
            file = small.add_day(day, amount=pa.array([float(number)] * 3))
            os.utime(file, (number, number))
        elif change == "delete" and day > 0:
            small.day_file(day).unlink(missing_ok=True)
        pin = pin_lake(small.lake, small.params(as_of), pin)
        assert pin == pin_lake(small.lake, small.params(as_of), None)


def test_table_without_files_is_an_error(small: SmallLake) -> None:
    """An empty folder is not a table."""
    (small.root / "shops" / "all.parquet").unlink()
    with pytest.raises(LakeError, match=r"table shops[\s\S]*no files at shops/"):
        pin_lake(small.lake, small.params(3), None)


def test_table_without_known_rows_is_an_error(small: SmallLake) -> None:
    """Rows that nobody knows yet are no rows; the message says so, and by when."""
    with pytest.raises(LakeError, match=r"9 rows in 3 files, none of them known by 2012-12-31"):
        pin_lake(small.lake, small.params(-1), None)


def test_missing_column_names_table_and_file(small: SmallLake) -> None:
    """A declared column that one file lacks."""
    small.write("sales/day=2013-01-02/part-0.parquet", day_rows(1).drop_columns(["amount"]))
    with pytest.raises(LakeError, match=r"sales/day=2013-01-02/part-0\.parquet: column amount"):
        pin_lake(small.lake, small.params(3), None)


@pytest.mark.parametrize("is_repinned", [False, True])
def test_changed_type_names_both_files(small: SmallLake, is_repinned: bool) -> None:
    """The schema changed between partitions: both are named, also where the first was pinned long ago."""
    first = pin_lake(small.lake, small.params(3), None) if is_repinned else None
    small.add_day(2, amount=pa.array(["1", "2", "3"]))
    with pytest.raises(LakeError) as caught:
        pin_lake(small.lake, small.params(3), first)
    assert "day=2013-01-03" in caught.value.found
    assert "string" in caught.value.found
    assert "day=2013-01-01" in caught.value.expected
    assert "double" in caught.value.expected


def test_type_of_a_replaced_file_binds_no_longer(small: SmallLake) -> None:
    """Where the only file that gave a column its type was replaced, the pinned type does not stand against the lake."""
    nulls = pa.nulls(3)
    for day in (0, 1):
        small.add_day(day, amount=nulls)
    first = pin_lake(small.lake, small.params(3), None)
    small.add_day(2, amount=pa.array(["1", "2", "3"]))
    assert pin_lake(small.lake, small.params(3), first).tables["sales"].columns["amount"] == "string"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("amount", pa.array([[1], [2], [3]])),
        ("amount", pa.array([1, 2, 3], pa.decimal128(9, 2))),
        ("amount", pa.array([1, 2, 3], pa.duration("s"))),
        ("known_utc", pa.array(["x", "y", "z"])),
        ("known_utc", pa.array([after(0)] * 3, pa.date32())),
    ],
)
def test_types_that_are_not_taken(small: SmallLake, column: str, values: pa.Array) -> None:
    """Nested, decimal and duration columns, and a known column that is no timestamp, are named."""
    small.add_day(1, **{column: values})
    with pytest.raises(LakeError, match=f"column {column}"):
        pin_lake(small.lake, small.params(3), None)


def test_column_that_stands_twice_is_refused(small: SmallLake) -> None:
    """Which of the two would be copied?"""
    table = day_rows(1).append_column("amount", pa.array([0.0, 0.0, 0.0]))
    small.write("sales/day=2013-01-02/part-0.parquet", table)
    with pytest.raises(LakeError, match="more than once"):
        pin_lake(small.lake, small.params(3), None)


def test_impossible_known_time_is_refused(small: SmallLake) -> None:
    """A sentinel far in the future is not a time; its value is not quoted."""
    small.add_day(1, known_utc=pc.cast(pa.array([2**62] * 3), MOMENT))
    with pytest.raises(LakeError, match="years 1 to 9999"):
        pin_lake(small.lake, small.params(3), None)


@pytest.mark.parametrize("keep", [0, 4, 100])
def test_truncated_parquet_names_the_file(small: SmallLake, keep: int) -> None:
    """A file that was cut off is not a short table."""
    data = small.day_file(1).read_bytes()
    small.day_file(1).write_bytes(data[:keep])
    with pytest.raises(LakeError, match=r"day=2013-01-02/part-0\.parquet[\s\S]*truncated"):
        pin_lake(small.lake, small.params(3), None)


class _MovingLake(CountingLake):
    """A lake in which a file is written or deleted between listing and opening."""

    data: bytes | None = None

    def open_file(self, file: LakeFile):
        target = self._root / file.path
        if self.data is None:
            target.unlink()
        else:
            target.write_bytes(self.data)
        return super().open_file(file)


@pytest.mark.parametrize(("data", "says"), [(None, "deleted"), (b"PAR1", "4 bytes read")])
def test_file_that_changes_while_it_is_pinned(small: SmallLake, data: bytes | None, says: str) -> None:
    """A listing and a content of different moments are not mixed."""
    lake = _MovingLake(small.root)
    lake.data = data
    with pytest.raises(LakeError, match=says):
        pin_lake(lake, small.params(3), None)


def test_only_the_known_column_is_read(small: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Personal columns are hashed as bytes, never looked at."""
    asked: list[list[str]] = []
    read = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile,
        "iter_batches",
        lambda self, columns, **options: asked.append(columns) or read(self, columns=columns, **options),
    )
    pin_lake(small.lake, small.params(3), None)
    assert asked == [["known_utc"]] * 4


def test_pin_file_is_read_back(small: SmallLake, tmp_path: Path) -> None:
    """Equal pins are equal bytes."""
    pin = pin_lake(small.lake, small.params(3), None)
    write_pin(tmp_path / "data" / "pin.json", pin)
    write_pin(tmp_path / "again.json", read_pin(tmp_path / "data" / "pin.json"))
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "data" / "pin.json").read_bytes()


@pytest.mark.parametrize(("text", "next_step"), [(None, "^windtunnel pin$"), ("{}", "delete it")])
def test_missing_or_broken_pin(tmp_path: Path, text: str | None, next_step: str) -> None:
    """Each is told with the step that mends it."""
    if text is not None:
        (tmp_path / "pin.json").write_text(text)
    with pytest.raises(PinError) as caught:
        read_pin(tmp_path / "pin.json")
    assert re.search(next_step, caught.value.next_step)
