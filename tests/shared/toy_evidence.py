"""A small project's datasets as the stages before ``evaluate`` leave them: 20 days of orders, scored by production."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from disclosure_reports import write_disclosure

from tasks.datasets import DatasetWriter, read_manifest, write_atomically
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.records import ExpectationOutcome, ModelCard, SuiteOutcome, ValidationReport
from tasks.stages import StageContext, load_stage
from tasks.stages.made_with import made_with

START = datetime(2020, 1, 25, tzinfo=timezone.utc)
DAYS, PER_DAY = 20, 40
PARTS = {"train": 8, "embargo": 1, "validation": 5, "test": 6}
"""Days of each part, in order of time."""
ORDERS = ("order_id", "placed_utc", "shop", "buyer", "weight", "seen_utc")
"""Columns of the masked orders; the last two only where a test brings them."""


def make_params(**changes) -> Params:
    """The toy's parameters; ``changes`` replace whole sections, or entries of ``evaluation``."""
    columns = {
        "orders": list(ORDERS),
        "log": ["order_id", "scored_utc", "score", "version"],
        "results": ["order_id", "returned", "known_utc"],
    }
    times = {"orders": "placed_utc", "log": "scored_utc", "results": "known_utc"}
    evaluation = {
        "split": "by_time",
        "part": "test",
        "metrics": ["roc_auc", "brier"],
        "slices": ["shop"],
        "weight": None,
        "discover": None,
        "interval": {"method": "cluster_bootstrap", "cluster": "buyer", "replicates": 100, "confidence": 0.95},
    }
    criteria = {
        "validation": {"evidence": "validation", "critical": True},
        "ranking": {"metric": "roc_auc", "margin": 0.1, "min_rows": 10, "critical": True},
    }
    sections = {
        "schema_version": 1,
        "seed": 1,
        "snapshot": {
            "lake": "lake",
            "as_of_utc": "2020-03-01T00:00:00Z",
            "purpose": "test",
            "tables": {n: {"key": ["order_id"], "time": times[n], "known": times[n], "columns": c} for n, c in columns.items()},
        },
        "masking": {
            "key": {"env": "KEY", "file": "key", "id": "k"},
            "domains": {"order": [f"{name}.order_id" for name in columns]},
            "tables": {n: {"safe": [x for x in c if x != "order_id"], "reason": "toy"} for n, c in columns.items()},
        },
        "label": {"table": "results", "column": "returned", "known": "known_utc", "task": "binary", "positive": 1},
        "splits": {
            "by_time": {
                "kind": "time",
                "column": "placed_utc",
                "boundaries": {"train": "2020-02-02", "validation": "2020-02-08"},
                "why": "toy",
            },
            "by_buyer": {"kind": "keyed_hash", "unit": "buyer", "salt": "s", "parts": {"train": 0.5, "test": 0.5}, "why": "toy"},
        },
        "features": {
            "rows": "orders",
            "at": {"column": "placed_utc", "minus_minutes": 0},
            "columns": {"day": {"part": "weekday", "of": "orders.placed_utc"}, "strength": {"count": "log", "by": ["order_id"]}},
        },
        "models": {
            "champion": {"scores": "log.score", "version": "log.version"},
            "challenger": {
                "estimator": "sklearn.linear_model.LogisticRegression",
                "parameters": {},
                "split": "by_time",
                "part": "train",
            },
        },
        "evaluation": evaluation,
        "gates": {"max_age_days": 7, "criteria": criteria},
    }
    sections["evaluation"] = evaluation | {k: v for k, v in changes.items() if k in evaluation}
    return Params.model_validate(sections | {k: v for k, v in changes.items() if k not in evaluation})


