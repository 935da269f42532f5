"""A plan before the first look: from the validation part, with nothing of the holdout but how many rows it has."""

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from toy_evidence import DAYS, PARTS, PER_DAY, make_params, replaced, toy_rows, train_toy, write_toy

from flows.cli.root import windtunnel
from flows.looks_left import find_next_look
from tasks.datasets import hash_file
from tasks.errors import EvaluationError, EvidenceError, GateError, ModelError
from tasks.export import export_rows
from tasks.ledger import read_log
from tasks.models import bring_model
from tasks.planning import plan_gate
from tasks.records import Evaluation
from tasks.stages import StageContext, load_stage
from tasks.trial import try_challenger

CRITERIA = {
    "validation": {"evidence": "validation", "critical": True},
    "ranking": {"metric": "roc_auc", "margin": 0.1, "min_rows": 10, "critical": True},
    "each": {"metric": "brier", "slice": "shop", "margin": 0.1, "min_rows": 10, "critical": True},
    "fair": {"parity": "brier", "slice": "shop", "gap": 0.2, "min_rows": 10, "critical": True},
}
INTERVAL = {"method": "cluster_bootstrap", "cluster": "buyer", "replicates": 1000, "confidence": 0.95}


def params(**changes):
    return make_params(**{"gates": {"max_age_days": 7, "criteria": CRITERIA}, "interval": INTERVAL} | changes)


@pytest.fixture
def project(tmp_path):
    return write_toy(tmp_path / "project", toy_rows())


@pytest.fixture
def judged(project):
    train_toy(project, params())
    load_stage("evaluate").run(StageContext(project, params()))
    return project


def test_before_any_run_it_plans_from_the_validation_part(project):
    """No model was trained, no report written: the data is enough, and every criterion is planned or named."""
    found = plan_gate(project, params())
    assert (found.planned_from.basis, found.planned_from.part, found.planned_from.why) == (
        "free_look",
        "validation",
        "no evaluation yet",
    )
    assert (found.part, found.rows, found.planned_from.rows) == ("test", PARTS["test"] * PER_DAY, PARTS["validation"] * PER_DAY)
    assert [test.name for test in found.tests] == ["ranking", "each[north]", "each[south]", "fair"]
    assert all(test.smallest_difference for test in (*found.tests, *found.later_tests))
    assert [one.name for one in found.unplanned] == ["validation"]
    assert found.tests[0].n == 240
    assert (found.confidence, found.later_confidence, found.holdout) == (0.95, pytest.approx(1 - 0.05 / 58), None)


def test_no_look_is_spent_and_nothing_is_written(project):
    """No event, no file; the next look is the first."""
    before = {file: file.stat().st_mtime_ns for file in project.root.rglob("*") if file.is_file()}
    found = plan_gate(project, params())
    assert {file: file.stat().st_mtime_ns for file in project.root.rglob("*") if file.is_file()} == before
    assert read_log(project.events).events == ()
    assert found.holdout is None


def test_no_label_of_the_holdout_is_read(tmp_path, project):
    """With every feature, label and score of the test part gone, or turned round, the plan is the same."""
    expected = plan_gate(project, params())
    rows = toy_rows()
    turned = pc.if_else(pc.equal(rows["part"], "test"), pc.subtract(1, rows["label"]), rows["label"]).cast("int8")
    assert plan_gate(write_toy(tmp_path / "other", replaced(rows, "label", turned)), params()) == expected
    for day in range(DAYS - PARTS["test"], DAYS):
        shutil.rmtree(project.features / "features" / f"day=2020-02-{day - 6:02}")
    assert plan_gate(project, params()) == expected


@pytest.mark.slow
def test_after_a_run_it_plans_from_its_evaluation(judged):
    """The look is paid for: the holdout's own spread, and the hash that later looks are counted by."""
    evaluation = Evaluation.from_json(judged.evaluation_report.read_bytes(), origin="test")
    found = plan_gate(judged, params())
    assert (found.planned_from.basis, found.planned_from.part, found.planned_from.why) == ("evaluation", "test", "")
    assert found.holdout == evaluation.inputs["holdout"]
    assert len(read_log(judged.events).events) == 1


