"""Signing the policy: works alone at first, takes two for a loosening, and shows what it would have turned."""

import json
import shutil
from datetime import timedelta

import pytest
from signed_project import ADA, BOB, EVE, NOW, ROBOT, add_version, line, make_project, sign_version
from verdict_evidence import store_evidence

from flows.cli.root import main
from flows.cli.run import require_settings
from flows.params_edit import edit_params
from flows.policy_signing import sign_policy, view_policy
from tasks.errors import SigningError
from tasks.ledger import read_log
from tasks.params import load_params
from tasks.paths import ProjectPaths

MARGIN = "gates.criteria.ranking.margin"


@pytest.fixture(scope="module")
def signed(keys, tmp_path_factory):
    """The demo's parameters with two criteria, signed by Ada."""
    only = {
        "validation": {"evidence": "validation", "critical": True},
        "ranking": {"metric": "roc_auc", "margin": 0.005, "min_rows": 5000, "critical": True, "method": "cluster_bootstrap"},
    }
    return make_project(tmp_path_factory.mktemp("signed") / "project", keys, changes={"gates.criteria": only}).root


@pytest.fixture
def paths(signed, tmp_path):
    shutil.copytree(signed, tmp_path / "project")
    return ProjectPaths(tmp_path / "project")


def sign(paths, key, reason="agreed", now=NOW):
    return sign_policy(paths.root, key=key, reason=reason, now=now)


def unsigned(paths):
    return view_policy(paths.root, NOW).standing.unsigned


def write_signers(paths, *lines):
    (paths.policies / "allowed_signers").write_text("".join(lines))


def test_first_signature_ends_the_rehearsal(keys, paths):
    """Nobody has signed; then one person, who stands in the list, has; and the log tells."""
    for file in paths.policies.glob("*.json"):
        file.unlink()
    assert unsigned(paths) == "nobody has signed masking policy and criteria"
    assert not sign(paths, keys[ADA]).standing.unsigned
    [event] = read_log(paths.events).events
    assert (event.kind, event.about["principal"], event.about["in_force"]) == ("change", ADA, "true")


def test_what_is_signed_already_is_not_signed_again(keys, paths):
    """A version for nothing would hide the one that matters."""
    with pytest.raises(SigningError, match="policy"):
        sign(paths, keys[ADA])


def test_tightening_takes_one(keys, paths):
    """Whoever it is."""
    edit_params(paths.params, {MARGIN: 0.001})
    assert "changed after version 1" in unsigned(paths)
    found = sign(paths, keys[BOB])
    assert [change.direction for change in found.changes] == ["tightening"]
    assert (found.standing.unsigned, found.standing.state.loosened_by) == ("", frozenset())


def test_loosening_takes_two(keys, paths):
    """Its author does not count twice, and a machine for nobody."""
    edit_params(paths.params, {MARGIN: 0.05})
    assert "needs a second person's signature" in sign(paths, keys[ADA]).standing.state.problem
    assert "needs a second person's signature" in sign(paths, keys[ADA]).standing.state.problem
    with pytest.raises(SigningError, match="policy"):
        sign(paths, keys[ROBOT])
    with pytest.raises(SigningError, match="signature"):
        sign(paths, keys[EVE])
    assert unsigned(paths)
    found = sign(paths, keys[BOB])
    assert (found.standing.unsigned, found.standing.state.loosened_by, found.standing.state.carried) == ("", {ADA}, 2)


def test_what_waits_is_replaced_by_what_stands_there(keys, paths):
    """A second thought before the second signature: nobody signs another thing than he sees."""
    edit_params(paths.params, {MARGIN: 0.05})
    sign(paths, keys[ADA])
    edit_params(paths.params, {MARGIN: 0.06})
    assert "needs a second" in sign(paths, keys[BOB]).standing.state.problem
    assert sorted(file.name for file in paths.policies.glob("0002*")) == ["0002.bob@example.com.json", "0002.json"]
    assert sign(paths, keys[ADA]).standing.state.loosened_by == {ADA, BOB}  # she asked for a wider margin too


def test_taking_somebody_in_takes_two(keys, paths):
    """And not himself."""
    everybody = [line(keys, name) for name in (ADA, BOB, ROBOT, EVE)]
    write_signers(paths, *everybody)
    with pytest.raises(SigningError, match="signature"):
        sign(paths, keys[EVE])
    sign(paths, keys[ADA])
    assert "allowed_signers.eve@example.com" in view_policy(paths.root, NOW).standing.state.problem
    assert sign(paths, keys[BOB]).standing.unsigned == ""


def test_one_person_alone_takes_in_a_second_who_signs_too(keys, tmp_path):
    """And may loosen nothing before there are two."""
    paths = make_project(tmp_path / "alone", keys, signers=(ADA,))
    edit_params(paths.params, {MARGIN: 0.05})
    write_signers(paths, line(keys, ADA), line(keys, BOB))
    sign(paths, keys[ADA])
    with pytest.raises(SigningError, match="nobody here has"):
        sign(paths, keys[BOB])
    assert unsigned(paths)
    edit_params(paths.params, {MARGIN: 0.005})
    for name in (ADA, BOB):
        found = sign(paths, keys[name])
    assert found.standing.unsigned == ""


