"""The noise floor: what a model shows to itself, measured as the judgement is."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sample_rows import CLASSES, SAMPLES, params
from toy_evidence import judge_toy, make_card, make_params, toy_rows, train_toy, write_toy

from tasks.datasets import hash_file, read_manifest, write_atomically
from tasks.evaluation import Contest, Rescoring, compare
from tasks.evaluation.compare import read_scores
from tasks.evaluation.noise import describe_noise, measure_noise, with_noise
from tasks.models import open_model
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, Verdict
from tasks.stages import StageContext, load_stage


def contest_of(task="binary"):
    make, classes = SAMPLES[task]
    cards = {"champion": make_card(None, None, role="champion"), "challenger": make_card("s")}
    return Contest(make(300), "2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", 0, 0, **cards, task=task, classes=classes)


def again(contest, by=0.0, role="challenger", is_refit=True):
    scores = read_scores(contest.predictions, role, contest.task, len(contest.classes))
    noise = by * np.random.default_rng(4).normal(size=scores.shape)
    return Rescoring(role, is_refit, np.clip(scores + noise, 0, 1) if contest.task == "binary" else scores + noise, seed=5)


def test_it_is_the_far_end_of_what_a_model_shows_to_itself():
    """Per metric and slice: that of the paired interval between the model and its refit."""
    contest, asked = contest_of(), params(("brier", "roc_auc"), 100, ("origin",))
    refit = again(contest, 0.05)
    floors = measure_noise(contest, [refit], asked, seed=3)
    rows = contest.predictions
    pair = rows.set_column(1, "champion_score", rows["challenger_score"])
    pair = pair.set_column(2, "challenger_score", pa.array(refit.scores))
    for found in compare(pair, asked, 3):
        ends = (abs(found.delta_interval.low), abs(found.delta_interval.high), abs(found.delta))
        assert floors[found.metric, found.slice_column, found.slice_value] == max(ends) > 0


@pytest.mark.parametrize("task", SAMPLES)
def test_equal_scores_are_a_floor_of_zero(task):
    """Of every task; nothing that was scored again is no floor at all."""
    contest, metric = contest_of(task), {"regression": "mae"}.get(task, "brier")
    asked = params((metric,), 100)
    comparisons = compare(contest.predictions, asked, 3, task, CLASSES)
    same = [again(contest)]
    floors = measure_noise(contest, same, asked, seed=3)
    assert [found.noise_floor for found in with_noise(comparisons, floors, same)] == [0.0]
    assert [found.noise_floor for found in with_noise(comparisons, {}, ())] == [None]


@pytest.mark.parametrize(
    ("role", "is_refit", "expected"),
    [("champion", False, None), ("challenger", False, 0.0), ("champion", True, 0.0), ("challenger", True, 0.0)],
)
def test_a_champion_asked_again_tells_nothing_of_another_model(role, is_refit, expected):
    """Its own scores come again whatever the challenger is; a refit of either tells, and the challenger's own scores."""
    contest, asked = contest_of(), params(("brier",), 100)
    rescored = [again(contest, role=role, is_refit=is_refit)]
    floors = measure_noise(contest, rescored, asked, seed=3)
    found = with_noise(compare(contest.predictions, asked, 3), floors, rescored)
    assert [one.noise_floor for one in found] == [expected]
    assert describe_noise(contest, rescored).told.startswith("not known: of the challenger") is (expected is None)


def test_where_a_figure_is_undefined_the_floor_is_not_known():
    """A slice of one class has no area under the curve, and nothing to lie apart."""
    contest = contest_of()
    alone = pa.array(["x" if label else "y" for label in contest.predictions["label"].to_pylist()])
    rows = contest.predictions.set_column(contest.predictions.column_names.index("slice_origin"), "slice_origin", alone)
    floors = measure_noise(
        replace(contest, predictions=rows), [again(contest, 0.05)], params(("roc_auc",), 100, ("origin",)), seed=3
    )
    assert {key[2]: floor is None for key, floor in floors.items()} == {None: False, "x": True, "y": True}


def test_what_differs_when_it_is_asked_again_is_noise_too():
    """A model that answers by chance has a floor without any refit, and the record says by how much it differs."""
    contest = contest_of()
    asked_again = again(contest, 0.05, is_refit=False)
    floors = measure_noise(contest, [asked_again], params(("brier",), 100), seed=3)
    assert floors["brier", None, None] > 0
    found = describe_noise(contest, [asked_again])
    assert (found.of, found.told) == (None, "scored twice only: neither model is fitted here")
    assert 0.05 < found.scored_twice["challenger"] < 0.25


