"""Which rows are left to judge, on which scores, and what the record says of the rest."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from toy_evidence import log_of, make_card, make_params, replaced, toy_rows, write_toy

from tasks.errors import EvaluationError
from tasks.evaluation import Contender, headline_metrics, hold_contest, open_evidence, read_part, require_measurable, summarise

PARTS = ("train", "validation", "test")


def by_strength(features):
    return 1 / (1 + np.exp(-features["strength"].to_numpy()))


CHALLENGER = Contender(make_card("by_time"), by_strength)


def contest(root, rows, *, champion=None, log=None):
    params = make_params()
    evidence = open_evidence(write_toy(root, rows, log=log), "by_time", PARTS)
    return hold_contest(read_part(evidence, params, "test"), champion or params.models.champion, CHALLENGER)


def record(found, known=None):
    return summarise(found, make_params(), split="by_time", part="test", known_slices=known or {}, inputs={"pin": "p"}, seed=3)


def test_predictions_hold_what_every_figure_is_derived_from(tmp_path):
    """Key, part, day, cluster, label, both scores and slices, of each row once."""
    found = contest(tmp_path, toy_rows()).predictions
    names = ["row_key", "part", "day", "cluster", "label", "champion_score", "challenger_score", "slice_shop"]
    assert found.column_names == names
    assert sum(column.null_count for column in found.columns) == 0
    rows = toy_rows().sort_by("order_id").filter(pc.equal(toy_rows().sort_by("order_id")["part"], "test"))
    assert found["champion_score"].equals(rows["score"])
    assert np.allclose(found["challenger_score"], by_strength(rows))


def test_logged_champion_is_raw_and_named_by_its_versions(tmp_path):
    """Scores that production logged are of the view raw; two versions are both named."""
    rows = toy_rows()
    version = pc.if_else(pc.equal(rows["shop"], "north"), "v2", "v1")
    card = contest(tmp_path, replaced(rows, "version", version)).champion
    assert (card.name, card.basis, card.view, card.estimator) == ("v1, v2", "logged_scores", "raw", "log.score")


def test_rows_without_label_or_score_are_counted_and_left_out(tmp_path):
    """A row that cannot be judged is never judged as if it were right or wrong."""
    rows = toy_rows()
    is_test = pc.equal(rows["part"], "test")
    rows = replaced(rows, "label", pc.if_else(pc.and_(is_test, pc.equal(rows["shop"], "north")), None, rows["label"]))
    log = log_of(rows).filter(pc.less(rows["buyer"], "b15"))
    found = contest(tmp_path, rows, log=log)
    unlabelled = pc.sum(pc.and_(is_test, pc.equal(rows["shop"], "north"))).as_py()
    assert found.unlabelled_rows == unlabelled
    assert found.unlabelled_rows + found.unscored_rows + found.predictions.num_rows == 240
    assert set(found.predictions["slice_shop"].to_pylist()) == {"south"}
    assert pc.max(found.predictions["cluster"]).as_py() < "b15"


@pytest.mark.slow
def test_champion_that_is_scored_here_needs_no_log(tmp_path):
    """A refitted champion is scored on the same features, and every labelled row is compared."""
    champion = Contender(make_card("by_time", role="champion"), lambda features: np.full(len(features), 0.5))
    found = contest(tmp_path, toy_rows(), champion=champion)
    assert set(found.predictions["champion_score"].to_pylist()) == {0.5}
    assert (found.unscored_rows, found.champion.view) == (0, "masked")


@pytest.mark.slow
def test_a_model_of_the_raw_view_is_not_scored_on_masked_features(tmp_path):
    """Views are never mixed."""
    with pytest.raises(EvaluationError, match="a model of view raw, and features of view masked"):
        contest(tmp_path, toy_rows(), champion=Contender(make_card("by_time", role="champion", view="raw"), by_strength))


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1.5, -0.1])
def test_logged_scores_that_are_no_probabilities_are_refused(tmp_path, broken):
    """A NaN in production's log stops the comparison instead of vanishing in a mean."""
    rows = toy_rows()
    score = rows["score"].to_numpy().copy()
    score[-1] = broken
    with pytest.raises(EvaluationError, match=r"scores of the champion \(logged in log.score\)"):
        contest(tmp_path, replaced(rows, "score", pa.chunked_array([score])))


def test_no_row_left_is_refused_with_counts(tmp_path):
    """Labels but no scores: nothing is compared, and the counts say why."""
    rows = toy_rows()
    log = log_of(rows).filter(pc.equal(rows["part"], "train"))
    with pytest.raises(EvaluationError, match="of 240 rows 240 have a label, and none of these a score"):
        contest(tmp_path, rows, log=log)


