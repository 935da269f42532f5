"""A trial judges a file on the validation part, and leaves no trace."""

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from toy_evidence import PARTS, PER_DAY, make_params, replaced, toy_rows, train_toy, write_reports, write_toy

from tasks.errors import EvaluationError, EvidenceError, ModelError
from tasks.export import export_rows
from tasks.records import Evaluation
from tasks.stages import StageContext, load_stage
from tasks.trial import Trial, try_challenger

CHALLENGER = "from sklearn.linear_model import LogisticRegression\nestimator = LogisticRegression()\n"
GATES = {
    "max_age_days": 7,
    "criteria": {
        "validation": {"evidence": "validation", "critical": True},
        "ranking": {"metric": "roc_auc", "margin": 0.1, "min_rows": 10, "critical": True},
    },
}


@pytest.fixture
def project(tmp_path):
    paths = write_toy(tmp_path / "project", toy_rows())
    write_reports(paths)
    (paths.root / "mine.py").write_text(CHALLENGER)
    return paths


def attempt(paths, name="mine.py", **changes) -> Trial:
    return try_challenger(paths, make_params(**({"gates": GATES} | changes)), paths.root / name)


def files(root: Path):
    return {file: file.stat().st_mtime_ns for file in root.rglob("*") if file.is_file()}


def test_judges_the_validation_part_by_the_gates_criteria(project):
    """Metric criteria on the validation part, evidence from the reports there are; predictions are not asked for."""
    found = attempt(project)
    assert (found.verdict.decision, found.verdict.part, found.verdict.split) == ("promote", "validation", "by_time")
    assert found.evaluation.rows == PARTS["validation"] * PER_DAY
    assert found.verdict.criteria[0].reason == "raw, masked, splits, features passed"
    assert (found.file, found.evaluation.challenger.name) == ("mine.py", "mine")


def test_writes_nothing(project):
    """Not one file appears or changes."""
    before = files(project.root)
    attempt(project)
    assert files(project.root) == before


def test_test_part_is_not_looked_at(project):
    """With every file of the test part gone, the trial is the same: it never opened one."""
    expected = attempt(project)
    for table in (project.features / "features", project.masked / "orders"):
        for day in range(8, 14):
            (table / f"day=2020-02-{day:02}" / "part-0.parquet").unlink()
    assert attempt(project) == expected


def test_labels_of_the_test_part_change_nothing(tmp_path, project):
    """Another test part gives the same verdict."""
    rows = toy_rows()
    flipped = pc.if_else(pc.equal(rows["part"], "test"), pc.subtract(1, rows["label"]), rows["label"]).cast("int8")
    other = write_toy(tmp_path / "other", replaced(rows, "label", flipped))
    write_reports(other)
    (other.root / "mine.py").write_text(CHALLENGER)
    assert attempt(other).verdict.criteria == attempt(project).verdict.criteria


def test_equals_what_the_pipeline_trains(project):
    """The trial fits as the stage ``train`` does: same rows, same order, same seed, so the same scores; but once."""
    params = make_params(gates=GATES, part="validation")
    train_toy(project, params)
    load_stage("evaluate").run(StageContext(project, params))
    stage = Evaluation.from_json(project.evaluation_report.read_bytes(), origin="test")
    found = attempt(project).evaluation
    assert found.comparisons == tuple(one.model_copy(update={"noise_floor": None}) for one in stage.comparisons)
    assert (found.noise.told, found.drift.reference) == ("not known: no model was fitted or scored again", "train")


def test_a_holdout_that_is_the_validation_part_is_not_tried_on(project):
    """It would be a look at the holdout that nobody counts."""
    with pytest.raises(EvaluationError, match="the holdout itself"):
        attempt(project, part="validation")


def test_a_trial_calls_nothing_better(project):
    """It fits nothing again, so that no floor is known; it says that a run does."""
    better = {"ranking": {"metric": "roc_auc", "better_by": 0, "min_rows": 10, "critical": True}}
    known = {"max_age_days": 7, "criteria": GATES["criteria"] | better}
    outcome = next(one for one in attempt(project, gates=known).verdict.criteria if one.name == "ranking")
    assert (outcome.status, outcome.noise_floor) == ("inconclusive", None)
    assert "no noise floor is known" in outcome.reason
    assert "no model was fitted or scored again here, as windtunnel run does" in outcome.reason


def test_missing_reports_are_not_judged(project):
    """A project without a validation report cannot be judged, however good the challenger."""
    project.validation_report("splits").unlink()
    found = attempt(project).verdict
    assert (found.decision, found.criteria[0].reason) == ("not_judged", "there is no validation report of splits")


def test_project_that_was_not_run_names_the_next_step(project):
    """Without data the answer is what to run."""
    shutil.rmtree(project.features)
    with pytest.raises(EvidenceError, match="windtunnel run") as error:
        attempt(project)
    assert "data/features" in str(error.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "no such file"),
        ("estimator = 1", "estimator"),
        ("raise ValueError('mine')", "line 1: ValueError: mine"),
        ("x = (", "line 1"),
    ],
)
def test_a_file_that_is_no_challenger_is_told(project, source, message):
    """Missing, without an estimator, raising, or no Python: one message, and the line."""
    if source is not None:
        (project.root / "broken.py").write_text(source)
    with pytest.raises(ModelError, match=message):
        attempt(project, "broken.py")


def test_split_without_validation_part_is_told(project):
    """Where the judged split has no validation part there is nothing to try on."""
    with pytest.raises(EvaluationError, match="expected: a part validation"):
        attempt(project, split="by_buyer")


@pytest.mark.slow
def test_neither_prefect_nor_great_expectations_is_imported():
    """A trial takes seconds, so it loads neither."""
    source = "import sys, tasks.trial; print([m for m in ('prefect', 'great_expectations', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_scores_of_the_validation_part_are_tried(project):
    """A score file is as good as a model, if it holds each row of the part; the verdict says that it was brought along."""
    rows = export_rows(project, make_params(), project.root / "rows.parquet", part="validation")
    scores = pa.table({"row_key": rows["row_key"], "score": [number / len(rows) for number in range(len(rows))]})
    pq.write_table(scores, project.root / "mine.parquet")
    found = attempt(project, "mine.parquet")
    assert (found.verdict.evidence_level, found.file) == ("scores_brought_along", "mine.parquet")
    pq.write_table(scores.slice(1), project.root / "mine.parquet")
    with pytest.raises(ModelError, match="score file"):
        attempt(project, "mine.parquet")


@pytest.mark.slow
def test_without_a_name_the_declared_challenger_is_tried(project):
    """A command, for one, has no file of its own."""
    found = try_challenger(project, make_params(gates=GATES), None)
    assert (found.verdict.evidence_level, found.file) == ("refitted_here", "sklearn.linear_model.LogisticRegression")