def test_the_floor_says_whose_it_is():
    """The champion's where it can be fitted; else the challenger's, labelled so; else nobody's."""
    contest = contest_of()
    assert describe_noise(contest, [again(contest, role="champion")]).told == "the champion fitted again with another seed"
    of_challenger = describe_noise(contest, [again(contest)])
    assert (of_challenger.of, of_challenger.seed) == ("challenger", 5)
    assert of_challenger.told.endswith("since the champion cannot be fitted here")
    alone = describe_noise(replace(contest, champion=None), [again(contest)])
    assert alone.told == "the challenger fitted again with another seed"
    assert describe_noise(contest, []).told == "not known: no model was fitted or scored again"


FOREST = {"estimator": "sklearn.ensemble.RandomForestClassifier", "split": "by_time", "part": "train"}
FOREST["parameters"] = {"n_estimators": 3, "max_depth": 3, "random_state": 7}


def test_stages_fit_again_with_another_seed_and_measure(tmp_path):
    """Though the recipe names a seed the refit is of another one; its scores are bound by their hash; each figure has a floor."""
    asked = make_params(models={"challenger": FOREST})
    paths = write_toy(tmp_path, toy_rows())
    train_toy(paths, asked)
    refit, own = open_model(paths.models, "refit").card, open_model(paths.models, "challenger").card
    assert refit.seed != own.seed
    load_stage("evaluate").run(StageContext(paths, asked))
    found = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")
    assert found.inputs["models/refit"] == refit.logical_hash
    assert (found.noise.of, found.noise.seed, found.noise.scored_twice) == ("challenger", refit.seed, {"challenger": 0.0})
    assert all(comparison.noise_floor > 0 for comparison in found.comparisons if not comparison.is_withheld)
    assert "refit" not in "".join(read_manifest(paths.predictions, made_by="evaluate").tables["predictions"].columns)


@pytest.fixture(params=["logged_scores", "stored_model"])
def champion(request, tmp_path):
    """Declarations of champions that are not fitted here, and how a claim's reason names what is known of them."""
    if request.param == "logged_scores":
        return {"scores": "log.score", "version": "log.version"}, "each side"
    source = write_toy(tmp_path / "source", toy_rows())
    train_toy(source, make_params())
    shutil.copy(source.models / "challenger.skops", tmp_path / "champion.skops")
    return {"model": "champion.skops", "sha256": hash_file(tmp_path / "champion.skops"), "view": "masked"}, "the challenger"


def test_a_column_of_scores_is_judged_and_not_called_better(tmp_path, champion):
    """A score file that is far better than the champion, by every stage: the claim waits for a recipe, the margin holds."""
    declared, known = champion
    rows = toy_rows()
    part = rows.filter(pc.equal(rows["part"], "test"))
    clear = part["strength"].to_numpy() + 2.0 * part["label"].to_numpy()
    pq.write_table(pa.table({"row_key": part["order_id"], "score": 1 / (1 + np.exp(-clear))}), tmp_path / "mine.parquet")
    brought = {"score_file": "mine.parquet", "sha256": hash_file(tmp_path / "mine.parquet"), "view": "masked"}
    test = {"metric": "roc_auc", "min_rows": 10, "critical": True}
    criteria = {
        "validation": {"evidence": "validation", "critical": True},
        "better": {**test, "better_by": 0},
        "no_worse": {**test, "margin": 0.01},
    }
    models = {"champion": declared, "challenger": brought}
    asked = make_params(models=models, gates={"max_age_days": 7, "criteria": criteria})
    write_atomically(ProjectPaths(tmp_path).pin, b"{}")
    paths = write_toy(tmp_path, rows, about={"pin": hash_file(ProjectPaths(tmp_path).pin)})
    train_toy(paths, asked)
    judge_toy(paths, asked)
    verdict = Verdict.from_json(paths.verdict.read_bytes(), origin="test")
    told = {outcome.name: outcome for outcome in verdict.criteria}
    assert (verdict.decision, told["no_worse"].status, told["better"].status) == ("inconclusive", "pass", "inconclusive")
    assert told["better"].interval.low > 0
    assert f"{known} is known only by a column of scores" in told["better"].reason
    assert "give the recipe of one (models.challenger, models.champion)" in told["better"].reason
    assert (verdict.noise.of, told["better"].noise_floor, told["better"].rows_to_decide) == (None, None, None)
    assert "better overall" not in verdict.reason
