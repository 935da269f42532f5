"""The demo's masking key: published, so that `make demo` needs no set-up, and worth nothing for that reason.

What belongs here: the published key, its fingerprint, and writing it where masking looks for a key. What does not: using
it, or refusing it for another lake: masking does both, with the fingerprint that a composition root hands it.
"""

import hashlib
import os
from pathlib import Path

DEMO_KEY_HEX = "77696e6474756e6e656c2064656d6f206b65793a2070726f7465637473206e6f"
"""PUBLISHED: it stands in a public repository and PROTECTS NOTHING. It is the ASCII text "windtunnel demo key: protects no"."""

DEMO_KEY_FINGERPRINT = hashlib.sha256(b"windtunnel/key-fingerprint/v1" + bytes.fromhex(DEMO_KEY_HEX)).hexdigest()[:16]
"""Fingerprint of the published key, as masking computes it of any key: masking refuses it for any lake but the demo's."""


def write_demo_key(path: Path) -> None:
    """Write the published key as 64 hexadecimal digits to ``path``, mode 0600; an existing file is left as it is.

    The file is created with its final mode and appears whole. A user's own key that lies there is never overwritten.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(DEMO_KEY_HEX + "\n")
        part.chmod(0o600)  # a part left by an earlier run keeps its old mode otherwise
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
