"""How often thirty looks at one holdout pass a candidate that is worse by exactly the margin.

What belongs here: holdouts that many candidates share, and analysts who pick them. What does not: one look (``gate_simulation``).
Every candidate's true area is the same, the champion's less the margin; only the chance of its scores on these rows differs.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from benchmarks.gate_simulation import CONFIDENCE, MARGIN, evaluate, rate
from benchmarks.measure import print_table
from tasks.gates import judge_criteria, later_gates
from tasks.params.judging import GatesParams
from tasks.records import Evaluation

SIMULATIONS, LOOKS = 1000, 30
DAYS, ROWS = 60, 30
_AREA, _STRENGTH, _ALIKE, _PREVALENCE = 0.72, 0.4, 0.95, 0.3
_METHODS = ("expanded", "delong")
_STEP = 0.5
"""How much of a perturbed candidate's scores is the best one's so far; the rest is its own chance."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chance:
    """What of a candidate's scores is chance: a strength by day, and noise by row, both standard normal."""

    strength: Floats
    noise: Floats

    def near(self, random: np.random.Generator) -> "Chance":
        """Another chance, as correlated with this one as two models of one thing are."""
        return Chance(*(_ALIKE * of + np.sqrt(1 - _ALIKE**2) * random.normal(size=of.shape) for of in (self.strength, self.noise)))

    def scores(self, labels: Floats, area: float) -> Floats:
        """Scores whose true area is ``area``."""
        pull = np.sqrt(2 + _STRENGTH**2) * stats.norm.ppf(area) + _STRENGTH * self.strength
        found: Floats = 1 / (1 + np.exp(-(pull * labels + self.noise)))
        return found


def looked(random: np.random.Generator, seed: int, *, is_adaptive: bool, looks: int = LOOKS) -> Iterator[Evaluation]:
    """The evaluations of so many candidates on one holdout; an adaptive analyst goes on from the one that did best."""
    labels = (random.random((DAYS, ROWS)) < _PREVALENCE).astype(float)
    own = Chance(random.normal(size=(DAYS, 1)), random.normal(size=(DAYS, ROWS)))
    champion = own.scores(labels, _AREA)
    days = pa.array([f"{day:02}" for day in range(DAYS)]).take(pa.array(np.repeat(np.arange(DAYS), ROWS)))
    best, highest = None, -np.inf
    for look in range(looks):
        fresh = own.near(random)
        if is_adaptive and best is not None:
            fresh = _towards(best, fresh, own)
        challenger = fresh.scores(labels, _AREA - MARGIN)
        table = {"label": labels.ravel(), "champion_score": champion.ravel(), "challenger_score": challenger.ravel()}
        found = evaluate(pa.table(table | {"cluster": days}), 1000 * seed + look)
        if (delta := found.comparisons[0].delta or 0.0) > highest:
            best, highest = fresh, delta
        yield found


def _towards(best: Chance, fresh: Chance, own: Chance) -> Chance:
    """What ``best`` has of its own, beside what it shares with the champion, mixed with that of ``fresh``: standard normal."""

    def mix(b: Floats, f: Floats, o: Floats) -> Floats:
        found: Floats = _ALIKE * o + _STEP * (b - _ALIKE * o) + np.sqrt(1 - _STEP**2) * (f - _ALIKE * o)
        return found

    return Chance(mix(best.strength, fresh.strength, own.strength), mix(best.noise, fresh.noise, own.noise))


def simulate(name: str, *, is_adaptive: bool, simulations: int, looks: int = LOOKS) -> list[list[str]]:
    """A row for each method: how often a look passes, and any of them, without and with the later looks' confidence."""
    criterion = {"metric": "roc_auc", "margin": MARGIN, "min_rows": 1, "critical": True}
    criteria = {method: criterion | {"method": method} for method in _METHODS}
    gates = GatesParams.model_validate({"max_age_days": 1, "looks": {"budget": looks}, "criteria": criteria})
    passed = np.zeros((2, simulations, looks, len(_METHODS)), dtype=bool)
    for seed, child in enumerate(np.random.SeedSequence([20130101, *name.encode()]).spawn(simulations)):
        for look, found in enumerate(looked(np.random.default_rng(child), seed, is_adaptive=is_adaptive, looks=looks)):
            for place, asked in enumerate((gates, later_gates(gates, found))):
                outcomes = judge_criteria(found, {}, asked, is_later=place == 1)
                passed[place, seed, look] = [outcome.status == "pass" for outcome in outcomes]
    first, later = passed[0], passed[1, :, 1:]
    rows = []
    for place, method in enumerate(_METHODS):
        any_before = first[:, :, place].any(axis=1)
        any_after = first[:, 0, place] | later[:, :, place].any(axis=1)
        each = f"{100 * first[:, :, place].mean():.2f} %", f"{100 * later[:, :, place].mean():.3f} %"
        rows.append(
            [name, str(looks), method, *each, rate(int(any_before.sum()), simulations), rate(int(any_after.sum()), simulations)]
        )
    return rows


def gate_looks(simulations: int = SIMULATIONS) -> None:
    """Every simulation."""
    rows = []
    for name, is_adaptive, looks in (
        ("independent of one another", False, LOOKS),
        ("each goes on from the best so far", True, LOOKS),
        ("each goes on from the best so far", True, 10),
        ("each goes on from the best so far", True, 5),
    ):
        rows += simulate(name, is_adaptive=is_adaptive, simulations=simulations, looks=looks)
    print_table(
        f"Worse by exactly the margin, many looks at one holdout ({simulations} each, {100 * CONFIDENCE:g} %)",
        [
            "candidates",
            "looks",
            "method",
            "a first look passes",
            "a later look passes",
            "any, all as a first look",
            "any, as judged",
        ],
        rows,
    )


if __name__ == "__main__":
    gate_looks(int(sys.argv[1]) if len(sys.argv) > 1 else SIMULATIONS)
