"""An id names one key for good."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from masking_policies import KEY, OTHER_KEY, SECRET

from tasks.errors import MaskingKeyError
from tasks.masking import MaskingKey, bind_key, require_same_key


def test_first_use_is_remembered(tmp_path: Path) -> None:
    """The registry holds id and fingerprint, and nothing of the key; a second use changes nothing."""
    registry = tmp_path / "state" / "keys.json"
    bind_key(KEY, registry)
    before = registry.stat().st_mtime_ns
    bind_key(KEY, registry)
    assert json.loads(registry.read_text()) == {"test-1": KEY.fingerprint}
    assert registry.stat().st_mtime_ns == before
    assert SECRET.hex() not in registry.read_text()


def test_other_key_under_the_same_id_is_refused(tmp_path: Path) -> None:
    """The error names the id, both fingerprints, and both ways out; the registry stays."""
    registry = tmp_path / "keys.json"
    bind_key(KEY, registry)
    with pytest.raises(MaskingKeyError, match="test-1") as caught:
        bind_key(OTHER_KEY, registry)
    assert OTHER_KEY.fingerprint in caught.value.found
    assert KEY.fingerprint in caught.value.expected
    assert "new id" in caught.value.next_step
    assert json.loads(registry.read_text()) == {"test-1": KEY.fingerprint}


def test_rotation_takes_a_new_id(tmp_path: Path) -> None:
    """A new key under a new id joins the registry; the old one may still be used."""
    registry = tmp_path / "keys.json"
    rotated = MaskingKey("test-2", bytes(range(1, 33)))
    for key in (KEY, rotated, KEY):
        bind_key(key, registry)
    assert json.loads(registry.read_text()) == {"test-1": KEY.fingerprint, "test-2": rotated.fingerprint}


def test_keys_bound_at_once_are_all_remembered(tmp_path: Path) -> None:
    """Two stages that start together do not write over each other."""
    keys = [MaskingKey(f"test-{i}", bytes([i]) * 32) for i in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bind_key(key, tmp_path / "keys.json"), keys))
    assert json.loads((tmp_path / "keys.json").read_text()) == {key.id: key.fingerprint for key in keys}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"test-1": 7}', "null", "\xff"])
def test_broken_registry_is_refused(tmp_path: Path, content: str) -> None:
    """A registry that cannot be understood is no permission, and is not written over."""
    registry = tmp_path / "keys.json"
    registry.write_text(content, encoding="latin-1")
    with pytest.raises(MaskingKeyError, match="not a JSON object"):
        bind_key(KEY, registry)
    assert registry.read_text(encoding="latin-1") == content


def test_record_of_other_ids_does_not_matter() -> None:
    """Data masked under another id says nothing of this one."""
    require_same_key(KEY, {"test-0": OTHER_KEY.fingerprint}, origin="x")
    with pytest.raises(MaskingKeyError, match="test-1"):
        require_same_key(KEY, {"test-1": OTHER_KEY.fingerprint}, origin="x")
