"""Tokens: HMAC-SHA256 to the letter, the same for the same value, and never for another."""

import hmac
import unicodedata
import uuid
from datetime import date, datetime, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, SECRET, expected_token

from tasks.errors import MaskingError
from tasks.masking.keyed_hash import KeyedHash
from tasks.masking.tokens import tokenise

TEXTS = st.lists(st.none() | st.text(max_size=8), max_size=12)


def _column(values: list, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def _hash_by_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whatever the number of values, and whether DataFusion has been loaded."""
    monkeypatch.setattr("tasks.masking.keyed_hash._MANY_VALUES", 0)
    monkeypatch.setattr("tasks.masking.keyed_hash._MANY_ONCE_LOADED", 0)


def _tokens(values: list, kind: pa.DataType | None = None, *, domain: str = "person") -> list[str | None]:
    return tokenise(_column(values, kind), KEY.derive(domain), where="t.c").to_pylist()


@pytest.mark.parametrize(
    ("key", "data", "digest"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ],
)
def test_keyed_hash_is_rfc_4231(key: bytes, data: bytes, digest: str) -> None:
    """Test cases 1 to 3 of RFC 4231."""
    assert KeyedHash(key).digests(pa.array([data])).tobytes().hex() == digest


@settings(deadline=None)
@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=5))
def test_keyed_hash_equals_hmac(key: bytes, values: list[bytes]) -> None:
    """For every key up to a block and every value, in order."""
    found = KeyedHash(key).digests(pa.array(values, pa.binary())).tobytes()
    assert found == b"".join(hmac.new(key, value, "sha256").digest() for value in values)


def test_column_hash_equals_hmac(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way for many values gives what the way for few gives: NUL bytes, empty values, slices and batches included."""
    values = pa.array([b"", b"\0", b"\xff\x00x", *(f"passenger {i}".encode() for i in range(20_000))])
    hashed = b"".join(hmac.new(b"k", value, "sha256").digest() for value in values.to_pylist())
    expected = np.frombuffer(hashed, np.uint8).reshape(-1, 32)
    _hash_by_column(monkeypatch)
    assert (KeyedHash(b"k").digests(values) == expected).all()
    assert (KeyedHash(b"k").digests(values.slice(7, 12_000)) == expected[7:12_007]).all()


def test_long_values_are_hashed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of a megabyte are not laid out a second time beside each other's keys."""
    _hash_by_column(monkeypatch)
    monkeypatch.setattr("tasks.masking.keyed_hash._hash_column", None)
    value = b"x" * 1_000_000
    assert KeyedHash(b"k").digests(pa.array([value])).tobytes() == hmac.new(b"k", value, "sha256").digest()


def test_keyed_hash_refuses_a_longer_key() -> None:
    """A key longer than a block would have to be hashed first."""
    with pytest.raises(ValueError, match="block"):
        KeyedHash(bytes(65))


def test_golden_tokens() -> None:
    """Tokens that are out in masked data must never change; these were computed with Python's hmac."""
    assert _tokens(["alice@example.org", "", "Ärger", None]) == [
        "14ae7354-99fc-ea69-eee1-1a6f122d9c68",
        "3bf6dc78-5291-50cd-7dfa-147f46032e52",
        "0cdb9db9-ae52-b272-ceef-6a3100dd2269",
        None,
    ]


@settings(deadline=None)
@given(TEXTS)
def test_token_is_its_definition(values: list[str | None]) -> None:
    """The fast path (distinct values, cached states, joined buffers) equals hmac value by value; NULL stays NULL."""
    expected = [None if v is None else expected_token("person", unicodedata.normalize("NFC", v)) for v in values]
    assert _tokens(values, pa.string()) == expected


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_chunks_and_encodings_do_not_matter(first: list[str | None], second: list[str | None]) -> None:
    """One chunk, two chunks, dictionary-encoded or large: the same tokens."""
    whole = _tokens(first + second, pa.string())
    parts = pa.chunked_array([pa.array(first, pa.string()), pa.array(second, pa.string())])
    keyed = KEY.derive("person")
    for column in (parts, parts.dictionary_encode(), parts.cast(pa.large_string()), parts.cast(pa.string_view())):
        assert tokenise(column, keyed, where="t.c").to_pylist() == whole


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), unique_by=lambda v: unicodedata.normalize("NFC", v), max_size=12))
def test_distinct_values_have_distinct_tokens(values: list[str]) -> None:
    """A masked key is still a key."""
    assert len(set(_tokens(values, pa.string()))) == len(values)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=8))
