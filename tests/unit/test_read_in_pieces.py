"""Tables read a partition at a time, and the database that keeps to its memory."""

from pathlib import Path

import pyarrow as pa
import pytest

from tasks.datasets import DatasetWriter, StoredTable, logical_hash, open_table
from tasks.datasets.database import in_chunks, load_rows, open_database
from tasks.errors import DatasetError


@pytest.fixture
def stored(tmp_path: Path) -> StoredTable:
    """Three partitions of three rows."""
    with DatasetWriter(tmp_path / "data", "made") as writer:
        for part in range(3):
            rows = pa.table(
                {"id": pa.array(range(part * 3, part * 3 + 3)).cast(pa.string()), "x": [part * 1.5] * 3, "y": [part] * 3}
            )
            writer.write(f"t/{part}.parquet", logical_hash(rows, ["id"]), rows, ("id",))
        manifest = writer.finish({})
    return open_table(tmp_path / "data", manifest, "t")


def test_pieces_are_the_partitions_in_order(stored: StoredTable) -> None:
    """One table each, with the wanted columns only."""
    pieces = list(stored.pieces(("x",)))
    assert [piece.to_pydict() for piece in pieces] == [{"x": [part * 1.5] * 3} for part in range(3)]


def test_a_changed_partition_is_refused_when_it_is_first_read(stored: StoredTable, tmp_path: Path) -> None:
    """And only then: what this process has held against the manifest is not hashed for each column anew."""
    path = tmp_path / "data/t/1.parquet"
    before = path.read_bytes()
    path.write_bytes(before[:-9] + b"x" + before[-8:])
    with pytest.raises(DatasetError, match="SHA-256"):
        stored.column("x")
    path.write_bytes(before)
    assert stored.column("x").to_pylist() == [0.0] * 3 + [1.5] * 3 + [3.0] * 3


def test_columns_come_one_by_one_in_the_order_asked_for(stored: StoredTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are read together."""
    wanted = [(name, stored.column(name).to_pylist()) for name in ("y", "id", "x")]
    for values in (1, 18, 1000):
        monkeypatch.setattr("tasks.datasets.reader._VALUES_AT_ONCE", values)
        assert [(name, column.to_pylist()) for name, column in stored.each_column(("y", "id", "x"))] == wanted


def test_rows_by_key_come_from_their_partitions(stored: StoredTable) -> None:
    """Keys that no row has are not missed here: callers count."""
    found = list(stored.rows_of(pa.chunked_array([["7", "1", "none"]]), ("id",), ("id", "y")))
    assert [piece.to_pydict() for piece in found] == [{"id": ["1"], "y": [0]}, {"id": [], "y": []}, {"id": ["7"], "y": [2]}]


def test_small_pieces_go_together_and_a_large_one_alone() -> None:
    """No chunk has more rows than asked for, but a piece that has them by itself."""
    pieces = [pa.table({"n": range(rows)}) for rows in (2, 2, 9, 1, 0)]
    assert [[piece.num_rows for piece in chunk] for chunk in in_chunks(pieces, 4)] == [[2, 2], [9], [1, 0]]


def test_the_database_leaves_nothing_behind(tmp_path: Path) -> None:
    """What does not fit into its memory lies in a folder that only the owner may enter, and that is gone afterwards."""
    spill = tmp_path / "state" / "spill"
    with open_database(spill) as con:
        (folder,) = spill.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        load_rows(con, "t", [pa.table({"n": [1, 2]}), pa.table({"n": [3]})], ["n * 2 AS m"])
        assert con.execute("SELECT list(m ORDER BY m), current_setting('TimeZone') FROM t").fetchall() == [([2, 4, 6], "UTC")]
    assert not spill.exists()


def test_the_database_takes_more_than_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table beyond the limit goes to disk, and comes back whole."""
    monkeypatch.setattr("tasks.datasets.database._MEMORY", "40MB")
    with open_database(tmp_path / "spill") as con:
        con.execute("SET threads=1")
        con.execute("CREATE TEMP TABLE t AS SELECT i, hash(i) AS h, 'text ' || hash(i + 1) AS s FROM range(1500000) r(i)")
        assert any(path.stat().st_size for path in (tmp_path / "spill").rglob("*") if path.is_file())
        assert con.execute("SELECT count(DISTINCT h), min(i), max(i) FROM t").fetchall() == [(1_500_000, 0, 1_499_999)]
