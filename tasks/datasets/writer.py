"""Writing datasets so that nothing half-written is taken for whole, and nothing unchanged is touched.

What belongs here: the order of writes that makes an interruption safe. What does not: what is written.
"""

import hashlib
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.datasets.hashes import hash_file, write_atomically
from tasks.datasets.logical import canonical_type, dataset_hash, logical_hash
from tasks.datasets.reader import MANIFEST
from tasks.errors import DatasetError
from tasks.records import Manifest, PartitionRecord, TableRecord

_PREVIOUS = "manifest.previous.json"
"""Where the last whole manifest waits while its dataset is being changed; readers look for ``manifest.json`` only."""


@dataclass(frozen=True)
class ParquetBytes:
    """A Parquet file in memory, and the SHA-256 of its bytes, as whoever received them found it."""

    data: bytes | memoryview
    sha256: str


@dataclass(frozen=True)
class PackedPartition:
    """A partition that lies beside its place, whole, until :meth:`DatasetWriter.adopt` moves it there."""

    record: PartitionRecord
    part: str
    """Where it lies, relative to the dataset's folder."""
    key: tuple[str, ...]
    columns: dict[str, str]
    """Column -> canonical type."""


def pack_partition(
    folder: Path, path: str, reuse_key: str, table: pa.Table, key: Sequence[str], *, packed: ParquetBytes | None = None
) -> PackedPartition:
    """Write ``table`` (logical key columns ``key``) beside the place of the partition ``path`` of the dataset in ``folder``.

    Equal tables give equal bytes, whichever process packs them. Several may pack at once, the same partition included.
    ``packed`` is a file that holds exactly this table: its bytes are taken as they are.
    """
    columns = {field.name: canonical_type(field.type) for field in table.schema}
    packed = packed or _packed(table, columns)
    record = PartitionRecord(
        path=path,
        rows=table.num_rows,
        bytes=len(packed.data),
        sha256=packed.sha256,
        logical_hash=logical_hash(table, key),
        reuse_key=reuse_key,
    )
    part = f"{path}.{uuid.uuid4().hex}.part"
    (folder / part).parent.mkdir(parents=True, exist_ok=True)
    (folder / part).write_bytes(packed.data)
    return PackedPartition(record, part, tuple(key), columns)


def _packed(table: pa.Table, columns: Mapping[str, str]) -> ParquetBytes:
    buffer = pa.BufferOutputStream()
    # Numbers are seldom few enough for a dictionary, whose vain attempt costs a third of the time, and often of the size.
    texts = [name for name, kind in columns.items() if kind in ("string", "binary")]
    pq.write_table(table, buffer, compression="zstd", use_dictionary=texts)
    data = memoryview(buffer.getvalue())
    return ParquetBytes(data, hashlib.sha256(data).hexdigest())


class DatasetWriter:
    """Writes a dataset partition by partition, keeps what is unchanged, and writes the manifest last.

    Use as a context manager; leaving it without :meth:`finish` leaves a dataset that readers refuse. A partition is either
    kept (:meth:`keep`) or written (:meth:`write`); what is neither is removed by :meth:`finish`.
    """

    def __init__(self, folder: Path, dataset: str, *, mode: int = 0o755, beside: str = "") -> None:
        """Open ``folder`` (made with ``mode``) for the dataset named ``dataset``; files called ``beside`` are left alone."""
        self._folder = folder
        self._dataset = dataset
        self._beside = beside
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        self._previous = self._load_previous()
        self._tables: dict[str, tuple[tuple[str, ...], dict[str, str], list[PartitionRecord]]] = {}
        self._is_changing = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for part in self._folder.rglob("*.part"):
            part.unlink()

    def _load_previous(self) -> dict[str, tuple[TableRecord, PartitionRecord]]:
        whole, interrupted = self._folder / MANIFEST, self._folder / _PREVIOUS
        path = whole if whole.exists() else interrupted
        if not path.exists():
            return {}
        try:
            manifest = Manifest.from_json(path.read_bytes(), origin=str(path))
        except DatasetError:  # another version's manifest: nothing of it is reused
            return {}
        found = {p.path: (t, p) for t in manifest.tables.values() for p in t.partitions}
        if path == interrupted:  # some files may already be of the run that was cut off
            found = {name: entry for name, entry in found.items() if self._is_intact(entry[1])}
        return found

    def _is_intact(self, record: PartitionRecord) -> bool:
        path = self._folder / record.path
        return path.exists() and path.stat().st_size == record.bytes and hash_file(path) == record.sha256

    def keep(self, path: str, reuse_key: str) -> bool:
        """Keep the partition at ``path`` if it was made under ``reuse_key``; it is not opened. False if it must be written."""
        entry = self._previous.get(path)
        if entry is None or entry[1].reuse_key != reuse_key:
            return False
        file = self._folder / path
        if not file.exists() or file.stat().st_size != entry[1].bytes:
            return False
        self._add(entry[0].key, entry[0].columns, entry[1])
        return True

    def write(
        self, path: str, reuse_key: str, table: pa.Table, key: Sequence[str], *, packed: ParquetBytes | None = None
    ) -> PartitionRecord:
        """Write ``table`` (logical key columns ``key``) as the partition ``path``, whose first part names its table.

        ``packed`` as in :func:`pack_partition`. May be called by several threads at once.
        """
        done = pack_partition(self._folder, path, reuse_key, table, key, packed=packed)
        self.adopt(done)
        return done.record

    def adopt(self, packed: "PackedPartition") -> None:
        """Make a partition that was packed for this folder, here or by another process, part of the dataset."""
        self._begin_change()
        (self._folder / packed.part).replace(self._folder / packed.record.path)
        self._add(packed.key, packed.columns, packed.record)

    def _begin_change(self) -> None:
        with self._lock:
            if self._is_changing:
                return
            whole = self._folder / MANIFEST
            if whole.exists():
                whole.replace(self._folder / _PREVIOUS)
            self._is_changing = True

    def _add(self, key: tuple[str, ...], columns: dict[str, str], record: PartitionRecord) -> None:
        table = record.path.split("/", 1)[0]
        with self._lock:
            _, known, partitions = self._tables.setdefault(table, (key, columns, []))
        if known != columns:
            raise DatasetError(
                f"{self._dataset}: {record.path}",
                found=f"columns {columns}",
                expected=f"{known}, as in the table's first partition",
                next_step="the schema changed between partitions: mend it in the lake, or declare the columns that all have",
            )
        partitions.append(record)

    def finish(self, about: Mapping[str, str]) -> Manifest:
        """Remove what is no longer part of the dataset and write the manifest."""
        tables = {
            name: TableRecord(key=key, columns=columns, partitions=tuple(sorted(partitions, key=lambda p: p.path)))
            for name, (key, columns, partitions) in sorted(self._tables.items())
        }
        manifest = Manifest(dataset=self._dataset, logical_hash=dataset_hash(tables), about=dict(about), tables=tables)
        wanted = {p.path for t in tables.values() for p in t.partitions}
        for file in sorted(self._folder.rglob("*.parquet")):
            if file.relative_to(self._folder).as_posix() not in wanted and file.name != self._beside:
                self._begin_change()
                file.unlink()
        write_atomically(self._folder / MANIFEST, manifest.to_json().encode())
        (self._folder / _PREVIOUS).unlink(missing_ok=True)
        return manifest
