"""A small project below a folder: masked tables, splits and reports as the stages before write them."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.datasets import DatasetWriter
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.records import Manifest
from tasks.stages import StageContext

START = datetime(2024, 3, 1, tzinfo=timezone.utc)
PER_DAY = 20
MASKED_ABOUT = {"snapshots": "5" * 64, "pin": "6" * 64, "as_of_utc": "2024-03-05T00:00:00Z"}
CHALLENGER = {
    "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
    "parameters": {"max_iter": 5, "min_samples_leaf": 2},
    "split": "by_day",
    "part": "train",
}


def small_params(**models: Any) -> Params:
    """Trips with their rain; ``models`` replaces champion or challenger."""
    declared = {
        "trips": {
            "key": ["trip"],
            "time": "at_utc",
            "known": "done_utc",
            "columns": ["trip", "at_utc", "done_utc", "city", "length"],
        },
        "rain": {"key": ["city", "at_utc"], "time": "at_utc", "known": "at_utc", "columns": ["city", "at_utc", "level"]},
        "ends": {"key": ["trip"], "time": "done_utc", "known": "done_utc", "columns": ["trip", "done_utc", "is_late"]},
        "scores": {"key": ["trip"], "time": "at_utc", "known": "at_utc", "columns": ["trip", "at_utc", "score", "version"]},
    }
    safe = {name: {"safe": table["columns"], "reason": "made up"} for name, table in declared.items()}
    columns = {
        "city": {"take": "trips.city"},
        "length": {"take": "trips.length"},
        "rain": {"latest": "rain.level", "by": ["city"]},
    }
    return Params.model_validate(
        {
            "schema_version": 1,
            "seed": 5,
            "snapshot": {"lake": "lake", "as_of_utc": MASKED_ABOUT["as_of_utc"], "purpose": "test", "tables": declared},
            "masking": {"key": {"env": "KEY", "file": "key", "id": "k1"}, "tables": safe},
            "label": {"table": "ends", "column": "is_late", "known": "done_utc", "task": "binary", "positive": True},
            "splits": {
                "by_day": {"kind": "time", "column": "at_utc", "boundaries": {"train": "2024-03-03"}, "why": "later days"},
                "by_city": {
                    "kind": "keyed_hash",
                    "unit": "city",
                    "salt": "v1",
                    "parts": {"train": 0.5, "test": 0.5},
                    "why": "cities",
                },
            },
            "features": {"rows": "trips", "at": {"column": "at_utc", "minus_minutes": 10}, "columns": columns},
            "models": {"champion": {"scores": "scores.score", "version": "scores.version"}, "challenger": CHALLENGER, **models},
            "evaluation": {
                "split": "by_day",
                "part": "test",
                "metrics": ["roc_auc"],
                "interval": {"method": "cluster_bootstrap", "cluster": "day", "replicates": 100, "confidence": 0.9},
            },
            "gates": {"max_age_days": 7, "criteria": {"validation": {"evidence": "validation", "critical": True}}},
        }
    )


def small_context(root: Path, **models: Any) -> StageContext:
    """What a stage is run with, in the project at ``root``."""
    return StageContext(ProjectPaths(root), small_params(**models))


def _trips(day: int) -> dict[str, pa.Table]:
    rng = np.random.default_rng(day)
    names = [f"t{day}-{number:02d}" for number in rng.permutation(PER_DAY)]
    start = START + timedelta(days=day)
    at = [start + timedelta(minutes=30 * number) for number in range(PER_DAY)]
    done = [moment + timedelta(hours=1) for moment in at]
    utc = pa.timestamp("us", "UTC")
    length = rng.normal(size=PER_DAY)
    city = ["here", "there"] * (PER_DAY // 2)
    return {
        "trips": pa.table(
            {"trip": names, "at_utc": pa.array(at, utc), "done_utc": pa.array(done, utc), "city": city, "length": length}
        ),
        "rain": pa.table({"city": city[:2], "at_utc": pa.array([start, start], utc), "level": rng.normal(size=2)}),
        "ends": pa.table({"trip": names, "done_utc": pa.array(done, utc), "is_late": length + rng.normal(size=PER_DAY) > 0}),
    }


def write_masked(root: Path, *, days: int = 3, view: str = "masked", duplicate: bool = False) -> Manifest:
    """``data/masked`` with one partition per table and day; ``duplicate`` repeats the first day's rows on each."""
    keys = {name: table.key for name, table in small_params().snapshot.tables.items()}
    with DatasetWriter(root / "data/masked", "masked") as writer:
        for day in range(days):
            for name, table in _trips(0 if duplicate else day).items():
                path = f"{name}/day={START + timedelta(days=day):%Y-%m-%d}/part-0.parquet"
                writer.write(path, f"{name}{day}{duplicate}", table, keys[name])
        return writer.finish({**MASKED_ABOUT, "view": view})


def write_split(root: Path, *, days: int = 3, name: str = "by_day", snapshots: str = MASKED_ABOUT["snapshots"]) -> Manifest:
    """``data/splits/<name>``: the first two days are train, the rest test."""
    with DatasetWriter(root / "data/splits" / name, f"splits/{name}") as writer:
        for day in range(days):
            keys = _trips(day)["trips"].column("trip")
            rows = pa.table({"row_key": keys, "part": ["train" if day < 2 else "test"] * len(keys)})
            writer.write(f"assignments/day={START + timedelta(days=day):%Y-%m-%d}/part-0.parquet", str(day), rows, ("row_key",))
        return writer.finish({"split": name, "snapshots": snapshots})
