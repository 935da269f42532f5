"""People with SSH keys of their own, a project whose policy they signed, and a verdict in it that promotes."""

import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from flows.params_edit import edit_params
from flows.signatures import sign_verdict
from flows.verdict_store import find_verdict, receipt_path
from tasks.datasets import hash_file
from tasks.gates import hash_params, make_receipt
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import CriterionOutcome, PolicyVersion, Statement, Verdict
from tasks.signing import make_statement
from tasks.signing.policy import FIRST
from tasks.stages.environment import judging_environment
from tasks.stages.made_with import made_with, needed_before
from tasks.stages.policies import SIGNED_POLICY, read_policy, stand_by

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
ADA, BOB, EVE, ROBOT = "ada@example.com", "bob@example.com", "eve@example.com", "machine.ci"


def require_ssh_keygen(is_ci):
    """Skip, and say so, where ssh-keygen is missing; on CI that is a failure."""
    if shutil.which("ssh-keygen") is None:
        (pytest.fail if is_ci else pytest.skip)("ssh-keygen is missing: apt-get install openssh-client")


def make_keys(folder, kind="ed25519", names=(ADA, BOB, EVE, ROBOT)):
    """A key for each of them; {name: path of the private key}."""
    keys = {}
    for name in names:
        keys[name] = folder / name.replace("@", "-")
        command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(keys[name])]
        subprocess.run(command, check=True, capture_output=True)
    return keys


def line(keys, name, options=""):
    """The line of somebody in allowed_signers."""
    words = keys[name].with_name(keys[name].name + ".pub").read_text().split()
    return " ".join(filter(None, [name, options, *words[:2]])) + "\n"


def add_version(folder, params, signers, author, reason="a reason"):
    """Write the next version of the policy, unsigned; returns its number and digest."""
    number = len(list(folder.glob("????.json"))) + 1
    previous = hash_file(folder / f"{number - 1:04d}.json") if number > 1 else FIRST
    policy = read_policy(ProjectPaths(folder.parent), params)
    version = PolicyVersion(number=number, previous=previous, author=author, reason=reason, policy=policy, allowed_signers=signers)
    path = folder / f"{number:04d}.json"
    path.write_text(version.to_json())
    (folder / "allowed_signers").write_text(signers)
    return number, hash_file(path)


def sign_version(folder, version, name, key):
    """Sign a version (its number and digest) as ``name`` with ``key``."""
    number, digest = version
    statement = Statement(what="policy", subject=digest, principal=name, reason="agreed", at_utc="2026-01-01T00:00:00Z")
    (folder / f"{number:04d}.{name}.json").write_text(make_statement(statement, key).to_json())


def make_project(folder, keys, signers=(ADA, BOB, ROBOT), changes=None):
    """A project (the demo's parameters, no data) whose first policy Ada has signed."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = ProjectPaths(folder)
    shutil.copy2(ROOT / "params.yaml", paths.params)
    edit_params(paths.params, changes or {})
    paths.data.mkdir()
    paths.pin.write_text("{}")
    paths.policies.mkdir()
    params = load_params(paths.params)
    text = "".join(line(keys, name) for name in signers)
    sign_version(paths.policies, add_version(paths.policies, params, text, ADA), ADA, keys[ADA])
    return paths


PASSED = CriterionOutcome(
    name="ranking",
    metric="roc_auc",
    slice=None,
    direction="higher_is_better",
    challenger=0.72,
    champion=0.7,
    delta=0.02,
    interval=None,
    challenger_interval=None,
    n=10_000,
    min_rows=5_000,
    bound=None,
    margin=0.005,
    is_critical=True,
    status="pass",
    reason="",
    rows_to_decide=None,
    days_to_decide=None,
)


def stages_of(params):
    """The parameters of every stage before the gate, as a verdict names them."""
    return {name: value for stage in needed_before("by_time") for name, value in made_with(params, stage).items()}


def judge_project(paths, *, key=None, monkeypatch=None, now=NOW, look=None, **changes):
    """A verdict that promotes, by the policy as it stands, with its receipt; signed with ``key`` where there is one.

    ``look`` is what it cost, where it is to be a verdict of figures on a holdout.
    """
    params = load_params(paths.params)
    digest = stand_by(paths, params).digest
    fields = {
        "decision": "promote",
        "reason": "PROMOTE: made up",
        "criteria": (PASSED,),
        "missing_slices": (),
        "rubber_stamp": False,
        "view": {"challenger": "masked"},
        "judged": "recipe",
        "evidence_level": "refitted_here",
        "split": "by_time",
        "part": "test",
        "inputs": {"pin": hash_file(paths.pin)}
        | stages_of(params)
        | ({SIGNED_POLICY: digest} if digest else {})
        | ({"models/challenger": look.candidate, "holdout": look.holdout} if look else {}),
        "environment": judging_environment(),
        "policy_hash": "p" * 64,
        "params_hash": hash_params(params),
        "seeds": {"root": 1},
        "rehearsal": digest is None,
    }
    content = Verdict(**fields | changes).to_json().encode()
    paths.verdict.write_bytes(content)
    receipt = make_receipt(content, actor="ci", host="h", environment={}, now=now, max_age_days=7, look=look)
    path = receipt_path(paths, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(receipt.to_json())
    if key is not None:
        monkeypatch.setenv("WINDTUNNEL_SIGNING_KEY", str(key))
        sign_verdict(paths, paths)
    return find_verdict(paths.root, "data/verdict.json")
