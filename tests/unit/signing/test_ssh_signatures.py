"""A signature is of these bytes, for this purpose, by a key that somebody here has, at a time at which it counts."""

import os
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_project import ADA, BOB, EVE, NOW, line, make_keys

from tasks.credentials import forget_credentials
from tasks.errors import ExitCode, SigningError
from tasks.projects.files import policies_readme
from tasks.signing import sign_bytes, verify_bytes
from tasks.signing.signers import parse_signers, verify_by
from tasks.signing.sshsig import read_armored

CONTENT = b"the verdict"


@pytest.fixture(scope="module")
def armored(keys):
    return sign_bytes(CONTENT, keys[ADA])


@pytest.fixture
def signers(keys, tmp_path):
    path = tmp_path / "allowed_signers"
    path.write_text("# who may sign\n\n" + line(keys, ADA) + line(keys, BOB))
    return path


def refusal(content, armored, signers, at=NOW, **options):
    with pytest.raises(SigningError) as raised:
        verify_bytes(content, armored, signers, at, **options)
    assert raised.value.exit_code == ExitCode.COULD_NOT_JUDGE
    return raised.value.found


def test_signature_names_the_principal(armored, signers):
    """Whose key it is, by the file."""
    assert verify_bytes(CONTENT, armored, signers, NOW) == ADA


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_ssh_keygen_and_we_agree(kind, keys, tmp_path):
    """Every kind of key: what we accept `ssh-keygen -Y verify` accepts, and what it refuses we refuse."""
    own = make_keys(tmp_path, kind, (ADA,)) if kind != "ed25519" else keys
    path = tmp_path / "allowed_signers"
    path.write_text(line(own, ADA, 'namespaces="windtunnel",valid-after="20200101Z"'))
    made = sign_bytes(CONTENT, own[ADA])
    (tmp_path / "sig").write_text(made)
    assert verify_bytes(CONTENT, made, path, NOW) == ADA
    command = ["ssh-keygen", "-Y", "verify", "-f", str(path), "-I", ADA, "-n", "windtunnel", "-s", str(tmp_path / "sig")]
    for content, code in ((CONTENT, 0), (b"another", 255)):
        assert subprocess.run(command, input=content, capture_output=True, check=False).returncode == code
    assert "something else" in refusal(b"another", made, path)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_changed_bit_is_refused(armored, keys, at, bit):
    """Of the key, the purpose, the digest's name or the signature."""
    from tasks.signing.sshsig import armor

    blob = bytearray(read_armored(armored).blob)
    blob[at % len(blob)] ^= 1 << bit
    with pytest.raises(SigningError):
        verify_by(parse_signers(line(keys, ADA), origin="f"), CONTENT, armor(bytes(blob)), NOW)


@pytest.mark.parametrize("cut", ["", "x", "-----BEGIN SSH SIGNATURE-----\n", "half"])
def test_cut_off_signature_is_refused(cut, armored, signers):
    """Nothing, another text, the first line, half of it."""
    assert "SSH signature" in refusal(CONTENT, armored[: len(armored) // 2] if cut == "half" else cut, signers)


def test_signature_for_another_purpose_is_refused(keys, signers):
    """What somebody signed for Git, or as a file."""
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", str(keys[ADA])]
    made = subprocess.run(command, input=CONTENT, capture_output=True, check=True).stdout.decode()
    assert "made for 'git'" in refusal(CONTENT, made, signers)


def test_unknown_key_is_refused(keys, signers):
    """A good signature by nobody who may."""
    assert "nobody here has" in refusal(CONTENT, sign_bytes(CONTENT, keys[EVE]), signers)


def test_no_file_allows_nobody(armored, tmp_path):
    """A list that is not there, or empty, lets nobody in."""
    assert "nobody here has" in refusal(CONTENT, armored, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ('valid-before="20260105115959Z"', "expired"),
        ('valid-after="202601051201Z"', "not valid yet"),
        ('namespaces="git,file"', "not for this"),
    ],
)
def test_time_and_purpose_of_a_key_are_honoured(options, found, keys, armored, tmp_path):
    """As ssh-keygen honours them."""
    path = tmp_path / "allowed_signers"
    path.write_text(line(keys, ADA, options))
    assert found in refusal(CONTENT, armored, path)


def test_key_counts_until_its_end(keys, armored, tmp_path):
    """To the second."""
    path = tmp_path / "allowed_signers"
    path.write_text(line(keys, ADA, 'valid-after="20260105Z",valid-before="20260106Z"'))
    for at in (datetime(2026, 1, 5, tzinfo=timezone.utc), datetime(2026, 1, 6, tzinfo=timezone.utc)):
        assert verify_bytes(CONTENT, armored, path, at) == ADA
    assert "expired" in refusal(CONTENT, armored, path, datetime(2026, 1, 6, tzinfo=timezone.utc) + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda good: good + good.replace(ADA, BOB), "stands there twice"),
        (lambda good: good.replace(ADA, "*@example.com"), "the name"),
        (lambda good: good.replace(ADA, f"{ADA},{BOB}"), "the name"),
        (lambda good: good.replace(ADA, f"{ADA} cert-authority"), "the options"),
        (lambda good: good.replace(ADA, f'{ADA} valid-before="20260105"'), "the time"),
        (lambda good: good.replace(ADA, f'{ADA} valid-before="20261305Z"'), "the time"),
        (lambda good: good.replace(ADA, f"{ADA} valid-before="), "the options"),
        (lambda good: good.replace("ssh-ed25519 ", "ssh-rsa "), "not of the kind"),
        (lambda good: good.replace("AAAA", "!!!!"), "no base64"),
        (lambda good: good.split()[0], "no key"),
    ],
)
def test_line_that_cannot_be_read_is_an_error(change, found, keys):
    """OpenSSH skips such lines, and some would make one person two."""
    with pytest.raises(SigningError) as raised:
        parse_signers(change(line(keys, ADA)), origin="allowed_signers")
    assert found in raised.value.found
    assert "line" in raised.value.thing


