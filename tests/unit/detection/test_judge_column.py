"""Findings: which columns hold personal data, on what evidence, alone and over partitions."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_lakes import people

from tasks.detection import Examiner, add_up, classify_columns, judge_partitions


def _personal(values: object, name: str = "c") -> list[str]:
    table = pa.table({name: values})
    return [found.kind for found in classify_columns(table) if found.is_personal]


def _numbers(digits: int, count: int = 500, seed: int = 5) -> list[str]:
    rng = random.Random(seed)
    return [f"{rng.randrange(10**digits):0{digits}d}" for _ in range(count)]


def test_people_are_found() -> None:
    """A table of customers: each column of identifiers, and no other."""
    found = {finding.column for finding in classify_columns(people(1000)) if finding.is_personal}
    assert {"full_name", "contact", "reachable_at", "remark"} <= found
    assert not found & {"plan", "contacts", "monthly_fee"}


def test_evidence_shows_no_value() -> None:
    """Not of any column of people."""
    table = people(300)
    told = " ".join(finding.evidence for finding in classify_columns(table))
    for name in ("full_name", "contact", "reachable_at", "remark"):
        assert not [value for value in table.column(name).unique().to_pylist() if value in told]


def test_one_mail_address_is_enough() -> None:
    """In a column of categories, whole or within a text."""
    assert _personal(["desk"] * 500 + ["jo@example.org"]) == ["email"]
    assert _personal(["desk"] * 500 + ["mail jo@example.org"]) == ["mail_within"]


def test_random_digits_are_no_cards() -> None:
    """A column of sixteen-digit numbers of which one in ten passes by chance is nearly unique, no more."""
    assert _personal(_numbers(16, 2000)) == ["many values"]


@pytest.mark.parametrize("digits", [9, 10, 11])
def test_serial_numbers_are_nobodys(digits: int) -> None:
    """Integers as long as the numbers of five countries."""
    assert _personal([int(value) for value in _numbers(digits)]) == []


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.string()])
def test_cards_are_found_in_any_type(kind: pa.DataType) -> None:
    """As numbers with gaps, they come as floats."""
    cards = [4111111111111111, 5500005555555559, 4012888888881881]
    passing = [number for number in range(4000000000000000, 4000000000000500) if _luhn(number)]
    values = pa.array([*cards, *passing, None], pa.int64()).cast(kind)
    assert "card" in _personal(values)


def _luhn(number: int) -> bool:
    digits = [int(digit) for digit in reversed(str(number))]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)) % 10 == 0


def test_categories_are_safe() -> None:
    """Codes, words, sentences that few values share, dates as text, numbers."""
    assert _personal(["AA", "UA", "DL"] * 100) == []
    assert _personal(["Agree strongly with the statement", "Disagree strongly with it all"] * 100) == []
    assert _personal([f"20{day % 90 + 10}-01-01" for day in range(300)]) == []
    assert _personal([0.5, 1e9, float("nan"), float("inf")]) == []
    assert _personal([None, None]) == []
    assert _personal(pa.array([None, None], pa.string())) == []


def test_texts_of_many_values_are_not_safe() -> None:
    """Nothing speaks for them, and that is enough; as for sentences, and bytes."""
    assert _personal([f"w{number}" for number in range(2000)]) == ["many values"]
    assert _personal([f"w{number}" for number in range(500)]) == []
    assert _personal([f"the customer called {number} times about it" for number in range(200)]) == ["free text"]
    assert _personal([b"a", b"b"]) == ["bytes"]


def test_names_of_columns_speak_only_of_many_values() -> None:
    """A flag called phone is none, and a state of addresses no address."""
    assert _personal(["yes", "no"] * 100, "phone") == []
    assert _personal([f"A{number % 50}" for number in range(1000)], "addr_state") == []
    assert "name of the column" in _personal(list(range(1000)), "phone")
    assert "name of the column" in _personal(pa.array(range(1000), pa.int32()).cast(pa.date32()), "dob")


@pytest.mark.slow
def test_what_has_just_begun_to_come_is_seen() -> None:
    """Names in the newest of many partitions are not drowned in those before."""
    names = [f"{first} {last}" for first in ("Anna", "Ivan", "Pedro", "Mehmet") for last in ("Schmidt", "Novak", "Silva", "Kaya")]
    examiner = Examiner()
    parts = [examiner.examine("c", pa.chunked_array([[f"code {part} {number}" for number in range(90)] * 9])) for part in range(50)]
    parts.append(examiner.examine("c", pa.chunked_array([names])))
    assert [found.kind for found in judge_partitions("c", parts) if found.is_personal] == ["names"]


@pytest.mark.slow
def test_partitions_are_judged_together() -> None:
    """Texts that are few in each partition and different in all; categories that recur in each are not added up."""
    examiner = Examiner()
    parts = [examiner.examine("c", pa.chunked_array([[f"{part}x{number}" for number in range(40)]])) for part in range(50)]
    assert 1500 < add_up(parts).distinct_values <= 2000
    assert [found.kind for found in judge_partitions("c", parts) if found.is_personal] == ["many values"]
    again = [examiner.examine("d", pa.chunked_array([[f"x{number}" for number in range(20)] * 2])) for _ in range(50)]
    assert 15 <= add_up(again).distinct_values <= 25
    assert judge_partitions("d", again) == ()


def test_what_was_seen_before_changes_no_evidence() -> None:
    """A partition's evidence is the same after others as alone."""
    first, second = (pa.chunked_array([[f"a{number}@b.org" for number in range(start, start + 50)]]) for start in (0, 25))
    examiner = Examiner()
    examiner.examine("c", first)
    assert examiner.examine("c", second) == Examiner().examine("c", second)


def test_partition_files_are_read(tmp_path: Path) -> None:
    """A table's files, one after the other."""
    for number in range(2):
        pq.write_table(pa.table({"c": [f"p{number}@example.org"]}), tmp_path / f"{number}.parquet")
    assert [found.kind for found in classify_columns(sorted(tmp_path.iterdir()))] == ["email"]
