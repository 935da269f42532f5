"""Tables in CSV: read as declared, typed from every value, and refused in one clear message."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_lake import TextLake

import tasks.sources.csv_reader as module
from tasks.errors import LakeError


@pytest.fixture
def lake(tmp_path: Path) -> TextLake:
    """An empty lake."""
    return TextLake(tmp_path)


def test_types_are_found_from_all_values(lake: TextLake) -> None:
    """Whole numbers, fractions, truth values, dates, times and text; a code with leading zeros stays text."""
    lake.write(
        "t.csv",
        "id,x,ok,day,at,zip,word\n1,1,true,2013-01-01,2013-01-01 10:00,007,a\n2,2.5,False,2013-01-02,2013-01-02T10:00Z,123,\n",
    )
    columns = ["id", "x", "ok", "day", "at", "zip", "word"]
    kinds = ["int64", "double", "bool", "date", "timestamp[UTC]", "string", "string"]
    assert lake.types(columns) == dict(zip(columns, kinds, strict=True))
    rows = lake.rows(columns)
    assert rows.column("x").to_pylist() == [1.0, 2.5]
    assert rows.column("zip").to_pylist() == ["007", "123"]
    assert rows.column("word").to_pylist() == ["a", None]
    assert [moment.isoformat() for moment in rows.column("at").to_pylist()] == [
        "2013-01-01T10:00:00+00:00",
        "2013-01-02T10:00:00+00:00",
    ]


def test_spelling_is_declared(lake: TextLake) -> None:
    """Semicolons, decimal commas, words for nothing, day-first dates, another encoding, another quote, spaces."""
    text = "id; name; x; day\n1; 'Zoë; jr'; 1,5; 31.12.2013\n2;-; 2;01.02.2014\n".replace("; '", ";'")
    lake.write("t.csv", text.encode("cp1252"))
    csv = {
        "delimiter": ";",
        "encoding": "cp1252",
        "quote": "'",
        "decimal": ",",
        "nulls": ["-"],
        "date_formats": ["%d.%m.%Y"],
        "trim": True,
    }
    rows = lake.rows(["id", "name", "x", "day"], csv=csv)
    assert rows.column("name").to_pylist() == ["Zoë; jr", None]
    assert rows.column("x").to_pylist() == [1.5, 2.0]
    assert [str(day) for day in rows.column("day").to_pylist()] == ["2013-12-31", "2014-02-01"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfid,x\n1,2\n2,3\n",
        b"id,x\r\n1,2\r\n2,3\r\n",
        b"id,x\n1,2\n2,3",
        b'id,x\n1,"2"\n\n2,"3"\n',
        "\ufeffid,x\n1,2\n2,3\n".encode(),
    ],
)
def test_same_rows_however_lines_are_written(lake: TextLake, data: bytes) -> None:
    """Byte-order mark, CRLF, a last line without end, empty lines, quotes."""
    lake.write("t.csv", data)
    assert lake.rows(["id", "x"]).to_pylist() == [{"id": 1, "x": 2}, {"id": 2, "x": 3}]


def test_compressed_file(lake: TextLake) -> None:
    """A gzip file is one by its ending."""
    lake.write("t.csv.gz", gzip.compress(b"id,x\n1,2\n"))
    assert lake.rows(["id", "x"]).to_pylist() == [{"id": 1, "x": 2}]


def test_quoted_values_hold_line_ends(lake: TextLake) -> None:
    """A line end in quotes ends no row."""
    lake.write("t.csv", 'id,x\n1,"a\nb, ""c"""\n2,d\n')
    assert lake.rows(["id", "x"]).column("x").to_pylist() == ['a\nb, "c"', "d"]


def test_file_without_header(lake: TextLake) -> None:
    """Columns are called by their place."""
    lake.write("t.csv", "1,a\n2,b\n")
    assert lake.rows(["column_1", "column_2"], csv={"header": False}).num_rows == 2


def test_columns_without_a_name(lake: TextLake) -> None:
    """An index that pandas wrote has none; it is called by its place, too."""
    lake.write("t.csv", ",x\n0,5\n")
    assert lake.rows(["column_1", "x"]).to_pylist() == [{"column_1": 0, "x": 5}]


