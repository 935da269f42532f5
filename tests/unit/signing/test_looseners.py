"""Whose loosening a policy holds, over several versions: nobody's approval counts for his own change, however old it is."""

import json
import shutil
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from click.testing import CliRunner
from signed_project import ADA, BOB, EVE, NOW, ROBOT, judge_project, line, make_keys, make_project
from small_project import call

import flows.approval
from flows.approval import approve, require_promotable
from flows.cli.root import windtunnel
from flows.params_edit import edit_params
from flows.policy_merging import merge_policy
from flows.policy_signing import sign_policy, view_policy
from flows.signatures import sign_verdict
from flows.signed_checks import check_signatures
from flows.verdict_store import envelope_path, find_verdict
from tasks.errors import GateError, SigningError
from tasks.params import load_params
from tasks.paths import ProjectPaths

MARGIN, BOUND, AGE = "gates.criteria.ranking.margin", "gates.criteria.ranking.bound", "gates.max_age_days"
WIDER, OLDER = {MARGIN: 0.05}, {AGE: 30}
LATER = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def first(keys, tmp_path_factory):
    """A project whose first version Ada has signed; Ada, Bob and Eve may sign."""
    return make_project(tmp_path_factory.mktemp("three") / "project", keys, signers=(ADA, BOB, EVE, ROBOT)).root


@pytest.fixture
def paths(first, tmp_path):
    shutil.copytree(first, tmp_path / "project")
    return ProjectPaths(tmp_path / "project")


def change(paths, keys, changes, *people, now=NOW):
    """Make a change, signed by the first of ``people`` as its author and by the others after him; what stands then."""
    edit_params(paths.params, changes)
    for name in people:
        found = sign_policy(paths.root, key=keys[name], reason="a reason", now=now)
    assert not found.standing.unsigned
    return found.standing.state


def judge(paths, keys, monkeypatch):
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, now=datetime.now(timezone.utc))


def approved(paths, keys, name, reason="fine"):
    return approve(paths.root, "data/verdict.json", key=keys[name], reason=reason, now=datetime.now(timezone.utc))


def promotable(paths):
    return require_promotable(paths.root, find_verdict(paths.root, "data/verdict.json"), datetime.now(timezone.utc))


def test_a_later_loosening_by_another_gives_no_approval_back(paths, keys, monkeypatch):
    """Ada loosens, then Bob loosens something else: neither can open it alone; Eve, who loosened nothing, can."""
    change(paths, keys, WIDER, ADA, BOB)
    assert change(paths, keys, OLDER, BOB, ADA).loosened_by == {ADA, BOB}
    judge(paths, keys, monkeypatch)
    for reason in ("fine", "fine, again"):
        approved(paths, keys, ADA, reason)
        lacking = f"approved by {ADA}, but not what {ADA} loosened .{MARGIN}., which {BOB} or {EVE} may still approve"
        with pytest.raises(GateError, match=lacking):
            promotable(paths)
    event = approved(paths, keys, EVE)
    assert (promotable(paths).approved_by, promotable(paths).approval) == (EVE, event.hash)


def test_of_two_people_who_both_loosened_both_approve(paths, keys, monkeypatch):
    """Each for what the other one changed; the older approval is named, since it has to count too."""
    change(paths, keys, WIDER, ADA, BOB)
    change(paths, keys, OLDER, BOB, ADA)
    judge(paths, keys, monkeypatch)
    older = approved(paths, keys, BOB)
    approved(paths, keys, ADA)
    assert (promotable(paths).approved_by, promotable(paths).approval) == (f"{ADA}, {BOB}", older.hash)


def test_two_who_made_the_same_change_do_not_approve_it_for_each_other(paths, keys, monkeypatch):
    """Ada's loosening waited and Bob took it up: both are authors of one and the same, and only Eve is not."""
    edit_params(paths.params, WIDER)
    sign_policy(paths.root, key=keys[ADA], reason="wider", now=NOW)
    change(paths, keys, OLDER, BOB, ADA)
    judge(paths, keys, monkeypatch)
    for name in (ADA, BOB):
        with pytest.raises(SigningError, match="loosened"):
            approved(paths, keys, name)
    approved(paths, keys, EVE)
    assert promotable(paths).approved_by == EVE


