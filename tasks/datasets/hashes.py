"""Hashes of texts, files and code, and the one way to write a small file whole.

What belongs here: what needs neither Arrow nor a dataset. What does not: the meaning of a table (``logical``).
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

_CODE_ROOT = Path(__file__).resolve().parents[2]
"""Where this code runs from: a checkout (in a worktree, the worktree's), or the folder that the package is installed in."""
_SHIPPED = _CODE_ROOT / "tasks" / "shipped"
"""Where an installed package has what lies at a checkout's top level."""


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


def hash_path(place: Path) -> str:
    """SHA-256 of a file's bytes, or of the name and content of every file in a folder; empty where there is neither."""
    try:
        # Python writes __pycache__ while a stage runs, and .dvcignore leaves it out as well.
        files = [file for file in place.rglob("*") if file.is_file() and file.parent.name != "__pycache__"]
        if place.is_dir():
            return hash_mapping({file.relative_to(place).as_posix(): hash_file(file) for file in files})
        return hash_file(place)
    except FileNotFoundError:  # taken away, perhaps just now
        return ""


def locate_code(source: str) -> Path:
    """Where the source file or folder ``source`` (as stages name it: ``tasks/...`` or ``requirements.lock``) lies."""
    path = _CODE_ROOT / source
    return path if path.exists() else _SHIPPED / path.name


def code_hash(*sources: str) -> str:
    """SHA-256 of the source files below ``sources`` (files or folders, relative to the code's root), and of their names.

    It is the same in a checkout and in a package that was installed from it.
    """
    named: list[tuple[str, Path]] = []
    for source in sources:
        path = locate_code(source)
        files = sorted(path.rglob("*.py")) if path.is_dir() else []
        named += [(file.relative_to(_CODE_ROOT).as_posix(), file) for file in files] if path.is_dir() else [(source, path)]
    return hash_text(*(text for name, file in named for text in (name, hash_file(file))))


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
