"""What may be promoted: whole, fresh, no rehearsal, signed by somebody who may, and approved by somebody else."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from signed_project import (
    ADA,
    BOB,
    EVE,
    NOW,
    ROBOT,
    add_version,
    judge_project,
    line,
    make_project,
    sign_version,
)

from flows import approval, doctor
from flows.approval import approve, require_promotable
from flows.params_edit import edit_params
from flows.policy_signing import sign_policy
from flows.signed_checks import check_signatures
from flows.verdict_store import envelope_path, find_verdict
from tasks.datasets import hash_file
from tasks.errors import ExitCode, GateError, SigningError
from tasks.ledger import Draft, append_event, read_log
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Receipt, Statement
from tasks.signing import make_statement, told
from tasks.stages.policies import stand_by

SOON = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def signed(keys, tmp_path_factory):
    """A project with a verdict that the machine has signed."""
    paths = make_project(tmp_path_factory.mktemp("signed") / "project", keys)
    with pytest.MonkeyPatch.context() as patch:
        judge_project(paths, key=keys[ROBOT], monkeypatch=patch)
    return paths.root


@pytest.fixture
def paths(signed, tmp_path, monkeypatch):
    """A copy of it to tamper with; the clock of the log stands at the hour of the approval."""
    shutil.copytree(signed, tmp_path / "project")

    class Clock:
        @staticmethod
        def now(_zone):
            return SOON

    monkeypatch.setattr(approval, "datetime", Clock)
    return ProjectPaths(tmp_path / "project")


def approved(paths, key, now=SOON):
    return approve(paths.root, "data/verdict.json", key=key, reason="agreed", now=now)


def promotable(paths, now=SOON):
    return require_promotable(paths.root, find_verdict(paths.root, "data/verdict.json"), now)


def refusal(paths, now=SOON):
    with pytest.raises((GateError, SigningError)) as raised:
        promotable(paths, now)
    assert raised.value.exit_code == ExitCode.COULD_NOT_JUDGE
    return raised.value.found


def named(paths):
    """Every check of signatures that does not hold, with its reason."""
    checks = check_signatures(paths, load_params(paths.params), find_verdict(paths.root, "data/verdict.json"))
    return {check.what: check.reason for check in checks if check.status == "does_not_hold"}


def test_signed_and_approved_verdict_may_be_promoted(paths, keys):
    """Who judged, who approved, by which policy and which event."""
    event = approved(paths, keys[BOB])
    found = promotable(paths)
    assert (found.signed_by, found.approved_by, found.approval) == (ROBOT, BOB, event.hash)
    assert named(paths) == {}


def test_without_approval_nothing_is_promoted(paths):
    """The next step names the command."""
    with pytest.raises(GateError, match="windtunnel approve"):
        promotable(paths)


def test_a_machine_approves_nothing(paths, keys):
    """Nor does somebody whom nobody knows."""
    with pytest.raises(SigningError, match="who signed the verdict"):
        approved(paths, keys[ROBOT])
    with pytest.raises(SigningError, match="nobody here has"):
        approved(paths, keys[EVE])
    assert not paths.events.exists()


def test_nobody_approves_what_he_judged(keys, paths, monkeypatch):
    """A person who signed the verdict himself."""
    judge_project(paths, key=keys[BOB], monkeypatch=monkeypatch, seeds={"root": 2})
    with pytest.raises(SigningError, match="who signed the verdict"):
        approved(paths, keys[BOB])
    approved(paths, keys[ADA])
    assert promotable(paths).approved_by == ADA


def test_nobody_approves_by_his_own_loosening(keys, paths, monkeypatch):
    """Ada loosens, Bob signs it too; then Ada cannot approve what it lets pass, and Bob can."""
    edit_params(paths.params, {"gates.criteria.ranking.margin": 0.05})
    signers = (paths.policies / "allowed_signers").read_text()
    version = add_version(paths.policies, load_params(paths.params), signers, ADA)
    sign_version(paths.policies, version, ADA, keys[ADA])
    assert "rehearsal" in refusal(paths) or "parameters" in refusal(paths)
    sign_version(paths.policies, version, BOB, keys[BOB])
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    with pytest.raises(SigningError, match="loosened"):
        approved(paths, keys[ADA])
    approved(paths, keys[BOB])
    assert promotable(paths).approved_by == BOB


def test_rehearsal_is_not_promoted(paths, keys, monkeypatch):
    """Nobody has signed; signing the verdict does not help."""
    shutil.rmtree(paths.policies)
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    assert "a rehearsal: nobody has signed" in refusal(paths)
    assert named(paths) == {}


def test_a_verdict_that_denies_being_a_rehearsal_is_found(paths, keys, monkeypatch):
    """Edited to say that somebody signed."""
    shutil.rmtree(paths.policies)
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, rehearsal=False)
    assert "rehearsal" in refusal(paths)
    assert "no rehearsal" in named(paths)["signatures of the policy"]


def test_unsigned_verdict_is_not_promoted(paths):
    """It was judged without a key, or its envelope was taken away: it could not be checked."""
    envelope_path(paths, paths.verdict.read_bytes()).unlink()
    assert "judged without a key" in refusal(paths)
    checks = check_signatures(paths, load_params(paths.params), find_verdict(paths.root, "data/verdict.json"))
    assert [check.what for check in checks if check.status == "not_checked"] == ["signature of the verdict"]


@pytest.mark.parametrize("decision", ["reject", "inconclusive"])
def test_only_promote_is_promoted(decision, paths, keys, monkeypatch):
    """Signed all the same."""
    from signed_project import PASSED

    status = {"reject": "fail", "inconclusive": "inconclusive"}[decision]
    outcome = PASSED.model_copy(update={"status": status})
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, decision=decision, criteria=(outcome,))
    assert refusal(paths) == decision


def test_stale_verdict_is_not_promoted(paths, keys):
    """Expired, or of other parameters."""
    approved(paths, keys[BOB])
    assert "expired" in refusal(paths, NOW + timedelta(days=8))
    edit_params(paths.params, {"gates.criteria.ranking.margin": 0.05})
    assert "other parameters" in refusal(paths)


def test_envelope_of_another_verdict_is_found(paths, keys, monkeypatch):
    """A good signature, of other bytes."""
    other = judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, seeds={"root": 2})
    judge_project(paths, seeds={"root": 3})
    envelope_path(paths, paths.verdict.read_bytes()).write_bytes(other.envelope)
    assert "of another verdict" in refusal(paths)
    assert "of another verdict" in named(paths)["signature of the verdict"]


def test_receipt_with_a_later_end_is_found(paths):
    """A verdict made younger than it is: the signature is of the receipt too."""
    [path] = paths.receipts.glob("*.json")
    receipt = Receipt.from_json(path.read_bytes(), origin="test")
    path.write_text(receipt.model_copy(update={"expires_utc": "2030-01-01T00:00:00Z"}).to_json())
    assert "another receipt" in refusal(paths)
    assert "another receipt" in named(paths)["signature of the verdict"]


@pytest.mark.parametrize("cut", [0, 1, 50, -20])
def test_cut_off_envelope_is_found(cut, paths):
    """Nothing, a bracket, half of it, all but its end."""
    [path] = paths.receipts.glob("*.dsse")
    path.write_bytes(path.read_bytes()[:cut])
    assert "cut off" in named(paths)["signature of the verdict"]
    assert "cut off" in refusal(paths)


@pytest.mark.parametrize("field", ["payload", "sig", "keyid"])
def test_edited_envelope_is_found(field, paths):
    """One character of any part of it."""
    [path] = paths.receipts.glob("*.dsse")
    envelope = json.loads(path.read_bytes())
    place = envelope if field == "payload" else envelope["signatures"][0]
    middle = len(place[field]) // 2
    place[field] = place[field][:middle] + ("A" if place[field][middle] != "A" else "B") + place[field][middle + 1 :]
    path.write_text(json.dumps(envelope))
    assert "signature of the verdict" in named(paths)
    assert refusal(paths)


def test_signer_who_was_removed_signs_no_more(paths, keys, monkeypatch):
    """His line taken out of the list, by two: what he signed before does not count any longer."""
    text = line(keys, ADA) + line(keys, BOB)
    version = add_version(paths.policies, load_params(paths.params), text, ADA)
    for name in (ADA, BOB):
        sign_version(paths.policies, version, name, keys[name])
    assert "another version of the signed policy" in refusal(paths)


def test_key_that_has_expired_since_is_refused(keys, tmp_path, monkeypatch):
    """Good when it was judged, and not any more when it is to be promoted."""
    paths = make_project(tmp_path / "p", keys)
    shutil.rmtree(paths.policies)
    paths.policies.mkdir()
    text = line(keys, ADA) + line(keys, ROBOT, 'valid-before="20260105123000Z"')
    sign_version(paths.policies, add_version(paths.policies, load_params(paths.params), text, ADA), ADA, keys[ADA])
    monkeypatch.setattr("flows.signatures.datetime", type("C", (), {"now": staticmethod(lambda _zone: NOW)}))
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    assert "expired" in refusal(paths)


def rewrite_approval(paths, **changes):
    """Forge the log: the last event's content changed, and its hash made anew."""
    from tasks.ledger.chain import Chain, Draft, bytes_after
    from tasks.ledger.log import read_log

    event = read_log(paths.events).events[-1]
    _, content = bytes_after(Chain(()), Draft("approval", event.about | changes), actor=event.actor, now=SOON)
    paths.events.write_bytes(content)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"reason": "quite another"}, "something else"),
        ({"principal": ADA}, "something else"),
        ({"signed_utc": "2026-01-05T13:01:00Z"}, "something else"),
        ({"signed_utc": "2025-01-05T13:01:00Z"}, "written down at"),
        ({"signed_utc": "soon"}, "the time"),
        ({"signature": ""}, "SSH signature"),
    ],
)
def test_forged_approval_is_found(changes, found, paths, keys):
    """Edited after it was signed, and the chain made anew: it is named, and promotes nothing."""
    approved(paths, keys[BOB])
    rewrite_approval(paths, **changes)
    assert found in named(paths)["approval 1"]
    assert "no approval that counts" in refusal(paths)