def test_two_authors_of_one_loosening_leave_it_open_beside_another(paths, keys, monkeypatch):
    """Eve loosened something else: the approvals of both others are for that, and hers is for theirs."""
    edit_params(paths.params, WIDER)
    sign_policy(paths.root, key=keys[ADA], reason="wider", now=NOW)
    change(paths, keys, WIDER | {BOUND: 0.5}, BOB, ADA)
    change(paths, keys, OLDER, EVE, ADA)
    judge(paths, keys, monkeypatch)
    for name in (ADA, BOB):
        approved(paths, keys, name)
    with pytest.raises(GateError, match=f"but not what {ADA} and {BOB} loosened .*, which {EVE} may still approve"):
        promotable(paths)
    approved(paths, keys, EVE)
    assert EVE in promotable(paths).approved_by


def test_a_verdict_that_nobody_is_left_to_approve_names_the_way_out(paths, keys, monkeypatch):
    """Two people, each of whom loosened something, and one of them judged: a machine's signature in its place settles it."""
    (paths.policies / "allowed_signers").write_text("".join(line(keys, name) for name in (ADA, BOB, ROBOT)))
    change(paths, keys, WIDER, ADA, BOB)
    change(paths, keys, OLDER, BOB, ADA)
    stored = judge_project(paths, key=keys[ADA], monkeypatch=monkeypatch, now=datetime.now(timezone.utc))
    for refused in (lambda: approved(paths, keys, BOB), lambda: promotable(paths)):
        with pytest.raises(
            GateError, match=f"(?s)nobody who may approve what {BOB} loosened .{AGE}.*machine's key.*WINDTUNNEL_SIGN"
        ):
            refused()
    envelope_path(paths, stored.content).unlink()
    monkeypatch.setenv("WINDTUNNEL_SIGNING_KEY", str(keys[ROBOT]))
    sign_verdict(paths, paths)
    for name in (ADA, BOB):
        approved(paths, keys, name)
    assert promotable(paths).approved_by == f"{ADA}, {BOB}"


def test_a_loosening_of_everybody_is_taken_back_or_takes_another_person(paths, keys, monkeypatch):
    """Both are authors of one and the same: no other judge helps, and the next step says what does."""
    (paths.policies / "allowed_signers").write_text("".join(line(keys, name) for name in (ADA, BOB, ROBOT)))
    change(paths, keys, {}, ADA)
    edit_params(paths.params, WIDER)
    sign_policy(paths.root, key=keys[ADA], reason="wider", now=NOW)
    change(paths, keys, WIDER | {BOUND: 0.5}, BOB, ADA)
    judge(paths, keys, monkeypatch)
    with pytest.raises(GateError, match="take in somebody more who may sign, or make it as strict as it was"):
        approved(paths, keys, ADA)


def test_an_approval_of_before_a_stricter_rule_still_verifies(paths, keys, monkeypatch):
    """Ada approved when the rule was another: that promotes nothing new, and a rollback finds nothing wrong with it."""
    change(paths, keys, WIDER, ADA, BOB)
    judge(paths, keys, monkeypatch)
    with monkeypatch.context() as of_before:
        of_before.setattr(flows.approval, "require_other", lambda *_: None)
        approved(paths, keys, ADA)
    checks = check_signatures(paths, load_params(paths.params), find_verdict(paths.root, "data/verdict.json"))
    assert {check.what: check.status for check in checks if check.what.startswith("approval")} == {"approval 3": "holds"}
    with pytest.raises(GateError, match="no approval that counts"):
        promotable(paths)


def test_verification_names_who_approved_what_he_judged(paths, keys, monkeypatch):
    """That rule has always been there."""
    judge_project(paths, key=keys[ADA], monkeypatch=monkeypatch, now=datetime.now(timezone.utc))
    with monkeypatch.context() as forging:
        forging.setattr(flows.approval, "require_other", lambda *_: None)
        approved(paths, keys, ADA)
    checks = check_signatures(paths, load_params(paths.params), find_verdict(paths.root, "data/verdict.json"))
    assert [check.reason for check in checks if check.status == "does_not_hold"] == [f"{ADA}, who signed the verdict"]


def test_whoever_approves_is_told_that_another_has_to(paths, keys, monkeypatch):
    """Both loosened: the command writes the approval down, and says that it is not enough alone."""
    change(paths, keys, WIDER, ADA, BOB)
    change(paths, keys, OLDER, BOB, ADA)
    judge(paths, keys, monkeypatch)
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(paths.root)
    for name, is_enough in ((ADA, False), (EVE, True)):
        words = ["approve", "--key", str(keys[name]), "--reason", "fine"]
        printed = CliRunner().invoke(windtunnel, [*words, "--print"], standalone_mode=False)
        assert json.loads(printed.stdout)["statement"]["principal"] == name
        assert ("not enough yet" in printed.stderr) != is_enough
        done = CliRunner().invoke(windtunnel, words, standalone_mode=False)
        assert f"approved by {name}" in done.stdout
        assert ("not enough yet" in done.stderr) != is_enough


