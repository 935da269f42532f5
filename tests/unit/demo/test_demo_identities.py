"""The demo is signed by two published identities, which count nowhere else."""

import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from flows.params_edit import edit_params
from tasks.demo import DEMO_FINGERPRINTS, DEMO_IDENTITIES, demo_key_path, demo_public_key, write_demo_identities
from tasks.errors import SigningError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.signing import key_fingerprint, sign_bytes, verify_bytes
from tasks.stages.policies import banned_keys, stand_by

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_published_keys_are_the_owners_only_and_are_kept(tmp_path: Path) -> None:
    """Mode 0600, and a file that lies there is not overwritten."""
    write_demo_identities(tmp_path)
    for name in DEMO_IDENTITIES:
        assert demo_key_path(tmp_path, name).stat().st_mode & 0o777 == 0o600
        demo_key_path(tmp_path, name).write_text("mine")
    write_demo_identities(tmp_path)
    assert {demo_key_path(tmp_path, name).read_text() for name in DEMO_IDENTITIES} == {"mine"}


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing: apt-get install openssh-client")
def test_published_keys_sign_and_are_known_by_their_fingerprints(tmp_path: Path) -> None:
    """As ssh-keygen sees them."""
    write_demo_identities(tmp_path)
    found = {key_fingerprint(demo_key_path(tmp_path, name)) for name in DEMO_IDENTITIES}
    assert found == DEMO_FINGERPRINTS
    name = next(iter(DEMO_IDENTITIES))
    signers = tmp_path / "allowed_signers"
    signers.write_text(f"{name} {demo_public_key(name)}\n")
    armored = sign_bytes(b"x", demo_key_path(tmp_path, name))
    assert verify_bytes(b"x", armored, signers, NOW) == name
    with pytest.raises(SigningError, match="signature"):
        verify_bytes(b"x", armored, signers, NOW, banned=DEMO_FINGERPRINTS)
    with pytest.raises(SigningError, match="signature"):
        sign_bytes(b"x", demo_key_path(tmp_path, name), DEMO_FINGERPRINTS)


@pytest.mark.parametrize("lake", ["/srv/lake", "lake", "s3://bucket/lake", ".windtunnel/demo-lake"])
def test_outside_the_demo_the_published_keys_count_for_nobody(lake: str, tmp_path: Path) -> None:
    """A project that copied the demo's signatures is a rehearsal: also one whose lake only lies where the demo's would."""
    for name in ("policies", "params.yaml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy2)(ROOT / name, tmp_path / name)
    edit_params(tmp_path / "params.yaml", {"snapshot.lake": lake})
    if lake.startswith("."):
        (tmp_path / lake).mkdir(parents=True)
    paths = ProjectPaths(tmp_path)
    params = load_params(paths.params)
    assert banned_keys(paths, params) == DEMO_FINGERPRINTS
    standing = stand_by(paths, params)
    assert "counts in the demo only" in standing.unsigned
    assert not standing.state.is_broken
    assert standing.state.signers.people == set()


def test_no_private_key_file_is_committed() -> None:
    """The demo's keys are made from text that says what they are; a key file in the repository would look like a leak."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    marks = (b"-----BEGIN OPENSSH " + b"PRIVATE KEY", b"-----BEGIN " + b"PRIVATE KEY")
    assert [name for name in names if (ROOT / name).is_file() and any(mark in (ROOT / name).read_bytes() for mark in marks)] == []
