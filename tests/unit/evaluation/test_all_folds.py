"""All folds judged at once: each by models of the others, in every draw, and no row twice."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score
from toy_evidence import DAYS, PER_DAY, replaced, toy_rows
from toy_folds import fold_params, write_folds

from tasks.datasets import hash_file, read_manifest, read_table, write_atomically
from tasks.errors import EvaluationError, ModelError
from tasks.export import export_rows
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.planning import plan_gate
from tasks.records import Evaluation, Verdict
from tasks.stages import StageContext, load_stage
from tasks.trial import try_challenger

ROWS = DAYS * PER_DAY
LINES = "sklearn.linear_model.LogisticRegression"
OTHERS = {"split": "folds", "part": "other folds"}
COMMAND = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
train, score = pq.read_table(sys.argv[1]), pq.read_table(sys.argv[2])
assert not set(train["row_key"].to_pylist()) & set(score["row_key"].to_pylist())
pq.write_table(pa.table({"row_key": score["row_key"], "score": [train.num_rows / 1000] * score.num_rows}), sys.argv[3])
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    """The toy with folds, for tests that write nothing but models and an evaluation of their own."""
    return write_folds(tmp_path_factory.mktemp("folds"))


def evaluate(paths: ProjectPaths, params: Params) -> tuple[Evaluation, pa.Table]:
    context = StageContext(paths, params)
    for stage in ("train", "evaluate"):
        load_stage(stage).run(context)
    found = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")
    return found, read_table(paths.predictions, read_manifest(paths.predictions, made_by="evaluate"), "predictions")


@pytest.fixture(scope="module")
def judged(shared: ProjectPaths) -> tuple[Evaluation, pa.Table]:
    """A recipe against logged scores on all folds of both draws."""
    return evaluate(shared, fold_params("all folds", "other folds"))


def test_each_row_is_judged_once(judged) -> None:
    """Every order stands in the predictions once, with a fold and a score of each draw."""
    found, predictions = judged
    assert (found.part, found.rows, predictions.num_rows) == ("all folds", ROWS, ROWS)
    assert len(predictions["row_key"].unique()) == ROWS
    assert set(predictions["part"].unique().to_pylist()) == {f"fold_{n}" for n in range(1, 5)}
    assert set(predictions["r2_part"].unique().to_pylist()) == {f"r2_fold_{n}" for n in range(1, 5)}
    assert {c.rows for c in found.comparisons if c.slice_column is None} == {ROWS}
    assert {c.clusters for c in found.comparisons if c.slice_column is None} == {30}


@pytest.mark.parametrize(("fold", "draw"), [("fold_2", ""), ("r2_fold_3", "r2_")])
def test_a_folds_scores_are_those_of_a_model_of_the_others(shared, judged, fold, draw) -> None:
    """The same as where this fold alone is judged, by a model of all but it."""
    alone = evaluate(shared, fold_params(fold, f"not {fold}"))[1]
    whole = judged[1].filter(pc.equal(judged[1][f"{draw}part"], fold))
    assert whole["row_key"].equals(alone["row_key"])
    assert np.array_equal(whole[f"{draw}challenger_score"].to_numpy(), alone["challenger_score"].to_numpy())


def test_figures_are_means_over_draws(judged) -> None:
    """Of the figures on all rows, for the point; the champion's logged scores are of no draw."""
    found, rows = judged
    auc = next(c for c in found.comparisons if c.metric == "roc_auc" and c.slice_column is None)
    label = rows["label"].to_numpy()
    draws = [roc_auc_score(label, rows[name].to_numpy()) for name in ("challenger_score", "r2_challenger_score")]
    assert auc.challenger == pytest.approx(np.mean(draws))
    assert auc.champion == pytest.approx(roc_auc_score(label, rows["champion_score"].to_numpy()))
    assert auc.delta == pytest.approx(np.mean(draws) - auc.champion)
    assert "r2_champion_score" not in rows.column_names


def test_a_second_draw_is_no_further_evidence(tmp_path, judged) -> None:
    """Intervals of two draws are about as wide as of one: what is drawn are buyers, of which there are as many."""
    params = fold_params("all folds", "other folds")
    once = params.splits["folds"].model_copy(update={"repeats": 1})
    paths = write_folds(tmp_path)
    found = evaluate(paths, params.model_copy(update={"splits": {**params.splits, "folds": once}}))[0]

    def width(evaluation: Evaluation) -> float:
        interval = evaluation.comparisons[0].challenger_interval
        assert interval is not None
        return interval.high - interval.low

    assert width(judged[0]) == pytest.approx(width(found), rel=0.1)


