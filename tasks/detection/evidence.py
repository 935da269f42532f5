"""What is seen of columns: counts of distinct values by pattern, name, length; for a partition, and for partitions together.

What belongs here: measuring values, and adding measurements up. What does not: what follows for a column (``findings``). No value
is kept: a column's evidence is counts, and a sketch from which only the number of distinct values can be told.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.datasets import canonical_type
from tasks.detection.columns import class_by_name
from tasks.detection.patterns import Patterns, find_patterns
from tasks.detection.people import are_named

MAIL_WITHIN = "mail_within"
"""Counted beside the patterns: an e-mail address somewhere in a longer value."""
_MAIL_WITHIN = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}"
_NAME_BYTES = 60
_NAMES_LOOKED_AT = 5_000
"""Distinct values of a column that are held against the lists of names, evenly spread; a share of them is exact to a point."""
_KNOWN_VALUES = 50_000
"""Distinct values of a column that are remembered from one partition to the next, so that categories are looked at once."""
_REGISTERS = 64
_SMALLEST_NUMBER = 10**8
"""Integers below have too few digits to be a number of an account or a person."""
_LARGEST_EXACT_FLOAT = 2**53


@dataclass(frozen=True)
class ColumnEvidence:
    """One column of one partition, or of several together."""

    kind: str
    """The canonical type, as manifests name it."""
    filled: int = 0
    """Rows with a value."""
    distinct: int = 0
    """Distinct values of each partition, added up: what the counts below are shares of."""
    most_distinct: int = 0
    """Of one partition."""
    characters: int = 0
    words: int = 0
    named: int = 0
    """Names of people, among those values that were held against the lists."""
    looked_at: int = 0
    hits: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    """Pattern -> distinct values that have its form but not its checksum."""
    sketch: str = ""
    """HyperLogLog's registers over the distinct texts, a character each (Flajolet and others, 2007)."""

    @property
    def distinct_values(self) -> int:
        """Distinct values of all partitions together: exact for one partition, else within some 15 %."""
        if self.most_distinct == self.distinct or not self.sketch:
            return self.most_distinct
        return min(self.distinct, max(self.most_distinct, _estimate(self.sketch)))

    @property
    def distinct_share(self) -> float:
        """Distinct values per row with a value."""
        return self.distinct_values / self.filled if self.filled else 0.0


def add_up(parts: Sequence[ColumnEvidence]) -> ColumnEvidence:
    """The evidence of a column's partitions together; ``parts`` is not empty."""
    hits: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for part in parts:
        hits.update(part.hits)
        failed.update(part.failed)
    return ColumnEvidence(
        kind=parts[-1].kind,
        filled=sum(part.filled for part in parts),
        distinct=sum(part.distinct for part in parts),
        most_distinct=max(part.most_distinct for part in parts),
        characters=sum(part.characters for part in parts),
        words=sum(part.words for part in parts),
        named=sum(part.named for part in parts),
        looked_at=sum(part.looked_at for part in parts),
        hits=dict(sorted(hits.items())),
        failed=dict(sorted(failed.items())),
        sketch=_join(part.sketch for part in parts),
    )


@dataclass(frozen=True)
class _Looks:
    """What was seen of values, one entry for each."""

    codes: NDArray[np.uint8]
    has_mail: NDArray[np.bool_]
    named: NDArray[np.int8]
    registers: NDArray[np.int64]
    ranks: NDArray[np.int64]
    characters: NDArray[np.int64]
    words: NDArray[np.int64]

    def take(self, places: NDArray[np.int64]) -> "_Looks":
        return _Looks(*(getattr(self, name)[places] for name in self.__dataclass_fields__))

    def append(self, other: "_Looks") -> "_Looks":
        return _Looks(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__dataclass_fields__))


