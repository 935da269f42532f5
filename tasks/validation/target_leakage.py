"""Suspected target leakage: a single feature that all but gives the label away.

What belongs here: how well each feature alone tells the label. What does not: leaks between the parts of a split
(``tasks.splits``). A feature is suspected, not convicted: the finding names it, and a person looks at where it comes from.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.records import Finding

Task = Literal["binary", "multiclass", "regression"]
Floats = NDArray[np.float64]

NAMED = 0.95
"""AUC above which one feature alone is remarkable (below 0.05 it is, reversed): a person should look at where it comes from."""
BLOCKING = 0.99
"""AUC above which it is too good to be true. Honest features reach 0.98: a tumour's size, a diamond's weight."""

MIN_PER_CLASS = 10
"""Rows of each class below which an AUC says nothing: between 10 and 10 random rows it passes 0.95 in 3 of 10,000 cases."""

_FOLDS = 5
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2 to the power of 64 over the golden ratio: multiples of it spread evenly, whatever the rows' period (Knuth 1998, 6.4)."""
_BINS = 50
"""Groups of equal size that a number is cut into, to see whether it tells classes that lie between others."""


def find_target_leakage(
    label: pa.ChunkedArray, features: Iterable[tuple[str, pa.ChunkedArray]], *, task: Task
) -> tuple[Finding, ...]:
    """Findings: a feature that alone tells the label, blocking where it all but is the label; or a label that tells nothing.

    ``label`` is 0 and 1 for ``binary``, any value for ``multiclass``, a number for ``regression``; NULL where not known: those
    rows are left out. ``features`` are names and columns (numbers, booleans, texts), of the same rows. Each feature is judged by
    its values where it has one, and by whether it has one. A number counts by its rank; a text by the label's mean over the rows
    of the other folds that share it, so that a unique text tells nothing. ``binary`` takes the AUC, by the rank-sum (Mann and
    Whitney 1947); ``regression`` Spearman's rank correlation, moved to the scale of an AUC: (1 + rho) / 2.

    ``multiclass`` takes each class against the rest. A number also counts by the classes' shares in its quantile groups, since
    classes between others have no rank of their own. A feature that tells some classes and not all is named without blocking, as
    honest ones do (a petal's length tells one iris from two others). A label without rows, with one value only, or with fewer
    than ``MIN_PER_CLASS`` rows in every class but one is a finding as well: nothing examined is no pass.
    """
    is_known, known = label.is_valid(), label.drop_null()
    targets = _targets(known, task)
    if not targets:
        return (_label_finding(known),)
    findings = []
    for name, column in features:
        scores = _tell(column.filter(is_known), targets, is_cut=len(targets) > 1)
        best = max(scores, key=_distance)
        if _distance(best) > NAMED - 0.5:
            findings.append(_suspicion(name, best, task, overall=sum(map(_distance, scores)) / len(scores)))
    return tuple(findings)


def _distance(score: float) -> float:
    return abs(score - 0.5)


def _suspicion(name: str, score: float, task: Task, *, overall: float) -> Finding:
    is_all = overall > NAMED - 0.5
    is_blocking = overall > BLOCKING - 0.5
    threshold = BLOCKING if is_blocking else NAMED
    if task == "regression":
        limit = 2 * threshold - 1
        told, least, most = f"a rank correlation of {2 * score - 1:.4f}", -limit, limit
    else:
        told, least, most = f"an AUC of {score:.4f}", 1 - threshold, threshold
        if score < 0.5:
            told += f" ({1 - score:.4f} the other way round)"
    return Finding(
        kind="suspected_target_leakage",
        name=name,
        is_blocking=is_blocking,
        found=f"{name} alone tells {'the label' if is_all else 'one class of the label'} with {told}",
        expected=f"no single feature beyond {least:.2f} and {most:.2f}",
    )