def test_edited_versions_are_not_signed_over(keys, paths):
    """What was changed by hand has to be restored first."""
    file = paths.policies / "0001.json"
    file.write_text(file.read_text().replace("0.005", "0.05"))
    edit_params(paths.params, {MARGIN: 0.001})
    with pytest.raises(SigningError, match=r"does not hold"):
        sign(paths, keys[ADA])


def test_version_put_in_or_taken_out_is_found(keys, paths):
    """Each names the one before."""
    edit_params(paths.params, {MARGIN: 0.001})
    sign(paths, keys[ADA])
    for file in paths.policies.glob("0001*"):
        file.unlink()
    assert "does not follow" in unsigned(paths)


def test_signature_from_the_future_does_not_count(keys, paths):
    """A clock that was set ahead."""
    edit_params(paths.params, {MARGIN: 0.001})
    sign(paths, keys[ADA], now=NOW + timedelta(hours=1))
    assert "in the future" in unsigned(paths)


def test_loosening_shows_which_verdicts_it_would_have_turned(keys, paths):
    """Kept results are judged again: one that was rejected by the margin passes under the wider one."""
    store_evidence(paths.results / "candidates/worse", delta=(-0.02, -0.01))
    store_evidence(paths.results / "candidates/better", delta=(0.01, 0.02))
    store_evidence(paths.results / "earlier/0123456789ab", delta=(-0.02, -0.01))  # the same, found twice, counts once
    edit_params(paths.params, {MARGIN: 0.05})
    view = view_policy(paths.root, NOW)
    assert view.judged_again == 2
    [flip] = view.flips
    assert (flip.name, flip.was, flip.now, flip.by) == ("candidates/worse", "reject", "promote", ("ranking",))
    edit_params(paths.params, {MARGIN: 0.004})
    assert view_policy(paths.root, NOW).flips == ()


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def test_commands_tell_what_is_signed(keys, paths, monkeypatch, capsys):
    """`policy check` is an exit code; `policy show` names versions, people, changes and what is missing."""
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(paths.root)
    assert run(capsys, "policy", "check")[0] == 0
    edit_params(paths.params, {MARGIN: 0.05})
    code, out, _ = run(capsys, "policy", "check")
    assert code == 1
    assert f"{MARGIN}" in out and "loosening" in out
    monkeypatch.setenv("WINDTUNNEL_SIGNING_KEY", str(keys[ADA]))
    code, out, _ = run(capsys, "policy", "sign", "--reason", "wider")
    assert "needs a second person's signature" in out
    code, out, _ = run(capsys, "policy", "sign", "--reason", "agreed", "--key", str(keys[BOB]), "--json")
    assert json.loads(out)["signed_by"] == [ADA, BOB]
    code, _, err = run(capsys, "policy", "sign", "--reason", "x", "--key", str(paths.root / "nowhere"))
    assert code == 2
    assert "nowhere" in err or "in force" in err
    assert str(keys[ADA].read_bytes()[40:80]) not in out + err


def test_version_signed_before_the_one_it_follows_is_found(keys, paths):
    """By a clock that was set back: versions are signed in their order."""
    edit_params(paths.params, {MARGIN: 0.001})
    sign(paths, keys[ADA])
    edit_params(paths.params, {MARGIN: 0.0005})
    signers = (paths.policies / "allowed_signers").read_text()
    version = add_version(paths.policies, load_params(paths.params), signers, BOB)
    sign_version(paths.policies, version, BOB, keys[BOB])  # on the first of January
    assert "from before version 2" in unsigned(paths)


def test_a_key_that_could_not_sign_is_told_before_the_run(keys, paths, tmp_path, monkeypatch):
    """A stranger's, or one that lies open: no stage and no server is started for a verdict that nobody could sign."""
    key = tmp_path / "key"
    monkeypatch.setenv("WINDTUNNEL_SIGNING_KEY", str(key))
    for name, mode, told in ((EVE, 0o600, "which nobody here has"), (ADA, 0o644, "mode 0644")):
        shutil.copy2(keys[name], key)
        key.chmod(mode)
        with pytest.raises(SigningError, match=told):
            require_settings(paths)


def test_a_key_that_may_sign_lets_the_run_begin(keys, paths, monkeypatch):
    """As does none at all: such a verdict promotes nothing, and says so."""
    monkeypatch.setenv("WINDTUNNEL_SIGNING_KEY", str(keys[ADA]))
    require_settings(paths)
    monkeypatch.delenv("WINDTUNNEL_SIGNING_KEY")
    require_settings(paths)


def test_who_is_to_sign_next_is_said(keys, paths, monkeypatch, capsys):
    """Of a version that waits for a second person, the first is not sent to sign it once more."""
    edit_params(paths.params, {MARGIN: 0.5})
    sign(paths, keys[ADA])
    (paths.root / "dvc.yaml").touch()  # what makes a folder a project
    monkeypatch.chdir(paths.root)
    with pytest.raises(SystemExit, match="1"):
        main(["policy", "check"])
    assert "next: windtunnel policy sign, by somebody who has not signed it yet" in capsys.readouterr().out


def test_a_key_that_is_not_listed_is_told_how_it_would_be(keys, paths):
    """The first who signs has to put himself into the list."""
    edit_params(paths.params, {MARGIN: 0.001})
    with pytest.raises(SigningError, match="a new one takes a line there"):
        sign(paths, keys[EVE])
