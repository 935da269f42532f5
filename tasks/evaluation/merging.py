"""Which clusters are taken together, so that no sum of a block rests on fewer than k people.

What belongs here: counting the people behind each sum, and merging neighbours until there are enough. What does not: the sums
(``blocks``). All slices of a column are to be merged alike: were one of them left finer than another, the whole less the others
would give its small blocks away; for the same reason what is not published must be of k people too, block by block.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.sample import Ints

MOST_MERGED = 0.25
"""The share of the clusters that may vanish in blocks: beyond it replicates of blocks are no picture of those of clusters."""


@dataclass(frozen=True)
class Cells:
    """The rows of one figure, by cluster and by cell: rows of one cell and block are behind one published sum."""

    clusters: Ints
    """0 .. clusters - 1, of all judged rows' clusters."""
    cells: Ints
    count: int
    people: Ints | None
    """Whose each row is; None: each is another's."""

    def too_few(self, blocks: Ints, k: int) -> NDArray[np.bool_]:
        """Whether a cell of each block has rows, but of fewer than ``k`` people; ``blocks``: the block of each cluster."""
        size = int(blocks[-1]) + 1
        places = blocks[self.clusters] * self.count + self.cells
        if self.people is not None:
            places = np.unique(np.stack([places, self.people]), axis=1)[0]
        counts = np.bincount(places, minlength=size * self.count).reshape(size, self.count)
        found: NDArray[np.bool_] = np.logical_and(counts > 0, counts < k).max(axis=1)
        return found


@dataclass(frozen=True)
class Candidate:
    """A figure that may be published: one metric of one slice, and the cells of its sums, of each model."""

    metric: str
    slice_value: str | None
    cells: tuple[Cells, ...]
    rows: int


def merge(candidates: Sequence[Candidate], clusters: int, k: int) -> tuple[Ints, list[tuple[Candidate, Ints]]]:
    """(the block of each cluster, the candidates that can be published), of the slices of one column or of all rows.

    Those that need the least merging come first, each with the blocks that it needs itself: of the same rows those blocks are
    unions of the ones before, so that no two of them tell of anything in between. One that needs more than ``MOST_MERGED`` is
    left out.
    """
    blocks = np.arange(clusters)
    chosen: list[tuple[Candidate, Ints]] = []
    for candidate in sorted(candidates, key=lambda found: (_needed(found, clusters, k), -found.rows)):
        wider = _merged(blocks, [cells for found in (*(found for found, _ in chosen), candidate) for cells in found.cells], k)
        if wider is not None:
            blocks = wider
            chosen.append((candidate, blocks))
    return blocks, chosen


def without_giveaways(chosen: Sequence[Candidate], unpublished: Sequence[Candidate], blocks: Ints, k: int) -> list[Candidate]:
    """``chosen`` without the smallest slices whose rows are needed so that what is left of the whole is of ``k`` people.

    ``unpublished`` are the other slices of the same column and metric, those that are withheld too.
    """
    kept, rest = sorted(chosen, key=lambda found: -found.rows), list(unpublished)
    while kept and rest and any(cells.too_few(blocks, k).any() for cells in _joined(rest)):
        rest.append(kept.pop())
    return kept


def _joined(candidates: Sequence[Candidate]) -> Iterable[Cells]:
    """The cells of all ``candidates`` together, model by model."""
    for same in zip(*(found.cells for found in candidates), strict=True):
        people = [cells.people for cells in same if cells.people is not None]
        yield Cells(
            np.concatenate([cells.clusters for cells in same]),
            np.concatenate([cells.cells for cells in same]),
            same[0].count,
            np.concatenate(people) if people else None,
        )


def _needed(candidate: Candidate, clusters: int, k: int) -> int:
    return max(int(cells.too_few(np.arange(clusters), k).sum()) for cells in candidate.cells)


def _merged(blocks: Ints, cells: Sequence[Cells], k: int) -> Ints | None:
    """``blocks``, of which those with too few people are merged with a neighbour until none is; None beyond ``MOST_MERGED``."""
    while True:
        count = int(blocks[-1]) + 1
        if count < (1 - MOST_MERGED) * len(blocks):
            return None
        is_small: NDArray[np.bool_] = np.any([found.too_few(blocks, k) for found in cells], axis=0)
        if not is_small.any():
            return blocks
        if count == 1:
            return None
        blocks = _pair_up(is_small)[blocks]


def _pair_up(is_small: NDArray[np.bool_]) -> Ints:
    """The new number of each block: a small one joins the next, the last one the one before, and none joins two."""
    begins = np.ones(len(is_small), bool)
    for place in range(1, len(is_small)):
        is_last = place == len(is_small) - 1
        begins[place] = not (begins[place - 1] and is_small[place - 1]) and not (is_last and is_small[place])
    found: Ints = np.cumsum(begins) - 1
    return found
