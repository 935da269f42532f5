"""Measured evidence through the stages of a project: from what `train` and others leave to the exit code of `gate --check`."""

import json
import shutil
from datetime import datetime, timezone

import pytest
import yaml
from promotable_project import CRITERIA
from toy_evidence import judge_toy, make_params, toy_rows, train_toy, write_toy

from flows.cli import main
from flows.verdict_store import write_receipt
from tasks.datasets import hash_file, write_atomically
from tasks.errors import DatasetError, GateError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, MeasuredEvidence, Verdict
from tasks.reporting import verdict_junit, verdict_markdown
from tasks.reporting.page import thresholds_of
from tasks.stages import StageContext, load_stage
from tasks.trial import try_challenger

SMALL = {"measured": "resources", "measure": "model_bytes", "most": 1_000_000, "critical": True}
SERVED = {"measured": "latency", "measure": "p99_ms", "most": 50, "min_count": 1000, "critical": True}


def write_params(paths, **criteria):
    said = make_params(gates={"max_age_days": 7, "criteria": CRITERIA | criteria})
    write_atomically(paths.params, yaml.safe_dump(said.model_dump(mode="json", by_alias=True, exclude_defaults=True)).encode())


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A project that was run to its verdict, which asks how large the model is."""
    paths = ProjectPaths(tmp_path_factory.mktemp("measured"))
    write_params(paths, small=SMALL)
    write_atomically(paths.pin, b"{}")
    write_atomically(paths.root / "dvc.yaml", b"stages: {}")
    params = load_params(paths.params)
    write_toy(paths.root, toy_rows(), about={"pin": hash_file(paths.pin)})
    train_toy(paths, params)
    judge_toy(paths, params)
    return paths.root


@pytest.fixture
def paths(evaluated, tmp_path, monkeypatch):
    """A copy of it."""
    shutil.copytree(evaluated, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return ProjectPaths(tmp_path / "project")


def deliver(paths, value=41.0, **changes):
    """What a later stage leaves of the candidate's latency."""
    evaluation = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")
    inputs = {"models/challenger": evaluation.inputs["models/challenger"], "features": evaluation.inputs["features"]}
    p99 = {"value": value, "low": value - 1, "high": value + 1, "count": 5000, "unit": "ms"}
    told = {"kind": "latency", "inputs": inputs, "confidence": 0.95, "measures": {"p99_ms": p99}} | changes
    write_atomically(paths.evidence_of("latency"), MeasuredEvidence.model_validate(told).to_json().encode())


def judge(paths, **criteria) -> Verdict:
    """Judge by more criteria, and publish."""
    write_params(paths, small=SMALL, **criteria)
    load_stage("gate").run(StageContext(paths, load_params(paths.params)))
    write_receipt(paths, paths, datetime.now(timezone.utc))
    return Verdict.from_json(paths.verdict.read_bytes(), origin="test")


def check() -> int:
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--check"])
    return int(ended.value.code or 0)


def test_evidence_within_its_limits_promotes(paths):
    """What `train` read off, and what another stage measured; each file is bound, and a changed one is stale."""
    deliver(paths)
    verdict = judge(paths, served=SERVED)
    assert (verdict.decision, {"evidence/latency", "evidence/resources"} <= set(verdict.inputs)) == ("promote", True)
    told = {one.name: one.reason for one in verdict.criteria}
    assert told["served"] == "p99_ms 41 ms (40 to 42), at most 50 ms wanted"
    assert "at most 1,000,000 bytes wanted" in told["small"]


@pytest.mark.parametrize(
    ("value", "changes", "expected"),
    [
        (41.0, {}, ("promote", 2)),  # nobody has signed: a rehearsal
        (61.0, {}, ("reject", 1)),
        (50.5, {}, ("inconclusive", 3)),
        (41.0, {"inputs": {"models/challenger": "0" * 64}}, ("not_judged", 2)),
        (41.0, {"measures": {}}, ("not_judged", 2)),
        (None, {}, ("not_judged", 2)),
    ],
)
def test_exit_code_says_what_the_evidence_came_to(paths, value, changes, expected):
    """Through the stage, the receipt and the command that a release flow asks."""
    if value is not None:
        deliver(paths, value, **changes)
    assert (judge(paths, served=SERVED).decision, check()) == expected


def test_evidence_that_was_changed_since_is_refused(paths, capsys):
    """A rejection is told with its unit while it holds; then nothing is."""
    deliver(paths, 61.0)
    judge(paths, served=SERVED)
    assert check() == 1
    assert "served: p99_ms 61 ms (60 to 62), at most 50 ms wanted" in capsys.readouterr().out
    deliver(paths, 49.0)
    assert check() == 2
    assert "another evidence/latency than it was judged on" in capsys.readouterr().err


def test_evidence_that_is_no_record_is_refused(paths):
    """It is named; a verdict that rests on it is not written."""
    write_atomically(paths.evidence_of("latency"), b'{"kind": "latency"')
    with pytest.raises(DatasetError, match=r"data/evidence/latency\.json"):
        judge(paths, served=SERVED)


def test_evidence_by_a_stage_of_other_parameters_is_refused(paths):
    """Of its own stage, of which the evaluation knows nothing."""
    evaluation = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")
    deliver(paths, inputs={"models/challenger": evaluation.inputs["models/challenger"], "params/utility": "0" * 64})
    with pytest.raises(GateError, match=r"latency\.json.*\n.*made with other parameters: utility"):
        judge(paths, served=SERVED)


def test_a_trial_measures_its_own_model(paths):
    """What a tried model takes is its own; other evidence is of the model of the last run, and not of another."""
    write_params(paths, small=SMALL, served=SERVED)
    deliver(paths)
    found = try_challenger(paths, load_params(paths.params), None)
    status = {one.name: one.status for one in found.verdict.criteria}
    assert (status["small"], status["served"]) == ("pass", "pass")
    deliver(paths, inputs={"models/challenger": "0" * 64})
    other = try_challenger(paths, load_params(paths.params), None)
    assert {one.name: one.status for one in other.verdict.criteria}["served"] == "not_judged"


def test_a_number_that_json_cannot_hold_is_none(paths):
    """NaN is written as null, and null is not judged."""
    deliver(paths)
    content = json.loads(paths.evidence_of("latency").read_text())
    content["measures"]["p99_ms"]["value"] = float("nan")
    write_atomically(paths.evidence_of("latency"), json.dumps(content).encode())
    assert {one.name: one.status for one in judge(paths, served=SERVED).criteria}["served"] == "not_judged"


def test_figure_limit_and_unit_are_told_wherever_a_verdict_is(paths):
    """Also where it passes: no column of the table has them."""
    deliver(paths)
    held = judge(paths, served=SERVED)
    assert "41 ms (40 to 42), at most 50 ms wanted" in verdict_markdown(held)
    deliver(paths, 61.0)
    assert "61 ms (60 to 62), at most 50 ms wanted" in verdict_junit(judge(paths, served=SERVED))
    declared = next(found for found in thresholds_of(load_params(paths.params)) if found.name == "served")
    assert (declared.what, declared.bound, declared.min_rows) == ("measured: latency, p99_ms", "at most 50", "a count of 1,000")
