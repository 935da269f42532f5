"""Tables in JSON lines: typed by JSON itself, times by their text, and refused in one clear message."""

import gzip
import json
from pathlib import Path

import pytest
from text_lake import TextLake

import tasks.sources.json_reader as module
from tasks.errors import LakeError


@pytest.fixture
def lake(tmp_path: Path) -> TextLake:
    """An empty lake."""
    return TextLake(tmp_path)


def _lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_types_are_jsons_own(lake: TextLake) -> None:
    """Numbers in quotes are text; texts that are all times are times; a missing key is NULL."""
    lake.write(
        "t.jsonl",
        _lines(
            {"id": 1, "x": 1, "ok": True, "code": "12", "at": "2013-01-01T10:00:00Z", "day": "2013-01-01", "deep": [1]},
            {"id": 2, "x": 2.5, "code": "13", "at": "2013-01-01 11:00:00", "day": None},
        ),
    )
    columns = ["id", "x", "ok", "code", "at", "day"]
    kinds = ["int64", "double", "bool", "string", "timestamp[UTC]", "date"]
    assert lake.types(columns) == dict(zip(columns, kinds, strict=True))
    rows = lake.rows(columns)
    assert rows.column("ok").to_pylist() == [True, None]
    assert rows.column("code").to_pylist() == ["12", "13"]
    assert [moment.hour for moment in rows.column("at").to_pylist()] == [10, 11]


@pytest.mark.parametrize("block", [16, 64, 1 << 20])
def test_blocks_do_not_show(lake: TextLake, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Types and rows are the same wherever a block ends; a key may appear late."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    lake.write("t.jsonl", _lines(*({"id": row, "x": row} for row in range(20)), {"id": 20, "x": 0.5, "late": "é"}))
    rows = lake.rows(["id", "x", "late"])
    assert rows.column("x").to_pylist() == [*map(float, range(20)), 0.5]
    assert rows.column("late").to_pylist() == [None] * 20 + ["é"]


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + b'{"id": 1}\r\n\r\n{"id": 2}', b'{"id": 1}\n\n{"id": 2}\n'])
def test_same_rows_however_lines_are_written(lake: TextLake, data: bytes) -> None:
    """Byte-order mark, CRLF, empty lines, a last line without end."""
    lake.write("t.ndjson", data)
    assert lake.rows(["id"]).column("id").to_pylist() == [1, 2]


def test_compressed_file(lake: TextLake) -> None:
    """A gzip file is one by its ending."""
    lake.write("t.jsonl.gz", gzip.compress(_lines({"id": 1}).encode()))
    assert lake.rows(["id"]).num_rows == 1


def test_declared_types_are_converted_to(lake: TextLake) -> None:
    """Integers that count seconds, numbers in quotes."""
    lake.write("t.jsonl", _lines({"id": 1, "at": 1356998400, "x": "1.5"}))
    rows = lake.rows(["id", "at", "x"], types={"at": "timestamp_s", "x": "double"})
    assert rows.column("x").to_pylist() == [1.5]
    assert rows.column("at")[0].as_py().year == 2013


REFUSED = {
    "no JSON": (b'{"id": 1}\nnope\n', "row 1 (the first is 0): a line that is no JSON object"),
    "a cut line": (b'{"id": 1}\n{"id": 2', "a line that is no JSON object"),
    "a list": (b'[{"id": 1}]\n', "a line that is no JSON object"),
    "mixed types": (b'{"id": 1}\n{"id": "secret"}\n', "row 1 (the first is 0): mixed types in column id"),
    "a key twice": (b'{"id": 1, "id": 2}\n', "column id stands twice"),
    "keys in two cases": (b'{"id": 1, "ID": 2}\n', "differ only by case"),
    "no such key": (b'{"x": 1}\n', "no line of any file has it"),
    "wrong encoding": ('{"id": "Zoë"}\n'.encode("cp1252"), "no text in utf-8"),
    "a list as a value": (b'{"id": [1]}\n', "type list"),
    "an empty file": (b"", "0 rows in 1 files"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_fault_is_one_clear_message(lake: TextLake, fault: str) -> None:
    """Named, and without a value of a row."""
    data, says = REFUSED[fault]
    lake.write("t.jsonl", data)
    with pytest.raises(LakeError) as caught:
        lake.rows(["id"])
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_mixed_types_of_two_blocks(lake: TextLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found also where no single block shows it."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", 16)
    lake.write("t.jsonl", _lines({"id": 1, "x": 1}, {"id": 2, "x": "a"}))
    with pytest.raises(LakeError, match="column x") as caught:
        lake.pin(lake.params(["id", "x"]))
    assert "mixed types: string after int64" in caught.value.found


def test_line_without_end(lake: TextLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded whatever a line holds."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", 16)
    monkeypatch.setattr(module, "_LONGEST_LINE_BYTES", 64)
    lake.write("t.jsonl", _lines({"id": 1, "x": "a" * 1000}))
    with pytest.raises(LakeError, match=r"t\.jsonl") as caught:
        lake.pin(lake.params(["id"]))
    assert "a line of more than" in caught.value.found
