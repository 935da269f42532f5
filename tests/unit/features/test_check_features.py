"""Features that would look into the future, or cannot be computed, are refused by name."""

import pyarrow as pa
import pytest
from shop_tables import AS_OF, FEATURES, LABEL, TABLES, compute_features, features, make_shop, moments

from tasks.errors import FeatureError
from tasks.features import needed_columns
from tasks.params.features import FeaturesParams
from tasks.params.models import LabelParams

BY = ["delivery", "leg"]


def _refusal(shop: dict[str, pa.Table], params: FeaturesParams, label: LabelParams = LABEL, tables: dict = TABLES) -> FeatureError:
    with pytest.raises(FeatureError) as caught:
        compute_features(shop, params, tables, label, as_of=AS_OF)
    return caught.value


@pytest.mark.parametrize(
    "feature",
    [
        {"take": "deliveries.minutes"},
        {"part": "hour", "of": "deliveries.arrived_utc"},
        {"mean": "weather.wind", "by": ["depot", "minutes"]},
        {"count": "deliveries", "by": ["arrived_utc"]},
    ],
    ids=["late column", "known column", "by a late column", "by the known column"],
)
def test_a_column_that_is_known_too_late_is_refused(feature):
    """The row's own late and known columns are no feature, and nothing to group by."""
    error = _refusal(make_shop(1), features(early=feature))
    assert "early" in error.thing
    assert "future" in error.expected


@pytest.mark.parametrize("kind", ["latest", "mean"])
def test_a_column_that_another_feature_waits_for_is_refused(kind):
    """What one feature takes of earlier rows only through `known`, another may not take of the row itself."""
    tables = {**TABLES, "deliveries": TABLES["deliveries"].model_copy(update={"late": ()})}
    params = features(before={kind: "deliveries.minutes", "by": ["van"]}, now={"take": "deliveries.minutes"})
    error = _refusal(make_shop(1), params, tables=tables)
    assert (error.thing, "before" in error.found) == ("feature now", True)


def test_the_label_of_the_row_itself_is_refused():
    """Where the label lies in the rows' own table, it is no feature."""
    label = LabelParams(table="deliveries", column="express", known="arrived_utc", task="binary", positive=True)
    error = _refusal(make_shop(1), features(answer={"take": "deliveries.express"}), label)
    assert (error.thing, "label" in error.found) == ("feature answer", True)


def test_labels_of_other_rows_wait_until_they_are_known():
    """A feature waits for the table's ``known``; a label that becomes known later than that would be seen too early."""
    shop, params = make_shop(1), features(history={"share": "results.is_late", "equals": "yes", "by": BY})
    assert compute_features(shop, params, TABLES, LABEL, as_of=AS_OF).num_rows == 60
    shop["results"] = shop["results"].append_column("asked_utc", shop["results"].column("told_utc"))
    columns = (*TABLES["results"].columns, "asked_utc")
    asked = TABLES["results"].model_copy(update={"known": "asked_utc", "columns": columns})
    error = _refusal(shop, params, tables={**TABLES, "results": asked})
    assert (error.thing, "told_utc" in error.found) == ("feature history", True)


def test_a_prediction_time_that_is_known_too_late_is_refused():
    """The moment of prediction cannot come from a column that is known after it."""
    params = FeaturesParams.model_validate(
        {"rows": "deliveries", "at": {"column": "arrived_utc", "minus_minutes": 0}, "columns": {"van": FEATURES["van"]}}
    )
    assert "features.at" in _refusal(make_shop(1), params).thing


@pytest.mark.parametrize(
    ("feature", "found"),
    [
        ({"take": "deliveries.colour"}, "no column colour"),
        ({"take": "parcels.weight"}, "a column of parcels"),
        ({"take": "deliveries.planned_utc"}, "timestamp"),
        ({"part": "hour", "of": "deliveries.van"}, "string"),
        ({"count": "lorries", "by": BY}, "the table lorries"),
        ({"count": "parcels", "by": ["van"]}, "no column van in the masked table parcels"),
        ({"count": "parcels", "by": ["weight"]}, "no column weight in the masked table deliveries"),
        ({"mean": "parcels.kind", "by": BY}, "string"),
        ({"latest": "weather.told_utc", "by": ["depot"]}, "timestamp"),
        ({"share": "parcels.kind", "equals": 1, "by": BY}, "the value 1"),
        ({"share": "parcels.weight", "equals": "3", "by": BY}, "the value '3'"),
        ({"share": "parcels.fragile", "equals": 2, "by": BY}, "the value 2"),
    ],
)
def test_a_feature_that_does_not_fit_is_refused(feature, found):
    """Unknown names and unfit types: the error names what was found, and no other feature is computed."""
    error = _refusal(make_shop(1), features(odd=feature))
    assert found in error.found


def test_columns_to_match_must_have_one_type():
    """A number never equals a text: the feature would be empty without a word."""
    shop = make_shop(1)
    shop["parcels"] = shop["parcels"].set_column(2, "leg", shop["parcels"]["leg"].cast(pa.string()))
    assert _refusal(shop, features(parcels=FEATURES["parcels"])).thing == "feature parcels: by leg"


