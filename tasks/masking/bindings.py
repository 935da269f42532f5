"""Which key an id belongs to: an id names one key for good, so that tokens of two keys are never taken for those of one.

What belongs here: remembering the fingerprint of the first key that came under an id, and refusing another. What does not:
loading a key (``keys``). DVC cannot see a secret change; it sees the id, and that is why the id must change with the key.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from tasks.datasets import write_atomically
from tasks.errors import MaskingKeyError
from tasks.masking.keys import MaskingKey


def require_same_key(key: MaskingKey, recorded: Mapping[str, str], *, origin: str) -> None:
    """Raise :class:`~tasks.errors.MaskingKeyError` where ``recorded`` (id -> fingerprint) has another key under ``key.id``.

    ``origin`` names, for the error, where that stands.
    """
    known = recorded.get(key.id)
    if known is not None and known != key.fingerprint:
        raise MaskingKeyError(
            f"masking key {key.id!r}",
            found=f"a key with fingerprint {key.fingerprint}",
            expected=f"fingerprint {known}, as recorded in {origin}",
            next_step="restore the key of that id, or give the new key a new id in params.yaml under masking.key.id",
        )


def bind_key(key: MaskingKey, registry: Path) -> None:
    """Remember ``key`` in the file ``registry`` (JSON, id -> fingerprint) if its id is new there; refuse another under its id.

    Raises :class:`~tasks.errors.MaskingKeyError` on another key, and on a registry that cannot be understood.
    """
    recorded = _read(registry)
    require_same_key(key, recorded, origin=str(registry))
    if key.id in recorded:
        return
    registry.parent.mkdir(parents=True, exist_ok=True)
    # Two stages may bind their first keys at once: whoever comes second must see what the first one wrote.
    folder = os.open(registry.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        recorded = _read(registry)
        require_same_key(key, recorded, origin=str(registry))
        text = json.dumps({**recorded, key.id: key.fingerprint}, indent=1, sort_keys=True) + "\n"
        write_atomically(registry, text.encode())
    finally:
        os.close(folder)


def _read(registry: Path) -> dict[str, str]:
    try:
        recorded = json.loads(registry.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        recorded = None
    if isinstance(recorded, dict) and all(isinstance(fingerprint, str) for fingerprint in recorded.values()):
        return recorded
    raise MaskingKeyError(
        str(registry),
        found="not a JSON object of key ids and fingerprints",
        expected='for example {"production-1": "0123456789abcdef"}',
        next_step="restore it; without a copy, delete it and compare key_fingerprint in data/masked/manifest.json with your key's",
    )
