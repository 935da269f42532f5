"""A marker is found in each kind of output, packed or not, and named by file and column; an unreadable file is no clean one."""

import base64
import bz2
import gzip
import json
import lzma
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tasks.canaries import Marker, Needles, search_buffer, search_file
from tasks.canaries import containers as containers_module
from tasks.errors import LeakSearchError

MAIL = "qkzxw.vbtpo@hjqkrt.zyx"
NUMBER = 712345678901234567
MOMENT = "1987-06-05 04:03:02.123456"
MICROS = 549864182123456
MARKERS = (
    Marker(table="people", column="mail", kind="text", text=MAIL),
    Marker(table="people", column="card", kind="integer", text=str(NUMBER)),
    Marker(table="people", column="income", kind="float", text=repr(712345.1234567897)),
    Marker(table="people", column="born", kind="timestamp", text=MOMENT),
)
NEEDLES = Needles(MARKERS)


def _found(path: Path) -> set[tuple[str, str]]:
    hits = search_file(path, NEEDLES)
    assert {hit.file for hit in hits} <= {str(path)}
    return {(hit.part, hit.column) for hit in hits}


def _columns(path: Path) -> set[str]:
    return {column for _, column in _found(path)}


def _parquet(path: Path) -> None:
    table = pa.table({"note": [f"nothing {number}" for number in range(50)] + [f"see {MAIL}"]})
    pq.write_table(table, path, compression="gzip", write_statistics=False)


def _parquet_statistics(path: Path) -> None:
    table = pa.table({"note": [MAIL, MAIL]})
    pq.write_table(table, path, compression="none", use_dictionary=False)


def _unused_dictionary(path: Path) -> None:
    """A value that no row has any more, but that lies in the file: in its schema's metadata, encoded."""
    schema = pa.schema([pa.field("note", pa.string(), metadata={"example": MAIL})])
    pq.write_table(pa.table({"note": ["x"]}, schema=schema), path)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", json.dumps({"classes": [MAIL]}))


def _zip_in_zip(path: Path) -> None:
    inner = path.with_name("inner.zip")
    _zip(inner)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "model.skops")
    inner.unlink()


def _sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (message TEXT)")
        connection.execute("INSERT INTO log VALUES (?)", (f"stage mask: {MAIL}",))
    connection.close()


def _sqlite_across_pages(path: Path) -> None:
    """Long values are cut where a page ends; some cut goes through the marker."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (message TEXT)")
        connection.executemany(
            "INSERT INTO log VALUES (?)", [("x" * before + MAIL + "y" * 9000,) for before in range(4040, 4100, 10)]
        )
    connection.close()


KINDS: dict[str, Callable[[Path], object]] = {
    "text.json": lambda path: path.write_text(json.dumps({"value": MAIL})),
    "page.html": lambda path: path.write_text(f"<td>{MAIL}</td>"),
    "stage.log": lambda path: path.write_text(f"ValueError: {MAIL!r} is no number\n"),
    "upper.csv": lambda path: path.write_text(MAIL.upper()),
    "query.txt": lambda path: path.write_text("?mail=" + MAIL.replace("@", "%40")),
    "hex.txt": lambda path: path.write_text(MAIL.encode().hex()),
    "wide.bin": lambda path: path.write_bytes(MAIL.encode("utf-16")),
    "plain.parquet": _parquet,
    "statistics.parquet": _parquet_statistics,
    "metadata.parquet": _unused_dictionary,
    "model.skops": _zip,
    "nested.zip": _zip_in_zip,
    "log.gz": lambda path: path.write_bytes(gzip.compress(MAIL.encode() * 3)),
    "log.bz2": lambda path: path.write_bytes(bz2.compress(MAIL.encode())),
    "log.xz": lambda path: path.write_bytes(lzma.compress(MAIL.encode())),
    "log.zst": lambda path: path.write_bytes(pa.Codec("zstd").compress(MAIL.encode(), asbytes=True)),
    "prefect.db": _sqlite,
    "long.db": _sqlite_across_pages,
    "0123456789abcdef": _parquet,
}


@pytest.mark.parametrize("name", KINDS)
def test_marker_is_found_in_each_kind_of_file(tmp_path: Path, name: str) -> None:
    """Whatever it is called, for DVC's objects have no endings."""
    path = tmp_path / name
    KINDS[name](path)
    assert _columns(path) == {"people.mail"}


