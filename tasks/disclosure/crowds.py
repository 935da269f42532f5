"""Crowds: the rows, or people, that share all values of some columns.

What belongs here: which rows are alike, and how many people stand in each crowd. What does not: what a crowd's size means
(``risk``). Only Arrow and numpy: a million rows and four columns take a fraction of a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.errors import DisclosureError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LARGEST = 2**62
"""Above this a product of numbers of values would no longer be an exact int64."""


@dataclass(frozen=True)
class Crowds:
    """The crowd of each row (numbered from 0), and of each crowd its rows and its people."""

    ids: Ints
    rows: Ints
    people: Ints

    @property
    def of_row(self) -> Ints:
        """The number of people in each row's crowd."""
        found: Ints = self.people[self.ids]
        return found


def form_crowds(table: pa.Table, columns: Sequence[str], person: str | None = None) -> Crowds:
    """The crowds of ``table``'s rows over ``columns``; without any column all rows are one crowd.

    NULL is a value like any other: who lacks one stands with those who lack it too. ``person`` names the column that says whose
    row it is; None: each row is a person. Raises :class:`~tasks.errors.DisclosureError` on a table without rows: nothing
    examined is no result.
    """
    if not table.num_rows:
        raise DisclosureError(
            "disclosure risk", found="no row", expected="people whose crowds can be counted", next_step="dvc repro mask"
        )
    ids = np.zeros(table.num_rows, np.int64)
    size = 1
    for name in columns:
        codes, count = encode(table.column(name))
        if size * count > _LARGEST:
            ids, size = _number_densely(ids, size)
        ids, size = _number_densely(ids * count + codes, size * count)
    rows = np.bincount(ids, minlength=size)
    return Crowds(ids, rows, rows if person is None else _count_people(ids, size, table.column(person)))


def encode(column: pa.ChunkedArray) -> tuple[Ints, int]:
    """A number from 0 for each value of ``column``, equal for equal values (NULL is one), and how many there are."""
    chunk = column.combine_chunks()
    encoded = chunk if pa.types.is_dictionary(chunk.type) and not chunk.null_count else _plain(chunk).dictionary_encode("encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), max(len(encoded.dictionary), 1)


def _plain(chunk: pa.Array) -> pa.Array:
    if pa.types.is_null(chunk.type):
        return pa.nulls(len(chunk), pa.string())
    return chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk


def encode_in_order(column: pa.ChunkedArray) -> tuple[Ints, int]:
    """As :func:`encode`, the numbers in order of the values, NULL (and NaN) last."""
    codes, _ = encode(column)
    distinct = pc.unique(_plain(column.combine_chunks()))
    order = np.empty(len(distinct), np.int64)
    order[pc.sort_indices(distinct).to_numpy()] = np.arange(len(distinct))
    return order[codes], len(distinct)


def _number_densely(ids: Ints, size: int) -> tuple[Ints, int]:
    """The same groups, numbered from 0 without gaps."""
    if size <= 4 * len(ids):  # a table of flags costs less than a sort
        is_there = np.zeros(size, np.bool_)
        is_there[ids] = True
        numbers = np.cumsum(is_there) - 1
        return numbers[ids], int(numbers[-1]) + 1
    distinct, found = np.unique(ids, return_inverse=True)
    return found.astype(np.int64), len(distinct)


def _count_people(ids: Ints, size: int, person: pa.ChunkedArray) -> Ints:
    """Distinct values of ``person`` in each crowd; rows of nobody (NULL) are one person together."""
    codes, count = encode(person)
    if size * count > _LARGEST:
        raise DisclosureError(
            "disclosure risk",
            found=f"{size:,} crowds of {count:,} people",
            expected=f"at most {_LARGEST:,} pairs of them",
            next_step="measure it on fewer rows",
        )
    pairs = np.unique(ids * count + codes)
    return np.bincount(pairs // count, minlength=size)
