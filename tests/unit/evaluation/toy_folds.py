"""The toy with folds that were drawn twice, and examined."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from toy_evidence import make_params, toy_rows, write_reports, write_toy

from tasks.datasets import DatasetWriter, write_atomically
from tasks.params import Params
from tasks.params.splits import KFoldSplit
from tasks.paths import ProjectPaths
from tasks.records import ValidationReport
from tasks.splits import assign_to_folds

FOLDS: dict[str, Any] = {"kind": "kfold", "k": 4, "repeats": 2, "salt": "v1", "why": "toy"}


def write_folds(root: Path, rows: pa.Table | None = None) -> ProjectPaths:
    """The toy in ``root``."""
    rows = toy_rows() if rows is None else rows
    made = write_toy(root, rows)
    found = assign_to_folds(None, rows["order_id"].combine_chunks(), KFoldSplit.model_validate(FOLDS), "folds", 1)
    with DatasetWriter(made.split("folds"), "folds") as writer:
        days = rows["placed_utc"].cast(pa.date32()).to_pylist()
        for table, parts in found.items():
            assigned = pa.table({"row_key": rows["order_id"], "part": parts})
            for day in sorted(set(days)):
                chosen = assigned.filter(pa.array([each == day for each in days]))
                writer.write(f"{table}/day={day}/part-0.parquet", "", chosen, ("row_key",))
        manifest = writer.finish({"split": "folds", "snapshots": "s"})
    write_reports(made)
    path = made.validation_report("splits")
    report = ValidationReport.from_json(path.read_bytes(), origin="splits")
    report = report.model_copy(update={"inputs": {**report.inputs, "splits/folds": manifest.logical_hash}})
    write_atomically(path, report.to_json().encode())
    return made


def fold_params(
    judged: str, fitted_on: str | list[str], *, split: str = "folds", models: dict[str, Any] | None = None, **changes: Any
) -> Params:
    """The toy's parameters, the challenger fitted on parts of ``split``; ``models`` and ``changes`` replace what is declared."""
    content = make_params().model_dump(mode="json", by_alias=True, exclude_none=True)
    content["splits"]["folds"] = FOLDS
    content["evaluation"] |= {"split": "folds", "part": judged, **changes}
    content["models"]["challenger"] |= {"split": split, "part": fitted_on}
    content["models"] |= models or {}
    return Params.model_validate(content)