def _targets(label: pa.ChunkedArray, task: Task) -> list[Floats]:
    """What a feature is held against: the label itself for a regression, else one 0/1 array per class; empty if hopeless."""
    if task == "regression":
        values = _numbers(label)
        return [values] if len(values) >= 2 * MIN_PER_CLASS and values.min() < values.max() else []
    codes = _codes(label)
    counts = np.bincount(codes)
    fit = [code for code, count in enumerate(counts) if min(count, len(codes) - count) >= MIN_PER_CLASS]
    if task == "binary":
        return [_numbers(label)] if fit and len(counts) == 2 else []
    return [(codes == code).astype(np.float64) for code in fit]


def _label_finding(label: pa.ChunkedArray) -> Finding:
    rows, values = len(label), len(pc.unique(label))
    found = "no row with a label" if rows == 0 else f"{values} distinct value(s) in {rows} labelled rows"
    expected = f"a label that varies, with at least {MIN_PER_CLASS} rows of each of two values"
    return Finding(kind="label_without_contrast", name="label", is_blocking=True, found=found, expected=expected)


def _tell(column: pa.ChunkedArray, targets: Sequence[Floats], *, is_cut: bool) -> list[float]:
    """Of each target the AUC furthest from 0.5, over the feature's values and its absence."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    is_there = pc.is_valid(column).to_numpy().astype(bool)
    values = column.filter(pa.chunked_array([is_there]))
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    ranks = None if is_text or len(values) == 0 else _rank(_numbers(values))
    groups = None if len(values) == 0 else _codes(values) if is_text else _cut(_numbers(values)) if is_cut else None
    absent = _rank(is_there)
    return [max(_scores_of(target, is_there, ranks, groups, absent), key=_distance) for target in targets]


def _scores_of(
    target: Floats, is_there: NDArray[np.bool_], ranks: Floats | None, groups: NDArray[np.int64] | None, absent: Floats
) -> Iterator[float]:
    seen = target[is_there]
    yield _association(absent, target)
    if ranks is not None:
        yield _association(ranks, seen)
    if groups is not None:
        yield _association(_rank(_out_of_fold_means(groups, seen)), seen)


def _cut(values: Floats) -> NDArray[np.int64]:
    """The quantile group of each of ``values``; equal values share one."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.searchsorted(edges, values, "left")


def _association(ranks: Floats, target: Floats) -> float:
    """AUC of ``ranks`` for a 0/1 ``target``, else (1 + Spearman's rho) / 2; 0.5 where there is too little to say."""
    if ((target == 0) | (target == 1)).all():
        positives = float(target.sum())
        negatives = len(target) - positives
        if min(positives, negatives) < MIN_PER_CLASS:
            return 0.5
        return float((ranks[target == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
    if len(target) < 2 * MIN_PER_CLASS or ranks.min() == ranks.max() or target.min() == target.max():
        return 0.5
    return float((1 + np.corrcoef(ranks, _rank(target))[0, 1]) / 2)


def _rank(values: Floats | NDArray[np.bool_]) -> Floats:
    """Ranks from 1, ties sharing their mean; as SciPy's ``rankdata``, whose import would cost more than the ranking."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def _out_of_fold_means(codes: NDArray[np.int64], target: Floats) -> Floats:
    """Of each row, the target's mean over the rows of its code in the other folds; the overall mean where there are none."""
    # Not simply every fifth row: in a table of five rows to each person, a fold would be a year, and say the label reversed.
    fold = (np.arange(len(codes), dtype=np.uint64) * _SPREAD >> np.uint64(40)).astype(np.int64) % _FOLDS
    place = codes * _FOLDS + fold
    size = (int(codes.max()) + 1) * _FOLDS
    count = np.bincount(place, minlength=size).reshape(-1, _FOLDS).astype(np.float64)
    total = np.bincount(place, weights=target, minlength=size).reshape(-1, _FOLDS)
    others, sums = count.sum(axis=1, keepdims=True) - count, total.sum(axis=1, keepdims=True) - total
    means = np.where(others > 0, sums / np.maximum(others, 1), target.mean())
    return np.asarray(means.reshape(-1)[place], dtype=np.float64)


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    indices = column.combine_chunks().dictionary_encode().indices
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