@pytest.mark.parametrize("table", ["deliveries", "weather", "results"])
def test_duplicate_keys_are_refused(table):
    """A row twice in any table that is used would be counted twice; the error tells how many, and no key."""
    shop = make_shop(1)
    shop[table] = pa.concat_tables([shop[table], shop[table].slice(0, 1)])
    error = _refusal(shop, features(wind=FEATURES["wind"]))
    assert (error.thing, error.found.split()[0]) == (f"table {table}", "1")


def test_rows_without_a_prediction_time_are_refused():
    """A row that nobody can say when it is predicted has no features."""
    shop = make_shop(1)
    empty = pa.nulls(shop["deliveries"].num_rows, pa.timestamp("us", "UTC"))
    shop["deliveries"] = shop["deliveries"].set_column(2, "planned_utc", empty)
    assert "60 of 60 rows without planned_utc" in _refusal(shop, features(van=FEATURES["van"])).found


def test_a_table_without_rows_is_refused():
    """Nothing to predict is no success."""
    shop = make_shop(1)
    shop["deliveries"] = shop["deliveries"].slice(0, 0)
    assert _refusal(shop, features(van=FEATURES["van"])).found == "no rows"


@pytest.mark.parametrize(("value", "found"), [(None, "no labelled row"), ("yes", "only 1"), ("no", "only 0")])
def test_a_label_without_contrast_is_refused(value, found):
    """A label that is missing everywhere, or the same everywhere, teaches and judges nothing."""
    shop = make_shop(1)
    results = shop["results"]
    shop["results"] = results.set_column(3, "is_late", pa.array([value] * results.num_rows, pa.string()))
    assert found in _refusal(shop, features(van=FEATURES["van"])).found


@pytest.mark.parametrize("change", [{"positive": None}, {"positive": 1}])
def test_a_label_that_cannot_be_binary_is_refused(change):
    """No positive value, or one of another type than the column's."""
    label = LabelParams.model_validate({**LABEL.model_dump(), **change})
    assert "label" in _refusal(make_shop(1), features(van=FEATURES["van"]), label).thing


@pytest.mark.parametrize("size", [1e300, 1e-9])
def test_numbers_that_cannot_be_averaged_exactly_are_refused(size):
    """Running totals are exact only within bounds, and no mean is quietly less than that."""
    shop = make_shop(1)
    rows = shop["weather"].num_rows
    shop["weather"] = shop["weather"].set_column(3, "wind", pa.array([size] * rows))
    assert _refusal(shop, features(wind=FEATURES["wind_mean_1d"])).thing == "feature wind"


def test_a_table_that_masking_dropped_whole_is_named():
    """The masked table is not there: the message says what to declare, not that a name is unknown to SQL."""
    shop = make_shop(1)
    del shop["weather"]
    assert _refusal(shop, features(wind=FEATURES["wind"])).found == "no masked table weather"


def test_only_needed_columns_are_asked_for():
    """What no feature, key, time or label needs is not read."""
    wanted = needed_columns(features(wind=FEATURES["wind"]), TABLES, LABEL)
    assert wanted == {
        "deliveries": ("delivery", "leg", "planned_utc", "depot"),
        "weather": ("depot", "seen_utc", "told_utc", "wind"),
        "results": ("delivery", "leg", "is_late", "told_utc"),
    }


def test_needed_columns_are_enough():
    """The same features come out of the needed columns alone."""
    shop = make_shop(2)
    narrow = {name: shop[name].select(list(columns)) for name, columns in needed_columns(features(), TABLES, LABEL).items()}
    assert compute_features(narrow, features(), TABLES, LABEL, as_of=AS_OF).equals(
        compute_features(shop, features(), TABLES, LABEL, as_of=AS_OF)
    )


def test_names_that_sql_would_trip_over():
    """Quotes, spaces and keywords in the lake's names are names."""
    shop = make_shop(3)
    odd = 'select "x" --'
    tables = {**TABLES, "weather": TABLES["weather"].model_copy(update={"columns": (*TABLES["weather"].columns, odd)})}
    shop["weather"] = shop["weather"].append_column(odd, pa.array(["a'b"] * shop["weather"].num_rows))
    params = features(quoted={"share": f"weather.{odd}", "equals": "a'b", "by": ["depot"]})
    assert set(compute_features(shop, params, tables, LABEL, as_of=AS_OF).column("quoted").to_pylist()) == {1.0, None}


def test_times_may_be_dates():
    """A date is its first moment, UTC."""
    shop = make_shop(3)
    seen = shop["weather"]["seen_utc"].cast(pa.date32())
    shop["weather"] = pa.table(
        {"depot": ["north", "south"], "seen_utc": seen[:2], "told_utc": seen[:2], "wind": [1.0, 2.0], "sky": ["clear", "rain"]}
    )
    shop["deliveries"] = shop["deliveries"].set_column(
        2, "planned_utc", moments(shop["deliveries"]["planned_utc"].cast(pa.int64()).to_numpy())
    )
    result = compute_features(shop, features(wind=FEATURES["wind"]), TABLES, LABEL, as_of=AS_OF)
    assert {1.0, 2.0} <= set(result.column("wind").to_pylist())
