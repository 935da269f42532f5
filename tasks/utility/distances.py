"""How far masking moved what a column looks like, over many rows at once.

What belongs here: the distance of two columns' distributions, and what of it is withheld. What does not: which rows are looked at.

Numbers: Wasserstein's first distance, which is the area between the two distribution functions, in standard deviations of the raw
column (Villani 2009, chapter 6). Texts that keep their values: total variation, half the sum of the differences in frequency.
Values that are renamed, or that change their kind: total variation of the frequencies alone, largest with largest (a frequency
profile), since a token says nothing but how often it stands there; one token for each value is distance 0.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.records import ColumnDistance, DistanceMeasure
from tasks.utility.times import as_years

Floats = NDArray[np.float64]
_DECIMALS = 4
_KEEPS_VALUES = ("kept", "shuffle")
"""What leaves a column's texts as they were, if perhaps in other rows."""
_RENAMES = ("token", "encrypt", "fake", "date_part")
"""What leaves nothing of a number's, or a time's, own scale."""


@dataclass(frozen=True)
class ColumnSample:
    """One column of the same rows, before and after masking (rows that masking suppressed are missing after)."""

    table: str
    column: str
    transform: str
    """The name of its transform; ``kept``."""
    treatment: str
    """The transform in words, for the reader."""
    raw: pa.ChunkedArray
    masked: pa.ChunkedArray
    people: int
    """The people whose rows they are; rows, where they are not of people."""


def measure_distance(sample: ColumnSample, k: int) -> ColumnDistance:
    """The distance of ``sample``, and its shares of NULL before and after.

    A figure that would rest on fewer than ``k`` people is withheld; so is a distance that fewer than ``k`` values make, and a share
    of NULL of fewer than ``k`` rows.
    """
    raw, masked = sample.raw.drop_null(), sample.masked.drop_null()
    measure = _measure_of(sample, raw, masked)
    distance, reason = None, ""
    if sample.people < k or min(len(raw), len(masked)) < k:
        reason = f"withheld: it would rest on fewer than {k} people or values"
    else:
        distance, changed = _distance(measure, raw, masked)
        if 0 < changed < k:
            distance, reason = None, f"withheld: fewer than {k} values make it"
        elif distance is None:
            reason = "the raw column has one value only, and masked rows have others"
    nulls = [_null_share(column, k) if sample.people >= k else None for column in (sample.raw, sample.masked)]
    if None in nulls and not reason:
        reason = f"NULLs withheld: they stand in fewer than {k} rows"
    return ColumnDistance(
        table=sample.table,
        column=sample.column,
        treatment=sample.treatment,
        measure=measure,
        distance=None if distance is None else round(distance, _DECIMALS),
        nulls_before=nulls[0],
        nulls_after=nulls[1],
        reason=reason,
    )


def _measure_of(sample: ColumnSample, raw: pa.ChunkedArray, masked: pa.ChunkedArray) -> DistanceMeasure:
    is_scale = _is_number(masked.type) and (_is_number(raw.type) or (_is_time(raw.type) and sample.transform == "generalise"))
    if sample.transform not in _RENAMES and (is_scale or (_is_time(raw.type) and _is_time(masked.type))):
        return "Wasserstein"
    return "total variation" if sample.transform in _KEEPS_VALUES and raw.type == masked.type else "frequency profile"


def _distance(measure: DistanceMeasure, raw: pa.ChunkedArray, masked: pa.ChunkedArray) -> tuple[float | None, float]:
    """The distance, and at least how many values make it; None where there is no scale to tell it on."""
    if measure == "Wasserstein":
        return _wasserstein(_numbers(raw), _numbers(masked))
    if measure == "total variation":
        values = pa.chunked_array([*raw.chunks, *masked.chunks], raw.type).combine_chunks().dictionary_encode().indices
        codes = values.to_numpy(zero_copy_only=False)
        counts = [np.bincount(codes[rows], minlength=codes.max() + 1) for rows in (slice(0, len(raw)), slice(len(raw), None))]
    else:
        counts = [np.sort(pc.value_counts(column).field("counts").to_numpy())[::-1] for column in (raw, masked)]
        width = max(map(len, counts))
        counts = [np.pad(count, (0, width - len(count))) for count in counts]
    shares = [count / count.sum() for count in counts]
    found = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return found, found * min(len(raw), len(masked))


def _wasserstein(raw: Floats, masked: Floats) -> tuple[float | None, float]:
    from scipy.stats import wasserstein_distance

    raw, masked = np.sort(raw[np.isfinite(raw)]), np.sort(masked[np.isfinite(masked)])
    if not len(raw) or not len(masked):
        return None, 0.0
    if len(raw) == len(masked) and np.array_equal(raw, masked):
        return 0.0, 0.0
    changed = float(np.count_nonzero(raw != masked)) if len(raw) == len(masked) else float(max(len(raw), len(masked)))
    width = float(raw.std())
    return (float(wasserstein_distance(raw, masked)) / width if width > 0 else None), changed


def _numbers(column: pa.ChunkedArray) -> Floats:
    found: Floats = (as_years(column) if _is_time(column.type) else column.cast(pa.float64())).to_numpy()
    return found


def _null_share(column: pa.ChunkedArray, k: int) -> float | None:
    if 0 < column.null_count < k:
        return None
    return round(column.null_count / len(column), _DECIMALS) if len(column) else 0.0


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
