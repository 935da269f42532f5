"""Faults of what the user declares: parameters, masking key, splits, challengers. One message, exit code 2, nothing is lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import assert_told, assert_told_by_dvc, contents, forget_runs, set_params
from small_project import call

pytestmark = [pytest.mark.slow, pytest.mark.faults]
KEY = Path(".windtunnel/masking.key")
CLASSIFIER = "from sklearn.linear_model import LogisticRegression\n\nclass Mine(LogisticRegression):\n"
UNKNOWN_COLUMN = {"class": "quasi", "transform": "drop", "reason": "no feature needs it"}


def _bad_yaml(project: Path) -> None:
    (project / "params.yaml").write_text("splits: [1,\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: set_params(p, evaluation__colour="blue"), ("evaluation.colour",)),
        (lambda p: set_params(p, seed="many"), ("seed:", "valid integer")),
        (lambda p: set_params(p, gates__criteria__ranking__margin=[1]), ("gates.criteria.ranking", "margin")),
        (lambda p: set_params(p, masking__tables__bookings__shoe_size=UNKNOWN_COLUMN), ("bookings.shoe_size: no such column",)),
        (_bad_yaml, ("params.yaml", "line 2")),
        (lambda p: (p / "params.yaml").write_text(""), ("params.yaml",)),
    ],
    ids=["unknown key", "wrong type", "wrong type below", "mask rule without column", "no YAML", "empty"],
)
def test_a_mistake_in_params_is_told_before_anything_starts(
    project: Path, spoil: Callable[[Path], object], words: tuple[str, ...]
) -> None:
    """`windtunnel run`, `pin`, `try` and each stage say the same; the data stay."""
    spoil(project)
    before = contents(project / "data")
    for command in ("windtunnel run", "windtunnel pin", "windtunnel try examples/calibrated.py", "python -m tasks mask"):
        done = call(project, *command.split(), code=None)
        assert_told(done, "params.yaml", *words)
        assert "up to date" not in done.stderr
    assert contents(project / "data") == before


def test_a_mask_rule_for_no_column_ends_dvc_repro(project: Path) -> None:
    """DVC runs the stage, since its parameters changed, and the stage names the rule."""
    set_params(project, masking__tables__bookings__shoe_size=UNKNOWN_COLUMN)
    assert_told_by_dvc(call(project, "dvc", "repro", "-s", "mask", code=None), "mask", "shoe_size: no such column")


def _no_key(project: Path) -> dict[str, str]:
    (project / KEY).unlink()
    return {}


def _loose_key(project: Path) -> dict[str, str]:
    (project / KEY).chmod(0o644)
    return {}


def _other_key(project: Path) -> dict[str, str]:
    (project / KEY).write_text("5a" * 32 + "\n")
    return {}


def _other_key_in_the_environment(_: Path) -> dict[str, str]:
    return {"WINDTUNNEL_MASKING_KEY": "5a" * 32}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_key, ("masking key", "no such file", "WINDTUNNEL_MASKING_KEY")),
        (_loose_key, ("masking key", "mode 0644", "chmod 600")),
        (_other_key, ("masking key 'demo-1'", "fingerprint", "masking.key.id")),
        (_other_key_in_the_environment, ("masking key 'demo-1'", "fingerprint", "masking.key.id")),
    ],
    ids=["no key", "loose permissions", "another key", "another key in the environment"],
)
def test_masking_and_splitting_refuse_the_key(
    project: Path, spoil: Callable[[Path], dict[str, str]], words: tuple[str, ...]
) -> None:
    """Both stages that hold the key say so and never show it; what was masked with the right one stays."""
    before = contents(project / "data")
    extra = spoil(project)
    for stage in (("mask",), ("split", "by_time")):
        done = call(project, "python", "-m", "tasks", *stage, code=None, **extra)
        assert_told(done, *words)
        assert "5a5a5a" not in done.stderr
    assert contents(project / "data") == before


def test_a_missing_key_ends_dvc_repro(project: Path) -> None:
    """Before anything is masked."""
    (project / KEY).unlink()
    forget_runs(project, "data/masked")
    assert_told_by_dvc(call(project, "dvc", "repro", "-s", "mask", code=None), "mask", "masking key", "no such file")
    assert not (project / "data/masked/manifest.json").exists()


def test_a_split_that_comes_out_empty_is_refused(project: Path) -> None:
    """The empty part is named; under the name of a stored split its definition may not change at all, and that one stays."""
    stored = contents(project / "data/splits/by_time")
    set_params(project, splits__by_time__boundaries={"train": "2013-01-25", "validation": "2013-03-01"})
    assert_told(call(project, "python", "-m", "tasks", "split", "by_time", code=None), "its definition changed")
    assert contents(project / "data/splits/by_time") == stored
    shutil.rmtree(project / "data/splits/by_time")
    done = call(project, "dvc", "repro", "-s", "split@by_time", code=None)
    assert_told_by_dvc(done, "split@by_time", "split by_time: test would be empty", "splits.by_time")
    assert not contents(project / "data/splits/by_time")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("estimator = (\n", ("mine.py", "line 1: SyntaxError")),
        ("\nimport no_such_package\n", ("mine.py", "line 2: ModuleNotFoundError")),
        ("raise ValueError('no luck')\n", ("mine.py", "line 1: ValueError: no luck")),
        ("raise SystemExit(1)\n", ("mine.py", "SystemExit")),
        ("model = 1\n", ("mine.py", "no name `estimator`")),
        (
            CLASSIFIER + "    def fit(self, X, y):\n        raise ValueError('no luck')\n\nestimator = Mine()\n",
            ("fit of Mine", "line 5"),
        ),
        (
            CLASSIFIER + "    def fit(self, X, y):\n        raise SystemExit(1)\n\nestimator = Mine()\n",
            ("fit of Mine", "SystemExit"),
        ),
        (
            CLASSIFIER
            + "    def predict_proba(self, X):\n        return super().predict_proba(X) * float('nan')\n\nestimator = Mine()\n",
            ("scores of model", "NaN", "one probability from 0 to 1 per row"),
        ),
    ],
    ids=["syntax", "import", "raises", "exits", "no estimator", "fit raises", "fit exits", "NaN scores"],
)
def test_a_challenger_that_does_not_work_is_told_by_try(project: Path, source: str, words: tuple[str, ...]) -> None:
    """With the line of the user's own file; exit code 2, which no verdict of a working challenger has; nothing is written."""
    (project / "mine.py").write_text(source)
    before = contents(project / "data")
    assert_told(call(project, "windtunnel", "try", "mine.py", code=None), *words)
    assert contents(project / "data") == before