@pytest.mark.parametrize("before", range(3))
def test_base64_at_any_place(tmp_path: Path, before: int) -> None:
    """Three neighbours give three spellings."""
    path = tmp_path / "x"
    path.write_bytes(base64.b64encode(b"z" * before + MAIL.encode() + b"zz"))
    assert _columns(path) == {"people.mail"}


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (f"[{NUMBER}]".encode(), "card"),
        (struct.pack("<q", NUMBER), "card"),
        (struct.pack(">q", NUMBER), "card"),
        (json.dumps(712345.1234567897).encode(), "income"),
        (struct.pack("<d", 712345.1234567897), "income"),
        (MOMENT.replace(" ", "T").encode() + b"Z", "born"),
        (struct.pack("<q", MICROS), "born"),
        (struct.pack("<q", MICROS * 1000), "born"),
    ],
)
def test_numbers_and_times_in_text_and_in_binary(tmp_path: Path, content: bytes, column: str) -> None:
    """As a number is written, and as it lies in a page or an array."""
    path = tmp_path / "x"
    path.write_bytes(b"before " + content + b" after")
    assert _columns(path) == {f"people.{column}"}


def test_array_in_a_model(tmp_path: Path) -> None:
    """A fitted model that remembers a row's numbers, compressed."""
    np.savez_compressed(tmp_path / "model.npz", rows=np.array([1.0, 712345.1234567897]))
    assert _found(tmp_path / "model.npz") == {("member rows.npy", "people.income")}


def test_hit_names_where_in_the_file(tmp_path: Path) -> None:
    """The column of a Parquet file, a zip's member; never the value."""
    _parquet(tmp_path / "a")
    _zip(tmp_path / "b")
    assert _found(tmp_path / "a") == {("column note", "people.mail")}
    assert _found(tmp_path / "b") == {("member schema.json", "people.mail")}
    assert MAIL not in repr((search_file(tmp_path / "a", NEEDLES), NEEDLES))


def test_dictionary_values_that_no_row_has(tmp_path: Path) -> None:
    """A filter leaves them in a dictionary, and a writer writes the dictionary."""
    column = pa.array(["a", MAIL, "b"]).dictionary_encode()
    pq.write_table(pa.table({"note": pc.filter(column, pa.array([True, False, True]))}), tmp_path / "x", compression="zstd")
    raw = pq.ParquetFile(tmp_path / "x", read_dictionary=["note"]).read().column("note").chunk(0).dictionary.to_pylist()
    assert (MAIL in raw) == (_columns(tmp_path / "x") == {"people.mail"})


def test_clean_files_are_clean(tmp_path: Path) -> None:
    """Near misses are no hits; an empty file holds nothing, and one that is gone neither."""
    pq.write_table(pa.table({"note": [MAIL[:-1], MAIL[1:], str(NUMBER + 1)]}), tmp_path / "a")
    (tmp_path / "b").touch()
    assert _found(tmp_path / "a") | _found(tmp_path / "b") | _found(tmp_path / "gone") == set()


def test_marker_across_two_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large files are read in pieces that overlap."""
    monkeypatch.setattr(containers_module, "_PIECE", 64)
    for before in range(40, 70, 3):
        (tmp_path / "x").write_bytes(b"a" * before + MAIL.encode() + b"b" * 100)
        assert _columns(tmp_path / "x") == {"people.mail"}


@pytest.mark.parametrize(
    "start", [b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"SQLite format 3\x00"]
)
def test_what_cannot_be_unpacked_is_an_error(tmp_path: Path, start: bytes) -> None:
    """Not searched is not clean: the file is named."""
    (tmp_path / "x").write_bytes(start + b"\x00broken" * 20)
    with pytest.raises(LeakSearchError) as caught:
        search_file(tmp_path / "x", NEEDLES)
    assert caught.value.thing == str(tmp_path / "x")
    assert "cannot be unpacked" in caught.value.found


def test_too_deep_is_an_error(tmp_path: Path) -> None:
    """A container in a container in a container, without end."""
    content = MAIL.encode()
    for _ in range(7):
        content = gzip.compress(content)
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(LeakSearchError):
        search_file(tmp_path / "x", NEEDLES)


def test_bytes_in_memory(tmp_path: Path) -> None:
    """What a stage is about to write."""
    _parquet(tmp_path / "x")
    (hit,) = search_buffer(pa.py_buffer((tmp_path / "x").read_bytes()), NEEDLES, name="masked people")
    assert (hit.file, hit.part, hit.column) == ("masked people", "column note", "people.mail")


def test_search_for_nothing_is_refused() -> None:
    """It would find nothing anywhere."""
    with pytest.raises(ValueError, match="nothing"):
        Needles(())
