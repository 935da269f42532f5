"""Folds in turn: fitted on all but one, judged on that one, and never on a row that the model has seen."""

import pytest
from toy_evidence import DAYS, PER_DAY
from toy_folds import fold_params, write_folds

from tasks.errors import EvaluationError
from tasks.records import Evaluation
from tasks.stages import StageContext, load_stage

pytestmark = pytest.mark.slow


@pytest.fixture
def paths(tmp_path):
    """The toy with folds."""
    return write_folds(tmp_path)


def judge(paths, *, fitted_on, judged, split="folds") -> Evaluation:
    context = StageContext(paths, fold_params(judged, fitted_on, split=split))
    for stage in ("train", "evaluate"):
        load_stage(stage).run(context)
    return Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")


@pytest.mark.parametrize(("fitted_on", "parts"), [("not fold_1", 3), (["fold_2", "fold_3"], 2), ("fold_4", 1)])
def test_a_fold_is_judged_by_a_model_of_others(paths, fitted_on, parts):
    """Some two hundred of eight hundred rows; the card names the folds that the model has seen."""
    found = judge(paths, fitted_on=fitted_on, judged="fold_1")
    assert (found.part, len(found.challenger.parts)) == ("fold_1", parts)
    assert abs(found.rows - DAYS * PER_DAY / 4) < 40


def test_a_second_draw_is_judged_by_itself(paths):
    """Its folds lie in a table of their own."""
    found = judge(paths, fitted_on="not r2_fold_3", judged="r2_fold_3")
    assert found.challenger.parts == ("r2_fold_1", "r2_fold_2", "r2_fold_4")


@pytest.mark.parametrize(
    ("fitted_on", "judged", "split"),
    [
        ("not fold_1", "fold_2", "folds"),
        ("not fold_1", "r2_fold_1", "folds"),  # the other draw's fold holds rows of all of these
        ("train", "fold_1", "by_time"),
    ],
)
def test_rows_that_the_model_has_seen_are_refused(paths, fitted_on, judged, split):
    """Whatever the name of the part that they are judged by."""
    with pytest.raises(EvaluationError, match=f"part {judged} of split folds") as caught:
        judge(paths, fitted_on=fitted_on, judged=judged, split=split)
    assert "on which the challenger was fitted" in caught.value.found
