"""How wide the holdout's intervals will be, from a spread that was measured on other rows."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from tasks.errors import EvaluationError
from tasks.evaluation import foretell
from tasks.evaluation.compare import compare
from tasks.evaluation.spread import tails_of
from tasks.params.judging import EvaluationParams
from tasks.records import Evaluation, ModelCard

K = 5
REPLICATES = 200


def predictions(clusters, rows_of_cluster, *, groups=("a", "b"), seed=0):
    """Scores of both models in ``clusters`` clusters, with one value of ``slice_group`` after another."""
    random, count = np.random.default_rng(seed), clusters * rows_of_cluster
    label = (random.random(count) < 0.5).astype(float)
    return pa.table(
        {
            "label": label,
            "champion_score": 1 / (1 + np.exp(-label - random.normal(size=count))),
            "challenger_score": 1 / (1 + np.exp(-label - random.normal(size=count))),
            "cluster": [f"c{place // rows_of_cluster:04}" for place in range(count)],
            "slice_group": [groups[place % len(groups)] for place in range(count)],
        }
    )


def places(clusters, rows_of_cluster, *, groups=("a", "b"), **columns):
    """Rows of the holdout as they are known before any label."""
    count = clusters * rows_of_cluster
    table = predictions(clusters, rows_of_cluster, groups=groups).select(["cluster", "slice_group"])
    keyed = {"row_key": [f"r{place}" for place in range(count)], "part": ["test"] * count, "day": [date(2020, 1, 1)] * count}
    return pa.table(keyed | {name: table[name] for name in table.column_names} | columns)


def measured(rows=None, **changes):
    """The evaluation of the validation part: 30 clusters of 20 rows."""
    rows = predictions(30, 20) if rows is None else rows
    interval = {"method": "cluster_bootstrap", "cluster": "shop", "replicates": REPLICATES, "confidence": 0.95}
    asked = {"split": "s", "part": "validation", "metrics": ["roc_auc", "brier"], "slices": ["group"], "interval": interval}
    card = {"name": "m", "basis": "recipe", "estimator": "", "parameters": "{}", "view": "masked", "features": ()}
    nothing = dict.fromkeys(("split", "part", "rows", "seed", "logical_hash"))
    fields = {
        "split": "s",
        "part": "validation",
        "rows": rows.num_rows,
        "days": 30,
        "unlabelled_rows": 0,
        "unscored_rows": 0,
        "from_utc": "2020-01-01T00:00:00Z",
        "to_utc": "2020-02-01T00:00:00Z",
        "champion": ModelCard.model_validate(nothing | card | {"role": "champion"}),
        "challenger": ModelCard.model_validate(nothing | card | {"role": "challenger"}),
        "judged": "recipe",
        "interval_method": "cluster_bootstrap",
        "cluster": "shop",
        "replicates": REPLICATES,
        "confidence": 0.95,
        "seeds": {},
        "comparisons": compare(rows, EvaluationParams.model_validate(asked), 1, "binary"),
        "missing_slices": (),
        "inputs": {},
        "tails": tails_of(REPLICATES),
    }
    return Evaluation(**fields | changes)


def expected(of, rows):
    return foretell(of, rows, part="test", days=60, k=K, has_folds=False)


def whole(found, metric="roc_auc", group=None):
    (one,) = [c for c in found.comparisons if (c.metric, c.slice_value) == (metric, group)]
    return one


def width(found, **which):
    one = whole(found, **which)
    return one.delta_interval.high - one.delta_interval.low


def test_as_many_rows_and_clusters_leave_the_spread_as_it_is():
    """Nothing but the part's name, its days and its counts of positives differs."""
    of = measured()
    found = expected(of, places(30, 20))
    assert (found.part, found.days, found.rows) == ("test", 60, 600)
    for one, other in zip(found.comparisons, of.comparisons, strict=True):
        kept = {"positives": None}
        assert one.spread.delta.quantiles == pytest.approx(other.spread.delta.quantiles)
        assert one.delta_interval.low == pytest.approx(other.delta_interval.low)
        assert (one.rows, one.clusters, one.delta) == (other.rows, other.clusters, other.delta)
        assert one.positives is kept["positives"]


