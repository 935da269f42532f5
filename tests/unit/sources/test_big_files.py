"""A file that becomes several partitions: the same rows, kept one by one, whatever as_of does."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened_files import opened_files
from text_lake import TextLake

import tasks.sources.partitions as module
from tasks.datasets import read_manifest
from tasks.errors import PinError
from tasks.params.snapshot import SnapshotParams, SourceParams
from tasks.records import PinnedFile
from tasks.sources.partitions import rows_each

_COLUMNS = ["id", "at"]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TextLake:
    """Partitions of ten rows."""
    monkeypatch.setattr(module, "_ROWS", 10)
    return TextLake(tmp_path)


def _csv(rows: int) -> str:
    return "id,at\n" + "".join(f"{rows - row},2013-01-{1 + row % 28:02} 00:00\n" for row in range(rows))


def _paths(lake: TextLake) -> dict[str, int]:
    return {part.path: part.rows for part in read_manifest(lake.out, made_by="snapshot").tables["t"].partitions}


@pytest.mark.parametrize(("rows", "sizes"), [(9, [9]), (10, [10]), (11, [10, 1]), (30, [10, 10, 10])])
def test_rows_are_parted_in_their_order(lake: TextLake, rows: int, sizes: list[int]) -> None:
    """All but the last are full; each is ordered by the key within itself."""
    lake.write("t.csv", _csv(rows))
    found = lake.rows(_COLUMNS).column("id").to_pylist()
    assert _paths(lake) == {f"t/t.csv%23{number:05}.parquet": size for number, size in enumerate(sizes)}
    expected = [
        sorted(range(rows - start - size + 1, rows - start + 1)) for start, size in zip(range(0, rows, 10), sizes, strict=True)
    ]
    assert found == [row for part in expected for row in part]


def test_big_parquet_is_parted_too(lake: TextLake) -> None:
    """A small one keeps its name."""
    moments = pa.array([0] * 25, pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"id": range(25), "at": moments}), lake.write("t/big.parquet", b""))
    pq.write_table(pa.table({"id": range(5), "at": moments[:5]}), lake.write("t/small.parquet", b""))
    assert lake.rows(_COLUMNS).num_rows == 30
    assert list(_paths(lake)) == [*(f"t/big.parquet%230000{number}.parquet" for number in range(3)), "t/small.parquet"]


def test_unchanged_big_file_is_not_opened(lake: TextLake) -> None:
    """Neither in the lake nor in the snapshot."""
    lake.write("t.csv", _csv(25))
    params = lake.params(_COLUMNS)
    pin = lake.pin(params)
    before = lake.copy(params, pin).manifest
    with opened_files(lake.root, lake.out) as opened:
        result = lake.copy(params, lake.pin(params, pin))
    assert not [path for path in opened if path.suffix in (".csv", ".parquet")]
    assert (result.written, result.unchanged, result.manifest) == (0, 3, before)


def test_only_what_is_missing_is_written(lake: TextLake) -> None:
    """A partition that is gone comes back, and the others are left alone."""
    lake.write("t.csv", _csv(25))
    params = lake.params(_COLUMNS)
    before = lake.copy(params).manifest
    (lake.out / "t" / "t.csv%2300001.parquet").unlink()
    result = lake.copy(params)
    assert (result.written, result.unchanged, result.manifest) == (1, 2, before)


@settings(max_examples=15, deadline=None)
@given(days=st.lists(st.integers(0, 40), min_size=1, max_size=3), rows=st.integers(1, 45))
def test_refresh_equals_a_run_from_scratch(tmp_path_factory: pytest.TempPathFactory, days: list[int], rows: int) -> None:
    """However as_of moves, partitions of what is known by then are those of a run from scratch."""
    lake = TextLake(tmp_path_factory.mktemp("lake"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", 10)
        lake.write("t.csv", _csv(rows))
        pin = None
        for day in days:
            params = _as_of(lake.params(_COLUMNS), day)
            pin = lake.pin(params, pin)
            refreshed = lake.copy(params, pin).manifest
        scratch = TextLake(lake.root.parent)
        scratch.out = lake.root.parent / "scratch"
        assert refreshed == scratch.copy(params).manifest
        assert all(part.rows for part in refreshed.tables["t"].partitions)


def _as_of(params: SnapshotParams, day: int) -> SnapshotParams:
    moment = params.as_of_utc.replace(year=2013, month=1 + day // 31, day=1 + day % 31)
    return params.model_copy(update={"as_of_utc": moment})


@pytest.mark.parametrize("known_rows", [3, 24, 26, 99])
def test_edited_count_is_refused(lake: TextLake, known_rows: int) -> None:
    """The pin's counts are checked against what was copied, also where they change the number of partitions."""
    lake.write("t.csv", _csv(25))
    params = lake.params(_COLUMNS)
    pin = lake.pin(params)
    file = pin.tables["t"].files[0].model_copy(update={"known_rows": known_rows})
    table = pin.tables["t"].model_copy(update={"files": (file,)})
    with pytest.raises(PinError, match="known_rows"):
        lake.copy(params, pin.model_copy(update={"tables": {"t": table}}))


@pytest.mark.parametrize(
    ("path", "size", "rows", "expected"),
    [
        ("t.csv", 1000, 10, 250_000),
        ("t.csv", 1 << 30, 1 << 20, 1 << 16),
        ("t.csv.gz", 6 << 20, 1000, 64 * 1000 // 36),
        ("t.parquet", 1 << 30, 10, 1),
        ("t.csv", 0, 0, 250_000),
    ],
)
def test_partitions_fit_into_memory(path: str, size: int, rows: int, expected: int) -> None:
    """By rows, or by bytes where rows are long; at least one row."""
    file = PinnedFile(path=path, bytes=size, mtime_utc="", sha256="", rows=rows, known_rows=rows, watermark_utc=None)
    assert rows_each(file, SourceParams()) == expected
