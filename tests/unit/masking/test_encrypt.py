"""The transform encrypt: of the same format, reversible with the key, and closed for what it cannot encrypt safely."""

import hmac
import string
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, SECRET, policy, rule
from pydantic import ValidationError

from tasks.errors import MaskingError
from tasks.masking import MaskingKey, mask_table
from tasks.masking.ff1 import FF1
from tasks.masking.keyed_hash import KeyedCipher
from tasks.masking.transforms import decrypt
from tasks.params.masking_rules import EncryptRule

CARD = {"alphabet": "digits", "keep": " -", "luhn": True}
VALID = "4539 1488 0343 6467"
LETTERS = string.digits + string.ascii_letters


def _masked(values: pa.Array, key: MaskingKey = KEY, column: str = "a", **setting: object) -> pa.ChunkedArray:
    rules = policy({column: rule("encrypt", "identifier", **setting)})
    return mask_table("t", pa.table({column: values}), rules, key).column(column)


def _decrypted(values: pa.ChunkedArray, domain: str = "t.a", **setting: object) -> list:
    cipher = KEY.derive_cipher(f"ff1/{domain}")
    return decrypt(values, EncryptRule.model_validate(rule("encrypt", **setting)), cipher, where="t.a").to_pylist()


# Golden: computed with this key by the definition (tests/unit/masking/test_ff1.py holds the cipher to NIST's samples).
GOLDEN = [
    ({"alphabet": "digits"}, ["0123456789", None, ""], ["8748141941", None, ""]),
    ({"alphabet": "alphanumeric", "keep": "-"}, ["AB-1234-xyz", "-"], ["UZ-vR05-7ke", "-"]),
    ({"alphabet": "lower"}, ["abcdefgh"], ["fctcqixx"]),
    ({"alphabet": "upper"}, ["ABCDEFGH"], ["FCTCQIXX"]),
    ({"alphabet": "äöüßabcd"}, ["abcdäöüß"], ["öcßßäbca"]),
    ({"alphabet": "digits", "keep": " -", "luhn": True}, ["4539 1488 0343 6467"], ["1738 9221 2982 7061"]),
    ({"digits": 9}, [123, None, 0], [600314796, None, 166798042]),
]


@pytest.mark.parametrize(("setting", "values", "expected"), GOLDEN)
def test_golden_encryption(setting: dict, values: list, expected: list) -> None:
    """Values that are out must stay reversible by whoever holds the key."""
    masked = _masked(pa.array(values), **setting)
    assert masked.to_pylist() == expected
    assert _decrypted(masked, **setting) == values


def test_key_is_that_of_the_domain() -> None:
    """AES-256 under HMAC-SHA256(master, "mask/v1/ff1/" + domain), by Python's own hmac."""
    cipher = KeyedCipher(hmac.new(SECRET, b"mask/v1/ff1/t.a", "sha256").digest())
    expected = FF1(cipher, 10).encrypt_numbers(np.array([123], np.uint64), 9)
    assert _masked(pa.array([123]), digits=9).to_pylist() == expected.tolist()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.text(LETTERS + " .", min_size=0, max_size=40), max_size=6))
def test_texts_keep_their_format_and_come_back(values: list) -> None:
    """Same length, separators in their places, every other character of the alphabet; and the key turns it back."""
    setting = {"alphabet": "alphanumeric", "keep": " ."}
    fit = [v for v in values if v is None or len(v.replace(" ", "").replace(".", "")) in (0, *range(4, 41))]
    masked = _masked(pa.array(fit, pa.string()), **setting)
    for raw, cell in zip(fit, masked.to_pylist(), strict=True):
        if raw is not None:
            assert [letter if letter in " ." else "x" for letter in cell] == [letter if letter in " ." else "x" for letter in raw]
            assert set(cell) <= set(LETTERS + " .")
        else:
            assert cell is None
    assert _decrypted(masked, **setting) == fit


@settings(deadline=None, max_examples=30)
@given(st.lists(st.none() | st.integers(0, 10**12 - 1), max_size=8))
def test_numbers_come_back(values: list) -> None:
    """Of any integer column, in any order; int64, below the bound."""
    masked = _masked(pa.array(values, pa.int64()), digits=12)
    assert masked.type == pa.int64()
    assert all(cell is None or 0 <= cell < 10**12 for cell in masked.to_pylist())
    assert _decrypted(masked, digits=12) == values


@settings(deadline=None, max_examples=30)
@given(st.text("äöüßabcdé", min_size=8, max_size=20))
def test_normal_forms_are_one_text(text: str) -> None:
    """Composed and decomposed letters are encrypted alike, and decrypted to the composed ones."""
    setting = {"alphabet": "äöüßabcdé"}
    forms = [unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]
    masked = _masked(pa.array(forms), **setting)
    assert masked[0] == masked[1]
    assert _decrypted(masked, **setting) == [forms[0]] * 2


def test_luhn_digit_stays_valid() -> None:
    """A card number becomes one that a form would take, and its separators stay."""
    payloads = np.random.default_rng(1).integers(0, 10, (200, 15))
    cards = ["".join(map(str, row)) for row in payloads.tolist()]
    cards = [card + _check_digit(card) for card in cards]
    masked = _masked(pa.array(cards), alphabet="digits", luhn=True).to_pylist()
    assert all(cell[-1] == _check_digit(cell[:-1]) for cell in masked)
    assert len(set(masked)) == len(set(cards))


