"""Marker values: plausible, unique, secret, and only where masking leaves nothing of them."""

import re
from datetime import datetime, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.canaries import ColumnFate, Marker, Needles, make_markers

SEED = bytes(range(32))
MOMENT = pa.timestamp("us", "UTC")
ROW = pa.table(
    {
        "mail": ["anna.b@example.org"],
        "zip": ["10115"],
        "empty": pa.array([None], pa.string()),
        "card": pa.array([4111111111111111], pa.int64()),
        "small": pa.array([7], pa.int32()),
        "income": pa.array([52000.0]),
        "born": pa.array([datetime(1980, 1, 1, tzinfo=timezone.utc)], MOMENT),
        "day": pa.array([datetime(1980, 1, 1, tzinfo=timezone.utc).date()]),
        "kept": ["as it is"],
    }
)


def _make(*fates: ColumnFate, seed: bytes = SEED) -> tuple[pa.Table, dict[str, Marker], dict[str, str]]:
    row, markers, without = make_markers("people", ROW, fates, seed)
    return row, {marker.column: marker for marker in markers}, without


def test_marker_has_the_columns_type_and_format() -> None:
    """Letters for letters, digits for digits, marks as they are; what is too short to be unique gets letters before it."""
    row, markers, _ = _make(ColumnFate("mail", "drop"), ColumnFate("zip", "redact"), ColumnFate("empty", "token"))
    assert re.fullmatch(r"[a-z]{4}\.[a-z]@[a-z]{7}\.[a-z]{3}", markers["mail"].text)
    assert re.fullmatch(r"[a-z]+\d{5}", markers["zip"].text)
    assert re.fullmatch(r"[a-z]{12,}", markers["empty"].text)
    assert row.schema == ROW.schema
    assert row.column("zip").to_pylist() == [markers["zip"].text]
    assert row.column("kept").to_pylist() == ["as it is"]


def test_numbers_and_times() -> None:
    """A long number, one with fifteen digits, and an instant to the microsecond."""
    row, markers, _ = _make(ColumnFate("card", "drop"), ColumnFate("income", "drop"), ColumnFate("born", "drop"))
    assert {name: marker.kind for name, marker in markers.items()} == {"card": "integer", "income": "float", "born": "timestamp"}
    assert row.column("card").to_pylist() == [int(markers["card"].text)]
    assert row.column("income").to_pylist() == [float(markers["income"].text)]
    assert f"{row.column('born')[0].as_py():%Y-%m-%d %H:%M:%S.%f}" == markers["born"].text


def test_columns_that_can_carry_none_say_why() -> None:
    """A value that is too short, and a transform that may leave it as it was."""
    fates = [
        ColumnFate("day", "drop"),
        ColumnFate("small", "drop"),
        ColumnFate("born", "date_shift"),
        ColumnFate("income", "round"),
    ]
    _, markers, without = _make(*fates)
    assert not markers
    assert set(without) == {"people.day", "people.small", "people.born", "people.income"}
    assert "too short" in without["people.day"]
    assert "date_shift" in without["people.born"]


def test_prefix_that_is_kept_is_never_the_whole_marker() -> None:
    """However long."""
    _, markers, _ = _make(ColumnFate("zip", "generalise", keep_prefix=40))
    assert len(markers["zip"].text) > 40


def test_markers_depend_on_seed_table_and_column_alone() -> None:
    """The same in each run; unlike any other's, which nobody can tell without the seed."""
    first, again, other = (
        _make(ColumnFate("empty", "drop"), ColumnFate("mail", "drop"), seed=s)[1] for s in (SEED, SEED, bytes(32))
    )
    assert first == again
    texts = {marker.text for made in (first, other) for marker in made.values()}
    assert len(texts) == 4


@given(st.text(max_size=30), st.binary(min_size=32, max_size=32))
def test_every_text_gives_a_marker_that_is_found(real: str, seed: bytes) -> None:
    """Whatever the real value is; and the real value itself is not in it, but for chance."""
    row = pa.table({"note": pa.array([real], pa.string())})
    _, (marker,), _ = make_markers("t", row, [ColumnFate("note", "redact")], seed)
    assert Needles([marker]).find(pa.py_buffer(b"before" + marker.text.encode() + b"after")) == ("t.note",)
    assert marker.text.isascii()


@pytest.mark.parametrize("real", ["\ud800", "a\x00b", "x" * 1_000_000])
def test_unusual_texts(real: str) -> None:
    """A surrogate can't be in Arrow; NUL bytes and a megabyte can."""
    try:
        row = pa.table({"note": pa.array([real], pa.string())})
    except UnicodeEncodeError:
        return
    _, (marker,), _ = make_markers("t", row, [ColumnFate("note", "redact")], SEED)
    assert len(marker.text) <= 80
