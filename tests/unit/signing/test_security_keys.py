"""Keys in hardware: a signature counts where somebody touched the key, and is checked against the real ``ssh-keygen``."""

import os
import subprocess

import pytest
from security_keys import TOUCHED, VERIFIED, SecurityKey
from signed_project import ADA, NOW, require_ssh_keygen

from tasks.errors import SigningError
from tasks.signing import verify_bytes
from tasks.signing.signers import parse_signers

CONTENT = b"the verdict"


@pytest.fixture(scope="module", params=["sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256"])
def key(request):
    return SecurityKey(request.param)


@pytest.fixture
def signers(key, tmp_path):
    path = tmp_path / "allowed_signers"
    path.write_text(f'{ADA} namespaces="windtunnel" {key.words}\n')
    return path


def accepts_openssh(signers, armored, content=CONTENT):
    """Whether ``ssh-keygen -Y verify`` takes it."""
    require_ssh_keygen("CI" in os.environ)
    made = signers.with_name("sig")
    made.write_text(armored)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", ADA, "-n", "windtunnel", "-s", str(made)]
    return subprocess.run(command, input=content, capture_output=True, check=False).returncode == 0


def refusal(armored, signers, content=CONTENT):
    with pytest.raises(SigningError) as raised:
        verify_bytes(content, armored, signers, NOW)
    assert raised.value.exit_code == 2
    return raised.value.found


@pytest.mark.parametrize("flags", [TOUCHED, TOUCHED | VERIFIED])
def test_touched_key_signs(flags, key, signers):
    """With a touch, and with a PIN too: as OpenSSH takes it."""
    made = key.sign(CONTENT, flags=flags)
    assert verify_bytes(CONTENT, made, signers, NOW) == ADA
    assert accepts_openssh(signers, made)


@pytest.mark.parametrize(
    "forged",
    [{"application": b"ssh:other"}, {"flags": 0, "told_flags": TOUCHED}, {"told_flags": TOUCHED | VERIFIED}, {"namespace": b"git"}],
    ids=str,
)
def test_signature_of_something_else_is_refused(forged, key, signers):
    """For another application or purpose, or with flags that the key has not signed: as OpenSSH refuses it."""
    made = key.sign(CONTENT, **forged)
    assert not accepts_openssh(signers, made)
    assert any(told in refusal(made, signers) for told in ("something else", "made for 'git'"))


def test_other_content_is_refused(key, signers):
    """As by any key."""
    made = key.sign(CONTENT)
    assert not accepts_openssh(signers, made, b"another")
    assert "something else" in refusal(made, signers, b"another")


@pytest.mark.parametrize("flags", [0, VERIFIED])
def test_untouched_key_is_refused(flags, key, signers):
    """As sshd does; `ssh-keygen -Y verify` does not look, which is why this is said here."""
    made = key.sign(CONTENT, flags=flags)
    assert "nobody touched" in refusal(made, signers)
    assert accepts_openssh(signers, made)


@pytest.mark.parametrize("options", ["no-touch-required", "verify-required", 'namespaces="windtunnel",no-touch-required'])
def test_options_of_authorized_keys_are_refused(options, key, signers):
    """OpenSSH knows them in another file only; left unheeded, they would promise what nobody checks."""
    text = f"{ADA} {options} {key.words}\n"
    with pytest.raises(SigningError, match="no-touch-required") as raised:
        parse_signers(text, origin="allowed_signers")
    assert options in raised.value.found
    signers.write_text(text)
    assert not accepts_openssh(signers, key.sign(CONTENT))


@pytest.mark.parametrize("kind", ["sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256"])
def test_another_key_of_its_kind_is_refused(kind, key, signers):
    """Well signed, by a key that nobody here has."""
    assert "nobody here has" in refusal(SecurityKey(kind).sign(CONTENT), signers)
