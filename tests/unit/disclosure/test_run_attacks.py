"""Attacks: what they find in data that gives people away, and that they find nothing where it does not."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.disclosure import Attack, run_attacks
from tasks.disclosure.attacks import excess_of, wilson

ROWS = 6000


def _people(**columns: object) -> pa.Table:
    return pa.table(columns)


def _named(attacks: tuple[Attack, ...], name: str) -> Attack:
    return next(attack for attack in attacks if attack.name == name)


@pytest.fixture(scope="module")
def telling() -> tuple[Attack, ...]:
    """People with a day of birth, and half of them a place, that is theirs alone; an illness that hangs on nothing."""
    rng = np.random.default_rng(1)
    born, place = rng.permutation(ROWS), rng.permutation(ROWS)
    table = _people(born=born, place=place, illness=rng.choice(["a", "b", "c", "d"], ROWS))
    return run_attacks(table, ["born", "place"], ["illness"], seed=3)


@pytest.fixture(scope="module")
def hidden() -> tuple[Attack, ...]:
    """People in two crowds, with an illness that hangs on the crowd alone."""
    rng = np.random.default_rng(2)
    sex, region = rng.integers(0, 2, ROWS), rng.integers(0, 3, ROWS)
    illness = np.where(rng.random(ROWS) < 0.8, sex, 1 - sex)
    return run_attacks(_people(sex=sex, region=region, illness=illness), ["sex", "region"], ["illness"], seed=3)


def test_who_stands_alone_is_singled_out(telling: tuple[Attack, ...]) -> None:
    """Everybody in the data; of those who are not in it nobody."""
    found = _named(telling, "singling out")
    assert (found.hits, found.control_hits) == (found.targets, 0)
    assert found.excess.value == 1


def test_who_stands_alone_is_linked_and_inferred(telling: tuple[Attack, ...]) -> None:
    """The data joins the two lists, and holds the illness; on others the attacker can only guess."""
    linked, inferred = _named(telling, "linkage"), _named(telling, "inference")
    assert (linked.success.value, linked.control.value) == (1, 0)
    assert inferred.success.value == 1
    assert inferred.control.value == pytest.approx(0.25, abs=0.06)


def test_crowds_give_nobody_away(hidden: tuple[Attack, ...]) -> None:
    """What is guessed right of people in the data is guessed right of others as well: that is knowledge of how people are."""
    assert (_named(hidden, "singling out").hits, _named(hidden, "singling out").control_hits) == (0, 0)
    inferred = _named(hidden, "inference")
    assert inferred.success.value == pytest.approx(0.8, abs=0.05)
    assert inferred.excess.low < 0 < inferred.excess.high


def test_same_seed_same_outcome() -> None:
    """An attack is evidence, so it can be carried out again."""
    rng = np.random.default_rng(1)
    table = _people(a=rng.integers(0, 50, 500), b=rng.integers(0, 50, 500), s=rng.random(500))
    assert run_attacks(table, ["a", "b"], ["s"], 7) == run_attacks(table, ["a", "b"], ["s"], 7)
    assert run_attacks(table, ["a", "b"], ["s"], 7) != run_attacks(table, ["a", "b"], ["s"], 8)


def test_too_few_people_or_nothing_known_is_no_attack() -> None:
    """Nothing is claimed of chance."""
    assert run_attacks(_people(a=list(range(19))), ["a"], [], 1) == ()
    assert run_attacks(_people(a=list(range(50))), [], ["a"], 1) == ()


def test_one_column_cannot_be_linked() -> None:
    """There is no second list."""
    assert [attack.name for attack in run_attacks(_people(a=list(range(50))), ["a"], [], 1)] == ["singling out"]


def test_intervals_by_hand() -> None:
    """Wilson's for 0 of 10 and 5 of 10; the excess is the share of what the control left."""
    assert (wilson(0, 10).low, wilson(0, 10).high) == (0, pytest.approx(0.2775, abs=1e-4))
    assert (wilson(5, 10).low, wilson(5, 10).high) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    excess = excess_of(wilson(60, 100), wilson(20, 100))
    assert excess.value == pytest.approx(0.5)
    assert 0.3 < excess.low < 0.5 < excess.high < 0.7
    assert excess_of(wilson(10, 10), wilson(10, 10)).value == 0
