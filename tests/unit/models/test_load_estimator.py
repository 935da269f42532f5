"""Recipes: from an import path or a user's file to an unfitted estimator, or one clear message."""

import hashlib
from pathlib import Path

import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from tasks.errors import ModelError
from tasks.models import load_estimator
from tasks.params.models import Recipe

ROOT = Path(__file__).resolve().parents[3]


def _by_path(path: str, **parameters) -> Recipe:
    return Recipe(estimator=path, parameters=parameters, split="s", part="train")


def _by_file(folder: Path, source: str, **parameters) -> Recipe:
    (folder / "mine.py").write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    return Recipe(file="mine.py", sha256=digest, parameters=parameters, split="s", part="train")


def test_an_import_path_becomes_an_estimator(tmp_path: Path):
    """The class, with the recipe's parameters set."""
    estimator = load_estimator(_by_path("sklearn.linear_model.LogisticRegression", C=0.5), tmp_path)
    assert isinstance(estimator, LogisticRegression)
    assert estimator.C == 0.5


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("sklearn.ensemble.NoSuchClassifier", "NoSuchClassifier"),
        ("no_such_package.Classifier", "no_such_package"),
        ("Classifier", "Empty module name"),
        ("sklearn.base.clone", "a function"),
        ("sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting", "an abstract class"),
        ("pathlib.Path", "without get_params"),
        ("sklearn.linear_model.LinearRegression", "without predict_proba"),
        ("sklearn.pipeline.Pipeline", "steps"),
    ],
)
def test_a_path_that_gives_no_classifier_is_refused(tmp_path: Path, path, found):
    """The message names what was found instead."""
    with pytest.raises(ModelError) as caught:
        load_estimator(_by_path(path), tmp_path)
    assert found in caught.value.found
    assert path in caught.value.thing


def test_an_unknown_parameter_is_refused(tmp_path: Path):
    """A misspelt parameter is named, with those that there are."""
    with pytest.raises(ModelError) as caught:
        load_estimator(_by_path("sklearn.linear_model.LogisticRegression", max_itr=3), tmp_path)
    assert caught.value.found == "the parameter max_itr"
    assert "max_iter" in caught.value.expected


def test_a_file_defines_an_estimator(tmp_path: Path):
    """`estimator` of the file, with parameters of nested estimators set."""
    imports = "from sklearn.pipeline import make_pipeline\nfrom sklearn.linear_model import LogisticRegression\n"
    source = imports + "estimator = make_pipeline(LogisticRegression())\n"
    estimator = load_estimator(_by_file(tmp_path, source, logisticregression__C=0.1), tmp_path)
    assert estimator[-1].C == 0.1


def test_what_a_file_has_fitted_is_forgotten(tmp_path: Path):
    """A fit inside of the file cannot reach the judgement."""
    source = "from sklearn.linear_model import LogisticRegression\nestimator = LogisticRegression().fit([[0.0], [1.0]], [0, 1])\n"
    with pytest.raises(NotFittedError):
        check_is_fitted(load_estimator(_by_file(tmp_path, source), tmp_path))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a = 1\nestimator = (\n", "line 2: SyntaxError"),
        ("a = 1\nb = 2\nraise ValueError('no luck')\n", "line 3: ValueError: no luck"),
        ("def make():\n    return 1 / 0\n\nestimator = make()\n", "line 2: ZeroDivisionError"),
        ("import no_such_package\n", "line 1: ModuleNotFoundError"),
        ("import sys\nsys.exit(1)\n", "line 2: SystemExit"),
        ("model = 1\n", "no name `estimator`"),
        ("estimator = 1\n", "a int, without get_params"),
        ("from sklearn.linear_model import LogisticRegression\nestimator = LogisticRegression\n", "the class LogisticRegression"),
        ("from sklearn.svm import LinearSVC\nestimator = LinearSVC()\n", "without predict_proba"),
    ],
    ids=["syntax", "raises", "raises deeper", "import", "exits", "no estimator", "no object", "a class", "no probabilities"],
)
def test_a_file_that_does_not_work_is_refused_with_its_line(tmp_path: Path, source, found):
    """The user sees the line of his own file, and no traceback of ours."""
    with pytest.raises(ModelError) as caught:
        load_estimator(_by_file(tmp_path, source), tmp_path)
    assert found in caught.value.found
    assert "mine.py" in caught.value.thing


def test_a_missing_file_is_refused(tmp_path: Path):
    """The message names the file as the parameters do."""
    recipe = Recipe(file="gone.py", sha256="0" * 64, split="s", part="train")
    with pytest.raises(ModelError, match=r"gone\.py"):
        load_estimator(recipe, tmp_path)


def test_a_file_with_another_hash_is_not_even_run(tmp_path: Path):
    """What DVC knows of is what runs, or nothing does."""
    recipe = _by_file(tmp_path, "estimator = 1\n")
    (tmp_path / "mine.py").write_text("open('ran', 'w')\n")
    with pytest.raises(ModelError, match="hash"):
        load_estimator(recipe, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_the_example_is_a_challenger():
    """`examples/calibrated.py` loads as a challenger's file."""
    file = "examples/calibrated.py"
    digest = hashlib.sha256((ROOT / file).read_bytes()).hexdigest()
    estimator = load_estimator(Recipe(file=file, sha256=digest, split="s", part="train"), ROOT)
    assert type(estimator).__name__ == "CalibratedClassifierCV"
