"""How a command is measured: CPU seconds of it and all its children, wall seconds, and the peak of its largest process."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run of a command took."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


def environment(**extra: str) -> dict[str, str]:
    """This environment with this interpreter's scripts first, and no Prefect server chosen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", **extra}


def measure(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)) -> Cost:
    """Run ``command`` in ``folder`` once; raises ``RuntimeError`` with its last words where its exit code is not in ``codes``."""
    log = folder / ".bench.log"
    began = time.monotonic()
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(env or environment()), stdout=stream, stderr=stream, stdin=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} gave {process.returncode}: {log.read_text()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu_seconds", "wall_seconds", "peak_mb")))


def median_rates(ways: Mapping[str, tuple[int, Callable[[], object]]], repeats: int) -> dict[str, float]:
    """Rows a CPU second of each of ``ways`` (name -> rows, what handles them): medians of ``repeats`` interleaved runs."""
    timed: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (rows, function) in ways.items():
            began = time.process_time()
            function()
            timed[name].append(rows / (time.process_time() - began))
    return {name: statistics.median(found) for name, found in timed.items()}


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a Markdown table, so that figures can be pasted into a document."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    print(f"\n{title}\n")
    for row in (head, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
