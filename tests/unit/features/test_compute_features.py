"""Every kind of feature against a plain re-computation, row by row."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_tables import AS_OF, DAY, FEATURES, HOUR, LABEL, TABLES, compute_features, features, make_shop

from tasks.datasets import logical_hash
from tasks.params.models import LabelParams


def compute(shop: dict[str, pa.Table], **columns: dict) -> pa.Table:
    return compute_features(shop, features(**columns), TABLES, LABEL, as_of=AS_OF)


def _rows(table: pa.Table) -> list[dict]:
    plain = {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]


def _is_number(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _recompute(shop: dict[str, pa.Table], feature: dict) -> list:
    """The feature as its documentation says it, without any of the machinery."""
    found = []
    others = {name: _rows(table) for name, table in shop.items()}
    for row in others["deliveries"]:
        at = row["planned_utc"] - 90 * HOUR // 60
        if "take" in feature:
            found.append(row[feature["take"].split(".")[1]])
            continue
        if "part" in feature:
            moment = np.datetime64(row["planned_utc"], "us").item()
            found.append({"hour": moment.hour, "weekday": moment.weekday(), "month": moment.month}[feature["part"]])
            continue
        source = next(feature[kind] for kind in ("latest", "mean", "count", "share") if kind in feature)
        name, _, column = source.partition(".")
        declared = TABLES[name]
        start = at - feature["window_days"] * DAY if "window_days" in feature else -math.inf
        seen = [
            other
            for other in others[name]
            if other[declared.known] is not None
            and start < other[declared.known] <= at
            and all(row[by] is not None and other[by] == row[by] for by in feature["by"])
        ]
        if "count" in feature:
            found.append(len(seen))
        elif "latest" in feature:
            newest = max(seen, key=lambda o: (o[declared.time], o[declared.known], *(o[k] for k in declared.key)), default=None)
            found.append(newest[column] if newest and _is_number(newest[column]) else None)
        elif "mean" in feature:
            values = [other[column] for other in seen if _is_number(other[column])]
            found.append(math.fsum(values) / len(values) if values else None)
        else:
            found.append(sum(other[column] == feature["equals"] for other in seen) / len(seen) if seen else None)
    return found


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32))
def test_each_feature_is_what_it_says(seed):
    """All kinds of features, with ties, bounds, NULL and NaN, against loops over rows."""
    shop = make_shop(seed)
    result = compute(shop)
    for name, feature in FEATURES.items():
        expected = _recompute(shop, feature)
        actual = result.column(name).to_pylist()
        assert [value is None for value in actual] == [value is None for value in expected], name
        both = [(a, e) for a, e in zip(actual, expected, strict=True) if e is not None]
        if name in {"van", "sky"}:
            assert actual == expected, name
        else:
            assert [a for a, _ in both] == pytest.approx([float(e) for _, e in both], rel=1e-12, abs=1e-11), name


def test_columns_and_types_of_the_result():
    """Row key of the joined key columns, times in UTC, an int8 label, texts as strings, all else as floats."""
    shop = make_shop(1)
    result = compute(shop)
    schema = {field.name: str(field.type) for field in result.schema}
    texts = {"row_key", "van", "sky"}
    fixed = {"at_utc": "timestamp[us, tz=UTC]", "label": "int8", "label_known_utc": "timestamp[us, tz=UTC]"}
    assert schema == {"row_key": "string", **fixed} | {name: "string" if name in texts else "double" for name in FEATURES}
    assert result.column("row_key").to_pylist() == [f"d{i // 2}|{i % 2}" for i in range(60)]
    planned = shop["deliveries"].column("planned_utc").cast(pa.int64()).to_numpy()
    assert (result.column("at_utc").cast(pa.int64()).to_numpy() == planned - 90 * 60 * 1_000_000).all()


def test_label_is_one_where_positive_and_null_where_not_known():
    """1 equals ``positive``, 0 anything else, NULL without a row of the label's table."""
    shop = make_shop(2)
    result = compute(shop, van=FEATURES["van"])
    told = {(r["delivery"], r["leg"]): r for r in _rows(shop["results"])}
    keys = [(r["delivery"], r["leg"]) for r in _rows(shop["deliveries"])]
    assert result.column("label").to_pylist() == [int(told[k]["is_late"] == "yes") if k in told else None for k in keys]
    known = result.column("label_known_utc").cast(pa.int64()).to_pylist()
    assert known == [told[k]["told_utc"] if k in told else None for k in keys]


def test_a_label_that_becomes_known_later_is_not_known():
    """A row may be known before its label is: what was told after ``as_of`` is neither a label nor a time of one."""
    shop = make_shop(2)
    whole = compute(shop, van=FEATURES["van"])
    known = whole.column("label_known_utc")
    as_of = sorted(known.drop_null().to_pylist())[20]
    cut = compute_features(shop, features(van=FEATURES["van"]), TABLES, LABEL, as_of=as_of)
    by_then = [moment is not None and moment <= as_of for moment in known.to_pylist()]
    assert 0 < sum(by_then) < 60
    for name in ("label", "label_known_utc"):
        expected = [value if is_there else None for value, is_there in zip(whole.column(name).to_pylist(), by_then, strict=True)]
        assert cut.column(name).to_pylist() == expected


@pytest.mark.parametrize(("values", "positive"), [(pa.int8(), 1), (pa.bool_(), True), (pa.bool_(), 1), (pa.float64(), 1)])
def test_label_of_any_type(values, positive):
    """Numbers and booleans compare with the value that params.yaml gives."""
    shop = make_shop(3)
    late = shop["results"].column("is_late")
    plain = pa.array([value == "yes" for value in late.to_pylist()])
    numbers = plain if values == pa.bool_() else plain.cast(pa.int8()).cast(values)
    changed = {**shop, "results": shop["results"].set_column(3, "is_late", numbers)}
    label = LabelParams.model_validate({**LABEL.model_dump(), "positive": positive})
    result = compute_features(changed, features(van=FEATURES["van"]), TABLES, label, as_of=AS_OF)
    assert result.column("label").equals(compute(shop, van=FEATURES["van"]).column("label"))


def test_order_of_rows_changes_nothing():
    """Shuffled tables give the same features, bit for bit: totals are exact."""
    shop = make_shop(4)
    rng = np.random.default_rng(0)
    shuffled = {name: table.take(pa.array(rng.permutation(table.num_rows))) for name, table in shop.items()}
    assert logical_hash(compute(shop), ("row_key",)) == logical_hash(compute(shuffled), ("row_key",))


def test_several_tables_may_share_names_of_columns():
    """``by``, keys and values may be one and the same column."""
    shop = make_shop(5)
    result = compute(shop, depots={"share": "weather.depot", "equals": "north", "by": ["depot"]})
    depots = shop["deliveries"].column("depot").to_pylist()
    for depot, share in zip(depots, result.column("depots").to_pylist(), strict=True):
        assert share in ({"north": (1.0, None), "south": (0.0, None)}.get(depot, (None,)))
