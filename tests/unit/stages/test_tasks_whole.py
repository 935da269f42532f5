"""Each task on real data, from the lake to the report, by the stages themselves."""

import json
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from real_projects import diabetes, digits, run_stages, wine
from sklearn.metrics import mean_absolute_error, recall_score

from tasks.datasets import hash_file, read_manifest, read_table
from tasks.export import export_rows
from tasks.params.models import Command
from tasks.records import Evaluation, ValidationReport, Verdict
from tasks.trial import try_challenger

pytestmark = pytest.mark.slow


def _run(make, folder):
    context = make(folder)
    run_stages(context)
    return context


@pytest.fixture(scope="module")
def of_digits(tmp_path_factory):
    return _run(digits, tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def of_diabetes(tmp_path_factory):
    return _run(diabetes, tmp_path_factory.mktemp("diabetes"))


@pytest.fixture(scope="module")
def of_wine(tmp_path_factory):
    return _run(wine, tmp_path_factory.mktemp("wine"))


def _evaluation(context) -> Evaluation:
    return Evaluation.from_json(context.paths.evaluation_report.read_bytes(), origin="test")


def _verdict(context) -> Verdict:
    return Verdict.from_json(context.paths.verdict.read_bytes(), origin="test")


def _predictions(context):
    manifest = read_manifest(context.paths.predictions, made_by="evaluate")
    return manifest, read_table(context.paths.predictions, manifest, "predictions")


def test_classes_end_in_a_verdict(of_digits):
    """Ten classes, logged scores in ten columns: better than the champion, all evidence passed."""
    found = _verdict(of_digits)
    assert (found.decision, found.rubber_stamp) == ("promote", False), found.reason
    assert [c.status for c in found.criteria] == ["pass"] * 3


def test_predictions_of_classes_derive_every_figure(of_digits):
    """The stored columns, in the order that the manifest names, give the recall that was judged."""
    manifest, rows = _predictions(of_digits)
    classes = json.loads(manifest.about["classes"])
    assert classes == sorted(f"digit {k}" for k in range(10))
    scores = np.column_stack([rows[f"challenger_score_{k}"].to_numpy() for k in range(10)])
    recall = recall_score(rows["label"].to_pylist(), np.array(classes)[scores.argmax(axis=1)], labels=["digit 8"], average="macro")
    judged = next(c for c in _evaluation(of_digits).comparisons if c.metric == "recall[digit 8]" and c.slice_column is None)
    assert judged.challenger == pytest.approx(recall)


def test_predictions_of_classes_were_validated(of_digits):
    """The suite asked every score column of both models, and passed."""
    path = of_digits.paths.validation_report("predictions")
    report = ValidationReport.from_json(path.read_bytes(), origin="test")
    asked = {e.column for suite in report.suites for e in suite.expectations}
    assert report.is_passed
    assert {f"{role}_score_{k}" for role in ("champion", "challenger") for k in range(10)} <= asked


def test_the_page_of_classes_shows_them(of_digits):
    """Share, recall and confusion of each class, and no column of positives."""
    page = of_digits.paths.report_page.read_text()
    for wanted in (
        'id="classes"',
        "Confusion: rows of each class",
        "digit 8",
        "ROC AUC (OvR)",
        "Recall of digit 8",
    ):
        assert wanted in page
    assert ">Positive<" not in page


def test_numbers_end_in_a_verdict(of_diabetes):
    """A regression, weighted: better than the champion, all evidence passed."""
    found = _verdict(of_diabetes)
    assert found.decision == "promote", found.reason
    assert _evaluation(of_diabetes).weight == "weight"


def test_predictions_of_numbers_derive_every_figure(of_diabetes):
    """The stored columns give the weighted error that was judged."""
    _, rows = _predictions(of_diabetes)
    columns = [rows[name].to_numpy() for name in ("label", "challenger_score", "weight")]
    judged = _evaluation(of_diabetes).comparisons[0]
    assert judged.challenger == pytest.approx(mean_absolute_error(columns[0], columns[1], sample_weight=columns[2]))


def test_the_page_of_numbers_shows_residuals(of_diabetes):
    """Predicted against observed, residuals by tenth, and no classes."""
    page = of_diabetes.paths.report_page.read_text()
    for wanted in ("Mean prediction", "Residuals by size of the prediction", "rows weighted by weight"):
        assert wanted in page
    assert 'id="classes"' not in page
    assert ">Positive<" not in page


def test_a_first_model_is_a_rubber_stamp_everywhere(of_wine):
    """Promoted on its bound, and each rendering says what that is worth."""
    found, paths = _verdict(of_wine), of_wine.paths
    assert (found.decision, found.rubber_stamp) == ("promote", True), found.reason
    assert "rubber stamp" in found.reason
    assert "Promote (rubber stamp)" in paths.report_page.read_text()
    assert "Rubber stamp: there is no champion" in paths.report_markdown.read_text()
    [stamp] = ET.fromstring(paths.report_junit.read_text()).findall(".//property[@name='rubber_stamp']")
    assert stamp.get("value") == "true"
    assert not (paths.models / "champion.json").exists()


def test_a_rare_class_is_named(of_wine):
    """Fewer than 30 judged rows of a class stand in the verdict's sentence and among what it does not show."""
    rare = [c.name for c in _evaluation(of_wine).classes if c.is_rare]
    assert rare
    assert rare[0] in _verdict(of_wine).reason
    assert "Small classes" in of_wine.paths.report_page.read_text()


@pytest.mark.parametrize(
    ("project", "estimator"),
    [
        ("of_digits", "from sklearn.linear_model import LogisticRegression\nestimator = LogisticRegression(max_iter=50)\n"),
        ("of_diabetes", "from sklearn.linear_model import HuberRegressor\nestimator = HuberRegressor(max_iter=500)\n"),
        ("of_wine", "from sklearn.naive_bayes import GaussianNB\nestimator = GaussianNB()\n"),
    ],
)
def test_a_trial_judges_each_task(project, estimator, request):
    """``windtunnel try`` fits the file and judges it on the validation part."""
    context = request.getfixturevalue(project)
    file = context.paths.root / "mine.py"
    file.write_text(estimator)
    found = try_challenger(context.paths, context.params, file)
    assert (found.verdict.part, found.evaluation.task) == ("validation", context.params.label.task)
    assert all(c.challenger is not None for c in found.evaluation.comparisons if c.slice_column is None)


def test_equal_runs_are_equal(of_wine, tmp_path):
    """The same lake, parameters and key give the same figures and the same predictions."""
    again = _run(wine, tmp_path / "again")
    assert _evaluation(again).comparisons == _evaluation(of_wine).comparisons
    assert _evaluation(again).classes == _evaluation(of_wine).classes
    assert _predictions(again)[0].logical_hash == _predictions(of_wine)[0].logical_hash


def test_scores_of_classes_may_be_brought(of_digits, tmp_path):
    """One column per class by its name; the champion's own scores make a challenger that is as good as it."""
    rows = export_rows(of_digits.paths, of_digits.params, tmp_path / "rows.parquet", part="validation")
    logged = read_table(of_digits.paths.masked, read_manifest(of_digits.paths.masked, made_by="mask"), "log")
    place = pc.index_in(rows["row_key"], value_set=logged["id"].combine_chunks())
    columns = {f"score_digit {k}": logged[f"p{k}"].take(place) for k in range(10)}
    pq.write_table(pa.table({"row_key": rows["row_key"], **columns}), tmp_path / "scores.parquet")
    found = try_challenger(of_digits.paths, of_digits.params, tmp_path / "scores.parquet", "raw")
    assert found.verdict.evidence_level == "scores_brought_along"
    assert {c.delta for c in found.evaluation.comparisons} == {0.0}


COMMAND = """
import sys
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
train, score = pq.read_table(sys.argv[1]), pq.read_table(sys.argv[2])
mean = pc.mean(train["label"]).as_py()
pq.write_table(pa.table({"row_key": score["row_key"], "score": [mean] * score.num_rows}), sys.argv[3])
"""


def test_a_command_may_predict_a_number(of_diabetes):
    """The mean of the training rows is no good, and is judged as any other."""
    (of_diabetes.paths.root / "fit.py").write_text(COMMAND)
    command = Command(
        command=(sys.executable, "fit.py", "{train}", "{score}", "{out}"),
        files={"fit.py": hash_file(of_diabetes.paths.root / "fit.py")},
        split="by_time",
        part="train",
    )
    params = of_diabetes.params
    params = params.model_copy(update={"models": params.models.model_copy(update={"challenger": command})})
    found = try_challenger(of_diabetes.paths, params, None)
    assert found.verdict.evidence_level == "scored_here"
    assert next(c for c in found.evaluation.comparisons if c.metric == "r2" and c.slice_column is None).challenger <= 0