@pytest.mark.parametrize("label", [0, 1])
def test_constant_label_is_refused_with_counts(tmp_path, label):
    """One class cannot be judged."""
    rows = replaced(toy_rows(), "label", pa.chunked_array([np.full(800, label, np.int8)]))
    with pytest.raises(EvaluationError, match=f"240 rows with a label and both scores, {240 * label} of them positive"):
        contest(tmp_path, rows)


def _scored_late(rows, hours):
    """The champion's log, with some test rows scored that many hours after they were placed."""
    is_late = pc.and_(pc.equal(rows["part"], "test"), pc.equal(rows["shop"], "north"))
    later = pc.add(rows["placed_utc"], pa.scalar(timedelta(hours=hours), pa.duration("us")))
    return replaced(log_of(rows), "scored_utc", pc.if_else(is_late, later, rows["placed_utc"])), pc.sum(is_late).as_py()


def test_scores_made_after_the_prediction_time_are_counted(tmp_path):
    """Production may have known more than the challenger: that is said, not refused."""
    log, late = _scored_late(toy_rows(), 23)
    found = contest(tmp_path, toy_rows(), log=log)
    assert 0 < late < 240
    assert (found.late_scores, record(found).late_scores) == (late, late)


def test_scores_made_in_hindsight_are_refused(tmp_path):
    """A score that is younger than the label may rest on it."""
    log, late = _scored_late(toy_rows(), 25)
    with pytest.raises(EvaluationError, match=f"(?s)logged scores log.score.*{late} made after the label was known, of 240"):
        contest(tmp_path, toy_rows(), log=log)


def test_scores_without_a_time_are_refused(tmp_path):
    """Nobody can tell what they rest on."""
    rows = toy_rows()
    log = replaced(log_of(rows), "scored_utc", pa.nulls(rows.num_rows, pa.timestamp("us", "UTC")))
    with pytest.raises(EvaluationError, match="240 without a time"):
        contest(tmp_path, rows, log=log)


def test_without_a_champion_the_challenger_is_judged_alone(tmp_path):
    """No column, no card and no figure of a champion; every labelled row is judged."""
    evidence = open_evidence(write_toy(tmp_path, toy_rows()), "by_time", PARTS)
    params = make_params(models={"challenger": make_params().models.challenger.model_dump()})
    found = hold_contest(read_part(evidence, params, "test"), None, CHALLENGER)
    assert "champion_score" not in found.predictions.column_names
    judged = record(found)
    assert (found.champion, judged.champion, judged.rows, judged.unscored_rows) == (None, None, 240, 0)
    assert [(c.champion, c.delta, c.reason) for c in judged.comparisons[:2]] == [(None, None, "no champion")] * 2
    assert headline_metrics(judged)["roc_auc"] == {"challenger": judged.comparisons[0].challenger}


def test_record_counts_rows_days_and_missing_slices(tmp_path):
    """The record says what was judged, from when to when, and which slices had no row."""
    found = record(contest(tmp_path, toy_rows()), {"shop": {"north", "south", "west", "(missing)"}})
    assert (found.rows, found.days, found.unlabelled_rows, found.unscored_rows) == (240, 6, 0, 0)
    assert (found.from_utc, found.to_utc) == ("2020-02-08T00:00:00Z", "2020-02-13T00:39:00Z")
    assert found.missing_slices == ("shop=(missing)", "shop=west")
    assert (found.judged, found.seeds, found.inputs) == ("recipe", {"evaluation": 3}, {"pin": "p"})


def test_rows_without_times_of_their_own_count_no_days(tmp_path):
    """When files appeared in the lake says nothing of how fast rows come."""
    params = make_params()
    at = params.features.at.model_copy(update={"column": "lake_file_utc"})
    timeless = params.model_copy(update={"features": params.features.model_copy(update={"at": at})})
    found = contest(tmp_path, toy_rows())
    judged = summarise(found, timeless, split="by_time", part="test", known_slices={}, inputs={}, seed=3)
    assert (judged.rows, judged.days) == (240, 0)


def test_headline_metrics_are_the_overall_figures(tmp_path):
    """What ``dvc metrics show`` prints is rows and, by metric, both models and the difference on all rows."""
    found = record(contest(tmp_path, toy_rows()))
    auc = found.comparisons[0]
    expected = {"champion": auc.champion, "challenger": auc.challenger, "delta": auc.delta}
    assert headline_metrics(found)["rows"] == 240
    assert headline_metrics(found)["roc_auc"] == expected
    assert auc.delta > 0


def test_metrics_of_another_task_are_refused_before_anything_is_read():
    """A metric that the task does not have is told at once, with those that it has."""
    label = {"table": "results", "column": "returned", "known": "known_utc", "task": "regression"}
    with pytest.raises(EvaluationError, match=r"(?s)'roc_auc'.*one of mae, median_ae, rmse, r2, mape, bias"):
        require_measurable(make_params(label=label))
    with pytest.raises(EvaluationError, match="metric 'auc'"):
        require_measurable(make_params(metrics=["auc", "roc_auc"]))
