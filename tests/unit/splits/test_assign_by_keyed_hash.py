"""Splits by a keyed hash: exact intervals, stable under growth, apart by name, seed and salt."""

import hashlib
import math
from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.datasets import hash_text
from tasks.errors import SplitError
from tasks.params.splits import KeyedHashSplit
from tasks.seeds import derive_seed
from tasks.splits import assign_by_keyed_hash
from tasks.splits.strategies import share_ends

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
SEED = 20130101


def by_hash(salt: str = "v1", parts: dict[str, float] | None = None) -> KeyedHashSplit:
    return KeyedHashSplit(kind="keyed_hash", unit="tail", salt=salt, parts=parts or SHARES, why="test")


def assign(units, split=None, name="by_tail", seed=SEED, keys=None) -> list[str]:
    column = units if isinstance(units, pa.Array) else pa.array(units, pa.string())
    fallback = pa.array(keys if keys is not None else [f"row {i}" for i in range(len(column))], pa.string())
    return assign_by_keyed_hash(column, fallback, split or by_hash(), name, seed).to_pylist()


MANY = [f"N{number}" for number in range(20_000)]


def test_shares_are_those_declared():
    """Each part has its share of entities, within four standard deviations of the draw."""
    found = assign(MANY)
    for part, share in SHARES.items():
        allowed = 4 * math.sqrt(share * (1 - share) * len(MANY))
        assert abs(found.count(part) - share * len(MANY)) < allowed


def test_parts_never_change_from_release_to_release():
    """Every figure measured on a split rests on these; a release that moved one would move entities of every user."""
    found = assign(MANY[:12])
    assert [place for place, part in enumerate(found) if part == "test"] == [1, 10, 11]
    assert [place for place, part in enumerate(found) if part == "validation"] == [7]


def test_sql_with_hexadecimal_thresholds_agrees():
    """The definition in the docstring, carried out by another engine on text, gives the same parts."""
    key = hash_text("windtunnel/split/v1", "by_tail", str(derive_seed(SEED, "splits/by_tail")), "v1", "unit")
    entities = [*MANY[:2000], *(f"\u00e9 {number}" for number in range(200))]
    units = pa.table({"unit": entities})  # noqa: F841 - DuckDB reads it by name
    found = duckdb.sql(f"""
        SELECT CASE WHEN h < 'b333333333333333' THEN 'train' WHEN h < 'd999999999999999' THEN 'validation' ELSE 'test' END
        FROM (SELECT substr(sha256(unhex('{key}') || encode(unit)), 1, 16) AS h FROM units)""").fetchall()
    assert [part for (part,) in found] == assign(entities)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=5), max_size=20), st.lists(st.text(max_size=5), max_size=20))
def test_growth_moves_no_entity(before, added):
    """What was there keeps its part, whatever comes before, between or after it."""
    earlier = dict(zip(before, assign(before), strict=True))
    grown = [*added, *before, *added]
    later = dict(zip(grown, assign(grown), strict=True))
    assert {unit: later[unit] for unit in earlier} == earlier


@pytest.mark.parametrize("other", [{"seed": SEED + 1}, {"name": "by_plane"}, {"split": by_hash("v2")}])
def test_another_seed_name_or_salt_is_another_draw(other):
    """With independent draws, 1 - (0.7^2 + 2 * 0.15^2) = 46.5 % of entities change sides."""
    moved = sum(one != two for one, two in zip(assign(MANY), assign(MANY, **other), strict=True))
    assert abs(moved / len(MANY) - 0.465) < 0.02


def test_order_of_declaration_does_not_matter():
    """Intervals follow train, validation, test, however params.yaml orders the shares."""
    assert assign(MANY, by_hash(parts=dict(reversed(SHARES.items())))) == assign(MANY)


def test_shares_are_taken_as_the_decimals_they_are_written_as():
    """0.1 + 0.2 ends where 0.3 ends, and 0.7 at its 64 bits: floats would end elsewhere, and so would another engine."""
    assert [hex(end) for end in share_ends(by_hash())] == ["0xb333333333333333", "0xd999999999999999"]
    three = by_hash(parts={"train": 0.1, "validation": 0.2, "test": 0.7})
    assert share_ends(three)[1] == share_ends(by_hash(parts={"train": 0.3, "test": 0.7}))[0]


def test_a_larger_train_share_takes_no_entity_out_of_train():
    """Train's interval begins at zero, so a larger share only adds."""
    small, large = assign(MANY), assign(MANY, by_hash(parts={"train": 0.8, "validation": 0.1, "test": 0.1}))
    assert all(after == "train" for before, after in zip(small, large, strict=True) if before == "train")


def test_equal_texts_are_one_entity():
    """Two spellings of one text in Unicode get one token when masked, and so they have one part."""
    composed, decomposed = [f"\u00e9{i}" for i in range(200)], [f"e\u0301{i}" for i in range(200)]
    assert assign(composed) == assign(decomposed)


def test_integers_are_hashed_as_decimals_and_dates_as_days():
    """The integer 7 and the text "7" are one entity, in whatever integer type; a day is its ISO text."""
    numbers = list(range(300))
    texts = assign([str(number) for number in numbers])
    assert assign(pa.array(numbers, pa.int32())) == assign(pa.array(numbers, pa.uint64())) == texts
    assert assign(pa.array([date(2013, 1, 31)])) == assign(["2013-01-31"])


@pytest.mark.parametrize("units", [[1.5], [True], [b"x"]])
def test_units_without_a_canonical_text_are_refused(units):
    """A float's text is no fact, and two truth values make no entities."""
    with pytest.raises(SplitError, match="split unit tail"):
        assign(pa.array(units))


def test_rows_without_a_unit_are_drawn_by_their_own_key():
    """Rows without an entity are no entity: each has a part of its own, which neither its place nor other rows decide."""
    keys = [f"k{number}" for number in range(2000)]
    alone = assign([None] * 2000, keys=keys)
    assert {part: alone.count(part) > 200 for part in SHARES} == dict.fromkeys(SHARES, True)
    mixed = assign([*MANY[:500], *([None] * 2000)], keys=[*(f"x{i}" for i in range(500)), *keys])
    assert mixed == assign(MANY[:500]) + alone


def test_a_row_key_is_not_taken_for_an_entity():
    """A row without a unit whose key reads like a unit is drawn apart from it."""
    assert assign([None] * 2000, keys=MANY[:2000]) != assign(MANY[:2000])


def test_storage_does_not_matter():
    """Slices and dictionary-encoded columns give the parts of their own rows; an empty column gives none."""
    column = pa.array([*MANY[:50], None, *MANY[:50]], pa.string())
    plain = assign(column)
    assert assign(column.dictionary_encode()) == plain
    assert assign(column.slice(10, 30)) == plain[10:40]
    assert assign(pa.array([], pa.string())) == []


def test_a_column_of_nulls_is_no_entity():
    """A column without a single value has no type yet, and all of its rows are drawn by themselves."""
    assert assign(pa.nulls(100)) == assign([None] * 100)


def test_the_split_does_not_follow_the_plain_hash():
    """Without the key nobody tells parts from public ids: the plain hash of a unit says nothing of its part."""
    plain = [int.from_bytes(hashlib.sha256(unit.encode()).digest()[:8], "big") / 2**64 < 0.7 for unit in MANY]
    agree = sum(one == (two == "train") for one, two in zip(plain, assign(MANY), strict=True)) / len(MANY)
    assert abs(agree - (0.7**2 + 0.3**2)) < 0.02
