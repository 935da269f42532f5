"""Rows to judge, read from stored datasets: the right ones, each once, and nothing of a part that was not asked for."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from toy_evidence import PARTS, PER_DAY, log_of, make_card, make_params, replaced, toy_rows, write_toy

from tasks.datasets import read_manifest
from tasks.errors import DatasetError, EvaluationError
from tasks.evaluation import open_evidence, read_part, read_slice_values, refuse_training_rows

ALL = ("train", "validation", "test")


def read(root, rows, params=None, part="test", **how):
    params = params or make_params()
    return read_part(open_evidence(write_toy(root, rows, **how), params.evaluation.split, ALL), params, part)


def test_facts_and_features_are_of_the_same_rows(tmp_path):
    """Label, time, day, cluster, slices, logged score and features of each row of the part, in order of row key."""
    rows = toy_rows()
    found = read(tmp_path, rows)
    expected = rows.filter(pc.equal(rows["part"], "test")).sort_by("order_id")
    assert found.facts.num_rows == PARTS["test"] * PER_DAY
    assert found.facts["row_key"].equals(expected["order_id"])
    assert found.features["row_key"].equals(expected["order_id"])
    for fact, column in (("time_utc", "placed_utc"), ("cluster", "buyer"), ("slice_shop", "shop"), ("label", "label")):
        assert found.facts[fact].equals(expected[column]), fact
    assert found.facts["champion_logged_0"].equals(expected["score"])
    assert found.facts["day"].equals(expected["placed_utc"].cast(pa.date32()))
    assert found.features["strength"].equals(expected["strength"])
    assert found.features["day"].equals(expected["day"])


def test_day_as_cluster(tmp_path):
    """The cluster ``day`` is the UTC day as text."""
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 100, "confidence": 0.95}
    found = read(tmp_path, toy_rows(), make_params(interval=interval))
    assert found.facts["cluster"].equals(found.facts["day"].cast(pa.string()))


def test_partitions_of_other_parts_are_not_opened(tmp_path):
    """With the test part's files gone, the validation part can still be read: nothing touched them."""
    paths = write_toy(tmp_path, toy_rows())
    for table in (paths.masked / "orders", paths.features / "features"):
        for day in range(8, 14):
            shutil.rmtree(table / f"day=2020-02-{day:02}")
    evidence = open_evidence(paths, "by_time", ("train", "validation"))
    assert set(evidence.parts["part"].unique().to_pylist()) == {"train", "validation"}
    assert read_part(evidence, make_params(), "validation").facts.num_rows == PARTS["validation"] * PER_DAY


def test_a_part_that_may_not_be_read_has_no_rows(tmp_path):
    """Evidence opened without the test part has nothing of it."""
    evidence = open_evidence(write_toy(tmp_path, toy_rows()), "by_time", ("train", "validation"))
    with pytest.raises(EvaluationError, match="no rows"):
        read_part(evidence, make_params(), "test")


def test_rows_scored_twice_are_refused_with_a_count(tmp_path):
    """Two scores for a row of the part leave open which one production acted upon; other parts do not matter."""
    rows = toy_rows()
    log = log_of(rows).append_column("part", rows["part"])
    twice = {part: log.filter(pc.equal(log["part"], part)).slice(0, 3) for part in ("train", "test")}
    assert read(tmp_path / "a", rows, log=pa.concat_tables([log, twice["train"]]).drop_columns(["part"])).facts.num_rows
    with pytest.raises(EvaluationError, match="3 rows of the part that were scored more than once"):
        read(tmp_path / "b", rows, log=pa.concat_tables([log, twice["test"]]).drop_columns(["part"]))


def test_scores_that_are_no_numbers_are_refused(tmp_path):
    """A text column named as scores is told by name and type, without a value."""
    rows = toy_rows()
    log = replaced(log_of(rows), "score", rows["version"])
    with pytest.raises(EvaluationError, match="values of type string") as error:
        read(tmp_path, rows, log=log)
    assert "v1" not in str(error.value)


def test_unscored_and_unlabelled_rows_are_kept_as_unknown(tmp_path):
    """A row that production did not score, or whose label is not known, is there with NULL."""
    rows = toy_rows()
    rows = replaced(rows, "label", pc.if_else(pc.equal(rows["shop"], "north"), None, rows["label"]))
    log = log_of(rows).filter(pc.less(rows["buyer"], "b15"))
    facts = read(tmp_path, rows, log=log).facts
    assert pc.all(pc.equal(facts["label"].is_null(), pc.equal(facts["slice_shop"], "north"))).as_py()
    assert pc.all(pc.equal(facts["champion_logged_0"].is_valid(), pc.less(facts["cluster"], "b15"))).as_py()


def test_features_of_other_masked_data_are_refused(tmp_path):
    """Features made from another masked dataset, or a split of another snapshot, are not compared."""
    with pytest.raises(DatasetError, match=r"features\n.*made from other data"):
        read(tmp_path / "a", toy_rows(), about={"masked": "other"})
    with pytest.raises(DatasetError, match=r"split by_time\n.*made from other data"):
        read(tmp_path / "b", toy_rows(), about={"snapshots": "other"})


@pytest.mark.slow
def test_a_row_without_features_is_refused(tmp_path):
    """A row of the part that is missing among the features, or there twice, is an error, not one row less."""
    rows = toy_rows()
    for name, other in (("missing", rows.slice(0, rows.num_rows - 3)), ("twice", pa.concat_tables([rows, rows.slice(790, 3)]))):
        paths = write_toy(tmp_path / name, rows)
        features = write_toy(tmp_path / f"{name}-features", other).features
        manifest = read_manifest(features, made_by="features")
        masked = read_manifest(paths.masked, made_by="mask")
        about = manifest.about | {"masked": masked.logical_hash}
        shutil.rmtree(paths.features)
        shutil.copytree(features, paths.features)
        (paths.features / "manifest.json").write_text(manifest.model_copy(update={"about": about}).to_json())
        with pytest.raises(DatasetError, match="each row once"):
            read_part(open_evidence(paths, "by_time", ALL), make_params(), "test")


