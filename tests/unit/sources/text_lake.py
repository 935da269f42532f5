"""A lake of one table in text, in whatever bytes a test wants, pinned and copied."""

from pathlib import Path

import pyarrow as pa

from tasks.datasets import read_manifest, read_table
from tasks.params.snapshot import SnapshotParams
from tasks.records import Pin
from tasks.sources import LocalLake, SnapshotResult, pin_lake, write_snapshot


class TextLake:
    """The table ``t`` below ``root``, as of 2020."""

    def __init__(self, root: Path) -> None:
        self.root = root / "lake"
        self.out = root / "out"
        self.lake = LocalLake(self.root)

    def write(self, path: str, data: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def params(self, names: list[str], **changes: object) -> SnapshotParams:
        """The table with the columns ``names``: the first is its key; its time and known are ``at``, or else the file's."""
        moment = "at" if "at" in names else "lake_file_utc"
        columns = names if "at" in names else [*names, moment]
        table = {"key": columns[:1], "time": moment, "known": moment, "columns": columns} | changes
        as_of = "2020-01-01T00:00:00Z" if "at" in columns else "2200-01-01T00:00:00Z"
        return SnapshotParams.model_validate({"lake": "lake", "as_of_utc": as_of, "purpose": "to test", "tables": {"t": table}})

    def pin(self, params: SnapshotParams, previous: Pin | None = None) -> Pin:
        return pin_lake(self.lake, params, previous)

    def copy(self, params: SnapshotParams, pin: Pin | None = None) -> SnapshotResult:
        return write_snapshot(self.lake, pin or self.pin(params), params, self.out, pin_hash="p", code_hash="c")

    def rows(self, columns: list[str], **changes: object) -> pa.Table:
        """What a snapshot of the table holds of ``columns``."""
        self.copy(self.params(columns, **changes))
        return read_table(self.out, read_manifest(self.out, made_by="snapshot"), "t", columns)

    def types(self, columns: list[str], **changes: object) -> dict[str, str]:
        """The types that the pin finds."""
        return {
            name: kind for name, kind in self.pin(self.params(columns, **changes)).tables["t"].columns.items() if name in columns
        }