def test_each_fold_is_told_by_itself(judged) -> None:
    """Eight folds of two draws under each metric; their rows add up to all rows in each draw."""
    folds = [c for c in judged[0].folds if c.metric == "brier"]
    assert [c.slice_value for c in folds] == [*(f"fold_{n}" for n in range(1, 5)), *(f"r2_fold_{n}" for n in range(1, 5))]
    assert sum(c.rows for c in folds) == 2 * ROWS
    assert all(c.challenger is not None and c.champion is not None for c in folds)


def test_no_model_is_kept_and_the_card_says_on_what_it_was_fitted(shared, judged) -> None:
    """Only scores are stored, and they are named by their hash."""
    found = judged[0]
    assert (found.challenger.basis, found.challenger.part, found.challenger.rows) == ("recipe", "other folds", ROWS)
    assert found.inputs["models/challenger"] == found.challenger.logical_hash
    train_toy_again(shared, fold_params("all folds", "other folds"))
    assert sorted(path.name for path in shared.models.iterdir()) == [
        *("challenger.json", "challenger.parquet", "refit.json", "refit.parquet")
    ]


def train_toy_again(paths: ProjectPaths, params: Params) -> None:
    load_stage("train").run(StageContext(paths, params))


@pytest.mark.slow
def test_a_champions_recipe_is_refitted_for_each_fold_too(shared) -> None:
    """Equal recipes have equal scores in each draw, and no difference."""
    recipe = {"estimator": LINES, "parameters": {}, **OTHERS}
    found, rows = evaluate(shared, fold_params("all folds", "other folds", models={"champion": recipe}))
    for draw in ("", "r2_"):
        assert rows[f"{draw}champion_score"].equals(rows[f"{draw}challenger_score"])
    assert {c.delta for c in found.comparisons} == {0.0}


@pytest.mark.slow
def test_a_command_is_run_for_each_fold(shared) -> None:
    """It is given rows of the other folds to learn from: some six hundred of eight hundred, none of those that it scores."""
    write_atomically(shared.root / "fit.py", COMMAND.encode())
    command = [sys.executable, "fit.py", "{train}", "{score}", "{out}"]
    challenger = {"command": command, "files": {"fit.py": hash_file(shared.root / "fit.py")}, **OTHERS}
    found, rows = evaluate(shared, fold_params("all folds", "other folds", models={"challenger": challenger}))
    assert found.challenger.basis == "command"
    sizes = {fold: rows.filter(pc.equal(rows["part"], fold)).num_rows for fold in set(rows["part"].to_pylist())}
    expected = [(ROWS - sizes[fold]) / 1000 for fold in rows["part"].to_pylist()]
    assert np.allclose(rows["challenger_score"].to_numpy(), expected)


def test_one_part_is_told_without_folds(shared) -> None:
    """Nothing of folds stands in an evaluation of one."""
    found = evaluate(shared, fold_params("fold_1", "not fold_1"))[0]
    assert (found.folds_judged, found.folds) == (None, ())


def gate(paths: ProjectPaths, params: Params) -> Verdict:
    """The verdict, the pin's hash being what the toy says it is."""
    from tasks.gates import Provenance, judge

    found = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")
    reports = dict.fromkeys(("raw", "masked", "splits", "features", "predictions"))
    return judge(found, reports, params.gates, Provenance("folds", found.part, "p", inputs={}, seeds={}))


@pytest.mark.slow
def test_the_verdict_says_how_folds_were_judged(shared) -> None:
    """Their number, the draws, and that no model is left."""
    params = fold_params("all folds", "other folds")
    evaluate(shared, params)
    verdict = gate(shared, params)
    assert verdict.folds is not None
    assert (verdict.folds.count, verdict.folds.draws, verdict.folds.kept_model) == (4, 2, "none")
    assert verdict.reason.endswith("out of 4 folds, the mean of 2 draws, and no model is kept")
    assert verdict.evidence_level == "refitted_here"