def test_truth_values_by_declaration(lake: TextLake) -> None:
    """Yes and no are words until they are declared to be more."""
    lake.write("t.csv", "id,x\n1,yes\n2,No\n3,\n")
    assert lake.types(["id", "x"]) == {"id": "int64", "x": "string"}
    assert lake.rows(["id", "x"], types={"x": "bool"}).column("x").to_pylist() == [True, False, None]


@pytest.mark.parametrize(("unit", "value"), [("timestamp_s", "1356998400"), ("timestamp_ms", "1356998400000")])
def test_integer_times_by_declaration(lake: TextLake, unit: str, value: str) -> None:
    """What an integer counts must be said."""
    lake.write("t.csv", f"id,at\n1,{value}\n")
    moment = lake.rows(["id", "at"], types={"at": unit}).column("at")[0].as_py()
    assert moment.isoformat() == "2013-01-01T00:00:00+00:00"


REFUSED: dict[str, tuple[bytes, dict[str, object], str]] = {
    "wrong encoding": ("id,x\n1,Zoë\n".encode("cp1252"), {}, "no text in utf-8"),
    "wrong encoding of the header": ("id,x,Zoë\n1,2,3\n".encode("cp1252"), {}, "no text in utf-8"),
    "wrong wide encoding": (b"id,x\n1,2\n3,4", {"csv": {"encoding": "utf-16"}}, "no text in utf-16"),
    "a short row": (b"id,x\n1,2\n3\n", {}, "row 1 (the first is 0): a row of 1 values, beside 2 names"),
    "a long row": (b"id,x\n1,2\n3,4,5\n", {}, "row 1 (the first is 0): a row of 3 values, beside 2 names"),
    "an open quote": (b'id,x\n1,"2\n3,4\n', {}, "an odd number of quotes"),
    "an empty file": (b"", {}, "an empty file"),
    "an empty file with a mark": (b"\xef\xbb\xbf", {}, "an empty file"),
    "a header only": (b"id,x", {}, "0 rows in 1 files"),
    "another delimiter": (b"id;x\n1;2\n", {}, "a first row of 1 names"),
    "a column twice": (b"id,x,x\n1,2,3\n", {}, "more than once"),
    "a column in two cases": (b"id,x,X\n1,2,3\n", {}, "differ only by case: x, X"),
    "a missing column": (b"id,y\n1,2\n", {}, "a first row of 2 names"),
    "a column in another case": (b"id,X\n1,2\n", {}, "X, which differs by case"),
    "no header": (b"1,secret\n2,maybe\n", {}, "a first row of 2 names"),
    "mixed types": (b"id,x\n" + b"1,2\n" * 20 + b"2,N/A\n", {}, "mixed types: 20 of 21 values"),
    "mixed times": (b"id,x\n" + b"1,2013-01-01\n" * 20 + b"2,soon\n", {}, "mixed types: 20 of 21 values"),
    "a word in a declared number": (b"id,x\n1,2\n2,secret\n", {"types": {"x": "int64"}}, "row 1 (the first is 0) is no int64"),
    "a word in a declared truth value": (b"id,x\n1,maybe\n", {"types": {"x": "bool"}}, "row 0 (the first is 0) is no bool"),
    "an unknown time": (b"id,x\n1,01/02/03\n", {"types": {"x": "timestamp"}}, "row 0 (the first is 0) is no timestamp"),
    "milliseconds taken for seconds": (b"id,x\n1,1356998400000\n", {"types": {"x": "timestamp_s"}}, "outside the years"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_fault_is_one_clear_message(lake: TextLake, fault: str) -> None:
    """Named by file, and without a value of a row."""
    data, changes, says = REFUSED[fault]
    lake.write("t.csv", data)
    with pytest.raises(LakeError) as caught:
        lake.rows(["id", "x"], **changes)
    assert says in str(caught.value)
    assert "lake" in caught.value.thing
    assert not any(word in str(caught.value) for word in ("Zo", "secret", "maybe", "soon", "01/02/03"))
    assert caught.value.exit_code == 2


def test_integers_as_known_times_are_refused(lake: TextLake) -> None:
    """The message names the declaration that says what they count."""
    lake.write("t.csv", "id,at\n1,1356998400\n")
    with pytest.raises(LakeError, match="but integers") as caught:
        lake.pin(lake.params(["id", "at"]))
    assert "types: {at: timestamp_s}" in caught.value.next_step


@pytest.mark.parametrize("path", ["t.csv", "t/at=2013-01-01/x.csv"])
def test_known_times_declared_to_be_something_else(lake: TextLake, path: str) -> None:
    """A date says no moment, in a file or in its folder's name; undeclared, its first moment counts."""
    lake.write(path, "id,at\n1,2013-01-01\n" if path == "t.csv" else "id\n1\n")
    assert lake.rows(["id", "at"]).num_rows == 1
    with pytest.raises(LakeError, match="column at") as caught:
        lake.pin(lake.params(["id", "at"], types={"at": "date"}))
    assert caught.value.found == "type date"


@pytest.mark.parametrize("cut", [1, 20])
def test_truncated_gzip_is_refused(lake: TextLake, cut: int) -> None:
    """A file that was cut off is not a short table."""
    whole = gzip.compress(b"id,x\n" + b"".join(b"%d,%d\n" % (row, row * 7919 % 1000) for row in range(1000)))
    lake.write("t.csv.gz", whole[:-cut])
    with pytest.raises(LakeError, match=r"t\.csv\.gz"):
        lake.pin(lake.params(["id", "x"]))


def test_rows_of_the_future_are_left_out(lake: TextLake) -> None:
    """A row that becomes known after as_of is not copied."""
    lake.write("t.csv", "id,at\n1,2013-01-01\n2,2999-01-01\n")
    assert lake.rows(["id", "at"]).column("id").to_pylist() == [1]


def test_table_of_one_row(lake: TextLake) -> None:
    """One row is a table."""
    lake.write("t.csv", "id,at\n1,2013-01-01\n")
    assert lake.rows(["id", "at"]).num_rows == 1


_LETTERS = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\",;'\t é")


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text(_LETTERS, max_size=8), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;|\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_texts_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], delimiter: str, encoding: str, end: str
) -> None:
    """Whatever stands in them, in any dialect; the empty text is NULL."""
    lake = TextLake(tmp_path_factory.mktemp("lake"))
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=end).writerows([["id", "x"], *enumerate(texts)])
    lake.write("t.csv", buffer.getvalue().encode(encoding))
    rows = lake.rows(["id", "x"], csv={"delimiter": delimiter, "encoding": encoding}, types={"x": "string"})
    assert rows.column("x").to_pylist() == [text or None for text in texts]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("block", [41, 64, 1000])
