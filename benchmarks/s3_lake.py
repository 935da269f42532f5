"""A lake on S3, served on loopback: reading it as pin and snapshot do, beside boto3's own TransferManager, which hashes nothing."""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from s3transfer.futures import TransferFuture
from s3transfer.subscribers import BaseSubscriber

from benchmarks.measure import print_table
from tasks.params.snapshot import S3Params, SnapshotParams
from tasks.records import Pin
from tasks.sources import LocalLake, open_lake, pin_lake, write_snapshot
from tasks.sources.read_ahead import THREADS, ReadAhead
from tasks.sources.receive import open_hashed

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "shared"))

_OBJECTS = 200
_ROWS = 2_000
_TEXT_BYTES = 512
_REPEATS = 3
_BUCKET = "bench"


def lake_on_s3(scratch: Path) -> None:
    """Fetch the objects of a lake, whole and hashed, beside the TransferManager; then pin and snapshot them."""
    from s3_server import serve

    folder = scratch / "s3"
    total = _write_lake(folder / "lake")
    with serve() as store:
        store.bucket(_BUCKET)
        store.upload(folder / "lake", _BUCKET, "prod")
        os.environ.update(store.reader.environment())
        lake = open_lake(f"s3://{_BUCKET}/prod", folder, S3Params(endpoint=store.endpoint))
        here = LocalLake(folder / "lake")
        listing = lake.list_files("sales")
        manager = create_transfer_manager(store.client(store.reader), TransferConfig(max_concurrency=THREADS))

        def ours() -> None:
            with ReadAhead(partial(open_hashed, lake), listing) as ahead:
                for file in listing:
                    ahead.take(file).stream.close()

        def peer() -> None:
            waiting = [
                manager.download(_BUCKET, f"prod/{file.path}", BytesIO(), subscribers=[_Size(file.bytes)]) for file in listing
            ]
            for future in waiting:
                future.result()

        def pin() -> None:
            pins.append(pin_lake(lake, _params(), None))

        def snapshot() -> None:
            write_snapshot(lake, pins[-1], _params(), folder / f"out-{len(pins)}", pin_hash="", code_hash="")

        def local() -> None:
            write_snapshot(here, pins[-1], _params(), folder / f"local-{len(pins)}", pin_hash="", code_hash="")

        pins: list[Pin] = []
        found = _interleave({"peer": peer, "ours": ours, "pin": pin, "snapshot": snapshot, "local": local})
        manager.shutdown()
    _print(found, total / 1e6)
    shutil.rmtree(folder)


class _Size(BaseSubscriber):
    """Tells the TransferManager what a listing knows, or it would ask for each object's size first."""

    def __init__(self, size: int) -> None:
        self._size = size

    def on_queued(self, future: TransferFuture, **_: object) -> None:
        future.meta.provide_transfer_size(self._size)


def _print(found: dict[str, tuple[float, float]], megabytes: float) -> None:
    names = {
        "peer": "boto3's TransferManager into memory, no hash (peer)",
        "ours": "the lake into memory, ahead and hashed",
        "pin": "pin: listed before; fetched, hashed, times read",
        "snapshot": "snapshot: fetched, hashed, cut, sorted, hashed, written",
        "local": "the same snapshot of a local folder",
    }
    rows = [
        [name, f"{cpu:.2f}", f"{wall:.2f}", f"{megabytes / wall:.0f}", f"{found['peer'][0] / wall:.2f}"]
        for name, (wall, cpu) in ((names[key], found[key]) for key in names)
    ]
    print_table(
        f"A lake of {_OBJECTS} objects, {megabytes:.0f} MB, on S3 on loopback (aim: 0.75 of the peer)",
        ["what", "CPU s of the client", "wall s", "MB/s", "of the peer"],
        rows,
    )


def _interleave(ways: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """Median wall and CPU seconds of each way, run in turn."""
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(_REPEATS):
        for name, way in ways.items():
            wall, cpu = time.monotonic(), time.process_time()
            way()
            costs[name].append((time.monotonic() - wall, time.process_time() - cpu))
    return {name: (statistics.median(w for w, _ in found), statistics.median(c for _, c in found)) for name, found in costs.items()}


def _params() -> SnapshotParams:
    table = {"key": ["id"], "time": "known_utc", "known": "known_utc", "columns": ["id", "known_utc", "text"]}
    return SnapshotParams.model_validate(
        {"lake": f"s3://{_BUCKET}/prod", "as_of_utc": _moment(2), "purpose": "to measure", "tables": {"sales": table}}
    )


def _moment(day: int) -> datetime:
    return datetime(2013, 1, day, tzinfo=timezone.utc)


def _write_lake(folder: Path) -> int:
    """Objects of some 1 MB, of text that does not compress; returns the bytes of all."""
    random = np.random.default_rng(0)
    for number in range(_OBJECTS):
        texts = random.bytes(_ROWS * _TEXT_BYTES // 2).hex()
        table = pa.table(
            {
                "id": pa.array(np.arange(_ROWS) + number * _ROWS),
                "known_utc": pa.array([_moment(1)] * _ROWS, pa.timestamp("us", "UTC")),
                "text": pa.array([texts[i * _TEXT_BYTES : (i + 1) * _TEXT_BYTES] for i in range(_ROWS)]),
            }
        )
        file = folder / "sales" / f"day={number:03}" / "part-0.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(table, file, compression="none")
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))
