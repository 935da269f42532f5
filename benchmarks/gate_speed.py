"""How fast the gate's statistics are, beside what produced the scores and beside scikit-learn.

What belongs here: CPU seconds and ratios, taken in turn in one process. What does not: how often the statistics err
(``gate_simulation``). The replay is what a holdout costs anyhow: champion and challenger, gradient boosting of 300 trees as in
the demo, score the same rows through the product's own scoring.
"""

import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from benchmarks.gate_simulation import CONFIDENCE, holdout, judged, record
from benchmarks.measure import print_table
from tasks.evaluation import plant_failures
from tasks.evaluation.compare import compare
from tasks.evaluation.delong import area_errors
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import hold_self_test, plan_self_test
from tasks.models.challengers import Brought
from tasks.params.judging import EvaluationParams, GatesParams
from tasks.records import Comparison, ModelCard

_DAYS, _ROWS_OF_DAY = 300, 1000
_FEATURES = tuple(f"f{number:02}" for number in range(30))
_TREES, _FITTED_ON, _TIMES = 300, 20_000, 3
_SLICED = ("brier", "roc_auc")


def gate_speed() -> None:
    """The bootstrap beside the replay, DeLong beside two areas, 500 slices, and the self-test."""
    random = np.random.default_rng(1)
    large = holdout(random, 0.0, days=_DAYS, rows_of_day=_ROWS_OF_DAY).rows
    rows = [*_beside_replay(random, large), _delong(random), *_slices(random, large), _self_test(large)]
    aim = ["what", "CPU s", "beside", "aim"]
    print_table(f"Speed of the gate's statistics (OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')})", aim, rows)


def _beside_replay(random: np.random.Generator, large: pa.Table) -> list[list[str]]:
    features = random.normal(size=(large.num_rows, len(_FEATURES)))
    keyed = pa.table(
        {"row_key": pa.array(range(large.num_rows)).cast(pa.string()), **dict(zip(_FEATURES, features.T, strict=True))}
    )
    models = [
        _fitted(role, features, np.asarray(large.column("label")), seed) for seed, role in enumerate(("champion", "challenger"))
    ]
    works: dict[str, Callable[[], object]] = {"replay": lambda: [model.score(keyed, "binary") for model in models]}
    for metric in ("brier", "roc_auc"):
        works[metric] = partial(compare, large, _asked(metric, 2000), 1)
    found = {name: np.median(seconds) for name, seconds in _in_turn(works).items()}
    rows = [[f"replay: both models score {large.num_rows:,} rows x {len(_FEATURES)} features", f"{found['replay']:.2f}", "1", ""]]
    for metric in ("brier", "roc_auc"):
        share = f"{found[metric] / found['replay']:.3f} of the replay"
        rows.append([f"{metric}: 2,000 replicates of {_DAYS} days, both models", f"{found[metric]:.2f}", share, "0.05"])
    return rows


def _fitted(role: str, features: np.ndarray, labels: np.ndarray, seed: int) -> Brought:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=_TREES, learning_rate=0.06, early_stopping=False, random_state=seed)
    card = ModelCard(
        role=role, name=role, basis="recipe", estimator="gradient boosting", parameters="{}", view="masked", split=None, part=None,
        rows=None, features=_FEATURES, seed=seed, logical_hash=None,
    )  # fmt: skip
    import pandas as pd

    chosen = np.random.default_rng(seed).choice(len(labels), _FITTED_ON, replace=False)
    return Brought(card, model.fit(pd.DataFrame(features[chosen], columns=list(_FEATURES)), labels[chosen]))


def _delong(random: np.random.Generator) -> list[str]:
    from sklearn.metrics import roc_auc_score

    labels = (random.random(1_000_000) < 0.3).astype(float)
    scores = {role: labels + random.normal(size=len(labels)) for role in ("champion", "challenger")}
    seconds = _in_turn(
        {
            "ours": lambda: area_errors(labels, scores, None, len(labels)),
            "theirs": lambda: [roc_auc_score(labels, of) for of in scores.values()],
        }
    )
    ours, theirs = np.median(seconds["ours"]), np.median(seconds["theirs"])
    return ["DeLong, two models, 1,000,000 rows", f"{ours:.2f}", f"{ours / theirs:.2f} of two roc_auc_score", "1.2"]


def _slices(random: np.random.Generator, large: pa.Table) -> list[list[str]]:
    groups = pa.array([f"s{number:03}" for number in range(500)]).take(pa.array(random.integers(0, 500, large.num_rows)))
    sliced = large.append_column("slice_many", groups)
    found: dict[str, tuple[Comparison, ...]] = {}

    def compare_by(metric: str) -> None:
        found[metric] = compare(sliced, _asked(metric, 1000).model_copy(update={"slices": ("many",)}), 1)

    seconds = _in_turn({metric: partial(compare_by, metric) for metric in _SLICED})
    rows = []
    for metric in _SLICED:
        compared = np.median(seconds[metric])
        evaluation = record(found[metric], large.num_rows)
        each = {"metric": metric, "slice": "many"}
        criteria = {"each": {**each, "margin": 0.01}, "better": {**each, "better_by": 0}}
        gate = np.median(_in_turn({"judge": partial(judged, evaluation, criteria)})["judge"])
        rows += [
            [f"{metric} on 500 slices, 1,000 replicates each", f"{compared:.2f}", "", ""],
            ["500 slices judged twice, 500 claims corrected by Holm", f"{gate:.2f}", f"{compared + gate:.2f} s together", "1 s"],
        ]
    return rows


def _self_test(large: pa.Table) -> list[str]:
    rows = large.slice(0, 54_000)
    params = _asked("roc_auc", 2000).model_copy(update={"metrics": ("roc_auc", "log_loss")})
    evaluation = record(compare(rows, params, 1), rows.num_rows)
    criterion = {"margin": 0.005, "min_rows": 1000, "critical": True}
    criteria = {name: {"metric": name, **criterion} for name in params.metrics}
    gates = GatesParams.model_validate({"max_age_days": 7, "criteria": criteria})
    evidence = SelfTestEvidence(evaluation, {}, None, ())

    def hold() -> None:
        plan = plan_self_test(gates, params, evaluation)
        about = {"replicates": plan.replicates, "gaps": plan.gaps}
        hold_self_test(evidence, gates, plant_failures(rows, evaluation, plan.params, classes=(), draws=1, seed=1, **about))

    seconds = np.median(_in_turn({"self-test": hold})["self-test"])
    return [f"self-test on {rows.num_rows:,} rows, ROC AUC and log loss", f"{seconds:.2f}", "", "1 s"]


def _asked(metric: str, replicates: int) -> EvaluationParams:
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": replicates, "confidence": CONFIDENCE}
    return EvaluationParams.model_validate({"split": "s", "part": "test", "metrics": (metric,), "interval": interval})


def _in_turn(works: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """CPU seconds of each, one after the other, so that a busy machine slows all alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(_TIMES):
        for name, work in works.items():
            began = time.process_time()
            work()
            found[name].append(time.process_time() - began)
    return found


if __name__ == "__main__":
    gate_speed()
