"""Profiles: counts, ranges and shares of each column, and what personal data looks like."""

import random

import numpy as np
import pyarrow as pa
import pytest

from tasks.detection import class_by_name
from tasks.projects.profile import profile_table


def _shares(values: list[str]) -> dict[str, float]:
    return dict(profile_table(pa.table({"v": values}))["v"].shares)


def test_counts_are_exact_where_they_matter() -> None:
    """Few distinct values, and keys, are counted and not estimated; NaN is no value."""
    rows = 5000
    table = pa.table(
        {
            "key": [f"k{number}" for number in range(rows)],
            "kind": ["a", "b", None, "a", "b"] * (rows // 5),
            "amount": np.where(np.arange(rows) % 10 == 0, np.nan, np.arange(rows) / 7),
        }
    )
    found = profile_table(table)
    assert found["key"].is_unique
    assert (found["kind"].distinct, found["kind"].filled) == (2, 4000)
    assert found["amount"].filled == 4500
    assert found["amount"].low == pytest.approx(1 / 7)
    assert (found["kind"].distinct_words, found["amount"].distinct_words[:6]) == ("2", "about ")


def test_the_second_most_frequent_of_few_values_is_counted() -> None:
    """No value counts for none; fractions and single values have no second."""
    table = pa.table({"a": [1, 1, 2, None], "b": ["x"] * 4, "c": [True, False, False, None], "d": [0.5, 0.5, 1.5, 1.5]})
    assert [found.second for found in profile_table(table).values()] == [1, 0, 1, 0]


@pytest.mark.slow
def test_a_wide_table_is_measured_in_groups() -> None:
    """Each of a few hundred columns has its own figures."""
    table = pa.table({f"c{n}": [n, n + 1, n + 1 + n % 2, None] for n in range(300)})
    found = profile_table(table)
    assert [(p.filled, p.distinct, p.low) for p in found.values()] == [(3, 2 + n % 2, float(n)) for n in range(300)]


def test_one_row_more_than_once_is_no_key() -> None:
    """An estimate could not tell."""
    values = [f"k{number}" for number in range(4999)] + ["k0"]
    assert not profile_table(pa.table({"key": values}))["key"].is_unique


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("email", ["a.b@example.org", "x@y.co"]),
        ("iban", ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"]),
        ("card", ["4111111111111111", "5500-0055-5555-5559"]),
        ("ssn", ["123-45-6789"]),
        ("ip", ["192.168.0.1", "8.8.8.8"]),
        ("phone", ["+49 30 1234567", "(030) 123-4567"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"]),
        ("date", ["1985-03-12", "2001-12-31T10:00:00Z"]),
        ("person", ["Anna Acker", "Braund, Mr. Owen Harris", "Jean-Luc O'Neill"]),
    ],
)
def test_personal_data_is_told_by_its_form(pattern: str, values: list[str]) -> None:
    """Each of the values has it."""
    assert _shares(values)[pattern] == 1


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("iban", ["DE89370400440532013001"]),
        ("card", ["4111111111111112"]),
        ("ip", ["300.1.1.1"]),
        ("email", ["no at sign", "a@b"]),
        ("phone", ["12", "2013-01-01"]),
        ("person", ["basic", "PLUS", "two words"]),
    ],
)
def test_what_only_looks_alike_is_not_taken_for_it(pattern: str, values: list[str]) -> None:
    """A checksum that does not hold, a form that is not whole."""
    assert _shares(values)[pattern] == 0


def test_random_digits_pass_the_card_checksum_by_chance_only() -> None:
    """One in ten, as Luhn's checksum promises: far below the share from which a column is one of cards."""
    rng = random.Random(3)
    share = _shares([f"4{rng.randrange(10**15):015d}" for _ in range(2000)])["card"]
    assert 0.07 < share < 0.13


def test_numbers_of_cards_are_looked_at_too() -> None:
    """A card number that is stored as a number is one all the same."""
    assert profile_table(pa.table({"n": [4111111111111111, 5500005555555559]}))["n"].shares["card"] == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first_name", "identifier"),
        ("LastName", "identifier"),
        ("Name", "identifier"),
        ("E-Mail", "identifier"),
        ("phone_number", "identifier"),
        ("IPAddress", "identifier"),
        ("Straße", "identifier"),
        ("date_of_birth", "quasi"),
        ("age", "quasi"),
        ("ZIP Code", "quasi"),
        ("sex", "quasi"),
        ("birth_yr", "quasi"),
        ("Birthweight", None),
        ("Birth.outcome", None),
        ("births", None),
        ("long", "quasi"),
        ("annual_income", "sensitive"),
        ("customer_comment", "free_text"),
        ("product_name", None),
        ("usage", None),
        ("page", None),
        ("distance", None),
    ],
)
def test_names_of_columns_speak(name: str, expected: str | None) -> None:
    """By whole words, whatever the spelling."""
    found = class_by_name(name)
    assert (found[0] if found else None) == expected
