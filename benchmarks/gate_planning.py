"""How far what the gate promises ahead comes true: intervals of few days, planned power and gaps, and the rows that would decide.

What belongs here: these four simulations, by the product's own code. What does not: error rates and power of criteria
(``gate_simulation``, whose holdouts these are).
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks.gate_families import Groups, grouped
from benchmarks.gate_simulation import CONFIDENCE, MARGIN, SIMULATIONS, draws, evaluate, holdout, judged, rate, record, skewed
from benchmarks.gate_simulation import asked as evaluation_params
from benchmarks.measure import print_table
from tasks.evaluation import compare, foretell
from tasks.gates import judge_criteria, plan_tests
from tasks.gates.intervals import read_interval
from tasks.params.judging import GatesParams, IntervalMethod
from tasks.params.models import Task
from tasks.records import Evaluation, PlannedTest

_METHODS: tuple[IntervalMethod, ...] = ("cluster_bootstrap", "bca", "expanded")
_DAYS = (10, 15, 20, 30)
_MOST_DAYS = 1000
_GAP_METRIC, _GAP_LIMIT, _FIGURE = "recall@0.5", 0.2, 0.75


def few_days() -> None:
    """The share of intervals that hold the truth, and those that lie wholly above or below it, of ten to thirty days."""
    kinds: dict[str, tuple[Callable[[np.random.Generator, int], pa.Table], str, Task, float]] = {
        "ROC AUC": (_equal, "roc_auc", "binary", 0.0),
        "Brier score": (_equal, "brier", "binary", 0.0),
        "MAE, skewed": (skewed, "mae", "regression", -0.25),
    }
    rows = []
    for name, (make, metric, task, truth) in kinds.items():
        for days in _DAYS:
            told = {method: [0, 0, 0] for method in _METHODS}
            for seed, random in draws(f"few {name} {days}"):
                evaluation = evaluate(make(random, days), seed, metric=metric, task=task)
                for method, counts in told.items():
                    interval, _ = read_interval(evaluation.comparisons[0], "delta", method, CONFIDENCE, evaluation)
                    if interval is not None:  # an interval that is not there holds nothing
                        place = 0 if interval.high < truth else 1 if interval.low > truth else 2
                        counts[place] += 1
            rows.append([name, str(days), *(_share(*counts) for counts in told.values())])
    print_table(
        f"Coverage of {CONFIDENCE:.0%} intervals of the difference, and errors below and above ({SIMULATIONS} each)",
        ["figure", "days", *_METHODS],
        rows,
    )


def _equal(random: np.random.Generator, days: int) -> pa.Table:
    return holdout(random, 0.0, days=days).rows


def _share(below: int, above: int, held: int) -> str:
    return f"{100 * held / SIMULATIONS:.1f} % ({100 * below / SIMULATIONS:.1f}, {100 * above / SIMULATIONS:.1f})"


def planned_power() -> None:
    """One holdout is planned on, and another judged whose truth is just the smallest difference that was planned.

    Planned on as many days, as a plan by an evaluation is; and on a validation part, whose spread is scaled to the holdout's days.
    """
    rows = []
    for validation, days in ((60, 60), (20, 20), (30, 60), (15, 60), (20, 20)):
        is_foretold = len(rows) >= 4
        for test, limit in (("margin", -MARGIN), ("better_by", 0.0)):
            asked = {test: abs(limit)}
            planned, hits = [], 0
            # Plans by an evaluation keep the draws that they had before there were others.
            for seed, random in draws(f"foretold {test} {validation} {days}" if is_foretold else f"planned {test} {days}"):
                measured = evaluate(holdout(random, 0.0, days=validation).rows, seed)
                plan = _foretold(measured, random, days, asked) if is_foretold else plan_tests(measured, _gates(asked))[0]
                planned.append(plan.smallest_difference or 0.0)
                again = evaluate(holdout(random, limit + planned[-1], days=days).rows, seed + 1)
                hits += judged(again, {"c": asked})[0].status == "pass"
            told = f"{validation} days of validation" if is_foretold else f"{days} days like them"
            share = rate(hits, SIMULATIONS)
            rows.append([f"{test}: {abs(limit):g}", told, f"{days} days", f"{np.mean(planned):.4f}", share])
    head = ["criterion", "planned on", "judged on", "smallest difference, mean", "passes at it"]
    print_table(f"Planned at a power of 80 % ({SIMULATIONS} each)", head, rows)


def _foretold(measured: Evaluation, random: np.random.Generator, days: int, asked: dict[str, float]) -> PlannedTest:
    """The plan for a holdout of so many days, of which nothing but these is known."""
    places = holdout(random, 0.0, days=days).rows.select(["cluster"])
    expected = foretell(measured, places, part="test", days=days, k=1, has_folds=False)
    (plan,) = plan_tests(expected, _gates(asked), measured=measured)
    return plan


def planned_gaps() -> None:
    """The largest gap between groups that passes, planned on validation days of equal groups, and judged where it is the truth."""
    rows = []
    for count, validation, days in ((2, 30, 60), (2, 60, 60), (4, 30, 120)):
        planned, hits, silent = [], 0, 0
        for seed, random in draws(f"gaps {count} {validation} {days}"):
            middle = (_FIGURE,) * count
            measured = _grouped(grouped(random, Groups("equal", middle, validation), _GAP_METRIC), seed)
            places = grouped(random, Groups("equal", middle, days), _GAP_METRIC).select(["cluster", "slice_group"])
            expected = foretell(measured, places, part="test", days=days, k=1, has_folds=False)
            (plan,) = plan_tests(expected, _gap_gates(), measured=measured)
            if plan.smallest_difference is None or not plan.does_equal_pass:
                silent += 1
                continue
            planned.append(_GAP_LIMIT - plan.smallest_difference)
            ends = (_FIGURE + planned[-1] / 2, _FIGURE - planned[-1] / 2)
            again = _grouped(grouped(random, Groups("apart", ends + middle[2:], days), _GAP_METRIC), seed + 1)
            hits += judge_criteria(again, {}, _gap_gates())[0].status == "pass"
        share = rate(hits, len(planned))
        rows.append([str(count), f"{validation} days", f"{days} days", f"{np.mean(planned):.4f}", share, str(silent)])
    head = ["groups", "planned on validation", "judged on", "largest gap that passes, mean", "passes at it", "no gap passes"]
    print_table(f"Gaps in {_GAP_METRIC} planned at a power of 80 %, limit {_GAP_LIMIT} ({SIMULATIONS} each)", head, rows)


def _grouped(rows: pa.Table, seed: int) -> Evaluation:
    comparisons = compare(rows, evaluation_params(_GAP_METRIC, slices=("group",)), seed)
    return record(comparisons, rows.num_rows)


def _gap_gates() -> GatesParams:
    criterion = {"parity": _GAP_METRIC, "slice": "group", "gap": _GAP_LIMIT, "min_rows": 1, "critical": True}
    return GatesParams.model_validate({"max_age_days": 1, "criteria": {"gap": criterion}})


def waited() -> None:
    """Of holdouts that decide nothing: whether as many new days as the outcome names do."""
    rows = []
    for truth, days in ((0.005, 20), (0.0, 20), (0.0, 40), (-0.005, 20)):
        asked, named, silent = 0, [], 0
        decided = 0
        for seed, random in draws(f"waited {truth} {days}"):
            (outcome,) = judged(evaluate(holdout(random, truth, days=days).rows, seed), {"c": {"margin": MARGIN}})
            if outcome.status != "inconclusive":
                continue
            asked += 1
            if outcome.days_to_decide is None or outcome.days_to_decide > _MOST_DAYS:
                silent += 1
                continue
            named.append(outcome.days_to_decide)
            again = evaluate(holdout(random, truth, days=outcome.days_to_decide).rows, seed + 1)
            decided += judged(again, {"c": {"margin": MARGIN}})[0].status != "inconclusive"
        told = [
            f"{truth:+.3f}",
            str(days),
            rate(asked, SIMULATIONS),
            f"{np.median(named):.0f}",
            rate(decided, len(named)),
            str(silent),
        ]
        rows.append(told)
    head = ["truth", "days", "inconclusive", "days named, median", "they decide", f"none named, or over {_MOST_DAYS:,}"]
    print_table(f"The days that would decide a margin of {MARGIN}", head, rows)


def _gates(criterion: dict[str, float]) -> GatesParams:
    whole = {"metric": "roc_auc", "min_rows": 1, "critical": True, **criterion}
    return GatesParams.model_validate({"max_age_days": 1, "criteria": {"c": whole}})


def gate_planning() -> None:
    """Every simulation."""
    planned_power()
    planned_gaps()
    waited()
    few_days()


if __name__ == "__main__":
    gate_planning()
