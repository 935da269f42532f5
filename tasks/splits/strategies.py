"""The ways to part rows one by one: by time with an embargo, by a keyed hash of an entity, and into folds.

What belongs here: pure functions from a column to the part of each row, in which no row's part rests on another's. What does
not: equal shares within strata (``strata``), which rows there are, and whether a split may be made again under its name
(``custody``). Rows are parted on raw values and raw times: a new masking key or a shifted date moves no row.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import SplitError
from tasks.params.splits import KeyedHashSplit, KFoldSplit, StratifiedSplit, TimeSplit
from tasks.splits.draws import Numbers, draw_key, draw_numbers, equal_ends, interval_ends, pick_names
from tasks.splits.instants import day_start, is_known, to_instants

EMBARGO = "embargo"
"""The part of rows that belong to no part: too close behind a boundary."""
PARTS = ("train", "validation", "test")
"""The order of the parts in time, and of their intervals of hashes, whatever the order in ``params.yaml``."""


def assign_by_time(times: pa.ChunkedArray | pa.Array, split: TimeSplit) -> pa.Array:
    """The part (string: train, validation, test or embargo) of each of ``times`` (timestamps or dates; no zone is UTC).

    A boundary is the first instant of its UTC day: what lies before it belongs to its part; the ``embargo_days`` from it on
    belong to none. Raises :class:`~tasks.errors.SplitError` where a time is NULL, or ``times`` holds no times.
    """
    instants, known = to_instants(times, where=f"split column {split.column}")
    if not known.all():
        raise SplitError(
            f"split column {split.column}",
            found=f"{len(known) - int(known.sum()):,} rows without a time",
            expected="a time in every row, or it could not be told which side of a boundary a row is on",
            next_step=f"mend {split.column} in the lake, or name another column in params.yaml",
        )
    edges: list[int] = []
    names: list[str] = []
    for part, day in sorted(split.boundaries.items(), key=lambda boundary: boundary[1]):
        edges += [day_start(day), day_start(day, split.embargo_days)]
        names += [part, EMBARGO]
    # An embargo that reaches beyond the next boundary leaves nothing of the part between.
    reached = np.searchsorted(np.maximum.accumulate(edges), instants, side="right")
    return pick_names((*names, "test"), reached)


def assign_by_keyed_hash(units: pa.Array, fallback: pa.Array, split: KeyedHashSplit, name: str, seed: int) -> pa.Array:
    """The part (string) of each of ``units`` (text, integers or dates), under the key of the split ``name``.

    The first 64 bits of SHA-256(key || canonical unit), big-endian, lie in the interval of one part; the intervals follow
    each other in the order train, validation, test with the declared shares. In SQL: fixed-width lower-case hexadecimal
    hashes compared with hexadecimal thresholds. The key (32 bytes) is SHA-256 over name, derived seed and salt; it is no
    secret, it parts this split's draw from every other. Only distinct units are hashed, and nothing but the unit decides: new
    rows and new entities move none that was there. Equal units are those that masking gives one token: text in Unicode normal
    form C, integers in decimal.

    A NULL is no entity: each such row is drawn by itself, on its ``fallback`` (its own key; text, no NULLs).
    Raises :class:`~tasks.errors.SplitError` where ``units`` have a type without a canonical form.
    """
    by_unit, by_row = (draw_key(name, seed, split.salt, purpose) for purpose in ("unit", "row"))
    numbers = draw_units(units, fallback, by_unit, by_row, f"split unit {split.unit}")
    return pick_names(shared_names(split), np.searchsorted(share_ends(split), numbers, side="right"))


def assign_to_folds(units: pa.Array | None, fallback: pa.Array, split: KFoldSplit, name: str, seed: int) -> dict[str, pa.Array]:
    """Table of assignments -> the fold (string) of each row in it, one table for each repeat.

    As :func:`assign_by_keyed_hash`, with equal shares and another key for each repeat; without ``units`` (None) each row is
    drawn by itself on its ``fallback``. Nothing but the unit, or the row's key, decides.
    """
    found = {}
    for repeat, (table, folds) in enumerate(split.tables.items(), start=1):
        by_unit, by_row = (draw_key(name, seed, split.salt, f"{purpose}/{repeat}") for purpose in ("unit", "row"))
        if units is None:
            numbers = draw_numbers(fallback, by_row, "row key")
        else:
            numbers = draw_units(units, fallback, by_unit, by_row, f"split unit {split.unit}")
        found[table] = pick_names(folds, np.searchsorted(equal_ends(split.k), numbers, side="right"))
    return found


def draw_units(units: pa.Array, fallback: pa.Array, by_unit: bytes, by_row: bytes, where: str) -> Numbers:
    """The number of each unit under the key ``by_unit``; a NULL is drawn on its ``fallback`` under the key ``by_row``."""
    if not units.null_count:
        return draw_numbers(units, by_unit, where)
    known = is_known(units)
    numbers = np.empty(len(units), np.uint64)
    numbers[~known] = draw_numbers(fallback.filter(pc.is_null(units)), by_row, "row key")
    if known.any():
        numbers[known] = draw_numbers(units.filter(pc.is_valid(units)), by_unit, where)
    return numbers


def shared_names(split: KeyedHashSplit | StratifiedSplit) -> tuple[str, ...]:
    """The declared parts in the order of their intervals."""
    return tuple(part for part in PARTS if part in split.parts)


def share_ends(split: KeyedHashSplit | StratifiedSplit) -> Numbers:
    """Where the interval of each part but the last ends, in the order train, validation, test."""
    return interval_ends([split.parts[part] for part in PARTS if part in split.parts])
