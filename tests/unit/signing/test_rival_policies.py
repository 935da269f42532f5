"""Two branches that each signed version 2: what settles it has to be good enough for both, and until then nothing is promoted."""

import shutil
from datetime import datetime, timedelta, timezone

import pytest
from signed_project import ADA, BOB, EVE, NOW, ROBOT, judge_project, line, make_project
from small_project import call

import flows.policy_merging
from flows.approval import approve, require_promotable
from flows.cli.root import main
from flows.params_edit import edit_params
from flows.policy_merging import merge_policy
from flows.policy_signing import sign_policy, view_policy
from flows.signed_checks import check_signatures
from flows.verdict_store import find_verdict
from tasks.errors import SigningError
from tasks.ledger import read_log
from tasks.params import load_params
from tasks.paths import ProjectPaths

MARGIN, BOUND = "gates.criteria.ranking.margin", "gates.criteria.ranking.bound"
TIGHTER = {MARGIN: 0.001}
OTHERWISE_TIGHTER = {BOUND: 0.7}
LATER = NOW + timedelta(minutes=1)


def commit(paths):
    call(paths.root, "git", "add", "-A")
    call(paths.root, "git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-m", "x")


@pytest.fixture(scope="module")
def begun(keys, tmp_path_factory):
    """A repository whose first version Ada has signed; Ada, Bob and Eve may sign."""
    paths = make_project(tmp_path_factory.mktemp("rivals") / "project", keys, signers=(ADA, BOB, EVE, ROBOT))
    (paths.root / ".gitignore").write_text("/.windtunnel/\n/data/\n")
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    call(paths.root, "git", "init", "-q", "-b", "main")
    commit(paths)
    return paths.root


@pytest.fixture
def rivals(begun, keys, tmp_path):
    """Makes rivals: what Ada signs here, and what is signed in a clone, whose branch and events come here as `other`."""
    shutil.copytree(begun, tmp_path / "here")
    paths = ProjectPaths(tmp_path / "here")

    def make(ours=TIGHTER, theirs=OTHERWISE_TIGHTER, by=BOB, signers=None):
        call(tmp_path, "git", "clone", "-q", "here", "there")
        there = ProjectPaths(tmp_path / "there")
        for where, changes, signer in ((paths, ours, ADA), (there, theirs, by)):
            edit_params(where.params, changes)
            if where is there and signers:
                (where.policies / "allowed_signers").write_text("".join(line(keys, name) for name in signers))
            assert not sign_policy(where.root, key=keys[signer], reason="tighter", now=NOW).standing.unsigned
            commit(where)
        call(paths.root, "git", "fetch", "-q", str(there.root), "main:other")
        paths.landed_events.parent.mkdir(exist_ok=True)
        shutil.copy2(there.events, paths.landed_events)
        return paths

    return make


def merge(paths, key, now=LATER):
    return merge_policy(paths.root, "other", key=key, reason="both", now=now)


def refusal(call, *words, **options):
    with pytest.raises(SigningError) as raised:
        call(*words, **options)
    assert raised.value.exit_code == 2
    return f"{raised.value.found} -> {raised.value.next_step}"


def locked(paths):
    """What does not hold of the policy, by `windtunnel verify`; empty where it holds."""
    stored = find_verdict(paths.root, "data/verdict.json")
    check = check_signatures(paths, load_params(paths.params), stored)[0]
    return "" if check.status == "holds" else check.reason


def test_rivals_lock_and_name_the_way_out(rivals, keys, monkeypatch):
    """Nothing is signed, approved or said to hold; the message says which command settles it."""
    paths = rivals()
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    assert "windtunnel policy merge BRANCH" in locked(paths)
    edit_params(paths.params, {MARGIN: 0.0005})
    assert "signed beside each other" in refusal(sign_policy, paths.root, key=keys[ADA], reason="on", now=LATER)