def test_approval_of_another_verdict_does_not_count(paths, keys, monkeypatch):
    """Each is of one verdict."""
    approved(paths, keys[BOB])
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, seeds={"root": 2})
    assert refusal(paths) == "no approval"
    rewrite_approval(paths, verdict=approval.hash_verdict(find_verdict(paths.root, "data/verdict.json")))
    assert "something else" in named(paths)["approval 1"]


def test_edited_policy_is_found(paths):
    """A version whose margin was widened by hand: its signatures are of other bytes."""
    path = paths.policies / "0001.json"
    path.write_text(path.read_text().replace("0.005", "0.05"))
    assert "version 1" in named(paths)["signatures of the policy"]
    assert refusal(paths)


def test_signer_who_adds_himself_is_found(paths, keys):
    """Into the list, without a signature: nobody's policy any more."""
    path = paths.policies / "allowed_signers"
    path.write_text(path.read_text() + line(keys, EVE))
    assert "allowed_signers was changed" in named(paths)["signatures of the policy"]
    assert "allowed_signers was changed" in refusal(paths)


def test_signer_who_signs_himself_in_is_refused(paths, keys):
    """A version that takes Eve in, by Eve: those who were there before have to sign it."""
    text = (paths.policies / "allowed_signers").read_text() + line(keys, EVE)
    version = add_version(paths.policies, load_params(paths.params), text, EVE)
    sign_version(paths.policies, version, EVE, keys[EVE])
    assert "nobody here has" in named(paths)["signatures of the policy"]


