"""Stage ``evaluate`` on a small project: what it writes, twice the same, and when it does not start."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy_evidence import make_params, toy_rows, train_toy, write_reports, write_toy

from tasks.datasets import hash_file, read_manifest
from tasks.errors import EvaluationError, EvidenceError, GateError, ModelError
from tasks.evaluation.discovery import discover
from tasks.ledger import read_log
from tasks.records import Evaluation
from tasks.stages import StageContext, load_stage
from tasks.stages.looking import hash_holdout


def prepare(root: Path, params) -> StageContext:
    """A project that has been run up to ``train``."""
    paths = write_toy(root, toy_rows())
    train_toy(paths, params)
    write_reports(paths)
    return StageContext(paths, params)


def outputs(context):
    stage = load_stage("evaluate")
    files = (context.paths.root / path for path in stage.writes(context))
    return {file.name: hash_file(file / "manifest.json" if file.is_dir() else file) for file in files}


def test_writes_predictions_figures_and_curves(tmp_path):
    """Every declared output is there, predictions by month, and the record names their hash."""
    context = prepare(tmp_path, make_params())
    load_stage("evaluate").run(context)
    manifest = read_manifest(context.paths.predictions, made_by="evaluate")
    assert [p.path for p in manifest.tables["predictions"].partitions] == ["predictions/2020-02.parquet"]
    assert pq.read_table(context.paths.predictions / "predictions/2020-02.parquet").num_rows == 240
    assert (manifest.about["champion_view"], manifest.about["challenger_view"]) == ("raw", "masked")
    found = Evaluation.from_json(context.paths.evaluation_report.read_bytes(), origin="test")
    assert found.inputs["predictions"] == manifest.logical_hash
    hashed = {
        "pin",
        "snapshots",
        "masked",
        "features",
        "splits/by_time",
        "models/challenger",
        "models/refit",
        "predictions",
        "holdout",
    }
    assert {name for name in found.inputs if not name.startswith("params/")} == hashed
    assert json.loads(context.paths.metrics.read_text())["rows"] == found.rows == 240
    assert set(outputs(context)) == {"predictions", "evaluation.json", "metrics.json", "roc.csv", "calibration.csv"}


def test_slices_are_searched_where_asked(tmp_path, monkeypatch):
    """Searched columns are stored beside the scores, numbers as numbers, and the record has the search of the stored rows."""
    asked = {"columns": ["shop", "placed_utc", "buyer"], "metric": "brier", "min_rows": 20, "pairs": False}
    context = prepare(tmp_path, make_params(discover=asked))
    limits = []
    monkeypatch.setattr(
        "tasks.evaluation.summary.discover", lambda *given, **more: limits.append(given[4]) or discover(*given, **more)
    )
    load_stage("evaluate").run(context)
    stored = pq.read_table(context.paths.predictions / "predictions/2020-02.parquet")
    assert {"discover_shop", "discover_placed_utc", "discover_buyer"} <= set(stored.column_names)
    whole = Evaluation.from_json(context.paths.evaluation_report.read_bytes(), origin="test")
    found = whole.discovery
    assert (found.columns, found.metric) == (("shop", "placed_utc", "buyer"), "brier")
    assert found.searched >= 2
    assert found.too_small > 0
    shops = {one.slice_value for one in whole.comparisons if one.slice_column == "shop" and not one.is_withheld}
    assert [codes.max() for told in limits for codes in told.published] == [len(shops)], "declared slices are told beside"


@pytest.mark.slow
def test_equal_inputs_give_equal_bytes(tmp_path):
    """Nothing that it writes holds a clock, a path or chance."""
    first, second = (prepare(tmp_path / name, make_params()) for name in "ab")
    for context in (first, second):
        load_stage("evaluate").run(context)
    assert outputs(first) == outputs(second)


def test_does_not_start_without_a_report_on_these_very_datasets(tmp_path):
    """A report that is missing, or of another state of the features, is no permission."""
    context = prepare(tmp_path, make_params())
    report = context.paths.validation_report("features")
    report.write_text(report.read_text().replace(read_manifest(context.paths.features, made_by="x").logical_hash, "0" * 64))
    with pytest.raises(EvidenceError, match="validation of features"):
        load_stage("evaluate").run(context)
    report.unlink()
    with pytest.raises(EvidenceError, match="no report"):
        load_stage("evaluate").run(context)
    assert not context.paths.evaluation.exists()


def test_does_not_judge_the_part_that_the_challenger_was_fitted_on(tmp_path):
    """Same split and same part is refused, and nothing is written."""
    context = prepare(tmp_path, make_params(part="train"))
    with pytest.raises(EvaluationError, match="on which the challenger was fitted"):
        load_stage("evaluate").run(context)
    assert not context.paths.predictions.exists()


@pytest.mark.slow
def test_challenger_that_is_not_there_is_one_message(tmp_path):
    """Without a trained model the next step is named."""
    context = prepare(tmp_path, make_params())
    (context.paths.models / "challenger.json").unlink()
    with pytest.raises(ModelError, match="challenger"):
        load_stage("evaluate").run(context)


@pytest.mark.slow
def test_champion_recipe_is_scored_here_on_the_same_rows(tmp_path):
    """A champion that was refitted on masked data is judged by its own model, view masked, and its hash is named."""
    recipe = {"estimator": "sklearn.dummy.DummyClassifier", "split": "by_time", "part": "train"}
    models = {"champion": recipe, "challenger": recipe | {"estimator": "sklearn.linear_model.LogisticRegression"}}
    context = prepare(tmp_path, make_params(models=models))
    load_stage("evaluate").run(context)
    found = Evaluation.from_json(context.paths.evaluation_report.read_bytes(), origin="test")
    assert (found.champion.basis, found.champion.view) == ("recipe", "masked")
    assert "models/champion" in found.inputs
    assert found.comparisons[0].champion == 0.5


def _with_budget(params, budget):
    gates = params.gates.model_copy(update={"looks": params.gates.looks.model_copy(update={"budget": budget})})
    return params.model_copy(update={"gates": gates})


@pytest.mark.slow
def test_each_candidate_costs_a_look_before_anything_is_measured(tmp_path):
    """The same candidate again is free; another one, when no look is left, is refused before a figure is written."""
    context = prepare(tmp_path, _with_budget(make_params(), 1))
    load_stage("evaluate").run(context)
    load_stage("evaluate").run(context)
    (look,) = read_log(context.paths.events).events
    found = Evaluation.from_json(context.paths.evaluation_report.read_bytes(), origin="test")
    assert (look.about["candidate"], look.about["holdout"]) == (found.inputs["models/challenger"], found.inputs["holdout"])
    models = {"challenger": {"estimator": "sklearn.dummy.DummyClassifier", "split": "by_time", "part": "train"}}
    other = _with_budget(make_params(models=models), 1)
    train_toy(context.paths, other)
    before = outputs(context)
    with pytest.raises(GateError, match="looks at holdout"):
        load_stage("evaluate").run(StageContext(context.paths, other))
    assert outputs(context) == before


def test_holdout_is_its_rows_whatever_their_keys(tmp_path):
    """A new masking key gives other row keys, and no new looks at the same rows; other labels are another holdout."""
    facts = pa.table({"row_key": ["a", "b"], "time_utc": pa.array([1, 2], pa.timestamp("us", "UTC")), "label": [0, 1]})
    rekeyed = facts.set_column(0, "row_key", pa.array(["y", "x"])).take(pa.array([1, 0]))
    assert hash_holdout(rekeyed) == hash_holdout(facts)
    assert hash_holdout(facts.set_column(2, "label", pa.array([1, 1]))) != hash_holdout(facts)
