"""Suspected target leakage: a single feature that all but gives the label away.

What belongs here: how well each feature alone tells the label. What does not: leaks between the parts of a split
(``tasks.splits``). A feature is suspected, not convicted: the finding names it, and a person looks at where it comes from.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.records import Finding

Task = Literal["binary", "multiclass", "regression"]
Floats = NDArray[np.float64]

THRESHOLD = 0.95
"""AUC, or absolute rank correlation, above which one feature alone is too good to be true (below 0.05 it is, reversed)."""

MIN_PER_CLASS = 10
"""Rows of each class below which an AUC says nothing: between 10 and 10 random rows it passes 0.95 in 3 of 10,000 cases."""

_FOLDS = 5
_EXPECTED = f"no single feature with an AUC above {THRESHOLD} or below {1 - THRESHOLD:.2f}"


def find_target_leakage(features: pa.Table, names: Sequence[str], *, task: Task) -> tuple[Finding, ...]:
    """Blocking findings: a feature that alone tells the label, or a label that tells nothing.

    ``features`` has ``label`` (0 and 1 for ``binary``, any value for ``multiclass``, a number for ``regression``; NULL where
    not known: those rows are left out) and the columns ``names`` (numbers, booleans, texts). Each feature is judged by its
    values where it has one, and by whether it has one. A number counts by its rank; a text by the label's mean over the rows
    of the other folds that share it, so that a unique text tells nothing. ``binary`` and ``multiclass`` take the AUC (the
    best of one class against the rest), by the rank-sum (Mann and Whitney 1947); ``regression`` takes Spearman's rank
    correlation, moved to the scale of an AUC: (1 + rho) / 2. A label without rows, with one value only, or with fewer than
    ``MIN_PER_CLASS`` rows in every class but one is a finding as well: nothing examined is no pass.
    """
    known = features.filter(pc.is_valid(features.column("label")))
    targets = _targets(known.column("label"), task)
    if not targets:
        return (_label_finding(known.column("label")),)
    findings = []
    for name in names:
        score = _tell(known.column(name), targets)
        if score > THRESHOLD or score < 1 - THRESHOLD:
            found = f"{name} alone tells the label with an AUC of {score:.4f}"
            findings.append(Finding(kind="suspected_target_leakage", name=name, is_blocking=True, found=found, expected=_EXPECTED))
    return tuple(findings)


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


def _tell(column: pa.ChunkedArray, targets: Sequence[Floats]) -> float:
    """The AUC furthest from 0.5, over targets and over the feature's values and its absence."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    is_there = pc.is_valid(column).to_numpy().astype(bool)
    values = column.filter(pa.chunked_array([is_there]))
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    told = [] if is_text or len(values) == 0 else [_rank(_numbers(values))]
    scores = [0.5]
    for target in targets:
        seen = target[is_there]
        ranks = told or ([_rank(_out_of_fold_means(_codes(values), seen))] if len(values) else [])
        scores += [_association(rank, seen) for rank in ranks]
        scores.append(_association(_rank(is_there), target))
    return max(scores, key=lambda score: abs(score - 0.5))


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
    fold = np.arange(len(codes)) % _FOLDS
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
