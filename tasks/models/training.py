"""Fitting a recipe on rows, and the card that says what came of it.

What belongs here: seeds, fit, card. What does not: where rows come from, and where models are kept (``store``).
"""

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.errors import ModelError
from tasks.models.frames import feature_frame
from tasks.models.preprocessing import prepare
from tasks.models.recipe import load_estimator
from tasks.models.scoring import class_names
from tasks.models.weights import pass_weights, read_weights
from tasks.params.models import Recipe, StoredModel, Task, View
from tasks.records import ModelCard
from tasks.seeds import derive_seed
from tasks.user_code import quote_error

if TYPE_CHECKING:
    import pandas as pd

_LABELS: dict[Task, Any] = {"binary": np.int8, "multiclass": np.str_, "regression": np.float64}
"""By task, what a fitted model learns: names of classes as texts of fixed width, which a stored model can hold without pickle."""


def training_seed(seed: int) -> int:
    """The seed of all training under the root ``seed``: one for both roles, so that equal recipes give equal models."""
    return derive_seed(seed, "train")


def training_labels(labels: pa.ChunkedArray, task: Task) -> NDArray[Any]:
    """``labels`` (none missing) as a model learns them: 0 and 1, names of classes, or numbers."""
    found: NDArray[Any] = labels.to_numpy().astype(_LABELS[task])
    return found


def train_recipe(
    recipe: Recipe,
    root: Path,
    read: Callable[[Recipe], tuple[tuple[str, ...], pa.Table]],
    features: Sequence[str],
    *,
    seed: int,
    role: Literal["champion", "challenger"],
    task: Task = "binary",
    is_reseeded: bool = False,
    view: View = "masked",
) -> tuple[Any, ModelCard]:
    """Fit ``recipe`` on its labelled rows; the fitted model and its card.

    ``read`` gives the parts of ``recipe.split`` that it is fitted on, and their rows (columns ``label`` and ``features``; where
    the recipe names a weight also ``sample_weight``): not the rows themselves, so that they are let go before fitting, which
    needs the room. They are of ``view``. ``seed`` is a :func:`training_seed`. The card's ``logical_hash`` is None until the model
    is stored. Raises :class:`~tasks.errors.ModelError` as :func:`~tasks.models.recipe.load_estimator` and :func:`fit_recipe` do.
    """
    estimator = load_estimator(recipe, root, task)
    parts, rows = read(recipe)
    if rows.column("label").null_count:
        rows = rows.filter(pc.is_valid(rows.column("label")))
    label = training_labels(rows.column("label"), task)
    weights = None if recipe.weight is None else read_weights(rows, f"models.{role}.weight: {recipe.weight}")
    frames = [feature_frame(rows, features)]
    del rows
    pa.default_memory_pool().release_unused()
    model = fit_recipe(estimator, frames.pop(), label, seed=seed, file=recipe.file, weights=weights, is_reseeded=is_reseeded)
    card = ModelCard(
        role=role,
        name=type(estimator).__name__ if recipe.file is None else Path(recipe.file).stem,
        basis="recipe",
        estimator=recipe.estimator or f"{Path(recipe.file or '').name}: {type(estimator).__name__}",
        parameters=describe_parameters(estimator),
        view=view,
        split=recipe.split,
        part=", ".join(parts),
        rows=len(label),
        features=tuple(features),
        seed=seed,
        classes=class_names(model) if task == "multiclass" else (),
        weight=recipe.weight,
        logical_hash=None,
    )
    return model, card


