"""The recipes of a backtest as they are fitted at one step, on what was known then.

What belongs here: fitting. What does not: which rows were known (``backtest_history``), and who is judged against whom
(``backtest``).
"""

from dataclasses import dataclass

import pyarrow as pa

from tasks.backtest_history import History
from tasks.errors import WindtunnelError
from tasks.evaluation import Contender, PartRows
from tasks.models import REFIT, Brought, add_weights, train_recipe, training_seed
from tasks.models.challengers import Role
from tasks.params import Params
from tasks.params.judging import MetricCriterion
from tasks.params.models import Recipe
from tasks.seeds import derive_seed


@dataclass(frozen=True)
class Fits:
    """The recipes as they are fitted at one step."""

    models: dict[Role, Contender]
    again: dict[Role, Contender]
    """With another seed; empty where no criterion claims to be better."""


def fit_all(history: History, rows: PartRows) -> Fits | str:
    """Every model that is fitted here, on ``rows``; or why one cannot be."""
    recipes = _recipes(history.params)
    claims = any(isinstance(c, MetricCriterion) and c.better_by is not None for c in history.params.gates.criteria.values())
    try:
        models = {role: _fit(history, recipe, rows, role) for role, recipe in recipes.items()}
        again = {role: _fit(history, recipe, rows, role, is_again=True) for role, recipe in recipes.items() if claims}
    except WindtunnelError as error:
        return f"{error.thing}: {error.found}"
    return Fits(models, again)


def _recipes(params: Params) -> dict[Role, Recipe]:
    """What is fitted at each step; production's logged scores are not."""
    declared = {"champion": params.models.champion, "challenger": params.models.challenger}
    return {role: recipe for role, recipe in declared.items() if isinstance(recipe, Recipe)}  # type: ignore[misc]


def _fit(history: History, recipe: Recipe, rows: PartRows, role: Role, *, is_again: bool = False) -> Contender:
    """``is_again``: with the seed that a run's refit has."""
    params, evidence = history.params, history.evidence

    def read(_: Recipe) -> tuple[tuple[str, ...], pa.Table]:
        known = rows.features.append_column("label", rows.facts.column("label"))
        if recipe.weight is not None:
            table = params.features.rows
            key = params.snapshot.tables[table].key
            known = add_weights(known, recipe.weight, evidence.paths.masked, evidence.masked, table=table, key=key)
        return ("known",), known

    features, task = params.features.names, params.label.task
    seed = training_seed(params.seed)
    model, card = train_recipe(
        *(recipe, evidence.paths.root, read, features),
        seed=derive_seed(seed, REFIT) if is_again else seed,
        role=role,
        task=task,
        is_reseeded=is_again,
    )
    brought = Brought(card, model)
    return Contender(card, lambda scored: brought.score(scored, task))
