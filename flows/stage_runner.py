"""One DVC stage as one Prefect task, with its live log, its state and its artifact.

What belongs here: running what :mod:`flows.stage_graph` planned. What does not: any knowledge of what a stage does.
Each stale stage runs as ``dvc repro --single-item`` in a process group of its own, which dies with the flow.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, cast

from prefect import State, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.programs import PRIVATE_UMASK, end_with_parent, stage_environment
from flows.run_inputs import hash_run_inputs, require_as_begun
from flows.stage_graph import PlannedStage, plan_stages, read_outputs
from tasks.errors import StageError

StageState = Literal["started", "completed", "up_to_date", "failed"]
_UNCHANGED = "didn't change, skipping"
"""What DVC prints when a stage's turn comes and none of its dependencies have changed."""
TASK_RUNNER = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=2))
"""Threads, for stages are processes already; two side by side, for each uses more than one core in places."""


@dataclass(frozen=True)
class StageEvent:
    """What happened to one stage; ``line`` is the last line that it printed."""

    address: str
    state: StageState
    line: str = ""


_watchers: list[Callable[[StageEvent], None]] = []
_running: set[subprocess.Popen[str]] = set()
_is_stopping = threading.Event()
"""Set when a run ends: a task that still waits for its thread must not start a stage that nobody would stop."""
_interrupts: list[int] = []
"""Ctrl-C since the run's stages were begun. A list, for a handler of signals may take no lock."""


@contextmanager
def watch_stages(watcher: Callable[[StageEvent], None]) -> Iterator[None]:
    """Call ``watcher`` with each :class:`StageEvent` of this process while the context is open."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def run_stages(root: Path, targets: Sequence[str] = ()) -> tuple[str, ...]:
    """Bring ``targets`` (all stages, if none are named) of the project in ``root`` up to date, as tasks of the current flow.

    Returns the addresses of the stages that ran. Raises :class:`~tasks.errors.StageError` with what the first failing stage
    said, or naming what was edited since the run began (:mod:`flows.run_inputs`); what depends on it is not started. However
    this ends, no process of a stage is left behind.
    """
    begun = hash_run_inputs(root)
    planned = plan_stages(root, targets)
    futures: dict[str, PrefectFuture[Any]] = {}
    _is_stopping.clear()
    with _stop_when_interrupted():
        try:
            for stage in planned:
                waits = [futures[name] for name in stage.upstream]
                named = run_stage.with_options(task_run_name=stage.address)
                futures[stage.address] = named.submit(str(root), stage, begun, wait_for=waits, return_state=False)
            wait(list(futures.values()))
        finally:
            stop_running_stages()
        if _interrupts:
            raise KeyboardInterrupt
    for stage in planned:
        state = futures[stage.address].state
        if state.is_failed() or state.is_crashed() or state.is_cancelled():
            error = state.result(raise_on_failure=False)
            raise (
                error
                if isinstance(error, Exception)
                else StageError(
                    f"stage {stage.address}",
                    found=str(state.name),
                    expected="a stage that completes",
                    next_step=f"dvc repro {stage.address}",
                )
            )
    require_as_begun(root, begun)
    return tuple(stage.address for stage in planned if futures[stage.address].state.name == "Completed")


@contextmanager
def _stop_when_interrupted() -> Iterator[None]:
    """Let Ctrl-C end the stages even where the exception that Python makes of it gets lost, as in a library's bare ``except``."""
    _interrupts.clear()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        _interrupts.append(number)
        for process in list(_running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        before(number, frame)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@task(name="stage", persist_result=False)
def run_stage(root: str, stage: PlannedStage, begun: dict[str, str]) -> State[Any]:
    """Run one stage of the project in ``root`` if it is stale; its state is ``Completed`` or ``UpToDate``.

    ``begun`` is what the run was declared by when it began (:mod:`flows.run_inputs`).
    """
    folder = Path(root)
    require_as_begun(folder, begun)
    if not stage.is_stale:
        _tell(StageEvent(stage.address, "up_to_date"))
        return Completed(name="UpToDate", message="nothing that it depends on has changed")
    _tell(StageEvent(stage.address, "started"))
    lines = _run_dvc(folder, stage.address)
    require_as_begun(folder, begun)
    is_unchanged = any(_UNCHANGED in line for line in lines)
    _publish_outputs(folder, stage.address)
    said = [line for line in lines if line.startswith(stage.address.split("@")[0].split("_")[0])]
    _tell(StageEvent(stage.address, "up_to_date" if is_unchanged else "completed", said[-1] if said else ""))
    return Completed(name="UpToDate") if is_unchanged else Completed(name="Completed", message=said[-1] if said else "done")


def _tell(event: StageEvent) -> None:
    for watcher in _watchers:
        watcher(event)


def _run_dvc(root: Path, address: str) -> list[str]:
    logger = get_run_logger()
    command = [str(Path(sys.executable).parent / "dvc"), "--wait-for-lock", "repro", "--single-item", address]
    process = subprocess.Popen(  # noqa: S603 - a fixed program and a stage's address from dvc.yaml
        command,
        cwd=root,
        env=stage_environment(address),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
        umask=PRIVATE_UMASK,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - only one prctl call
    )
    _running.add(process)
    lines = []
    try:
        if _is_stopping.is_set() or _interrupts:
            raise StageError(
                f"stage {address}", found="the run was stopped", expected="a run that goes on", next_step="start it again"
            )
        for line in process.stdout or ():
            text = line.rstrip()
            lines.append(text)
            if text:
                logger.info(text)
        code = process.wait()
    finally:
        _running.discard(process)
        _stop_group(process)
    if code != 0:
        _tell(StageEvent(address, "failed"))
        raise StageError(
            f"stage {address} failed (exit code {code})",
            found="\n            ".join(_what_it_said(lines)),
            expected="a stage that completes",
            next_step=f"mend what it says, then start again; by hand: dvc repro {address}",
        )
    return lines


def _what_it_said(lines: list[str]) -> list[str]:
    """The stage's own last words, without what DVC prints around them."""
    own = [line for line in lines if line.strip() and not line.startswith(("Running stage", "> ", "ERROR: failed to reproduce"))]
    return own[-12:] or ["nothing was printed"]


def _stop_group(process: subprocess.Popen[str]) -> None:
    """End whatever is left of a stage's process group: an orphan could still write into ``data/``."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue


def stop_running_stages() -> None:
    """End every stage process that this process started and that still runs, and start no other."""
    _is_stopping.set()
    for process in list(_running):
        _stop_group(process)


def _publish_outputs(root: Path, address: str) -> None:
    outputs = read_outputs(root, address)
    create_table_artifact(
        key=f"stage-{address.replace('@', '-').replace('_', '-')}",
        table=[{"output": o.path, "files": o.files, "bytes": o.size, "md5": o.md5} for o in outputs],
        description=f"What the stage `{address}` wrote, as recorded in dvc.lock",
    )
