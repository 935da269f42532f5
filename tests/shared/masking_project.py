"""A small project whose snapshot is whole and whose raw data has passed: what the stage ``mask`` starts from."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from masking_policies import SECRET, SHIFT, rule
from raw_project import MOMENT, SNAPSHOT_ABOUT, START, RawProject, raw_project_params

from tasks.datasets import DatasetWriter, logical_hash, read_manifest
from tasks.paths import CANARY_FILE
from tasks.records import Manifest
from tasks.stages import load_stage

ROWS = 20

_TABLES = {
    "sales": {
        "key": ["sale"],
        "time": "sold_utc",
        "known": "sold_utc",
        "columns": ["sale", "buyer", "mail", "joined", "zip", "note", "amount", "is_returned", "internal", "sold_utc"],
    },
    "visits": {"key": ["visit"], "time": "seen_utc", "known": "seen_utc", "columns": ["visit", "buyer", "seen_utc"]},
    "stock": {"key": ["item"], "time": "listed_utc", "known": "listed_utc", "columns": ["item", "listed_utc"]},
}
_MASKING = {
    "domains": {"sale": ["sales.sale"], "buyer": ["sales.buyer", "visits.buyer"], "visit": ["visits.visit"]},
    "tables": {
        "sales": {
            "safe": ["amount", "is_returned", "sold_utc"],
            "reason": "about the sale",
            "mail": rule("token", "identifier"),
            "joined": {**SHIFT, "per": "buyer"},
            "zip": rule("generalise", keep_prefix=2),
            "note": rule("redact", "free_text"),
        }
    },
}
_BASE = raw_project_params(_TABLES, "secrets/masking.key", score="sales.amount", version="sales.zip")
_PARAMS = {
    **_BASE,
    "masking": _BASE["masking"] | _MASKING,
    "label": {"table": "sales", "column": "is_returned", "known": "sold_utc", "task": "binary", "positive": 1},
    "splits": {"by_time": {"kind": "time", "column": "sold_utc", "boundaries": {"train": "2024-02-01"}, "why": "test"}},
    "features": {
        "rows": "sales",
        "at": {"column": "sold_utc", "minus_minutes": 0},
        "columns": {"amount": {"take": "sales.amount"}},
    },
}


class MaskingProject(RawProject):
    """A project in ``root`` with ``days`` partitions of sales, one of visits and one of stock."""

    def __init__(self, root: Path, days: int = 3) -> None:
        super().__init__(root, _PARAMS)
        self.key_file = root / "secrets" / "masking.key"
        self.key_file.parent.mkdir(parents=True)
        self.write_key(SECRET)
        self.write_params()
        self.take_snapshot(dict.fromkeys(range(days), ""))

    def write_key(self, secret: bytes) -> None:
        self.key_file.write_text(secret.hex())
        self.key_file.chmod(0o600)

    def take_snapshot(self, days: dict[int, str]) -> Manifest:
        """Write the snapshot of ``days`` (number -> a text that makes its rows differ) and the report that it passed."""
        with DatasetWriter(self.paths.snapshots, "snapshots", mode=0o700, beside=CANARY_FILE) as writer:
            for day, text in days.items():
                _write(writer, f"sales/day={START + timedelta(days=day):%Y-%m-%d}/part-0.parquet", sales(day, text), "sale")
            _write(writer, "visits/part-0.parquet", visits(), "visit")
            _write(writer, "stock/part-0.parquet", pa.table({"item": ["i"], "listed_utc": pa.array([START], MOMENT)}), "item")
            manifest = writer.finish(SNAPSHOT_ABOUT)
        self.report(is_passed=True, examined=manifest.logical_hash)
        return manifest

    def mask(self) -> Manifest:
        """Run the stage here and return what it wrote."""
        load_stage("mask").run(self.context)
        return self.masked()

    def masked(self) -> Manifest:
        return read_manifest(self.paths.masked, made_by="mask")


def sales(day: int, text: str) -> pa.Table:
    """Rows in which every raw text begins with ``RAW``, so that none of them can hide in an output."""
    moment = START + timedelta(days=day)
    numbers = range(ROWS)
    return pa.table(
        {
            "sale": [f"RAW-sale-{day}-{i}" for i in numbers],
            "buyer": [None if i == 7 else f"RAW-buyer-{i % 5}" for i in numbers],
            "mail": [f"RAW-{i}@example.org" for i in numbers],
            "joined": pa.array([(START - timedelta(days=i)).date() for i in numbers]),
            "zip": [f"10{i:03}RAW" for i in numbers],
            "note": [f"RAW call me {text}" for _ in numbers],
            "amount": [float(i) for i in numbers],
            "is_returned": [i % 2 for i in numbers],
            "internal": [f"RAW-{text}" for _ in numbers],
            "sold_utc": pa.array([moment] * ROWS, MOMENT),
        }
    )


def visits() -> pa.Table:
    """One visit of each buyer."""
    return pa.table(
        {
            "visit": [f"RAW-visit-{i}" for i in range(5)],
            "buyer": [f"RAW-buyer-{i}" for i in range(5)],
            "seen_utc": pa.array([START] * 5, MOMENT),
        }
    )


def _write(writer: DatasetWriter, path: str, table: pa.Table, key: str) -> None:
    reuse_key = logical_hash(table, [key])
    if not writer.keep(path, reuse_key):
        writer.write(path, reuse_key, table, [key])
