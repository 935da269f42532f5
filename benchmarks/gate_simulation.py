"""How often the gate errs: made-up holdouts with a known truth, judged by the product's own code.

What belongs here: simulated holdouts, the rates at which a margin passes on them, and coverage of intervals. What does not: claims
to be better (``gate_claims``), parity and relative margins (``gate_families``), speed (``gate_speed``), and other gates' rules
(``gate_rules``). Rows lie in days; a day's positives share a strength of their own: its rows are not independent, while the area
under the ROC curve is known exactly: ``Phi(mu / sqrt(2 + tau^2))``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from benchmarks.gate_rules import kayenta_promotes, mlflow_promotes, tfx_promotes
from benchmarks.measure import print_table
from tasks.evaluation.compare import compare
from tasks.evaluation.spread import tails_of
from tasks.gates import judge_criteria
from tasks.gates.intervals import read_interval
from tasks.params.judging import EvaluationParams, GatesParams, IntervalMethod
from tasks.params.models import Task
from tasks.records import Comparison, CriterionOutcome, Evaluation, ModelCard

SIMULATIONS, MORE_SIMULATIONS = 1000, 4000
REPLICATES = 1000
CONFIDENCE = 0.95
MARGIN = 0.01
AREA, _STRENGTH, _ALIKE, _PREVALENCE = 0.72, 0.4, 0.95, 0.3
METHODS: tuple[IntervalMethod, ...] = ("cluster_bootstrap", "expanded", "bca", "delong")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Holdout:
    """Rows as the evaluation reads them, and each model's figure by day."""

    rows: pa.Table
    daily: dict[str, Floats]
    again: Floats
    """Scores of the challenger fitted again: of the same area, and as like it as it is like the champion."""


def holdout(random: np.random.Generator, delta: float, *, days: int = 60, rows_of_day: int = 100, is_copy: bool = False) -> Holdout:
    """A holdout on which the challenger's area is truly ``delta`` above the champion's; ``is_copy``: it is the champion."""
    labels = (random.random((days, rows_of_day)) < _PREVALENCE).astype(float)
    strengths = _pair(random, (days, 1))
    noise = _pair(random, (days, rows_of_day))
    areas = {"champion": AREA, "challenger": AREA + delta}
    scores = {role: _scores(labels, area, strengths[place], noise[place]) for place, (role, area) in enumerate(areas.items())}
    if is_copy:
        scores["challenger"] = scores["champion"]
    table = pa.table(
        {
            "label": labels.ravel(),
            **{f"{role}_score": found.ravel() for role, found in scores.items()},
            "cluster": pa.array([f"{day:04}" for day in range(days)]).take(pa.array(np.repeat(np.arange(days), rows_of_day))),
            "slice_group": pa.array([f"g{group}" for group in range(10)]).take(pa.array(random.integers(0, 10, labels.size))),
        }
    )
    place = 0 if is_copy else 1
    again = _scores(labels, AREA + delta, _near(random, strengths[place]), _near(random, noise[place]))
    return Holdout(table, {role: _daily_areas(labels, found) for role, found in scores.items()}, again.ravel())


def _scores(labels: Floats, area: float, strength: Floats, noise: Floats) -> Floats:
    pull = np.sqrt(2 + _STRENGTH**2) * stats.norm.ppf(area) + _STRENGTH * strength
    found: Floats = 1 / (1 + np.exp(-(pull * labels + noise)))
    return found


