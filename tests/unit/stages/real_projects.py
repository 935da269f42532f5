"""Whole projects on scikit-learn's real data, one per task, run by their stages in order: from a lake to a report."""

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.sources import open_lake, pin_lake, write_pin
from tasks.stages import StageContext, load_stage

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
MOMENT = pa.timestamp("us", "UTC")
STAGES = (
    ("snapshot", None),
    ("validate", "raw"),
    ("mask", None),
    ("validate", "masked"),
    ("split", "by_time"),
    ("validate", "splits"),
    ("features", None),
    ("validate", "features"),
    ("disclosure", None),
    ("utility", None),
    ("train", None),
    ("evaluate", None),
    ("validate", "predictions"),
    ("gate", None),
    ("report", None),
)


def digits(root: Path, **changes: object) -> StageContext:
    """Ten classes; the champion is a logistic regression on half of the pixels, whose logged scores lie in ten columns."""
    data, target = _shuffled(*load_digits(return_X_y=True))
    pixels = data[:, 8:48:2]
    train = slice(0, len(target) * 6 // 10)
    champion = LogisticRegression(max_iter=200).fit(pixels[train, ::2] / 16, target[train])
    logged = {f"p{k}": scores for k, scores in enumerate(champion.predict_proba(pixels[:, ::2] / 16).T)}
    names = [f"digit {k}" for k in range(10)]
    sections = {
        "label": {"task": "multiclass"},
        "champion": {"scores": {name: f"log.p{k}" for k, name in enumerate(names)}, "version": "log.version"},
        "challenger": "sklearn.ensemble.HistGradientBoostingClassifier",
        "parameters": {"max_iter": 15},
        "metrics": ["roc_auc_ovr", "log_loss", "macro_f1", "recall[digit 8]"],
        "criteria": {
            "ranking": {"metric": "roc_auc_ovr", "margin": 0.01, "min_rows": 100, "critical": True},
            "eights": {"metric": "recall[digit 8]", "bound": 0.5, "min_rows": 100, "critical": True},
        },
    }
    return make_project(root, pixels, np.array(names)[target], logged, sections | changes)


def diabetes(root: Path, **changes: object) -> StageContext:
    """A number to predict; the champion is a forest on two columns. Rows are weighted."""
    data, target = _shuffled(*load_diabetes(return_X_y=True))
    champion = RandomForestRegressor(50, random_state=0).fit(data[:250, :2], target[:250])
    sections = {
        "label": {"task": "regression"},
        "champion": {"scores": "log.p0", "version": "log.version"},
        "challenger": "sklearn.linear_model.Ridge",
        "parameters": {"alpha": 1.0},
        "metrics": ["mae", "rmse", "r2", "mape", "bias"],
        "weight": "weight",
        "criteria": {
            "error": {"metric": "mae", "bound": 70, "margin": 2, "min_rows": 50, "critical": True},
            "fit": {"metric": "r2", "bound": 0.1, "margin": 0.05, "min_rows": 50, "critical": True},
        },
    }
    return make_project(root, data, target, {"p0": champion.predict(data[:, :2])}, sections | changes)


def wine(root: Path, **changes: object) -> StageContext:
    """Three classes and no champion: the first model."""
    data, target = _shuffled(*load_wine(return_X_y=True))
    kept = StandardScaler().fit_transform(data[:, [1, 2, 3, 4, 7, 8]])
    sections = {
        "label": {"task": "multiclass"},
        "champion": None,
        "challenger": "sklearn.linear_model.LogisticRegression",
        "parameters": {},
        "metrics": ["accuracy", "log_loss"],
        "criteria": {"right": {"metric": "accuracy", "bound": 0.5, "margin": 0.02, "min_rows": 30, "critical": True}},
    }
    return make_project(root, kept, np.array(["barolo", "grignolino", "barbera"])[target], None, sections | changes)


def _shuffled(data: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(target))
    return data[order], target[order]


def make_project(
    root: Path, data: np.ndarray, label: np.ndarray, logged: dict[str, np.ndarray] | None, sections: dict[str, object]
) -> StageContext:
    """A project in ``root``: one row every hour, its label a day later, and the champion's log at the moment of the row."""
    rows = len(label)
    at = pa.array([START + timedelta(hours=number) for number in range(rows)], MOMENT)
    known = pa.array([START + timedelta(hours=number + 24) for number in range(rows)], MOMENT)
    ids = [f"r{number:05}" for number in range(rows)]
    values = {f"x{number}": column for number, column in enumerate(data.T)}
    extra = {"site": [f"s{number % 3}" for number in range(rows)], "weight": np.random.default_rng(1).gamma(2, 1, rows)}
    tables = {
        "samples": pa.table({"id": ids, "at_utc": at, "noted_utc": at, **extra, **values}),
        "results": pa.table({"id": ids, "known_utc": known, "label": label}),
    }
    if logged is not None:
        tables["log"] = pa.table({"id": ids, "scored_utc": at, "version": ["v1"] * rows, **logged})
    for name, table in tables.items():
        (root / "lake" / name).mkdir(parents=True)
        pq.write_table(table, root / "lake" / name / "all.parquet")
    paths = ProjectPaths(root)
    paths.params.write_text(yaml.safe_dump(_params(tables, values, sections), sort_keys=False))
    (root / "masking.key").write_text(bytes(range(32)).hex())
    (root / "masking.key").chmod(0o600)
    params = load_params(paths.params)
    _write_suites(paths, tables, len(params.models.champion.columns) if logged else 0, sections)
    pin = pin_lake(open_lake(str(root / "lake"), root), params.snapshot, None)
    write_pin(paths.pin, pin)
    return StageContext(paths, params)


def _params(tables: dict[str, pa.Table], values: dict[str, np.ndarray], sections: dict[str, object]) -> dict[str, object]:
    rows = tables["samples"].num_rows
    times = {"samples": "at_utc", "results": "known_utc", "log": "scored_utc"}
    known = {"samples": "noted_utc"}
    ends = {part: f"{START + timedelta(hours=rows * tenths // 10):%Y-%m-%d}" for part, tenths in (("train", 5), ("validation", 7))}
    recipe = {"estimator": sections["challenger"], "parameters": sections["parameters"], "split": "by_time", "part": "train"}
    validation = {"validation": {"evidence": "validation", "critical": True}}
    return {
        "schema_version": 1,
        "seed": 7,
        "snapshot": {
            "lake": "lake",
            "as_of_utc": "2025-01-01T00:00:00Z",
            "purpose": "tests",
            "tables": {
                name: {"key": ["id"], "time": times[name], "known": known.get(name, times[name]), "columns": table.column_names}
                for name, table in tables.items()
            },
        },
        "masking": {
            "key": {"env": "WT_NO_SUCH_KEY", "file": "masking.key", "id": "test-1"},
            "domains": {"row": [f"{name}.id" for name in tables]},
            "tables": {
                name: {"safe": [c for c in table.column_names if c != "id"], "reason": "public"} for name, table in tables.items()
            },
        },
        "label": {"table": "results", "column": "label", "known": "known_utc", **sections["label"]},
        "splits": {"by_time": {"kind": "time", "column": "at_utc", "boundaries": ends, "why": "test"}},
        "features": {
            "rows": "samples",
            "at": {"column": "at_utc", "minus_minutes": 0},
            "columns": {name: {"take": f"samples.{name}"} for name in values},
        },
        "models": {"champion": sections["champion"], "challenger": recipe},
        "evaluation": {
            "split": "by_time",
            "part": "test",
            "metrics": sections["metrics"],
            "slices": ["site"],
            "weight": sections.get("weight"),
            "interval": {"method": "cluster_bootstrap", "cluster": "row", "replicates": 200, "confidence": 0.9},
        },
        "gates": {"max_age_days": 7, "criteria": validation | sections["criteria"]},
    }


def _write_suites(paths: ProjectPaths, tables: dict[str, pa.Table], logged: int, sections: dict[str, object]) -> None:
    """A small suite for each table: rows, and no gap in what is told of each."""
    names = [f"_{k}" for k in range(logged or 3)] if sections["label"]["task"] == "multiclass" else [""]
    roles = ("champion", "challenger") if logged else ("challenger",)
    scores = [f"{role}_score{name}" for role in roles for name in names]
    suites = {f"{subject}/{name}": ["id"] for subject in ("raw", "masked") for name in tables}
    suites |= {"splits/assignments": ["row_key", "part"], "features/features": ["row_key", "label"]}
    suites |= {"predictions/predictions": ["row_key", "label", *scores]}
    for name, columns in suites.items():
        expectations = [{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}]
        expectations += [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": column}} for column in columns]
        path = paths.expectations / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": name.replace("/", "."), "expectations": expectations}))


def run_stages(context: StageContext) -> None:
    """Every stage, in the order of the graph."""
    here = Path.cwd()
    os.chdir(context.paths.root)
    try:
        for name, variant in STAGES:
            load_stage(name).run(StageContext(context.paths, context.params, variant))
    finally:
        os.chdir(here)
