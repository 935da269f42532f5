"""A project of one's own: the profile of a table, and the way from a lake to the first verdict."""

import os
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measure import environment, measure, print_table
from benchmarks.pipeline import ANY_VERDICT
from tasks.demo.source import read_source
from tasks.founding import found_project
from tasks.projects.profile import profile_table
from tasks.projects.roles import Wishes
from tasks.projects.survey import LakeTable, Reading

_ROWS = 1_000_000
_FIRST_VERDICT_ROWS = 50_000


def one_profile() -> None:
    """A table of a million rows and 30 columns, personal data among them: its profile, and all of the proposal with it."""
    table = _wide_table()
    began = time.process_time()
    profile_table(table)
    profile = time.process_time() - began
    source = LakeTable("rows", tuple(table.column_names), lambda: Reading(table))
    began = time.process_time()
    found_project(source, folder=Path("bench"), lake="lake", wishes=Wishes("y"), k=5, now=datetime.now(timezone.utc), s3={})
    proposal = time.process_time() - began
    rows = [
        ["profile alone", f"{profile:.1f}", "10 CPU s"],
        ["profile, classes, k-anonymity, leaks, suites", f"{proposal:.1f}", ""],
    ]
    print_table(f"Profile of {_ROWS:,} rows x {table.num_columns} columns", ["what", "CPU s", "aim"], rows)


def _wide_table() -> pa.Table:
    rng = np.random.default_rng(1)
    numbers = np.arange(_ROWS)
    columns: dict[str, pa.Array] = {f"f{n}": pa.array(rng.normal(size=_ROWS)) for n in range(11)}
    columns |= {f"i{n}": pa.array(rng.integers(0, 10 ** (n + 1), _ROWS)) for n in range(5)}
    columns |= {f"c{n}": pa.array(rng.integers(0, 5 * 4**n, _ROWS)).cast(pa.string()) for n in range(4)}
    text = pa.array(numbers).cast(pa.string())
    columns["id"] = pc.binary_join_element_wise("K", text, "")
    columns["email"] = pc.binary_join_element_wise("user", text, "@example.org", "")
    columns["customer_id"] = pa.array(rng.integers(0, _ROWS // 4, _ROWS)).cast(pa.string())
    columns["birth"] = pa.array(np.datetime64("1940-01-01") + rng.integers(0, 24_000, _ROWS))
    columns["zip"] = pa.array(rng.integers(10_000, 99_999, _ROWS)).cast(pa.string())
    columns["sex"] = pa.array(rng.integers(0, 2, _ROWS))
    columns["age"] = pa.array(rng.integers(18, 90, _ROWS))
    columns["seen_at"] = pa.array((1.6e15 + numbers * 1e7).astype("datetime64[us]"))
    columns["score"] = pa.array(rng.random(_ROWS))
    columns["y"] = pa.array(rng.integers(0, 2, _ROWS))
    return pa.table(columns)


def first_verdict(scratch: Path) -> None:
    """From `windtunnel init` to the first verdict, on 50,000 real flights with time, key and entity."""
    lake = scratch / "flights-lake" / "flights"
    lake.mkdir(parents=True)
    found = read_source("flights")
    found = found.filter(pc.and_(pc.is_valid(found["arr_delay"]), pc.is_valid(found["tailnum"]))).slice(0, _FIRST_VERDICT_ROWS)
    names = ("time_hour", "carrier", "origin", "dest", "tailnum", "distance", "hour", "dep_delay")
    columns = {name: found[name] for name in names}
    columns["is_late"] = pc.greater(found["arr_delay"], 15).cast(pa.int8())
    pq.write_table(pa.table(columns), lake / "part-0.parquet")
    home = {"HOME": str(scratch), "XDG_CONFIG_HOME": os.fspath(scratch / "settings")}
    words = ["windtunnel", "init", "--into", "own", "--lake", str(lake.parent), "--label", "is_late"]
    init = measure(words, scratch, environment(**home))
    run = measure(["windtunnel", "run"], scratch / "own", environment(**home), codes=ANY_VERDICT)
    rows = [
        [name, f"{cost.cpu_seconds:.1f}", f"{cost.wall_seconds:.1f}", f"{cost.peak_mb:.0f}", aim]
        for name, cost, aim in (("windtunnel init", init, ""), ("windtunnel run", run, "60 s wall, with init"))
    ]
    print_table(f"The first verdict on {_FIRST_VERDICT_ROWS:,} rows", ["what", "CPU s", "wall s", "peak MB", "aim"], rows)
