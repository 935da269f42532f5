"""What a holdout's figures would spread like, before any of its labels is read: measured on other rows of the same kind.

What belongs here: counting the holdout's rows and clusters, and scaling the spread that was measured elsewhere to them. What does
not: what a test could show then (``tasks.gates``), and measuring (``summary``).

Used of the holdout are how many rows, clusters and days it has, in all and by slice: they are in the split and in the masked rows.
The share of them that has a label, and a champion's score, is taken to be that of the rows that were measured. A figure's variance
shrinks with the number of clusters or, where clusters hardly matter, of rows; which of both nobody knows beforehand, so that the
smaller gain is counted on. Percentiles of ``n`` clusters are too short by the root of ``(n - 1) / n`` (``tasks.gates.intervals``).
"""

import math
from functools import partial

import pyarrow as pa

from tasks.evaluation.disclosing import values_of, withhold_crossing
from tasks.evaluation.withholding import Slice, count_people, count_together, require_enough_people, withheld, withhold_slices
from tasks.records import AreaErrors, Comparison, Discordance, Evaluation, Interval, Replicates, Spread

_FIGURES = ("challenger", "delta", "relative")


def foretell(measured: Evaluation, places: pa.Table, *, part: str, days: int, k: int, has_folds: bool) -> Evaluation:
    """``measured`` as if on the rows of ``part``: its figures as they were, its intervals as wide as so many rows make them.

    ``places``: those rows (:func:`~tasks.evaluation.rows.read_places`). Slices of fewer than ``k`` people, in either part, have no
    figures. It is evidence of nothing but width, and is never stored. Raises :class:`~tasks.errors.EvaluationError` where all rows
    are of fewer than ``k`` people.
    """
    columns = tuple(name.removeprefix("slice_") for name in places.column_names if name.startswith("slice_"))
    people = count_people(places, columns)
    require_enough_people(people[None, None], k)
    share = measured.rows / max(1, measured.rows + measured.unlabelled_rows + measured.unscored_rows)
    counts = _count(places, columns)
    expected = {key: (round(share * rows), clusters) for key, (rows, clusters) in counts.items()}
    known = [c for c in measured.comparisons if (c.slice_column, c.slice_value) in counts]
    scaled = [_scale(c, *expected[c.slice_column, c.slice_value], part=measured.part) for c in known]
    shown = withhold_slices([*scaled, *_unmeasured(measured, expected)], people, k, partial(count_together, places))
    # Among those that the measured rows lack too are slices that only training rows have.
    elsewhere = {_named(c.slice_column, c.slice_value) for c in measured.comparisons} | set(measured.missing_slices)
    missing = elsewhere - {_named(column, value) for column, value in counts}
    return measured.model_copy(
        update={
            "part": part,
            "rows": expected[None, None][0],
            "days": days,
            "comparisons": withhold_crossing(places, shown, columns, k, has_folds=has_folds),
            "missing_slices": tuple(sorted(missing)),
        }
    )


def _named(column: str | None, value: str | None) -> str:
    """A slice as ``missing_slices`` name it."""
    return f"{column}={value}"


def _count(places: pa.Table, columns: tuple[str, ...]) -> dict[Slice, tuple[int, int]]:
    """Rows and clusters of all rows, and of each slice."""
    found: dict[Slice, tuple[int, int]] = {(None, None): (places.num_rows, len(places.column("cluster").unique()))}
    for column in columns:
        of = pa.table({"value": values_of(places, f"slice_{column}"), "cluster": places.column("cluster")})
        counted = of.group_by("value").aggregate([("cluster", "count_distinct"), ([], "count_all")]).to_pylist()
        found |= {(column, row["value"]): (row["count_all"], row["cluster_count_distinct"]) for row in counted}
    return found


def _unmeasured(measured: Evaluation, expected: dict[Slice, tuple[int, int]]) -> list[Comparison]:
    """By metric, the slices that the holdout has and the measured rows lack."""
    seen = {(c.slice_column, c.slice_value) for c in measured.comparisons}
    empty = withheld(measured.comparisons[0], f"no row of this slice in the part {measured.part}") if measured.comparisons else None
    directions = {c.metric: c.direction for c in measured.comparisons}
    return [
        empty.model_copy(
            update={
                "metric": metric,
                "direction": direction,
                "slice_column": column,
                "slice_value": value,
                "rows": rows,
                "clusters": clusters,
                "is_withheld": False,
            }
        )
        for metric, direction in directions.items()
        for (column, value), (rows, clusters) in expected.items()
        if empty is not None and (column, value) not in seen
    ]


def _scale(found: Comparison, rows: int, clusters: int, *, part: str) -> Comparison:
    """``found`` on so many ``rows`` and ``clusters``."""
    if found.is_withheld:
        return found.model_copy(update={"reason": f"{found.reason} (part {part})"})
    counted = {"rows": rows, "clusters": clusters, "positives": None}
    if not rows or not found.rows or min(clusters, found.clusters) < 2:
        lost = dict.fromkeys(("spread", "champion_interval", "challenger_interval", "delta_interval"))
        return found.model_copy(update={**counted, **lost, "reason": found.reason or f"{clusters} clusters, which is too few"})
    factor = math.sqrt(max(found.rows / rows, found.clusters / clusters))
    shorter = factor * math.sqrt((1 - 1 / clusters) / (1 - 1 / found.clusters))
    relative = found.delta / found.champion if found.delta is not None and found.champion else None
    centres = dict(zip(_FIGURES, (found.challenger, found.delta, relative), strict=True))
    intervals = {
        "champion_interval": _stretch(found.champion_interval, found.champion, shorter),
        "challenger_interval": _stretch(found.challenger_interval, found.challenger, shorter),
        "delta_interval": _stretch(found.delta_interval, found.delta, shorter),
    }
    spread = None if found.spread is None else _scale_spread(found.spread, centres, (factor, shorter), rows / found.rows)
    return found.model_copy(update={**counted, **intervals, "spread": spread})


def _stretch(interval: Interval | None, centre: float | None, factor: float) -> Interval | None:
    if interval is None or centre is None:
        return None
    ends = {"low": centre + factor * (interval.low - centre), "high": centre + factor * (interval.high - centre)}
    return interval.model_copy(update=ends)


def _scale_spread(spread: Spread, centres: dict[str, float | None], factors: tuple[float, float], more_rows: float) -> Spread:
    factor, shorter = factors
    areas, counts = spread.areas, spread.discordance
    scaled = {name: _scale_replicates(getattr(spread, name), centres[name], shorter, factor) for name in _FIGURES}
    return Spread(
        **scaled,
        areas=None
        if areas is None
        else AreaErrors(
            champion=None if areas.champion is None else areas.champion * factor**2,
            challenger=areas.challenger * factor**2,
            covariance=None if areas.covariance is None else areas.covariance * factor**2,
        ),
        discordance=None
        if counts is None
        else Discordance(
            only_champion=round(counts.only_champion * more_rows), only_challenger=round(counts.only_challenger * more_rows)
        ),
    )


def _scale_replicates(found: Replicates | None, centre: float | None, shorter: float, factor: float) -> Replicates | None:
    if found is None or centre is None:
        return None
    quantiles = tuple(centre + shorter * (value - centre) for value in found.quantiles)
    acceleration = None if found.acceleration is None else found.acceleration * factor
    return found.model_copy(update={"quantiles": quantiles, "acceleration": acceleration})
