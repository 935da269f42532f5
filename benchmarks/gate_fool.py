"""The cheats of ``windtunnel gate fool`` through our gate and through other gates' published rules: docs/gate-fool.md.

What belongs here: the cheapest attempt that each rule promotes, on one project's predictions. What does not: the cheats
(``tasks.adversary``) and the rules (``gate_rules``). The rules see the same attempts on the same rows, of the first critical metric
that is held against the champion; they have neither a budget of looks nor any check of where rows and scores come from.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.gate_rules import kayenta_promotes, mlflow_promotes, tfx_promotes
from benchmarks.measure import print_table
from tasks.adversary import Sheet, plan_cheats
from tasks.evaluation import compare
from tasks.fooling import Bench, attempt_sheets, fool_gate, make_bad, open_bench
from tasks.params import Params, load_params
from tasks.params.judging import Criterion, EvaluationParams, EvidenceCriterion, MetricCriterion
from tasks.paths import ProjectPaths

Floats = NDArray[np.float64]
Rule = Callable[[Sheet], bool]
_FEWEST_REPLICATES = 100


def cheats_and_rules(project: Path) -> None:
    """For each cheat: the cheapest attempt that gets through our gate, and through each published rule."""
    paths = ProjectPaths(project)
    params = _with_one_criterion(load_params(paths.params))
    ours = {cheat.name: cheat for cheat in fool_gate(paths, params, lambda _what, _done, _whole: None).cheats}
    bench, good = open_bench(paths, params)
    share, bad = make_bad(bench, good)
    (criterion,) = (c for c in bench.gates.criteria.values() if isinstance(c, MetricCriterion))
    metric, margin = criterion.metric, criterion.margin or 0.0
    rules = _rules(bench, metric, margin)
    table = []
    for cheat in plan_cheats(good, bad_share=share, looks=params.gates.looks.budget):
        found = ours[cheat.name]
        own = (
            "stopped"
            if found.cheapest is None
            else f"{_told(found.cheapest, cheat.unit)}{'' if found.got_through else ', refused'}"
        )
        row = [cheat.name, own]
        sheets = list(attempt_sheets(bench, cheat, good, bad))
        for promotes in rules.values():
            row.append(next((_told(cost, cheat.unit) for cost, sheet in sheets if promotes(sheet)), "stopped"))
        table.append(row)
    print_table(f"The cheapest cheat ({metric}, margin {margin})", ["cheat", "Windtunnel", *rules], table)


def _with_one_criterion(params: Params) -> Params:
    """``params`` with the first critical margin on all rows and no other criterion on figures: all that the rules can ask."""
    kept: dict[str, Criterion] = {n: c for n, c in params.gates.criteria.items() if isinstance(c, EvidenceCriterion)}
    asked = (
        (n, c)
        for n, c in params.gates.criteria.items()
        if isinstance(c, MetricCriterion) and c.critical and c.slice is None and c.margin is not None
    )
    name, criterion = next(asked)
    kept[name] = criterion.model_copy(update={"bound": None})
    return params.model_copy(update={"gates": params.gates.model_copy(update={"criteria": kept})})


def _told(cost: float, unit: str) -> str:
    return f"{100 * cost:.3g} % of {unit.removeprefix('share of ')}" if unit.startswith("share of ") else f"{unit} {cost:g}"


def _rules(bench: Bench, metric: str, margin: float) -> dict[str, Rule]:
    interval = bench.asked.interval.model_copy(update={"replicates": _FEWEST_REPLICATES})
    asked = bench.asked.model_copy(update={"metrics": (metric,), "slices": (), "interval": interval})

    def figures(sheet: Sheet) -> tuple[float, float]:
        return _figures(sheet.rows, asked, sheet)

    def daily(sheet: Sheet) -> tuple[Floats, Floats]:
        days = sheet.rows.column("day").combine_chunks().dictionary_encode().indices.to_numpy()
        found = [_daily(sheet.kept(np.flatnonzero(days == day)), asked) for day in range(days.max() + 1)]
        both = np.array([pair for pair in found if pair is not None])
        return both[:, 0], both[:, 1]

    return {
        "MLflow": lambda sheet: mlflow_promotes(*figures(sheet)),
        "TFX": lambda sheet: tfx_promotes(*figures(sheet), margin),
        "Kayenta": lambda sheet: kayenta_promotes(*daily(sheet)),
    }


def _daily(sheet: Sheet, asked: EvaluationParams) -> tuple[float, float] | None:
    if len(np.unique(sheet.labels)) < 2:
        return None
    return _figures(sheet.rows, asked, sheet)


def _figures(rows: pa.Table, asked: EvaluationParams, sheet: Sheet) -> tuple[float, float]:
    """The champion's figure and the challenger's."""
    (found,) = compare(rows, asked, 0, sheet.task, sheet.classes, draws=len(sheet.challenger))
    if found.champion is None or found.challenger is None:
        return float("nan"), float("nan")
    return found.champion, found.challenger


if __name__ == "__main__":
    cheats_and_rules(Path(sys.argv[1]))
