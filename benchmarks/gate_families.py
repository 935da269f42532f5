"""How often criteria on parity and on relative margins err, on clustered rows with a known truth.

What belongs here: gaps between groups, and margins as a share of the champion's figure. What does not: absolute margins
(``gate_simulation``) and claims to be better (``gate_claims``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from scipy import stats

from benchmarks.gate_rules import tfx_promotes_relative
from benchmarks.gate_simulation import (
    AREA,
    METHODS,
    SIMULATIONS,
    asked,
    draws,
    evaluate,
    holdout,
    judged,
    rate,
    record,
    skewed,
)
from benchmarks.measure import print_table
from tasks.evaluation import compare
from tasks.params.judging import IntervalMethod
from tasks.params.models import Task

_REPLICATES = 2000
_RELATIVE = 0.02
_STRENGTH, _PREVALENCE = 0.4, 0.4
_DAYS, _ROWS_OF_DAY = 60, 100
_METRICS = ("recall@0.5", "roc_auc")
_LIMIT = 0.1


@dataclass(frozen=True)
class Groups:
    """Groups that each row is one of by chance, the figure of each, and how many days there are."""

    name: str
    figures: tuple[float, ...]
    days: int = _DAYS

    @property
    def gap(self) -> float:
        """The true gap."""
        return round(max(self.figures) - min(self.figures), 9)


_CASES = (
    Groups("two", (0.8, 0.7)),
    Groups("two, 15 days", (0.8, 0.7), 15),
    Groups("five, three between", (0.8, 0.75, 0.75, 0.75, 0.7)),
    Groups("eight, half at each end", (0.8,) * 4 + (0.7,) * 4),
    Groups("two", (0.8, 0.6)),
    Groups("eight, one far off", (0.8,) * 7 + (0.6,)),
    Groups("two", (0.8, 0.75)),
    Groups("two, equal", (0.75,) * 2),
    Groups("eight, equal", (0.75,) * 8),
)


@dataclass
class _Counts:
    """Of a case's simulations: intervals that hold the gap, outcomes, and points at most at the limit."""

    held: int = 0
    passed: int = 0
    failed: int = 0
    points: int = 0


def parity() -> None:
    """Intervals of the gap, and outcomes at one limit: where that is the true gap, each but inconclusive is an error."""
    rows = []
    for metric in _METRICS:
        for groups in _CASES:
            found = _count(groups, metric)
            counts = (found.held, found.passed, found.failed, found.points)
            rows.append([metric, groups.name, f"{groups.gap:g}", *(rate(count, SIMULATIONS) for count in counts)])
    head = ["metric", "groups", "true gap", "interval holds it", "passes", "fails", "a point rule passes"]
    print_table(f"Gaps between groups, limit {_LIMIT}, {_DAYS} days of {_ROWS_OF_DAY} rows ({SIMULATIONS} each)", head, rows)


def _count(groups: Groups, metric: str) -> _Counts:
    counts = _Counts()
    params = asked(metric, slices=("group",), replicates=_REPLICATES)
    for seed, random in draws(f"parity {metric} {groups.name} {groups.gap}"):
        comparisons = compare(grouped(random, groups, metric), params, seed)
        evaluation = record(comparisons, comparisons[0].rows, replicates=_REPLICATES)
        (outcome,) = judged(evaluation, {"gap": {"parity": metric, "slice": "group", "gap": _LIMIT}})
        counts.passed += outcome.status == "pass"
        counts.failed += outcome.status == "fail"
        if outcome.interval is not None:  # an interval that is not there holds nothing
            counts.held += outcome.interval.low <= groups.gap <= outcome.interval.high
        if outcome.challenger is not None:
            counts.points += outcome.challenger <= _LIMIT
    return counts


def grouped(random: np.random.Generator, groups: Groups, metric: str) -> pa.Table:
    """Rows of which each group's recall or area is exactly ``groups.figures``; a day's positives share a strength."""
    shape = (groups.days, _ROWS_OF_DAY)
    labels = (random.random(shape) < _PREVALENCE).astype(float)
    group = random.integers(0, len(groups.figures), shape)
    spread = np.sqrt((2 if metric == "roc_auc" else 1) + _STRENGTH**2)
    pull = spread * stats.norm.ppf(np.array(groups.figures))[group] + _STRENGTH * random.normal(size=(groups.days, 1))
    scores = 1 / (1 + np.exp(-(pull * labels + random.normal(size=shape))))
    days = pa.array([f"{day:02}" for day in range(groups.days)])
    names = pa.array([f"g{place}" for place in range(len(groups.figures))])
    return pa.table(
        {
            "label": labels.ravel(),
            "challenger_score": scores.ravel(),
            "cluster": days.take(pa.array(np.repeat(np.arange(groups.days), _ROWS_OF_DAY))),
            "slice_group": names.take(pa.array(group.ravel())),
        }
    )


@dataclass(frozen=True)
class Case:
    """A metric whose true difference is ``truth`` of the champion's figure, held against a margin of ``share`` of it."""

    name: str
    truth: float
    make: Callable[[np.random.Generator], pa.Table]
    share: float = _RELATIVE
    metric: str = "roc_auc"
    task: Task = "binary"
    methods: tuple[IntervalMethod, ...] = METHODS
    margin: float | None = None
    """Where it is asked as an absolute margin: the same one, of the champion's true figure."""


def relative_margins() -> None:
    """How often a margin of a share of the champion's figure passes; at a truth of the margin each pass is an error."""
    cases = [Case("ROC AUC, 60 days", share, partial(_areas, share=share)) for share in (-0.02, -0.01, 0.0, 0.02)]
    for days in (60, 15):
        make = partial(skewed, days=days, challenger=1.1)
        for margin, how in ((None, ""), (0.1, ", absolute margin")):
            cases.append(Case(f"MAE, {days} skewed days{how}", 0.1, make, 0.1, "mae", "regression", METHODS[:3], margin))
    rows = [[case.name, f"{case.truth:+.1%}", f"{case.share:.0%}", *_passes(case)] for case in cases]
    print_table(
        f"How often a relative margin passes, 95 % ({SIMULATIONS} each)", ["figure", "truth", "margin", *METHODS, "TFX"], rows
    )


def _areas(random: np.random.Generator, share: float) -> pa.Table:
    return holdout(random, AREA * share).rows


def _passes(case: Case) -> list[str]:
    """The share of simulations that each method, and TFX, passes; empty where a method is not made for the metric."""
    test = {"relative_margin": case.share} if case.margin is None else {"margin": case.margin}
    criteria = {m: {"metric": case.metric, "method": m, **test} for m in case.methods}
    hits = dict.fromkeys((*case.methods, "TFX"), 0)
    for seed, random in draws(f"relative {case.name} {case.truth}"):
        evaluation = evaluate(case.make(random), seed, metric=case.metric, task=case.task)
        for outcome in judged(evaluation, criteria):
            hits[outcome.name] += outcome.status == "pass"
        found = evaluation.comparisons[0]
        is_lower_better = found.direction == "lower_is_better"
        figures = found.champion or 0.0, found.challenger or 0.0
        hits["TFX"] += tfx_promotes_relative(*figures, case.share, is_lower_better=is_lower_better)
    return [rate(hits[rule], SIMULATIONS) if rule in hits else "" for rule in (*METHODS, "TFX")]


def families() -> None:
    """Every simulation."""
    relative_margins()
    parity()


if __name__ == "__main__":
    families()
