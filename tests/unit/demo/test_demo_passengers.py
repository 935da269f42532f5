"""Passengers: synthetic personal data that passes the checks that real data passes."""

import re

import numpy as np
import pyarrow.compute as pc
from demo_lakes import SEED

from tasks.demo.passengers import PASSENGERS, Passengers, draw_passengers


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def _passes_mod_97(iban: str) -> bool:
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def test_card_numbers_pass_luhn(passengers: Passengers) -> None:
    """Every card number has sixteen digits and a valid check digit."""
    numbers = passengers.table["card_number"].to_pylist()
    assert all(re.fullmatch(r"\d{16}", number) and _passes_luhn(number) for number in numbers)


def test_ibans_pass_mod_97(passengers: Passengers) -> None:
    """Every IBAN has a German one's length and valid check digits."""
    assert all(re.fullmatch(r"DE\d{20}", iban) and _passes_mod_97(iban) for iban in passengers.table["iban"].to_pylist())


def test_identifiers_are_unique_at_full_size() -> None:
    """Loyalty numbers, e-mail addresses, telephone and card numbers name one passenger each."""
    table = draw_passengers(SEED).table
    for name in ("loyalty_no", "email", "phone", "card_number"):
        assert len(pc.unique(table[name])) == PASSENGERS, name


def test_contact_data_can_reach_nobody(passengers: Passengers) -> None:
    """E-mail domains and telephone numbers are those reserved for examples."""
    assert all(re.search(r"[@.]example\.(com|org|net)$", email) for email in passengers.table["email"].to_pylist())
    assert all(re.fullmatch(r"\+1-[2-9]\d\d-555-01\d\d", phone) for phone in passengers.table["phone"].to_pylist())


def test_postcodes_have_five_digits_and_shared_regions(passengers: Passengers) -> None:
    """No region is held by a handful, so that a prefix hides its holders."""
    postcodes = passengers.table["postcode"].to_pylist()
    assert all(re.fullmatch(r"\d{5}", postcode) for postcode in postcodes)
    _, counts = np.unique([postcode[:2] for postcode in postcodes], return_counts=True)
    assert counts.min() > 20


def test_members_joined_as_adults_before_the_year(passengers: Passengers) -> None:
    """Nobody joined the programme before turning sixteen, or after the lake begins."""
    born = passengers.table["birth_date"].to_numpy()
    joined = passengers.table["member_since"].to_numpy()
    assert (joined - born >= np.timedelta64(16 * 365, "D")).all()
    assert joined.max() < np.datetime64("2013-01-01")


def test_the_same_seed_draws_the_same_people() -> None:
    """Passengers are a function of the seed."""
    assert draw_passengers(3, 100).table.equals(draw_passengers(3, 100).table)
    assert not draw_passengers(3, 100).table.equals(draw_passengers(4, 100).table)
