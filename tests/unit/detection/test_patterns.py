"""Patterns: what has a form, whose checksum holds, and which of several forms counts."""

import random

import pyarrow as pa
import pytest

from tasks.detection import PATTERN_NAMES, find_patterns


def _pattern(value: str) -> str | None:
    code = int(find_patterns(pa.array([value])).codes[0])
    return PATTERN_NAMES[code - 1] if 0 < code <= len(PATTERN_NAMES) else None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "a.b+c@mail.example.org"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "gb82west12345698765432"),
        ("iban", "MT84MALT011000012345MTLCAST001S"),
        ("card", "4111 1111 1111 1111"),
        ("card", "6304000000000000000"),
        ("amex", "3782 822463 10005"),
        ("ssn", "123-45-6789"),
        ("nino", "AB 12 34 56 C"),
        ("dni", "12345678Z"),
        ("dni", "X1234567L"),
        ("cpf", "529.982.247-25"),
        ("pesel", "44051401359"),
        ("nir", "2 55 08 14 168 025 38"),
        ("steuer_id", "86 095 742 719"),
        ("nhs", "943 476 5919"),
        ("bsn", "111222333"),
        ("ip", "192.168.0.1"),
        ("ip6", "2001:db8::1"),
        ("mac", "00:1A:2b:3C:4d:5E"),
        ("phone", "+49 (0)30 1234567"),
        ("phone", "030/1234567"),
        ("phone", "800.555.0199"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
        ("date", "1985-03-12"),
        ("person", "Braund, Mr. Owen Harris"),
    ],
)
def test_each_pattern_finds_its_own(name: str, value: str) -> None:
    """Published examples of each number, with and without spaces."""
    assert _pattern(value) == name


@pytest.mark.parametrize(
    "value",
    [
        "DE89370400440532013001",
        "4111111111111112",
        "529.982.247-26",
        "9434765918",
        "12345678A",
        "900-12-3456",
        "12:30:45",
        "a@b",
        "",
        "\x00",
        "\x004111111111111111",
        "🙂🙂",
        "٤١١١١١١١١١١١١١١١",
        "x" * 300 + "@example.org",
        "1.2.3",
        "2015-000001",
        "123.456.789",
        "2013",
    ],
)
def test_what_only_looks_alike_has_none(value: str) -> None:
    """Failed checksums, other forms, NUL bytes, digits of other scripts, values that are too long."""
    assert _pattern(value) is None


def test_a_failed_checksum_is_counted() -> None:
    """Random digits pass Luhn's at one in ten; those that do not must be known to tell a column of cards from any other."""
    rng = random.Random(3)
    found = find_patterns(pa.array([f"4{rng.randrange(10**15):015d}" for _ in range(3000)]))
    passed, failed = found.counts()["card"], found.failed()["card"]
    assert passed + failed == 3000
    assert 0.08 < passed / 3000 < 0.12


def test_no_value_is_no_error() -> None:
    """An empty column of distinct values."""
    assert find_patterns(pa.array([], pa.string())).counts() == {}
