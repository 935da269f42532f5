"""Which way a change of the expectations goes, and that who may change the repository cannot weaken one alone."""

import json
import shutil

import pytest
from signed_project import (
    ADA,
    BOB,
    NOW,
    ROBOT,
    add_version,
    judge_project,
    make_project,
    sign_version,
    stages_of,
)

from flows.cli.root import main
from flows.policy_signing import sign_policy, view_policy
from flows.signed_checks import check_signatures
from flows.verdict_checks import check_stored
from flows.verdict_store import find_verdict
from tasks.datasets import hash_file
from tasks.errors import GateError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import PolicyVersion
from tasks.signing.suite_order import suite_changes

BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_IN_SET = "expect_column_values_to_not_be_in_set"
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
KEY = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}, "severity": "critical"}


def entry(kind, severity="critical", **kwargs):
    return {"type": kind, "kwargs": {"column": "delay", **kwargs}, "severity": severity}


def suites(*expectations, name="raw/flights.json", **words):
    return {name: {"name": "flights", "expectations": [KEY, *expectations], **words}}


def goes(was, now):
    """{direction} of what changed."""
    return {change.direction for change in suite_changes(was, now)}


STRICTER = [
    ((), (entry(BETWEEN, min_value=0),)),
    ((entry(BETWEEN, mostly=0.9, min_value=0),), (entry(BETWEEN, mostly=0.95, min_value=0),)),
    ((entry(BETWEEN, mostly=0.9, min_value=0),), (entry(BETWEEN, min_value=0),)),
    ((entry(BETWEEN, min_value=0, max_value=9),), (entry(BETWEEN, min_value=1, max_value=9),)),
    ((entry(BETWEEN, min_value=0, max_value=9),), (entry(BETWEEN, min_value=0, max_value=8.5),)),
    ((entry(BETWEEN, min_value=0, max_value=None),), (entry(BETWEEN, min_value=0, max_value=8.5),)),
    ((entry(BETWEEN, min_value=0),), (entry(BETWEEN, min_value=0, strict_min=True),)),
    ((entry(IN_SET, value_set=["a", "b", "c"]),), (entry(IN_SET, value_set=["a", "b"]),)),
    ((entry(NOT_IN_SET, value_set=["a"]),), (entry(NOT_IN_SET, value_set=["a", "b"]),)),
    ((entry(BETWEEN, "warning", min_value=0),), (entry(BETWEEN, min_value=0),)),
    ((entry(PAIR, or_equal=True),), (entry(PAIR),)),
]


@pytest.mark.parametrize(("was", "now"), STRICTER, ids=str)
def test_stricter_suite_is_tightening_and_its_undoing_is_loosening(was, now):
    """Each way: added, more rows, a narrower range, a smaller set, a graver failure."""
    assert goes(suites(*was), suites(*now)) == {"tightening"}
    assert goes(suites(*now), suites(*was)) == {"loosening"}


UNORDERED = [
    ((entry(IN_SET, value_set=["a", "b"]),), (entry(IN_SET, value_set=["a", "c"]),)),
    ((entry(BETWEEN, min_value=0),), (entry(BETWEEN, min_value=0, row_condition="x"),)),
    ((entry(BETWEEN, min_value="2013-01-01"),), (entry(BETWEEN, min_value="2013-02-01"),)),
    ((entry("expect_column_values_to_match_regex", regex="a"),), (entry("expect_column_values_to_match_regex", regex=".*"),)),
    ((entry("expect_table_row_count_to_equal", value=1),), (entry("expect_table_row_count_to_equal", value=2),)),
    ((entry(BETWEEN, min_value=0), entry(BETWEEN, max_value=9)), (entry(BETWEEN, min_value=1), entry(BETWEEN, max_value=8))),
]


@pytest.mark.parametrize(("was", "now"), UNORDERED, ids=str)
def test_suite_that_cannot_be_ordered_is_loosening(was, now):
    """Each way; also where two expectations are about one thing, and nobody knows which became which."""
    assert "loosening" in goes(suites(*was), suites(*now))
    assert "loosening" in goes(suites(*now), suites(*was))