@pytest.mark.slow
def test_other_parameters_or_rows_are_planned_for_from_the_validation_part(judged):
    """An evaluation of another confidence, or of rows that are no longer the split's, says nothing of the next look."""
    other = plan_gate(judged, params(interval=INTERVAL | {"confidence": 0.9}))
    assert (other.planned_from.basis, other.planned_from.why) == ("free_look", "interval.confidence 0.95")
    models = params().models
    changed = models.model_copy(update={"challenger": models.challenger.model_copy(update={"parameters": {"C": 0.01}})})
    another = plan_gate(judged, params().model_copy(update={"models": changed}))
    assert (another.planned_from.basis, another.planned_from.why[-5:], another.holdout is None) == ("free_look", "train", False)
    rows = toy_rows()
    write_toy(judged.root, replaced(rows, "part", pc.if_else(pc.equal(rows["part"], "embargo"), "test", rows["part"])))
    refreshed = plan_gate(judged, params())
    assert (refreshed.planned_from.why, refreshed.rows) == ("an evaluation of other rows", 280)


@pytest.mark.slow
def test_the_next_look_is_counted_where_it_can_be(judged, project, monkeypatch):
    """The first before any, the second after one; unknown where rows may be others than those that were looked at."""
    monkeypatch.setattr("flows.looks_left.load_params", lambda _: params())
    evaluated, foretold = plan_gate(judged, params()), plan_gate(judged, params(interval=INTERVAL | {"confidence": 0.9}))
    second = find_next_look(judged, evaluated)
    assert (second.number, second.left, second.taken_at_part) == (2, 29, 1)
    assert second.confidence == evaluated.later_confidence
    unknown = find_next_look(judged, foretold)
    assert (unknown.number, unknown.left, unknown.taken_at_part) == (None, None, 1)
    renamed = find_next_look(judged, foretold.model_copy(update={"split": "the_same_rows"}))
    assert (renamed.number, renamed.left, renamed.taken_at_part, renamed.confidence) == (None, None, 0, foretold.later_confidence)
    project.events.unlink()
    first = find_next_look(project, foretold)
    assert (first.number, first.left, first.confidence) == (1, 30, 0.9)


def test_a_champion_that_is_fitted_here_needs_no_run(project):
    """Its recipe is fitted as the stage ``train`` would, where no run has left its model."""
    models = params().models
    champion = models.challenger.model_copy(update={"parameters": {"C": 0.01}})
    both = params().model_copy(update={"models": models.model_copy(update={"champion": champion})})
    assert plan_gate(project, both).tests[0].smallest_difference > 0


def with_champion(**recipe):
    """The parameters of a run whose champion is a recipe too."""
    models = params().models
    champion = models.challenger.model_copy(update={"parameters": {"C": 1e-6}} | recipe)
    return params().model_copy(update={"models": models.model_copy(update={"champion": champion})})


def without_day(asked):
    """The same with a feature less."""
    features = asked.features
    columns = {name: column for name, column in features.columns.items() if name != "day"}
    return asked.model_copy(update={"features": features.model_copy(update={"columns": columns})})


@pytest.fixture
def championed(project):
    """A run has left the champion's model."""
    train_toy(project, with_champion())
    load_stage("evaluate").run(StageContext(project, with_champion()))
    return project


@pytest.mark.parametrize(
    "asked",
    [with_champion(estimator="sklearn.naive_bayes.GaussianNB", parameters={}), without_day(with_champion())],
    ids=["another recipe", "a feature less"],
)
def test_a_champion_of_other_parameters_is_made_anew(championed, tmp_path, asked):
    """What the last run left is not what is declared: the plan and the trial are those of a project that was never run."""
    fresh = write_toy(tmp_path / "fresh", toy_rows())
    assert plan_gate(championed, asked).tests == plan_gate(fresh, asked).tests
    tried = try_challenger(championed, asked, None).evaluation
    assert (tried.champion.estimator, tried.champion.features) == (
        asked.models.champion.estimator,
        tried.challenger.features,
    )