def fit_recipe(
    estimator: Any,
    frame: "pd.DataFrame",
    label: NDArray[Any],
    *,
    seed: int,
    file: str | None = None,
    weights: NDArray[np.float64] | None = None,
    is_reseeded: bool = False,
) -> Any:
    """Fit ``estimator``, prepared for ``frame`` where it brings no pipeline, on ``label``; the fitted model.

    ``label`` is 0 and 1, names of classes, or numbers; ``weights`` are how much each row counts (None: all alike).

    Randomness that the estimator leaves open is seeded from ``seed``; with ``is_reseeded`` also what it does not.
    Raises :class:`~tasks.errors.ModelError` where there are
    no rows, the label is constant, the estimator takes no weights and there are some, or fitting raises (with the line of the
    user's ``file``, where it went through one).
    """
    values = np.unique(label)
    if len(values) < 2:
        raise ModelError(
            "label of the training rows",
            found=f"{_only(values[0])} in {len(label):,} rows" if len(label) else "no labelled row",
            expected="rows of two classes or more, or numbers that differ",
            next_step="choose another part or split for the recipe in params.yaml, or pin the lake later",
        )
    seed_estimator(estimator, seed, is_reseeded=is_reseeded)
    known = {*estimator.get_params(deep=True), *frame.columns}
    model = prepare(estimator, frame)
    passed = {} if weights is None else pass_weights(estimator, weights)
    try:
        with warnings.catch_warnings():
            # An estimator that takes weights and does not hand them on to the one within says so in a warning alone.
            warnings.filterwarnings("error", message=".*sample.?weight", category=UserWarning)
            if model is estimator:
                model.fit(frame, label, **passed)
            else:  # as the pipeline would fit itself, but that the frame is let go before the estimator makes its own copies
                prepared = model[0].fit_transform(frame, label)
                del frame
                model[-1].fit(prepared, label, **passed)
    except (Exception, SystemExit) as error:  # a file that ends the program would end it with an exit code of its own
        raise ModelError(
            f"fit of {type(estimator).__name__}",
            found=quote_error(error, file=file or "", known=known),
            expected="an estimator that fits floats with NaN and texts with None",
            next_step="mend the recipe's parameters, or its file; a Pipeline gets the features as they are",
        ) from None
    return model


def _only(value: Any) -> str:
    """What a constant label is: 0 or 1 may be told, a class or a number is a row's own."""
    return f"only {value}" if isinstance(value, np.int8) else "only one value"


def seed_estimator(estimator: Any, seed: int, *, is_reseeded: bool = False) -> None:
    """Give every open ``random_state`` in ``estimator``, also of nested estimators and shuffling folds, a seed by its name.

    With ``is_reseeded`` those too that were given: of a refit that is to differ by its seed.
    """
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if (name == "random_state" or name.endswith("__random_state")) and (value is None or is_reseeded):
            estimator.set_params(**{name: derive_seed(seed, name)})
            continue
        is_open = getattr(value, "random_state", 0) is None or is_reseeded
        if getattr(value, "shuffle", False) and is_open and not hasattr(value, "get_params"):
            value.random_state = derive_seed(seed, f"{name}__random_state")


def describe_stored_model(
    stored: StoredModel,
    model: Any,
    features: Iterable[str],
    task: Task = "binary",
    *,
    role: Literal["champion", "challenger"] = "champion",
) -> ModelCard:
    """The card of a model that was fitted elsewhere; how, nobody here can know.

    Raises :class:`~tasks.errors.ModelError` for a model of the raw view: features are masked, and a model is never scored on
    a view it was not trained on.
    """
    if stored.view != "masked":
        raise ModelError(
            f"{role} {stored.model}",
            found=f"the view {stored.view}",
            expected="the view masked, on which features are computed; scored on another view a model looks worse than it is",
            next_step="log its scores in production and name them as models.champion: { scores: ..., version: ... }"
            if role == "champion"
            else "bring its scores as a score file with view: raw",
        )
    if not hasattr(model, "get_params"):
        raise ModelError(
            f"{role} {stored.model}",
            found=f"a {type(model).__name__}",
            expected="a fitted scikit-learn estimator",
            next_step="store the estimator itself",
        )
    return ModelCard(
        role=role,
        name=stored_name(stored),
        basis="stored_model",
        estimator=type(model).__name__,
        parameters=describe_parameters(model),
        view=stored.view,
        split=None,
        part=None,
        rows=None,
        features=tuple(features),
        seed=None,
        classes=class_names(model) if task == "multiclass" else (),
        logical_hash=None,
    )


def stored_name(stored: StoredModel) -> str:
    """A stored model's short name: its file's, or what stands behind the scheme of its URI."""
    return stored.model.partition(":/")[2] if ":/" in stored.model else Path(stored.model).stem


def describe_parameters(estimator: Any) -> str:
    """Canonical JSON of an estimator's parameters, nested ones included; an object in them is named by its class."""
    return json.dumps(_plain(estimator.get_params(deep=True)), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.generic):
        plain = value.item() if isinstance(value, np.generic) else value
        return plain if not isinstance(plain, float) or np.isfinite(plain) else str(plain)
    if isinstance(value, dict):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return getattr(value, "__name__", type(value).__name__)