def test_merge_as_tight_as_both_takes_one(rivals, keys, monkeypatch):
    """Bob may sign on both; then verdicts are approved and promoted again, and the merged version is known for good."""
    paths = rivals()
    edit_params(paths.params, OTHERWISE_TIGHTER)
    found = merge(paths, keys[BOB])
    assert (found.standing.unsigned, found.standing.state.carried) == ("", 3)
    assert {change.direction for change in found.changes} == {"tightening"}
    now = datetime.now(timezone.utc)
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, now=now)
    assert locked(paths) == ""
    approve(paths.root, "data/verdict.json", key=keys[EVE], reason="fine", now=now)
    assert require_promotable(paths.root, find_verdict(paths.root, "data/verdict.json"), now).approved_by == EVE
    edit_params(paths.params, {MARGIN: 0.0005})
    assert not sign_policy(paths.root, key=keys[ADA], reason="on", now=LATER).standing.unsigned


@pytest.fixture
def again(rivals, keys, tmp_path):
    """Merged once, by Bob; then the other branch signed one more, which came here as `other`."""
    paths = rivals()
    edit_params(paths.params, OTHERWISE_TIGHTER)
    merge(paths, keys[BOB])
    there = ProjectPaths(tmp_path / "there")
    edit_params(there.params, {BOUND: 0.75})
    sign_policy(there.root, key=keys[BOB], reason="tighter still", now=LATER)
    commit(there)
    call(paths.root, "git", "fetch", "-q", str(there.root), "main:other")
    return paths


def test_a_branch_that_went_on_is_merged_again(again, keys):
    """Its line is kept from where both part, also the version that the first merge took in: without it, nothing would hold."""
    edit_params(again.params, {BOUND: 0.75})
    state = merge(again, keys[BOB], LATER + timedelta(minutes=1)).standing.state
    assert (state.problem, state.carried) == ("", 4)
    head = state.versions[3].version.merges[0]
    kept = {file.name.split(".")[0] for file in (again.policies / "rivals" / head).glob("*.json")}
    assert kept == {"0002", "0003"}


def test_what_would_break_the_policy_is_not_written(again, keys, monkeypatch):
    """A line that lacks its beginning: refused, and the folder stays as it was."""
    real = flows.policy_merging._rival_line
    monkeypatch.setattr(flows.policy_merging, "_rival_line", lambda *words: (real(*words)[0][1:], real(*words)[1]))
    edit_params(again.params, {BOUND: 0.75})
    before = {file: file.read_bytes() for file in again.policies.rglob("*.json")}
    assert "would not hold" in refusal(merge, again, keys[BOB], LATER + timedelta(minutes=1))
    assert {file: file.read_bytes() for file in again.policies.rglob("*.json")} == before
    assert view_policy(again.root, LATER).standing.state.carried == 3


def test_merge_that_drops_a_tightening_takes_two(rivals, keys):
    """Ours alone, as if the other branch had tightened nothing: a loosening, of which the first signature changes nothing."""
    paths = rivals()
    found = merge(paths, keys[ADA])
    assert f"loosens ({BOUND})" in found.standing.state.problem
    assert "signed beside each other" in locked_after(paths, keys)
    after = sign_policy(paths.root, key=keys[EVE], reason="agreed", now=LATER)
    state = after.standing.state
    assert (state.problem, state.carried, state.loosened_by) == ("", 3, {ADA})
    assert [event.about["in_force"] for event in read_log(paths.events).events] == ["true", "false", "true"]
    assert {change.where: change.direction for change in after.changes} == {MARGIN: "tightening", BOUND: "loosening"}


def locked_after(paths, keys):
    """The refusal of another change while the merge waits."""
    before = paths.params.read_text()
    edit_params(paths.params, {MARGIN: 0.0001})
    found = refusal(sign_policy, paths.root, key=keys[BOB], reason="another", now=LATER)
    paths.params.write_text(before)
    return found


