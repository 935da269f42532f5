"""What a reader looks at beside the metrics: classes with their confusion, and residuals by size of prediction.

What belongs here: these descriptions. What does not: any figure that is judged, and drawing.
"""

import numpy as np
import pyarrow as pa

from tasks.evaluation.compare import read_labels, read_scores
from tasks.evaluation.measured import ROLES
from tasks.evaluation.multiclass import class_scores
from tasks.evaluation.sample import Floats, Sample
from tasks.params.models import Task
from tasks.records import ClassOutcome, ClassScores, ResidualBin

FEWEST_PER_CLASS = 30
"""Judged rows below which a class is called rare: its recall moves by more than three points with each row."""
RESIDUAL_BINS = 10
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def describe_classes(predictions: pa.Table, task: Task, classes: tuple[str, ...]) -> tuple[ClassOutcome, ...]:
    """Each class of ``predictions`` (as :func:`~tasks.evaluation.compare.compare` takes them); none of a regression."""
    if task == "regression":
        return ()
    labels = read_labels(predictions, task, classes)
    weights = _weights(predictions)
    names = classes or ("0", "1")
    counts = np.bincount(labels.astype(np.intp), minlength=len(names))
    shares = np.bincount(labels.astype(np.intp), weights=weights, minlength=len(names)) / weights.sum()
    scores = {role: _scores_by_class(predictions, role, task, labels, len(names)) for role in ROLES}
    return tuple(
        ClassOutcome(
            name=name,
            rows=int(counts[place]),
            fraction=float(shares[place]),
            is_rare=bool(counts[place] < FEWEST_PER_CLASS),
            champion=scores["champion"][place] if scores["champion"] else None,
            challenger=scores["challenger"][place],
        )
        for place, name in enumerate(names)
    )


def _scores_by_class(predictions: pa.Table, role: str, task: Task, labels: Floats, count: int) -> list[ClassScores]:
    """One per class; empty where the role has no scores."""
    found = read_scores(predictions, role, task, count)
    if found is None:
        return []
    sample = Sample(labels, found)
    hits = sample.hits.astype(np.intp)
    confusion = np.bincount(labels.astype(np.intp) * count + hits, minlength=count**2).reshape(count, count)
    certain = Sample(labels, np.eye(count)[hits])
    columns = [
        [float(value) if np.isfinite(value) else None for value in of] for of in class_scores(certain, _weights(predictions))
    ]
    return [
        ClassScores(precision=precision, recall=recall, f1=f1, predicted=tuple(int(n) for n in confusion[place]))
        for place, (precision, recall, f1) in enumerate(zip(*columns, strict=True))
    ]


def describe_residuals(predictions: pa.Table, bins: int = RESIDUAL_BINS, k: int = 1) -> dict[str, tuple[ResidualBin, ...]]:
    """By role, at most ``bins`` groups of nearly equal size by rising prediction, each of ``k`` rows or more; equal predictions
    share one.
    """
    labels = predictions.column("label").to_numpy()
    found = {}
    for role in ROLES:
        scores = read_scores(predictions, role, "regression", 0)
        if scores is not None:
            found[role] = tuple(_residual_bin(labels[chosen], scores[chosen]) for chosen in quantile_groups(scores, bins, k))
    return found


def quantile_groups(scores: Floats, bins: int, k: int = 1) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """The places of at most ``bins`` groups of nearly equal size, ``k`` rows or more, by rising score; equal scores share one."""
    place = quantile_bins(scores, bins, k)
    return [np.flatnonzero(place == number) for number in np.unique(place)]


def quantile_bins(scores: Floats, bins: int, k: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The number of each row's group: quantiles of ``scores``, of which one with fewer than ``k`` rows is joined to the next."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, scores, "left")
    joined, number, held = [], 0, 0
    rows = np.bincount(place, minlength=len(edges) + 1)
    for count in rows:
        joined.append(number)
        held += int(count)
        if held >= k:
            number, held = number + 1, 0
    if held:  # what is left over at the end is joined to the last
        joined = [min(group, max(number - 1, 0)) for group in joined]
    return np.array(joined)[place]


def _residual_bin(labels: Floats, scores: Floats) -> ResidualBin:
    low, lower, median, upper, high = (float(value) for value in np.quantile(labels - scores, _QUANTILES))
    return ResidualBin(
        rows=len(labels),
        predicted=float(scores.mean()),
        observed=float(labels.mean()),
        low=low,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        high=high,
    )


def _weights(predictions: pa.Table) -> Floats:
    if "weight" not in predictions.column_names:
        return np.ones(predictions.num_rows)
    weights: Floats = predictions.column("weight").to_numpy()
    return weights