def test_any_kept_column_can_be_a_slice(tmp_path):
    """Slices are columns of the masked rows' table, whatever their type."""
    found = read(tmp_path, toy_rows(), make_params(slices=["placed_utc", "shop"]))
    assert found.facts["slice_placed_utc"].type == pa.string()


def test_columns_that_masking_dropped_are_named(tmp_path):
    """A cluster that the masked rows do not have is refused by name."""
    interval = {"method": "cluster_bootstrap", "cluster": "region", "replicates": 100, "confidence": 0.9}
    with pytest.raises(EvaluationError, match="cluster: region"):
        read(tmp_path, toy_rows(), make_params(interval=interval))


def test_slice_values_of_all_readable_parts(tmp_path):
    """Values of every part that may be read, NULL among them; embargoed rows belong to none."""
    rows = toy_rows()
    part = rows["part"].to_numpy(zero_copy_only=False)
    shop = np.where(part == "train", "old", np.where(part == "embargo", "between", rows["shop"].to_numpy(zero_copy_only=False)))
    shop = pa.array(shop, mask=np.arange(len(shop)) == 0)
    paths = write_toy(tmp_path, replaced(rows, "shop", pa.chunked_array([shop])))
    evidence = open_evidence(paths, "by_time", ALL)
    assert read_slice_values(evidence, make_params()) == {"shop": {"(missing)", "old", "north", "south"}}


def test_training_rows_are_refused(tmp_path):
    """The part that a model was fitted on, or rows of it under another split, is never judged."""
    evidence = open_evidence(write_toy(tmp_path, toy_rows()), "by_time", ALL)
    keys = read_part(evidence, make_params(), "test").facts["row_key"]
    refuse_training_rows(evidence, "test", keys, make_card("by_time"))
    refuse_training_rows(evidence, "test", keys, make_card(None, None))
    with pytest.raises(EvaluationError, match="240 of 240 rows"):
        refuse_training_rows(evidence, "test", keys, make_card("by_time", "test"))
    rows = toy_rows()
    fitted = pc.sum(pc.and_(pc.equal(rows["part"], "test"), pc.less(rows["buyer"], "b15"))).as_py()
    with pytest.raises(EvaluationError, match=f"{fitted} of 240 rows on which the challenger was fitted"):
        refuse_training_rows(evidence, "test", keys, make_card("by_buyer"))


def _weighed(rows, weights):
    return rows.append_column("weight", pa.chunked_array([weights]))


def _read_weighed(root, rows, weights):
    return read(root, _weighed(rows, weights), make_params(weight="weight"))


def test_row_weights_are_read_beside_the_rows(tmp_path):
    """The declared column, as a number, of each row."""
    rows = toy_rows()
    weights = pa.array(np.arange(rows.num_rows), pa.int32())
    facts = _read_weighed(tmp_path, rows, weights).facts
    expected = _weighed(rows, weights).filter(pc.equal(rows["part"], "test")).sort_by("order_id")["weight"]
    assert facts["weight"].equals(expected.cast(pa.float64()))


@pytest.mark.parametrize(
    ("weight", "found"),
    [
        (None, "1 of 240 rows of the part where it is NULL"),
        (-1.0, "1 of 240"),
        (np.nan, "1 of 240"),
        (np.inf, "1 of 240"),
        (0.0, "0 in each row"),
    ],
)
def test_useless_weights_are_refused_with_counts(tmp_path, weight, found):
    """A row that cannot be weighed would silently not count, or count against the others."""
    rows = toy_rows()
    values = [1.0 if weight != 0.0 else 0.0] * rows.num_rows
    values[-1] = weight
    with pytest.raises(EvaluationError, match=f"(?s)evaluation.weight: weight.*{found}"):
        _read_weighed(tmp_path, rows, pa.array(values, pa.float64()))


def test_a_weight_that_is_no_number_is_refused(tmp_path):
    """A text weighs nothing."""
    rows = toy_rows()
    with pytest.raises(EvaluationError, match="values of type string"):
        _read_weighed(tmp_path, rows, pa.array(["1"] * rows.num_rows))


def test_each_row_may_be_its_own_cluster(tmp_path):
    """The cluster ``row`` is the row's key."""
    interval = {"method": "cluster_bootstrap", "cluster": "row", "replicates": 100, "confidence": 0.95}
    facts = read(tmp_path, toy_rows(), make_params(interval=interval)).facts
    assert facts["cluster"].equals(facts["row_key"])


def test_a_row_without_a_time_is_one_clear_error(tmp_path):
    """Where the prediction time is another column, the rows' own time may be missing; days are made of it."""
    rows = toy_rows()
    keys = rows.filter(pc.equal(rows["part"], "test"))["order_id"].slice(0, 2)
    is_bare = pc.is_in(rows["order_id"], value_set=keys.combine_chunks())
    seen = pc.if_else(is_bare, pa.scalar(None, pa.timestamp("us", "UTC")), rows["placed_utc"])
    params = make_params()
    tables = params.snapshot.tables | {"orders": params.snapshot.tables["orders"].model_copy(update={"time": "seen_utc"})}
    params = params.model_copy(update={"snapshot": params.snapshot.model_copy(update={"tables": tables})})
    with pytest.raises(EvaluationError, match=r"(?s)snapshot.tables.orders.time: seen_utc.*2 of 240 rows of the part without it"):
        read(tmp_path, rows.append_column("seen_utc", seen), params)
