"""Everything that a run needs, checked before it is missed; nothing is changed.

What belongs here: one small check per need. What does not: mending anything.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from flows.server import find_server, is_healthy
from tasks.errors import WindtunnelError
from tasks.params import Params, load_params
from tasks.paths import ProjectPaths, main_root
from tasks.projects.version_lock import require_same_version
from tasks.signing import find_key, key_fingerprint, require_signer
from tasks.stages.policies import read_state

_DISK_BYTES = 2 * 1024**3
_LOCKED = ("prefect", "dvc", "great-expectations", "pandas", "pyarrow", "duckdb", "scikit-learn", "skops")


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; ``next_step`` is empty where all is well."""

    name: str
    is_well: bool
    found: str
    next_step: str = ""


def examine(paths: ProjectPaths) -> tuple[Finding, ...]:
    """Run every check on the project; a check that itself fails is a finding, not an error."""
    checks: dict[str, Callable[[ProjectPaths], Finding]] = {
        "python": _python,
        "packages": _packages,
        "git": _git,
        "params.yaml": _params,
        "lake": _lake,
        "masking key": _masking_key,
        "data cache": _cache,
        "disk": _disk,
        "signing key": _signing_key,
        "workflow server": _server,
    }
    return tuple(_attempt(name, check, paths) for name, check in checks.items())


def _attempt(name: str, check: Callable[[ProjectPaths], Finding], paths: ProjectPaths) -> Finding:
    try:
        return check(paths)
    except WindtunnelError as error:
        return Finding(name, False, f"{error.thing}: {error.found}", error.next_step)
    except OSError as error:
        return Finding(name, False, str(error), "mend what it says")


def _python(paths: ProjectPaths) -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    is_well = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Finding("python", is_well, found, "" if is_well else "install Python 3.11 or 3.12, and Windtunnel with it")


def _packages(paths: ProjectPaths) -> Finding:
    if paths.version_lock.is_file():
        require_same_version(paths)
        return Finding("packages", True, f"windtunnel {metadata.version('windtunnel')}, as {paths.version_lock.name} names it")
    lines = paths.requirements.read_text().splitlines() if paths.requirements.exists() else []
    locked = {line.split("==")[0]: line.split("==")[1].split()[0] for line in lines if "==" in line and not line.startswith(" ")}
    other = [name for name in _LOCKED if locked.get(name, "") != metadata.version(name)]
    if other:
        return Finding("packages", False, f"not as in requirements.lock: {', '.join(other)}", "make install")
    return Finding("packages", True, f"{len(_LOCKED)} main packages as in requirements.lock")


def _signing_key(paths: ProjectPaths) -> Finding:
    """A key that cannot sign is told before a run, not after it."""
    key = find_key(os.environ)
    if key is None:
        return Finding("signing key", True, "none: verdicts are not signed here, and promote nothing")
    mark, state = key_fingerprint(key), read_state(paths, load_params(paths.params))
    if state.in_force is None:
        return Finding("signing key", True, f"{mark}; no policy is signed yet, so verdicts are rehearsals")
    signer = require_signer(state.signers, mark, datetime.now(timezone.utc))
    return Finding("signing key", True, f"{mark}, {signer.principal}")


def _git(paths: ProjectPaths) -> Finding:
    if shutil.which("git") is None:
        return Finding("git", False, "no git program", "install git")
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=paths.root, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode != 0:
        return Finding("git", False, "no commit here; refreshes and candidates need one", "git init && git add -A && git commit")
    return Finding("git", True, f"at commit {done.stdout.strip()}")


def _params(paths: ProjectPaths) -> Finding:
    params = load_params(paths.params)
    return Finding(
        "params.yaml",
        True,
        f"{len(params.snapshot.tables)} tables, {len(params.features.names)} features, {len(params.gates.criteria)} criteria",
    )


def _lake(paths: ProjectPaths) -> Finding:
    from tasks.sources import list_table, open_lake

    params = load_params(paths.params)
    lake = open_lake(params.snapshot.lake, paths.root, params.snapshot.s3)
    files = sum(len(list_table(lake, name, table)) for name, table in params.snapshot.tables.items())
    return Finding(
        "lake",
        files > 0,
        f"{params.snapshot.lake}: {files:,} files; {lake.access}",
        "" if files else "mend snapshot.lake in params.yaml",
    )


def _masking_key(paths: ProjectPaths) -> Finding:
    from tasks.keyholding.rotation import read_rotations
    from tasks.stages import StageContext
    from tasks.stages.keys import load_stage_key

    params: Params = load_params(paths.params)
    load_stage_key(StageContext(paths, params))
    unfinished = read_rotations(paths).unfinished
    if unfinished is not None:
        found = f"a rotation from {unfinished.old_id} to {unfinished.new_id} was interrupted; {params.masking.key.id} is used"
        return Finding("masking key", False, found, "windtunnel mask rotate")
    return Finding("masking key", True, f"{params.masking.key.id}: present, private")


def _cache(paths: ProjectPaths) -> Finding:
    cache = main_root(paths.root) / ".dvc" / "cache"
    if not cache.exists():
        return Finding("data cache", True, "empty; the first run fills it")
    mode = stat.S_IMODE(cache.stat().st_mode)
    is_well = mode & 0o077 == 0
    return Finding(
        "data cache", is_well, f"mode {mode:04o}", "" if is_well else f"chmod 700 {_relative(cache)}: it may hold raw personal data"
    )


def _relative(path: Path) -> str:
    return os.path.relpath(path)


def _disk(paths: ProjectPaths) -> Finding:
    free = shutil.disk_usage(paths.root).free
    return Finding(
        "disk",
        free > _DISK_BYTES,
        f"{free / 1024**3:.1f} GiB free",
        "" if free > _DISK_BYTES else "free some space: a run needs 2 GiB or more",
    )


def _server(paths: ProjectPaths) -> Finding:
    chosen = os.environ.get("PREFECT_API_URL")
    if chosen:
        return Finding(
            "workflow server",
            is_healthy(chosen),
            f"PREFECT_API_URL={chosen}",
            "" if is_healthy(chosen) else "start it, or unset PREFECT_API_URL",
        )
    running = find_server(paths.root)
    return Finding(
        "workflow server", True, running.ui_url if running else "not running; a run starts its own, `windtunnel up` keeps one"
    )
