"""What is read a piece at a time is held a piece at a time: far more rows take little more memory.

Each case runs in a process of its own, on rows that are made as they are asked for; what is compared is the growth of its peak
with the rows, against what these rows would take if they were held.
"""

import subprocess
import sys

import pytest

_COLUMNS, _PIECE_ROWS = 40, 50_000
_FEW, _MANY = 12, 30
"""Pieces; the fewer are already twice the rows that go through in one statement, so that all buffers have their size."""
_PREPARE = f"""
import resource, sys
from collections.abc import Iterator
from datetime import datetime, timezone
import numpy as np
import pyarrow as pa

NAMES = [f"c{{n}}" for n in range({_COLUMNS})]

class Made:
    columns = {{"id": "int64", "at": "timestamp[UTC]", "known": "timestamp[UTC]", "label": "int8"}} | dict.fromkeys(NAMES, "double")

    def pieces(self, columns=None) -> Iterator[pa.Table]:
        for number in range(int(sys.argv[1])):
            ids = np.arange({_PIECE_ROWS}, dtype="int64") + number * {_PIECE_ROWS}
            at = pa.array(ids).cast(pa.timestamp("us", "UTC"))
            made = {{"id": ids, "at": at, "known": at, "label": pa.array(ids % 2).cast(pa.int8())}}
            made |= {{name: np.sqrt(ids + place) for place, name in enumerate(NAMES)}}
            yield pa.table({{name: made[name] for name in columns or self.columns}})
"""
_FEATURES = """
from tasks.features import compute_features
from tasks.params.features import FeaturesParams
from tasks.params.models import LabelParams
from tasks.params.snapshot import TableParams

tables = {"t": TableParams(key=("id",), time="at", known="known", columns=tuple(Made.columns))}
columns = {f"f{n}": {"take": f"t.{name}"} for n, name in enumerate(NAMES)}
features = FeaturesParams.model_validate({"rows": "t", "at": {"column": "at", "minus_minutes": 0}, "columns": columns})
label = LabelParams(table="t", column="label", known="known", task="binary", positive=1)
found = compute_features({"t": Made()}, features, tables, label, as_of=datetime(2030, 1, 1, tzinfo=timezone.utc))
assert sum(piece.num_rows for piece in found) == int(sys.argv[1]) * 50_000
"""
_LEAKS = """
import pyarrow.compute as pc
from tasks.params.splits import TimeSplit
from tasks.splits import digest_rows, find_leaks

def keyed(rows):
    return rows.append_column("row_key", rows.column("id").cast(pa.string()))

def parted():
    for rows in Made().pieces(["id", "at"]):
        yield keyed(rows).append_column("part", pa.array(["train"] * rows.num_rows)).select(["row_key", "part"])

split = TimeSplit(kind="time", column="at", boundaries={"train": "2029-01-01", "validation": "2029-02-01"}, why="test")
with digest_rows((keyed(rows) for rows in Made().pieces()), ("id",), ["at"]) as rows:
    found = find_leaks("s", split, parted(), rows, time_column="at")
assert {finding.kind for finding in found} == {"empty_part"}
"""
_TELL = """
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def _peak_bytes(code: str, pieces: int) -> int:
    made = subprocess.run([sys.executable, "-c", _PREPARE + code + _TELL, str(pieces)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    return int(made.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param(_FEATURES, id="features"), pytest.param(_LEAKS, id="leaks between parts")])
def test_memory_does_not_grow_with_the_rows(code: str) -> None:
    """Of 900,000 rows more, less than half is held: their keys, times and labels, not what else they carry."""
    added = (_MANY - _FEW) * _PIECE_ROWS * _COLUMNS * 8
    assert _peak_bytes(code, _MANY) - _peak_bytes(code, _FEW) < added / 2
