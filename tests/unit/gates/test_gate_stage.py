"""Stage ``gate``: reads reports, writes the verdict, and never fails because of what it says."""

from pathlib import Path

import pytest
from disclosure_reports import write_disclosure
from evidence_records import evaluation, report
from toy_evidence import make_card
from utility_reports import write_utility

from tasks.datasets import hash_file, write_atomically
from tasks.errors import DatasetError, GateError
from tasks.gates import SUBJECTS, exit_code, hash_params
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, Verdict
from tasks.stages import StageContext, load_stage
from tasks.stages.made_with import made_with

PARAMS = load_params(Path(__file__).parents[3] / "params.yaml")
MADE_WITH = {
    name: value
    for address in ("snapshot", "mask", "split@by_time", "features", "train", "evaluate")
    for name, value in made_with(PARAMS, address).items()
}
CERTIFIED = ("snapshots", "masked", "features", "splits/by_time")


@pytest.fixture
def context(tmp_path):
    """A project with everything that a gate reads."""
    paths = ProjectPaths(tmp_path)
    write_atomically(paths.pin, b"{}")
    found = evaluation(inputs={**evaluation().inputs, "pin": hash_file(paths.pin), **MADE_WITH})
    write_atomically(paths.evaluation_report, found.to_json().encode())
    released = {name: found.inputs[name] for name in ("masked", "features")}
    write_disclosure(tmp_path, released | made_with(PARAMS, "disclosure"), PARAMS.masking.limits)
    write_utility(tmp_path, {name: found.inputs[name] for name in CERTIFIED} | made_with(PARAMS, "utility"))
    for subject in SUBJECTS:
        write_atomically(paths.validation_report(subject), examined(subject).to_json().encode())
    return StageContext(paths, PARAMS)


def examined(subject, **changes):
    """A report as the stage ``validate`` leaves it."""
    found = report(subject, **changes)
    return found.model_copy(update={"inputs": found.inputs | made_with(PARAMS, f"validate_{subject}")})


def run(context) -> Verdict:
    load_stage("gate").run(context)
    return Verdict.from_json(context.paths.verdict.read_bytes(), origin="test")


def test_writes_a_verdict_with_its_chain_of_hashes(context):
    """The verdict names the hash of every file that it was read from."""
    found = run(context)
    assert found.inputs["evaluation"] == hash_file(context.paths.evaluation_report)
    files = {f"validation/{subject}" for subject in SUBJECTS} | {"pin", "evaluation", "disclosure", "utility"}
    assert set(found.inputs) == files | set(evaluation().inputs) | set(MADE_WITH)
    assert found.seeds["root"] == PARAMS.seed


def test_equal_evidence_gives_equal_bytes(context):
    """Run again, the verdict is the same to the byte."""
    run(context)
    first = context.paths.verdict.read_bytes()
    run(context)
    assert context.paths.verdict.read_bytes() == first


def test_missing_evidence_is_a_verdict(context):
    """Without the evaluation the stage writes a verdict: not judged."""
    context.paths.evaluation_report.unlink()
    assert run(context).decision == "not_judged"


def test_failed_validation_is_a_verdict(context):
    """A rejection is written and versioned, not an error."""
    write_atomically(context.paths.validation_report("splits"), examined("splits", is_passed=False).to_json().encode())
    found = run(context)
    assert (found.decision, "validation of splits failed" in found.reason) == ("reject", True)


def test_data_that_is_not_released_is_not_judged(context):
    """The verdict names the limit, the columns and the proposal, and promotes nothing."""
    inputs = {name: evaluation().inputs[name] for name in ("masked", "features")} | made_with(PARAMS, "disclosure")
    write_disclosure(context.paths.root, inputs, PARAMS.masking.limits, exceeded=("k: 3.00% of people stand alone",))
    found = run(context)
    assert (found.decision, exit_code(found.decision)) == ("not_judged", 2)
    told = next(outcome.reason for outcome in found.criteria if outcome.name == "privacy")
    assert "k: 3.00% of people stand alone" in told
    assert "people.zip: {transform: generalise, keep_prefix: 2}" in told


def test_without_a_disclosure_report_nothing_is_judged(context):
    """Nothing examined is never a low risk."""
    context.paths.disclosure_report.unlink()
    assert run(context).decision == "not_judged"