def test_envelope_without_verdict_is_no_promotion(paths):
    """A verdict found by its path alone, whose receipt is not there."""
    stored = find_verdict(paths.root, "data/verdict.json")
    with pytest.raises(GateError, match="no receipt"):
        require_promotable(paths.root, replace(stored, receipt=None), SOON)


def test_chain_of_trust_begun_anew_is_found(paths, keys, monkeypatch):
    """A branch that brings a first version of its own, all in order, which the main checkout does not know."""
    branch = make_project(paths.root.parent / "branch", keys)
    shutil.rmtree(branch.policies)
    branch.policies.mkdir()
    other = add_version(branch.policies, load_params(branch.params), line(keys, EVE) + line(keys, ROBOT), EVE)
    sign_version(branch.policies, other, EVE, keys[EVE])
    judge_project(branch, key=keys[ROBOT], monkeypatch=monkeypatch)
    assert named(branch) == {}
    make_branch_of(paths, monkeypatch)
    assert "version 1 of the branch is none of the main checkout's" in named(branch)["signatures of the policy"]


def test_branch_holds_after_the_project_was_tightened(paths, keys, monkeypatch):
    """Its policy is an earlier one, and it has not lost what was signed since; the project itself may not lose that."""
    branch = ProjectPaths(shutil.copytree(paths.root, paths.root.parent / "branch"))
    edit_params(paths.params, {"gates.criteria.ranking.margin": 0.001})
    sign_policy(paths.root, key=keys[ADA], reason="narrower", now=NOW)
    make_branch_of(paths, monkeypatch)
    shutil.copy(paths.events, branch.events)  # in a worktree, the log is the project's
    assert named(branch) == {}
    for file in paths.policies.glob("0002*"):
        file.unlink()
    assert "in the main checkout, restore policies/" in named(branch)["signatures of the policy"]