def test_who_alone_loosened_cannot_even_sign_an_approval(paths, keys, monkeypatch):
    """Twice Ada: there is no change of another's that he could approve."""
    change(paths, keys, WIDER, ADA, BOB)
    change(paths, keys, OLDER, ADA, EVE)
    judge(paths, keys, monkeypatch)
    with pytest.raises(SigningError, match="loosened"):
        approved(paths, keys, ADA)
    approved(paths, keys, BOB)
    assert promotable(paths).approved_by == BOB


def test_what_was_taken_back_counts_for_nobody(paths, keys):
    """Ada's margin returns to what it was, by Bob: what is in force holds nothing of hers any more; half-way it does."""
    change(paths, keys, WIDER, ADA, BOB)
    assert change(paths, keys, {MARGIN: 0.03}, BOB).loosened_by == {ADA}
    assert change(paths, keys, {MARGIN: 0.005}, BOB).loosened_by == frozenset()


def test_the_same_place_twice_counts_for_both(paths, keys):
    """Bob goes on where Ada began: back to where she had it, his part is gone, and hers is not."""
    change(paths, keys, WIDER, ADA, BOB)
    assert change(paths, keys, {MARGIN: 0.1}, BOB, ADA).loosened_by == {ADA, BOB}
    assert change(paths, keys, WIDER, EVE).loosened_by == {ADA}


def rewrite(paths, keys, edit, *people):
    """As ``change``, by a function that edits the criterion ``ranking`` among all criteria."""
    said = yaml.safe_load(paths.params.read_text())
    edit(said["gates"]["criteria"])
    paths.params.write_text(yaml.safe_dump(said))
    return change(paths, keys, {}, *people)


def test_a_criterion_taken_away_and_put_back_frees_nobody(paths, keys, monkeypatch):
    """Ada widens a margin, takes the criterion away and puts it back as wide: still hers, and not for her to approve."""
    change(paths, keys, WIDER, ADA, BOB)
    kept = yaml.safe_load(paths.params.read_text())["gates"]["criteria"]["ranking"]
    rewrite(paths, keys, lambda criteria: criteria.pop("ranking"), ADA, BOB)
    state = rewrite(paths, keys, lambda criteria: criteria.update(ranking=kept), ADA)
    assert [(loosening.authors, loosening.places) for loosening in state.loosenings] == [({ADA}, {MARGIN})]
    judge(paths, keys, monkeypatch)
    with pytest.raises(SigningError, match="loosened"):
        approved(paths, keys, ADA)
    assert change(paths, keys, {MARGIN: 0.005}, EVE).loosened_by == frozenset()


def test_who_puts_a_criterion_back_looser_shares_in_that(paths, keys):
    """Bob takes it away, Ada puts it back with a wide margin, which is a tightening: the wide margin is hers too."""
    kept = yaml.safe_load(paths.params.read_text())["gates"]["criteria"]["ranking"]
    rewrite(paths, keys, lambda criteria: criteria.pop("ranking"), BOB, EVE)
    assert rewrite(paths, keys, lambda criteria: criteria.update(ranking=kept | {"margin": 0.05}), ADA).loosened_by == {ADA, BOB}
    assert change(paths, keys, {MARGIN: 0.005}, EVE).loosened_by == frozenset()


def test_another_test_in_between_frees_nobody(paths, keys):
    """Bob asks Ada's margin as a relative one, and then as it was: the place above it changed, and hers is in force again."""

    def ask(name, value):
        tests = {"margin": None, "relative_margin": None} | {name: value}
        return lambda criteria: criteria["ranking"].update(tests)

    change(paths, keys, WIDER, ADA, BOB)
    assert rewrite(paths, keys, ask("relative_margin", 0.08), BOB, ADA).loosened_by == {ADA, BOB}
    assert ADA in rewrite(paths, keys, ask("margin", 0.05), BOB, ADA).loosened_by


def test_a_value_without_an_order_is_of_whoever_set_it_last(paths, keys):
    """A seed that another takes the place of is nobody's any more: ordinary moves do not bind the whole team for good."""
    assert change(paths, keys, {"seed": 101}, ADA, BOB).loosened_by == {ADA}
    state = change(paths, keys, {"seed": 102}, BOB, ADA)
    assert (state.loosened_by, len(state.loosenings)) == ({BOB}, 1)
    assert change(paths, keys, {"seed": 101}, EVE, ADA).loosened_by == {EVE}


