"""``windtunnel.lock``: which version of the package a project runs on, as one file that every stage depends on.

What belongs here: that file, and refusing to run on another version. What does not: bringing a project to another version
(``upgrade``). A project of a user holds no code of ours: this file stands for it in the graph, so that an upgrade of the
package makes every stage stale, and nothing but an upgrade does.
"""

import json
import re
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from tasks.datasets import code_hash
from tasks.errors import ProjectError
from tasks.paths import ProjectPaths

SCHEMA_VERSION = 1
PACKAGE = "windtunnel"
LIBRARIES = ("duckdb", "great-expectations", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops")
"""The packages whose version can change a result."""
UPGRADE = "windtunnel upgrade"


@dataclass(frozen=True)
class VersionLock:
    """A version of the package: its number, the hash of its code, and the libraries that it computes with."""

    schema_version: int
    windtunnel: str
    code: str
    libraries: dict[str, str]

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def installed_version() -> VersionLock:
    """The version that this code is."""
    return VersionLock(
        schema_version=SCHEMA_VERSION,
        windtunnel=metadata.version(PACKAGE),
        code=code_hash("tasks", "requirements.lock"),
        libraries={name: metadata.version(name) for name in LIBRARIES},
    )


def read_version_lock(path: Path) -> VersionLock:
    """The version that the file at ``path`` names.

    Raises :class:`~tasks.errors.ProjectError` where it cannot be read, or was written by a newer version of the package.
    """
    try:
        content = json.loads(path.read_bytes())
        schema_version = int(content["schema_version"])
    except (OSError, ValueError, TypeError, KeyError):
        raise _no_lock(path) from None
    if schema_version > SCHEMA_VERSION:
        raise _newer(str(path), f"schema version {schema_version}", f"schema version {SCHEMA_VERSION}")
    try:
        found = VersionLock(**content)
    except TypeError:
        raise _no_lock(path) from None
    if not isinstance(found.libraries, dict):
        raise _no_lock(path)
    return found


def _no_lock(path: Path) -> ProjectError:
    return ProjectError(
        str(path),
        found="no version lock",
        expected="the JSON that `windtunnel init` wrote",
        next_step=f"restore it from Git, or write it anew with `{UPGRADE}`",
    )


def _newer(thing: str, found: str, expected: str) -> ProjectError:
    return ProjectError(
        thing,
        found=f"{found}, of a newer Windtunnel",
        expected=f"{expected}, or an earlier one",
        next_step="install the newer version of the package, by which the project was made",
    )


def require_not_newer(path: Path) -> None:
    """Refuse a project that a newer version of the package wrote; one whose lock is lost or damaged is not refused."""
    try:
        found = read_version_lock(path)
    except ProjectError as error:
        if "newer" in error.found:
            raise
        return
    here = metadata.version(PACKAGE)
    if _numbers(found.windtunnel) > _numbers(here):
        raise _newer(str(path), f"{PACKAGE} {found.windtunnel}", f"{PACKAGE} {here}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def is_clone(paths: ProjectPaths) -> bool:
    """Whether the project holds the code itself, and so has no version lock, but depends on its code directly."""
    return (paths.root / "tasks" / "stages").is_dir()


def require_same_version(paths: ProjectPaths) -> None:
    """Refuse to work on a user's project that was made for another version of the package or its libraries.

    Raises :class:`~tasks.errors.ProjectError`, also where the version lock is lost; a clone (:func:`is_clone`) has none.
    """
    if is_clone(paths):
        return
    wanted, here = read_version_lock(paths.version_lock), installed_version()
    if wanted == here:
        return
    raise ProjectError(
        f"the project in {paths.root}",
        found=f"{PACKAGE} {here.windtunnel} installed{_difference(wanted, here)}",
        expected=f"{PACKAGE} {wanted.windtunnel} as {paths.version_lock.name} names it, or results could not be repeated",
        next_step=f"{UPGRADE}, which shows what it changes; or install what {paths.version_lock.name} names",
    )


def _difference(wanted: VersionLock, here: VersionLock) -> str:
    other = [f"{name} {here.libraries[name]}" for name in LIBRARIES if wanted.libraries.get(name) != here.libraries[name]]
    if other:
        return f", with {', '.join(other)}"
    return ", with other code" if wanted.windtunnel == here.windtunnel else ""