def make_branch_of(paths, monkeypatch):
    """Let every other folder be a worktree of the project at ``paths``."""
    monkeypatch.setattr("flows.signed_checks.main_root", lambda _root: paths.root)


def test_verdict_by_an_earlier_version_is_told(paths, keys):
    """The policy was tightened since: what it was judged by is not in force any more."""
    edit_params(paths.params, {"gates.criteria.ranking.margin": 0.001})
    version = add_version(paths.policies, load_params(paths.params), (paths.policies / "allowed_signers").read_text(), ADA)
    sign_version(paths.policies, version, ADA, keys[ADA])
    assert "judged by another" in named(paths)["signatures of the policy"]


@pytest.mark.parametrize(("name", "is_well"), [(None, True), (ROBOT, True), (EVE, False), ("nowhere", False)])
def test_doctor_tells_of_the_key_before_a_run(name, is_well, paths, keys, monkeypatch):
    """None is no fault; one that signs nothing here is."""
    monkeypatch.delenv("WINDTUNNEL_SIGNING_KEY", raising=False)
    if name:
        monkeypatch.setenv("WINDTUNNEL_SIGNING_KEY", str(keys.get(name, paths.root / "nowhere")))
    found = doctor._attempt("signing key", doctor._signing_key, paths)  # the other checks take seconds
    assert (found.is_well, bool(found.next_step)) == (is_well, not is_well)


@pytest.mark.parametrize(("section", "content"), [("masking", None), ("gates", []), ("evaluation", 7), ("label", "x")])
def test_unsigned_version_of_any_content_is_named(section, content, paths):
    """Whoever can write a file can write anything into it: a problem of that version, never a traceback."""
    version = json.loads((paths.policies / "0001.json").read_text())
    digest = hash_file(paths.policies / "0001.json")
    version |= {"number": 2, "previous": digest, "policy": version["policy"] | {section: content}}
    (paths.policies / "0002.json").write_text(json.dumps(version))
    state = stand_by(paths, load_params(paths.params)).state
    assert state.carried == 1
    assert "version 2" in state.problem


@pytest.mark.parametrize("name", ["0002.json", "0001.eve@example.com.json"])
def test_folder_in_place_of_a_file_is_named(name, paths):
    """As is any other file that cannot be read."""
    (paths.policies / name).mkdir()
    assert f"policies/{name}" in named(paths)["signatures of the policy"]


