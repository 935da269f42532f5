"""What a comparison says of all rows, of each slice, and of rows that cannot be judged."""

import numpy as np
import pyarrow as pa
import pytest
from sample_rows import params, rows

from tasks.errors import EvaluationError
from tasks.evaluation.compare import compare
from tasks.evaluation.metrics import METRICS, check_scores, metric_named


def test_overall_first_then_slices_in_order():
    """Comparisons come overall, then by slice value, NULL as a slice of its own."""
    found = compare(rows(), params(("brier",), slices=("origin",)), seed=1)
    assert [(c.slice_column, c.slice_value) for c in found] == [
        (None, None),
        ("origin", "(missing)"),
        ("origin", "EWR"),
        ("origin", "JFK"),
    ]
    assert found[0].rows == sum(c.rows for c in found[1:]) == 600
    assert found[0].positives == sum(c.positives for c in found[1:])


def test_a_slice_is_judged_as_if_it_were_all_there_is():
    """A slice's figures and intervals are those of its rows alone."""
    table = rows()
    alone = table.filter(pa.compute.equal(table["slice_origin"], "JFK"))
    in_slice = compare(table, params(slices=("origin",)), seed=1)[-len(METRICS["binary"]) :]
    overall = compare(alone, params(), seed=1)
    assert [c.model_copy(update={"slice_column": None, "slice_value": None}) for c in in_slice] == list(overall)


def test_order_of_rows_does_not_matter():
    """Shuffled rows give the same figures and intervals."""
    table = rows()
    shuffled = table.take(np.random.default_rng(1).permutation(table.num_rows))
    for here, there in zip(compare(table, params(), 1), compare(shuffled, params(), 1), strict=True):
        assert here.delta == pytest.approx(there.delta, abs=1e-12)
        assert here.delta_interval.low == pytest.approx(there.delta_interval.low, abs=1e-12)


def test_equal_models_differ_by_exactly_nothing():
    """Paired resampling leaves no noise between a model and itself."""
    table = rows()
    table = table.set_column(table.column_names.index("champion_score"), "champion_score", table["challenger_score"])
    for found in compare(table, params(), seed=1):
        assert (found.delta, found.delta_interval.low, found.delta_interval.high) == (0, 0, 0)


def test_slice_of_one_class_has_no_ranking_but_a_reason():
    """ROC AUC of rows that are all negative is None with a reason; the Brier score is still known."""
    table = rows()
    is_jfk = pa.compute.equal(table["slice_origin"], "JFK").fill_null(False)
    labels = pa.compute.if_else(is_jfk, pa.scalar(0, pa.int8()), table["label"])
    table = table.set_column(table.column_names.index("label"), "label", labels)
    auc, brier = compare(table, params(("roc_auc", "brier"), slices=("origin",)), seed=1)[-2:]
    assert (auc.champion, auc.challenger, auc.delta, auc.delta_interval) == (None, None, None, None)
    assert auc.reason == f"undefined: 0 of {auc.rows:,} rows are positive"
    assert brier.delta_interval is not None


def test_few_clusters_leave_no_interval():
    """Nine clusters are too few to resample: figures, but no interval."""
    found = compare(rows(clusters=9), params(("roc_auc",)), seed=1)[0]
    assert found.delta is not None
    assert (found.champion_interval, found.challenger_interval, found.delta_interval) == (None, None, None)
    assert found.reason == "no interval: 9 clusters, and at least 10 are needed"


def test_replicates_without_a_class_leave_no_interval():
    """Where the positives lie in two clusters, too many replicates have none."""
    table = rows(clusters=30)
    labels = pa.compute.is_in(table["cluster"], pa.array(["c003"])).cast(pa.int8())
    table = table.set_column(table.column_names.index("label"), "label", labels)
    found = compare(table, params(("roc_auc",)), seed=1)[0]
    assert found.delta is not None
    assert found.delta_interval is None
    assert "lack a class" in found.reason


def test_without_champion_only_the_challenger_is_measured():
    """A first model has figures and an interval of its own, and no difference."""
    found = compare(rows().drop_columns(["champion_score"]), params(("roc_auc",)), seed=1)[0]
    assert found.challenger_interval is not None
    assert (found.champion, found.delta, found.delta_interval, found.reason) == (None, None, None, "no champion")


@pytest.mark.parametrize("broken", [np.nan, np.inf, -0.01, 1.01])
def test_scores_that_are_no_probabilities_are_refused(broken):
    """NaN, infinity and anything outside 0 to 1 is an error, never a figure."""
    with pytest.raises(EvaluationError, match="scores of the challenger"):
        check_scores(np.array([0.5, broken]), "challenger")


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_constant_or_no_labels_are_refused(labels):
    """Where one class or everything is missing, nothing is judged."""
    table = rows().slice(0, len(labels)).drop_columns(["label"]).append_column("label", pa.array(labels, pa.int8()))
    with pytest.raises(EvaluationError, match=f"{len(labels)} rows with a label"):
        compare(table, params(), seed=1)


def test_unknown_metric_names_the_known_ones():
    """A typing error in evaluation.metrics says what there is."""
    with pytest.raises(EvaluationError, match="roc_auc, pr_auc, log_loss, brier, ece, accuracy"):
        metric_named("auc")
