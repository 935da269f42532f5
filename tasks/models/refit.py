"""A model fitted again with another seed, known by its scores of the judged rows: what the noise floor is measured with.

What belongs here: fitting again. What does not: how far the figures then lie apart (``tasks.evaluation``). The model itself is not
kept: nobody is ever to be served by it.
"""

from dataclasses import replace
from typing import Literal

from tasks.datasets import logical_hash
from tasks.models.challengers import Brought, Role, Workbench, bring_model
from tasks.models.scores import join_scores
from tasks.params.models import Recipe
from tasks.seeds import derive_seed

REFIT: Literal["refit"] = "refit"


def refit_model(declared: Recipe, bench: Workbench, role: Role) -> Brought:
    """The scores of the judged rows by the ``role``'s recipe, fitted with another seed; of folds, of their first draw.

    The seed is derived by name, and takes the place of one that the recipe names itself: it would be the same model. Raises
    :class:`~tasks.errors.ModelError` as :func:`~tasks.models.challengers.bring_model` does.
    """
    other = replace(bench, seed=derive_seed(bench.seed, REFIT), draws=bench.draws[:1], is_reseeded=True)
    brought = bring_model(declared, other, role)
    scores = brought.scores
    if scores is None:
        rows = bench.judged_rows()
        scored = (rows.column("row_key"), brought.card.classes, brought.score(rows, bench.task))
        scores = join_scores([scored], task=bench.task, draw=1)
    update = {"role": REFIT, "logical_hash": logical_hash(scores, ("row_key",))}
    return Brought(brought.card.model_copy(update=update), scores=scores)
