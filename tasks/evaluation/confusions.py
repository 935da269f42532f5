"""What the counted metrics of several classes sum of a row, by the pair of its class and the one that is predicted.

What belongs here: tables of pairs by columns, and which pairs no published count tells apart. What does not: the metrics themselves
(``multiclass``), and taking sums over rows (``block_sums``). A pair is numbered ``class * classes + predicted``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.evaluation.multiclass import class_asked
from tasks.evaluation.sample import Floats, Ints, Sample

MOST_CLASSES = 100
"""Of more, a page would hold too many sums, and nearly all of too few people."""
OF_CLASSES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc")


def pairs_of(sample: Sample) -> Ints:
    """The number of each row's pair."""
    found: Ints = (sample.labels * sample.scores.shape[1] + sample.hits).astype(np.intp)
    return found


def one_of_each(pairs: Ints, count: int) -> Any:
    """Rows x ``count``, sparse: 1 in the column of each row's pair."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(pairs)), pairs, np.arange(len(pairs) + 1)), shape=(len(pairs), count))


def pair_table(name: str, classes: Sequence[str]) -> tuple[str, Floats] | None:
    """(the formula, pairs x columns that are summed) of the metric ``name``; None where it is none that counts."""
    size, asked = len(classes), class_asked(name)
    if not 0 < size <= MOST_CLASSES or (asked is None and name not in OF_CLASSES):
        return None
    label, hit = (np.repeat(np.eye(size), size, axis=0), np.tile(np.eye(size), (size, 1)))
    right = label * hit
    if asked is not None:
        place = list(classes).index(asked)
        part, whole = {"precision": (right, hit), "recall": (right, label), "f1": (2 * right, label + hit)}[name.partition("[")[0]]
        return "mean", np.column_stack([part[:, place], whole[:, place]])
    if name == "accuracy":
        return "mean", np.column_stack([right.sum(axis=1), np.ones(size**2)])
    if name == "mcc":
        return "mcc_of_classes", np.column_stack([right.sum(axis=1), label, hit])
    return "mean_of_ratios", np.hstack([right, label] if name == "balanced_accuracy" else [2 * right, label + hit])


def alike_pairs(tables: Sequence[Floats], classes: int) -> tuple[Ints, int]:
    """The cell of each pair, and how many there are: pairs of one cell count alike in all ``tables``, whatever is subtracted."""
    if not tables:
        return np.zeros(classes**2, np.intp), 1
    cells = np.unique(np.hstack(list(tables)), axis=0, return_inverse=True)[1].ravel().astype(np.intp)
    return cells, int(cells.max()) + 1
