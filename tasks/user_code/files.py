"""A user's files: where they lie, that they are those that params.yaml names, and Python files run.

What belongs here: files by path and SHA-256. What does not: what is in them.
"""

import hashlib
import re
import types
from pathlib import Path

from tasks.errors import ModelError, WindtunnelError
from tasks.paths import main_root
from tasks.user_code.quoting import quote_error


def find_source(root: Path, name: str, sha256: str, what: str, error: type[WindtunnelError] = ModelError) -> Path:
    """The file ``name`` below ``root``, or below the main checkout where ``root`` is a run's worktree and lacks it.

    Git does not carry large files into a worktree; the hash says that it is the same one. Raises ``error``, naming ``what`` it
    is, where there is none or its SHA-256 is another.
    """
    path = next((place for place in (root / name, main_root(root) / name) if place.is_file()), None)
    if path is None:
        raise error(
            f"{what} {name}",
            found="no such file",
            expected=f"a file with the hash {sha256}, as params.yaml says",
            next_step=f"put the file back, or the hash of `sha256sum {name}` into params.yaml",
        )
    with path.open("rb") as stream:
        require_hash(f"{what} {name}", hashlib.file_digest(stream, "sha256").hexdigest(), sha256, error)
    return path


def require_hash(what: str, found: str, expected: str, error: type[WindtunnelError] = ModelError) -> None:
    """Refuse, with ``error``, bytes that are not those that params.yaml names."""
    if found != expected:
        raise error(
            what,
            found=f"the hash {found}",
            expected=f"{expected}, as params.yaml says",
            next_step="put the former bytes back, or the new hash into params.yaml; `windtunnel run --challenger` does so",
        )


def run_source(source: bytes, file: str, what: str, error: type[WindtunnelError] = ModelError) -> types.ModuleType:
    """The module that ``source`` defines: the very bytes that were hashed are run.

    ``file`` is its name in errors, and no real path, so that none shows where the project lies. Raises ``error``, naming
    ``what`` it is, with the line where it raises or ends the program.
    """
    module = types.ModuleType("windtunnel_user_code")
    module.__file__ = file
    try:
        exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - the user's own file, named by the user
    except (Exception, SystemExit) as raised:
        raise error(
            f"{what} {file}",
            found=quote_error(raised, file=file, known=names_in(source)),
            expected="a Python file that runs",
            next_step=f"mend {file}; `python {file}` runs it alone",
        ) from None
    return module


def names_in(source: bytes) -> set[str]:
    """The words of the user's file: they may be quoted back, since they come from no row."""
    return set(re.findall(r"\w+", source.decode(errors="replace")))
