"""A verdict holds while it is what its evidence comes to; whatever was edited, forged or swapped is found and named."""

import json
import shutil
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from toy_evidence import judge_toy, make_params, toy_rows, train_toy, write_toy

from tasks.datasets import DatasetWriter, hash_file, read_manifest, read_table, write_atomically
from tasks.errors import GateError
from tasks.gates import make_receipt
from tasks.params.judging import GatesParams
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, ValidationReport, Verdict, Verification
from tasks.stages import StageContext, load_stage
from tasks.stages.gate import judge_project
from tasks.stages.looking import pay_look
from tasks.validation.suites import hash_contents
from tasks.verification import check_figures, check_hashes

NOW = datetime(2020, 3, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A project that was run to its verdict."""
    root, params = tmp_path_factory.mktemp("judged"), make_params()
    pin = ProjectPaths(root).pin
    write_atomically(pin, b"{}")
    paths = write_toy(root, toy_rows(), about={"pin": hash_file(pin)})
    train_toy(paths, params)
    judge_toy(paths, params)
    return root


@pytest.fixture
def project(judged, tmp_path):
    """A copy of it to tamper with."""
    shutil.copytree(judged, tmp_path / "project")
    return StageContext(ProjectPaths(tmp_path / "project"), make_params())


def receipt_of(context):
    """The receipt that publishing writes."""
    content = context.paths.verdict.read_bytes()
    inputs = Verdict.from_json(content, origin="test").inputs
    look = pay_look(context.paths, context.params, candidate=inputs["models/challenger"], holdout=inputs["holdout"])
    return make_receipt(content, actor="ada", host="h", environment={}, now=NOW, max_age_days=7, look=look)


def verify(context, receipt=None):
    """All checks; the receipt is made for whatever lies there, as a forger would."""
    content = context.paths.verdict.read_bytes()
    checks = check_hashes(context, content, receipt or receipt_of(context)) + check_figures(context, content)
    return Verification(checks=checks)


def named(found):
    return {check.what for check in found.checks if check.status == "does_not_hold"}


def rewrite_predictions(paths, change):
    """Write the predictions anew with ``change`` applied: bytes, manifest and hashes all agree."""
    manifest = read_manifest(paths.predictions, made_by="evaluate")
    rows = change(read_table(paths.predictions, manifest, "predictions"))
    shutil.rmtree(paths.predictions)
    with DatasetWriter(paths.predictions, "predictions") as writer:
        writer.write(manifest.tables["predictions"].partitions[0].path, "forged", rows, ("row_key",))
        return writer.finish(manifest.about).logical_hash


def replace_column(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, values)


def test_untouched_verdict_holds(project):
    """Every hash, every score, every figure and the verdict itself; nothing is written."""
    receipt = receipt_of(project)
    before = {file: file.read_bytes() for file in project.paths.root.rglob("*") if file.is_file()}
    found = verify(project, receipt)
    assert found.outcome == "holds", found
    whats = {check.what for check in found.checks}
    assert {"predictions", "features", "masked", "splits/by_time", "snapshots", "models/challenger", "figures", "verdict"} <= whats
    assert {file: file.read_bytes() for file in project.paths.root.rglob("*") if file.is_file()} == before


def test_hand_edited_verdict_is_found(project):
    """A decision and its outcomes turned by hand, with a receipt made for them."""
    path = project.paths.verdict
    content = json.loads(path.read_text())
    for outcome in content["criteria"]:
        outcome["margin"] = 0.5 if outcome["margin"] is not None else None
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    found = verify(project)
    assert named(found) == {"verdict"}
    assert "criteria/1/margin" in next(c.reason for c in found.checks if c.what == "verdict")


def test_verdict_without_its_receipt_does_not_hold(project):
    """Edited after it was judged: no receipt is of these bytes."""
    receipt = receipt_of(project)
    path = project.paths.verdict
    path.write_text(path.read_text().replace('"promote"', '"reject"', 1))
    assert "receipt" in named(verify(project, receipt))
    content = path.read_bytes()
    assert "receipt" in named(Verification(checks=check_hashes(project, content, None)))


def bind_suite(project):
    """A suite of raw data, and a report and a verdict that are of it."""
    suite = project.paths.expectations / "raw" / "t.json"
    entry = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}
    write_atomically(suite, json.dumps({"name": "t", "expectations": [entry]}).encode())
    path = project.paths.validation_report("raw")
    found = ValidationReport.from_json(path.read_bytes(), origin="test")
    path.write_text(found.model_copy(update={"suites_hash": hash_contents(suite.parent)}).to_json())
    load_stage("gate").run(project)
    return suite


def test_weakened_suite_is_found(project):
    """After the verdict: what was expected of the data is not what lies there; nor are suites that were put beside it."""
    suite = bind_suite(project)
    assert verify(project).outcome == "holds"
    suite.write_text(suite.read_text().replace('"id"}', '"id", "mostly": 0.1}'))
    assert named(verify(project)) == {"expectations/raw", "verdict"}
    suite.unlink()
    assert "expectations/raw" in named(verify(project))


def test_suite_in_nobodys_form_is_found(project):
    """It does not hold, and is named; no traceback."""
    bind_suite(project).write_text("{")
    assert "expectations" in named(verify(project))


def test_report_by_other_suites_is_not_judged(project):
    """Weakened for the report and restored for the verdict: the stage refuses, and asks for the report anew."""
    suite = bind_suite(project)
    suite.write_text(suite.read_text().replace('"id"', '"key"'))
    with pytest.raises(GateError, match="a report by other expectations"):
        load_stage("gate").run(project)


def test_forged_commit_is_found(project):
    """Better figures written into the evaluation, judged, and committed: every hash agrees, and the figures do not."""
    path = project.paths.evaluation_report
    found = Evaluation.from_json(path.read_bytes(), origin="test")
    better = tuple(c.model_copy(update={"challenger": 0.99}) for c in found.comparisons)
    path.write_text(found.model_copy(update={"comparisons": better}).to_json())
    load_stage("gate").run(project)
    checked = verify(project)
    assert named(checked) == {"figures"}
    assert "comparisons/0/challenger" in next(c.reason for c in checked.checks if c.what == "figures")


def test_predictions_of_another_model_are_found(project):
    """The label as score, evaluated and judged with every hash in order: the stored model scores otherwise."""

    def leak(rows):
        label = rows.column("label").cast(pa.float64())
        return replace_column(rows, "challenger_score", pc.add(pc.multiply(label, 0.98), 0.01))

    paths = project.paths
    forged = rewrite_predictions(paths, leak)
    evaluation = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test")
    renamed = evaluation.model_copy(update={"inputs": evaluation.inputs | {"predictions": forged}})
    paths.evaluation_report.write_text(renamed.to_json())
    load_stage("gate").run(project)
    found = verify(project)
    assert {"predictions of the models", "figures"} <= named(found)
    reason = next(c.reason for c in found.checks if c.what == "predictions of the models")
    assert "challenger_score differs in 240 of 240 rows" in reason


@pytest.mark.parametrize(
    "change", [lambda rows: rows.drop_columns(["challenger_score"]), lambda rows: rows.slice(10)], ids=["columns", "rows"]
)
def test_predictions_of_other_rows_or_columns_are_found(project, change):
    """Hard rows left out, or a column taken away."""
    rewrite_predictions(project.paths, change)
    assert {"predictions", "predictions of the models"} <= named(verify(project))


def test_own_metrics_drift_and_claims_are_made_again(tmp_path):
    """A metric of the user's own, a cost, drift and a claim to be better: whole, and not where the function's file was edited."""
    source = (
        "import numpy as np\n\n\ndef gain(label, score, weight):\n    return np.average((score > 0.5) == label, weights=weight)\n"
    )
    (tmp_path / "gain.py").write_text(source)
    own = {"function": "gain", "file": "gain.py", "sha256": hash_file(tmp_path / "gain.py"), "direction": "higher_is_better"}
    asked = make_params()
    evaluation = asked.evaluation.model_dump() | {"metrics": ["gain", "cost@0.3"], "slices": [], "functions": {"gain": own}}
    evaluation |= {"costs": {"false_positive": 1, "false_negative": 3}}
    test = {"min_rows": 10, "critical": True}
    criteria = {
        "validation": {"evidence": "validation", "critical": True},
        "gain": {"metric": "gain", "better_by": 0, **test},
        "cost": {"metric": "cost@0.3", "margin": 0.5, **test},
        "stable": {"drift": "psi", "most": 5.0, **test},
    }
    gates = {"max_age_days": 7, "criteria": criteria}
    params = type(asked).model_validate(asked.model_dump(by_alias=True) | {"evaluation": evaluation, "gates": gates})
    write_atomically(ProjectPaths(tmp_path).pin, b"{}")
    paths = write_toy(tmp_path, toy_rows(), about={"pin": hash_file(ProjectPaths(tmp_path).pin)})
    train_toy(paths, params)
    judge_toy(paths, params)
    context = StageContext(paths, params)
    verdict = Verdict.from_json(paths.verdict.read_bytes(), origin="test")
    told = {one.name: one for one in verdict.criteria}
    assert {"gain", "cost", "stable"} <= set(told)
    assert told["gain"].noise_floor is not None
    assert "noise floor" in told["gain"].reason
    assert named(verify(context)) == set()
    (tmp_path / "gain.py").write_text(source.replace("> 0.5", "> 0.6"))
    assert {"figures", "verdict"} <= named(verify(context))


def test_swapped_split_is_found(project):
    """Another split's assignments under this one's name."""
    paths = project.paths
    shutil.rmtree(paths.split("by_time"))
    shutil.copytree(paths.split("by_buyer"), paths.split("by_time"))
    found = verify(project)
    assert {"splits/by_time", "judged rows"} & named(found)
    assert "splits/by_time" in named(found)


def test_swapped_model_is_found(project):
    """Another challenger under this one's name."""
    other = make_params(models={"challenger": {"estimator": "sklearn.dummy.DummyClassifier", "split": "by_time", "part": "train"}})
    train_toy(project.paths, other)
    assert {"models/challenger"} <= named(verify(project))


@pytest.mark.parametrize(
    ("folder", "named_as"),
    [
        ("data/features", "features"),
        ("data/masked", "masked"),
        ("data/predictions", "predictions"),
        ("data/splits/by_time", "splits/by_time"),
    ],
)
def test_changed_bytes_are_found(project, folder, named_as):
    """One byte of one partition."""
    file = sorted((project.paths.root / folder).rglob("*.parquet"))[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert named_as in named(verify(project))


def test_changed_report_and_pin_are_found(project):
    """A validation report, a pin, and a report that was taken away."""
    paths = project.paths
    receipt = receipt_of(project)
    paths.validation_report("raw").write_text(paths.validation_report("raw").read_text().replace("toy", "yot"))
    paths.pin.write_text("{ }")
    paths.validation_report("masked").unlink()
    content = paths.verdict.read_bytes()
    assert named(Verification(checks=check_hashes(project, content, receipt))) == {"validation/raw", "validation/masked", "pin"}


def test_changed_evidence_is_found(project):
    """What was measured of the challenger: edited, taken away, or added since."""
    paths = project.paths
    receipt, content, file = receipt_of(project), paths.verdict.read_bytes(), paths.evidence_of("resources")
    kept = file.read_bytes()
    write_atomically(paths.evidence_of("latency"), kept)
    write_atomically(file, kept.replace(b'"features"', b'"feature"'))
    both = {"evidence/resources", "evidence/latency"}
    assert named(Verification(checks=check_hashes(project, content, receipt))) == both
    file.unlink()
    gone = check_hashes(project, content, receipt)
    assert named(Verification(checks=gone)) == both
    assert "data/evidence/resources.json is not there" in next(c.reason for c in gone if c.what == "evidence/resources")


def test_changed_criterion_is_found(project):
    """Other parameters than those it was judged by."""
    criteria = {
        "validation": {"evidence": "validation", "critical": True},
        "ranking": {"metric": "roc_auc", "margin": 0.9, "min_rows": 10, "critical": True},
    }
    other = StageContext(project.paths, make_params(gates={"max_age_days": 7, "criteria": criteria}))
    assert {"parameters", "policy", "verdict"} <= named(verify(other, receipt_of(project)))


def test_missing_data_could_not_be_checked(project):
    """A clone without data: never a pass, and the next step is named."""
    for folder in (project.paths.features, project.paths.predictions, project.paths.models):
        shutil.rmtree(folder)
    found = verify(project)
    assert found.outcome == "not_checked"
    unchecked = {check.what for check in found.checks if check.status == "not_checked"}
    assert {"features", "predictions", "models/challenger", "figures"} <= unchecked
    assert any("dvc pull" in check.reason for check in found.checks)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_no_verdict_does_not_hold(project, content):
    """Bytes that are none."""
    assert named(Verification(checks=check_hashes(project, content, None))) == {"verdict"}


def restamp(path, part, name, value):
    """Say in a JSON file that it was made with other parameters."""
    content = json.loads(path.read_text())
    content[part][name] = value
    write_atomically(path, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("path", "part", "name", "what"),
    [
        ("data/features/manifest.json", "about", "params/features", "features"),
        ("data/models/challenger.json", "made_with", "params/train", "models/challenger"),
        ("data/splits/by_time/manifest.json", "about", "params/split@by_time", "splits/by_time"),
        ("data/masked/manifest.json", "about", "params/snapshot", "masked"),
    ],
)
def test_data_or_model_by_other_parameters_is_found(project, path, part, name, what):
    """The verdict names the parameters of each stage; what lies here was made with others."""
    restamp(project.paths.root / path, part, name, "0" * 64)
    found = Verification(checks=check_hashes(project, project.paths.verdict.read_bytes(), receipt_of(project)))
    assert named(found) == {what}
    assert name in next(check.reason for check in found.checks if check.what == what)


def test_verdict_by_stages_of_other_parameters_is_found(project):
    """A model was trained before params.yaml was edited, and judged after: its own hash tells."""
    restamp(project.paths.verdict, "inputs", "params/train", "0" * 64)
    found = Verification(checks=check_hashes(project, project.paths.verdict.read_bytes(), receipt_of(project)))
    assert {"parameters of each stage", "models/challenger"} <= named(found)
    assert "train" in next(check.reason for check in found.checks if check.what == "parameters of each stage")


def test_verdict_of_before_parameters_were_kept_by_stage_is_not_held(project):
    """It is read, and nobody can say of it what made its model: judge again."""
    content = json.loads(project.paths.verdict.read_text())
    content["inputs"] = {name: value for name, value in content["inputs"].items() if not name.startswith("params/")}
    write_atomically(project.paths.verdict, json.dumps(content).encode())
    checks = check_hashes(project, project.paths.verdict.read_bytes(), receipt_of(project))
    told = next(check for check in checks if check.what == "parameters of each stage")
    assert (told.status, "judge again" in told.reason) == ("not_checked", True)


def test_verdict_of_before_outcomes_named_their_seed_holds(project):
    """The seed is among its seeds; one that names another in an outcome does not hold."""
    content = json.loads(project.paths.verdict.read_text())
    named_seed = [outcome for outcome in content["criteria"] if outcome["seed"] is not None]
    assert {outcome["seed"] for outcome in named_seed} == {content["seeds"]["evaluation"]}
    for outcome in named_seed:
        del outcome["seed"]

    def check():
        return next(one for one in check_figures(project, json.dumps(content).encode()) if one.what == "verdict")

    assert check().status == "holds"
    named_seed[0]["seed"] = 1
    assert (check().status, "/seed" in check().reason) == ("does_not_hold", True)


@pytest.fixture
def undecided(project):
    """A verdict, as JSON, with drift and a gap that is too wide to tell, critical both; and its check, by those criteria."""
    asked = project.params.gates.model_dump(mode="json")
    asked["criteria"] |= {
        "world": {"drift": "psi", "most": 5.0, "min_rows": 10, "critical": True},
        "near": {"drift": "psi", "most": 0.078, "min_rows": 10, "features": ["day"], "critical": True},
        "fair": {"parity": "brier", "slice": "shop", "gap": 0.001, "min_rows": 10, "critical": True, "confidence": 0.8},
    }
    params = project.params.model_copy(update={"gates": GatesParams.model_validate(asked)})
    context = StageContext(project.paths, params)
    content = json.loads(judge_project(context).to_json())

    def check():
        return next(one for one in check_figures(context, json.dumps(content).encode()) if one.what == "verdict")

    return content, check


def test_verdict_of_before_drift_and_gaps_said_what_they_wait_for_holds(undecided):
    """As 30d8415 wrote it: no method and rows of drift, no rows that would decide, and shorter reasons, in the sentence too."""
    content, check = undecided
    assert check().status == "holds"
    found = {outcome["name"]: outcome for outcome in content["criteria"]}
    assert [found[name]["status"] for name in ("world", "near", "fair")] == ["pass", "inconclusive", "inconclusive"]
    for name in ("near", "fair"):
        shorter = found[name]["reason"].partition("; ")[0]
        assert shorter != found[name]["reason"]
        for told in (content, content["later_looks"]):
            told["reason"] = told["reason"].replace(found[name]["reason"], shorter)
        found[name]["reason"] = shorter
    for name in ("world", "near"):
        found[name] |= dict.fromkeys(("method", "n", "min_rows", "rows_to_decide", "days_to_decide"))
    assert check().status == "holds"


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("world", {"reason": "no feature drifted"}, "/reason"),
        ("world", {"n": 241}, "/n"),
        ("fair", {"reason": "the gap is narrow"}, "/reason"),
        ("fair", {"rows_to_decide": None}, "/rows_to_decide"),
        ("fair", {"n": None}, "/n"),
    ],
)
def test_other_words_and_figures_than_of_before_do_not_hold(undecided, name, changes, told):
    """A figure, a status, and a reason that is not how today's begins: none of them is what an older verdict would say."""
    content, check = undecided
    next(outcome for outcome in content["criteria"] if outcome["name"] == name).update(changes)
    assert (check().status, told in check().reason) == ("does_not_hold", True)


def test_verdict_of_before_later_looks_does_not_hold(project):
    """Judged again it says what a later look comes to; it says nothing of that, so it is another verdict."""
    content = json.loads(project.paths.verdict.read_text())
    del content["later_looks"]
    told = next(check for check in check_figures(project, json.dumps(content).encode()) if check.what == "verdict")
    assert (told.status, "later_looks" in told.reason) == ("does_not_hold", True)