def test_who_was_taken_out_on_one_branch_merges_nothing(rivals, keys):
    """Else he would undo by his own signature that he was taken out: neither as the author nor as the second person."""
    paths = rivals(signers=(ADA, BOB, ROBOT))
    assert "nobody here has" in refusal(merge, paths, keys[EVE])
    merge(paths, keys[ADA])  # Eve stays in, and the bound is gone: two of the other branch's people
    found = sign_policy(paths.root, key=keys[EVE], reason="me too", now=LATER)
    assert "needs a second person's signature (ada@example.com, bob@example.com)" in found.standing.state.problem
    state = sign_policy(paths.root, key=keys[BOB], reason="agreed", now=LATER).standing.state
    assert (state.problem, state.carried) == ("", 3)


def test_each_branchs_people_agree_where_they_differ(keys, tmp_path):
    """Ada alone took in Bob on one branch and Eve on the other: a merge with both is signed by all three."""
    paths = make_project(tmp_path / "here", keys, signers=(ADA, ROBOT))
    (paths.root / ".gitignore").write_text("/.windtunnel/\n/data/\n")
    call(paths.root, "git", "init", "-q", "-b", "main")
    commit(paths)
    for branch, name in (("other", EVE), ("ours", BOB)):
        call(paths.root, "git", "checkout", "-q", "-b", branch, "main")
        with (paths.policies / "allowed_signers").open("a") as file:
            file.write(line(keys, name))
        for signer in (ADA, name):
            sign_policy(paths.root, key=keys[signer], reason="two of us", now=NOW)
        shutil.rmtree(paths.state)
        commit(paths)
    with (paths.policies / "allowed_signers").open("a") as file:
        file.write(line(keys, EVE))
    assert "needs a second person" in merge(paths, keys[ADA]).standing.unsigned
    for name in (BOB, EVE):
        after = sign_policy(paths.root, key=keys[name], reason="three of us", now=LATER)
    assert (after.standing.unsigned, after.standing.state.signers.people) == ("", {ADA, BOB, EVE})


@pytest.mark.parametrize("change", ["gone", "edited", "unsigned", "named"])
def test_forged_merge_does_not_hold(change, rivals, keys):
    """Without the rival, with another one, with one that nobody signed, or with a path in place of a hash."""
    paths = rivals()
    edit_params(paths.params, OTHERWISE_TIGHTER)
    merge(paths, keys[BOB])
    [folder] = (paths.policies / "rivals").iterdir()
    if change == "gone":
        shutil.rmtree(folder)
    elif change == "edited":
        path = folder / "0002.json"
        path.write_text(path.read_text().replace("tighter", "looser"))
    elif change == "unsigned":
        (folder / f"0002.{BOB}.json").unlink()
    else:
        path = paths.policies / "0003.json"
        path.write_text(path.read_text().replace(folder.name, "../../elsewhere"))
    state = view_policy(paths.root, LATER).standing.state
    assert state.is_broken
    assert state.problem


def test_what_is_no_rival_is_not_merged(rivals, keys, capsys, monkeypatch):
    """A branch that is not there, one that holds what is here, and one that merely goes on from here."""
    paths = rivals()
    assert "no branch 'nowhere'" in refusal(merge_policy, paths.root, "nowhere", key=keys[ADA], reason="x", now=LATER)
    assert "no branch '--help'" in refusal(merge_policy, paths.root, "--help", key=keys[ADA], reason="x", now=LATER)
    assert "is part of this policy" in refusal(merge_policy, paths.root, "main", key=keys[ADA], reason="x", now=LATER)
    call(paths.root, "git", "checkout", "-q", "-b", "back", "main~1")
    assert "git checkout other -- policies" in refusal(merge, paths, keys[ADA])
    monkeypatch.chdir(paths.root)
    with pytest.raises(SystemExit) as ended:
        main(["policy", "merge", "nowhere", "--key", str(keys[ADA]), "--reason", "x"])
    assert ended.value.code == 2
    assert "git fetch" in capsys.readouterr().err
