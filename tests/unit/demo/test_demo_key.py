"""The published key: known by its fingerprint, written for its owner only, never over another."""

import hashlib
from pathlib import Path

from tasks.demo import DEMO_KEY_FINGERPRINT, DEMO_KEY_HEX, write_demo_key


def test_the_fingerprint_is_that_of_the_key() -> None:
    """Sixteen hexadecimal digits of a domain-separated hash of the key's 32 bytes."""
    key = bytes.fromhex(DEMO_KEY_HEX)
    assert len(key) == 32
    assert hashlib.sha256(b"windtunnel/key-fingerprint/v1" + key).hexdigest()[:16] == DEMO_KEY_FINGERPRINT


def test_the_key_file_is_the_owners_only(tmp_path: Path) -> None:
    """Mode 0600 in a folder that need not exist, and nothing beside it."""
    path = tmp_path / "state" / "masking.key"
    write_demo_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() == DEMO_KEY_HEX
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    """A user's own key is never overwritten."""
    path = tmp_path / "masking.key"
    path.write_text("mine")
    write_demo_key(path)
    assert path.read_text() == "mine"
