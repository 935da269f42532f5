"""A key that a later release adds changes nothing that was judged or signed; a default that it changes is always seen."""

from pathlib import Path

import pytest

from tasks.gates import hash_gates, hash_params
from tasks.params import Params, load_params, stated
from tasks.params.features import UserFunction
from tasks.params.judging import GatesParams, LooksParams
from tasks.paths import ProjectPaths
from tasks.records import PolicyVersion
from tasks.signing import policy_content
from tasks.stages.made_with import SECTIONS, hash_sections
from tasks.stages.policies import classify, stand_by

ROOT = Path(__file__).resolve().parents[3]
PARAMS = load_params(ROOT / "params.yaml")


class LaterLooks(LooksParams):
    """Looks as a later release might know them: one key more, whose default means as before."""

    pause_days: int = 0


class LaterGates(GatesParams):
    """The criteria of that release."""

    looks: LaterLooks = LaterLooks()
    quorum: int | None = None


class LaterParams(Params):
    """All of its grammar."""

    gates: LaterGates


def later(**values):
    return LaterGates.model_validate(stated(PARAMS.gates)["values"] | values)


def test_added_key_changes_no_hash_and_no_policy():
    """So that a verdict of before holds after an upgrade, one can roll back to it, and nobody has to sign anew."""
    after = LaterParams.model_validate(PARAMS.model_dump(mode="json", exclude_defaults=True))
    assert hash_gates(later()) == hash_gates(PARAMS.gates)
    assert hash_params(after) == hash_params(PARAMS)
    assert policy_content(after, {}) == policy_content(PARAMS, {})


def test_added_key_that_is_used_is_a_change():
    """At any depth."""
    hashes = {hash_gates(gates) for gates in (later(), later(quorum=2), later(looks={"pause_days": 1}))}
    assert len(hashes) == 3


def test_other_order_of_features_is_another_hash():
    """A model that draws some of them is another one, in all that was made with it; the order of criteria changes nothing."""
    columns = dict(reversed(PARAMS.features.columns.items()))
    other = PARAMS.model_copy(update={"features": PARAMS.features.model_copy(update={"columns": columns})})
    changed = {stage for stage in SECTIONS if hash_sections(other, stage) != hash_sections(PARAMS, stage)}
    assert hash_params(other) != hash_params(PARAMS)
    assert changed == {"features", "validate_features", "disclosure", "utility", "train", "evaluate"}
    turned = PARAMS.gates.model_copy(update={"criteria": dict(reversed(PARAMS.gates.criteria.items()))})
    assert hash_gates(turned) == hash_gates(PARAMS.gates)


def test_other_order_of_what_functions_give_is_another_hash():
    """Their features stand in the dataset in that order, function by function."""
    told = {"function": "a.b", "sha256": "0", "takes": ["x"], "gives": {"one": "number", "two": "number"}}
    ways = [told, told | {"gives": dict(reversed(told["gives"].items()))}]
    assert stated(UserFunction(**ways[0])) != stated(UserFunction(**ways[1]))


def test_default_written_out_changes_no_hash():
    """It is what was so without it."""
    assert hash_gates(later(looks={"budget": LooksParams().budget})) == hash_gates(PARAMS.gates)


def test_another_edition_changes_every_hash(monkeypatch):
    """A default or a meaning was changed: what a verdict was judged by is not what the file says now."""
    before = hash_gates(PARAMS.gates), hash_params(PARAMS)
    monkeypatch.setattr("tasks.params.base.EDITION", 2)
    assert not set(before) & {hash_gates(PARAMS.gates), hash_params(PARAMS)}


def test_another_edition_is_signed_by_two(monkeypatch):
    """The demo's own policy, after such an upgrade: a rehearsal, whose one change counts as a loosening."""
    force = stand_by(ProjectPaths(ROOT), PARAMS).state.in_force
    monkeypatch.setattr("tasks.params.base.EDITION", 2)
    assert "defaults or meanings" in stand_by(ProjectPaths(ROOT), PARAMS).unsigned
    now = force.version.model_copy(update={"policy": force.version.policy | {"edition": 2}})
    assert [(change.where, change.direction) for change in classify(force.version, now)] == [("edition", "loosening")]


@pytest.mark.parametrize("edition", [1, None])
def test_version_that_names_no_edition_is_of_the_first(edition):
    """One that was signed before there were editions, beside one that says what is the case."""
    policy = policy_content(PARAMS, {})
    older = {name: part for name, part in policy.items() if name != "edition"}
    texts = {"author": "a", "reason": "r", "allowed_signers": "", "number": 1, "previous": "0" * 64}
    one, two = PolicyVersion(policy=older, **texts), PolicyVersion(policy=policy if edition else older, **texts)
    assert classify(one, two) == ()
