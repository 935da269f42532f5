"""How often a search for bad slices calls one bad that is not, and how often it finds one that is.

What belongs here: simulated holdouts with three columns to search, judged by the product's own search and correction. What does
not: declared criteria (``gate_simulation``). Rows of a day share strength and difficulty, so that they are not independent.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.gate_simulation import CONFIDENCE, SIMULATIONS, rate
from benchmarks.measure import print_table
from tasks.evaluation.discovery import Limits, discover
from tasks.gates.discovered import shown_worse
from tasks.params.judging import EvaluationParams

_SHOPS = 5
_DAYS, _ROWS_OF_DAY = 60, 100
_NOISE = 0.5


def searches() -> None:
    """The share of searches that call a slice worse, by what is true of shop a of tier x."""
    rows = []
    for metric in ("brier", "roc_auc"):
        for more in (0.0, 0.25, 0.5):
            found = [_search(seed, metric, more) for seed in range(SIMULATIONS)]
            searched = int(np.mean([count for count, _ in found]))
            bad = [slices for _, slices in found]
            any_bad, hit = sum(bool(slices) for slices in bad), sum("shop=a & tier=x" in slices for slices in bad)
            rows.append([metric, f"{more:g}", str(searched), rate(any_bad, SIMULATIONS), rate(hit, SIMULATIONS)])
    head = ["metric", "more noise in one pair", "slices searched", "some slice is called worse", "the pair is named"]
    title = f"Searches for bad slices, {SIMULATIONS} holdouts each, one-sided error {(1 - CONFIDENCE) / 2:g} for a whole search"
    print_table(title, head, rows)


def _search(seed: int, metric: str, more: float) -> tuple[int, list[str]]:
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 500, "confidence": CONFIDENCE}
    asked = {"columns": ("shop", "tier", "spent"), "metric": metric, "min_rows": 100}
    params = EvaluationParams.model_validate(
        {"split": "s", "part": "test", "metrics": (metric,), "interval": interval, "discover": asked}
    )
    found = discover(_holdout(np.random.default_rng(seed), more), params, seed, ("binary", ()), Limits((), 5))
    if found is None:
        raise RuntimeError("nothing was searched")
    return found.searched, [slice_.slice or "" for slice_ in shown_worse(found, (1 - CONFIDENCE) / 2)]


def _holdout(random: np.random.Generator, more: float) -> pa.Table:
    """Two models of equal skill; of shop a and tier x the challenger's scores have ``more`` noise."""
    count = _DAYS * _ROWS_OF_DAY
    day = np.repeat(np.arange(_DAYS), _ROWS_OF_DAY)
    shop, tier = random.choice(list("abcdefgh"[:_SHOPS]), count), random.choice(["x", "y", "z"], count)
    strength = random.normal(size=count) + random.normal(0, 0.4, _DAYS)[day]
    labels = (random.random(count) < 1 / (1 + np.exp(-strength))).astype(float)
    noise: list[NDArray[np.float64]] = [random.normal(0, _NOISE, count) + random.normal(0, 0.2, _DAYS)[day] for _ in range(2)]
    noise[1] += more * ((shop == "a") & (tier == "x")) * random.normal(0, 2, count)
    scores = [1 / (1 + np.exp(-0.7 * strength - found)) for found in noise]
    table = {"label": labels, "champion_score": scores[0], "challenger_score": scores[1], "cluster": [f"d{d:02}" for d in day]}
    return pa.table(table | {"discover_shop": shop, "discover_tier": tier, "discover_spent": random.gamma(2, 50, count)})


if __name__ == "__main__":
    searches()