def test_a_score_file_covers_all_folds(shared) -> None:
    """One score for each row, which stands in every draw; made out of fold, as whoever brings it says."""
    rows = export_rows(shared, fold_params("all folds", "other folds"), shared.root / "rows.parquet")
    assert rows.num_rows == ROWS
    assert set(rows["_fold"].to_pylist()) == {f"fold_{n}" for n in range(1, 5)}
    scores = pa.table({"row_key": rows["row_key"], "score": np.random.default_rng(1).random(ROWS)})
    pq.write_table(scores, shared.root / "mine.parquet")
    challenger = {"score_file": "mine.parquet", "sha256": hash_file(shared.root / "mine.parquet"), "view": "masked"}
    params = fold_params("all folds", "other folds", models={"challenger": challenger})
    found, predictions = evaluate(shared, params)
    assert found.rows == ROWS
    assert "r2_challenger_score" not in predictions.column_names
    assert gate(shared, params).evidence_level == "scores_brought_along"
    pq.write_table(scores.slice(0, ROWS - 7), shared.root / "mine.parquet")
    challenger["sha256"] = hash_file(shared.root / "mine.parquet")
    with pytest.raises(ModelError, match="7 rows missing"):
        evaluate(shared, fold_params("all folds", "other folds", models={"challenger": challenger}))


def test_labels_of_other_folds_can_be_had_and_not_of_all(shared) -> None:
    """Without them nobody could score a fold elsewhere; all at once would be the answers."""
    params = fold_params("all folds", "other folds")
    rows = export_rows(shared, params, shared.root / "rows.parquet", part="not fold_1", with_label=True)
    assert "label" in rows.column_names
    with pytest.raises(EvaluationError, match="labels of"):
        export_rows(shared, params, shared.root / "rows.parquet", part="all folds", with_label=True)


def test_rows_without_label_are_left_out_of_every_draw(tmp_path) -> None:
    """They are counted once."""
    rows = toy_rows()
    label = pc.if_else(pc.less(rows["order_id"], "o0100"), pa.scalar(None, pa.int8()), rows["label"])
    found = evaluate(write_folds(tmp_path, replaced(rows, "label", label)), fold_params("all folds", "other folds"))[0]
    assert (found.rows, found.unlabelled_rows) == (ROWS - 100, 100)


def test_scores_out_of_fold_stand_for_no_part(shared) -> None:
    """An evaluation of one fold does not take them for a model that is fitted on the rest."""
    train_toy_again(shared, fold_params("all folds", "other folds"))
    with pytest.raises(EvaluationError, match="part other folds"):
        load_stage("evaluate").run(StageContext(shared, fold_params("fold_1", "not fold_1")))


def test_a_model_of_one_fold_does_not_stand_for_all(shared) -> None:
    """Three quarters of the rows are those that it was fitted on."""
    train_toy_again(shared, fold_params("fold_1", "not fold_1"))
    with pytest.raises(EvaluationError, match="on which the challenger was fitted"):
        load_stage("evaluate").run(StageContext(shared, fold_params("all folds", "other folds")))


def attempt(paths: ProjectPaths, params: Params):
    return try_challenger(paths, params, None)


@pytest.mark.parametrize(
    ("judged_part", "fitted_on", "tried", "unseen"),
    [
        ("fold_1", "not fold_1", ("fold_2", "fold_3", "fold_4"), "fold_1 was not looked at"),
        ("fold_4", ["fold_2", "fold_3"], ("fold_2", "fold_3"), "fold_4 was not looked at"),
        ("r2_fold_2", "not r2_fold_2", ("r2_fold_1", "r2_fold_3", "r2_fold_4"), "r2_fold_2 was not looked at"),
        ("all folds", "other folds", ("fold_1", "fold_2", "fold_3", "fold_4"), "a verdict judges it again"),
    ],
)
def test_a_trial_holds_one_fold_out_of_training(shared, judged_part, fitted_on, tried, unseen) -> None:
    """The fold that a verdict judges stays unseen; where all are, it is said."""
    found = attempt(shared, fold_params(judged_part, fitted_on))
    assert (found.verdict.part, found.evaluation.challenger.parts) == (tried[0], tried[1:])
    assert unseen in found.note


def test_a_trial_refits_a_champion_of_folds(shared) -> None:
    """Its stored model was fitted on the fold that is held out now."""
    recipe = {"estimator": LINES, "parameters": {}, "split": "folds", "part": "not fold_1"}
    found = attempt(shared, fold_params("fold_1", "not fold_1", models={"champion": recipe}))
    assert found.evaluation.champion is not None
    assert found.evaluation.champion.parts == ("fold_3", "fold_4")


def test_a_trial_needs_a_fold_to_fit_on(shared) -> None:
    """Of one fold nothing can be held out."""
    with pytest.raises(EvaluationError, match="1 fold that the challenger is fitted on"):
        attempt(shared, fold_params("fold_1", "fold_2"))


def weighted(root: Path, weights: Any) -> ProjectPaths:
    return write_folds(root, toy_rows().append_column("weight", pa.array(weights)))