def toy_rows(seed: int = 0) -> pa.Table:
    """order_id, placed_utc, shop, buyer, label, strength, day, score, version, part: one row per order, in order of time."""
    random = np.random.default_rng(seed)
    count = DAYS * PER_DAY
    strength = random.normal(size=count)
    label = (random.random(count) < 1 / (1 + np.exp(-2 * strength))).astype(np.int8)
    moments = [START + timedelta(days=index // PER_DAY, minutes=index % PER_DAY) for index in range(count)]
    part = [name for name, days in PARTS.items() for _ in range(days * PER_DAY)]
    return pa.table(
        {
            "order_id": [f"o{index:04}" for index in random.permutation(count)],
            "placed_utc": pa.array(moments, pa.timestamp("us", "UTC")),
            "shop": random.choice(["north", "south"], count).tolist(),
            "buyer": [f"b{buyer:02}" for buyer in random.integers(0, 30, count)],
            "label": pa.array(label, pa.int8()),
            "strength": strength,
            "day": random.normal(size=count),
            "score": 1 / (1 + np.exp(-strength - random.normal(size=count))),
            "version": ["v1"] * count,
            "part": part,
        }
    )


def write_toy(root: Path, rows: pa.Table, *, log: pa.Table | None = None, about: dict[str, str] | None = None) -> ProjectPaths:
    """Write masked tables, both splits and features of ``rows``; ``log`` replaces the champion's log."""
    paths = ProjectPaths(root)
    with DatasetWriter(paths.masked, "masked") as writer:
        for path, chosen in _by_day(rows):
            orders = chosen.select([name for name in ORDERS if name in rows.column_names])
            writer.write(f"orders/{path}", "", orders, ("order_id",))
        writer.write("log/all.parquet", "", log_of(rows) if log is None else log, ("order_id",))
        masked = writer.finish({"view": "masked", "snapshots": "s"})
    keyed = rows.rename_columns({"order_id": "row_key"}).append_column("at_utc", rows["placed_utc"])
    keyed = keyed.append_column("label_known_utc", pc.add(keyed["at_utc"], pa.scalar(timedelta(days=1), pa.duration("us"))))
    for name, parts in (("by_time", keyed["part"]), ("by_buyer", pc.if_else(pc.less(keyed["buyer"], "b15"), "train", "test"))):
        with DatasetWriter(paths.split(name), name) as writer:
            for path, chosen in _by_day(keyed.drop_columns(["part"]).append_column("part", parts)):
                writer.write(f"assignments/{path}", "", chosen.select(["row_key", "part"]), ("row_key",))
            writer.finish({"split": name, "snapshots": "s"})
    with DatasetWriter(paths.features, "features") as writer:
        for path, chosen in _by_day(keyed):
            writer.write(
                f"features/{path}",
                "",
                chosen.select(["row_key", "at_utc", "label", "label_known_utc", "day", "strength"]),
                ("row_key",),
            )
        writer.finish({"view": "masked", "masked": masked.logical_hash, "snapshots": "s", "pin": "p", **(about or {})})
    return paths


def log_of(rows: pa.Table) -> pa.Table:
    """The champion's log: every order scored when it was placed."""
    return rows.select(["order_id", "score", "version"]).append_column("scored_utc", rows["placed_utc"])


def _by_day(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    days = pc.strftime(rows["placed_utc"], "%Y-%m-%d")
    return [(f"day={day}/part-0.parquet", rows.filter(pc.equal(days, day))) for day in days.unique().to_pylist()]


def replaced(rows: pa.Table, name: str, values) -> pa.Table:
    """``rows`` with another column ``name``."""
    return rows.set_column(rows.column_names.index(name), name, values)


def make_card(split: str | None, part: str | None = "train", *, role: str = "challenger", view: str = "masked") -> ModelCard:
    """The card of a recipe that was fitted on ``part`` of ``split``."""
    return ModelCard(
        role=role,
        name="c",
        basis="recipe",
        estimator="e",
        parameters="{}",
        view=view,
        split=split,
        part=part,
        rows=None,
        features=(),
        seed=None,
        logical_hash=None,
    )


def train_toy(paths: ProjectPaths, params: Params) -> None:
    """Fit what ``params`` want fitted, as the stage ``train`` does, and store it."""
    _stamp(paths, params)
    write_reports(paths, params)
    load_stage("train").run(StageContext(paths, params))


def _stamp(paths: ProjectPaths, params: Params) -> None:
    """Say of the datasets that they were made with ``params``, as the stages that make them do."""
    told = made_with(params, "mask", made_with(params, "snapshot"))
    abouts = {paths.masked: told, paths.features: made_with(params, "features", told)}
    abouts |= {paths.split(name): made_with(params, f"split@{name}", made_with(params, "snapshot")) for name in params.splits}
    for folder, about in abouts.items():
        manifest = read_manifest(folder, made_by="toy")
        changed = manifest.model_copy(update={"about": manifest.about | about})
        write_atomically(folder / "manifest.json", changed.to_json().encode())


def write_reports(paths: ProjectPaths, params: Params | None = None) -> None:
    """Reports that passed, on the datasets as they are; made with the toy's own parameters where none are given."""
    params = params or make_params()
    known = {
        "masked": paths.masked,
        "features": paths.features,
        "by_time": paths.split("by_time"),
        "by_buyer": paths.split("by_buyer"),
    }
    hashes = {name: read_manifest(folder, made_by="toy").logical_hash for name, folder in known.items()}
    inputs = {
        "raw": {"snapshots": "s"},
        "masked": {"masked": hashes["masked"]},
        "splits": {f"splits/{name}": hashes[name] for name in ("by_time", "by_buyer")},
        "features": {"features": hashes["features"]},
    }
    released = {"masked": hashes["masked"], "features": hashes["features"]}
    write_disclosure(paths.root, released | made_with(params, "disclosure"))
    outcome = ExpectationOutcome(
        expectation="e", column=None, severity="critical", is_passed=True, element_count=1, unexpected_count=0, reason=""
    )
    suite = SuiteOutcome(suite="s", table="t", period="all", rows=1, is_passed=True, reuse_key="", expectations=(outcome,))
    for subject, examined in inputs.items():
        named = examined | made_with(params, f"validate_{subject}")
        report = ValidationReport(subject=subject, is_passed=True, engine="toy", inputs=named, suites=(suite,), findings=())
        write_atomically(paths.validation_report(subject), report.to_json().encode())


def judge_toy(paths: ProjectPaths, params: Params) -> None:
    """Evaluate and judge, as the stages do."""
    write_reports(paths, params)
    load_stage("evaluate").run(StageContext(paths, params))
    predictions = read_manifest(paths.predictions, made_by="evaluate").logical_hash
    examined = {"predictions": predictions} | made_with(params, "validate_predictions")
    about = ValidationReport.from_json(paths.validation_report("features").read_bytes(), origin="test")
    report = about.model_copy(update={"subject": "predictions", "inputs": examined})
    write_atomically(paths.validation_report("predictions"), report.to_json().encode())
    load_stage("gate").run(StageContext(paths, params))
