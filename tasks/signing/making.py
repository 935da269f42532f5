"""Making signatures: by ``ssh-keygen``, which knows agents, passphrases and keys in hardware.

What belongs here: whose key is used, how it must be kept, and calling the program. What does not: checking signatures
(``signers``). No key is read by this process; its path is on the command line, never what it holds.
"""

import shutil
import stat
import subprocess
from collections.abc import Mapping, Set
from pathlib import Path

from tasks.credentials import SIGNING_KEY
from tasks.errors import SigningError
from tasks.signing.sshsig import NAMESPACE, read_armored, refused, require_signature

_PATIENCE_SECONDS = 120
"""For a passphrase that is typed, or a security key that is touched."""


def find_key(environment: Mapping[str, str], given: Path | None = None) -> Path | None:
    """The signing key: ``given``, or the one that the environment names; None where there is none."""
    named = given if given is not None else environment.get(SIGNING_KEY)
    return Path(named).expanduser() if named else None


def require_key(environment: Mapping[str, str], given: Path | None = None) -> Path:
    """As :func:`find_key`; raises :class:`~tasks.errors.SigningError` where there is none."""
    key = find_key(environment, given)
    if key is None:
        raise SigningError(
            "signing key",
            found="none",
            expected=f"--key, or {SIGNING_KEY} in the environment: an SSH key's path",
            next_step="ssh-keygen -t ed25519 -f ~/.ssh/windtunnel, then --key ~/.ssh/windtunnel",
        )
    return key


def sign_bytes(content: bytes, key: Path, banned: Set[str] = frozenset()) -> str:
    """The armored signature of ``content`` by the key at ``key``: private, of mode 0600, or ``.pub`` of one that an agent holds.

    Keys whose fingerprint is ``banned`` are refused. Raises :class:`~tasks.errors.SigningError`.
    """
    _require_kept(key)
    armored = _run(key, "-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, content=content).decode(errors="replace")
    found = read_armored(armored)
    if found.fingerprint in banned:
        raise refused("the demo's published key, which anyone can use", "a key of your own outside the demo")
    require_signature(found, content)
    return armored


def key_fingerprint(key: Path) -> str:
    """The fingerprint of the key at ``key``, private or public. Raises :class:`~tasks.errors.SigningError`."""
    _require_kept(key)
    words = _run(key, "-l", "-f", str(key)).decode(errors="replace").split()
    if len(words) < 2 or not words[1].startswith("SHA256:"):
        raise _unusable(key, "no SSH key")
    return words[1]


def _run(key: Path, *words: str, content: bytes = b"") -> bytes:
    """What ``ssh-keygen`` prints; a passphrase is asked for on the terminal, never taken from the environment."""
    program = shutil.which("ssh-keygen")
    if program is None:
        raise SigningError(
            "ssh-keygen",
            found="no such program on this machine",
            expected="OpenSSH's ssh-keygen, which signs",
            next_step="install it: apt-get install openssh-client (Debian), then sign again",
        )
    try:
        done = subprocess.run([program, *words], input=content, capture_output=True, check=False, timeout=_PATIENCE_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise _unusable(key, f"no signature within {_PATIENCE_SECONDS} s: a passphrase or a touch that nobody gave") from None
    if done.returncode != 0:
        raise _unusable(key, _last_line(done.stderr))
    return done.stdout


def _require_kept(key: Path) -> None:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise _unusable(key, f"a file that cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise _unusable(key, "no file")
    if key.suffix != ".pub" and stat.S_IMODE(mode) & 0o077:
        raise _unusable(key, f"a private key of mode {stat.S_IMODE(mode):04o}, which others may read or write", f"chmod 600 {key}")


def _last_line(said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "ssh-keygen gave no signature and no reason"


def _unusable(key: Path, found: str, next_step: str = "ssh-add the key, or name another by --key") -> SigningError:
    return SigningError(
        f"signing key {key.name}",
        found=found,
        expected="an SSH private key of mode 0600, or the .pub of one that the agent holds",
        next_step=next_step,
    )
