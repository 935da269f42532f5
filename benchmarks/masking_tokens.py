"""Tokens and whole masked partitions, beside Python's hmac, pandas and a raw copy: CPU seconds, interleaved, medians."""

import hmac
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import print_table
from tasks.datasets import DatasetWriter, read_manifest
from tasks.masking import LocalEngine, MaskingKey, RawPartition, TableWork
from tasks.masking.tokens import tokenise
from tasks.params.masking import MaskingParams

_ROWS = 2_000_000
_PEER_ROWS = 200_000
_COPIED_ROWS = 1_000_000
_PARTITIONS = 4
_REPEATS = 5
_SECRET = bytes(range(32))
_KEY = MaskingKey("bench", _SECRET)


def tokens() -> None:
    """Rows per CPU second, all distinct and with one distinct value in a hundred rows."""
    rng, keyed = np.random.default_rng(1), _KEY.derive("person")
    distinct = _names(rng.permutation(_ROWS))
    recurring = _names(rng.integers(0, _ROWS // 100, _ROWS))
    few = distinct.slice(0, _PEER_ROWS).cast(pa.binary()).to_pylist()
    as_pandas = recurring.to_pandas()
    seconds = _medians(
        {
            "all distinct: here": lambda: tokenise(distinct, keyed, where="t.c"),
            "all distinct: hmac.new": lambda: [hmac.new(_SECRET, value, "sha256").digest() for value in few],
            "1 % distinct: here": lambda: tokenise(recurring, keyed, where="t.c"),
            "1 % distinct: pandas, hmac.new on the distinct ones": lambda: _by_pandas(as_pandas),
        }
    )
    rates = {name: (_PEER_ROWS if name.endswith("hmac.new") else _ROWS) / took for name, took in seconds.items()}
    rows = []
    for ours, peer in (list(rates)[:2], list(rates)[2:]):
        rows += [[ours, f"{rates[ours] / 1e6:.2f}", f"{rates[ours] / rates[peer]:.1f}"], [peer, f"{rates[peer] / 1e6:.2f}", "1"]]
    print_table(f"Tokens of {_ROWS:,} texts", ["what", "million rows per CPU s", "times the peer"], rows)


def masked_files() -> None:
    """Parquet to Parquet: a key that becomes a token beside a number that is kept, and a raw copy of the same file."""
    rows = []
    for words, numbers in (
        ("all distinct", np.random.default_rng(1).permutation(_COPIED_ROWS)),
        ("1 % distinct", np.random.default_rng(1).integers(0, _COPIED_ROWS // 100, _COPIED_ROWS)),
    ):
        with tempfile.TemporaryDirectory(prefix="windtunnel-bench-") as name:
            rows += _compare_files(Path(name), words, numbers)
    head = ["what", "CPU s per million rows", "times the copy"]
    print_table(f"From Parquet to Parquet, {_COPIED_ROWS:,} rows in {_PARTITIONS} partitions", head, rows)


def _compare_files(folder: Path, words: str, numbers: np.ndarray) -> list[list[str]]:
    raw, masked = folder / "raw", folder / "masked"
    with DatasetWriter(raw, "snapshots") as writer:
        for number, part in enumerate(np.array_split(numbers, _PARTITIONS)):
            table = pa.table({"row": np.arange(len(part)) + number * len(part), "person": _names(part), "amount": part * 0.5})
            writer.write(f"t/{number}.parquet", "raw", table, ["row"])
        writer.finish({})
    columns = MaskingParams.model_validate(
        {
            "key": {"env": "NONE", "file": "none", "id": "bench"},
            "domains": {"person": ["t.person"]},
            "tables": {"t": {"safe": ["row", "amount"], "reason": "measured"}},
        }
    )
    work = TableWork("t", ("row",), raw, masked, columns, _KEY)
    partitions = [RawPartition(record, "masked") for record in read_manifest(raw, made_by="snapshot").tables["t"].partitions]
    connection = duckdb.connect(config={"threads": 1})
    seconds = _medians(
        {
            "tokens, without order and hashes": lambda: [
                _tokenise_file(file, folder / "tokens.parquet") for file in raw.rglob("*.parquet")
            ],
            "the whole of the stage's work on a partition": lambda: [
                (masked / packed.part).unlink() for packed in LocalEngine().mask(work, partitions)
            ],
            "raw copy by DuckDB": lambda: [_copy(connection, file, folder / "copy.parquet") for file in raw.rglob("*.parquet")],
        }
    )
    copied = seconds["raw copy by DuckDB"]
    per_million = _COPIED_ROWS / 1e6
    return [[f"{words}: {what}", f"{took / per_million:.2f}", f"{took / copied:.1f}"] for what, took in seconds.items()]


def _tokenise_file(source: Path, target: Path) -> None:
    table = pq.read_table(source)
    token = tokenise(table.column("person"), _KEY.derive("person"), where="t.person")
    pq.write_table(table.set_column(1, "person", token), target, compression="zstd")


def _copy(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> None:
    connection.execute(f"COPY (SELECT * FROM '{source}') TO '{target}' (COMPRESSION zstd)")  # noqa: S608


def _by_pandas(column: pd.Series) -> pd.Series:
    codes, values = pd.factorize(column)
    return pd.Series([hmac.new(_SECRET, value.encode(), "sha256").hexdigest() for value in values]).take(codes)


def _names(numbers: np.ndarray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(np.char.add("passenger-", numbers.astype(str)))])


def _medians(ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """CPU seconds of each, in turns."""
    timed: dict[str, list[float]] = {}
    for _ in range(_REPEATS):
        for name, function in ways.items():
            began = time.process_time()
            function()
            timed.setdefault(name, []).append(time.process_time() - began)
    return {name: statistics.median(found) for name, found in timed.items()}


if __name__ == "__main__":
    tokens()
    masked_files()
