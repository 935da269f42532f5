"""Date shift: the same for all rows of an entity, bounded, and closed where the entity is unknown."""

import hmac
from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, SECRET, SHIFT, policy

from tasks.errors import MaskingError
from tasks.masking import MaskingKey, mask_table

PER_PERSON = policy({"day": SHIFT, "moment": SHIFT}, domains={"person": ["t.person", "u.person"]}, safe=("row",))
DAY = date(2020, 2, 28)


def _shifted(persons: list, days: list, key: MaskingKey = KEY, column: str = "day", table: str = "t") -> list:
    raw = pa.table({"person": pa.array(persons, pa.string()), column: pa.array(days)})
    return mask_table(table, raw, PER_PERSON, key).column(column).to_pylist()


@settings(deadline=None)
@given(st.text(max_size=6), st.lists(st.dates(date(1900, 1, 1), date(2100, 1, 1)), min_size=2, max_size=8))
def test_intervals_within_an_entity_are_kept(person: str, days: list[date]) -> None:
    """All dates of an entity move by the same days, so that what lies between them stays."""
    shifted = _shifted([person] * len(days), days)
    assert {after - before for before, after in zip(days, shifted, strict=True)} == {shifted[0] - days[0]}


@settings(deadline=None)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=30))
def test_shift_is_bounded(persons: list[str]) -> None:
    """Nothing moves by more than max_days, in either direction."""
    moves = [after - DAY for after in _shifted(persons, [DAY] * len(persons))]
    assert all(timedelta(days=-30) <= move <= timedelta(days=30) for move in moves)


def test_every_shift_in_the_range_occurs_about_equally() -> None:
    """61 possible moves over 6,100 entities: each occurs, both bounds too; a chi-square far within its 99.99 % quantile."""
    persons = [str(i) for i in range(6100)]
    moves = [(after - DAY).days for after in _shifted(persons, [DAY] * len(persons))]
    counts = [moves.count(move) for move in range(-30, 31)]
    assert min(counts) > 0
    assert sum((count - 100) ** 2 / 100 for count in counts) < 111


def test_golden_shift() -> None:
    """Shifts that are out in masked data must never change; each is its definition, by Python's hmac."""
    key = hmac.new(SECRET, b"mask/v1/date_shift/person", "sha256").digest()
    digests = [hmac.new(key, person.encode(), "sha256").digest() for person in ("ada", "bob", "Zo\u00eb")]
    moves = [int.from_bytes(digest[:8], "big") % 61 - 30 for digest in digests]
    assert [(after - DAY).days for after in _shifted(["ada", "bob", "Zo\u00eb"], [DAY] * 3)] == moves == [4, 0, 22]


def test_shift_depends_on_the_key() -> None:
    """Another key moves entities otherwise."""
    persons = [str(i) for i in range(20)]
    assert _shifted(persons, [DAY] * 20) != _shifted(persons, [DAY] * 20, OTHER_KEY)


def test_shift_is_not_derived_from_the_token() -> None:
    """The shift has a key of its own: the published token of an entity does not give its shift away."""
    persons = [str(i) for i in range(50)]
    keyed = KEY.derive("person").digests(pa.array([person.encode() for person in persons])).tobytes()
    from_token = [int.from_bytes(keyed[32 * i : 32 * i + 8]) % 61 - 30 for i in range(50)]
    assert [(after - DAY).days for after in _shifted(persons, [DAY] * 50)] != from_token


@pytest.mark.parametrize("persons", [["ada", None], [None, "ada"]])
def test_unknown_entity_loses_its_date(persons: list[str | None]) -> None:
    """Without an entity there is no shift, and a date that cannot be shifted must not leave."""
    shifted = _shifted(persons, [DAY, DAY])
    assert [day is None for day in shifted] == [person is None for person in persons]


def test_missing_date_stays_missing() -> None:
    """NULL is not moved into being."""
    assert _shifted(["ada", "ada"], [None, DAY])[0] is None


