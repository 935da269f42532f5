"""``python -m tasks <stage> [variant]``: run one stage of the pipeline in the current folder's project.

In a user's own project, where that could import a ``tasks`` of theirs, it is called as ``windtunnel stage``.

What belongs here: what every stage needs around it (parameters, inputs present and unchanged, signals, exit codes, one clear
message). What does not: what a stage does (``tasks.stages``). DVC calls this; a stage's exit code is 0, or 2 with one message
on stderr, or 130 where it was stopped; never 1, which is a verdict.
"""

import argparse
import ctypes
import errno
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType

import yaml

from tasks import telemetry
from tasks.credentials import forget_credentials, take_model_keys
from tasks.datasets import hash_file, hash_path, locate_code
from tasks.errors import ExitCode, StageError, WindtunnelError
from tasks.params import load_params
from tasks.paths import ProjectPaths, main_root
from tasks.projects.version_lock import require_same_version
from tasks.stages import LAKE_READER, MODEL_FETCHER, STAGE_NAMES, Stage, StageContext, load_stage
from tasks.stages.made_with import address_of, require_inputs_made_with

_STOPPED = 130
_NO_ROOM = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EFBIG: "a file may not grow further"}
_TELLING = (".json", "data/models")
"""What the names of inputs end in that may say which parameters they were made with."""
_PR_SET_PDEATHSIG = 1
_PARENT = os.getppid()
RUN_PROCESS = "WINDTUNNEL_RUN_PROCESS"
"""The environment variable that names the process of the run that a stage belongs to; none by hand."""


class _Stopped(BaseException):
    """SIGTERM arrived, or the run is over; not an ``Exception``, so that no stage takes it for a failure of its own."""


def main(arguments: Sequence[str] | None = None, program: str = "python -m tasks") -> int:
    """Run the stage that ``arguments`` name; returns the exit code. Nothing is raised but ``SystemExit`` on wrong usage.

    ``program`` is what it was called as, for its help.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        description="Run one stage of the pipeline in the current folder's project.",
        epilog=f"stages: {', '.join(STAGE_NAMES)}\nexample: {program} split by_time",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", metavar="stage", help="the stage to run")
    parser.add_argument("variant", nargs="?", help="a split's name, or what to validate")
    chosen = parser.parse_args(arguments)
    telemetry.switch_off()
    paths = ProjectPaths(Path.cwd())
    try:
        stop_with_parent()
        _run(chosen.stage, chosen.variant, paths)
    except WindtunnelError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, _Stopped):
        print(f"stage {chosen.stage}: stopped before it was done; nothing half-written counts", file=sys.stderr)
        return _STOPPED
    except Exception as error:
        return _fail(_explain(chosen.stage, error, paths))
    return ExitCode.PROMOTE


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return ExitCode.COULD_NOT_JUDGE


def stop_with_parent() -> None:
    """Let SIGTERM end the stage in order, and let the kernel send it when the parent dies: no stage outlives its run."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    signal.signal(signal.SIGTERM, stop)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != _PARENT or _is_run_over():  # it died before the kernel was asked, while this one was starting
        raise _Stopped


def _is_run_over() -> bool:
    number = os.environ.get(RUN_PROCESS, "")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):  # by hand; or it is there, as another user's
        return False
    return False


def _run(name: str, variant: str | None, paths: ProjectPaths) -> None:
    params_hash = hash_file(paths.params) if paths.params.exists() else ""
    require_same_version(paths)
    context = StageContext(paths=paths, params=load_params(paths.params), variant=variant)
    stage = load_stage(name)
    _check_variant(name, stage, context)
    reads = stage.reads(context)
    _check_reads(name, reads, paths)
    require_inputs_made_with(
        context.params, address_of(name, variant), {path: paths.root / path for path in reads if path.endswith(_TELLING)}
    )
    if not stage.is_key_holder:
        os.environ.pop(context.params.masking.key.env, None)  # a challenger's file is somebody's code
    if name != LAKE_READER:
        forget_credentials(os.environ)
    if name != MODEL_FETCHER:
        take_model_keys(os.environ)
    before = {"params.yaml": params_hash, **_fingerprints(reads, paths.root)}
    stage.run(context)
    after = _fingerprints(("params.yaml", *reads), paths.root)
    for path, found in before.items():
        if after[path] != found:
            raise StageError(
                f"stage {name}: {path}",
                found="it was changed while the stage ran",
                expected="inputs that stay the same, or the result would be taken for one of other inputs",
                next_step=f"dvc repro {name}",
            )


