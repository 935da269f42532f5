"""A small shop: deliveries to predict, their depots' weather, the parcels in them, and when each delivery was known to be late.

Nothing here is named as in the demo: features must not know it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pyarrow as pa

from tasks import features as feature_tasks
from tasks.datasets import canonical_type
from tasks.params.features import FeaturesParams
from tasks.params.models import LabelParams
from tasks.params.snapshot import TableParams

HOUR = 3_600_000_000
DAY = 24 * HOUR
AS_OF = datetime(2030, 1, 1, tzinfo=timezone.utc)
"""After all that happens in the shop."""
START = int(datetime(2024, 2, 26, tzinfo=timezone.utc).timestamp()) * 1_000_000
TABLES = {
    "deliveries": TableParams(
        key=("delivery", "leg"),
        time="planned_utc",
        known="arrived_utc",
        columns=("delivery", "leg", "planned_utc", "arrived_utc", "depot", "van", "distance", "express", "minutes"),
        late=("minutes",),
    ),
    "weather": TableParams(
        key=("depot", "seen_utc"), time="seen_utc", known="told_utc", columns=("depot", "seen_utc", "told_utc", "wind", "sky")
    ),
    "parcels": TableParams(
        key=("parcel",),
        time="booked_utc",
        known="booked_utc",
        columns=("parcel", "delivery", "leg", "booked_utc", "weight", "kind", "fragile"),
    ),
    "results": TableParams(
        key=("delivery", "leg"), time="told_utc", known="told_utc", columns=("delivery", "leg", "told_utc", "is_late")
    ),
}
LABEL = LabelParams(table="results", column="is_late", known="told_utc", task="binary", positive="yes")
FEATURES = {
    "van": {"take": "deliveries.van"},
    "distance": {"take": "deliveries.distance"},
    "express": {"take": "deliveries.express"},
    "hour": {"part": "hour", "of": "deliveries.planned_utc"},
    "weekday": {"part": "weekday", "of": "deliveries.planned_utc"},
    "month": {"part": "month", "of": "deliveries.planned_utc"},
    "wind": {"latest": "weather.wind", "by": ["depot"]},
    "sky": {"latest": "weather.sky", "by": ["depot"]},
    "van_minutes_last": {"latest": "deliveries.minutes", "by": ["van"]},
    "van_minutes": {"mean": "deliveries.minutes", "by": ["van"]},
    "van_minutes_2d": {"mean": "deliveries.minutes", "by": ["van"], "window_days": 2},
    "depot_minutes_6h": {"mean": "deliveries.minutes", "by": ["depot"], "window_days": 0.25},
    "wind_mean_1d": {"mean": "weather.wind", "by": ["depot"], "window_days": 1},
    "parcels": {"count": "parcels", "by": ["delivery", "leg"]},
    "parcels_1d": {"count": "parcels", "by": ["delivery", "leg"], "window_days": 1},
    "weight": {"mean": "parcels.weight", "by": ["delivery", "leg"]},
    "fragile": {"mean": "parcels.fragile", "by": ["delivery", "leg"]},
    "boxes": {"share": "parcels.kind", "equals": "box", "by": ["delivery", "leg"]},
    "bags_1d": {"share": "parcels.kind", "equals": "bag", "by": ["delivery", "leg"], "window_days": 1},
    "heavy": {"share": "parcels.weight", "equals": 3, "by": ["delivery", "leg"]},
}


class Held:
    """A table in memory that is read in pieces, as stored ones are."""

    def __init__(self, table: pa.Table, pieces: int = 3) -> None:
        self._table = table
        self._step = -(-table.num_rows // pieces) or 1

    @property
    def columns(self) -> Mapping[str, str]:
        return {field.name: canonical_type(field.type) for field in self._table.schema}

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        chosen = self._table if columns is None else self._table.select(list(columns))
        for start in range(0, max(1, self._table.num_rows), self._step):
            yield chosen.slice(start, self._step)


def compute_features(sources: Mapping[str, pa.Table], *declared: Any, **options: Any) -> pa.Table:
    """The features of all rows in one table."""
    held = {name: Held(table) for name, table in sources.items()}
    return pa.concat_tables(feature_tasks.compute_features(held, *declared, **options))


def features(**columns: dict) -> FeaturesParams:
    """Features of deliveries, asked 90 minutes before they are planned; all of FEATURES where none are named."""
    return FeaturesParams.model_validate(
        {"rows": "deliveries", "at": {"column": "planned_utc", "minus_minutes": 90}, "columns": columns or FEATURES}
    )


def moments(values: np.ndarray, mask: np.ndarray | None = None) -> pa.Array:
    return pa.array(values.astype("int64"), mask=mask).cast(pa.timestamp("us", "UTC"))


def _texts(rng: np.random.Generator, choices: list, rows: int) -> pa.Array:
    return pa.array([choices[i] for i in rng.integers(0, len(choices), rows)], pa.string())


def make_shop(seed: int, rows: int = 60) -> dict[str, pa.Table]:
    """The four tables; coarse times, so that moments are shared and windows are hit on their bounds, and NULLs everywhere."""
    rng = np.random.default_rng(seed)
    planned = START + rng.integers(0, 40, rows) * (HOUR // 2) * 3
    keys = {"delivery": pa.array([f"d{i // 2}" for i in range(rows)]), "leg": pa.array([i % 2 for i in range(rows)], pa.int8())}
    deliveries = pa.table(
        {
            **keys,
            "planned_utc": moments(planned),
            "arrived_utc": moments(planned + rng.integers(-4, 12, rows) * (HOUR // 2)),
            "depot": _texts(rng, ["north", "south", None], rows),
            "van": _texts(rng, ["v1", "v2", "v3", None], rows),
            "distance": pa.array(rng.integers(1, 90, rows), pa.int32()),
            "express": pa.array([None if v == 2 else bool(v) for v in rng.integers(0, 3, rows)]),
            "minutes": pa.array(rng.normal(0, 20, rows).round(3), mask=rng.random(rows) < 0.2),
        }
    )
    seen = np.repeat(START + np.arange(20) * 3 * HOUR, 2)
    weather = pa.table(
        {
            "depot": pa.array(["north", "south"] * 20),
            "seen_utc": moments(seen),
            "told_utc": moments(seen + rng.integers(0, 8, 40) * HOUR, mask=rng.random(40) < 0.1),
            "wind": pa.array(np.where(rng.random(40) < 0.1, np.nan, rng.normal(5, 2, 40)), mask=rng.random(40) < 0.1),
            "sky": _texts(rng, ["clear", "rain", None], 40),
        }
    )
    count = rows * 2
    of = rng.integers(0, rows, count)
    parcels = pa.table(
        {
            "parcel": pa.array([f"p{i}" for i in range(count)]),
            **{name: column.take(pa.array(of)) for name, column in keys.items()},
            "booked_utc": moments(planned[of] - rng.integers(-2, 30, count) * (HOUR // 2) * 3),
            "weight": pa.array(rng.integers(1, 5, count), mask=rng.random(count) < 0.1),
            "kind": _texts(rng, ["box", "bag", None], count),
            "fragile": pa.array([bool(v) for v in rng.integers(0, 2, count)]),
        }
    )
    told = rng.random(rows) < 0.8
    results = pa.table(
        {
            **keys,
            "told_utc": moments(planned + 12 * HOUR),
            "is_late": pa.array(["yes" if v else "no" for v in rng.integers(0, 2, rows)]),
        }
    ).filter(pa.array(told))
    return {"deliveries": deliveries, "weather": weather, "parcels": parcels, "results": results}
