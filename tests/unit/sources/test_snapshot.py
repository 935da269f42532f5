"""The snapshot: exactly what was pinned, closed to others, and no unchanged file opened."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened_files import opened_files
from small_lake import MOMENT, SmallLake, after, day_rows

import tasks.sources.receive as module
from tasks.datasets import read_manifest, read_table
from tasks.errors import LakeError, PinError
from tasks.params.snapshot import SnapshotParams, SourceParams
from tasks.records import Pin
from tasks.sources import SnapshotResult, check_pin, pin_lake, write_snapshot
from tasks.sources.partitions import partition_path


def _snapshot(small: SmallLake, folder: Path, params: SnapshotParams, pin: Pin | None = None) -> SnapshotResult:
    pin = pin or pin_lake(small.lake, params, None)
    return write_snapshot(small.lake, pin, params, folder, pin_hash="the pin's", code_hash="the code's")


def _rows(folder: Path, table: str) -> pa.Table:
    return read_table(folder, read_manifest(folder, made_by="snapshot"), table)


def test_copies_declared_columns_and_known_rows_only(small: SmallLake, tmp_path: Path) -> None:
    """No column more, no row that was not known yet, in order of the key."""
    result = _snapshot(small, tmp_path / "out", small.params(2.5))
    sales = _rows(tmp_path / "out", "sales")
    assert sales.column_names == ["id", "known_utc", "amount"]
    assert sales.column("id").to_pylist() == [0, 1, 2, 10, 11, 12, 21, 22]
    assert (result.written, result.unchanged, result.rows) == (4, 0, 11)


def test_file_of_which_nothing_is_known_is_left_out(small: SmallLake, tmp_path: Path) -> None:
    """A partition of the future leaves no empty partition behind."""
    _snapshot(small, tmp_path / "out", small.params(1))
    assert [file.name for file in sorted((tmp_path / "out" / "sales").rglob("*.parquet"))] == [
        "day=2013-01-01%2Fpart-0.parquet",
        "day=2013-01-02%2Fpart-0.parquet",
    ]


@given(st.lists(st.text("ab%2F/", min_size=1, max_size=300), min_size=2, max_size=2, unique=True))
def test_partitions_of_two_files_never_meet(names: list[str]) -> None:
    """Whatever the lake calls its files, no two take one place, and none lies inside another."""
    one, other = (partition_path("t", SourceParams(), f"t/{name}/x.parquet") for name in names)
    assert one != other
    assert not other.startswith(f"{one}/")


def test_partition_with_a_long_path_keeps_its_folders() -> None:
    """No file system takes a name of more than 255 bytes."""
    assert partition_path("t", SourceParams(), "t/a=1/b.parquet") == "t/a=1%2Fb.parquet"
    assert partition_path("t", SourceParams(path="raw"), "raw/b.csv") == "t/raw%2Fb.csv"
    long = f"t/{'a' * 150}/{'b' * 150}.parquet"
    assert partition_path("t", SourceParams(), long) == long


def test_manifest_says_where_the_data_is_from(small: SmallLake, tmp_path: Path) -> None:
    """Purpose, moment, pin, source, licence and view."""
    about = _snapshot(small, tmp_path / "out", small.params(3)).manifest.about
    assert about == {
        "as_of_utc": "2013-01-04T00:00:00Z",
        "pin": "the pin's",
        "purpose": "to test",
        "view": "raw",
        "source.sales": "a till",
        "source.shops": "a till",
        "licence.sales": "CC0-1.0",
        "licence.shops": "CC0-1.0",
    }


@pytest.mark.parametrize("was_there", [False, True])
def test_folder_is_closed_to_others(small: SmallLake, tmp_path: Path, was_there: bool) -> None:
    """Raw data lies behind mode 0700, also where the folder was there before."""
    if was_there:
        (tmp_path / "out").mkdir(mode=0o755)
    _snapshot(small, tmp_path / "out", small.params(3))
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("stored", "copied"),
    [
        (pa.array(["a", None, "a"]).dictionary_encode(), pa.string()),
        (pa.array(["a", None, "b"], pa.large_string()), pa.string()),
        (pa.array([b"a", None, b"b"], pa.large_binary()), pa.binary()),
        (pa.array([after(0), None, after(1)], pa.date64()), pa.date32()),
        (pa.array([after(0), None, after(1)], pa.timestamp("ms", "America/New_York")), MOMENT),
        (pa.array([True, None, False]), pa.bool_()),
        (pa.array([1, None, 3], pa.uint8()), pa.uint8()),
    ],
)
def test_types_are_normalised(small: SmallLake, tmp_path: Path, stored: pa.Array, copied: pa.DataType) -> None:
    """How a writer stored a column does not show, and no value changes."""
    small.write("shops/all.parquet", day_rows(0, id=pa.array([0, 1, 2]), amount=stored))
    _snapshot(small, tmp_path / "out", small.params(3))
    column = _rows(tmp_path / "out", "shops").column("amount")
    assert column.type == copied
    assert column.to_pylist() == stored.cast(copied).to_pylist()


def test_naive_and_finer_times_are_utc_microseconds(small: SmallLake, tmp_path: Path) -> None:
    """A timestamp without a zone is taken as UTC; what is finer than a microsecond is cut off."""
    naive = pa.array([1_500, 2_000, 3_999], pa.timestamp("ns"))
    small.write("shops/all.parquet", day_rows(0, id=pa.array([0, 1, 2]), known_utc=naive))
    _snapshot(small, tmp_path / "out", small.params(3))
    assert _rows(tmp_path / "out", "shops").column("known_utc").cast(pa.int64()).to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("empty_day", [0, 2])
def test_column_without_values_takes_the_tables_type(small: SmallLake, tmp_path: Path, empty_day: int) -> None:
    """A partition in which a column is all-null has no type of its own."""
    small.add_day(empty_day, amount=pa.nulls(3))
    _snapshot(small, tmp_path / "out", small.params(3))
    assert read_manifest(tmp_path / "out", made_by="x").tables["sales"].columns["amount"] == "double"
    stored = (
        tmp_path / "out" / partition_path("sales", SourceParams(), small.day_file(empty_day).relative_to(small.root).as_posix())
    )
    assert pq.read_schema(stored).field("amount").type == pa.float64()


def test_column_that_gets_its_first_value_later(small: SmallLake, tmp_path: Path) -> None:
    """The first typed partition gives the earlier ones their type: a refresh equals a run from scratch."""
    for day in range(3):
        small.add_day(day, amount=pa.nulls(3))
    first = pin_lake(small.lake, small.params(3), None)
    _snapshot(small, tmp_path / "out", small.params(3), first)
    small.add_day(3)
    pin = pin_lake(small.lake, small.params(4), first)
    grown = _snapshot(small, tmp_path / "out", small.params(4), pin)
    scratch = _snapshot(small, tmp_path / "scratch", small.params(4), pin)
    assert grown.manifest.logical_hash == scratch.manifest.logical_hash


def test_one_more_day_opens_nothing_unchanged(small: SmallLake, tmp_path: Path) -> None:
    """Neither the lake's files nor the snapshot's partitions are opened but the new and the corrected ones."""
    out = tmp_path / "out"
    first = pin_lake(small.lake, small.params(3), None)
    _snapshot(small, out, small.params(3), first)
    changed = {small.add_day(1, amount=pa.array([0.5, 0.5, 0.5])), small.add_day(3)}
    pin = pin_lake(small.lake, small.params(4), first)
    with opened_files(small.root, out) as opened:
        result = _snapshot(small, out, small.params(4), pin)
    expected = {path.relative_to(small.root) for path in changed}
    assert {path.relative_to(small.root) for path in opened if path.is_relative_to(small.root)} == expected
    copied = {path.relative_to(out) for path in opened if path.is_relative_to(out) and path.suffix == ".parquet"}
    assert copied <= {Path(partition_path("sales", SourceParams(), path.as_posix())) for path in expected}
    assert (result.written, result.unchanged) == (2, 3)


def test_partly_known_partition_grows_with_as_of(small: SmallLake, tmp_path: Path) -> None:
    """The same bytes hold more known rows later; finished partitions stay."""
    _snapshot(small, tmp_path / "out", small.params(1.5))
    result = _snapshot(small, tmp_path / "out", small.params(3))
    assert result.rows == 12
    assert (result.written, result.unchanged) == (2, 2)


_MOVES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(moves=_MOVES)
def test_refresh_equals_run_from_scratch(tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int, bool]]) -> None:
    """However the lake grows, is corrected or loses days, and wherever as_of goes: the same logical hash."""
    top = tmp_path_factory.mktemp("refresh")
    small = SmallLake(top / "lake")
    pin = None
    for number, (day, thirds, is_written) in enumerate(moves):
        if is_written:
            small.add_day(day, amount=pa.array([float(number)] * 3))
        elif day > 0:
            small.day_file(day).unlink(missing_ok=True)
        params = small.params(thirds / 3)
        pin = pin_lake(small.lake, params, pin)
        refreshed = _snapshot(small, top / "out", params, pin)
        scratch = _snapshot(small, top / f"scratch-{number}", params)
        assert refreshed.manifest.logical_hash == scratch.manifest.logical_hash
        assert refreshed.manifest.tables.keys() == {"sales", "shops"}


def _shrink(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _grow(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"x" * 10)


def _flip(file: Path) -> None:
    """Other bytes of the same size and time."""
    status = file.stat()
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [Path.unlink, _shrink, _grow, _flip])
def test_file_that_changed_since_the_pin(small: SmallLake, tmp_path: Path, change) -> None:
    """Deleted, shorter, longer or with other bytes: named, refused, and no dataset that could be taken for whole."""
    pin = pin_lake(small.lake, small.params(3), None)
    change(small.day_file(1))
    with pytest.raises(PinError, match=r"day=2013-01-02/part-0\.parquet: changed or deleted between pin and copy") as caught:
        _snapshot(small, tmp_path / "out", small.params(3), pin)
    assert caught.value.exit_code == 2
    assert caught.value.next_step.startswith("windtunnel pin")
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_refused_refresh_leaves_the_last_snapshot_whole(small: SmallLake, tmp_path: Path) -> None:
    """Where nothing could be copied yet, nothing was lost."""
    before = _snapshot(small, tmp_path / "out", small.params(3)).manifest
    small.add_day(0, amount=pa.array([1.0, 1.0, 1.0]))
    pin = pin_lake(small.lake, small.params(3), None)
    small.day_file(0).unlink()
    with pytest.raises(PinError):
        _snapshot(small, tmp_path / "out", small.params(3), pin)
    assert read_manifest(tmp_path / "out", made_by="snapshot") == before


def test_lake_that_has_gone_is_not_a_changed_file(small: SmallLake, tmp_path: Path) -> None:
    """An unmounted lake is told as what it is."""
    pin = pin_lake(small.lake, small.params(3), None)
    small.root.rename(tmp_path / "unmounted")
    with pytest.raises(LakeError, match="no such folder"):
        _snapshot(small, tmp_path / "out", small.params(3), pin)


def _edited(pin: Pin, **file_changes: object) -> Pin:
    """``pin`` with its first file of shops edited by hand."""
    shops = pin.tables["shops"]
    file = shops.files[0].model_copy(update=file_changes)
    return pin.model_copy(update={"tables": {**pin.tables, "shops": shops.model_copy(update={"files": (file,)})}})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lake": "another"}, "the lake"),
        ({"as_of_utc": "2013-01-09T00:00:00Z"}, "as_of_utc"),
        ({"tables": {}}, "the tables"),
    ],
)
def test_pin_of_other_parameters_is_refused(small: SmallLake, changes: dict[str, object], says: str) -> None:
    """A pin answers for the lake, the moment and the tables it was made of."""
    pin = pin_lake(small.lake, small.params(3), None).model_copy(update=changes)
    with pytest.raises(PinError, match=says) as caught:
        check_pin(pin, small.params(3))
    assert caught.value.next_step == "windtunnel pin"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"columns": ["id", "known_utc", "amount", "secret"]}, "the columns of sales"),
        ({"known": "id"}, "the known column of sales"),
    ],
)
def test_pin_of_another_declaration_is_refused(small: SmallLake, changes: dict[str, object], says: str) -> None:
    """A column that is declared later was not looked at when the lake was pinned."""
    pin = pin_lake(small.lake, small.params(3), None)
    with pytest.raises(PinError, match=says):
        check_pin(pin, small.params(3, **changes))


@pytest.mark.parametrize(
    "path",
    ["shops/../../../escaped.parquet", "/shops/x.parquet", "sales/x.parquet", "shops", "shops//x.parquet", "shops/manifest.json"],
)
def test_pinned_path_stays_in_its_table(small: SmallLake, path: str) -> None:
    """An edited pin must not make the snapshot write elsewhere."""
    pin = _edited(pin_lake(small.lake, small.params(3), None), path=path)
    with pytest.raises(PinError, match="a path of shops"):
        check_pin(pin, small.params(3))


def test_edited_row_count_is_refused(small: SmallLake, tmp_path: Path) -> None:
    """The pin's counts are checked against what was copied."""
    pin = _edited(pin_lake(small.lake, small.params(3), None), known_rows=2)
    with pytest.raises(PinError, match="known_rows"):
        _snapshot(small, tmp_path / "out", small.params(3), pin)


