"""Fakes: a keyed pick from a list whose words never change, and what is known of its collisions."""

import hashlib
import hmac
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, SECRET, policy, rule
from pydantic import ValidationError

from tasks.errors import MaskingError, ParameterError
from tasks.masking import conclude, mask_table, observe, observed_columns
from tasks.masking.fake_lists import list_entries
from tasks.params.masking import MaskingParams

LISTS = {
    "given_name": (116, "8625a268643dc92c"),
    "family_name": (148, "b41e45751f9ada48"),
    "full_name": (17168, "50ce69ced7c71062"),
    "email": (171680, "35b3d5ae2f4911f8"),
    "town": (324, "c7149ea06b829a3e"),
    "street": (200, "244994307d42bd25"),
    "company": (1776, "f6f7c7b6a4476bfe"),
}
NAMES = policy({"a": rule("fake", "identifier", list="full_name", domain="person")})


def _fakes(values: list, rules: MaskingParams = NAMES) -> list:
    return mask_table("t", pa.table({"a": pa.array(values)}), rules, KEY).column("a").to_pylist()


def test_lists_never_change() -> None:
    """Their hashes are part of every fake that is out; each list has each entry once, in normal form C."""
    found = {}
    for name in ("given_name", "family_name", "full_name", "email", "town", "street", "company"):
        entries = list_entries(name)
        assert len(set(entries)) == len(entries)
        assert all(unicodedata.is_normalized("NFC", entry) for entry in entries)
        found[name] = (len(entries), hashlib.sha256("\n".join(entries).encode()).hexdigest()[:16])
    assert found == LISTS


def test_golden_fakes() -> None:
    """The entry at the value's HMAC modulo the list's length, by Python's own hmac."""
    key = hmac.new(SECRET, b"mask/v1/fake/person", "sha256").digest()
    numbers = [int.from_bytes(hmac.new(key, one.encode(), "sha256").digest()[:8], "big") for one in ("Ada", "", "7")]
    entries = list_entries("full_name")
    assert _fakes(["Ada", "", "7", None]) == [*(entries[number % len(entries)] for number in numbers), None]
    assert _fakes([7]) == _fakes(["7"])
    assert _fakes(["Ada"]) == ["Carlo Falk"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=6), min_size=1, max_size=8))
def test_same_value_same_fake_in_any_table(values: list) -> None:
    """Across tables of a domain, normal forms, and batches; and the fake is always of the list."""
    other = policy({"b": rule("fake", "identifier", list="full_name", domain="person")}, table="u")
    forms = [v if v is None else unicodedata.normalize("NFD", v) for v in values]
    elsewhere = mask_table("u", pa.table({"b": pa.array(forms, pa.string())}), other, KEY).column("b").to_pylist()
    fakes = mask_table("t", pa.table({"a": pa.array(values, pa.string())}), NAMES, KEY).column("a").to_pylist()
    assert fakes == elsewhere
    assert all(fake is None or fake in list_entries("full_name") for fake in fakes)
    assert [fake is None for fake in fakes] == [value is None for value in values]


def test_fakes_depend_on_key_and_domain() -> None:
    """Nobody without the key can list who gets which fake."""
    values = pa.table({"a": [str(i) for i in range(20)]})
    own = policy({"a": rule("fake", list="full_name")})
    assert mask_table("t", values, NAMES, KEY) != mask_table("t", values, NAMES, OTHER_KEY)
    assert mask_table("t", values, NAMES, KEY) != mask_table("t", values, own, KEY)


def test_collisions_are_counted_over_all_partitions() -> None:
    """A list shorter than the column's distinct values: how many fakes stand for more than one, exactly."""
    rules = policy({"a": rule("fake", list="given_name")})
    parts = [pa.table({"a": [str(i) for i in range(200)]}), pa.table({"a": [*map(str, range(100, 400)), None]})]
    assert observed_columns(rules, "t") == ("a",)
    count = conclude(rules, "t", [observe("t", part, rules, KEY) for part in parts]).fakes["a"]
    made = {cell for part in parts for cell in mask_table("t", part, rules, KEY)["a"].to_pylist()} - {None}
    assert (count.entries, count.distinct, count.fakes) == (len(list_entries("given_name")), 400, len(made))
    assert count.collisions == 400 - len(made)


def test_unique_fake_that_is_not_unique_is_refused() -> None:
    """And nothing is masked where nobody has counted."""
    rules = policy({"a": rule("fake", list="given_name", unique=True)})
    table = pa.table({"a": [str(i) for i in range(200)]})
    with pytest.raises(MaskingError, match="unique") as caught:
        conclude(rules, "t", [observe("t", table, rules, KEY)])
    assert "200 distinct values" in caught.value.found
    with pytest.raises(MaskingError, match="masking t"):
        mask_table("t", table, rules, KEY)
    few = pa.table({"a": ["x", "y"]})
    facts = conclude(rules, "t", [observe("t", few, rules, KEY)])
    assert mask_table("t", few, rules, KEY, facts=facts).num_rows == 2


def test_list_of_the_users(tmp_path: Path) -> None:
    """A file held to its hash."""
    content = "Erde\nMond\nMu\u0308hle\n".encode()
    (tmp_path / "towns.txt").write_bytes(content)
    rules = policy({"a": rule("fake", file="towns.txt", sha256=hashlib.sha256(content).hexdigest())})
    rules.read_lists(tmp_path)
    assert set(_fakes([str(i) for i in range(50)], rules)) == {"Erde", "Mond", "M\u00fchle"}


@pytest.mark.parametrize("content", [None, b"", b"one\n", b"one\n\ntwo\n", b"one\none\n", b"\xff\n\xfe\n", "ü\nu\u0308\n".encode()])
def test_list_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty, of one entry, with blanks or doubles, no UTF-8."""
    if content is not None:
        (tmp_path / "l.txt").write_bytes(content)
    rules = policy({"a": rule("fake", file="l.txt", sha256=hashlib.sha256(content or b"").hexdigest())})
    with pytest.raises(ParameterError, match=r"l\.txt"):
        rules.read_lists(tmp_path)


def test_list_that_was_edited_is_refused(tmp_path: Path) -> None:
    """Other entries would give other fakes without a word."""
    (tmp_path / "l.txt").write_text("one\ntwo\n")
    rules = policy({"a": rule("fake", file="l.txt", sha256="0" * 64)})
    with pytest.raises(ParameterError, match=r"l\.txt") as caught:
        rules.read_lists(tmp_path)
    assert hashlib.sha256(b"one\ntwo\n").hexdigest() in caught.value.found


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"list": "town", "file": "x", "sha256": "0"},
        {"file": "x"},
        {"list": "town", "sha256": "0"},
        {"file": "../x", "sha256": "0"},
        {"file": "/x", "sha256": "0"},
        {"list": "planets"},
        {"list": "town", "domain": "A"},
    ],
)
def test_rule_that_makes_no_sense_is_refused(setting: dict) -> None:
    """Before any data is read."""
    with pytest.raises(ValidationError):
        policy({"a": rule("fake", **setting)})


@pytest.mark.parametrize("values", [pa.array([1.5]), pa.array([True]), pa.array([b"x"])])
def test_other_types_are_refused(values: pa.Array) -> None:
    """As for tokens."""
    with pytest.raises(MaskingError, match=r"t\.a"):
        mask_table("t", pa.table({"a": values}), NAMES, KEY)


def test_column_of_only_null() -> None:
    """Stays so, as text."""
    assert mask_table("t", pa.table({"a": pa.nulls(2)}), NAMES, KEY)["a"].type == pa.string()
