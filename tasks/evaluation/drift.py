"""Drift: how far the judged rows' features lie from those that the challenger was fitted on.

What belongs here: distributions of features, in bins, one part against others. What does not: whether that is too far
(``tasks.gates``), and checks of single columns (``tasks.validation``). Rows count as rows, whatever they weigh.

No figure rests on a bin of a few people: a bin stands where each side has nobody in it, or k people and more; others are joined
with their neighbours. Edges and values are not published.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.evidence import Evidence, read_features
from tasks.evaluation.rows import read_clusters
from tasks.evaluation.sample import Floats, Ints
from tasks.evaluation.withholding import PERSON
from tasks.params import Params
from tasks.params.splits import ALL_FOLDS, assignments_of
from tasks.records import Drift, FeatureDrift, ModelCard

_BINS = 10
"""Of numbers, by the reference's quantiles, as the index is usually taken (Siddiqi 2006, Credit Risk Scorecards)."""
_MOST_VALUES = 50
"""Texts that have a bin of their own; the others share one."""
_MOST_REFERENCE_ROWS = 200_000
"""Beyond them every nth row by row key, which is a hash: more would not move a share by a thousandth."""
_CHANCE = 0.95


def measure_part_drift(
    evidence: Evidence,
    params: Params,
    features: pa.Table,
    challenger: ModelCard,
    *,
    as_seen: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> Drift | None:
    """Drift of the judged part's ``features`` (row_key and features) against the rows that the ``challenger`` was fitted on.

    Where it was fitted on another split, or nobody here knows on what, they are compared with all other parts that may be read.
    ``as_seen`` turns those, as they are stored, into the view that ``features`` are of.
    None where all folds are judged. Raises as :func:`~tasks.evaluation.evidence.read_features` does.
    """
    reference = read_drift_reference(evidence, params, challenger)
    if reference is None:
        return None
    parts, rows = reference
    names = params.features.names
    reference_rows = as_seen(rows)
    people = read_clusters(evidence, params)
    if PERSON in people.column_names:
        reference_rows, features = (_with_people(found, people) for found in (reference_rows, features))
    found = measure_drift(reference_rows, features, names, params.masking.limits.k)
    return Drift(reference=", ".join(parts), reference_rows=reference_rows.num_rows, rows=features.num_rows, features=found)


def read_drift_reference(evidence: Evidence, params: Params, challenger: ModelCard) -> tuple[tuple[str, ...], pa.Table] | None:
    """The parts that the judged part is compared with, and their rows (row_key and features); None where there are none."""
    part = params.evaluation.part
    if part == ALL_FOLDS:
        return None
    readable = set(evidence.parts.column("part").unique().to_pylist())
    # Folds of another draw hold the judged rows too.
    readable = {name for name in readable if assignments_of(name) == assignments_of(part)}
    own = set(challenger.parts) if challenger.split == evidence.split else set()
    parts = tuple(sorted(own if own and own <= readable - {part} else readable - {part}))
    if not parts:
        return None
    return parts, read_features(evidence, parts, params.features.names, most_rows=_MOST_REFERENCE_ROWS)


def _with_people(rows: pa.Table, people: pa.Table) -> pa.Table:
    place = pc.index_in(rows.column("row_key"), value_set=people.column("row_key").combine_chunks())
    return rows.append_column(PERSON, people.column(PERSON).take(place.combine_chunks()))


def measure_drift(reference: pa.Table, judged: pa.Table, names: Sequence[str], k: int) -> tuple[FeatureDrift, ...]:
    """Each feature of ``names`` (numbers or texts, NULL where missing) in ``judged`` against ``reference``, in that order.

    Both have ``person`` where it is known whose row is whose; otherwise each row is a person's.
    """
    sizes = np.array([reference.num_rows, judged.num_rows])
    side = np.repeat([0, 1], sizes)
    people = _people(reference, judged)
    return tuple(_drift_of(name, reference.column(name), judged.column(name), (side, people), k) for name in names)


def _people(reference: pa.Table, judged: pa.Table) -> Ints | None:
    if PERSON not in reference.column_names:
        return None
    chunks = [*reference.column(PERSON).chunks, *judged.column(PERSON).chunks]
    found: Ints = pc.fill_null(pa.chunked_array(chunks), "").combine_chunks().dictionary_encode().indices.to_numpy().astype(np.intp)
    return found


def _drift_of(name: str, before: pa.ChunkedArray, now: pa.ChunkedArray, rows: tuple[Ints, Ints | None], k: int) -> FeatureDrift:
    """``rows``: by row its side (0 before, 1 now) and its person (None: each its own)."""
    side, people = rows
    is_number = not (pa.types.is_string(before.type) or pa.types.is_large_string(before.type))
    places = _number_bins(before, now) if is_number else _text_bins(before, now)
    count = int(places.max(initial=0)) + 1
    held = np.bincount(side * count + places, minlength=2 * count).reshape(2, count)
    joined = _join_small(held, held if people is None else _count_people(side * count + places, people, count), k)
    if joined is None:
        reason = f"its bins would rest on fewer than {k} people"
        return FeatureDrift(
            feature=name, bins=0, psi=None, total_variation=None, kolmogorov_smirnov=None, by_chance=None, reason=reason
        )
    shares = joined / joined.sum(axis=1, keepdims=True)
    return FeatureDrift(
        feature=name,
        bins=joined.shape[1],
        psi=stability_index(joined),
        total_variation=float(np.abs(shares[1] - shares[0]).sum() / 2),
        kolmogorov_smirnov=float(np.abs(np.cumsum(shares[1] - shares[0])).max()) if is_number else None,
        by_chance=index_by_chance(joined),
        reason="",
        variance_ratio=variance_ratio(joined),
    )


def _count_people(cells: Ints, people: Ints, count: int) -> Ints:
    """The people of each cell, of 2 x ``count``."""
    width = int(people.max(initial=0)) + 1
    found: Ints = np.bincount(np.unique(cells * width + people) // width, minlength=2 * count).reshape(2, count)
    return found


def _number_bins(before: pa.ChunkedArray, now: pa.ChunkedArray) -> Ints:
    """By row, first those of before, the place of its bin; missing values have the last.

    Values that are an edge have a bin of their own, or one that most rows share would hide all below or above it.
    """
    values = np.concatenate([column.cast(pa.float64()).to_numpy() for column in (before, now)])
    present = values[: len(before)][~np.isnan(values[: len(before)])]
    edges = np.unique(np.quantile(present, np.arange(1, _BINS) / _BINS)) if len(present) else np.zeros(0)
    places = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
    found: Ints = np.where(np.isnan(values), 2 * len(edges) + 1, places)
    return found


def _text_bins(before: pa.ChunkedArray, now: pa.ChunkedArray) -> Ints:
    """As :func:`_number_bins`: the most frequent texts first, which only their numbers decide, and equal ones by name."""
    encoded = pa.chunked_array([*before.chunks, *now.chunks]).combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy()
    words = encoded.dictionary.to_pylist()
    held = np.bincount(codes[codes >= 0], minlength=len(words))
    order = sorted(range(len(words)), key=lambda word: (-held[word], words[word]))
    place = np.full(len(words) + 1, _MOST_VALUES, np.intp)
    place[order[:_MOST_VALUES]] = np.arange(min(len(words), _MOST_VALUES))
    place[-1] = _MOST_VALUES + 1  # the code -1: missing
    found: Ints = place[codes]
    return found


def _join_small(held: Ints, known: Ints, k: int) -> Floats | None:
    """``held`` rows (before and now x bins) with bins joined until each side of each has nobody, or ``k`` people.

    None where that leaves nothing to compare. Of joined bins at least as many people are ``known`` as of the largest.
    """
    bins: list[tuple[Ints, Ints]] = []
    for rows, people in zip(held.T, known.T, strict=True):
        if not rows.any():
            continue
        bins.append((rows, people))
        while len(bins) > 1 and not _stands(bins[-2], k):
            _join_last(bins)
    while len(bins) > 1 and not _stands(bins[-1], k):
        _join_last(bins)
    was_one = np.count_nonzero(held.any(axis=0)) == 1
    if not bins or not _stands(bins[0], k) or (len(bins) == 1 and not was_one) or not held.any(axis=1).all():
        return None
    found: Floats = np.stack([rows for rows, _ in bins], axis=1).astype(np.float64)
    return found


def _join_last(bins: list[tuple[Ints, Ints]]) -> None:
    (rows, people), (more, others) = bins.pop(-2), bins.pop()
    bins.append((rows + more, np.maximum(people, others)))


def _stands(one: tuple[Ints, Ints], k: int) -> bool:
    rows, people = one
    return bool(np.all((rows == 0) | (people >= k)))


def stability_index(rows: Floats) -> float:
    """The population stability index of ``rows`` (before and now x bins): the sum of (q - p) ln(q / p) over shares p and q.

    It is the symmetric Kullback-Leibler divergence (Siddiqi 2006). An empty side of a bin counts half a row, so that it is finite.
    """
    before, now = np.maximum(rows, 0.5) / rows.sum(axis=1, keepdims=True)
    return float(((now - before) * np.log(now / before)).sum())


def variance_ratio(rows: Floats) -> float:
    """The index's variance by the delta method at the shares of ``rows``, beside 4 (1/n + 1/m) times the index; 1 at least.

    Where the shares p and q of all bins are near to one another, it is that. A bin that had a few rows in a thousand and has many
    moves the index much further with the draw: by its derivatives, ln(p / q) - q / p and ln(q / p) - p / q.
    """
    sizes = rows.sum(axis=1)
    before, now = np.maximum(rows, 0.5) / sizes[:, None]
    ratio = np.log(now / before)
    parts = ((before, -ratio - now / before), (now, ratio - before / now))
    spreads = [float((p * slope**2).sum() - (p * slope).sum() ** 2) for p, slope in parts]
    little = 4 * float((1 / sizes).sum()) * stability_index(rows)
    return max(1.0, float(np.dot(spreads, 1 / sizes)) / little) if little > 0 else 1.0


def index_by_chance(rows: Floats) -> float:
    """What the index of two samples of one distribution stays below with a chance of 0.95.

    It is (1/n + 1/m) times chi squared of the bins less one (Yurdakul 2018, Western Michigan University).
    """
    from scipy.stats import chi2

    sizes = rows.sum(axis=1)
    return float((1 / sizes).sum() * chi2.ppf(_CHANCE, rows.shape[1] - 1)) if rows.shape[1] > 1 else 0.0