@pytest.mark.parametrize("change", ["nothing", "a file", "other rows", "no evaluation"])
def test_a_champion_that_a_run_left_is_used_where_it_is_known_to_be_the_one(championed, monkeypatch, change):
    """For another challenger too; not where data has changed, or nothing tells what it was fitted on."""
    made = []
    monkeypatch.setattr("tasks.free_look.bring_model", lambda *given: made.append(given[2]) or bring_model(*given))
    (championed.root / "mine.py").write_text("from sklearn.naive_bayes import GaussianNB\nestimator = GaussianNB()\n")
    if change == "other rows":
        rows = toy_rows()
        write_toy(championed.root, replaced(rows, "strength", pc.multiply(rows["strength"], 2.0)))
    if change == "no evaluation":
        championed.evaluation_report.unlink()
    try_challenger(championed, with_champion(), championed.root / "mine.py" if change == "a file" else None)
    assert ("champion" in made) is (change in ("other rows", "no evaluation"))


def test_without_champion_bounds_are_planned_and_margins_named(project):
    """A first model has nothing to be compared with."""
    bound = {"metric": "roc_auc", "bound": 0.6, "min_rows": 10, "critical": True}
    first = params(gates={"max_age_days": 7, "criteria": CRITERIA | {"floor": bound}})
    first = first.model_copy(update={"models": first.models.model_copy(update={"champion": None})})
    found = plan_gate(project, first)
    assert [(test.name, test.test) for test in found.tests] == [("floor", "bound"), ("fair", "parity")][::-1]
    assert [one.name for one in found.unplanned] == ["validation", "ranking", "each"]


def test_without_data_the_next_step_makes_it_and_spends_nothing(project):
    """Not a run, which would evaluate too."""
    shutil.rmtree(project.split("by_time"))
    with pytest.raises(EvidenceError, match="data/splits/by_time") as error:
        plan_gate(project, params())
    assert "dvc repro features split@by_time" in str(error.value)


def test_a_split_without_validation_part_is_told(project):
    """There is nothing to plan from that may be read."""
    with pytest.raises(EvaluationError, match="expected: a part validation"):
        plan_gate(project, params(split="by_buyer"))


@pytest.mark.parametrize("part", ["validation", "train"])
def test_a_holdout_of_rows_that_a_plan_reads_is_not_looked_at(project, part):
    """To plan from it would be to look at it; of training rows the labels are read too."""
    with pytest.raises(EvaluationError, match="the holdout itself") as error:
        plan_gate(project, params(part=part))
    assert f"part {part} of split by_time" in str(error.value)


def test_an_empty_validation_part_is_told(tmp_path):
    """Declared, and without a row."""
    rows = toy_rows()
    moved = pc.if_else(pc.equal(rows["part"], "validation"), "embargo", rows["part"])
    with pytest.raises(EvaluationError, match="no rows"):
        plan_gate(write_toy(tmp_path, replaced(rows, "part", moved)), params())


def test_one_class_alone_is_told(tmp_path):
    """No figure of ranking is to be had of it."""
    rows = toy_rows()
    alike = pc.if_else(pc.equal(rows["part"], "validation"), 1, rows["label"]).cast("int8")
    with pytest.raises(EvaluationError):
        plan_gate(write_toy(tmp_path, replaced(rows, "label", alike)), params())


def test_too_few_blocks_are_named(project):
    """Five days of validation give no interval, and no plan."""
    found = plan_gate(project, params(interval=INTERVAL | {"cluster": "day"}))
    assert {one.reason for one in found.unplanned[1:-1]} == {"no interval: 5 clusters, and at least 10 are needed"}
    assert {test.smallest_difference for test in (*found.tests, *found.later_tests)} == {None}


@pytest.fixture
def brought(project):
    """Parameters whose challenger is a file of scores of the holdout."""
    rows = export_rows(project, params(), project.root / "rows.parquet")
    scores = project.root / "scores.parquet"
    pq.write_table(pa.table({"row_key": rows["row_key"], "score": [0.5] * len(rows)}), scores)
    challenger = {"score_file": "scores.parquet", "sha256": hash_file(scores), "view": "masked"}
    return params(models={"champion": params().models.champion.model_dump(), "challenger": challenger})


