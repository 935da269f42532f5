"""The release flow's example: a decision record is checked without Windtunnel, by another program."""

import importlib.util
import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from signed_project import ADA, EVE, PASSED, ROBOT, judge_project, line, make_keys, make_project, require_ssh_keygen

from flows.cli.root import main

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples/verify_decision.py"
NOW = datetime.now(timezone.utc)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    require_ssh_keygen("CI" in os.environ)
    return make_keys(tmp_path_factory.mktemp("keys"))


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
    return module.main(*(str(paths.root / name) for name in (envelope, verdict, signers)))


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
