"""How files are written, guessed with reasons."""

import gzip
from pathlib import Path

import pytest

from tasks.errors import LakeError
from tasks.params.snapshot import CsvParams
from tasks.sources import LocalLake, guess_format

GUESSES: dict[str, tuple[str, bytes, str, dict[str, object], str]] = {
    "plain": ("x.csv", b"a,b\n1,2\n", "csv", {}, "UTF-8"),
    "semicolons": (
        "x.csv",
        "id;n;x\n1;Zoë;1,5\n2;b;2\n".encode("cp1252"),
        "csv",
        {"delimiter": ";", "encoding": "cp1252", "decimal": ","},
        "Windows-1252",
    ),
    "no letters of windows": ("x.csv", b"a,b\nx\x81,2\n", "csv", {"encoding": "latin-1"}, "Latin-1"),
    "wide": ("x.csv", "a,b\n1,2\n".encode("utf-16"), "csv", {"encoding": "utf-16"}, "byte-order mark"),
    "spaces, no header": ("x.data", b"1, a, 2\n3, b, 4\n", "csv", {"header": False, "trim": True}, "no header"),
    "tabs, quotes as letters": ("x.tsv", b'a\tb\n1\t5" pipe\n', "csv", {"delimiter": "\t", "quote": ""}, "quotes are letters"),
    "single quotes": ("x.csv", b"id|s\n1|'a|b'\n", "csv", {"delimiter": "|", "quote": "'"}, "single quotes"),
    "days first": ("x.csv", b"i,d\n1,31/12/2013\n2,01/02/2014\n", "csv", {"date_formats": ("%d/%m/%Y",)}, "dates as %d/%m/%Y"),
    "months first": ("x.csv", b"i,d\n1,12/31/2013\n", "csv", {"date_formats": ("%m/%d/%Y",)}, "dates as %m/%d/%Y"),
    "either first": (
        "x.csv",
        b"i,d\n1,01/02/2013 10:00\n",
        "csv",
        {"date_formats": ("%d/%m/%Y %H:%M",)},
        "%m/%d/%Y %H:%M would fit as well",
    ),
    "an index": ("x.csv", b",a\n0,x\n1,y\n", "csv", {}, "a header"),
    "a name missing": ("x.csv", b"a,\nx,y\n", "csv", {"header": False}, "no header"),
    "a name twice over numbers": ("x.csv", b"a,a,b\n1,2,3\n4,5,6\n", "csv", {}, "though some stand twice"),
    "one column": ("x.csv", b"name\nx\ny\n", "csv", {}, "one column"),
    "packed": ("x.csv.gz", gzip.compress(b"a;b\n1;2\n"), "csv", {"delimiter": ";"}, "semicolon"),
    "uneven": ("x.csv", b"a,b\n1,2\n3\n4,5\n", "csv", {}, "the pin will refuse them"),
    "json": ("x.txt", b'{"a": 1}\n', "jsonl", {}, "begins with {"),
    "json by name": ("x.jsonl", b'{"a": 1}\n', "jsonl", {}, "as the files are called"),
    "parquet": ("x", b"PAR1", "parquet", {}, "first bytes"),
    "parquet by name": ("x.parquet", b"PAR1", "parquet", {}, "as the files are called"),
}


@pytest.mark.parametrize("case", GUESSES)
def test_writing_is_guessed_with_its_reason(tmp_path: Path, case: str) -> None:
    """What differs from the defaults, and one of the reasons."""
    name, data, form, differs, reason = GUESSES[case]
    (tmp_path / name).write_bytes(data)
    lake = LocalLake(tmp_path)
    guess = guess_format(lake, lake.list_files(""))
    assert guess.format == form
    assert {key: value for key, value in guess.csv.model_dump().items() if value != getattr(CsvParams(), key)} == differs
    assert reason in "; ".join(guess.reasons)


def test_encoding_is_that_of_every_byte(tmp_path: Path) -> None:
    """A letter in the last file's last row decides."""
    (tmp_path / "1.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "2.csv").write_bytes(b"a,b\n" + b"1,2\n" * 300_000 + b"\xe9,1\n")
    lake = LocalLake(tmp_path)
    assert guess_format(lake, lake.list_files("")).csv.encoding == "cp1252"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            "a,b\nZoë,1\nÄnne,2\nJörg,3\nGünther,4\nÖrs,5\n".encode() + b"Ren\xe9,6\n",
            "5 letters in UTF-8 and 1 places that are none",
        ),
        ("a,b\nZoë,1\nÄnne,2\n".encode() + "Jörg,3\nRené,4\n".encode("cp1252"), "2 letters in UTF-8 and 2 places that are none"),
        (b"a,b\n" + "Zoë,1\n".encode() * 300_000 + b"Ren\xe9,6\n", "UTF-8 at first, other bytes later"),
        (b"a,b\n1,\x00\x01\n", "bytes that no text has"),
    ],
)
def test_bytes_of_two_kinds_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    """Taken for Latin-1 they would be read, and every umlaut would be two letters."""
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(LakeError) as caught:
        guess_format(LocalLake(tmp_path), LocalLake(tmp_path).list_files(""))
    assert said in caught.value.found


@pytest.mark.parametrize("data", [b'[{"a": 1},\n{"a": 2}]', b'\xef\xbb\xbf[\n  {"a": 1}\n]', b"[[1, 2]]"])
def test_one_array_of_json_is_said_to_be_one(tmp_path: Path, data: bytes) -> None:
    """It is no table of one column, and the way out is a command."""
    (tmp_path / "rows.json").write_bytes(data)
    lake = LocalLake(tmp_path)
    with pytest.raises(LakeError, match="one JSON array") as caught:
        guess_format(lake, lake.list_files(""))
    assert "jq -c '.[]' rows.json > rows.jsonl" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf\n\n"])
def test_nothing_to_guess_from(tmp_path: Path, data: bytes) -> None:
    """An empty file is told as one; so is a table without files."""
    (tmp_path / "x.csv").write_bytes(data)
    lake = LocalLake(tmp_path)
    with pytest.raises(LakeError, match=r"x\.csv"):
        guess_format(lake, lake.list_files(""))
    with pytest.raises(LakeError, match="a table"):
        guess_format(lake, ())