def test_type_other_than_pinned_is_refused(small: SmallLake, tmp_path: Path) -> None:
    """A file whose column is not of the pinned type is not cast to it."""
    pin = pin_lake(small.lake, small.params(3), None)
    shops = pin.tables["shops"].model_copy(update={"columns": {**pin.tables["shops"].columns, "amount": "string"}})
    pin = pin.model_copy(update={"tables": {**pin.tables, "shops": shops}})
    with pytest.raises(LakeError, match=r"shops/all\.parquet: column amount"):
        _snapshot(small, tmp_path / "out", small.params(3), pin)


def test_damaged_data_behind_a_whole_footer(small: SmallLake, tmp_path: Path) -> None:
    """Only reading the pages shows it; the file is named."""
    data = bytearray(small.day_file(1).read_bytes())
    pages = pq.ParquetFile(small.day_file(1)).metadata.row_group(0)
    amount = next(pages.column(i) for i in range(4) if pages.column(i).path_in_schema == "amount")
    start = amount.dictionary_page_offset or amount.data_page_offset
    data[start : start + amount.total_compressed_size] = b"\xff" * amount.total_compressed_size
    small.day_file(1).write_bytes(data)
    pin = pin_lake(small.lake, small.params(3), None)
    with pytest.raises(LakeError, match=r"day=2013-01-02/part-0\.parquet"):
        _snapshot(small, tmp_path / "out", small.params(3), pin)


def test_large_file_passes_through_the_closed_folder(small: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the memory bound the bytes go through a nameless file there; the result is the same and nothing stays."""
    expected = _snapshot(small, tmp_path / "memory", small.params(3)).manifest
    monkeypatch.setattr(module, "_IN_MEMORY_BYTES", 0)
    assert _snapshot(small, tmp_path / "disk", small.params(3)).manifest == expected
    files = {path.suffix for path in (tmp_path / "disk").rglob("*") if path.is_file()}
    assert files == {".parquet", ".json"}


@pytest.mark.parametrize("change", [{"columns": ["id", "known_utc"]}, {"key": ["id", "known_utc"]}])
def test_other_declaration_copies_again(small: SmallLake, tmp_path: Path, change: dict[str, object]) -> None:
    """Fewer columns or another key make every partition anew."""
    _snapshot(small, tmp_path / "out", small.params(3))
    result = _snapshot(small, tmp_path / "out", small.params(3, **change))
    assert (result.written, result.unchanged) == (4, 0)
    scratch = _snapshot(small, tmp_path / "scratch", small.params(3, **change))
    assert result.manifest == scratch.manifest
