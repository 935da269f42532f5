"""The release flow's example: a decision record is checked without Windtunnel, by another program."""

import base64
import importlib.util
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from signed_project import ADA, EVE, PASSED, ROBOT, judge_project, line, make_project

from flows.cli.root import main
from flows.verdict_store import find_verdict
from tasks.signing import sign_record

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples/verify_decision.py"
NOW = datetime.now(timezone.utc)


@pytest.fixture
def paths(keys, tmp_path, monkeypatch):
    """A project whose verdict of just now the machine has signed; its record is exported by the command."""
    paths = make_project(tmp_path / "project", keys)
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(paths.root)
    monkeypatch.delenv("WINDTUNNEL_SIGNING_KEY", raising=False)
    return paths


def judge(paths, keys, monkeypatch, name=ROBOT, **changes):
    judge_project(paths, key=keys[name], monkeypatch=monkeypatch, now=NOW, **changes)
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--dsse", "verdict.dsse"])
    assert ended.value.code == 0
    return paths.root / "verdict.dsse"


def check(paths, envelope="verdict.dsse", verdict="data/verdict.json", signers="policies/allowed_signers"):
    spec = importlib.util.spec_from_file_location("verify_decision", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(paths.root / name) for name in (envelope, verdict, signers)])


def test_a_signed_promotion_passes(paths, keys, monkeypatch):
    """As a program of its own, outside the project, without this package."""
    judge(paths, keys, monkeypatch)
    files = [str(paths.root / name) for name in ("verdict.dsse", "data/verdict.json", "policies/allowed_signers")]
    done = subprocess.run([sys.executable, "-I", str(EXAMPLE), *files], cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(", until")[0]) == (0, f"promote, signed by {ROBOT}"), done.stderr


def test_a_signed_rejection_is_one(paths, keys, monkeypatch):
    """Exit code 1, not 2."""
    outcome = PASSED.model_copy(update={"status": "fail"})
    judge(paths, keys, monkeypatch, decision="reject", criteria=(outcome,))
    assert check(paths) == 1


def test_edited_record_verdict_or_list_could_not_be_checked(paths, keys, monkeypatch):
    """A character of the payload, another verdict, a list without the signer, a cut-off file, none."""
    envelope = judge(paths, keys, monkeypatch)
    good = json.loads(envelope.read_bytes())
    middle = len(good["payload"]) // 2
    other = "A" if good["payload"][middle] != "A" else "B"
    edited = {**good, "payload": good["payload"][:middle] + other + good["payload"][middle + 1 :]}
    (paths.root / "edited.dsse").write_text(json.dumps(edited))
    (paths.root / "cut.dsse").write_bytes(envelope.read_bytes()[:200])
    (paths.root / "other.json").write_text("{}")
    (paths.root / "strangers").write_text(line(keys, EVE))
    assert check(paths) == 0
    assert check(paths, envelope="edited.dsse") == check(paths, envelope="cut.dsse") == check(paths, envelope="none") == 2
    assert check(paths, verdict="other.json") == check(paths, signers="strangers") == check(paths, verdict="none.json") == 2
    assert check(paths, signers="none") == 2


def test_wrong_usage_is_no_rejection():
    """Exit code 2, as a program of its own too."""
    done = subprocess.run([sys.executable, "-I", str(EXAMPLE), "verdict.dsse"], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def put(name, value):
    """A change of the record: ``value`` at the dotted place ``name``; None takes it away."""

    def change(record):
        *parents, last = name.split(".")
        place = record
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


FORGED = {
    "another kind of statement": (put("predicateType", "https://slsa.dev/provenance/v1"), "no decision record"),
    "another statement's type": (put("_type", "x"), "no decision record"),
    "another decision than the verdict's": (put("predicate.decision", "promote"), "another decision"),
    "a rehearsal that denies it": (put("predicate.rehearsal", None), "rehearsal"),
    "expired": (put("predicate.receipt.expires_utc", "2026-01-02T00:00:00Z"), "expired"),
    "judged in the future": (put("predicate.receipt.created_utc", "2999-01-01T00:00:00Z"), "in the future"),
    "a time without a zone": (put("predicate.receipt.expires_utc", "2999-01-01T00:00:00"), "offset-naive"),
    "no receipt": (put("predicate.receipt", None), "receipt"),
    "no subject": (put("subject", []), "out of range"),
    "another subject": (put("subject", [{"name": "model", "digest": {"sha256": "0"}}]), "another verdict"),
}


def test_signed_record_that_is_none_could_not_be_checked(paths, keys, monkeypatch, capsys):
    """Well signed, by a key that may sign, and still not what a release may rest on: exit code 2, the reason, no traceback."""
    outcome = PASSED.model_copy(update={"status": "fail"})
    envelope = judge(paths, keys, monkeypatch, decision="reject", criteria=(outcome,))
    payload = base64.b64decode(json.loads(envelope.read_bytes())["payload"])
    for forged, (change, told) in FORGED.items():
        record = json.loads(payload)
        change(record)
        envelope.write_bytes(sign_record(json.dumps(record).encode(), keys[ROBOT]))
        assert (check(paths), told in capsys.readouterr().err) == (2, True), forged


def test_key_has_to_be_good_then_and_now(paths, keys, monkeypatch):
    """One that has expired since could have set its clock back; one that came later was nobody's then."""
    early = NOW - timedelta(hours=2)
    judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, now=early)
    (paths.root / "verdict.dsse").write_bytes(find_verdict(paths.root, "data/verdict.json").envelope)
    expired, later = ((NOW + timedelta(hours=hours)).strftime("%Y%m%d%H%M%SZ") for hours in (-1, 1))
    listed = {
        f'valid-before="{expired}"': 2,
        f'valid-before="{later}"': 0,
        f'valid-after="{expired}"': 2,
        'namespaces="git"': 2,
    }
    for options, code in listed.items():
        (paths.root / "listed").write_text(line(keys, ROBOT, options))
        assert check(paths, signers="listed") == code, options


def test_a_rehearsal_is_no_promotion(paths, keys, monkeypatch):
    """Though it is signed."""
    for file in paths.policies.glob("*.json"):
        file.unlink()
    judge(paths, keys, monkeypatch, name=ADA)
    assert check(paths) == 2


def test_unsigned_verdict_has_no_record_to_export(paths, capsys):
    """Exit code 2, and what to do."""
    judge_project(paths, now=NOW)
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--dsse", "verdict.dsse"])
    assert ended.value.code == 2
    assert "WINDTUNNEL_SIGNING_KEY" in capsys.readouterr().err
    assert not (paths.root / "verdict.dsse").exists()


@pytest.mark.parametrize("is_signed", [True, False], ids=["signed", "unsigned"])
def test_gate_check_refuses_what_nobody_stands_behind(is_signed, paths, keys, monkeypatch):
    """Exit code 2 for a rehearsal and for a verdict without a signature, though both say promote; 0 for one that is signed."""

    def code():
        with pytest.raises(SystemExit) as ended:
            main(["gate", "--check"])
        return ended.value.code

    judge_project(paths, key=keys[ROBOT] if is_signed else None, monkeypatch=monkeypatch, now=NOW)
    assert code() == (0 if is_signed else 2)
    for file in paths.policies.glob("*.json"):
        file.unlink()
    judge_project(paths, key=keys[ROBOT] if is_signed else None, monkeypatch=monkeypatch, now=NOW)
    assert code() == 2