def recipe(**changes: Any) -> dict[str, Any]:
    return {"challenger": {"estimator": LINES, "parameters": {}, "split": "folds", "part": "not fold_1", **changes}}


@pytest.mark.slow
def test_weights_reach_the_fit(tmp_path) -> None:
    """Rows of weight 0 might as well not be there; the card and the verdict name the column."""
    rows = toy_rows()
    kept = np.random.default_rng(2).random(ROWS) < 0.5
    paths = weighted(tmp_path / "a", kept.astype(float))
    params = fold_params("fold_1", "not fold_1", models=recipe(weight="weight"))
    found, predictions = evaluate(paths, params)
    assert found.challenger.weight == "weight"
    assert gate(paths, params).weights == {"challenger": "weight"}
    plain = fold_params("fold_1", "not fold_1")
    unweighted = evaluate(paths, plain)[1]
    label = pc.if_else(pa.array(kept), rows["label"], pa.scalar(None, pa.int8()))
    fewer = evaluate(write_folds(tmp_path / "b", replaced(rows, "label", label)), plain)[1]
    same = predictions.filter(pc.is_in(predictions["row_key"], fewer["row_key"].combine_chunks()))["challenger_score"].to_numpy()
    # Only the scaling of the features is not weighted, and the penalty weighs differently.
    assert np.abs(same - fewer["challenger_score"].to_numpy()).max() < 0.02
    assert not np.array_equal(predictions["challenger_score"].to_numpy(), unweighted["challenger_score"].to_numpy())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ([None, *[1.0] * (ROWS - 1)], "NULL, NaN, infinite or below 0"),
        ([-1.0] * ROWS, "below 0"),
        ([0.0] * ROWS, "0 in each training row"),
        (["much"] * ROWS, "values of type string"),
    ],
)
def test_weights_that_are_none_are_refused(tmp_path, weights, found) -> None:
    """Missing, negative, all 0, or no numbers."""
    paths = weighted(tmp_path, weights)
    with pytest.raises(ModelError, match=found):
        train_toy_again(paths, fold_params("all folds", "other folds", models=recipe(weight="weight", part="other folds")))


def test_an_estimator_that_takes_no_weights_is_told(tmp_path) -> None:
    """Nothing is fitted without them in silence."""
    paths = weighted(tmp_path, [1.0] * ROWS)
    models = recipe(weight="weight", estimator="sklearn.neighbors.KNeighborsClassifier")
    with pytest.raises(ModelError, match="no argument sample_weight"):
        train_toy_again(paths, fold_params("fold_1", "not fold_1", models=models))


def test_a_column_of_weights_that_masking_dropped_is_told(shared) -> None:
    """The toy's masked orders have none."""
    with pytest.raises(ModelError, match="not among the masked columns of orders"):
        train_toy_again(shared, fold_params("fold_1", "not fold_1", models=recipe(weight="weight")))


def test_a_trial_weighs_its_fit_too(tmp_path) -> None:
    """As the stage does."""
    paths = weighted(tmp_path, [1.0] * ROWS)
    found = attempt(paths, fold_params("fold_1", "not fold_1", models=recipe(weight="weight")))
    assert found.evaluation.challenger.weight == "weight"


@pytest.mark.slow
def test_a_command_is_given_its_weights(tmp_path) -> None:
    """As a column sample_weight beside the features."""
    paths = weighted(tmp_path, [2.0] * ROWS)
    source = COMMAND.replace("train.num_rows / 1000", "train['sample_weight'][0].as_py() / 4")
    write_atomically(paths.root / "fit.py", source.encode())
    command = [sys.executable, "fit.py", "{train}", "{score}", "{out}"]
    files = {"fit.py": hash_file(paths.root / "fit.py")}
    challenger = {"command": command, "files": files, "split": "folds", "part": "not fold_1", "weight": "weight"}
    rows = evaluate(paths, fold_params("fold_1", "not fold_1", models={"challenger": challenger}))[1]
    assert set(rows["challenger_score"].to_pylist()) == {0.5}


def test_a_look_at_all_folds_is_planned_from_one(tmp_path) -> None:
    """Each row counts once, however often folds were drawn; the fold that was tried on is named."""
    paths, params = write_folds(tmp_path), fold_params("all folds", "other folds")
    found = plan_gate(paths, params)
    assert (found.part, found.rows, found.planned_from.part) == ("all folds", ROWS, "fold_1")
    assert 0 < found.planned_from.rows < ROWS / 2
    assert found.tests[0].n == ROWS
    assert not paths.events.exists()
