"""A verdict may be acted upon while all that it is bound to lies as it was: `gate --check`, `approve` and `promote` ask."""

import json
import shutil
from datetime import datetime, timezone

import pytest
import yaml
from promotable_project import CRITERIA
from small_project import call
from toy_evidence import judge_toy, make_params, toy_rows, train_toy, write_toy

from flows.verdict_checks import check_stored
from flows.verdict_store import find_verdict, receipt_path, write_receipt
from tasks.datasets import hash_file, write_atomically
from tasks.errors import GateError
from tasks.gates import make_receipt
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Receipt
from tasks.stages import environment

NOW = datetime(2020, 3, 1, tzinfo=timezone.utc)
HERE = "data/verdict.json"


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A project that was run to its verdict, which promotes, and its receipt."""
    paths = ProjectPaths(tmp_path_factory.mktemp("judged"))
    params = make_params(gates={"max_age_days": 7, "criteria": CRITERIA})
    said = params.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    write_atomically(paths.params, yaml.safe_dump(said).encode())
    write_atomically(paths.pin, b"{}")
    params = load_params(paths.params)
    write_toy(paths.root, toy_rows(), about={"pin": hash_file(paths.pin)})
    train_toy(paths, params)
    judge_toy(paths, params)
    write_receipt(paths, paths, NOW)
    return paths.root


@pytest.fixture
def paths(judged, tmp_path):
    """A copy of it to tamper with."""
    shutil.copytree(judged, tmp_path / "project")
    return ProjectPaths(tmp_path / "project")


def check(paths, name=HERE):
    return check_stored(find_verdict(paths.root, name), NOW)


def append(path, data=b"\n"):
    with path.open("ab") as stream:
        stream.write(data)


def one_of(folder):
    return sorted(folder.rglob("*.parquet"))[0]


def edit_params(paths):
    path = paths.params
    path.write_text(path.read_text().replace("replicates: 100", "replicates: 101"))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


TAMPERED = {
    "model": (lambda paths: append(paths.models / "challenger.skops", b"garbage"), "models/challenger"),
    "card": (lambda paths: (paths.models / "challenger.json").write_text("{}"), "models/challenger"),
    "evaluation": (lambda paths: append(paths.evaluation_report), "another evaluation than"),
    "no evaluation": (lambda paths: paths.evaluation_report.unlink(), "another evaluation than it was judged on, or none"),
    "report": (lambda paths: append(paths.validation_report("raw")), "another validation/raw"),
    "measured": (lambda paths: append(paths.evidence_of("resources")), "another evidence/resources"),
    "nothing measured": (lambda paths: paths.evidence_of("resources").unlink(), "another evidence/resources than it was judged on"),
    "measured since": (lambda paths: write_atomically(paths.evidence_of("latency"), b"{}"), "another evidence/latency"),
    "predictions": (lambda paths: truncate(one_of(paths.predictions)), "other predictions"),
    "split": (lambda paths: one_of(paths.split("by_time")).unlink(), "other splits/by_time"),
    "features": (lambda paths: append(one_of(paths.features)), "other features"),
    "masked": (lambda paths: append(one_of(paths.masked)), "other masked"),
    "pin": (lambda paths: append(paths.pin), "another pin"),
    "parameters": (edit_params, "other parameters"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_verdict_is_stale_once_what_it_is_bound_to_changed(paths, what):
    """Each is named, and nothing is released."""
    tamper, told = TAMPERED[what]
    assert check(paths) == "promote"
    tamper(paths)
    with pytest.raises(GateError, match=told):
        check(paths)


def test_data_that_is_elsewhere_keeps_no_verdict_from_being_acted_upon(paths):
    """A release flow has what Git holds; what lies there is held against the verdict, the rest by `verify`."""
    for folder in (paths.features, paths.masked, paths.models, paths.predictions, paths.splits):
        shutil.rmtree(folder)
    assert check(paths) == "promote"


def test_copy_of_a_verdict_is_held_against_the_checkout(paths, tmp_path):
    """A file that was copied elsewhere skips nothing: parameters and pin are those that lie here."""
    copy = tmp_path / "copy.json"
    shutil.copy(paths.verdict, copy)
    assert check(paths, str(copy)) == "promote"
    edit_params(paths)
    with pytest.raises(GateError, match="other parameters"):
        check(paths, str(copy))


def test_verdict_by_other_packages_is_stale(paths, monkeypatch):
    """The package is named with both versions, Python's minor number too."""
    monkeypatch.setattr(environment, "judging_environment", lambda: environment_of(paths) | {"numpy": "0.1", "python": "3.99"})
    with pytest.raises(GateError, match=r"numpy [\d.]+, here 0\.1, python 3\.\d+, here 3\.99") as caught:
        check(paths)
    assert "dvc repro --force" in caught.value.next_step


def environment_of(paths):
    return json.loads(paths.verdict.read_text())["environment"]


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("environment", "does not name the packages"),
        ("inputs", "of which it names none: evaluate, features, mask"),
    ],
)
def test_verdict_of_before_it_was_bound_so_far_is_judged_again(paths, taken, told):
    """It is read, and promotes nothing."""
    content = json.loads(paths.verdict.read_text())
    content[taken] = {name: value for name, value in content[taken].items() if taken == "inputs" and not name.startswith("params/")}
    before = receipt_path(paths, paths.verdict.read_bytes())
    look = Receipt.from_json(before.read_bytes(), origin="test").look
    data = json.dumps(content).encode()
    write_atomically(paths.verdict, data)
    receipt = make_receipt(data, actor="a", host="h", environment={}, now=NOW, max_age_days=7, look=look)
    write_atomically(receipt_path(paths, data), receipt.to_json().encode())
    with pytest.raises(GateError, match=told):
        check(paths)


def test_branch_is_held_against_what_git_holds_of_it(paths):
    """Whoever lands an edited report beside a verdict is found without fetching any data."""
    root = paths.root
    author = ("-c", "user.name=T", "-c", "user.email=t@localhost")
    call(root, "git", "init", "-q", "-b", "data/2020-03-01")
    call(root, "git", "add", "-A", "-f")
    call(root, "git", *author, "commit", "-q", "-m", "as it was judged")
    assert check(paths, "data/2020-03-01") == "promote"
    append(paths.validation_report("features"))
    call(root, "git", *author, "commit", "-q", "-a", "-m", "edited")
    with pytest.raises(GateError, match="another validation/features"):
        check(paths, "data/2020-03-01")


def test_verdict_of_other_parameters_gets_no_receipt(paths):
    """Params.yaml was edited after the gate, and before the verdict was published."""
    edit_params(paths)
    with pytest.raises(GateError, match="judged by other parameters"):
        write_receipt(paths, paths, NOW)
