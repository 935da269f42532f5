"""Lakes on S3, served on loopback: reading them as pin and snapshot do, beside boto3's TransferManager, which hashes nothing."""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
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

_REPEATS = 5
_BUCKET = "bench"
_PARTITIONS = 3_000
_KNOWN = datetime(2013, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class _Shape:
    """What a lake is made of."""

    name: str
    objects: int
    rows: int
    """Of each object."""
    make: Callable[[np.random.Generator, int], dict[str, pa.Array]]
    ending: str = ".parquet"


def _text(random: np.random.Generator, rows: int) -> dict[str, pa.Array]:
    """Text that hardly compresses."""
    texts = random.bytes(rows * 256).hex()
    return {"text": pa.array([texts[i * 512 : (i + 1) * 512] for i in range(rows)])}


def _mixed(random: np.random.Generator, rows: int) -> dict[str, pa.Array]:
    """Measurements, amounts, counts, codes, times."""
    codes = np.array([f"code-{number:03}" for number in range(300)])
    return {
        **{f"measure_{i}": pa.array(random.normal(size=rows)) for i in range(4)},
        **{f"amount_{i}": pa.array(np.round(random.gamma(2.0, 40.0, rows), 2)) for i in range(4)},
        **{f"count_{i}": pa.array(random.poisson(9, rows)) for i in range(4)},
        **{f"code_{i}": pa.array(codes[random.integers(0, 300, rows)]) for i in range(4)},
        "seen_utc": pa.array(random.integers(0, 10**15, rows), pa.timestamp("us", "UTC")),
    }


_SHAPES = (
    _Shape("Parquet, text", 100, 2_000, _text),
    _Shape("Parquet, mixed", 100, 8_000, _mixed),
    _Shape("Parquet, mixed", 4, 200_000, _mixed),
    _Shape("CSV, mixed", 100, 5_500, _mixed, ".csv"),
    _Shape("CSV, mixed", 4, 140_000, _mixed, ".csv"),
)


def lake_on_s3(scratch: Path) -> None:
    """Fetch the objects of some lakes, whole and hashed, beside the TransferManager; then pin and snapshot them."""
    rows = []
    for number, shape in enumerate(_SHAPES):
        folder = scratch / f"s3-{number}"
        rows += _one_lake(shape, folder)
        shutil.rmtree(folder)
    print_table(
        "Lakes on S3 on loopback (aim: 0.75 of the peer, boto3's TransferManager into memory, which hashes nothing)",
        ["lake", "what", "CPU s of the client", "wall s", "MB/s", "of the peer"],
        rows,
    )
    _listing()


def _one_lake(shape: _Shape, folder: Path) -> list[list[str]]:
    from s3_server import serve

    total = _write_lake(shape, folder / "lake")
    with serve() as store:
        store.bucket(_BUCKET)
        store.upload(folder / "lake", _BUCKET, "prod")
        os.environ.update(store.reader.environment())
        lake = open_lake(f"s3://{_BUCKET}/prod", folder, S3Params(endpoint=store.endpoint))
        here = LocalLake(folder / "lake")
        listing = lake.list_files("sales")
        params = _params(shape)
        manager = create_transfer_manager(store.client(store.reader), TransferConfig(max_concurrency=THREADS))
        pins: list[Pin] = []

        def fetch() -> None:
            with ReadAhead(partial(open_hashed, lake), listing) as ahead:
                for file in listing:
                    ahead.take(file).stream.close()

        def peer() -> None:
            waiting = [
                manager.download(_BUCKET, f"prod/{file.path}", BytesIO(), subscribers=[_Size(file.bytes)]) for file in listing
            ]
            for future in waiting:
                future.result()

        def copy(source: object, name: str) -> None:
            write_snapshot(source, pins[-1], params, folder / f"{name}-{len(pins)}", pin_hash="", code_hash="")

        found = _interleave(
            {
                "boto3's TransferManager (peer)": peer,
                "fetched and hashed": fetch,
                "pin": lambda: pins.append(pin_lake(lake, params, None)),
                "snapshot": lambda: copy(lake, "out"),
                "snapshot of a local folder": lambda: copy(here, "local"),
            }
        )
        manager.shutdown()
    megabytes = total / 1e6
    reference = found["boto3's TransferManager (peer)"][0]
    lake_name = f"{shape.name}: {shape.objects} objects, {megabytes:.0f} MB"
    return [
        [lake_name, name, f"{cpu:.2f}", f"{wall:.2f}", f"{megabytes / wall:.0f}", f"{reference / wall:.2f}"]
        for name, (wall, cpu) in found.items()
    ]


def _listing() -> None:
    """List a table of thousands of partitions."""
    from s3_server import serve

    rows = []
    with serve() as store:
        os.environ.update(store.reader.environment())
        for name, has_versions in (("versioned", True), ("plain", False)):
            store.bucket(name, has_versions=has_versions)
            client = store.client(store.admin)
            for number in range(_PARTITIONS):
                client.put_object(Bucket=name, Key=f"prod/sales/day={number:05}/part-0.parquet", Body=b"")
            began, cpu = time.monotonic(), time.process_time()
            lake = open_lake(f"s3://{name}/prod", Path.cwd(), S3Params(endpoint=store.endpoint))
            listed = len(lake.list_files("sales"))
            rows.append([name, f"{listed:,}", f"{time.process_time() - cpu:.2f}", f"{time.monotonic() - began:.2f}"])
    print_table(
        "Listing a table on S3, write probe included (aim: seconds)", ["bucket", "files", "CPU s of the client", "wall s"], rows
    )


class _Size(BaseSubscriber):
    """Tells the TransferManager what a listing knows, or it would ask for each object's size first."""

    def __init__(self, size: int) -> None:
        self._size = size

    def on_queued(self, future: TransferFuture, **_: object) -> None:
        future.meta.provide_transfer_size(self._size)


def _interleave(ways: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """Median wall and CPU seconds of each way, run in turn."""
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(_REPEATS):
        for name, way in ways.items():
            wall, cpu = time.monotonic(), time.process_time()
            way()
            costs[name].append((time.monotonic() - wall, time.process_time() - cpu))
    return {name: (statistics.median(w for w, _ in found), statistics.median(c for _, c in found)) for name, found in costs.items()}


def _params(shape: _Shape) -> SnapshotParams:
    columns = ["id", "known_utc", *shape.make(np.random.default_rng(0), 1)]
    table = {"key": ["id"], "time": "known_utc", "known": "known_utc", "columns": columns}
    return SnapshotParams.model_validate(
        {
            "lake": f"s3://{_BUCKET}/prod",
            "as_of_utc": datetime(2013, 1, 2, tzinfo=timezone.utc),
            "purpose": "to measure",
            "tables": {"sales": table},
        }
    )


def _write_lake(shape: _Shape, folder: Path) -> int:
    """Write the objects; returns the bytes of all."""
    random = np.random.default_rng(0)
    for number in range(shape.objects):
        fixed = {
            "id": pa.array(np.arange(shape.rows) + number * shape.rows),
            "known_utc": pa.array([_KNOWN] * shape.rows, pa.timestamp("us", "UTC")),
        }
        file = folder / "sales" / f"day={number:03}" / f"part-0{shape.ending}"
        file.parent.mkdir(parents=True)
        table = pa.table({**fixed, **shape.make(random, shape.rows)})
        pq.write_table(table, file) if shape.ending == ".parquet" else pa_csv.write_csv(table, file)
    return sum(file.stat().st_size for file in folder.rglob("part-0*"))