def test_one_entity_in_two_tables_moves_alike() -> None:
    """Entities that share a domain share their shift, as long as both tables have the same max_days."""
    both = PER_PERSON.model_copy(update={"tables": {**PER_PERSON.tables, "u": PER_PERSON.tables["t"]}})
    raw = pa.table({"person": ["ada", "bob"], "day": pa.array([DAY, DAY])})
    assert mask_table("t", raw, both, KEY).equals(mask_table("u", raw, both, KEY))


def test_entity_needs_no_domain_of_its_own() -> None:
    """An entity that is itself dropped still moves its dates."""
    raw = pa.table({"person": ["ada", "ada"], "day": pa.array([DAY, DAY + timedelta(days=4)])})
    masked = mask_table("t", raw, policy({"day": SHIFT}), KEY)
    first, second = masked.column("day").to_pylist()
    assert (masked.column_names, second - first) == (["day"], timedelta(days=4))


def test_timestamp_keeps_its_time_of_day_and_type() -> None:
    """Whole days are added; hours, microseconds and the zone stay."""
    kind = pa.timestamp("us", "UTC")
    moment = datetime(2020, 2, 28, 13, 59, 1, 7, tzinfo=timezone.utc)
    raw = pa.table({"person": ["ada"], "moment": pa.array([moment], kind), "day": pa.array([DAY])})
    masked = mask_table("t", raw, PER_PERSON, KEY)
    assert masked.schema.field("moment").type == kind
    assert masked.column("moment").to_pylist()[0] - moment == masked.column("day").to_pylist()[0] - DAY


def test_missing_entity_column_is_an_error() -> None:
    """A part of a table without its entity column cannot be shifted."""
    with pytest.raises(MaskingError, match="date_shift per person") as caught:
        mask_table("t", pa.table({"day": pa.array([DAY])}), PER_PERSON, KEY)
    assert "person" in caught.value.next_step


def test_stand_in_for_infinity_is_an_error_without_the_value() -> None:
    """The greatest date of the type cannot be moved up; the message does not show it."""
    persons = [str(i) for i in range(10)]
    greatest = pa.array([2**31 - 1] * 10, pa.int32()).cast(pa.date32())
    with pytest.raises(MaskingError, match="infinity") as caught:
        mask_table("t", pa.table({"person": persons, "day": greatest}), PER_PERSON, KEY)
    assert str(2**31 - 1) not in str(caught.value)


@pytest.mark.parametrize("values", [["2020-02-28"], [737000], [1.5]])
def test_only_dates_are_shifted(values: list) -> None:
    """A date that is kept as text or number is refused, with the type that was found."""
    with pytest.raises(MaskingError, match=r"t\.day"):
        mask_table("t", pa.table({"person": ["ada"], "day": values}), PER_PERSON, KEY)


def test_float_entity_is_refused_by_its_name() -> None:
    """The entity has to have a canonical form; the error names it, not the date."""
    with pytest.raises(MaskingError, match=r"t\.person"):
        mask_table("t", pa.table({"person": [1.5], "day": pa.array([DAY])}), PER_PERSON, KEY)


def test_order_between_entities_is_not_kept() -> None:
    """A shifted date says nothing beside another entity's: of two that were a day apart either may come first."""
    persons = [str(i) for i in range(50)]
    days = [DAY + timedelta(days=i) for i in range(50)]
    shifted = _shifted(persons, days)
    assert days == sorted(days)
    assert shifted != sorted(shifted)


def test_dates_before_1900_and_after_2200_are_dates() -> None:
    """They move as all others of their entity do."""
    days = [date(1583, 1, 1), date(1899, 12, 31), DAY, date(2201, 1, 1), date(9990, 1, 1)]
    moves = {after - before for before, after in zip(days, _shifted(["ada"] * 5, days), strict=True)}
    assert moves == {timedelta(days=4)}