class Examiner:
    """Looks at the columns of one table, partition by partition; a value that was seen before is not looked at again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[pa.Array, _Looks]] = {}

    def examine(self, name: str, column: pa.ChunkedArray) -> ColumnEvidence:
        """The evidence of ``column``, called ``name``, in one partition."""
        kind = canonical_type(column.type)
        filled = len(column) - column.null_count
        values = _texts(column, kind) if filled else None
        if values is None:
            # Where a column's name speaks, it depends on how many values it has whether anybody listens.
            distinct = pc.count_distinct(column).as_py() if filled and class_by_name(name) is not None else 0
            return ColumnEvidence(kind, filled, distinct, distinct)
        looks = self._look(name, values)
        return _summarise(kind, filled, looks, has_sketch=kind == "string")

    def _look(self, name: str, values: pa.Array) -> _Looks:
        known, seen = self._known.get(name, (None, None))
        if known is None or seen is None:
            looks = _look_at(values)
            if len(values) <= _KNOWN_VALUES:
                self._known[name] = (values, looks)
            return looks
        places = pc.index_in(values, value_set=known)
        new = values.filter(places.is_null())
        if len(new):
            added = _look_at(new)
            if len(known) + len(new) > _KNOWN_VALUES:
                del self._known[name]
                return seen.take(places.drop_null().to_numpy()).append(added)
            known, seen = pa.concat_arrays([known, new]), seen.append(added)
            self._known[name] = (known, seen)
            places = pc.index_in(values, value_set=known)
        return seen.take(places.to_numpy())


def _texts(column: pa.ChunkedArray, kind: str) -> pa.Array | None:
    """The distinct values as texts, where they can be held against patterns; None for other types, and for small numbers."""
    if kind == "string":
        return pc.unique(column).drop_null().cast(pa.string())
    if kind in ("double", "float"):
        whole = column.filter(pc.and_(pc.greater_equal(column, _SMALLEST_NUMBER), pc.less_equal(column, _LARGEST_EXACT_FLOAT)))
        if not len(whole) or not pc.all(pc.equal(pc.floor(whole), whole)).as_py():
            return None
        return pc.unique(whole.cast(pa.int64())).cast(pa.string())
    if kind in ("int64", "uint64", "int32", "uint32"):
        return pc.unique(column).drop_null().cast(pa.string()) if pc.max(column).as_py() >= _SMALLEST_NUMBER else None
    return None


def _look_at(values: pa.Array) -> _Looks:
    lengths = pc.binary_length(values).to_numpy(zero_copy_only=False)
    registers, ranks = _rank(values)
    return _Looks(
        codes=find_patterns(values).codes,
        has_mail=_find_mail(values),
        named=_find_named(values, np.flatnonzero(lengths <= _NAME_BYTES)),
        registers=registers,
        ranks=ranks,
        characters=pc.utf8_length(values).to_numpy(zero_copy_only=False).astype(np.int64),
        words=pc.count_substring(values, " ").to_numpy(zero_copy_only=False).astype(np.int64) + 1,
    )


def _find_mail(values: pa.Array) -> NDArray[np.bool_]:
    found = np.asarray(pc.match_substring(values, "@").to_numpy(zero_copy_only=False), np.bool_)
    if found.any():
        places = np.flatnonzero(found)
        found[places] = pc.match_substring_regex(values.take(pa.array(places)), _MAIL_WITHIN).to_numpy(zero_copy_only=False)
    return found


def _find_named(values: pa.Array, short: NDArray[np.int64]) -> NDArray[np.int8]:
    """1 for a name, 0 for none, -1 for what was not held against the lists."""
    named = np.full(len(values), -1, np.int8)
    step = max(1, len(values) // _NAMES_LOOKED_AT)
    places = short[short % step == 0]
    named[places] = are_named(values.take(pa.array(places)))
    return named


def _rank(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The register of each value, and the place of the first one bit of its hash's rest."""
    hashes = np.fromiter(map(zlib.crc32, values.cast(pa.binary()).to_pylist()), np.uint64, len(values))
    # CRC is linear: a multiplication spreads values that differ in one digit (Knuth, volume 3, 6.4).
    hashes = (hashes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(22)
    rest = (hashes >> np.uint64(6)).astype(np.float64)
    ranks = 36 - np.floor(np.log2(np.maximum(rest, 0.5))).astype(np.int64)
    return (hashes & np.uint64(_REGISTERS - 1)).astype(np.int64), ranks


def _summarise(kind: str, filled: int, looks: _Looks, *, has_sketch: bool) -> ColumnEvidence:
    patterns = Patterns(looks.codes)
    hits = patterns.counts()
    if looks.has_mail.any():
        hits[MAIL_WITHIN] = int(looks.has_mail.sum())
    registers = np.zeros(_REGISTERS, np.int64)
    np.maximum.at(registers, looks.registers, looks.ranks)
    return ColumnEvidence(
        kind=kind,
        filled=filled,
        distinct=len(looks.codes),
        most_distinct=len(looks.codes),
        characters=int(looks.characters.sum()),
        words=int(looks.words.sum()),
        named=int((looks.named == 1).sum()),
        looked_at=int((looks.named >= 0).sum()),
        hits=hits,
        failed=patterns.failed(),
        sketch=_written(registers) if has_sketch else "",
    )


def _written(registers: NDArray[np.int64]) -> str:
    return (registers + ord("0")).astype(np.uint8).tobytes().decode("ascii")


def _registers(sketch: str) -> NDArray[np.int64]:
    return np.frombuffer(sketch.encode("ascii"), np.uint8).astype(np.int64) - ord("0")


def _join(sketches: Iterable[str]) -> str:
    joined = np.zeros(_REGISTERS, np.int64)
    for sketch in filter(None, sketches):
        joined = np.maximum(joined, _registers(sketch))
    return _written(joined) if joined.any() else ""


def _estimate(sketch: str) -> int:
    """HyperLogLog with 64 registers, standard error 13 %; linear counting while some are empty and the estimate is small."""
    registers = _registers(sketch)
    estimate = 0.709 * _REGISTERS**2 / float((2.0**-registers).sum())
    empty = int((registers == 0).sum())
    if empty and estimate <= 2.5 * _REGISTERS:
        estimate = _REGISTERS * math.log(_REGISTERS / empty)
    return round(estimate)
