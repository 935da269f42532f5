"""Custody: a split never changes under its name."""

import pytest

from tasks.errors import SplitError
from tasks.params.splits import KeyedHashSplit, TimeSplit
from tasks.records import SplitMetadata
from tasks.splits import check_custody, definition_hash, definition_of, read_metadata

BY_TAIL = {"kind": "keyed_hash", "unit": "tail", "salt": "v1", "parts": {"train": 0.7, "test": 0.3}, "why": "test"}
BY_TIME = {
    "kind": "time",
    "column": "at",
    "boundaries": {"train": "2013-08-01", "validation": "2013-09-01"},
    "embargo_days": 1,
    "why": "test",
}


def stored(definition: dict[str, str]) -> SplitMetadata:
    return SplitMetadata(
        name="s", why="w", definition=definition, definition_hash=definition_hash(definition),
        parts={}, from_utc={}, to_utc={}, logical_hash="h",
    )  # fmt: skip


def hashed(seed: int = 1, **changes: object) -> dict[str, str]:
    return definition_of("s", KeyedHashSplit.model_validate(BY_TAIL | changes), seed)


def timed(seed: int = 1, **changes: object) -> dict[str, str]:
    return definition_of("s", TimeSplit.model_validate(BY_TIME | changes), seed)


def test_first_split_of_a_name_is_free():
    """Where nothing is stored, nothing can have moved."""
    check_custody(None, hashed())


def test_same_definition_passes():
    """The same parameters, with other words on why, in another order."""
    check_custody(stored(hashed()), hashed(why="better words", parts={"test": 0.3, "train": 0.7}))
    check_custody(stored(timed()), timed(why="better words"))


@pytest.mark.parametrize(
    ("before", "after", "field", "found", "expected"),
    [
        (hashed(), hashed(salt="v2"), "salt", "salt v2", "salt v1"),
        (hashed(), hashed(parts={"train": 0.8, "test": 0.2}), "parts", "train 0.8", "train 0.7"),
        (hashed(), hashed(unit="carrier"), "unit", "unit carrier", "unit tail"),
        (hashed(), hashed(seed=2), "seed", "derived from the root seed", "derived from the root seed"),
        (timed(), timed(boundaries={"train": "2013-08-02"}), "boundaries", "train before 2013-08-02", "train before 2013-08-01"),
        (timed(), timed(embargo_days=2), "embargo_days", "embargo_days 2", "embargo_days 1"),
        (timed(), timed(column="known"), "column", "column known", "column at"),
        (timed(), hashed(), "kind", "kind keyed_hash", "kind time"),
    ],
)
def test_changed_definition_is_refused(before, after, field, found, expected):
    """The message names the field, what it is now, what it was, and that a new split needs a new name."""
    with pytest.raises(SplitError, match="split s: its definition changed") as caught:
        check_custody(stored(before), after)
    assert field in caught.value.found
    assert found in caught.value.found
    assert expected in caught.value.expected
    assert "a name of its own" in caught.value.next_step
    assert caught.value.exit_code == 2


def test_seed_does_not_define_a_split_by_time():
    """It draws nothing: another root seed leaves it as it is."""
    assert timed(seed=1) == timed(seed=2)


def test_definition_that_was_edited_is_refused():
    """Metadata whose definition was changed by hand to the wanted one still has the hash of the old one."""
    forged = stored(hashed()).model_copy(update={"definition": hashed(salt="v2")})
    with pytest.raises(SplitError, match="hash"):
        check_custody(forged, hashed(salt="v2"))


def test_definition_is_recorded_in_words():
    """An auditor reads what decided: the derived seed, the salt, the shares, the method."""
    assert hashed(seed=20130101) == {
        "kind": "keyed_hash",
        "unit": "tail",
        "parts": "train 0.7, test 0.3",
        "salt": "v1",
        "seed": "2257928971",
        "method": "windtunnel/split/v1",
    }
    assert timed() == {
        "kind": "time",
        "column": "at",
        "boundaries": "train before 2013-08-01, validation before 2013-09-01",
        "embargo_days": "1",
    }


def test_unreadable_metadata_vouches_for_nothing(tmp_path):
    """A split whose stored definition cannot be read is not made anew under its name."""
    path = tmp_path / "by_tail" / "metadata.json"
    assert read_metadata(path) is None
    path.parent.mkdir()
    path.write_text('{"name": "by_tail"')
    with pytest.raises(SplitError, match="by_tail") as caught:
        read_metadata(path)
    assert "dvc checkout data/splits/by_tail" in caught.value.next_step
