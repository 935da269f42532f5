"""Which files make up a table, as declared."""

from pathlib import Path

import pytest
from text_lake import TextLake

from tasks.errors import LakeError, PinError
from tasks.params.snapshot import SourceParams
from tasks.sources import check_pin, list_table
from tasks.sources.layout import covers, folder_values


@pytest.fixture
def lake(tmp_path: Path) -> TextLake:
    """A lake of several layouts."""
    lake = TextLake(tmp_path)
    for path in ("t/1.csv", "t/deep/2.csv", "raw/a-1.csv", "raw/a-2.csv", "raw/b.csv", "raw/x/a-3.csv", "one.csv", "odd.data"):
        lake.write(path, "id\n1\n")
    return lake


DECLARED: dict[str, tuple[str, list[str]]] = {
    "by name": ("", ["t/1.csv", "t/deep/2.csv"]),
    "a folder": ("raw", ["raw/a-1.csv", "raw/a-2.csv", "raw/b.csv", "raw/x/a-3.csv"]),
    "a folder with a slash": ("t/deep/", ["t/deep/2.csv"]),
    "a file": ("one.csv", ["one.csv"]),
    "a pattern": ("raw/a-?.csv", ["raw/a-1.csv", "raw/a-2.csv"]),
    "a pattern of all depths": ("raw/**/a-*.csv", ["raw/a-1.csv", "raw/a-2.csv", "raw/x/a-3.csv"]),
    "a pattern of letters": ("raw/[!b]-[2-9].csv", ["raw/a-2.csv"]),
}


@pytest.mark.parametrize("case", DECLARED)
def test_files_are_those_declared(lake: TextLake, case: str) -> None:
    """In order of path; each of them is covered by the declaration, and no other file is."""
    path, expected = DECLARED[case]
    source = SourceParams(path=path)
    assert [file.path for file in list_table(lake.lake, "t", source)] == expected
    covered = [file.path for file in lake.lake.list_files("") if covers("t", source, file.path)]
    assert covered == expected


@pytest.mark.parametrize("path", ["", "nothing", "raw/z*.csv"])
def test_no_files_are_an_error(tmp_path: Path, path: str) -> None:
    """An empty prefix is not an empty table."""
    (tmp_path / "lake").mkdir()
    with pytest.raises(LakeError, match="table t") as caught:
        list_table(TextLake(tmp_path).lake, "t", SourceParams(path=path))
    assert "no files" in caught.value.found


def test_folder_and_file_of_one_name(lake: TextLake) -> None:
    """Which of the two is meant must be said."""
    lake.write("t.parquet", b"")
    with pytest.raises(LakeError, match="table t") as caught:
        list_table(lake.lake, "t", SourceParams())
    assert caught.value.found == "t/ and t.parquet"
    assert "snapshot.tables.t.path" in caught.value.next_step


@pytest.mark.parametrize("name", ["_delta_log/000.json", "x.parquet", "README"])
@pytest.mark.parametrize("form", [None, "csv"])
def test_other_files_in_a_table_are_refused(lake: TextLake, name: str, form: str | None) -> None:
    """Rows that would be passed over in silence stop the pin; a declared format takes files whose ending says nothing."""
    lake.write(f"t/{name}", "")
    source = SourceParams.model_validate({"format": form})
    if form and name != "x.parquet":
        assert len(list_table(lake.lake, "t", source)) == 3
    else:
        with pytest.raises(LakeError, match=name):
            list_table(lake.lake, "t", source)


def test_endings_in_capitals_count(lake: TextLake) -> None:
    """A.CSV is a CSV file."""
    lake.write("t/A.CSV", "id\n1\n")
    assert len(list_table(lake.lake, "t", SourceParams())) == 3


def test_format_of_an_odd_ending_is_declared(lake: TextLake) -> None:
    """Without it the file cannot be read; with it, it is pinned and copied."""
    with pytest.raises(LakeError, match=r"odd\.data"):
        list_table(lake.lake, "t", SourceParams(path="odd.data"))
    assert lake.rows(["id"], path="odd.data", format="csv").to_pylist() == [{"id": 1}]


@pytest.mark.parametrize("path", ["/t/1.csv", "t/../one.csv", "t", "t2/1.csv", "t/1.txt", "t//1.csv", "t.txt", "./t/1.csv"])
def test_edited_pin_leads_nowhere_else(path: str) -> None:
    """A path that the declaration does not cover is refused, wherever it leads."""
    assert not covers("t", SourceParams(), path)


def test_changed_declaration_asks_for_another_pin(lake: TextLake) -> None:
    """What was pinned was read otherwise."""
    pin = lake.pin(lake.params(["id"]))
    with pytest.raises(PinError, match="how the files of t are read") as caught:
        check_pin(pin, lake.params(["id"], csv={"nulls": ["-"]}))
    assert caught.value.next_step == "windtunnel pin"


def test_folders_values() -> None:
    """Escapes are read, Hive's NULL is none, and the file's own name is no folder."""
    path = "t/day=2013-01-01/name=a%2Fb/x=__HIVE_DEFAULT_PARTITION__/plain/y=1.csv"
    assert folder_values(path) == {"day": "2013-01-01", "name": "a/b", "x": None}
