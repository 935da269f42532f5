"""How a run shows itself: a live display on a terminal, plain lines anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flows.stage_runner import StageEvent

_WORDS = {"started": "…", "completed": "done", "up_to_date": "up to date", "failed": "FAILED"}


@contextmanager
def show_stages(root: Path) -> Iterator[None]:
    """Show every stage of a run of the pipeline in ``root`` while the context is open."""
    from flows.stage_runner import watch_stages

    with _terminal_display(root) if sys.stderr.isatty() else _plain_lines() as watcher, watch_stages(watcher):
        yield


class _PlainLines:
    """One line per finished stage."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    def __call__(self, event: "StageEvent") -> None:
        if event.state == "started":
            self._started[event.address] = time.monotonic()
            return
        begun = self._started.get(event.address)
        took = f"{time.monotonic() - begun:5.1f} s" if begun else "       "
        click.echo(f"  {event.address:<22} {_WORDS[event.state]:<11} {took}  {_after_colon(event.line)}".rstrip(), err=True)


def _after_colon(line: str) -> str:
    return line.partition(": ")[2] or line


@contextmanager
def _plain_lines() -> Iterator[_PlainLines]:
    yield _PlainLines()


@contextmanager
def _terminal_display(root: Path) -> Iterator["_Bar"]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from flows.stage_graph import count_stages

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task("stages", total=count_stages(root)))


class _Bar:
    """A bar over all stages, with a line per finished one above it."""

    def __init__(self, progress: "object", task: int) -> None:
        self._progress = progress
        self._task = task
        self._lines = _PlainLines()
        self._active: list[str] = []

    def __call__(self, event: "StageEvent") -> None:
        progress = self._progress
        if event.state == "started":
            self._active.append(event.address)
        elif event.address in self._active:
            self._active.remove(event.address)
        self._lines(event)
        step = 0 if event.state == "started" else 1
        progress.update(self._task, advance=step, description=", ".join(self._active) or "stages")  # type: ignore[attr-defined]


@contextmanager
def show_bytes(what: str) -> Iterator[Callable[[int, int], None]]:
    """A function that hears bytes done and bytes in all, and shows them as a bar on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _whole: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, whole: progress.update(task, completed=done, total=whole)


@contextmanager
def show_steps() -> Iterator[Callable[[str, int, int], None]]:
    """A function that hears what is being done, how many steps are done, and how many there are; a bar on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _whole: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, whole: progress.update(task, description=what, completed=done, total=whole)
