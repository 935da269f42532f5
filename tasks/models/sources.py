"""Where a challenger's file lies, and that it is the one that params.yaml names.

What belongs here: files by path and SHA-256. What does not: what is in them.
"""

from pathlib import Path

from tasks.datasets import hash_file
from tasks.errors import ModelError
from tasks.paths import main_root


def find_source(root: Path, name: str, sha256: str, what: str) -> Path:
    """The file ``name`` below ``root``, or below the main checkout where ``root`` is a run's worktree and lacks it.

    Git does not carry large files into a worktree; the hash says that it is the same one. Raises
    :class:`~tasks.errors.ModelError`, naming ``what`` it is, where there is none or its SHA-256 is another.
    """
    path = next((place for place in (root / name, main_root(root) / name) if place.is_file()), None)
    if path is None:
        raise ModelError(
            f"{what} {name}",
            found="no such file",
            expected=f"a file with the hash {sha256}, as params.yaml says",
            next_step=f"put the file back, or the hash of `sha256sum {name}` into params.yaml",
        )
    require_hash(f"{what} {name}", hash_file(path), sha256)
    return path


def require_hash(what: str, found: str, expected: str) -> None:
    """Refuse, with a :class:`~tasks.errors.ModelError`, bytes that are not those that params.yaml names."""
    if found != expected:
        raise ModelError(
            what,
            found=f"the hash {found}",
            expected=f"{expected}, as params.yaml says",
            next_step="put the former bytes back, or the new hash into params.yaml; `windtunnel run --challenger` does so",
        )
