"""Bad rows and bad criteria from a project's files to an exit code: stages as ``python -m tasks`` runs them, and never a pass."""

import signal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from toy_evidence import log_of, make_params, replaced, toy_rows, train_toy, write_toy

import tasks.__main__ as runner
from tasks.datasets import hash_file, read_manifest, write_atomically
from tasks.params import load_params
from tasks.records import ValidationReport, Verdict
from tasks.stages import StageContext, load_stage
from tasks.stages.made_with import made_with

ROWS = toy_rows()
IS_TEST = pc.equal(ROWS["part"], "test")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Write a project up to ``train``, run ``evaluate`` and ``gate``: the exit code, what was said, and the verdict, if any."""
    before = signal.getsignal(signal.SIGTERM)

    def run_stages(rows=ROWS, *, log=None, edit=None, is_trained=True, **changes):
        params = make_params(**changes)
        write_atomically(tmp_path / "data/pin.json", b"{}")
        paths = write_toy(tmp_path, rows, log=log, about={"pin": hash_file(tmp_path / "data/pin.json")})
        if is_trained:
            train_toy(paths, params)
        content = params.model_dump(mode="json", exclude_unset=True)
        if edit is not None:
            edit(content)
        (tmp_path / "tasks/stages").mkdir(parents=True)  # a clone, which needs no version lock
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        codes = [runner.main(["evaluate"])]
        if codes == [0]:
            _report_on_predictions(paths, load_params(tmp_path / "params.yaml"))
            load_stage("gate").run(StageContext(paths, load_params(tmp_path / "params.yaml")))
        verdict = Verdict.from_json(paths.verdict.read_bytes(), origin="test") if paths.verdict.exists() else None
        return codes[0], " ".join(capsys.readouterr().err.split()), verdict

    yield run_stages
    signal.signal(signal.SIGTERM, before)


def _report_on_predictions(paths, params):
    predictions = read_manifest(paths.predictions, made_by="evaluate").logical_hash
    about = ValidationReport.from_json(paths.validation_report("features").read_bytes(), origin="test")
    examined = {"predictions": predictions} | made_with(params, "validate_predictions")
    report = about.model_copy(update={"subject": "predictions", "inputs": examined})
    write_atomically(paths.validation_report("predictions"), report.to_json().encode())


def test_sound_rows_are_judged(run):
    """What is changed below is all that stands in their way."""
    code, said, verdict = run()
    assert code == 0, said
    assert (code, verdict.decision) == (0, "promote")


def _scored(value):
    """The champion's log with ``value`` as one score."""
    scores = ROWS["score"].to_numpy().copy()
    scores[-1] = value
    return replaced(log_of(ROWS), "score", pa.chunked_array([scores]))


def _labelled(values):
    return replaced(ROWS, "label", pc.if_else(IS_TEST, pa.scalar(values, pa.int8()), ROWS["label"]))


def _of_one_class(rows):
    """All of the judged rows of the shop north with one label."""
    is_north = pc.and_(IS_TEST, pc.equal(rows["shop"], "north"))
    return replaced(rows, "label", pc.if_else(is_north, pa.scalar(1, pa.int8()), rows["label"]))


def _weighing(values):
    return {"rows": ROWS.append_column("weight", pa.array(values, pa.float64())), "weight": "weight"}


REFUSED = {
    "a NaN score": ({"log": _scored(np.nan)}, "1 that are NaN or infinite, of 240 rows"),
    "an infinite score": ({"log": _scored(np.inf)}, "1 that are NaN or infinite, of 240 rows"),
    "a probability above 1": ({"log": _scored(1.5)}, "1 outside 0 to 1, of 240 rows"),
    "constant labels": ({"rows": _labelled(1)}, "240 rows with a label and both scores, 240 of them positive"),
    "labels that nobody knows yet": ({"rows": _labelled(None)}, "of 240 rows 0 have a label"),
    "a row that was scored twice": ({"log": pa.concat_tables([log_of(ROWS), log_of(ROWS).slice(790)])}, "10"),
    "a champion that scored other rows": ({"log": log_of(ROWS).filter(pc.invert(IS_TEST))}, "none of these a score"),
    "weights of zero": (_weighing(np.zeros(800)), "0 in each row of the part"),
    "a NaN weight": (_weighing(np.where(np.arange(800) == 799, np.nan, 1)), "1 of 240 rows of the part where it is NULL, NaN"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_nothing_can_be_judged_on_are_exit_2(run, case):
    """One message with counts, and no verdict."""
    changes, found = REFUSED[case]
    code, said, verdict = run(**changes)
    assert (code, verdict) == (2, None)
    assert found in said
    assert "next:" in said


def _criterion(content, **changes):
    content["gates"]["criteria"]["ranking"].update(changes)


MEANT = {
    "an unknown metric": (lambda content: content["evaluation"].update(metrics=["roc_auc", "roc_auk"]), "roc_auk"),
    "a criterion on an unknown metric": (lambda content: _criterion(content, metric="f9"), "'f9' is not in evaluation.metrics"),
    "a criterion on an unknown slice": (
        lambda content: _criterion(content, slice="colour"),
        "'colour' is not in evaluation.slices",
    ),
    "no criteria": (lambda content: content["gates"].update(criteria={}), "at least 1 item"),
}


@pytest.mark.parametrize("case", MEANT)
def test_criteria_that_ask_for_what_there_is_not_are_exit_2(run, case):
    """Refused before a row is judged, and named."""
    edit, found = MEANT[case]
    code, said, verdict = run(edit=edit, is_trained=case == "an unknown metric")
    assert (code, verdict) == (2, None)
    assert found in said


def test_a_slice_of_one_class_is_a_verdict_that_promotes_nothing(run):
    """Its ranking has no meaning: not judged, by name."""
    code, said, verdict = run(_of_one_class(ROWS), edit=lambda content: _criterion(content, slice="shop"))
    assert (code, verdict.decision) == (0, "not_judged"), said
    assert "undefined" in {outcome.name: outcome for outcome in verdict.criteria}["ranking[north]"].reason


def test_a_slice_whose_rows_weigh_nothing_promotes_nothing(run):
    """Rows that count for nothing are no evidence."""
    weights = np.where(np.array(ROWS["shop"].to_pylist()) == "north", 0.0, 1.0)
    code, said, verdict = run(**_weighing(weights), edit=lambda content: _criterion(content, slice="shop"))
    assert (code, verdict.decision) == (0, "not_judged"), said


def test_rows_that_one_of_the_models_has_no_score_of_are_left_out_and_counted(run):
    """Both are judged on identical rows, and the record says how many those were not."""
    code, said, verdict = run(log=log_of(ROWS).filter(pc.or_(pc.invert(IS_TEST), pc.less(ROWS["buyer"], "b20"))))
    assert code == 0, said
    (ranking,) = (outcome for outcome in verdict.criteria if outcome.name == "ranking")
    assert ranking.n == pc.sum(pc.and_(IS_TEST, pc.less(ROWS["buyer"], "b20"))).as_py() < 240
