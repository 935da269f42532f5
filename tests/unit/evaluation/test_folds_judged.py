"""Folds in turn: fitted on all but one, judged on that one, and never on a row that the model has seen."""

import pyarrow as pa
import pytest
from toy_evidence import DAYS, PER_DAY, make_params, toy_rows, write_reports, write_toy

from tasks.datasets import DatasetWriter, write_atomically
from tasks.errors import EvaluationError
from tasks.params.splits import KFoldSplit
from tasks.records import Evaluation, ValidationReport
from tasks.splits import assign_to_folds
from tasks.stages import StageContext, load_stage

FOLDS = {"kind": "kfold", "k": 4, "repeats": 2, "salt": "v1", "why": "toy"}


@pytest.fixture
def paths(tmp_path):
    """The toy with folds, drawn twice, that were examined."""
    rows = toy_rows()
    made = write_toy(tmp_path, rows)
    found = assign_to_folds(None, rows["order_id"].combine_chunks(), KFoldSplit.model_validate(FOLDS), "folds", 1)
    with DatasetWriter(made.split("folds"), "folds") as writer:
        days = rows["placed_utc"].cast(pa.date32()).to_pylist()
        for table, parts in found.items():
            assigned = pa.table({"row_key": rows["order_id"], "part": parts})
            for day in sorted(set(days)):
                chosen = assigned.filter(pa.array([each == day for each in days]))
                writer.write(f"{table}/day={day}/part-0.parquet", "", chosen, ("row_key",))
        manifest = writer.finish({"split": "folds", "snapshots": "s"})
    write_reports(made)
    path = made.validation_report("splits")
    report = ValidationReport.from_json(path.read_bytes(), origin="splits")
    report = report.model_copy(update={"inputs": {**report.inputs, "splits/folds": manifest.logical_hash}})
    write_atomically(path, report.to_json().encode())
    return made


def judge(paths, *, fitted_on, judged, split="folds") -> Evaluation:
    base = make_params()
    content = base.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["splits"]["folds"] = FOLDS
    content["evaluation"] |= {"split": "folds", "part": judged}
    content["models"]["challenger"] |= {"split": split, "part": fitted_on}
    context = StageContext(paths, type(base).model_validate(content))
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