def test_long_settings_are_told_short():
    """What a reader is shown names the values that came and went, not all of them."""
    many = [f"carrier {number}" for number in range(500)]
    [taken] = suite_changes(suites(entry(IN_SET, value_set=many)), suites())
    [grown] = suite_changes(suites(entry(IN_SET, value_set=many)), suites(entry(IN_SET, value_set=[*many, "new"])))
    assert max(len(text) for change in (taken, grown) for text in (change.was, change.now)) < 200
    assert (grown.was, grown.now) == ("500 values", '501 values, with "new"')


def test_emptied_set_is_loosening():
    """Some expectations take a set of nothing for no demand at all."""
    assert goes(suites(entry(IN_SET, value_set=["a"])), suites(entry(IN_SET, value_set=[]))) == {"loosening"}


def test_words_order_and_defaults_of_a_suite_are_no_other_demand():
    """Reasons and order are told and take one signature; a default written out asks the same."""
    one, two = entry(BETWEEN, min_value=0), entry(IN_SET, value_set=["a"])
    assert goes(suites(one, two), suites(two, one)) == {"neutral"}
    assert goes(suites(one), suites(one | {"meta": {"why": "other words"}})) == {"neutral"}
    assert goes(suites(one), suites(entry(BETWEEN, min_value=0, mostly=1, strict_min=False, max_value=None))) == {"neutral"}
    assert goes(suites(one), suites(one)) == set()


def test_null_that_turns_a_default_off_is_loosening():
    """Without exact_match a table may have further columns."""
    match = "expect_table_columns_to_match_set"
    assert goes(suites(entry(match, column_set=["a"])), suites(entry(match, column_set=["a"], exact_match=None))) == {"loosening"}


def test_whole_suites_have_an_order_too():
    """A suite more asks more; one less, or under another name, asks less."""
    both = suites() | suites(name="raw/planes.json")
    assert goes(suites(), both) == {"tightening"}
    assert goes(both, suites()) == {"loosening"}
    assert "loosening" in goes(suites(), suites(name="raw/other.json"))


def test_first_signature_of_suites_tightens_and_leaving_them_out_loosens():
    """What nobody had signed was anybody's; what was signed is not."""
    assert goes(None, suites()) == {"tightening"}
    assert goes(suites(), None) == {"loosening"}
    assert goes(None, None) == set()


@pytest.fixture(scope="module")
def signed(keys, tmp_path_factory):
    """A project whose policy Ada has signed with its one suite."""
    root = tmp_path_factory.mktemp("suites") / "project"
    write_suite(ProjectPaths(root), KEY, entry(BETWEEN, min_value=0, mostly=0.9))
    return make_project(root, keys).root


@pytest.fixture
def paths(signed, tmp_path):
    shutil.copytree(signed, tmp_path / "project")
    return ProjectPaths(tmp_path / "project")


def write_suite(paths, *expectations, **options):
    path = paths.expectations / "raw" / "flights.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": "raw.flights", "expectations": expectations}, **options))
    return path


def unsigned(paths):
    return view_policy(paths.root, NOW).standing.unsigned


def test_weaker_expectation_takes_two_people(keys, paths):
    """As a wider margin does; until then every verdict is a rehearsal."""
    write_suite(paths, KEY, entry(BETWEEN, min_value=0, mostly=0.5))
    assert unsigned(paths) == "expectations were changed after they were signed as version 1"
    found = sign_policy(paths.root, key=keys[ADA], reason="fewer rows hold", now=NOW)
    assert "needs a second person" in found.standing.unsigned
    [change] = found.changes
    assert (change.where, change.was, change.now) == (f"expectations/raw/flights.json {BETWEEN}(delay).mostly", "0.9", "0.5")
    assert not sign_policy(paths.root, key=keys[BOB], reason="agreed", now=NOW).standing.unsigned


def test_stronger_expectation_takes_one(keys, paths):
    """Whoever it is."""
    write_suite(paths, KEY, entry(BETWEEN, min_value=0))
    assert not sign_policy(paths.root, key=keys[BOB], reason="all rows hold", now=NOW).standing.unsigned