def test_another_seed_takes_no_margin_back(paths, keys):
    """What has an order beside it counts on."""
    change(paths, keys, WIDER | {"seed": 101}, ADA, BOB)
    state = change(paths, keys, {"seed": 102}, BOB, ADA)
    assert [(loosening.authors, loosening.places) for loosening in state.loosenings] == [({ADA}, {MARGIN}), ({BOB}, {"seed"})]


LOVELACE = "ada.lovelace@example.com"


def list_as(paths, keys, *lines):
    """Bob and Eve let ``lines`` stand for Ada, and sign that: first the one, then the other."""
    others = "".join(line(keys, name) for name in (BOB, EVE, ROBOT))
    (paths.policies / "allowed_signers").write_text("".join(lines) + others)
    return change(paths, keys, {}, BOB, EVE)


def test_another_name_frees_nobody_of_his_loosening(paths, keys, monkeypatch):
    """Ada's key under a new mail address is still Ada's."""
    change(paths, keys, WIDER, ADA, BOB)
    renamed = line(keys, ADA).replace(ADA, LOVELACE)
    [own, _] = list_as(paths, keys, renamed).loosenings
    assert (own.places, own.authors) == ({MARGIN}, {ADA, LOVELACE})
    judge(paths, keys, monkeypatch)
    approved(paths, keys, ADA)  # for whom Bob took in
    with pytest.raises(GateError, match=f"but not what {LOVELACE} and {ADA} loosened .{MARGIN}., which {BOB} or {EVE} may"):
        promotable(paths)


def test_another_key_and_then_another_name_free_nobody(paths, keys, tmp_path):
    """Step by step, and out of the list in between."""
    more = make_keys(tmp_path, names=("new",))
    change(paths, keys, WIDER, ADA, BOB)
    list_as(paths, keys, line(more, "new").replace("new", ADA, 1))
    assert change(paths, keys, {AGE: 6}, EVE).loosened_by == {ADA}
    (paths.policies / "allowed_signers").write_text("".join(line(keys, name) for name in (BOB, EVE, ROBOT)))
    change(paths, keys, {}, BOB)
    list_as(paths, keys, line(more, "new").replace("new", LOVELACE, 1))
    assert change(paths, keys, {AGE: 5}, EVE).loosened_by == {ADA, LOVELACE}


def test_who_judged_does_not_approve_under_another_name(paths, keys, tmp_path, monkeypatch):
    """Ada judges with a key that was hers before; her new one is of the same person."""
    more = make_keys(tmp_path, names=("new",))
    list_as(paths, keys, line(keys, ADA).replace(ADA, "machine.old"), line(more, "new").replace("new", ADA, 1))
    judge_project(paths, key=keys[ADA], monkeypatch=monkeypatch, now=datetime.now(timezone.utc))
    with pytest.raises(SigningError, match=f"{ADA}, who signed the verdict"):
        approved(paths, more, "new")


def test_a_loosening_that_waited_above_the_same_place_is_taken_up(paths, keys):
    """Ada would take the criterion away, Bob widens its margin: one matter, and the change of both."""
    kept = yaml.safe_load(paths.params.read_text())["gates"]["criteria"]["ranking"]
    said = yaml.safe_load(paths.params.read_text())
    del said["gates"]["criteria"]["ranking"]
    paths.params.write_text(yaml.safe_dump(said))
    sign_policy(paths.root, key=keys[ADA], reason="without", now=NOW)
    wider = kept | {"margin": 0.05}
    assert rewrite(paths, keys, lambda criteria: criteria.update(ranking=wider), BOB, EVE).in_force.version.took_up == (ADA,)


def test_a_loosening_that_waited_stays_its_authors(paths, keys):
    """Ada's waits; Bob signs none of it, but a version of his own that holds it and more: it is the change of both."""
    edit_params(paths.params, WIDER)
    sign_policy(paths.root, key=keys[ADA], reason="wider", now=NOW)
    state = change(paths, keys, OLDER, BOB, ADA)
    assert (state.carried, state.in_force.version.author, state.in_force.version.took_up) == (2, BOB, (ADA,))
    assert state.loosened_by == {ADA, BOB}


def test_the_policy_shows_whose_loosening_it_holds(paths, keys, monkeypatch):
    """So that whoever is asked to approve knows whether his word is enough."""
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(paths.root)
    change(paths, keys, WIDER, ADA, BOB)
    shown = CliRunner().invoke(windtunnel, ["policy", "show"], standalone_mode=False).output
    assert f"loosened by {ADA}; somebody else has to approve it: {MARGIN}" in shown
    found = json.loads(CliRunner().invoke(windtunnel, ["policy", "show", "--json"], standalone_mode=False).output)
    assert found["loosened"] == [{"by": [ADA], "since_version": 2, "where": [MARGIN]}]


