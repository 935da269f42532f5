"""Generalisation: less detail, of the type that was asked for."""

import math
import unicodedata
from datetime import date, datetime, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, policy, rule

from tasks.errors import MaskingError
from tasks.masking import mask_table


def _generalised(values: pa.Array, **setting: object) -> pa.ChunkedArray:
    return mask_table("t", pa.table({"a": values}), policy({"a": rule("generalise", **setting)}), KEY).column("a")


def test_prefix() -> None:
    """Characters, not bytes; a short text stays whole, NULL stays NULL."""
    values = pa.array(["10117", "Überlingen", "1", "", None])
    assert _generalised(values, keep_prefix=2).to_pylist() == ["10", "Üb", "1", "", None]


@settings(deadline=None)
@given(st.text(max_size=10), st.integers(1, 5))
def test_prefix_does_not_depend_on_the_normal_form(text: str, length: int) -> None:
    """The prefix is taken of the composed form, so that equal texts have equal prefixes."""
    forms = [unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]
    assert _generalised(pa.array(forms, pa.string()), keep_prefix=length).to_pylist() == [forms[0][:length]] * 2


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_prefix_of_other_string_types(kind: pa.DataType) -> None:
    """However a text is stored, the result is a plain string."""
    prefix = _generalised(pa.array(["abc"]).cast(kind), keep_prefix=1)
    assert (prefix.type, prefix.to_pylist()) == (pa.string(), ["a"])


@pytest.mark.parametrize(
    "values",
    [
        pa.array([date(1987, 6, 5), date(1990, 1, 1), None]),
        pa.array([datetime(1987, 6, 5, 4, tzinfo=timezone.utc), datetime(1990, 1, 1, tzinfo=timezone.utc), None]),
    ],
    ids=["dates", "timestamps"],
)
def test_year_and_decade(values: pa.Array) -> None:
    """The year, or the first year of the decade, as int32."""
    values = values.cast(pa.timestamp("us", "UTC")) if pa.types.is_timestamp(values.type) else values
    assert _generalised(values, to="year").to_pylist() == [1987, 1990, None]
    decade = _generalised(values, to="decade")
    assert (decade.type, decade.to_pylist()) == (pa.int32(), [1980, 1990, None])


def test_year_of_a_timestamp_is_that_in_utc() -> None:
    """The last hour of a year in Tokyo is still last year's in UTC, or the other way round: UTC decides."""
    moment = datetime(2019, 12, 31, 23, 30, tzinfo=timezone.utc)
    assert _generalised(pa.array([moment], pa.timestamp("us", "Asia/Tokyo")), to="year").to_pylist() == [2019]


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), max_size=8), st.sampled_from([0.5, 1.0, 2.5, 10.0, 100.0]))
def test_band_holds_its_value(values: list[float], width: float) -> None:
    """The lower bound is a multiple of the width, and the value lies within a width above it, as far as floats can tell."""
    for value, low in zip(values, _generalised(pa.array(values, pa.float64()), width=width).to_pylist(), strict=True):
        assert math.fmod(low, width) == 0
        assert -1e-12 <= (value - low) / width <= 1 + 1e-12


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int64(), pa.float32()])
def test_band_of_any_number(kind: pa.DataType) -> None:
    """Bands are float64; NULL stays NULL."""
    band = _generalised(pa.array([7, 10, None], kind), width=5)
    assert (band.type, band.to_pylist()) == (pa.float64(), [5.0, 10.0, None])


def test_band_of_a_great_integer() -> None:
    """Beyond 2^53 a float has no units left; the band is no error that shows the value."""
    assert _generalised(pa.array([2**60 + 1]), width=2.0**40).to_pylist() == [2.0**60]


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        (pa.array([10117]), {"keep_prefix": 2}),
        (pa.array([date(1987, 6, 5)]), {"keep_prefix": 2}),
        (pa.array(["1987-06-05"]), {"to": "year"}),
        (pa.array([1987]), {"to": "decade"}),
        (pa.array(["7"]), {"width": 5}),
        (pa.array([True]), {"width": 5}),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else str(value),
)
def test_other_types_are_refused(values: pa.Array, setting: dict) -> None:
    """The error names the column, the type that was found and the setting that wants another."""
    with pytest.raises(MaskingError, match=r"t\.a") as caught:
        _generalised(values, **setting)
    assert (caught.value.found, next(iter(setting)) in caught.value.expected) == (f"type {values.type}", True)