def test_risk_of_other_data_is_not_that_of_this(context):
    """A report on yesterday's features does not release today's."""
    write_disclosure(context.paths.root, {"masked": "x", "features": "y"} | made_with(PARAMS, "disclosure"), PARAMS.masking.limits)
    found = run(context)
    (told,) = [criterion.reason for criterion in found.criteria if criterion.name == "privacy"]
    assert (found.decision, "of other data than was evaluated" in told) == ("not_judged", True)


@pytest.mark.parametrize("outcome", ["fails", "cannot_tell", None])
def test_without_a_certificate_that_holds_nothing_is_judged(context, outcome):
    """The ranking of models does not survive masking, or nobody knows."""
    context.paths.utility_report.unlink()
    if outcome is not None:
        certified = {name: evaluation().inputs[name] for name in CERTIFIED}
        write_utility(context.paths.root, certified | made_with(PARAMS, "utility"), outcome)
    found = run(context)
    (told,) = [criterion for criterion in found.criteria if criterion.name == "utility"]
    assert (found.decision, told.status, "utility certificate" in told.reason) == ("not_judged", "not_judged", True)


def test_an_unreadable_report_is_an_error_and_no_verdict(context):
    """A half-written report is neither passed nor missing."""
    context.paths.validation_report("raw").write_text("{")
    with pytest.raises(DatasetError):
        run(context)
    assert not context.paths.verdict.exists()


def test_evaluation_of_another_pin_is_refused(context):
    """Figures of other data than was pinned are not judged."""
    write_atomically(context.paths.pin, b"{} ")
    with pytest.raises(GateError, match="pinned otherwise"):
        run(context)


@pytest.mark.parametrize(
    "changes",
    [
        {"split": "by_aircraft"},
        {"part": "validation"},
        {"confidence": 0.5},
        {"replicates": 100},
        {"champion": None},
        {"weight": "fare"},
        {"task": "regression"},
    ],
)
def test_evaluation_under_other_parameters_is_refused(context, changes):
    """Figures of another part, narrower intervals or a champion that is gone are not those that params.yaml asks for."""
    stored = Evaluation.from_json(context.paths.evaluation_report.read_bytes(), origin="test")
    write_atomically(context.paths.evaluation_report, stored.model_copy(update=changes).to_json().encode())
    with pytest.raises(GateError, match=next(iter(changes))):
        run(context)
    assert not context.paths.verdict.exists()


def test_evaluation_with_a_champion_that_params_no_longer_name_is_refused(context):
    """Without models.champion the verdict is a rubber stamp, which these figures are not."""
    models = PARAMS.models.model_copy(update={"champion": None})
    with pytest.raises(GateError, match="champion one"):
        run(StageContext(context.paths, PARAMS.model_copy(update={"models": models})))


def test_params_hash_leaves_out_when_data_is_refreshed(context):
    """Another schedule is the same verdict; another margin is another."""
    first = run(context)
    refresh = PARAMS.refresh.model_copy(update={"keep": PARAMS.refresh.keep + 1})
    other_schedule = StageContext(context.paths, PARAMS.model_copy(update={"refresh": refresh}))
    assert run(other_schedule) == first
    assert hash_params(PARAMS.model_copy(update={"seed": PARAMS.seed + 1})) != first.params_hash == hash_params(PARAMS)


@pytest.mark.parametrize("stage", ["train", "mask", "split@by_time", "snapshot"])
def test_evaluation_by_other_parameters_is_refused(context, stage):
    """Params.yaml was edited between two stages: the model was not made by what the verdict would be bound to."""
    path = context.paths.evaluation_report
    found = Evaluation.from_json(path.read_bytes(), origin="test")
    for told in ("0" * 64, None):
        inputs = found.inputs | {f"params/{stage}": told} if told else {k: v for k, v in found.inputs.items() if stage not in k}
        write_atomically(path, found.model_copy(update={"inputs": inputs}).to_json().encode())
        with pytest.raises(GateError, match=f"made with other parameters: {stage}"):
            run(context)
    assert not context.paths.verdict.exists()


def test_report_by_other_parameters_is_refused(context):
    """Also one of before they were kept."""
    write_atomically(context.paths.validation_report("raw"), report("raw").to_json().encode())
    with pytest.raises(GateError, match="made with other parameters: validate_raw"):
        run(context)


def test_evaluation_of_another_model_than_lies_here_is_refused(context):
    """The challenger was trained anew, and its evaluation refused: the figures that still lie there are the last one's."""
    write_atomically(context.paths.models / "challenger.json", make_card("by_time").to_json().encode())
    with pytest.raises(GateError, match="another model than lies in data/models"):
        run(context)