def _check_variant(name: str, stage: Stage, context: StageContext) -> None:
    allowed = stage.variants(context.params) if stage.variants else (None,)
    if context.variant not in allowed:
        choices = ", ".join(variant for variant in allowed if variant) or "no variant"
        raise StageError(
            f"stage {name}",
            found=f"the variant {context.variant!r}" if context.variant else "no variant",
            expected=choices,
            next_step="dvc stage list",
        )


def _check_reads(name: str, reads: Sequence[str], paths: ProjectPaths) -> None:
    for path in reads:
        if not _locate(path, paths.root).exists():
            raise StageError(
                f"stage {name}: {path}",
                found="no such file or folder",
                expected="the stage's input",
                next_step=_made_by(path, paths),
            )


def _locate(path: str, root: Path) -> Path:
    """Where an input of a stage lies: code where the code is, all else in the project."""
    return locate_code(path) if path.startswith("tasks/") else root / path


def _made_by(path: str, paths: ProjectPaths) -> str:
    """The command that makes the missing ``path``, as ``dvc.yaml`` declares it."""
    if paths.root / path == paths.pin:
        return "windtunnel pin"
    graph = yaml.safe_load(paths.graph.read_bytes()) if paths.graph.exists() else {}
    for stage, declared in graph.get("stages", {}).items():
        for kind in ("outs", "metrics", "plots"):
            for out in declared.get(kind, ()):
                pattern = re.sub(r"\\\$\\\{.*?\\\}", "[^/]+", re.escape(next(iter(out)) if isinstance(out, dict) else out))
                if re.fullmatch(f"{pattern}(/.*)?", path):
                    return f"dvc repro {stage}"
    return f"restore {path} from Git"


def _fingerprints(paths: Sequence[str], root: Path) -> dict[str, str]:
    """A hash of each path as it stands."""
    return {path: hash_path(_locate(path, root)) for path in paths}


def _explain(name: str, error: Exception, paths: ProjectPaths) -> str:
    """One message for an error that no stage foresaw; never its own words, which may quote a raw value."""
    reason = _exhausted(error)
    if reason is not None:
        return str(
            StageError(
                f"stage {name}",
                found=reason,
                expected="room for the stage's outputs; nothing half-written was kept",
                next_step=f"make room, then `dvc repro {name}` goes on where it stopped",
            )
        )
    if isinstance(error, OSError) and error.filename is not None:
        return str(
            StageError(
                f"stage {name}: {os.fsdecode(error.filename)}",
                found=error.strerror or type(error).__name__,
                expected="a file or folder that this account can read or write",
                next_step=f"mend it, then `dvc repro {name}`",
            )
        )
    return f"stage {name}: a bug in Windtunnel ({type(error).__name__}); please report it with {_write_crash(error, paths)}"


def _exhausted(error: Exception) -> str | None:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        where = f": {os.fsdecode(error.filename)}" if error.filename else ""
        return f"{_NO_ROOM[error.errno]}{where}"
    # DuckDB's and Arrow's own errors carry no errno; importing DuckDB only to name its class would cost every stage.
    if "no space left on device" in str(error).lower():
        return _NO_ROOM[errno.ENOSPC]
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        return "out of memory"
    return None


def _write_crash(error: Exception, paths: ProjectPaths) -> str:
    """Keep the traceback where only this account can read it, since it may hold raw values; outlives a run's worktree."""
    folder = ProjectPaths(main_root(paths.root)).state
    file = folder / f"crash-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    try:
        folder.mkdir(exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            traceback.print_exception(error, file=stream)
    except OSError as unwritten:
        return f"its traceback, which could not be written ({unwritten.strerror})"
    return str(file)


if __name__ == "__main__":
    sys.exit(main())
