"""Columns that files do not hold: those that folders name, and those of a file's place in the lake."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from text_lake import TextLake

from tasks.errors import LakeError
from tasks.params.snapshot import SourceParams
from tasks.sources import pin_lake
from tasks.sources.observe import folder_types


@pytest.fixture
def lake(tmp_path: Path) -> TextLake:
    """Two days of one region, and one of none."""
    lake = TextLake(tmp_path)
    for day, region in ((1, "a%20b"), (2, "a%20b"), (3, "__HIVE_DEFAULT_PARTITION__")):
        lake.write(f"t/month=0{day}/day=2013-01-0{day}/region={region}/x.csv", f"id\n{day}\n")
    return lake


def test_folders_are_columns_where_declared(lake: TextLake) -> None:
    """Numbers, dates and text, of the type that all folders agree on."""
    rows = lake.rows(["id", "month", "day", "region"])
    assert rows.column("month").to_pylist() == [1, 2, 3]
    assert [str(day) for day in rows.column("day").to_pylist()] == ["2013-01-01", "2013-01-02", "2013-01-03"]
    assert rows.column("region").to_pylist() == ["a b", "a b", None]


def test_folders_may_say_when_rows_were_known(lake: TextLake) -> None:
    """A date counts from its first moment; a later day is not copied."""
    params = lake.params(["id", "day"], columns=["id", "day"], time="day", known="day")
    params = params.model_copy(update={"as_of_utc": params.as_of_utc.replace(year=2013, month=1, day=2)})
    assert lake.copy(params).rows == 2


def test_same_folders_in_parquet(lake: TextLake, tmp_path: Path) -> None:
    """The format makes no difference; a column that the file holds goes before its folder's."""
    lake = TextLake(tmp_path / "other")
    for day in (1, 2):
        file = lake.write(f"t/day=2013-01-0{day}/region=x/a.parquet", b"")
        pq.write_table(pa.table({"id": [day], "region": ["y"]}), file)
    rows = lake.rows(["id", "day", "region"])
    assert rows.column("day").type == pa.date32()
    assert rows.column("region").to_pylist() == ["y", "y"]


def test_new_folder_may_widen_the_type(lake: TextLake) -> None:
    """Step by step as from scratch: the pinned type does not stand against a new folder's value."""
    params = lake.params(["id", "month"])
    first = lake.pin(params)
    lake.write("t/month=spring/day=2013-01-04/region=a/x.csv", "id\n4\n")
    second = lake.pin(params, first)
    assert second.tables["t"].columns["month"] == "string"
    assert second == pin_lake(lake.lake, params, None)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["01", "10"], "int64"),
        (["2013-01-01"], "date"),
        (["2013-01-01", "2013-01-01 10:00"], "timestamp[UTC]"),
        (["1", "a"], "string"),
        (["__HIVE_DEFAULT_PARTITION__"], "null"),
    ],
)
def test_types_of_folders(values: list[str], kind: str) -> None:
    """The narrowest that takes all of them."""
    assert folder_types([f"t/x={value}/a.csv" for value in values], SourceParams(), ["x"]) == {"x": kind}


def test_files_of_two_layouts_are_refused(lake: TextLake) -> None:
    """A column of the folder here and of the file there would be two things under one name."""
    lake.write("t/loose.csv", "id,month,day,region\n1,1,2013-01-01,x\n")
    with pytest.raises(LakeError, match="folders name the columns"):
        lake.pin(lake.params(["id", "month"]))


def test_rows_are_told_apart_by_their_place(tmp_path: Path) -> None:
    """Path and number of the row, counted before any row is left out; in each format."""
    lake = TextLake(tmp_path)
    lake.write("t.csv", "at\n2999-01-01\n2013-01-01\n2013-01-01\n")
    assert lake.rows(["at", "lake_row"], key=["lake_row"]).num_rows == 2
    rows = pq.ParquetFile(next((lake.out / "t").iterdir())).read()
    assert rows.column("lake_row").to_pylist() == ["t.csv#1", "t.csv#2"]


def test_files_time_may_say_when_rows_were_known(tmp_path: Path) -> None:
    """The moment at which the file appeared, to the microsecond; a touched file is pinned and copied anew."""
    lake = TextLake(tmp_path)
    file = lake.write("t.csv", "id\n1\n")
    os.utime(file, ns=(0, 1_356_998_400_123_456_000))
    params = lake.params(["id"])
    first = lake.pin(params)
    assert first.tables["t"].watermark_utc == "2013-01-01T00:00:00.123456Z"
    lake.copy(params, first)
    os.utime(file, ns=(0, 1_356_998_401_000_000_000))
    result = lake.copy(params, lake.pin(params, first))
    assert (result.written, result.unchanged) == (1, 0)


def test_moved_rows_are_copied_anew_where_their_place_counts(tmp_path: Path) -> None:
    """The same bytes under another path have other row names."""
    lake = TextLake(tmp_path)
    lake.write("t/a.csv", "id\n1\n")
    params = lake.params(["id", "lake_row"])
    lake.copy(params)
    (lake.root / "t" / "a.csv").rename(lake.root / "t" / "b.csv")
    assert lake.rows(["id", "lake_row"]).column("lake_row").to_pylist() == ["t/b.csv#0"]


def test_file_must_not_hold_a_virtual_column(tmp_path: Path) -> None:
    """Two things under one name."""
    lake = TextLake(tmp_path)
    lake.write("t.csv", "id,lake_row\n1,x\n")
    with pytest.raises(LakeError, match="column lake_row"):
        lake.pin(lake.params(["id", "lake_row"]))


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_table_of_nothing_but_its_place(tmp_path: Path, form: str) -> None:
    """No column of the file is declared, and its rows count all the same."""
    lake = TextLake(tmp_path)
    if form == "parquet":
        pq.write_table(pa.table({"id": [1, 2]}), lake.write("t.parquet", b""))
    else:
        lake.write(f"t.{form}", {"csv": "id\n1\n2\n", "jsonl": '{"id": 1}\n{"id": 2}\n'}[form])
    assert lake.rows(["lake_row"]).column("lake_row").to_pylist() == [f"t.{form}#0", f"t.{form}#1"]