def test_tokens_depend_on_domain_and_key(value: str) -> None:
    """The same value in two domains, or under two keys, cannot be linked."""
    keyed = OTHER_KEY.derive("person")
    under_other_key = tokenise(_column([value]), keyed, where="t.c").to_pylist()
    assert len({*_tokens([value]), *_tokens([value], domain="aircraft"), *under_other_key}) == 3


def test_composed_and_decomposed_text_are_equal() -> None:
    """The same name typed on two systems joins: Unicode normal forms C and D have one token."""
    composed, decomposed = (unicodedata.normalize(form, "Zoë Ångström") for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert len(set(_tokens([composed, decomposed]))) == 1


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.int64(), pa.uint64(), pa.string()])
def test_integer_is_its_decimal_text(kind: pa.DataType) -> None:
    """A key stored as a number in one table joins with its text in another."""
    values = ["7", "120"] if kind == pa.string() else [7, 120]
    assert _tokens(values, kind) == [expected_token("person", "7"), expected_token("person", "120")]


def test_dates_and_timestamps_are_iso_text() -> None:
    """A date is its ISO form; a timestamp is UTC to the microsecond, whatever its zone."""
    moment = datetime(2013, 1, 31, 23, 59, 59, 250, tzinfo=timezone.utc)
    assert _tokens([date(2013, 1, 31)], pa.date32()) == [expected_token("person", "2013-01-31")]
    assert _tokens([date(2013, 1, 31)], pa.date64()) == [expected_token("person", "2013-01-31")]
    for zone in ("UTC", "Asia/Tokyo"):
        assert _tokens([moment], pa.timestamp("us", zone)) == [expected_token("person", "2013-01-31 23:59:59.000250")]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5]),
        pa.array([True]),
        pa.array([b"x"]),
        pa.array([0], pa.timestamp("ns", "UTC")),
        pa.array([1], pa.time64("us")),
    ],
    ids=lambda column: str(column.type),
)
def test_types_without_a_canonical_form_are_refused(column: pa.Array) -> None:
    """The error names column, type and what would do, and shows no value."""
    with pytest.raises(MaskingError, match=r"t\.c") as caught:
        tokenise(pa.chunked_array([column]), KEY.derive("person"), where="t.c")
    assert str(column.type) in caught.value.found


@pytest.mark.parametrize("column", [pa.chunked_array([], pa.string()), _column([], pa.string()), _column([None, None])])
def test_nothing_to_tokenise(column: pa.ChunkedArray) -> None:
    """No rows and no chunks, or nothing but NULL: a string column of as many NULLs."""
    tokens = tokenise(column, KEY.derive("person"), where="t.c")
    assert (tokens.type, tokens.null_count, len(tokens)) == (pa.string(), len(column), len(column))


def test_token_is_a_uuid_text() -> None:
    """36 characters in lower case, as engines' own UUID types read them."""
    (token,) = _tokens(["x"])
    assert token == str(uuid.UUID(token))


def test_slice_of_a_larger_column() -> None:
    """Arrow's offsets into a shared buffer are respected."""
    column = _column([f"v{i}" for i in np.arange(10)])
    assert tokenise(column.slice(3, 4), KEY.derive("person"), where="t.c").to_pylist() == _tokens(["v3", "v4", "v5", "v6"])


def test_golden_domain_key() -> None:
    """The domain's key is HMAC(master, "mask/v1/" + domain)."""
    key = hmac.new(SECRET, b"mask/v1/person", "sha256").digest()
    assert KEY.derive("person").digests(pa.array([b"x"])).tobytes() == hmac.new(key, b"x", "sha256").digest()