def _pair(random: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Two standard normal arrays, as alike as two models of one thing."""
    one = random.normal(size=shape)
    return one, _near(random, one)


def _near(random: np.random.Generator, one: Floats) -> Floats:
    found: Floats = _ALIKE * one + np.sqrt(1 - _ALIKE**2) * random.normal(size=one.shape)
    return found


def _daily_areas(labels: Floats, scores: Floats) -> Floats:
    ranks = stats.rankdata(scores, axis=1)
    positives = labels.sum(axis=1)
    won = (ranks * labels).sum(axis=1) - positives * (positives + 1) / 2
    with np.errstate(invalid="ignore"):
        areas = won / (positives * (labels.shape[1] - positives))
    found: Floats = areas[np.isfinite(areas)]
    return found


def evaluate(
    rows: pa.Table, seed: int, *, metric: str = "roc_auc", cluster: str = "day", slices: tuple[str, ...] = (), task: Task = "binary"
) -> Evaluation:
    """The product's comparison of the two models on ``rows``, as the record that the gate reads."""
    return record(compare(rows, asked(metric, cluster, slices), seed, task), rows.num_rows)


def asked(
    metric: str = "roc_auc", cluster: str = "day", slices: tuple[str, ...] = (), replicates: int = REPLICATES
) -> EvaluationParams:
    """What an evaluation measures, by which intervals."""
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": replicates, "confidence": CONFIDENCE}
    measured = {"split": "simulated", "part": "test", "metrics": (metric,), "slices": slices, "interval": interval}
    return EvaluationParams.model_validate(measured)


def record(comparisons: Sequence[Comparison], rows: int, *, replicates: int = REPLICATES) -> Evaluation:
    """Comparisons as the gate reads them; a noise floor that none has is 0, so that rates are those of the test alone."""
    known = [c if c.noise_floor is not None else c.model_copy(update={"noise_floor": 0.0}) for c in comparisons]
    return Evaluation(
        split="simulated",
        part="test",
        rows=rows,
        days=comparisons[0].clusters,
        unlabelled_rows=0,
        unscored_rows=0,
        from_utc="2013-09-01T00:00:00Z",
        to_utc="2013-10-30T00:00:00Z",
        champion=card("champion"),
        challenger=card("challenger"),
        judged="recipe",
        interval_method="cluster_bootstrap",
        cluster="day",
        replicates=replicates,
        confidence=CONFIDENCE,
        seeds={},
        comparisons=tuple(known),
        missing_slices=(),
        inputs={},
        tails=tails_of(replicates),
    )


def card(role: str) -> ModelCard:
    """A model that nothing else is known of."""
    nothing = dict.fromkeys(("split", "part", "rows", "seed", "logical_hash"))
    known = {"role": role, "name": role, "basis": "recipe", "estimator": "", "parameters": "{}", "view": "masked", "features": ()}
    return ModelCard.model_validate(nothing | known)


def judged(evaluation: Evaluation, criteria: Mapping[str, Mapping[str, object]]) -> tuple[CriterionOutcome, ...]:
    """The gate's outcomes under ``criteria`` (of ROC AUC where they name neither another metric nor parity)."""
    every: dict[str, object] = {"min_rows": 1, "critical": True}
    whole = {n: every | ({} if "parity" in c else {"metric": "roc_auc"}) | dict(c) for n, c in criteria.items()}
    return judge_criteria(evaluation, {}, GatesParams.model_validate({"max_age_days": 1, "criteria": whole}))


def rate(hits: int, trials: int) -> str:
    """A share with its exact 95 % interval (Clopper & Pearson)."""
    found = stats.binomtest(hits, trials).proportion_ci(0.95)
    return f"{100 * hits / trials:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


def draws(name: str, simulations: int = SIMULATIONS) -> Iterator[tuple[int, np.random.Generator]]:
    """A seed and a generator of each simulation, the same on every machine."""
    root = np.random.SeedSequence([20130101, *name.encode()])
    for number, child in enumerate(root.spawn(simulations)):
        yield number, np.random.default_rng(child)


def promotions() -> None:
    """How often each rule promotes, by the true difference: left of the margin promotion is false, right of it is power."""
    criteria: dict[str, Mapping[str, object]] = {method: {"margin": MARGIN, "method": method} for method in METHODS}
    criteria |= {"better": {"better_by": 0}}
    names = [*criteria, "MLflow", "TFX", "Kayenta"]
    table = []
    for delta in (-4 * MARGIN, -2 * MARGIN, -MARGIN, -MARGIN / 2, 0.0, MARGIN / 2, MARGIN):
        hits = dict.fromkeys(names, 0)
        for seed, random in draws(f"promotions {delta}"):
            made = holdout(random, delta)
            evaluation = evaluate(made.rows, seed)
            for outcome in judged(evaluation, criteria):
                hits[outcome.name] += outcome.status == "pass"
            champion, challenger = evaluation.comparisons[0].champion or 0.0, evaluation.comparisons[0].challenger or 0.0
            hits["MLflow"] += mlflow_promotes(champion, challenger)
            hits["TFX"] += tfx_promotes(champion, challenger, MARGIN)
            hits["Kayenta"] += kayenta_promotes(made.daily["champion"], made.daily["challenger"])
        table.append([f"{delta:+.3f}", *(rate(hits[name], SIMULATIONS) for name in names)])
    print_table(
        f"How often each rule promotes (margin {MARGIN}, 60 days of 100 rows, {SIMULATIONS} each)", ["truth", *names], table
    )


def at_the_margin() -> None:
    """The row of a truth of the margin again, with more holdouts of another seed, by the methods that hold their error there."""
    methods: tuple[IntervalMethod, ...] = ("expanded", "delong")
    criteria: dict[str, Mapping[str, object]] = {method: {"margin": MARGIN, "method": method} for method in methods}
    hits = dict.fromkeys(methods, 0)
    for seed, random in draws("at the margin again", MORE_SIMULATIONS):
        for outcome in judged(evaluate(holdout(random, -MARGIN).rows, seed), criteria):
            hits[outcome.name] += outcome.status == "pass"
    title = f"Worse by exactly the margin of {MARGIN}, {MORE_SIMULATIONS} other holdouts"
    print_table(title, ["method", "passes"], [[method, rate(count, MORE_SIMULATIONS)] for method, count in hits.items()])


def coverage() -> None:
    """How often the interval of the difference holds the truth, by method and kind of data."""
    rows = []
    for days in (60, 15):
        rows += _covered(f"ROC AUC, {days} days of 100 rows", partial(_equal, days=days), METHODS)
    row_wise: tuple[IntervalMethod, ...] = ("cluster_bootstrap", "delong")
    rows += _covered("the same 15 days, rows taken for independent", partial(_equal, days=15), row_wise, cluster="row")
    rows += _covered(
        "MAE, 15 days, skewed", skewed, ("cluster_bootstrap", "expanded", "bca"), metric="mae", task="regression", truth=-0.25
    )
    rows += _covered(
        "accuracy, 400 independent rows",
        _decisions,
        ("cluster_bootstrap", "bca", "mcnemar"),
        metric="accuracy",
        cluster="row",
        truth=0.03,
    )
    print_table(f"Coverage of 95 % intervals of the difference ({SIMULATIONS} each)", ["data", "method", "coverage", "width"], rows)


def _covered(
    title: str,
    make: Callable[[np.random.Generator], pa.Table],
    methods: Sequence[IntervalMethod],
    *,
    truth: float = 0.0,
    metric: str = "roc_auc",
    cluster: str = "day",
    task: Task = "binary",
) -> list[list[str]]:
    hits, widths = dict.fromkeys(methods, 0), dict.fromkeys(methods, 0.0)
    for seed, random in draws(title):
        evaluation = evaluate(make(random), seed, metric=metric, cluster=cluster, task=task)
        for method in methods:
            interval, _ = read_interval(evaluation.comparisons[0], "delta", method, CONFIDENCE, evaluation)
            if interval is not None:  # an interval that is not there covers nothing
                hits[method] += interval.low <= truth <= interval.high
                widths[method] += (interval.high - interval.low) / SIMULATIONS
    return [[title, method, rate(hits[method], SIMULATIONS), f"{widths[method]:.4f}"] for method in methods]


def _equal(random: np.random.Generator, days: int = 60) -> pa.Table:
    return holdout(random, 0.0, days=days).rows


def skewed(random: np.random.Generator, days: int = 15, challenger: float = 0.75) -> pa.Table:
    """Absolute errors with a mean of 1 and ``challenger``, some days far worse than others."""
    rows = 40
    share = random.gamma(2, 0.5, (days, 1))
    errors = {
        "champion": share * random.exponential(1, (days, rows)),
        "challenger": challenger * share * random.exponential(1, (days, rows)),
    }
    labels = random.normal(100, 10, (days, rows))
    return pa.table(
        {
            "label": labels.ravel(),
            **{f"{role}_score": (labels + found).ravel() for role, found in errors.items()},
            "cluster": [f"{day:02}" for day in range(days) for _ in range(rows)],
        }
    )


def _decisions(random: np.random.Generator) -> pa.Table:
    """Decisions of which the champion gets 80 % right and the challenger 83 %, 74 % both."""
    cell = random.choice(4, 400, p=[0.74, 0.06, 0.09, 0.11])
    labels = random.integers(0, 2, 400)
    right = {"champion": cell <= 1, "challenger": (cell == 0) | (cell == 2)}
    return pa.table({"label": labels, **{f"{role}_score": np.where(ok, labels, 1 - labels) for role, ok in right.items()}})


def gate_errors() -> None:
    """Every simulation."""
    promotions()
    at_the_margin()
    coverage()


if __name__ == "__main__":
    gate_errors()
