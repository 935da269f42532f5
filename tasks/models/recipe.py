"""Recipes made into unfitted estimators: from an import path, or from a user's Python file.

What belongs here: importing, and saying plainly why something cannot be imported. What does not: fitting.
"""

import hashlib
import importlib
import inspect
from pathlib import Path
from typing import Any

from tasks.errors import ModelError
from tasks.params.models import Recipe, Task
from tasks.user_code import quote_error, run_source

_EXAMPLE = "estimator: sklearn.ensemble.HistGradientBoostingClassifier"


def load_estimator(recipe: Recipe, root: Path, task: Task = "binary") -> Any:
    """The unfitted estimator of ``recipe``; a ``file`` is taken relative to the project's ``root``.

    An import path must name a class; a file must define ``estimator``, an estimator with scikit-learn's interface.
    ``recipe.parameters`` are set on either. Raises :class:`~tasks.errors.ModelError` where it cannot be imported, raises (with
    the line of the user's file), does not know a parameter, or does not fit ``task``: a regressor for regression, else a
    classifier with ``predict_proba``.
    """
    if recipe.file is not None:
        estimator = _from_file(recipe.file, recipe.sha256, root, task)
        return _with_parameters(_clone(estimator, recipe.file), recipe, recipe.file)
    path = str(recipe.estimator)
    return _with_parameters(_from_path(path, task), recipe, path)


def _from_path(path: str, task: Task) -> Any:
    module_name, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ModelError(
            f"estimator {path}", found=str(error) or "no module", expected="an import path of a class", next_step=_EXAMPLE
        ) from None
    if not inspect.isclass(found) or inspect.isabstract(found):
        raise ModelError(
            f"estimator {path}",
            found=f"a {type(found).__name__}" if not inspect.isclass(found) else "an abstract class",
            expected="a class that can be instantiated",
            next_step=_EXAMPLE,
        )
    try:
        estimator = found()
    except TypeError as error:
        raise ModelError(
            f"estimator {path}",
            found=str(error),
            expected="a class that needs no other object to start with",
            next_step="write it in a Python file that defines `estimator`, and name that file in the recipe",
        ) from None
    _require_estimator(estimator, path, task)
    return estimator


def _from_file(file: str, sha256: str | None, root: Path, task: Task) -> Any:
    path = root / file
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"challenger file {file}",
            found=error.strerror or type(error).__name__,
            expected="a Python file that defines `estimator`",
            next_step=f"write {file}, as examples/calibrated.py",
        ) from None
    found_hash = hashlib.sha256(source).hexdigest()
    if found_hash != sha256:
        raise ModelError(
            f"challenger file {file}",
            found=f"the hash {found_hash}",
            expected=f"{sha256}, as params.yaml says",
            next_step=f"windtunnel run --challenger {file}, or put the new hash into params.yaml",
        )
    module = run_source(source, file, "challenger file")
    if not hasattr(module, "estimator"):
        raise ModelError(
            f"challenger file {file}",
            found="no name `estimator` after it ran",
            expected="`estimator = ...`, an unfitted scikit-learn estimator",
            next_step=f"define `estimator` in {file}, as examples/calibrated.py does",
        )
    _require_estimator(module.estimator, file, task)
    return module.estimator


def _require_estimator(estimator: Any, where: str, task: Task) -> None:
    kind = "regressor" if task == "regression" else "classifier with predict_proba"
    if inspect.isclass(estimator):
        found = f"the class {estimator.__name__}, not an instance of it"
    elif not all(hasattr(estimator, name) for name in ("get_params", "set_params", "fit")):
        found = f"a {type(estimator).__name__}, without get_params, set_params or fit"
    elif task == "regression" and not _predicts_numbers(estimator):
        found = f"{type(estimator).__name__}, which is no regressor"
    elif task != "regression" and not hasattr(estimator, "predict_proba"):
        found = f"{type(estimator).__name__}, without predict_proba"
    else:
        return
    advice = "; wrap a classifier without probabilities in CalibratedClassifierCV" if task != "regression" else ""
    raise ModelError(
        f"estimator of {where}",
        found=found,
        expected=f"an unfitted scikit-learn {kind}",
        next_step=f"define `estimator` as an instance{advice}, or mend label.task",
    )


def _predicts_numbers(estimator: Any) -> bool:
    from sklearn.base import is_classifier

    return hasattr(estimator, "predict") and not is_classifier(estimator)


def _clone(estimator: Any, where: str) -> Any:
    """A copy that carries parameters only: nothing that the file has fitted reaches the judgement."""
    from sklearn.base import clone

    try:
        return clone(estimator)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"estimator of {where}",
            found=quote_error(error, file=where, known=estimator.get_params(deep=False)),
            expected="an estimator that scikit-learn can clone: a constructor that stores its parameters as they are",
            next_step="compose it of scikit-learn's own estimators",
        ) from None


def _with_parameters(estimator: Any, recipe: Recipe, where: str) -> Any:
    known = estimator.get_params(deep=True)
    for name in recipe.parameters:
        if name not in known:
            raise ModelError(
                f"estimator of {where}",
                found=f"the parameter {name}",
                expected=f"one of {', '.join(sorted(known))}",
                next_step="mend `parameters` of the recipe in params.yaml",
            )
    return estimator.set_params(**recipe.parameters)