@pytest.mark.parametrize(
    ("clusters", "rows_of_cluster", "factor"),
    [(120, 20, 0.5), (120, 5, 1.0), (30, 80, 1.0), (15, 20, 2**0.5)],
    ids=["both", "clusters alone", "rows alone", "fewer"],
)
def test_the_smaller_gain_is_counted_on(clusters, rows_of_cluster, factor):
    """The root of rows or of clusters, whichever shrinks less; percentiles of so many clusters beside it."""
    of = measured()
    found = expected(of, places(clusters, rows_of_cluster))
    shorter = factor * ((1 - 1 / clusters) / (1 - 1 / 30)) ** 0.5
    for metric in ("roc_auc", "brier"):
        assert width(found, metric=metric) == pytest.approx(shorter * width(of, metric=metric))
    areas, was = whole(found).spread.areas, whole(of).spread.areas
    assert areas.covariance == pytest.approx(was.covariance * factor**2)
    centre = whole(of).delta
    assert np.subtract(whole(found).spread.delta.quantiles, centre) == pytest.approx(
        shorter * np.subtract(whole(of).spread.delta.quantiles, centre)
    )


def test_what_is_foretold_is_what_is_measured_there():
    """Of four times the clusters the interval is as wide as one that is measured on so many, give or take its own chance."""
    foretold = [width(expected(measured(predictions(30, 20, seed=seed)), places(120, 20))) for seed in range(12)]
    found = [width(measured(predictions(120, 20, seed=seed))) for seed in range(20, 26)]
    assert np.mean(foretold) == pytest.approx(np.mean(found), rel=0.1)


def test_the_share_with_labels_is_that_of_the_measured_rows():
    """Of 800 rows, 600 had a label and a score, and so have three in four of the holdout's."""
    found = expected(measured(unlabelled_rows=150, unscored_rows=50), places(60, 20))
    assert (found.rows, whole(found).rows, whole(found, group="a").rows) == (900, 900, 450)


def test_slices_are_counted_each():
    """A slice that is a tenth of the holdout's rows has the figures of that many."""
    of = measured()
    found = expected(of, places(30, 20, groups=("a", *["b"] * 9)))
    assert [whole(found, group=name).rows for name in "ab"] == [60, 540]
    assert width(found, group="a") > 2 * width(of, group="a")
    assert width(found, group="b") == pytest.approx(width(of, group="b"))  # as many clusters, and that is counted on


def test_slices_of_one_part_alone_are_named():
    """One that was not measured has no figure to scale; one that the holdout lacks is missing, as it will be when it is judged."""
    found = expected(measured(missing_slices=("group=c", "group=d")), places(30, 20, groups=("b", "c")))
    assert found.missing_slices == ("group=a", "group=d")  # only training rows have d
    assert whole(found, group="c").reason == "no row of this slice in the part validation"
    assert (whole(found, group="c").spread, whole(found, group="c").rows) == (None, 300)


def test_a_slice_of_few_people_is_withheld():
    """Of the holdout's people as of the measured ones, no count below k is told."""
    groups = pa.array(["few" if place < K - 1 else "b" if place % 2 else "a" for place in range(600)])
    rows = predictions(30, 20)
    of = measured(rows.set_column(rows.column_names.index("slice_group"), "slice_group", groups))
    found = expected(of, places(30, 20).drop_columns(["slice_group"]).append_column("slice_group", groups))
    few = whole(found, group="few")
    assert (few.is_withheld, few.rows, few.spread) == (True, 0, None)
    with pytest.raises(EvaluationError, match="fewer than 5 people"):
        expected(of, places(2, 2))


def test_one_cluster_tells_no_width():
    """Neither where it was measured nor where it will be."""
    found = whole(expected(measured(), places(1, 600)))
    assert (found.spread, found.delta_interval, found.reason) == (None, None, "1 clusters, which is too few")
