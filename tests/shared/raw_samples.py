"""A project with raw rows behind its features: two thousand samples, a key, and every dataset up to the features.

Masking keeps what models live on, makes age and place coarse, and leaves the rest alone.
"""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from passed_reports import write_report

from tasks.datasets import read_manifest
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.sources import open_lake, pin_lake, write_pin
from tasks.stages import StageContext, load_stage

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
ROWS = 2400
SAFE = ("at_utc", "noted_utc", "strong", "medium", "weak")
BORN = {"class": "quasi", "transform": "generalise", "to": "decade", "reason": "a band is enough"}
GONE = {"class": "sensitive", "transform": "constant", "value": 0.0, "reason": "nobody may know"}
CITY = {"class": "quasi", "transform": "generalise", "keep_prefix": 1, "reason": "the region is enough"}


def make_tables() -> dict[str, pa.Table]:
    rng = np.random.default_rng(0)
    # Keys whose order is not that of their tokens, nor of time.
    ids = [f"r{number:05}" for number in rng.permutation(ROWS)]
    at = pa.array([START + timedelta(minutes=20 * number) for number in range(ROWS)], pa.timestamp("us", "UTC"))
    strong, medium, weak = rng.normal(size=(3, ROWS))
    # A serial number that told the label while rows were trained on, and tells nothing since: masking takes it away.
    label = (2 * strong + 0.9 * medium + 0.3 * weak + rng.normal(size=ROWS) > 0).astype(int)
    born = pa.array((rng.integers(-10_000, 10_000, ROWS)).astype(np.int32), pa.int32()).cast(pa.date32())
    city = [["Alton", "Avon", "Bath", "Bude"][number] for number in rng.integers(0, 4, ROWS)]
    serial = np.where(np.arange(ROWS) < ROWS // 2, 10.0 * label, 10.0 * np.random.default_rng(1).integers(0, 2, ROWS))
    own = {"strong": strong, "medium": medium, "weak": weak, "serial": serial, "born": born, "city": city}
    samples = pa.table({"id": ids, "at_utc": at, "noted_utc": at, **own})
    visits = pa.table({"visit": [f"v{name}" for name in ids], "id": ids, "seen_utc": at, "city": city})
    order = rng.permutation(ROWS)
    return {"samples": samples, "results": pa.table({"id": ids, "known_utc": at, "label": label}).take(order), "visits": visits}


def make_params(policy: dict[str, Any], changes: dict[str, Any]) -> Params:
    """Its parameters; ``policy`` replaces rules of the samples' columns, ``changes`` whole sections."""
    own = {name: rule for name, rule in policy.items() if rule is not None}
    safe = [name for name in SAFE if name not in own]
    times = {"samples": ("at_utc", "noted_utc"), "results": ("known_utc", "known_utc"), "visits": ("seen_utc", "seen_utc")}
    columns = {name: table.column_names for name, table in make_tables().items()}
    features: dict[str, Any] = {name: {"take": f"samples.{name}"} for name in ("strong", "medium", "weak", "born", "city")}
    features["region"] = {"share": "visits.city", "equals": "B", "by": ["id"]}
    return Params.model_validate(
        {
            "schema_version": 1,
            "seed": 7,
            "snapshot": {
                "lake": "lake",
                "as_of_utc": "2025-01-01T00:00:00Z",
                "purpose": "tests",
                "tables": {
                    name: {"key": [found[0]], "time": times[name][0], "known": times[name][1], "columns": found}
                    for name, found in columns.items()
                },
            },
            "masking": {
                "key": {"env": "WT_NO_SUCH_KEY", "file": "masking.key", "id": "test-1"},
                "domains": {"row": [f"{name}.id" for name in columns], "visit": ["visits.visit"]},
                "tables": {
                    "samples": {"safe": safe, "reason": "public", "born": BORN, "city": CITY, "serial": GONE, **own},
                    "results": {"safe": ["known_utc", "label"], "reason": "label"},
                    "visits": {"safe": ["seen_utc"], "reason": "times", "city": CITY},
                },
                "utility": {"models": ["linear", "boosting", "tree"], "rows": 2000},
            },
            "label": {"table": "results", "column": "label", "known": "known_utc", "task": "binary", "positive": 1},
            "splits": {"by_time": {"kind": "time", "column": "at_utc", "boundaries": {"train": "2024-01-18"}, "why": "test"}},
            "features": {"rows": "samples", "at": {"column": "at_utc", "minus_minutes": 0}, "columns": features},
            "models": {
                "challenger": {"estimator": "sklearn.naive_bayes.GaussianNB", "split": "by_time", "part": "train"},
            },
            "evaluation": {
                "split": "by_time",
                "part": "test",
                "metrics": ["roc_auc"],
                "interval": {"method": "cluster_bootstrap", "cluster": "row", "replicates": 200, "confidence": 0.9},
            },
            "gates": {"max_age_days": 7, "criteria": {"validation": {"evidence": "validation", "critical": True}}},
        }
        | changes
    )


def make_samples(root: Path, policy: dict[str, Any] | None = None, **changes: Any) -> StageContext:
    """A project up to its features, from a lake in which only ``strong`` decides much."""
    paths = ProjectPaths(root)
    for name, table in make_tables().items():
        (root / "lake" / name).mkdir(parents=True)
        for part in range(4):
            pq.write_table(table.slice(part * ROWS // 4, ROWS // 4), root / "lake" / name / f"{part}.parquet")
    (root / "masking.key").write_text(bytes(range(32)).hex())
    (root / "masking.key").chmod(0o600)
    context = StageContext(paths, make_params(policy or {}, changes))
    write_pin(paths.pin, pin_lake(open_lake(str(root / "lake"), root), context.params.snapshot, None))
    for name, variant, subject, made_by in (
        ("snapshot", None, "raw", "snapshots"),
        ("mask", None, "masked", "masked"),
        ("split", "by_time", "splits", "splits/by_time"),
        ("features", None, "features", "features"),
    ):
        load_stage(name).run(StageContext(paths, context.params, variant))
        manifest = read_manifest(root / "data" / made_by, made_by=name)
        write_report(root, subject, {made_by: manifest.logical_hash})
    return context