def test_banned_key_counts_for_nobody(keys, armored, signers):
    """Also where the file lists it."""
    mark = read_armored(armored).fingerprint
    assert "demo" in refusal(CONTENT, armored, signers, banned={mark})
    with pytest.raises(SigningError, match="signature"):
        sign_bytes(CONTENT, keys[ADA], {mark})


def test_key_that_others_may_read_is_refused(keys, tmp_path):
    """Mode 0644; the next step mends it."""
    copy = tmp_path / "open"
    shutil.copy2(keys[ADA], copy)
    copy.chmod(0o644)
    with pytest.raises(SigningError) as raised:
        sign_bytes(CONTENT, copy)
    assert "0644" in raised.value.found
    assert "chmod 600" in raised.value.next_step


@pytest.mark.parametrize("content", [None, "no key", "folder"])
def test_what_is_no_key_is_refused(content, tmp_path):
    """No file, another file, a folder."""
    path = tmp_path / "key"
    if content == "folder":
        path.mkdir()
    elif content:
        path.write_text(content)
        path.chmod(0o600)
    with pytest.raises(SigningError, match="signing key"):
        sign_bytes(CONTENT, path)


def test_missing_ssh_keygen_names_the_package(keys, monkeypatch, tmp_path):
    """A machine without OpenSSH: what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SigningError, match="openssh-client"):
        sign_bytes(CONTENT, keys[ADA])


def test_verifying_needs_no_program(armored, signers, monkeypatch, tmp_path):
    """Anyone can verify, anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert verify_bytes(CONTENT, armored, signers, NOW) == ADA


def test_key_of_an_agent_signs(keys, tmp_path, monkeypatch):
    """The public half is named, and the private one is in the agent only."""
    started = subprocess.run(["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, text=True, check=True).stdout
    pid = next(word for word in started.replace(";", " ").split() if word.startswith("SSH_AGENT_PID=")).partition("=")[2]
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", str(keys[BOB])], check=True, capture_output=True)
        public = tmp_path / "bob.pub"
        shutil.copy2(keys[BOB].with_name(keys[BOB].name + ".pub"), public)
        path = tmp_path / "allowed_signers"
        path.write_text(line(keys, BOB))
        assert verify_bytes(CONTENT, sign_bytes(CONTENT, public), path, NOW) == BOB
    finally:
        os.kill(int(pid), 15)


def test_a_candidates_code_does_not_reach_who_signs():
    """Stages drop the key's path and the agent from their environment."""
    environment = {"WINDTUNNEL_SIGNING_KEY": "k", "SSH_AUTH_SOCK": "s", "SSH_AGENT_PID": "1", "HOME": "h"}
    forget_credentials(environment)
    assert environment == {"HOME": "h"}


def test_the_folders_words_are_those_of_a_new_project():
    """The repository's own policies/README.md is what `windtunnel init` writes."""
    root = Path(__file__).resolve().parents[3]
    assert (root / "policies/README.md").read_text() == policies_readme()


def test_letters_outside_ascii_are_refused(armored, signers):
    """In a signature and in a key: bad base64 of another kind than a wrong letter of ASCII."""
    begin, *_, end = armored.strip().splitlines()
    assert "armor" in refusal(CONTENT, f"{begin}\nääää\n{end}\n", signers)
    with pytest.raises(SigningError, match="line 1"):
        parse_signers("ada@example.com ssh-ed25519 ääää\n", origin="allowed_signers")
