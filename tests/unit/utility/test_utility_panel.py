"""The panel, the rows that are drawn for it, and raw times as numbers."""

from datetime import date, datetime, timezone

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from tasks.utility import TimesAsYears, build_panel, draw_rows, spread, weaken

FEATURES = ("a", "b", "c", "d")


def test_weakened_models_and_own_recipes_stand_beside_the_families():
    """Thirds share the features out; one model is without what masking changes."""
    panel = {c.name: c for c in build_panel(("linear", "tree"), "binary", FEATURES, {"b"}, {"challenger": LogisticRegression()})}
    thirds = [panel[f"boosting, third {number} of the features"].features for number in (1, 2, 3)]
    assert sorted(name for third in thirds for name in third) == list(FEATURES)
    assert panel["boosting, no feature that masking changes"].features == ("a", "c", "d")
    assert {"linear", "tree", "challenger"} < set(panel)
    assert len(panel) == 9


def test_a_panel_without_changed_features_has_no_model_without_them():
    """It would be the same model again; so would thirds of two features."""
    names = [candidate.name for candidate in build_panel(("linear", "tree"), "regression", ("a", "b"), {"a", "b"}, {})]
    assert names == ["linear", "tree", "boosting, half of the labels dealt anew", "boosting, a twentieth of the rows"]


def test_weakening_takes_rows_and_labels_the_same_way_each_time():
    """Equal numbers of rows lose the same ones, so that raw and masked rows are weakened alike."""
    panel = {c.name: c for c in build_panel(("linear", "tree"), "binary", FEATURES, (), {})}
    labels = np.arange(200) % 2
    few, found = weaken(panel["boosting, a twentieth of the rows"], labels, 3)
    assert len(few) == 10 and np.array_equal(found, labels[few])
    every, dealt = weaken(panel["boosting, half of the labels dealt anew"], labels, 3)
    assert len(every) == 200 and 20 < np.count_nonzero(dealt != labels) < 80 and dealt.sum() == labels.sum()
    assert np.array_equal(weaken(panel["boosting, half of the labels dealt anew"], labels, 3)[1], dealt)


def test_drawn_rows_do_not_depend_on_their_order():
    """The keys alone decide, and another seed draws others."""
    keys = [f"k{number}" for number in range(300)]
    forwards = set(draw_rows(pa.chunked_array([keys]), 50, 1).to_pylist())
    backwards = set(draw_rows(pa.chunked_array([keys[::-1]]), 50, 1).to_pylist())
    assert forwards == backwards and len(forwards) == 50
    assert forwards != set(draw_rows(pa.chunked_array([keys]), 50, 2).to_pylist())


def test_growth_replaces_few_drawn_rows():
    """A tenth more rows take about a tenth of the places."""
    keys = [f"k{number}" for number in range(1100)]
    before, after = (set(draw_rows(pa.chunked_array([keys[:count]]), 200, 1).to_pylist()) for count in (1000, 1100))
    assert len(before & after) > 160


@pytest.mark.parametrize(("count", "expected"), [(3, [0, 1, 2]), (9, [0, 4, 8])])
def test_partitions_are_spread(count, expected):
    """The first and the last are among them."""
    assert spread(range(count), 3) == expected


class _Held:
    def __init__(self):
        self.columns = {"at": "timestamp[UTC]", "born": "date", "x": "int64"}

    def pieces(self, columns=None):
        utc = pa.timestamp("us", "UTC")
        at = pa.array([datetime(1970, 1, 1, tzinfo=timezone.utc), None], utc)
        table = pa.table({"at": at, "born": pa.array([date(2000, 7, 2), None]), "x": [1, 2]})
        yield table.select(columns) if columns else table


def test_times_become_years_where_masking_made_numbers_of_them():
    """Others stay as they are, and NULL stays NULL."""
    source = TimesAsYears(_Held(), {"born"})
    assert source.columns == {"at": "timestamp[UTC]", "born": "double", "x": "int64"}
    (piece,) = source.pieces(["born", "at"])
    assert piece.column("born").to_pylist() == [pytest.approx(2000.5, abs=0.003), None]
    assert pa.types.is_timestamp(piece.column("at").type)
    (piece,) = TimesAsYears(_Held(), {"at"}).pieces()
    assert piece.column("at").to_pylist() == [1970.0, None]
