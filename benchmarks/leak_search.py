"""The search for planted markers in many small files and in a large one, in MB a CPU second."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.measure import print_table
from tasks.canaries import Marker, Needles, search_file, search_files

_FILES, _FILE_BYTES, _FILES_ALONE = 5_000, 8_000, 200
_LARGE_BYTES = 100_000_000
_COLUMNS = 20
_REPEATS = 3


def leak_search(scratch: Path) -> None:
    """Files as logs and JSON are: printable; markers of twenty columns, none of which is there."""
    scratch.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    small = [scratch / f"{number}.log" for number in range(_FILES)]
    for path in small:
        path.write_bytes(rng.integers(32, 127, _FILE_BYTES, np.uint8).tobytes())
    large = scratch / "large.log"
    large.write_bytes(rng.integers(32, 127, _LARGE_BYTES, np.uint8).tobytes())
    needles = Needles(Marker(table="t", column=f"c{number}", kind="text", text=rng.bytes(12).hex()) for number in range(_COLUMNS))
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        f"{_FILES:,} files of {_FILE_BYTES / 1000:.0f} kB, together": (_FILES * _FILE_BYTES, lambda: search_files(small, needles)),
        "the same, each by itself (peer)": (
            _FILES_ALONE * _FILE_BYTES,
            lambda: [search_file(path, needles) for path in small[:_FILES_ALONE]],
        ),
        f"one file of {_LARGE_BYTES / 1e6:.0f} MB": (_LARGE_BYTES, lambda: search_file(large, needles)),
    }
    timed: dict[str, list[float]] = {}
    for _ in range(_REPEATS):
        for name, (size, function) in ways.items():
            began = time.process_time()
            function()
            timed.setdefault(name, []).append(size / 1e6 / (time.process_time() - began))
    rows = [[name, f"{statistics.median(found):,.0f}"] for name, found in timed.items()]
    print_table(f"Markers of {_COLUMNS} columns searched for, load {os.getloadavg()[0]:.0f}", ["what", "MB per CPU s"], rows)