def test_a_challenger_that_raises_ends_its_run_and_lands_nowhere(project: Path) -> None:
    """`run --challenger` says what `try` says; there is no branch, and the checkout stays as it was."""
    (project / "mine.py").write_text("import no_such_package\n")
    before = contents(project / "data")
    status = call(project, "git", "status", "--porcelain").stdout
    done = call(project, "windtunnel", "run", "--challenger", "mine.py", code=None)
    assert_told(done, "stage train failed", "mine.py", "line 1: ModuleNotFoundError")
    assert not call(project, "git", "branch", "--list", "candidates/*").stdout
    assert call(project, "git", "status", "--porcelain").stdout == status
    assert contents(project / "data") == before


@pytest.mark.parametrize("figure", [float("nan"), None], ids=["NaN", "missing"])
def test_a_metric_that_is_no_number_is_never_a_pass(project: Path, figure: float | None) -> None:
    """The gate names the figure that it lacks and judges nothing; a verdict that no run made is refused: exit code 2."""
    path = project / "data/evaluation/evaluation.json"
    evaluation = json.loads(path.read_text())
    interval = {"low": 0.1, "high": 0.8, "confidence": 0.95}
    for comparison in evaluation["comparisons"]:
        comparison |= {"challenger": figure, "challenger_interval": interval, "delta_interval": interval, "reason": ""}
    path.write_text(json.dumps(evaluation))
    assert "no roc_auc of the challenger" in call(project, "python", "-m", "tasks", "gate").stdout
    verdict = json.loads((project / "data/verdict.json").read_text())
    assert {c["name"]: c["status"] for c in verdict["criteria"]}["ranking"] == "not_judged"
    assert verdict["decision"] == "not_judged"
    assert_told(call(project, "windtunnel", "gate", "--check", code=None), "receipt", "windtunnel run")