def test_blocks_do_not_show(lake: TextLake, monkeypatch: pytest.MonkeyPatch, encoding: str, block: int) -> None:
    """Rows, types and the place of a mistake are the same wherever a block ends, in the middle of a letter too."""
    monkeypatch.setattr(module, "BLOCK_BYTES", block)
    lake.write("t.csv", ("id,x,y\n" + "".join(f'{row},"é\n€{row}",1\n' for row in range(50)) + "50,a,0.5\n").encode(encoding))
    rows = lake.rows(["id", "x", "y"], csv={"encoding": encoding})
    assert rows.column("x").to_pylist() == [*(f"é\n€{row}" for row in range(50)), "a"]
    assert rows.column("y").to_pylist() == [1.0] * 50 + [0.5]
    with pytest.raises(LakeError, match="column x") as caught:
        lake.rows(["id", "x", "y"], csv={"encoding": encoding, "nulls": [f"é\n€{row}" for row in range(50)]}, types={"x": "int64"})
    assert "row 50 " in caught.value.found


@pytest.mark.parametrize("trim", [True, False])
def test_rows_count_where_no_column_is_looked_at(lake: TextLake, monkeypatch: pytest.MonkeyPatch, trim: bool) -> None:
    """With every type declared and the file's own time as known, the pin reads no value, of whatever type it would be."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 64)
    lake.write("t.csv", "id\n" + "1\n" * 100 + "a\n")
    pin = lake.pin(lake.params(["id"], types={"id": "string"}, csv={"trim": trim}))
    assert pin.tables["t"].files[0].rows == 101