def _check_digit(payload: str) -> str:
    """Luhn by hand: every second digit from the right doubled, the digits of the results summed."""
    total = 0
    for place, digit in enumerate(reversed(payload)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def test_equal_values_of_a_domain_join_across_tables() -> None:
    """One domain, one key: the same value is the same everywhere; in another domain, or of another key, it is not."""
    rules = policy({"a": rule("encrypt", alphabet="digits", domain="card"), "b": rule("encrypt", alphabet="digits")})
    other = policy({"c": rule("encrypt", alphabet="digits", domain="card")}, table="u")
    values = pa.array(["12345678"])
    masked = mask_table("t", pa.table({"a": values, "b": values}), rules, KEY)
    assert masked["a"] == mask_table("u", pa.table({"c": values}), other, KEY)["c"]
    assert masked["a"] != masked["b"]
    assert masked["a"] != mask_table("t", pa.table({"a": values}), rules, OTHER_KEY)["a"]


def test_chunks_and_slices_are_encrypted_row_by_row() -> None:
    """The same for a row whatever batch it lies in, with and without NULL, and however the text is stored."""
    values = pa.array(["111111", None, "222222", "333333", ""])
    whole = _masked(values, alphabet="digits").to_pylist()
    chunked = pa.chunked_array([values.slice(0, 2), values.slice(2, 0), values.slice(2)])
    assert _masked(chunked, alphabet="digits").to_pylist() == whole
    assert _masked(values.dictionary_encode(), alphabet="digits").to_pylist() == whole
    assert _masked(values.cast(pa.large_string()), alphabet="digits").to_pylist() == whole


@pytest.mark.parametrize(
    ("values", "setting", "found"),
    [
        (pa.array(["123-456"]), {"alphabet": "digits"}, "neither in alphabet nor in keep"),
        (pa.array(["12345\0"]), {"alphabet": "digits"}, "neither in alphabet nor in keep"),
        (pa.array(["123456\u0665"]), {"alphabet": "digits"}, "neither in alphabet nor in keep"),
        (pa.array(["12345"]), {"alphabet": "digits"}, "5 characters"),
        (pa.array(["xyz"]), {"alphabet": "alphanumeric"}, "3 characters"),
        (pa.array(["1" * 1_000_000]), {"alphabet": "digits"}, "more than 256"),
        (pa.array(["4539 1488 0343 6466"]), CARD, "Luhn"),
        (pa.array(["018"]), CARD, "3 characters"),
        (pa.array([-1]), {"digits": 6}, "below zero"),
        (pa.array([10**6]), {"digits": 6}, "more than 6 digits"),
        (pa.array([2**64 - 77], pa.uint64()), {"digits": 18}, "2^63"),
        (pa.array([123456]), {"alphabet": "digits"}, "int64"),
        (pa.array(["123456"]), {"digits": 6}, "string"),
        (pa.array([1.5]), {"digits": 6}, "double"),
        (pa.array([b"123456"]), {"alphabet": "digits"}, "binary"),
    ],
)
def test_what_cannot_be_encrypted_is_refused(values: pa.Array, setting: dict, found: str) -> None:
    """The error says what was found without a character of it."""
    with pytest.raises(MaskingError, match=r"t\.a") as caught:
        _masked(values, **setting)
    assert found in caught.value.found
    assert "123" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({}, "needs an alphabet"),
        ({"alphabet": "digits", "digits": 6}, "needs an alphabet"),
        ({"digits": 6, "luhn": True}, "go with an alphabet"),
        ({"alphabet": "x"}, "two characters or more"),
        ({"alphabet": "xyx"}, "two characters or more"),
        ({"alphabet": "xy", "keep": "y"}, "two characters or more"),
        ({"alphabet": "lower", "luhn": True}, "luhn goes with"),
        ({"alphabet": "ae\u0301"}, "combine"),
        ({"alphabet": "a\ud800"}, "unicode"),
        ({"digits": 5}, "greater than or equal to 6"),
        ({"digits": 19}, "less than or equal to 18"),
        ({"alphabet": "digits", "domain": "Card"}, "a domain's name"),
    ],
)
def test_rule_that_makes_no_sense_is_refused(setting: dict, said: str) -> None:
    """Before any data is read."""
    with pytest.raises(ValidationError, match=said):
        policy({"a": rule("encrypt", **setting)})


@pytest.mark.parametrize(
    ("columns", "domains"),
    [
        ({"a": rule("encrypt", alphabet="digits", domain="x")}, {"x": ["u.id"]}),
        ({"a": rule("encrypt", alphabet="digits", domain="x"), "b": rule("encrypt", alphabet="lower", domain="x")}, {}),
        ({"a": rule("encrypt", alphabet="digits", domain="x"), "b": rule("encrypt", digits=9, domain="x")}, {}),
    ],
)
def test_domain_with_two_algorithms_is_refused(columns: dict, domains: dict) -> None:
    """Equal values would not join, though the policy says that they do."""
    with pytest.raises(ValidationError, match="a domain has one algorithm"):
        policy(columns, domains=domains)
