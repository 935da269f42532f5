"""Tokens and whole masked partitions, beside Python's hmac, pandas and a raw copy: CPU seconds, interleaved, medians."""

import hashlib
import hmac
import os
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
_BLOCKS = 1_000_000
_BLOCKS_PER_TOKEN = 2
"""What HMAC-SHA256 of a short value takes where the states after the key's two blocks are kept."""
_SECRET = bytes(range(32))
_KEY = MaskingKey("bench", _SECRET)


def tokens() -> None:
    """Rows per CPU second, all distinct and with one distinct value in a hundred rows.

    The limit is two blocks a value at the speed at which OpenSSL hashes one long text with the processor's SHA instructions.
    """
    rng, keyed = np.random.default_rng(1), _KEY.derive("person")
    distinct = _names(rng.permutation(_ROWS))
    recurring = _names(rng.integers(0, _ROWS // 100, _ROWS))
    few = distinct.slice(0, _PEER_ROWS).cast(pa.binary()).to_pylist()
    as_pandas, long = recurring.to_pandas(), bytes(64 * _BLOCKS)
    seconds = _medians(
        {
            "all distinct: here": lambda: tokenise(distinct, keyed, where="t.c"),
            "all distinct: hmac.new": lambda: [hmac.new(_SECRET, value, "sha256").digest() for value in few],
            "the limit": lambda: hashlib.sha256(long),
            "1 % distinct: here": lambda: tokenise(recurring, keyed, where="t.c"),
            "1 % distinct: pandas, hmac.new on the distinct ones": lambda: _by_pandas(as_pandas),
        }
    )
    limit = _BLOCKS / _BLOCKS_PER_TOKEN / seconds.pop("the limit")
    rates = {name: (_PEER_ROWS if name.endswith("hmac.new") else _ROWS) / took for name, took in seconds.items()}
    rows = []
    for ours, peer in (list(rates)[:2], list(rates)[2:]):
        for name in (ours, peer):
            share = f"{rates[name] / limit:.0%}" if name.startswith("all") else ""
            rows.append([name, f"{rates[name] / 1e6:.2f}", f"{rates[name] / rates[peer]:.1f}", share])
    head = ["what", "million rows per CPU s", "times the peer", f"of the limit, {limit / 1e6:.1f} million"]
    print_table(f"Tokens of {_ROWS:,} texts, load {os.getloadavg()[0]:.0f}", head, rows)


def masked_files() -> None:
    """Parquet to Parquet: a key that becomes a token beside a number that is kept, and a raw copy of the same file."""
    rows = []
    distinct = np.random.default_rng(1).permutation(_COPIED_ROWS)
    for words, numbers, key in (
        ("all distinct", distinct, "row"),
        ("all distinct, in the tokens' order", distinct, "person"),
        ("1 % distinct", np.random.default_rng(1).integers(0, _COPIED_ROWS // 100, _COPIED_ROWS), "row"),
    ):
        with tempfile.TemporaryDirectory(prefix="windtunnel-bench-") as name:
            rows += _compare_files(Path(name), words, numbers, key)
    head = ["what", "CPU s per million rows", "times the copy"]
    print_table(
        f"From Parquet to Parquet, {_COPIED_ROWS:,} rows in {_PARTITIONS} partitions, load {os.getloadavg()[0]:.0f}", head, rows
    )


def _compare_files(folder: Path, words: str, numbers: np.ndarray, key: str) -> list[list[str]]:
    raw, masked = folder / "raw", folder / "masked"
    with DatasetWriter(raw, "snapshots") as writer:
        for number, part in enumerate(np.array_split(numbers, _PARTITIONS)):
            table = pa.table({"row": np.arange(len(part)) + number * len(part), "person": _names(part), "amount": part * 0.5})
            writer.write(f"t/{number}.parquet", "raw", table, [key])
        writer.finish({})
    columns = MaskingParams.model_validate(
        {
            "key": {"env": "NONE", "file": "none", "id": "bench"},
            "domains": {"person": ["t.person"]},
            "tables": {"t": {"safe": ["row", "amount"], "reason": "measured"}},
        }
    )
    work = TableWork("t", (key,), raw, masked, columns, _KEY)
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
