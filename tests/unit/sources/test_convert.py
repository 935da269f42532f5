"""Columns converted to declared types: each line of the table in docs/lakes.md."""

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.params.snapshot import CsvParams, TypeName
from tasks.sources.convert import MOMENT, TextError, convert, fits

_DOCUMENT = Path(__file__).parents[3] / "docs" / "lakes.md"
_PLAIN = CsvParams()


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)


CONVERTED = [
    (["1", None, " 2 ", "-3"], "int64", [1, None, 2, -3]),
    (["300"], "int16", [300]),
    (["1.5", "1e3", ".5", "nan"], "double", [1.5, 1000.0, 0.5, float("nan")]),
    (["True", "NO", "y", "0", None], "bool", [True, False, True, False, None]),
    (["2013-01-02", None], "date", [date(2013, 1, 2), None]),
    (
        ["2013-01-02", "2013-01-02 03:04", "2013-01-02T03:04:05Z", "2013-01-02T03:04:05.123456789+02:00"],
        "timestamp",
        [_utc(2013, 1, 2), _utc(2013, 1, 2, 3, 4), _utc(2013, 1, 2, 3, 4, 5), _utc(2013, 1, 2, 1, 4, 5, 123456)],
    ),
    (["2013-01-02T03:04:05.123456789"], "timestamp", [_utc(2013, 1, 2, 3, 4, 5, 123456)]),
    (["a", None], "string", ["a", None]),
    (["a"], "binary", [b"a"]),
    ([1356998400, None], "timestamp_s", [_utc(2013, 1, 1), None]),
    ([1356998400001], "timestamp_ms", [_utc(2013, 1, 1) + timedelta(milliseconds=1)]),
    (["1356998400000001"], "timestamp_us", [_utc(2013, 1, 1) + timedelta(microseconds=1)]),
    ([1, 0], "bool", [True, False]),
    ([1.0, 2.0], "int64", [1, 2]),
    ([Decimal("1.50")], "double", [1.5]),
    ([1, 2], "string", ["1", "2"]),
    ([date(2013, 1, 2)], "timestamp", [_utc(2013, 1, 2)]),
    ([datetime(2013, 1, 2, 3)], "timestamp", [_utc(2013, 1, 2, 3)]),
    ([None, None], "double", [None, None]),
]


@pytest.mark.parametrize(("values", "kind", "expected"), CONVERTED)
def test_values_become_the_declared_type(values: list[object], kind: str, expected: list[object]) -> None:
    """Every value, and NULL stays NULL."""
    found = convert(pa.array(values), kind, _PLAIN)
    assert str(found.to_pylist()) == str(expected) or found.to_pylist() == expected


def test_dictionaries_are_decoded() -> None:
    """How a writer stored a column does not show."""
    assert convert(pa.array(["1", "2", "1"]).dictionary_encode(), "int64", _PLAIN).to_pylist() == [1, 2, 1]


REFUSED = [
    (["1", "x", "y"], "int64", 1, ""),
    (["1.5"], "int64", 0, ""),
    (["1", "300"], "int8", 1, ""),
    (["1,5"], "double", 0, ""),
    (["yes", "perhaps"], "bool", 1, ""),
    (["2013-01-02", "2013-13-01"], "date", 1, ""),
    (["2013-01-02 10:00"], "date", 0, ""),
    (["2013-01-01", "1356998400"], "timestamp", 1, "integers"),
    (["01.02.2013"], "timestamp", 0, ""),
    ([1356998400], "timestamp", 0, "integers"),
    ([1356998400000], "timestamp_s", 0, "a moment outside the years 1 to 9999; another unit"),
    ([1.0, 1.5], "int64", 1, ""),
]


@pytest.mark.parametrize(("values", "kind", "row", "looks_like"), REFUSED)
def test_first_value_that_does_not_fit_is_found(values: list[object], kind: str, row: int, looks_like: str) -> None:
    """By its row, and with what it may be instead; the value itself is not in the error."""
    with pytest.raises(TextError) as caught:
        convert(pa.array(values), kind, _PLAIN)
    assert (caught.value.row, caught.value.looks_like) == (row, looks_like)
    assert str(caught.value) == f"row {row}"


@given(st.integers(0, 60), st.integers(1, 70))
def test_place_of_the_one_wrong_value(place: int, rows: int) -> None:
    """Wherever it stands."""
    values = ["1"] * rows
    values[place % rows] = "x"
    with pytest.raises(TextError) as caught:
        convert(pa.array(values), "int64", _PLAIN)
    assert caught.value.row == place % rows


@given(st.lists(st.none() | st.datetimes(datetime(1600, 1, 1), datetime(9999, 1, 1)), min_size=1, max_size=20))
def test_times_come_back_as_they_were_written(moments: list[datetime | None]) -> None:
    """ISO 8601 with a zone and without, mixed in one column."""
    written = [None if m is None else m.isoformat() + ("Z" if index % 2 else "") for index, m in enumerate(moments)]
    found = convert(pa.array(written, pa.string()), "timestamp", _PLAIN)
    assert found.type == MOMENT
    assert found.to_pylist() == [None if m is None else m.replace(tzinfo=timezone.utc) for m in moments]


def test_date_formats_are_tried_in_their_order() -> None:
    """The first that takes a value reads it; ISO 8601 goes before all of them."""
    csv = CsvParams(date_formats=("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M"))
    found = convert(pa.array(["01/02/2013", "01/31/2013", "2013-03-01", "01/02/2013 10:30"]), "timestamp", csv)
    assert found.to_pylist() == [_utc(2013, 2, 1), _utc(2013, 1, 31), _utc(2013, 3, 1), _utc(2013, 2, 1, 10, 30)]


def test_decimal_comma() -> None:
    """A mark of fractions, not of thousands."""
    csv = CsvParams(delimiter=";", decimal=",")
    assert convert(pa.array(["1,5", "2"]), "double", csv).to_pylist() == [1.5, 2.0]
    assert not fits(pa.array(["1,500,000"]), "double", csv)


def test_types_are_documented() -> None:
    """Each declared type stands in the table, first or last of a range, and the table names no other."""
    table = _DOCUMENT.read_text().split("## Types")[1]
    named = set(re.findall(r"`([a-z0-9_]+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.M))))
    ranges = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    assert (named - {"types"}) | ranges == set(get_args(TypeName))