def test_suite_that_was_taken_away_is_seen(paths):
    """Also the last one, folder and all."""
    shutil.rmtree(paths.expectations)
    assert "expectations were changed" in unsigned(paths)


def test_other_layout_of_a_suite_is_no_change(paths):
    """Indented, sorted otherwise, with the ids that Great Expectations makes up."""
    path = write_suite(paths, *(each | {"id": "1-2"} for each in (KEY, entry(BETWEEN, mostly=0.9, min_value=0))), indent=3)
    assert unsigned(paths) == ""
    path.write_text(path.read_text().replace('"severity": "critical",', ""))
    assert unsigned(paths) == ""


@pytest.mark.parametrize(
    "text", ["{", '{"name": "x"}', '{"name": "x", "expectations": [{"type": "t", "kwargs": {"min_value": NaN}}]}']
)
def test_suite_that_cannot_be_read_is_a_rehearsal_and_is_not_signed(text, keys, paths, monkeypatch, capsys):
    """It is named, with exit code 2, and no traceback."""
    (paths.expectations / "raw" / "flights.json").write_text(text)
    assert "cannot be read as what was signed" in unsigned_by_stage(paths)
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(paths.root)
    with pytest.raises(SystemExit) as ended:
        main(["policy", "sign", "--key", str(keys[ADA]), "--reason", "x"])
    assert ended.value.code == 2
    assert "flights.json" in capsys.readouterr().err


def unsigned_by_stage(paths):
    from tasks.stages.policies import stand_by

    return stand_by(paths, load_params(paths.params)).unsigned


def forget_suites(paths, keys):
    """Sign the policy as a version of before suites were a part of it did."""
    for file in paths.policies.glob("*.json"):
        file.unlink()
    text = (paths.policies / "allowed_signers").read_text()
    _, digest = add_version(paths.policies, load_params(paths.params), text, ADA)
    path = paths.policies / "0001.json"
    version = PolicyVersion.from_json(path.read_bytes(), origin="test")
    older = {name: part for name, part in version.policy.items() if name != "expectations"}
    path.write_text(version.model_copy(update={"policy": older}).to_json())
    assert hash_file(path) != digest
    sign_version(paths.policies, (1, hash_file(path)), ADA, keys[ADA])
    return hash_file(path)


def test_policy_of_before_suites_were_signed_reads_and_one_signature_adds_them(keys, paths):
    """Its signatures hold; new verdicts are rehearsals until somebody signs what is expected too."""
    forget_suites(paths, keys)
    view = view_policy(paths.root, NOW)
    assert (view.standing.state.carried, view.standing.state.problem) == (1, "")
    assert view.standing.unsigned == "expectations were not part of what was signed as version 1"
    assert [(change.where, change.direction) for change in view.changes] == [("expectations", "tightening")]
    assert not sign_policy(paths.root, key=keys[BOB], reason="suites too", now=NOW).standing.unsigned


@pytest.mark.parametrize(("inputs", "status"), [({}, "holds"), ({"expectations/raw": "0" * 64}, "does_not_hold")])
def test_verdict_of_before_suites_were_signed_still_verifies(inputs, status, keys, paths, monkeypatch):
    """One that names suites is of now, and was judged by a policy without them: a rehearsal that denies it."""
    digest = forget_suites(paths, keys)
    named = {"pin": hash_file(paths.pin), "signed_policy": digest, **inputs}
    stored = judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, rehearsal=False, inputs=named)
    check = check_signatures(paths, load_params(paths.params), stored)[0]
    assert (check.what, check.status) == ("signatures of the policy", status)


def test_verdict_is_stale_when_a_suite_was_changed(paths):
    """As it is by another parameter."""
    from tasks.stages.policies import hash_suites

    stages = stages_of(load_params(paths.params))
    judge_project(paths, inputs={"pin": hash_file(paths.pin), **hash_suites(paths), **stages})
    assert check_stored(find_verdict(paths.root, "data/verdict.json"), NOW) == "promote"
    write_suite(paths, KEY)
    with pytest.raises(GateError, match="another expectations/raw"):
        check_stored(find_verdict(paths.root, "data/verdict.json"), NOW)