def test_a_waiting_loosening_that_was_dropped_is_nobodys(paths, keys):
    """Bob's version takes the place of Ada's and holds nothing of it."""
    edit_params(paths.params, WIDER)
    sign_policy(paths.root, key=keys[ADA], reason="wider", now=NOW)
    assert change(paths, keys, {MARGIN: 0.005} | OLDER, BOB, EVE).loosened_by == {BOB}


def test_who_took_somebody_in_is_free_of_it_once_another_signs(paths, keys):
    """Nothing is judged by the list of signers: one who let a colleague in is not kept from approving for good."""
    shorter = "".join(line(keys, name) for name in (ADA, BOB, ROBOT))
    (paths.policies / "allowed_signers").write_text(shorter)
    assert change(paths, keys, {}, BOB).loosened_by == frozenset()
    (paths.policies / "allowed_signers").write_text(shorter + line(keys, EVE))
    assert change(paths, keys, {}, ADA, BOB).loosened_by == {ADA}
    assert change(paths, keys, {MARGIN: 0.004}, ADA).loosened_by == {ADA}
    assert change(paths, keys, {MARGIN: 0.003}, EVE).loosened_by == frozenset()


def part(paths, keys, other, ours):
    """Two branches that part: ``other`` and ``ours`` are changes and those who sign them; the checkout is on ``ours``."""
    (paths.root / ".gitignore").write_text("/.windtunnel/\n/data/\n")
    call(paths.root, "git", "init", "-q", "-b", "main")
    commit(paths)
    for branch, (changes, *people) in (("other", other), ("ours", ours)):
        call(paths.root, "git", "checkout", "-q", "-b", branch, "main")
        change(paths, keys, changes, *people)
        shutil.rmtree(paths.state)
        commit(paths)


def test_a_merge_keeps_what_each_rival_loosened(paths, keys):
    """Ada loosened here, Bob on the other branch; Eve merges both: nobody of the three is free of it."""
    part(paths, keys, other=(OLDER, BOB, ADA), ours=(WIDER, ADA, BOB))
    edit_params(paths.params, OLDER)
    merge_policy(paths.root, "other", key=keys[EVE], reason="both", now=LATER)
    sign_policy(paths.root, key=keys[ADA], reason="agreed", now=LATER)
    state = view_policy(paths.root, LATER).standing.state
    assert (state.problem, state.carried) == ("", 3)
    assert state.loosened_by == {ADA, BOB, EVE}
    tightened = {MARGIN: 0.005, AGE: 7}
    assert change(paths, keys, tightened, EVE, now=LATER).loosened_by == frozenset()


@pytest.mark.parametrize("first_step", ["merge", "sign"])
def test_a_merge_takes_up_a_loosening_that_waited(first_step, paths, keys):
    """Ada's wide margin waits, as a merge or as a version of this branch; Bob's merge holds it too: the change of both."""
    part(paths, keys, other=({MARGIN: 0.004}, BOB), ours=({MARGIN: 0.0045}, BOB))
    edit_params(paths.params, WIDER)
    if first_step == "merge":
        merge_policy(paths.root, "other", key=keys[ADA], reason="wide", now=LATER)
    else:
        sign_policy(paths.root, key=keys[ADA], reason="wide", now=LATER)
    merge_policy(paths.root, "other", key=keys[BOB], reason="wide", now=LATER)
    sign_policy(paths.root, key=keys[ADA], reason="agreed", now=LATER)
    state = view_policy(paths.root, LATER).standing.state
    assert (state.problem, state.in_force.version.took_up, state.loosened_by) == ("", (ADA,), {ADA, BOB})


def test_a_merge_takes_up_what_waited_on_the_other_branch(paths, keys):
    """Ada's wide margin waits there, and Bob brings it in with his merge."""
    part(paths, keys, other=({MARGIN: 0.004}, BOB), ours=({MARGIN: 0.0045}, BOB))
    call(paths.root, "git", "checkout", "-q", "other")
    edit_params(paths.params, WIDER)
    sign_policy(paths.root, key=keys[ADA], reason="wide", now=LATER)
    shutil.rmtree(paths.state)
    commit(paths)
    call(paths.root, "git", "checkout", "-q", "ours")
    edit_params(paths.params, WIDER)
    merge_policy(paths.root, "other", key=keys[BOB], reason="wide", now=LATER)
    assert view_policy(paths.root, LATER).standing.state.pending.version.took_up == (ADA,)


def commit(paths):
    call(paths.root, "git", "add", "-A")
    call(paths.root, "git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-m", "x")
