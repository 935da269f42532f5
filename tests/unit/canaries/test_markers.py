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
        ColumnFate("income", "round"),
        ColumnFate("card", "noise", noise=5.0),
        ColumnFate("born", "generalise"),
    ]
    _, markers, without = _make(*fates)
    assert not markers
    assert set(without) == {"people.day", "people.small", "people.born", "people.income", "people.card"}
    assert "too short" in without["people.day"]
    assert "noise" in without["people.card"]


def test_noise_that_may_be_too_small_carries_none() -> None:
    """A marker that came out as it went in would be a leak that is none."""
    _, markers, without = _make(ColumnFate("income", "noise", noise=1e-6))
    assert not markers
    assert set(without) == {"people.income"}


@pytest.mark.parametrize("transform", ["shuffle", "date_shift"])
def test_times_that_move_carry_a_marker(transform: str) -> None:
    """To the microsecond; whoever reads the planted row shows it."""
    _, markers, _ = _make(ColumnFate("born", transform))
    assert markers["born"].kind == "timestamp"


def test_free_text_holds_an_address_and_the_address_is_the_marker() -> None:
    """Words around it, which stay, are no marker."""
    row, markers, _ = _make(ColumnFate("empty", "text"))
    assert re.fullmatch(r"[a-z]{14}@[a-z]{8}\.example\.org", markers["empty"].text)
    assert markers["empty"].text in row.column("empty")[0].as_py() != markers["empty"].text


@pytest.mark.slow
@given(st.text("0123456789 -", max_size=25), st.booleans(), st.sampled_from(["0123456789", "01", "0123456789abcdef"]))
def test_marker_fits_the_alphabet_that_is_encrypted(real: str, has_check_digit: bool, letters: str) -> None:
    """Its shape where it has one, nothing else than alphabet and kept marks, fifty bits or more, the check digit right."""
    row = pa.table({"card": pa.array([real], pa.string())})
    fate = ColumnFate("card", "encrypt", letters=letters, kept=" -", has_check_digit=has_check_digit and letters == "0123456789")
    _, (marker,), _ = make_markers("t", row, [fate], SEED)
    digits = re.sub("[ -]", "", marker.text)
    assert set(digits) <= set(letters)
    assert len(letters) ** len(digits) >= 2**50
    if fate.has_check_digit:
        assert _luhn_sum(digits) % 10 == 0


def _luhn_sum(digits: str) -> int:
    """Of the doubled digits' own digits, from the right."""
    doubled = "".join(str(int(digit) * (1 + place % 2)) for place, digit in enumerate(reversed(digits)))
    return sum(map(int, doubled))


def test_whole_numbers_that_are_encrypted() -> None:
    """As many digits as the policy allows, where these are enough."""
    _, markers, _ = _make(ColumnFate("card", "encrypt", digits=17))
    assert len(markers["card"].text) == 17
    _, markers, without = _make(ColumnFate("card", "encrypt", digits=9))
    assert not markers
    assert "too short" in without["people.card"]


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


@pytest.mark.slow
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
