"""What may be told of slices that overlap, so that no sum or difference of figures rests on fewer than k people.

What belongs here: the rule for sets of rows of any shape. What does not: values of one column, which part the rows and have a
rule of their own (``withholding``).

Published sets cut the rows into atoms: rows that lie in the same sets. Whatever can be computed from the figures of these sets by
adding and subtracting is a linear combination of their indicators over atoms. A further set is told only if it makes no new
combination that rests on small atoms (of fewer than k people) alone: the dimension of those combinations, the rank over all atoms
less the rank over large ones, must stay what it was. This is stricter than needed, since small atoms together may be k people.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.evaluation.compare import MISSING
from tasks.evaluation.sample import Ints
from tasks.evaluation.withholding import PERSON
from tasks.records import Comparison


class Told:
    """The sets of rows of ``predictions`` of which figures are told: all rows, ``published``, and what is added to them."""

    def __init__(self, predictions: pa.Table, published: Iterable[Ints], k: int) -> None:
        """``published`` are columns of which each value above 0 is told, by the number of each row's value."""
        self._rows, self._k = predictions.num_rows, k
        self._people = _people(predictions)
        self._atoms: Ints = np.zeros(self._rows, np.intp)
        self._blocks: Ints = self._atoms
        """The finest of the columns of which all values are told, or all rows as one: clusters can be thousands of sets."""
        self._sets: list[NDArray[np.bool_]] = []
        columns = tuple(published)
        for codes in columns:
            self._atoms = _cut(self._atoms, codes)
            if codes.min(initial=1) > 0 and codes.max(initial=0) > self._blocks.max(initial=0):
                self._blocks = codes
        for codes in columns:
            if codes is not self._blocks:
                self._sets += [codes == value for value in range(1, int(codes.max(initial=0)) + 1)]
        self._small = self._small_combinations(self._atoms, self._sets)

    def is_enough(self, chosen: Ints) -> bool:
        """Whether the rows at ``chosen`` are of k people or more."""
        return len(np.unique(self._people[chosen])) >= self._k

    def may_tell(self, chosen: Ints) -> bool:
        """Whether figures of the rows at ``chosen`` may be told beside all others; they then count as told."""
        if not self.is_enough(chosen):
            return False
        member = self._member(chosen)
        atoms, sets = _cut(self._atoms, member.astype(np.intp)), [*self._sets, member]
        if self._small_combinations(atoms, sets) > self._small:
            return False
        self._atoms, self._sets = atoms, sets
        return True

    def _member(self, chosen: Ints) -> NDArray[np.bool_]:
        member = np.zeros(self._rows, np.bool_)
        member[chosen] = True
        return member

    def _small_combinations(self, atoms: Ints, sets: list[NDArray[np.bool_]]) -> int:
        """How many independent combinations of ``sets`` rest on atoms of fewer than k people alone."""
        _, first = np.unique(atoms, return_index=True)
        pairs = np.unique(atoms.astype(np.int64) * (int(self._people.max(initial=0)) + 1) + self._people)
        people = np.bincount(pairs // (int(self._people.max(initial=0)) + 1), minlength=len(first))
        indicators = np.array([member[first] for member in sets], np.int8).reshape(len(sets), len(first))
        blocks, is_large = self._blocks[first], people >= self._k
        return _rank(blocks, indicators) - _rank(blocks[is_large], indicators[:, is_large])


def _rank(blocks: Ints, indicators: NDArray[np.int8]) -> int:
    """The rank of the indicators of ``blocks`` (one per atom, which part the atoms) and of ``indicators`` (sets by atoms) together.

    Less the column of its block's first atom each column is 0 in all blocks, so that these count one each and need no matrix.
    """
    _, first, block = np.unique(blocks, return_index=True, return_inverse=True)
    within = indicators - indicators[:, first[block]]
    if not within.size:
        return len(first)
    return len(first) + int(np.linalg.matrix_rank(np.unique(within, axis=1).astype(np.float64)))


def published_values(
    predictions: pa.Table, comparisons: Sequence[Comparison], *, has_folds: bool, has_blocks: bool
) -> Iterator[Ints]:
    """For each column whose values are slices that are told, the number of each row's value; 0 where it is withheld.

    With ``has_blocks`` also of clusters: a page has sums by block of them, which may be as small as one cluster.
    """
    if has_blocks:
        clusters = predictions.column("cluster").cast(pa.string()).combine_chunks().dictionary_encode()
        number: Ints = clusters.indices.to_numpy().astype(np.intp) + 1
        yield number
    told = {(c.slice_column, c.slice_value) for c in comparisons if c.slice_column is not None and not c.is_withheld}
    columns = {f"slice_{column}": {str(value) for of, value in told if of == column} for column, _ in told}
    if has_folds:
        columns |= {name: set(predictions.column(name).unique().to_pylist()) for name in predictions.column_names if _is_part(name)}
    for column in sorted(columns):
        values = pc.fill_null(predictions.column(column).cast(pa.string()), MISSING)
        place = pc.index_in(values, value_set=pa.array(sorted(columns[column]), pa.string()))
        codes: Ints = pc.add(pc.fill_null(place, -1), 1).to_numpy().astype(np.intp)
        yield codes


def _is_part(name: str) -> bool:
    return name == "part" or name.endswith("_part")


def _cut(atoms: Ints, codes: Ints) -> Ints:
    """The atoms that the values of ``codes`` leave of ``atoms``, numbered without gaps."""
    found: Ints = np.unique(atoms * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].astype(np.intp)
    return found


def _people(predictions: pa.Table) -> NDArray[np.int64]:
    """The number of each row's person; each row its own where people are not named."""
    if PERSON not in predictions.column_names:
        return np.arange(predictions.num_rows)
    column = pc.fill_null(predictions.column(PERSON).cast(pa.string()), "")
    people: NDArray[np.int64] = column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return people
