"""How often a challenger is called better: the champion itself, an equal model, and one that is truly better.

What belongs here: claims to be better, one and ten at once, by the test alone and with a measured noise floor. What does not:
margins (``gate_simulation``). A refit is as like the challenger as the challenger is to the champion: the floor is wide.
"""

import numpy as np

from benchmarks.gate_simulation import SIMULATIONS, Holdout, asked, card, draws, evaluate, holdout, judged, rate, record
from benchmarks.measure import print_table
from tasks.evaluation import Contest, Rescoring
from tasks.evaluation.noise import measure_noise, with_noise
from tasks.records import Evaluation

_CASES = (
    ("itself", 0.0, True, ()),
    ("an equal model", 0.0, False, ()),
    ("an equal model, ten slices", 0.0, False, ("group",)),
    ("better by 0.005", 0.005, False, ()),
    ("better by 0.01", 0.01, False, ()),
    ("better by 0.02", 0.02, False, ()),
)


def claims() -> None:
    """The share of challengers of which any claim to be better holds, at a floor of 0 and at a measured one."""
    rows = []
    for name, delta, is_copy, slices in _CASES:
        criterion = {"better": {"better_by": 0, "slice": slices[0] if slices else None}}
        hits, floors = {"test": 0, "floor": 0}, []
        for seed, random in draws(f"claims {name}"):
            made = holdout(random, delta, is_copy=is_copy)
            alone = evaluate(made.rows, seed, slices=slices)
            found = {"test": alone, "floor": _with_floor(alone, made, seed, slices)}
            floors.append(found["floor"].comparisons[0].noise_floor or 0.0)
            for kind, evaluation in found.items():
                hits[kind] += any(outcome.status == "pass" for outcome in judged(evaluation, criterion))
        rows.append([name, rate(hits["test"], SIMULATIONS), rate(hits["floor"], SIMULATIONS), f"{np.median(floors):.4f}"])
    head = ["challenger", "by the test alone", "with a measured noise floor", "floor, median"]
    print_table(f"Called better than the champion, at an error of 2.5 % ({SIMULATIONS} each)", head, rows)


def _with_floor(evaluation: Evaluation, made: Holdout, seed: int, slices: tuple[str, ...]) -> Evaluation:
    """``evaluation`` with the floor that the product measures of the challenger and its refit."""
    contest = Contest(
        predictions=made.rows,
        from_utc=evaluation.from_utc,
        to_utc=evaluation.to_utc,
        unlabelled_rows=0,
        unscored_rows=0,
        champion=card("champion"),
        challenger=card("challenger"),
    )
    again = [Rescoring("challenger", is_refit=True, scores=made.again)]
    floors = measure_noise(contest, again, asked(slices=slices), seed=seed)
    return record(with_noise(evaluation.comparisons, floors, again), evaluation.rows)


if __name__ == "__main__":
    claims()
