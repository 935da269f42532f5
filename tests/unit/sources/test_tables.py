"""Tables read before they are declared: samples, streams, and types that hold for every value."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from text_lake import TextLake

from tasks.errors import LakeError
from tasks.params.snapshot import CsvParams, SourceParams
from tasks.sources import column_names, infer_types, read_batches, read_sample


@pytest.fixture
def lake(tmp_path: Path) -> TextLake:
    """An empty lake."""
    return TextLake(tmp_path)


def test_types_hold_for_the_last_value_too(lake: TextLake) -> None:
    """Text is looked at whole; what a sample says may be less."""
    lake.write("t.csv", "id,x\n" + "".join(f"{row},1\n" for row in range(100_000)) + "1,2.5\n")
    assert infer_types(lake.lake, "t", SourceParams()).types == {"id": "int64", "x": "double"}
    assert read_sample(lake.lake, "t", SourceParams(), 5).schema.field("x").type == pa.int64()
    assert infer_types(lake.lake, "t", SourceParams()).rows == 100_001


def test_words_for_nothing_are_noted(lake: TextLake) -> None:
    """With them under nulls the types hold; a word that is no such word makes a column text."""
    lake.write("t.csv", "id,x,y,z\n" + "1,2,3,NA\n" * 20 + "1,N/A,soon,x\n2,?,4,y\n")
    found = infer_types(lake.lake, "t", SourceParams())
    assert found.types == {"id": "int64", "x": "int64", "y": "string", "z": "string"}
    assert found.null_words == ("?", "N/A")
    typed = SourceParams(types=found.types, csv=CsvParams(nulls=("", *found.null_words)))
    assert sum(batch.column("x").null_count for batch in read_batches(lake.lake, "t", typed)) == 2


def test_columns_that_cannot_be_copied_are_named(lake: TextLake) -> None:
    """Nested ones and empty ones, with why; decimals can, as fractions."""
    lake.write("t/a.jsonl", '{"id": 1, "deep": [1], "none": null}\n')
    found = infer_types(lake.lake, "t", SourceParams())
    assert found.types == {"id": "int64"}
    assert found.left_out == {"deep": "its values are lists or objects", "none": "it holds no value"}
    pq.write_table(pa.table({"id": [1], "deep": [[1]], "cost": pa.array([1], pa.decimal128(9, 2))}), lake.root / "p.parquet")
    found = infer_types(lake.lake, "p", SourceParams())
    assert found.types == {"id": "int64", "cost": "double"}
    assert list(found.left_out) == ["deep"]


def test_files_of_several_types_are_text(lake: TextLake) -> None:
    """Whole numbers here and fractions there are fractions; numbers here and words there are text."""
    lake.write("t/1.csv", "id,x,y\n1,1,1\n")
    lake.write("t/2.csv", "id,x,y\n2,1.5,a\n")
    assert infer_types(lake.lake, "t", SourceParams()).types == {"id": "int64", "x": "double", "y": "string"}


def test_sample_and_stream_are_the_files_rows(lake: TextLake) -> None:
    """In order of files; folders and virtual columns included where they are asked for."""
    for day in (1, 2):
        lake.write(f"t/day=2013-01-0{day}/a.csv", f"id\n{day}\n{day}\n")
    assert column_names(lake.lake, "t", SourceParams()) == ("id", "day")
    sample = read_sample(lake.lake, "t", SourceParams(), 3, ["id", "day", "lake_row"])
    assert sample.column("id").to_pylist() == [1, 1, 2]
    assert sample.schema.field("day").type == pa.date32()
    assert sample.column("lake_row").to_pylist()[1:] == ["t/day=2013-01-01/a.csv#1", "t/day=2013-01-02/a.csv#0"]
    rows = pa.Table.from_batches(read_batches(lake.lake, "t", SourceParams(), ["id"]))
    assert rows.column("id").to_pylist() == [1, 1, 2, 2]


def test_sample_looks_no_further_than_its_rows(lake: TextLake) -> None:
    """What comes later does not disturb it."""
    lake.write("t.csv", "id\n1\n2\nx\n")
    assert read_sample(lake.lake, "t", SourceParams(), 2).to_pylist() == [{"id": 1}, {"id": 2}]


def test_sample_of_nothing_is_an_error(lake: TextLake) -> None:
    """A header is no row."""
    lake.write("t.csv", "id\n")
    with pytest.raises(LakeError, match="table t"):
        read_sample(lake.lake, "t", SourceParams(), 5)
