"""A whole run whose figures were measured on rows: what a page that judges itself can be held against."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
from verdict_stories import PARAMS, sha, story_inputs

from tasks.evaluation import compare, summarise_blocks
from tasks.evaluation.confusions import OF_CLASSES
from tasks.evaluation.spread import tails_of
from tasks.gates import Provenance as GateProvenance
from tasks.gates import judge
from tasks.params.judging import Criterion, EvaluationParams, GatesParams, MetricCriterion, ParityCriterion
from tasks.params.models import Task
from tasks.records import Evaluation
from tasks.reporting import ReportInputs
from tasks.stages.report import figures_asked

AT_THRESHOLD = ("cost@0.3", "recall@0.3", "f0.5@0.3")
SEED = 2_616_634_370
METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("roc_auc", "log_loss", "brier", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "f2", "mcc", "ece"),
    "regression": ("mae", "rmse", "r2", "mape", "bias"),
    "multiclass": ("log_loss", "brier", "roc_auc_ovr", *OF_CLASSES, "precision[a]", "recall[b]", "f1[c]"),
}
CLASSES = ("a", "b", "c")


def judged_rows(days: int = 24, per_day: int = 120, *, task: Task = "binary", has_weights: bool = False) -> pa.Table:
    """Predictions of some days at three origins, one of them small; the challenger is better than the champion."""
    random = np.random.default_rng(11)
    count = days * per_day
    truth = random.normal(size=count)
    labels = (truth + random.normal(size=count) > 0.4).astype(np.int8) if task == "binary" else 20 + 4 * truth
    scores = {role: truth + random.normal(scale=scale, size=count) for role, scale in (("champion", 1.6), ("challenger", 1.1))}
    columns = {
        "row_key": [f"k{place}" for place in range(count)],
        "label": labels,
        "cluster": [f"2013-09-{1 + place % days:02d}" for place in range(count)],
        "slice_origin": random.choice(["EWR", "JFK", "LGA"], count, p=[0.5, 0.42, 0.08]),
        **{f"{role}_score": 1 / (1 + np.exp(-s)) if task == "binary" else 20 + 4 * s for role, s in scores.items()},
    }
    if has_weights:
        columns["weight"] = random.uniform(0.5, 2.0, count)
    return pa.table(columns)


def class_rows(days: int = 16, per_day: int = 360) -> pa.Table:
    """Predictions of one of three classes, which the challenger tells apart better than the champion."""
    random = np.random.default_rng(12)
    count = days * per_day
    truth = random.integers(0, 3, count)
    columns: dict[str, object] = {
        "row_key": [f"k{place}" for place in range(count)],
        "label": [CLASSES[place] for place in truth],
        "cluster": [f"2013-09-{1 + place % days:02d}" for place in range(count)],
        "slice_origin": random.choice(["EWR", "JFK"], count),
    }
    for role, strength in (("champion", 0.6), ("challenger", 1.1)):
        raised = np.exp(strength * np.eye(3)[truth] + random.normal(size=(count, 3)))
        likelihood = raised / raised.sum(axis=1, keepdims=True)
        columns |= {f"{role}_score_{place}": likelihood[:, place] for place in range(3)}
    return pa.table(columns)


def evaluation_params(
    task: Task = "binary", replicates: int = 400, *, costs: tuple[float, float] = (1, 4), cluster: str = "day"
) -> EvaluationParams:
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": replicates, "confidence": 0.95}
    told = {
        "split": "by_time",
        "part": "test",
        "metrics": METRICS[task] + (AT_THRESHOLD if task == "binary" else ()),
        "slices": ("origin",),
        "interval": interval,
    }
    if task == "binary":
        told["costs"] = dict(zip(("false_positive", "false_negative"), costs, strict=True))
    return EvaluationParams.model_validate(told)


def on(metric: str, **asked: object) -> MetricCriterion:
    """A criterion on ``metric`` with a wide margin, unless ``asked`` otherwise."""
    limits = {} if asked.keys() & {"bound", "relative_margin", "better_by"} else {"margin": 0.2}
    return MetricCriterion.model_validate({"metric": metric, "min_rows": 50, "critical": True, **limits, **asked})


def gap(metric: str, most: float, **asked: object) -> ParityCriterion:
    """A criterion on the gap of ``metric`` between origins."""
    told = {"parity": metric, "slice": "origin", "gap": most, "min_rows": 50, "critical": True}
    return ParityCriterion.model_validate(told | asked)


def judged_inputs(
    criteria: Mapping[str, Criterion],
    rows: pa.Table | None = None,
    *,
    task: Task = "binary",
    draws: int = 1,
    costs: tuple[float, float] = (1, 4),
    cluster: str = "day",
    floor: float | None = 0.0,
    **told: object,
) -> ReportInputs:
    """The report's inputs of a run that judged ``criteria`` on ``rows``, and the reports that every run has.

    ``floor`` is the noise floor of every figure; ``told`` are fields of the evaluation that are not measured on the rows.
    """
    classes = CLASSES if task == "multiclass" else ()
    rows = judged_rows(task=task) if rows is None else rows
    has_champion = any(name.startswith("champion_score") for name in rows.column_names)
    base = story_inputs("promote" if has_champion else "rubber_stamp")
    params = evaluation_params(task, costs=costs, cluster=cluster)
    found = base.provenance
    changes: dict[str, object] = {
        "task": task,
        "rows": rows.num_rows,
        "cluster": cluster,
        "replicates": params.interval.replicates,
        "seeds": {"evaluation": SEED},
        "comparisons": tuple(
            found.model_copy(update={"noise_floor": floor}) for found in compare(rows, params, SEED, task, classes, draws=draws)
        ),
        "tails": tails_of(params.interval.replicates),
        "weight": "weight" if "weight" in rows.column_names else None,
        **told,
    }
    evaluation: Evaluation = found.evaluation.model_copy(update=changes)
    kept = {name: criterion for name, criterion in PARAMS.gates.criteria.items() if not isinstance(criterion, MetricCriterion)}
    judged = PARAMS.model_copy(update={"evaluation": params, "gates": GatesParams(max_age_days=7, criteria={**kept, **criteria})})
    files = {name: value for name, value in found.files.items() if name != "verdict"} | {"evaluation": sha(evaluation.to_json())}
    reports = {report.subject: report for report in base.validations}
    run = GateProvenance(split="by_time", part="test", params_hash=sha("params"), inputs=files, seeds={"root": PARAMS.seed})
    verdict = judge(evaluation, reports, judged.gates, run, disclosure=base.disclosure, utility=base.utility)
    asked, methods = figures_asked(judged)
    k = PARAMS.masking.limits.k
    blocks = summarise_blocks(rows, params, evaluation, asked, classes=classes, draws=draws, k=k, methods=methods)
    files["verdict"] = sha(verdict.to_json())
    return replace(
        base,
        provenance=replace(found, verdict=verdict, evaluation=evaluation, files=files),
        params=judged,
        verdict_bytes=verdict.to_json().encode(),
        blocks=blocks,
    )
