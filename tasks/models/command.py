"""A challenger that is a program of its own: given rows as files, asked for scores, and held to its limits.

What belongs here: the program's folder, environment and limits, and what it is told. What does not: what its scores must be
(``scores``), and ending its processes (``launch``). The program runs with the rights of whoever runs Windtunnel, and nothing
keeps it from the network: it is somebody's code, as a challenger's Python file is.
"""

import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tasks.datasets import write_atomically
from tasks.errors import ModelError
from tasks.params.models import Command
from tasks.paths import ProjectPaths, main_root
from tasks.user_code import find_source

OUT = "scores"
"""The file that the program writes, Parquet or CSV."""
_LAUNCHER = Path(__file__).with_name("launch.py")
_TAIL_BYTES = 20_000
_LOOK_SECONDS = 0.25
_STOP_SECONDS = 10
_SIGNALLED = 128
_WHAT = "challenger command"


def run_command(command: Command, root: Path, train: pa.Table, score: pa.Table, *, seed: int, folder: Path) -> Path:
    """Run ``command`` once in ``folder`` and return the file of scores that it wrote there.

    ``train``: row_key, at_utc, the features, and label, of labelled rows. ``score``: the same without label. Both are given as
    files whose paths take the place of ``{train}`` and ``{score}`` (Parquet), ``{train_csv}`` and ``{score_csv}``; ``{out}`` is
    where scores go, ``{seed}`` a number for what is drawn. The program's files lie in its own working folder, which is its HOME
    and TMPDIR too; of the caller's environment it has PATH alone.

    Raises :class:`~tasks.errors.ModelError` where the program cannot start, fails, takes longer, writes more or needs more
    memory than its limits allow, or writes no scores. What it printed last is kept in ``.windtunnel``, readable by this account
    alone, since it may quote rows.
    """
    given, work = folder / "given", folder / "work"
    given.mkdir()
    work.mkdir()
    for name, sha256 in command.files.items():
        shutil.copy2(find_source(root, name, sha256, _WHAT), work / Path(name).name)
    places = {"out": str(work / OUT), "seed": str(seed)} | _hand_over(command, given, {"train": train, "score": score})
    program = [_fill(argument, places) for argument in command.command]
    limits = command.limits
    bounds = [str(number) for number in (os.getpid(), limits.memory_bytes, limits.output_bytes)]
    launched = [sys.executable, "-I", str(_LAUNCHER), *bounds, *program]
    reason, tail = _supervise(launched, work, limits.time_seconds, limits.output_bytes)
    if reason:
        raise _failed(command, root, reason, tail)
    found = work / OUT
    if found.is_symlink() or not found.is_file():
        raise _failed(command, root, "ended well, and wrote no file of scores", tail)
    return found


def _hand_over(command: Command, folder: Path, tables: Mapping[str, pa.Table]) -> dict[str, str]:
    """Write the tables in the forms that the command asks for; placeholder -> path."""
    places = {}
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path)
        places[name] = str(path)
        if any(f"{{{name}_csv}}" in argument for argument in command.command):
            pa.csv.write_csv(table, folder / f"{name}.csv")
            places[f"{name}_csv"] = str(folder / f"{name}.csv")
    return places


def _fill(argument: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        argument = argument.replace(f"{{{name}}}", value)
    return argument


def _supervise(program: list[str], work: Path, time_seconds: int, output_bytes: int) -> tuple[str, bytes]:
    """Run ``program`` in ``work``; why it failed (empty: it did not), and the end of what it printed."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(work),
        "TMPDIR": str(work),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    process = subprocess.Popen(  # noqa: S603 - the user's own program, named by the user
        program, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    tail = b""
    try:
        reason, tail = _follow(process, work, time.monotonic() + time_seconds, time_seconds, output_bytes)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return reason or _explain(process.returncode), tail


def _follow(
    process: "subprocess.Popen[bytes]", work: Path, deadline: float, time_seconds: int, output_bytes: int
) -> tuple[str, bytes]:
    """Read what the program prints until it ends, or until it breaks a limit; (which one, the end of what it printed)."""
    tail, printed = b"", 0
    stream = process.stdout
    if stream is None:
        return "could not be listened to", tail
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if selector.select(_LOOK_SECONDS):
                chunk = os.read(stream.fileno(), 1 << 16)
                if not chunk:
                    process.wait()
                    return "", tail
                printed += len(chunk)
                tail = (tail + chunk)[-_TAIL_BYTES:]
            if time.monotonic() > deadline:
                return f"was still running after {time_seconds:,} seconds", tail
            if printed > output_bytes or _size(work) > output_bytes:
                return f"printed or wrote more than {output_bytes:,} bytes", tail


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # it was removed meanwhile
            continue
    return total


def _explain(code: int) -> str:
    if code == 0:
        return ""
    if code > _SIGNALLED or code < 0:
        number = -code if code < 0 else code - _SIGNALLED
        hint = ": it wrote a file larger than its limit" if number == 25 else ""
        return f"was ended by the signal {number}{hint}"
    return f"ended with the exit code {code}"


def _failed(command: Command, root: Path, reason: str, tail: bytes) -> ModelError:
    limits = command.limits
    log = ProjectPaths(main_root(root)).state / "command.log"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    os.close(os.open(log.with_name(log.name + ".part"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    write_atomically(log, tail)
    return ModelError(
        f"{_WHAT} {command.command[0]}",
        found=f"a program that {reason}",
        expected=f"scores in {{out}} and the exit code 0, within {limits.time_seconds:,} seconds, {limits.memory_bytes:,} bytes of "
        f"memory for each process and {limits.output_bytes:,} bytes of output",
        next_step=f"look at what it printed last, in .windtunnel/{log.name}; limits stand in models.challenger.limits",
    )


def working_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for one run of a command, which is gone with all that it wrote once it is left."""
    return tempfile.TemporaryDirectory(prefix="windtunnel-command-", ignore_cleanup_errors=True)
