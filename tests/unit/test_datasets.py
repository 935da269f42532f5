"""Datasets: what is written whole is read back, what is cut off is refused, what is unchanged is left alone."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.datasets import DatasetWriter, is_in_order, logical_hash, read_manifest, read_table, row_keys
from tasks.errors import DatasetError


def _table(ids: list[int], texts: list[str | None]) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.int64()), "text": pa.array(texts, pa.string())})


def _write(folder: Path, parts: dict[str, pa.Table]) -> list[str]:
    """Write ``parts`` keyed by their content; return the paths that had to be written."""
    written = []
    with DatasetWriter(folder, "things") as writer:
        for path, table in parts.items():
            key = logical_hash(table, ["id"])
            if not writer.keep(path, key):
                writer.write(path, key, table, ["id"])
                written.append(path)
        writer.finish({"view": "raw"})
    return written


def test_logical_hash_ignores_order_chunks_and_encoding() -> None:
    """Rows, columns, chunks and dictionary encoding may be arranged in any way."""
    table = _table([1, 2, 3], ["a", None, "c"])
    shuffled = pa.concat_tables([table.slice(2), table.slice(0, 2)]).select(["text", "id"])
    encoded = table.set_column(1, "text", table.column("text").dictionary_encode())
    assert logical_hash(table, ["id"]) == logical_hash(shuffled, ["id"]) == logical_hash(encoded, ["id"])


@pytest.mark.parametrize("other", [_table([1, 2], ["a", ""]), _table([1, 3], ["a", None]), _table([1], ["a"])])
def test_logical_hash_sees_every_change(other: pa.Table) -> None:
    """NULL is not the empty string; a changed key or a missing row is another table."""
    assert logical_hash(_table([1, 2], ["a", None]), ["id"]) != logical_hash(other, ["id"])


def test_logical_hash_orders_rows_with_equal_keys() -> None:
    """Equal keys do not make the hash depend on row order."""
    assert logical_hash(_table([1, 1], ["a", "b"]), ["id"]) == logical_hash(_table([1, 1], ["b", "a"]), ["id"])


_FEW = st.one_of(st.none(), st.integers(0, 3))


@given(st.lists(st.tuples(_FEW, _FEW), max_size=5))
def test_rows_in_order_are_told_without_sorting_them(rows: list[tuple[int | None, int | None]]) -> None:
    """By several keys: in order, no two alike, and without a NULL, whose place depends on who sorts."""
    table = pa.table({"a": pa.array([a for a, _ in rows], pa.int64()), "b": pa.array([b for _, b in rows], pa.int64())})
    whole = [row for row in rows if None not in row]
    is_sorted = whole == rows and sorted(set(whole)) == rows
    decided_by_first = len({a for a, _ in rows}) == len(rows) and sorted(a for a, _ in rows if a is not None) == [
        a for a, _ in rows
    ]
    assert is_in_order(table, ["a", "b"]) == (is_sorted or decided_by_first)


def test_logical_hash_refuses_nested_columns() -> None:
    """A nested column has no canonical form."""
    with pytest.raises(DatasetError, match="list"):
        logical_hash(pa.table({"id": [1], "list": [[1]]}), ["id"])


def test_unchanged_partitions_are_kept(tmp_path: Path) -> None:
    """The second run writes only what changed and drops what is gone."""
    a, b = _table([1], ["a"]), _table([2], ["b"])
    assert _write(tmp_path, {"t/a.parquet": a, "t/b.parquet": b}) == ["t/a.parquet", "t/b.parquet"]
    assert _write(tmp_path, {"t/a.parquet": a, "t/c.parquet": b}) == ["t/c.parquet"]
    assert sorted(f.name for f in tmp_path.rglob("*.parquet")) == ["a.parquet", "c.parquet"]
    assert read_table(tmp_path, read_manifest(tmp_path, made_by="x"), "t").column("id").to_pylist() == [1, 2]


def test_interrupted_dataset_is_refused_then_repaired(tmp_path: Path) -> None:
    """A run that is cut off leaves no manifest; the next one trusts only files that match the previous manifest."""
    a, b = _table([1], ["a"]), _table([2], ["b"])
    _write(tmp_path, {"t/a.parquet": a, "t/b.parquet": b})
    writer = DatasetWriter(tmp_path, "things")
    writer.write("t/a.parquet", "other", _table([9], ["z"]), ["id"])
    with pytest.raises(DatasetError, match="interrupted"):
        read_manifest(tmp_path, made_by="x")
    assert _write(tmp_path, {"t/a.parquet": a, "t/b.parquet": b}) == ["t/a.parquet"]


def test_partition_changed_beside_its_manifest_is_refused(tmp_path: Path) -> None:
    """Stages depend on manifests: whatever lies in a partition's place must be what the manifest lists."""
    _write(tmp_path, {"t/a.parquet": _table([1], ["x"]), "t/b.parquet": _table([2], ["y"])})
    (tmp_path / "t/a.parquet").write_bytes((tmp_path / "t/b.parquet").read_bytes())
    manifest = read_manifest(tmp_path, made_by="x")
    with pytest.raises(DatasetError, match="SHA-256"):
        read_table(tmp_path, manifest, "t")


def test_schema_change_between_partitions_is_an_error(tmp_path: Path) -> None:
    """Two partitions of one table with other columns are not one table."""
    with DatasetWriter(tmp_path, "things") as writer, pytest.raises(DatasetError, match="schema changed"):
        writer.write("t/a.parquet", "k", _table([1], ["a"]), ["id"])
        writer.write("t/b.parquet", "k", pa.table({"id": [1]}), ["id"])


def test_row_keys_join_composite_keys() -> None:
    """A composite key is joined; a missing key column is named."""
    table = pa.table({"a": ["x"], "b": [1]})
    assert row_keys(table, ["a", "b"]).to_pylist() == ["x|1"]
    table = pa.table({"a": ["x|y", "x", "x\\"], "b": ["z", "y|z", "|z"]})
    assert len(set(row_keys(table, ["a", "b"]).to_pylist())) == 3
    with pytest.raises(DatasetError, match="key column c"):
        row_keys(table, ["c"])
