"""Parquet that is a partition already: taken over byte by byte, and only where it says no more than the snapshot would."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_lake import SmallLake, day_rows

from tasks.datasets import read_manifest, read_partition, read_table
from tasks.errors import LakeError
from tasks.records import PartitionRecord
from tasks.sources import pin_lake, write_snapshot

_COLUMNS = ["id", "known_utc", "amount"]
_ROWS = day_rows(0).select(_COLUMNS).sort_by("id")


def _shops(small: SmallLake, folder: Path, days: float = 3, **changes: object) -> PartitionRecord:
    """The one partition of the table shops after a snapshot of the lake."""
    params = small.params(days, **changes)
    found = write_snapshot(small.lake, pin_lake(small.lake, params, None), params, folder, pin_hash="", code_hash="")
    (partition,) = found.manifest.tables["shops"].partitions
    return partition


def _is_as_it_was(small: SmallLake, partition: PartitionRecord) -> bool:
    return partition.sha256 == hashlib.sha256((small.root / "shops/all.parquet").read_bytes()).hexdigest()


def test_conforming_file_is_taken_over_byte_by_byte(small: SmallLake, tmp_path: Path) -> None:
    """And it can be read as any other partition."""
    small.write("shops/all.parquet", _ROWS)
    partition = _shops(small, tmp_path / "out")
    assert _is_as_it_was(small, partition)
    assert read_partition(tmp_path / "out", partition).equals(_ROWS)


def test_pandas_own_account_of_the_columns_is_no_obstacle(small: SmallLake, tmp_path: Path) -> None:
    """What a data frame's writer adds names the columns only."""
    frame = _ROWS.to_pandas(types_mapper=None)
    small.write("shops/all.parquet", pa.Table.from_pandas(frame, schema=_ROWS.schema, preserve_index=False))
    assert _is_as_it_was(small, _shops(small, tmp_path / "out"))


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(_ROWS.sort_by([("id", "descending")]), id="another order"),
        pytest.param(_ROWS.append_column("secret", pa.array(["a", "b", "c"])), id="a column that nobody declared"),
        pytest.param(_ROWS.replace_schema_metadata({"note": "Anna"}), id="words of the writer"),
        pytest.param(_ROWS.replace_schema_metadata({"pandas": '{"attributes": {"note": "Anna"}}'}), id="notes of a data frame"),
        pytest.param(_ROWS.replace_schema_metadata({"pandas": "Anna"}), id="words that are not pandas'"),
        pytest.param(
            _ROWS.cast(_ROWS.schema.set(0, pa.field("id", pa.int64(), metadata={"note": "Anna"}))), id="words on a column"
        ),
        pytest.param(_ROWS.select(["known_utc", "id", "amount"]), id="another order of columns"),
        pytest.param(
            _ROWS.set_column(1, "known_utc", _ROWS.column("known_utc").cast(pa.timestamp("us"))), id="times without a zone"
        ),
    ],
)
def test_any_other_file_is_packed_anew_and_means_the_same(small: SmallLake, tmp_path: Path, spoilt: pa.Table) -> None:
    """The logical hash does not tell by which way rows came; what nobody declared does not come at all."""
    small.write("shops/all.parquet", _ROWS)
    plain = _shops(small, tmp_path / "plain")
    small.write("shops/all.parquet", spoilt)
    partition = _shops(small, tmp_path / "out")
    assert not _is_as_it_was(small, partition)
    assert partition.logical_hash == plain.logical_hash
    assert b"Anna" not in (tmp_path / "out" / partition.path).read_bytes()
    assert read_table(tmp_path / "out", read_manifest(tmp_path / "out", made_by="snapshot"), "shops").equals(_ROWS)


def test_bytes_between_the_pages_are_left_behind(small: SmallLake, tmp_path: Path) -> None:
    """A file may hold what its footer no longer tells of."""
    file = small.write("shops/all.parquet", _ROWS)
    whole = file.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    file.write_bytes(whole[:-footer] + b"Anna" + whole[-footer:])
    partition = _shops(small, tmp_path / "out")
    assert b"Anna" not in (tmp_path / "out" / partition.path).read_bytes()


def test_rows_that_are_not_known_yet_are_left_behind(small: SmallLake, tmp_path: Path) -> None:
    """A file of which a part is known is cut."""
    small.write("shops/all.parquet", _ROWS)
    partition = _shops(small, tmp_path / "out", days=0.5)
    assert partition.rows == 2
    assert not _is_as_it_was(small, partition)


def test_many_small_row_groups_are_packed_anew(small: SmallLake, tmp_path: Path) -> None:
    """Each later stage would open all of them at each look."""
    pq.write_table(_ROWS, small.root / "shops/all.parquet", row_group_size=1)
    assert not _is_as_it_was(small, _shops(small, tmp_path / "out"))


def test_file_by_row_needs_its_rows_numbered(small: SmallLake, tmp_path: Path) -> None:
    """A column that calls itself the row's place is not taken for it."""
    rows = _ROWS.append_column("lake_row", pa.array(["a", "b", "c"]))
    small.write("shops/all.parquet", rows)
    with pytest.raises(LakeError, match="a column of this name in the file"):
        _shops(small, tmp_path / "out", columns=[*_COLUMNS, "lake_row"], key=["lake_row"])


def test_broken_pages_stop_the_run(small: SmallLake, tmp_path: Path) -> None:
    """A whole footer over spoilt pages is an unreadable file, as it is where rows are read one by one."""
    pq.write_table(_ROWS, small.root / "shops/all.parquet", compression="zstd")
    params = small.params(3)
    file = small.root / "shops/all.parquet"
    whole = bytearray(file.read_bytes())
    chunk = pq.ParquetFile(file).metadata.row_group(0).column(2)
    for place in range(
        chunk.data_page_offset + chunk.total_compressed_size - 12, chunk.data_page_offset + chunk.total_compressed_size
    ):
        whole[place] ^= 0xFF
    file.write_bytes(bytes(whole))
    with pytest.raises(LakeError, match=r"shops/all[.]parquet"):
        write_snapshot(small.lake, pin_lake(small.lake, params, None), params, tmp_path / "out", pin_hash="", code_hash="")
