"""Stratified parting: within each stratum the same shares of each part, also of the few rows that it may have.

What belongs here: the order in which the rows (or entities) of a stratum are shared out, and the counts of strata. What does
not: draws of single rows (``strategies``), and which rows there are.

Equal shares mean that a row's part rests on how many came before it. So that growth still moves no row, rows are shared out
in the order in which they became known, and a row that becomes known later comes later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.errors import SplitError
from tasks.params.splits import StratifiedSplit
from tasks.splits.draws import Numbers, canonical_bytes, draw_key, draw_numbers, pick_names
from tasks.splits.instants import is_known, read_buffer
from tasks.splits.strategies import draw_units, share_ends, shared_names

_GOLDEN = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: its multiples modulo 2**64 fill the range so evenly that after n steps each interval of
share p holds p*n of them to within a row or two (Knuth, The Art of Computer Programming, volume 3, section 6.4)."""
_STRATA_AT_MOST = 1000
NO_STRATUM = "(missing)"
_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Strata:
    """The part of each row, and how many rows (entities, where the split has a unit) each stratum shares out."""

    parts: pa.Array
    counts: tuple[dict[str, int], ...]
    """For each of the slices that were asked for: stratum -> rows, or entities, that were first seen in the slice."""


def assign_stratified(
    strata: pa.Array,
    known: np.ndarray,
    units: pa.Array | None,
    fallback: pa.Array,
    split: StratifiedSplit,
    *,
    name: str,
    seed: int,
    scope: str,
    slices: tuple[int, ...],
) -> Strata:
    """The part (string) of each row: the rows of a stratum take parts in turn, in the order in which they became ``known``.

    ``strata``: the value of ``split.by`` (text, integers, dates or truth values; NULL is a stratum of its own). ``known``:
    microseconds since 1970 UTC. Rows known at the same moment come in the order of a keyed hash of their ``fallback`` (own
    key). With ``units`` whole entities take turns, each by its first row; a NULL is an entity of its own. ``scope`` parts the
    draw of one partition from that of another; ``slices`` are the lengths of the partitions that the rows are made of.

    Turn i of a stratum falls where ``start + i * 2**64 / golden ratio`` lies among the intervals of the shares; ``start`` is a
    keyed hash of stratum and scope. Raises :class:`~tasks.errors.SplitError` for a type that makes no strata, or too many.
    """
    codes, values = _encode(strata, split)
    by_row, by_unit, by_stratum = (draw_key(name, seed, split.salt, purpose) for purpose in ("row", "unit", f"stratum/{scope}"))
    starts = np.append(
        draw_numbers(values, by_stratum, f"split by {split.by}") if len(values) else np.zeros(0, np.uint64),
        np.frombuffer(by_stratum[:8], ">u8").astype(np.uint64),
    )
    rows = draw_numbers(fallback, by_row, "row key")
    if units is None:
        entities, firsts = np.arange(len(codes)), np.arange(len(codes))
    else:
        entities, firsts = _group(units, draw_units(units, fallback, by_unit, by_row, f"split unit {split.unit}"), known, rows)
    order = np.lexsort((rows[firsts], known[firsts], codes[firsts]))
    turns = np.empty(len(firsts), np.uint64)
    turns[order] = _count_within(codes[firsts][order])
    reached = np.searchsorted(share_ends(split), starts[codes[firsts]] + turns * np.uint64(_GOLDEN), side="right")
    return Strata(pick_names(shared_names(split), reached[entities]), _count(codes, firsts, values, slices))


def _encode(strata: pa.Array, split: StratifiedSplit) -> tuple[np.ndarray, pa.Array]:
    """The code of each row's stratum (that of NULL is the last), and the canonical texts of the others."""
    where = f"split by {split.by}"
    plain = strata.cast(pa.string()) if pa.types.is_boolean(strata.type) else strata
    plain = plain.cast(plain.type.value_type) if pa.types.is_dictionary(plain.type) else plain
    texts = canonical_bytes(plain, where).cast(pa.string()).dictionary_encode()
    if len(texts.dictionary) > _STRATA_AT_MOST:
        raise SplitError(
            where,
            found=f"{len(texts.dictionary):,} values",
            expected=f"at most {_STRATA_AT_MOST:,}, each with enough rows to share out",
            next_step=f"name a column with fewer values under splits, or band {split.by} in the lake",
        )
    indices = texts.indices.cast(pa.int32())
    codes = read_buffer(indices, "<i4").astype(np.int64)
    codes[~is_known(indices)] = len(texts.dictionary)
    return codes, texts.dictionary


def _group(units: pa.Array, numbers: Numbers, known: np.ndarray, rows: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's entity, and the place of each entity's first row: the one that became known first."""
    # Entities of equal 64 bits would share a turn, and stay whole: among 10 million entities, one chance in 300,000.
    _, entities = np.unique(numbers, return_inverse=True)
    order = np.lexsort((rows, known, entities))
    is_first = np.append(True, entities[order][1:] != entities[order][:-1]) if len(order) else np.zeros(0, bool)
    return entities, order[is_first]


def _count_within(sorted_codes: np.ndarray) -> Numbers:
    """0, 1, 2... within each run of equal codes."""
    places = np.arange(len(sorted_codes), dtype=np.int64)
    begins = np.append(True, sorted_codes[1:] != sorted_codes[:-1]) if len(places) else np.zeros(0, bool)
    return (places - np.maximum.accumulate(np.where(begins, places, 0))).astype(np.uint64)


def _count(codes: np.ndarray, firsts: np.ndarray, values: pa.Array, slices: tuple[int, ...]) -> tuple[dict[str, int], ...]:
    names = [*values.to_pylist(), NO_STRATUM]
    slice_of = np.searchsorted(np.cumsum(slices), firsts, side="right")
    table = np.zeros((len(slices), len(names)), np.int64)
    np.add.at(table, (slice_of, codes[firsts]), 1)
    return tuple({names[place]: int(row[place]) for place in np.flatnonzero(row)} for row in table)


def describe_rare(split: StratifiedSplit, counts: Mapping[str, int]) -> tuple[str, ...]:
    """One sentence where strata have fewer rows (or entities) than there are parts, so that a part must lack them."""
    rare = sorted((count, value) for value, count in counts.items() if count < len(split.parts))
    if not rare:
        return ()
    what = "rows" if split.unit is None else f"different {split.unit}"
    named = ", ".join(f"{value} ({count})" for count, value in rare[:_NAMED_AT_MOST])
    more = f" and {len(rare) - _NAMED_AT_MOST} more" if len(rare) > _NAMED_AT_MOST else ""
    return (
        f"{len(rare)} of {len(counts)} values of {split.by} have fewer {what} than the {len(split.parts)} parts: {named}{more}",
    )
