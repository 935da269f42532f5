"""ROC and calibration curves as few points."""

import numpy as np
from sample_rows import rows
from sklearn.metrics import roc_curve

from tasks.evaluation.curves import calibration_bins, calibration_csv, roc_csv, roc_points


def columns(count=5000):
    table = rows(count, decimals=4)
    return table["label"].to_numpy().astype(float), table["champion_score"].to_numpy()


def test_roc_points_lie_on_the_curve_from_corner_to_corner():
    """At most 200 points, each one of scikit-learn's, from (0, 0) to (1, 1)."""
    labels, scores = columns()
    points = roc_points(labels, scores)
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    curve = {(round(f, 9), round(t, 9)) for f, t in zip(false, true, strict=True)}
    assert 100 < len(points) <= 200
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
    assert {(round(f, 9), round(t, 9)) for f, t in points} <= curve


def test_tied_scores_make_one_step():
    """A model that says the same of every row has the diagonal's two ends."""
    assert roc_points(np.array([0.0, 1.0, 1.0]), np.array([0.3, 0.3, 0.3])) == [(0, 0), (1, 1)]


def test_calibration_bins_hold_every_row_once():
    """Bins are of nearly equal size, rise, and their means are the data's."""
    labels, scores = columns()
    bins = calibration_bins(labels, scores)
    predicted, observed, sizes = (np.array(values) for values in zip(*bins, strict=True))
    assert sizes.sum() == len(labels)
    assert sizes.max() < 1.2 * len(labels) / len(bins)
    assert (np.diff(predicted) > 0).all()
    assert np.isclose(predicted @ sizes, scores.sum())
    assert np.isclose(observed @ sizes, labels.sum())


def test_constant_scores_make_one_bin():
    """Equal scores are never torn apart."""
    assert calibration_bins(np.array([0.0, 1.0]), np.array([0.5, 0.5])) == [(0.5, 0.5, 2)]


def test_csv_names_both_models():
    """Both files are plain CSV with the columns that dvc.yaml plots."""
    table = rows()
    assert roc_csv(table).splitlines()[:2] == ["model,false_positive_rate,true_positive_rate", "champion,0,0"]
    lines = calibration_csv(table).splitlines()
    assert lines[0] == "model,predicted,observed,rows"
    assert {line.split(",")[0] for line in lines[1:]} == {"champion", "challenger"}
