"""Nothing from after a row's prediction time reaches its features."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from shop_tables import AS_OF, DAY, FEATURES, LABEL, START, TABLES, compute_features, features, make_shop

NAMES = list(FEATURES)


def _truncated(shop: dict[str, pa.Table], row: int, at: object) -> dict[str, pa.Table]:
    """The tables as they were known at ``at``, and the row itself; labels stay, since no feature reads them."""
    cut = {name: table.filter(pc.less_equal(table.column(TABLES[name].known), at)) for name, table in shop.items()}
    own = shop["deliveries"].slice(row, 1)
    others = shop["deliveries"].filter(pa.array(np.arange(shop["deliveries"].num_rows) != row))
    known = others.filter(pc.less_equal(others.column("arrived_utc"), at))
    return {**cut, "deliveries": pa.concat_tables([own, known]), "results": shop["results"]}


@pytest.mark.parametrize("seed", range(3))
def test_features_of_a_truncated_lake_are_identical(seed):
    """Recomputed on what was known at the prediction time, each feature of sampled rows is the same, bit for bit."""
    shop = make_shop(seed)
    full = compute_features(shop, features(), TABLES, LABEL, as_of=AS_OF)
    told = set(zip(*(shop["results"].column(name).to_pylist() for name in ("delivery", "leg")), strict=True))
    for row in range(seed, 60, 12):
        cut = _truncated(shop, row, full.column("at_utc")[row])
        cut["results"] = _with_both_labels(cut, told)
        again = compute_features(cut, features(), TABLES, LABEL, as_of=AS_OF)
        assert again.select(NAMES).slice(0, 1).to_pylist() == full.select(NAMES).slice(row, 1).to_pylist()


def _with_both_labels(cut: dict[str, pa.Table], told: set) -> pa.Table:
    """Labels for whatever rows are left, so that the check of the label's contrast does not end the computation."""
    deliveries = cut["deliveries"]
    if deliveries.num_rows == 1:  # a row of another time, which changes no feature of the first
        extra = deliveries.set_column(0, "delivery", pa.array(["other"]))
        later = pa.array([START + 900 * DAY]).cast(pa.timestamp("us", "UTC"))
        for name in ("planned_utc", "arrived_utc"):
            extra = extra.set_column(extra.column_names.index(name), name, later)
        deliveries = cut["deliveries"] = pa.concat_tables([deliveries, extra])
    late = ["yes" if i % 2 else "no" for i in range(deliveries.num_rows)]
    return pa.table(
        {"delivery": deliveries["delivery"], "leg": deliveries["leg"], "told_utc": deliveries["planned_utc"], "is_late": late}
    )


def test_planted_later_values_change_nothing():
    """Rows that become known one microsecond after the last prediction, with wild values, leave every feature as it was."""
    shop = make_shop(7)
    before = compute_features(shop, features(), TABLES, LABEL, as_of=AS_OF)
    later = pc.add(pc.max(before.column("at_utc")).cast(pa.int64()), 1).cast(pa.timestamp("us", "UTC"))
    planted = dict(shop)
    for name, wild in (("weather", {"wind": 999.0}), ("parcels", {"weight": 999})):
        table = shop[name]
        known = TABLES[name].known
        key = TABLES[name].key[-1]
        extra = table
        for column, value in {**wild, known: later, key: later if key == "seen_utc" else None}.items():
            kind = table.schema.field(column).type
            values = (
                pa.array([f"new{i}" for i in range(table.num_rows)]) if value is None else pa.array([value] * table.num_rows, kind)
            )
            extra = extra.set_column(table.column_names.index(column), column, values)
        if key == "seen_utc":
            moments = pc.add(table.column(key).cast(pa.int64()), 1).cast(pa.timestamp("us", "UTC"))
            extra = extra.set_column(table.column_names.index(key), key, moments)
        planted[name] = pa.concat_tables([table, extra])
    after = compute_features(planted, features(), TABLES, LABEL, as_of=AS_OF)
    assert after.equals(before)


def test_the_bounds_of_a_window():
    """Known exactly at the prediction time counts; known exactly at the window's start does not."""
    shop = make_shop(8, rows=4)
    at = shop["deliveries"].column("planned_utc")[0].value - 90 * 60 * 1_000_000
    booked = [at, at + 1, at - DAY, at - DAY + 1]
    shop["parcels"] = pa.table(
        {
            "parcel": ["a", "b", "c", "d"],
            "delivery": ["d0"] * 4,
            "leg": pa.array([0] * 4, pa.int8()),
            "booked_utc": pa.array(booked).cast(pa.timestamp("us", "UTC")),
        }
    )
    shop["results"] = pa.table(
        {
            "delivery": ["d0", "d0"],
            "leg": pa.array([0, 1], pa.int8()),
            "told_utc": shop["deliveries"]["planned_utc"][:2],
            "is_late": ["yes", "no"],
        }
    )
    columns = {
        "day": {"count": "parcels", "by": ["delivery", "leg"], "window_days": 1},
        "ever": {"count": "parcels", "by": ["delivery", "leg"]},
    }
    result = compute_features(shop, features(**columns), TABLES, LABEL, as_of=AS_OF)
    assert (result["day"][0].as_py(), result["ever"][0].as_py()) == (2.0, 3.0)
