"""The panel: models of several families, the same ones weakened, and the project's own recipes.

What belongs here: which models are compared, and what each is given. What does not: fitting them. A ranking can only be seen to
survive where there is one, so some models are made worse on purpose. Three see a third of the features each, and one sees none
that masking changes: where masking takes what a feature tells, their places move, though every model may still be of some use.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.params.models import Task
from tasks.params.utility import PanelModel

Ints = NDArray[np.intp]
_NOISY, _FEW = 0.5, 0.05
"""The share of labels that are dealt out anew, and of rows that are left to fit on."""
_THIRDS = 3
_ROUNDS, _FEW_ROUNDS = 40, 20
_FEWEST_ROUNDS = 5


@dataclass(frozen=True)
class Candidate:
    """One model of the panel, not fitted yet."""

    name: str
    estimator: Any
    features: tuple[str, ...]
    rows_fraction: float = 1.0
    """The share of the rows that it is fitted on."""
    noise_fraction: float = 0.0
    """The share of the labels that are dealt out anew among their rows before it is fitted."""


def build_panel(
    models: Sequence[PanelModel],
    task: Task,
    features: Sequence[str],
    changed: Collection[str],
    own: Mapping[str, Any],
    *,
    classes: int = 0,
) -> tuple[Candidate, ...]:
    """The panel for ``features``, of which masking ``changed`` some.

    ``models`` are the families, ``own`` the project's own unfitted estimators by name; ``classes`` is how many a multiclass label
    has (0: it is none): boosting grows a tree for each, and gets fewer rounds for more of them.
    """
    all_of_them = tuple(features)
    rounds = max(_FEWEST_ROUNDS, _ROUNDS * 2 // max(2, classes))
    few_rounds = max(_FEWEST_ROUNDS, _FEW_ROUNDS * 2 // max(2, classes))
    panel = [Candidate(name, _estimator(name, task, rounds), all_of_them) for name in models]

    def weak(name: str, chosen: Sequence[str], **less: float) -> Candidate:
        return Candidate(name, _estimator("boosting", task, few_rounds), tuple(chosen), **less)

    if len(all_of_them) >= _THIRDS:
        for third in range(_THIRDS):
            panel.append(weak(f"boosting, third {third + 1} of the features", all_of_them[third::_THIRDS]))
    untouched = [name for name in all_of_them if name not in changed]
    if untouched and len(untouched) < len(all_of_them):
        panel.append(weak("boosting, no feature that masking changes", untouched))
    panel.append(weak("boosting, half of the labels dealt anew", all_of_them, noise_fraction=_NOISY))
    panel.append(weak("boosting, a twentieth of the rows", all_of_them, rows_fraction=_FEW))
    return (*panel, *(Candidate(name, estimator, all_of_them) for name, estimator in own.items()))


def _estimator(name: PanelModel, task: Task, rounds: int) -> Any:
    from sklearn import ensemble, linear_model, tree

    boosting = {"max_iter": rounds, "learning_rate": 0.15, "early_stopping": False}
    forest = {"n_estimators": 30, "min_samples_leaf": 10}
    small_tree = {"max_depth": 3, "min_samples_leaf": 10}
    if task == "regression":
        return {
            "linear": lambda: linear_model.Ridge(alpha=1.0),
            "linear_shrunk": lambda: linear_model.Ridge(alpha=20_000.0),
            "boosting": lambda: ensemble.HistGradientBoostingRegressor(**boosting),
            "forest": lambda: ensemble.ExtraTreesRegressor(**forest),
            "tree": lambda: tree.DecisionTreeRegressor(**small_tree),
        }[name]()
    return {
        "linear": lambda: linear_model.LogisticRegression(max_iter=300),
        "linear_shrunk": lambda: linear_model.LogisticRegression(C=0.0005, max_iter=300),
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(**boosting),
        "forest": lambda: ensemble.ExtraTreesClassifier(**forest),
        "tree": lambda: tree.DecisionTreeClassifier(**small_tree),
    }[name]()


def weaken(candidate: Candidate, labels: NDArray[Any], seed: int) -> tuple[Ints, NDArray[Any]]:
    """The places of the rows that ``candidate`` is fitted on, ascending, and their labels; equal for equal numbers of rows."""
    generator = np.random.default_rng(seed)
    count = len(labels)
    order = generator.permutation(count)
    chosen = np.sort(order[: max(1, round(count * candidate.rows_fraction))])
    found = labels[chosen].copy()
    noisy = generator.permutation(len(chosen))[: round(len(chosen) * candidate.noise_fraction)]
    found[noisy] = found[generator.permutation(noisy)]
    return chosen, found
