"""The demo's recurring passengers: synthetic people with personal data that looks and checks like the real thing.

What belongs here: who the passengers are. What does not: what they book. All of it is drawn from the seed; e-mail domains,
telephone numbers and card prefix are ones reserved for examples and tests, so that no real person can be meant.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.demo.names import FAMILY_NAMES, FIRST_NAMES
from tasks.demo.streams import Ints, day_number, open_stream

PASSENGERS = 80_000
TIERS = ("none", "silver", "gold")
LOCAL_REGION = 10
"""Postcode prefix of Manhattan and the Bronx: passengers who live beside the airports."""

_REGIONS = np.array([LOCAL_REGION, 11, 7, 6, 8, 19, 21, 33, 30, 60, 75, 90, 94, 98, 80])
_REGION_SHARES = np.array([0.22, 0.15, 0.13, 0.05, 0.05, 0.06, 0.04, 0.08, 0.04, 0.05, 0.03, 0.04, 0.03, 0.02, 0.01])
_TIER_SHARES = np.array([0.70, 0.20, 0.10])
_TIER_TRAVEL = np.array([1.0, 2.5, 6.0])
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")
_OLDEST, _YOUNGEST = day_number(date(1930, 1, 1)), day_number(date(1996, 1, 1))
_FOUNDED, _REGISTERED = day_number(date(1992, 1, 1)), day_number(date(2012, 12, 31))
"""When the loyalty programme began, and when all of these passengers had joined it."""
_ADULT_DAYS = 16 * 366


@dataclass(frozen=True)
class Passengers:
    """All passengers, one per row of ``table``, and the attributes that their bookings are drawn by.

    Columns of ``table``: loyalty_no, name, email, phone, birth_date, member_since, postcode, loyalty_tier, card_number, iban.
    """

    table: pa.Table
    travel: NDArray[np.float64]
    """How often each flies, relative to the others; silver and gold members fly more."""
    is_gold: NDArray[np.bool_]
    is_local: NDArray[np.bool_]
    birth_decade: Ints


def draw_passengers(seed: int, count: int = PASSENGERS) -> Passengers:
    """Draw ``count`` passengers from ``seed``; loyalty number, e-mail and card number are unique."""
    stream = open_stream(seed, "passengers")
    number = np.arange(count)
    born = np.clip(stream.normal(day_number(date(1970, 1, 1)), 15 * 365, count).astype(np.int64), _OLDEST, _YOUNGEST)
    earliest = np.maximum(born + _ADULT_DAYS, _FOUNDED)
    joined = earliest + (stream.random(count) * (_REGISTERED - earliest)).astype(np.int64)
    tier = stream.choice(len(TIERS), count, p=_TIER_SHARES)
    region = stream.choice(_REGIONS, count, p=_REGION_SHARES)
    first, family = stream.integers(0, len(FIRST_NAMES), count), stream.integers(0, len(FAMILY_NAMES), count)
    table = pa.table(
        {
            "loyalty_no": _prefix("WT", _digits(10_000_000 + number * 7_368_787 % 2**26, 8)),
            "name": pc.binary_join_element_wise(_pick(FIRST_NAMES, first), _pick(FAMILY_NAMES, family), " "),
            "email": _compose_emails(first, family, number, stream.integers(0, len(_DOMAINS), count)),
            "phone": _compose_phones(number * 48_611 % 80_000),
            "birth_date": pa.array(born.astype(np.int32)).cast(pa.date32()),
            "member_since": pa.array(joined.astype(np.int32)).cast(pa.date32()),
            "postcode": _digits(region * 1000 + stream.integers(1, 500, count), 5),
            "loyalty_tier": _pick(TIERS, tier),
            "card_number": _compose_cards(number * 730_331_377 % 10**9),
            "iban": _compose_ibans(stream.integers(10_000_000, 90_000_000, count), stream.integers(0, 10**10, count)),
        }
    )
    decade = (1970 + born // 365.2425).astype(np.int64) // 10 * 10
    return Passengers(
        table, _TIER_TRAVEL[tier] * stream.gamma(2.0, 0.5, count), tier == TIERS.index("gold"), region == LOCAL_REGION, decade
    )


def _pick(values: Sequence[str], index: Ints) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(index))


def _digits(values: Ints, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(values, pa.int64()).cast(pa.string()), width, "0")


def _prefix(prefix: str, *rest: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(prefix), *rest, "")


def _compose_emails(first: Ints, family: Ints, number: Ints, domain: Ints) -> pa.Array:
    local = pc.binary_join_element_wise(_pick(_plain(FIRST_NAMES), first), _pick(_plain(FAMILY_NAMES), family), ".")
    numbered = pc.binary_join_element_wise(local, pa.array(number).cast(pa.string()), "")
    return pc.binary_join_element_wise(numbered, _pick(_DOMAINS, domain), "@")


def _plain(names: Sequence[str]) -> list[str]:
    return [unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower() for name in names]


def _compose_phones(number: Ints) -> pa.Array:
    """North American numbers 555-0100 to 555-0199, which are reserved for fiction, in 800 area codes."""
    return _prefix(
        "+1-", _digits(200 + number // 100, 3), _prefix("-555-0", pa.repeat("", len(number))), _digits(100 + number % 100, 3)
    )


def _compose_cards(account: Ints) -> pa.Array:
    """Sixteen digits, the last by Luhn's formula (ISO/IEC 7812-1, annex B), below the test prefix 400000."""
    digits = np.concatenate(
        [np.tile([4, 0, 0, 0, 0, 0], (len(account), 1)), account[:, None] // 10 ** np.arange(8, -1, -1) % 10], axis=1
    )
    doubled = digits[:, ::2] * 2
    total = digits[:, 1::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    return _prefix("400000", _digits(account, 9), _digits((10 - total % 10) % 10, 1))


def _compose_ibans(bank: Ints, account: Ints) -> pa.Array:
    """German IBANs of invented banks with check digits by ISO 7064 MOD 97-10 (ISO 13616)."""
    basic = (bank % 97 * (10**10 % 97) + account) % 97
    check = 98 - (basic * (10**6 % 97) + 131_400) % 97  # D is 13, E is 14, and 00 stands for the check digits
    return _prefix("DE", _digits(check, 2), _digits(bank, 8), _digits(account, 10))
