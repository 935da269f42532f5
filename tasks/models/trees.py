"""Trees of a loaded model, held against their own bounds.

What belongs here: finding a tree whose nodes point out of it, or back. What does not: types (``trusted``). scikit-learn follows
a tree's indices in C without a look at the bounds: from a crafted file, predicting would crash the process or never end.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def find_open_tree(model: Any) -> str | None:
    """What is wrong with the first tree of ``model`` (a fitted estimator, however nested) that is not closed, or None."""
    for found in _parts(model):
        if hasattr(found, "_predictors"):
            width = int(found._n_features)
            faults = [_fault_in_predictor(tree, width) for iteration in found._predictors for tree in iteration]
        elif type(found).__name__ == "Tree":
            faults = [_fault_in_tree(found)]
        else:
            continue
        fault = next((fault for fault in faults if fault is not None), None)
        if fault is not None:
            return fault
    return None


def _parts(model: Any) -> Iterator[Any]:
    """Every object that ``model`` holds, itself included, each once."""
    seen: dict[int, Any] = {}
    waiting = [model]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, str | bytes | int | float | np.generic | None):
            continue
        seen[id(found)] = found
        yield found
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list | tuple | set) or (isinstance(found, np.ndarray) and found.dtype == object):
            waiting += list(found)
        elif hasattr(found, "__dict__") and not isinstance(found, type):
            waiting += vars(found).values()


def _fault_in_predictor(tree: Any, width: int) -> str | None:
    """Of a tree of histogram gradient boosting, whose model has ``width`` features."""
    nodes = tree.nodes
    inner = nodes[nodes["is_leaf"] == 0]
    sets = inner["bitset_idx"][inner["is_categorical"] != 0]
    if len(sets) and int(sets.max()) >= len(tree.raw_left_cat_bitsets):
        return "a tree that asks for a set of categories that it does not have"
    at = np.flatnonzero(nodes["is_leaf"] == 0)
    children = np.concatenate([inner["left"], inner["right"]]).astype(np.int64)
    return _fault(np.tile(at, 2), children, len(nodes), inner["feature_idx"].astype(np.int64), width)


def _fault_in_tree(tree: Any) -> str | None:
    at = np.flatnonzero(tree.children_left != -1)
    children = np.concatenate([tree.children_left[at], tree.children_right[at]])
    return _fault(np.tile(at, 2), children, int(tree.node_count), tree.feature[at], int(tree.n_features))


def _fault(parents: Ints, children: Ints, count: int, asked: Ints, width: int) -> str | None:
    """Of a tree of ``count`` nodes: a child comes after its parent, so that every walk ends, and features are there."""
    if count == 0:
        return "a tree without nodes"
    if ((children <= parents) | (children >= count)).any():
        return "a tree that points out of itself, or back"
    return "a tree that asks for a feature that it does not have" if ((asked < 0) | (asked >= width)).any() else None