@pytest.mark.parametrize("field", ["payload", "sig"])
def test_envelope_outside_ascii_is_found(field, paths):
    """A letter that base64 cannot hold at all."""
    [path] = paths.receipts.glob("*.dsse")
    envelope = json.loads(path.read_text())
    (envelope if field == "payload" else envelope["signatures"][0])[field] = "ä" * 8
    path.write_text(json.dumps(envelope))
    assert "base64" in named(paths)["signature of the verdict"]


def write_approval(paths, key, at):
    """An approval by Bob, signed and written into the log at ``at``, by other means than ours."""
    digest = approval.hash_verdict(find_verdict(paths.root, "data/verdict.json"))
    statement = Statement(what="approval", subject=digest, principal=BOB, reason="agreed", at_utc=told(at))
    signature = make_statement(statement, key).signature
    about = {"verdict": digest, "principal": BOB, "reason": "agreed", "signed_utc": told(at), "signature": signature}
    append_event(paths.events, lambda _: Draft("approval", about), actor="bob", clock=lambda: at)


def test_approval_older_than_its_verdict_does_not_count(paths, keys, monkeypatch):
    """Signed and written down by a clock that was set back."""
    early = NOW - timedelta(days=1)
    with pytest.raises(GateError, match="in the future"):
        approved(paths, keys[BOB], early)
    write_approval(paths, keys[BOB], early)
    assert "before the verdict was judged" in named(paths)["approval 1"]
    assert "before the verdict was judged" in refusal(paths)


def test_approval_by_a_key_that_has_expired_since_is_refused(keys, paths, monkeypatch):
    """It was good when it signed; whoever holds it now could sign with a clock that was set back."""
    shutil.rmtree(paths.policies)
    paths.policies.mkdir()
    text = line(keys, ADA) + line(keys, BOB, 'valid-before="20260105133000Z"') + line(keys, ROBOT)
    sign_version(paths.policies, add_version(paths.policies, load_params(paths.params), text, ADA), ADA, keys[ADA])
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    approved(paths, keys[BOB])
    assert promotable(paths).approved_by == BOB
    assert "expired" in refusal(paths, SOON + timedelta(hours=1))
    assert named(paths) == {}


@pytest.mark.parametrize("gone", ["0002*.json", "0002.*.json"])
def test_newest_version_taken_away_is_found(gone, paths, keys, monkeypatch):
    """Or its signature alone: a tightening would be undone with nobody's signature, and all that is left would hold."""
    before = paths.params.read_text()
    edit_params(paths.params, {"gates.criteria.ranking.margin": 0.001})
    sign_policy(paths.root, key=keys[ADA], reason="narrower", now=NOW)
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    assert named(paths) == {}
    for file in paths.policies.glob(gone):
        file.unlink()
    paths.params.write_text(before)
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch)
    assert "version 2, which the log says was in force" in refusal(paths)
    assert "restore policies/" in named(paths)["signatures of the policy"]
    edit_params(paths.params, {"gates.criteria.ranking.margin": 0.002})
    with pytest.raises(SigningError, match="is gone"):
        sign_policy(paths.root, key=keys[BOB], reason="another in its place", now=NOW)


def test_approval_is_written_down_once(paths, keys):
    """The same signature again, as after a rollback, is no second approval."""
    signed = approval.sign_approval(paths.root, "data/verdict.json", key=keys[BOB], reason="agreed", now=SOON)
    approval.record_approval(paths.root, "data/verdict.json", signed, SOON)
    with pytest.raises(SigningError, match="in the log already"):
        approval.record_approval(paths.root, "data/verdict.json", signed, SOON)
    assert len(read_log(paths.events).events) == 1


def test_newest_approval_is_named_wherever_it_was_written(paths, keys):
    """Events that landed from another machine are read after the project's own, and may be older."""
    write_approval(paths, keys[BOB], SOON - timedelta(minutes=30))
    paths.events.rename(paths.landed_events)
    write_approval(paths, keys[BOB], SOON)
    [newest] = read_log(paths.events).events
    assert promotable(paths).approval == newest.hash
