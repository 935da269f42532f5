"""The demo's two identities: published SSH keys, so that the demo is signed without set-up, and worth nothing for that reason.

What belongs here: the published keys, their fingerprints and files. What does not: signing with them, or refusing them outside the
demo: both are done with the fingerprints that a composition root hands on.
"""

import base64
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

DEMO_IDENTITIES = {
    "owner@demo.windtunnel.invalid": b"windtunnel demo owner: no secret",
    "reviewer@demo.windtunnel.invalid": b"windtunnel demo reviewer: public",
}
"""PUBLISHED: they stand in a public repository and PROVE NOTHING. Each is a private Ed25519 key: 32 bytes of ASCII text."""
OWNER, REVIEWER = DEMO_IDENTITIES


def _key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(DEMO_IDENTITIES[name])


def demo_public_key(name: str) -> str:
    """The two words of the public key of a demo identity, as a .pub file holds them."""
    return _key(name).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _fingerprint(name: str) -> str:
    blob = base64.b64decode(demo_public_key(name).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


DEMO_FINGERPRINTS = frozenset(_fingerprint(name) for name in DEMO_IDENTITIES)
"""As ``ssh-keygen -l`` prints them: refused outside the demo, whatever a list of signers says."""


def demo_key_path(state: Path, name: str) -> Path:
    """Where the key of a demo identity lies in a project's local state: ``demo-owner``, ``demo-reviewer``."""
    return state / f"demo-{name.partition('@')[0]}"


def write_demo_identities(state: Path) -> None:
    """Write the published keys into the folder ``state``, mode 0600, with their public halves; no file is overwritten."""
    state.mkdir(parents=True, exist_ok=True)
    for name in DEMO_IDENTITIES:
        private = _key(name).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        path = demo_key_path(state, name)
        _write(path, private)
        _write(path.with_name(path.name + ".pub"), f"{demo_public_key(name)} {name}\n".encode())


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(content)
        part.chmod(0o600)  # a part left by an earlier run keeps its old mode otherwise
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
