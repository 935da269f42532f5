"""What may be told of slices that overlap, so that no sum or difference of figures rests on fewer than k people.

What belongs here: what is told, and whether something further may be. What does not: values of one column by themselves, which part
the rows and have a rule of their own (``withholding``), sums by block (``beside``), and the reckoning (``combining``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.evaluation.combining import may_leave_few
from tasks.evaluation.compare import MISSING
from tasks.evaluation.sample import Ints
from tasks.evaluation.withholding import PERSON, withheld
from tasks.records import Comparison


class Told:
    """The sets of rows of ``predictions`` of which figures are told: all rows, ``published``, and what is added to them."""

    def __init__(self, predictions: pa.Table, published: Iterable[Ints], k: int) -> None:
        """``published`` are columns of which each value above 0 is told, by the number of each row's value."""
        self._k = k
        self._people = _people(predictions)
        self._columns: list[Ints] = []
        self._atoms: Ints = np.zeros(predictions.num_rows, np.intp)
        for codes in published:
            self._columns.append(codes)
            self._atoms = _cut(self._atoms, codes)

    def is_enough(self, chosen: Ints) -> bool:
        """Whether the rows at ``chosen`` are of k people or more."""
        return len(np.unique(self._people[chosen])) >= self._k

    def may_tell(self, chosen: Ints) -> bool:
        """Whether figures of the rows at ``chosen`` may be told beside all others; they then count as told."""
        member: Ints = np.zeros(len(self._atoms), np.intp)
        member[chosen] = 1
        return self.is_enough(chosen) and self.may_tell_all(member)

    def may_tell_all(self, codes: Ints) -> bool:
        """The same of the sets of rows with each value of ``codes`` above 0, all of them or none."""
        atoms, columns = _cut(self._atoms, codes), [*self._columns, codes]
        _, first = np.unique(atoms, return_index=True)
        width = int(self._people.max(initial=0)) + 1
        owners = np.unique(atoms.astype(np.int64) * width + self._people)
        if may_leave_few([codes[first] for codes in columns], (owners // width, owners % width), self._k):
            return False
        self._atoms, self._columns = atoms, columns
        return True


def withhold_crossing(
    predictions: pa.Table, comparisons: Sequence[Comparison], columns: Sequence[str], k: int, *, has_folds: bool
) -> tuple[Comparison, ...]:
    """``comparisons`` without slices that, beside those of other ``columns``, would give away fewer than ``k`` people.

    The slices of a column that comes first stay; of the next as many as may, the larger ones before the smaller.
    """
    told = Told(predictions, published_values(predictions, (), has_folds=has_folds), k)
    hidden: set[tuple[str | None, str | None]] = set()
    for column in dict.fromkeys(columns):
        slices = {
            str(found.slice_value): found.rows for found in comparisons if found.slice_column == column and not found.is_withheld
        }
        rising = sorted(slices, key=lambda value: (-slices[value], value))
        values = values_of(predictions, f"slice_{column}")
        hidden |= {(column, value) for value in _refused(told, rising, partial(_numbered, values))}
    reason = f"withheld: beside slices of other columns it would give away the figures of fewer than {k} people"
    return tuple(withheld(found, reason) if (found.slice_column, found.slice_value) in hidden else found for found in comparisons)


def _refused(told: Told, values: Sequence[str], numbered: Callable[[Sequence[str]], Ints]) -> list[str]:
    """Those of ``values`` that may not be told, halving where not all may."""
    if not values or told.may_tell_all(numbered(values)):
        return []
    if len(values) == 1:
        return list(values)
    middle = len(values) // 2
    return [*_refused(told, values[:middle], numbered), *_refused(told, values[middle:], numbered)]


def published_values(predictions: pa.Table, comparisons: Sequence[Comparison], *, has_folds: bool) -> Iterator[Ints]:
    """For each column whose values are slices that are told, the number of each row's value; 0 where it is withheld."""
    told = {(c.slice_column, c.slice_value) for c in comparisons if c.slice_column is not None and not c.is_withheld}
    columns = {f"slice_{column}": {str(value) for of, value in told if of == column} for column, _ in told}
    if has_folds:
        columns |= {name: set(predictions.column(name).unique().to_pylist()) for name in predictions.column_names if _is_part(name)}
    for column in sorted(columns):
        yield _numbered(values_of(predictions, column), sorted(columns[column]))


def values_of(predictions: pa.Table, column: str) -> pa.ChunkedArray:
    """The values of a column as texts; ``(missing)`` for NULL."""
    return pc.fill_null(predictions.column(column).cast(pa.string()), MISSING)


def _numbered(values: pa.ChunkedArray, chosen: Sequence[str]) -> Ints:
    """The place of each of ``values`` among ``chosen``, from 1; 0 where it is none of them."""
    place = pc.index_in(values, value_set=pa.array(chosen, pa.string()))
    codes: Ints = pc.add(pc.fill_null(place, -1), 1).to_numpy().astype(np.intp)
    return codes


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
