"""Marker rows beside the snapshot: planted where raw rows lie, listed by no manifest.

What belongs here: the seed, the files, and reading them back. What does not: which columns are marked (the stages say). A planted
file lies among the raw partitions of its table, so that whoever reads the folder in place of its manifest reads it too.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.canaries.markers import ColumnFate, Marker, make_markers
from tasks.datasets import hash_file, hash_mapping, read_partition, write_atomically
from tasks.errors import DatasetError, LeakSearchError
from tasks.paths import CANARY_FILE
from tasks.records import Manifest, Record

MARKERS_FILE = "canaries.json"
"""In the snapshot's folder: what was planted."""
_SEED_BYTES = 32


class Planted(Record):
    """What was planted; holds the markers, and is as restricted as they are."""

    made_from: str
    markers: tuple[Marker, ...]
    without: dict[str, str]
    """``table.column`` of each column that is not kept and carries no marker, and why."""
    files: dict[str, str]
    """Table -> SHA-256 of the file that was planted in its folder."""


def plant(folder: Path, snapshots: Manifest, fates: Mapping[str, Sequence[ColumnFate]], seed_file: Path) -> Planted:
    """Plant one marker row for each table of ``fates`` in the snapshot at ``folder``; what is planted already is left alone.

    The row is the first of the table's first partition, with markers in the columns of ``fates``. A table without rows has none.
    """
    seed = _read_seed(seed_file)
    tables = {name: snapshots.tables[name].partitions[0] for name in sorted(fates) if _has_rows(snapshots, name)}
    described = {name: [astuple(fate) for fate in fates[name]] for name in tables}
    hashes = {name: partition.logical_hash for name, partition in tables.items()}
    made_from = hash_mapping({"seed": hash_mapping({"seed": seed.hex()}), "rows": hashes, "fates": described})
    planted = _read(folder)
    if planted is not None and planted.made_from == made_from and _is_whole(folder, planted):
        return planted
    files: dict[str, str] = {}
    markers: list[Marker] = []
    without: dict[str, str] = {}
    for name, partition in tables.items():
        row, made, lacking = make_markers(name, read_partition(folder, partition).slice(0, 1), fates[name], seed)
        markers += made
        without |= lacking
        buffer = pa.BufferOutputStream()
        pq.write_table(row, buffer, compression="zstd")
        write_atomically(folder / name / CANARY_FILE, buffer.getvalue().to_pybytes())
        files[name] = hash_file(folder / name / CANARY_FILE)
    planted = Planted(made_from=made_from, markers=tuple(markers), without=without, files=files)
    write_atomically(folder / MARKERS_FILE, planted.to_json().encode())
    return planted


def read_planted(folder: Path) -> Planted:
    """What is planted in the snapshot at ``folder``; raises :class:`~tasks.errors.LeakSearchError` where nothing is."""
    planted = _read(folder)
    if planted is None or not planted.markers:
        raise LeakSearchError(
            f"{folder}/{MARKERS_FILE}",
            found="no marker" if planted else "no record of planted markers",
            expected="markers to search for: a search for nothing would pass everything",
            next_step="dvc repro -f mask",
        )
    return planted


def _is_whole(folder: Path, planted: Planted) -> bool:
    places = {folder / name / CANARY_FILE: found for name, found in planted.files.items()}
    return all(path.is_file() and hash_file(path) == found for path, found in places.items())


def _read(folder: Path) -> Planted | None:
    path = folder / MARKERS_FILE
    try:
        return Planted.from_json(path.read_bytes(), origin=str(path))
    except (FileNotFoundError, DatasetError):
        return None


def _has_rows(snapshots: Manifest, name: str) -> bool:
    return name in snapshots.tables and bool(snapshots.tables[name].partitions) and snapshots.tables[name].partitions[0].rows > 0


def _read_seed(path: Path) -> bytes:
    """The project's secret seed, made with mode 0600 where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(secrets.token_hex(_SEED_BYTES))
        with suppress(FileExistsError):  # another stage was faster: its seed is the project's
            path.hardlink_to(part)
        part.unlink()
    return bytes.fromhex(path.read_text())