def test_scores_of_the_holdout_alone_are_no_plan(project, brought):
    """A file of scores has none of the validation part; the next step says which rows to score."""
    with pytest.raises(ModelError, match="200 rows missing") as error:
        plan_gate(project, brought)
    assert "data export-rows --part validation" in str(error.value)
    assert "a score file of by_time/validation" in str(error.value)


def test_scores_of_the_validation_part_can_be_brought(project, brought):
    """The same model's, on the rows that a plan is made from."""
    rows = export_rows(project, params(), project.root / "rows.parquet", part="validation")
    scores = {"row_key": rows["row_key"], "score": [place / len(rows) for place in range(len(rows))]}
    pq.write_table(pa.table(scores), project.root / "tried.parquet")
    found = plan_gate(project, brought, project.root / "tried.parquet")
    assert (found.planned_from.rows, found.rows, found.tests[0].name) == (200, 240, "ranking")


def test_a_champion_that_breaks_is_not_called_a_missing_score_file(project, brought):
    """The file is of the validation part as it should be; it is the champion's parameters that are none."""
    rows = export_rows(project, params(), project.root / "rows.parquet", part="validation")
    scores = {"row_key": rows["row_key"], "score": [place / len(rows) for place in range(len(rows))]}
    pq.write_table(pa.table(scores), project.root / "tried.parquet")
    broken = with_champion(parameters={"C": -5}).models.champion
    asked = brought.model_copy(update={"models": brought.models.model_copy(update={"champion": broken})})
    with pytest.raises(ModelError, match="LogisticRegression") as error:
        plan_gate(project, asked, project.root / "tried.parquet")
    assert "a score file" not in str(error.value)


@pytest.mark.slow
def test_labels_that_were_changed_are_planned_for_from_the_validation_part(judged):
    """The split is the same, and the holdout another: its looks are not known."""
    rows = toy_rows()
    turned = pc.if_else(pc.equal(rows["part"], "test"), pc.subtract(1, rows["label"]), rows["label"]).cast("int8")
    changed = write_toy(judged.root, replaced(rows, "label", turned))
    found = plan_gate(changed, params())
    assert (found.planned_from.basis, found.planned_from.why, found.holdout) == ("free_look", "an evaluation of other rows", None)


@pytest.mark.slow
def test_another_challenger_is_not_planned_from_the_evaluation(judged):
    """That is of the declared one."""
    (judged.root / "mine.py").write_text("from sklearn.naive_bayes import GaussianNB\nestimator = GaussianNB()\n")
    found = plan_gate(judged, params(), judged.root / "mine.py")
    assert found.planned_from.why == "the plan is for another challenger than params.yaml declares"
    declared = plan_gate(judged, params())
    assert found.tests != declared.tests
    assert found.holdout == declared.holdout  # its looks are counted all the same


def test_criteria_without_a_figure_cannot_be_planned(project):
    """Reports alone have no power."""
    with pytest.raises(GateError, match="no criterion on a metric"):
        plan_gate(project, params(gates={"max_age_days": 7, "criteria": {"validation": CRITERIA["validation"]}}))


def test_the_command_plans_before_the_first_look(project, monkeypatch):
    """As somebody calls it: a table that says what it was planned from, and JSON; no event either time."""
    (project.root / "params.yaml").write_text(yaml.safe_dump(params().model_dump(mode="json", exclude_defaults=True)))
    (project.root / "dvc.yaml").write_text("")
    monkeypatch.chdir(project.root)
    table, told = (CliRunner().invoke(windtunnel, ["gate", "plan", *words], standalone_mode=False) for words in ([], ["--json"]))
    assert (table.exception, told.exception) == (None, None)
    assert "Planned from by_time/validation (200 rows, 30 clusters (buyer)), scaled to by_time/test (240 rows" in table.stdout
    assert "No label of by_time/test was read: no evaluation yet." in table.stdout
    found = json.loads(told.stdout)
    assert (found["planned_from"]["basis"], found["looks"]["number"], found["looks"]["left"]) == ("free_look", 1, 30)
    assert not project.events.exists()
