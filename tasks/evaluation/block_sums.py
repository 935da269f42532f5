"""The sums of one metric over the rows of a part, by block of clusters.

What belongs here: taking them. What does not: which clusters make a block (``merging``), and what is made of the
sums (the page's own script).
"""

from collections import defaultdict

import numpy as np

from tasks.evaluation.formulas import AREA, Summed
from tasks.evaluation.measured import ROLES
from tasks.evaluation.parts import Part
from tasks.evaluation.ranking import ClusterRanking
from tasks.evaluation.sample import Floats, Ints
from tasks.records import BlockFigure, PackedNumbers

Packed = dict[str, list[PackedNumbers]]


def sum_figure(part: Part, asked: Summed, name: str | None, blocks: Ints, *, has_wins: bool) -> BlockFigure:
    """The sums of ``asked`` on the rows of ``part``, called ``name``, whose clusters lie in ``blocks``.

    ``has_wins`` asks for the pairs that each block's positives win in all too, which variances of an area are made of.
    """
    kept, members = np.unique(blocks[np.unique(part.clusters)], return_counts=True)
    own = np.searchsorted(kept, blocks[part.clusters])
    group, columns = part.group, 0
    sums, pairs, wins = (defaultdict[str, list[PackedNumbers]](list) for _ in range(3))
    for drawn, scores in group.scores.items():
        role = next(role for role in ROLES if drawn.endswith(role))
        if asked.formula == AREA:
            counts, won = _rank(part, scores, own, len(kept))
            columns = 2 * len(won)
            sums[role].append(PackedNumbers.pack(np.hstack(counts).ravel()))
            pairs[role].append(PackedNumbers.pack(np.concatenate([_both_ways(one) for one in won])))
            if has_wins:
                wins[role].append(PackedNumbers.pack(2 * won[0].sum(axis=1)))
        else:
            by_cluster = asked.sum_by_cluster(group, scores)
            summed = np.add.reduceat(by_cluster, np.cumsum(members) - members, axis=0)
            columns = summed.shape[1]
            sums[role].append(PackedNumbers.pack(summed.ravel()))
    return BlockFigure(
        metric=asked.name,
        slice=name,
        formula=asked.formula,
        numbers=asked.numbers,
        rows=len(group.labels),
        clusters=group.cluster_count,
        members=tuple(members.tolist()),
        columns=columns,
        sums=_frozen(sums),
        pairs=_frozen(pairs),
        wins=_frozen(wins),
    )


def _rank(part: Part, scores: Floats, own: Ints, blocks: int) -> tuple[list[Floats], list[Floats]]:
    """Of the positive class, or of each class that some rows have and others not: class weights and pairs won, by block."""
    labels, group = part.group.labels, part.group
    if scores.ndim == 1:
        targets = [(labels, scores)]
    else:
        targets = [
            ((labels == place).astype(np.float64), np.ascontiguousarray(scores[:, place]))
            for place in np.unique(labels).astype(int)
        ]
    rankings = [ClusterRanking(*target, own, blocks, 1, weights=group.weights) for target in targets]
    return [ranking.class_weights() for ranking in rankings], [ranking.pair_wins() for ranking in rankings]


def _both_ways(won: Floats) -> Floats:
    """Twice the pairs that each two blocks win over one another, of each block and those after it."""
    both: Floats = (2 * (won + won.T - np.diag(np.diag(won))))[np.triu_indices(len(won))]
    return both


def _frozen(packed: Packed) -> dict[str, tuple[PackedNumbers, ...]]:
    return {role: tuple(found) for role, found in packed.items()}
