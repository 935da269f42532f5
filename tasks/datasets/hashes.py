"""Hashes of texts, files and code, and the one way to write a small file whole.

What belongs here: what needs neither Arrow nor a dataset. What does not: the meaning of a table (``logical``).
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

_CODE_ROOT = Path(__file__).resolve().parents[2]
"""The checkout that this code runs from: in a worktree, the worktree's."""


def hash_text(*parts: str) -> str:
    """SHA-256 of several texts, each length-prefixed so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def hash_mapping(values: Mapping[str, object]) -> str:
    """SHA-256 of a mapping's canonical JSON (sorted keys); the form of every reuse key and definition hash."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def code_hash(*sources: str) -> str:
    """SHA-256 of the source files below ``sources`` (files or folders, relative to the code's root), and of their names."""
    files = []
    for source in sources:
        path = _CODE_ROOT / source
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return hash_text(*(text for file in files for text in (file.relative_to(_CODE_ROOT).as_posix(), hash_file(file))))


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` beside ``path`` and rename, so that a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
