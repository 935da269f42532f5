"""The project of ``raw_samples``, judged to promote by a signed policy: its recipe can be fitted again on the raw rows it has."""

from pathlib import Path
from typing import Any

import yaml
from disclosure_reports import write_disclosure
from passed_reports import stamp_reports, write_report
from promotable_project import found_signed, publish
from raw_samples import make_samples
from signed_project import ROBOT

from tasks.datasets import read_manifest, write_atomically
from tasks.params import Params, load_params
from tasks.paths import ProjectPaths
from tasks.stages import StageContext, load_stage
from tasks.stages.made_with import made_with

ON_TRAIN = {"split": "by_time", "part": "train"}
JUDGED: dict[str, Any] = {
    "models": {
        "champion": {"estimator": "sklearn.naive_bayes.GaussianNB", **ON_TRAIN},
        "challenger": {"estimator": "sklearn.tree.DecisionTreeClassifier", "parameters": {"max_depth": 5}, **ON_TRAIN},
    },
    "gates": {
        "max_age_days": 7,
        "criteria": {
            "validation": {"evidence": "validation", "critical": True},
            "ranking": {"metric": "roc_auc", "bound": 0.6, "margin": 0.3, "min_rows": 100, "critical": True},
        },
    },
}


def judge_samples(root: Path, **changes: Any) -> StageContext:
    """The project in ``root``, judged; ``changes`` replace sections of its parameters."""
    context = make_samples(root, **{**JUDGED, **changes})
    write_atomically(context.paths.params, yaml.safe_dump(_said(context.params), sort_keys=False).encode())
    judge(context)
    return context


def make_promotable_samples(root: Path, keys: dict[str, Path]) -> ProjectPaths:
    """The same with its policy signed before it is judged, and its verdict signed; nobody has approved it."""
    context = make_samples(root, **JUDGED)
    paths = context.paths
    write_atomically(paths.params, yaml.safe_dump(_said(context.params), sort_keys=False).encode())
    write_atomically(paths.requirements, b"")
    write_atomically(root / ".gitignore", b"/.windtunnel/\n/data/\n/lake/\n/masking.key\n")
    found_signed(paths, keys)
    judge(StageContext(paths, load_params(paths.params)))
    publish(paths, keys[ROBOT])
    return paths


def judge(context: StageContext) -> None:
    """Train, evaluate and judge, as the stages do."""
    paths = context.paths
    found = {name: read_manifest(paths.data / name, made_by=name).logical_hash for name in ("masked", "features")}
    write_disclosure(paths.root, found | made_with(context.params, "disclosure"))
    for name in ("train", "evaluate"):
        load_stage(name).run(context)
    write_report(paths.root, "predictions", {"predictions": read_manifest(paths.predictions, made_by="evaluate").logical_hash})
    stamp_reports(paths.root, context.params)
    load_stage("gate").run(context)


def _said(params: Params) -> dict[str, Any]:
    said: dict[str, Any] = params.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return said
