"""Which part a trial judges on, and which it may read: never one that the verdict is kept for.

What belongs here: choosing parts. What does not: reading and judging them (``trial``).
"""

from dataclasses import dataclass

from tasks.errors import EvaluationError
from tasks.evaluation import require_measurable
from tasks.params import Params
from tasks.params.fitting import fitted_here
from tasks.params.models import Command, Recipe, StoredModel
from tasks.params.splits import ALL_FOLDS, OTHER_FOLDS, SplitParams, draws_of, resolve_parts

READABLE_PARTS = ("train", "validation")
JUDGED_PART = "validation"
_RUN = "windtunnel run"
_FEWEST_FOLDS = 2


@dataclass(frozen=True)
class Look:
    """What a trial judges, and all that it may read of the judged split."""

    params: Params
    """With the part that is judged now, and models that are fitted on none of its rows."""
    readable: tuple[str, ...]
    note: str

    @property
    def part(self) -> str:
        """The part that is judged now."""
        return self.params.evaluation.part


def look_without_judging(params: Params) -> Look:
    """What a trial of the challenger in ``params`` judges: the part validation, or a fold that takes its place.

    Raises :class:`~tasks.errors.EvaluationError` where there is none, it is what a verdict judges, or the challenger cannot be
    judged on it.
    """
    require_measurable(params)
    split = params.splits[params.evaluation.split]
    if draws_of(split):
        return _look_at_fold(params, split)
    if JUDGED_PART not in split.part_names:
        raise EvaluationError(
            f"split {params.evaluation.split}",
            found=f"the parts {', '.join(split.part_names)}",
            expected=f"a part {JUDGED_PART}, which a trial judges on",
            next_step=f"declare it under splits.{params.evaluation.split} in params.yaml under another name, "
            f"or judge on the test part: {_RUN}",
        )
    if params.evaluation.part in READABLE_PARTS:
        raise EvaluationError(
            f"part {params.evaluation.part} of split {params.evaluation.split}",
            found="the holdout itself, which a trial or a plan would look at for free",
            expected="a part that no verdict judges",
            next_step=f"judge a part that no model is chosen on (evaluation.part in params.yaml), or spend a look: {_RUN}",
        )
    challenger = params.models.challenger
    if isinstance(challenger, Recipe | Command):
        _require_readable(params, challenger)
    evaluation = params.evaluation.model_copy(update={"part": JUDGED_PART})
    note = f"{JUDGED_PART} part only: nothing was written, the test part was not looked at"
    return Look(params.model_copy(update={"evaluation": evaluation}), READABLE_PARTS, note)


def _require_readable(params: Params, fitted: Recipe | Command) -> None:
    if not set(resolve_parts(params.splits[fitted.split], fitted.part)) <= set(READABLE_PARTS):
        raise EvaluationError(
            f"models.challenger.part {fitted.part}",
            found="a part that a trial may not look at",
            expected=f"one of {', '.join(READABLE_PARTS)}",
            next_step="mend models.challenger.part in params.yaml",
        )


def _look_at_fold(params: Params, split: SplitParams) -> Look:
    """One fold is held out of those that a model is fitted on; the fold that a verdict judges stays unseen, if there is one."""
    name, judged, models = params.evaluation.split, params.evaluation.part, params.models
    drawn = resolve_parts(split, f"not {judged}") if judged != ALL_FOLDS else draws_of(split)[0]
    challenger, folds = models.challenger, drawn
    if judged == ALL_FOLDS and isinstance(challenger, StoredModel):
        raise EvaluationError(
            f"challenger {challenger.model}",
            found="a stored model, which may have been fitted on any of the rows",
            expected="a recipe, a command or a score file, where all folds are judged",
            next_step="try its recipe, or judge a part that it has not seen",
        )
    if isinstance(challenger, Recipe | Command) and challenger.split != name:
        _require_readable(params, challenger)
    elif isinstance(challenger, Recipe | Command) and challenger.part != OTHER_FOLDS:
        folds = tuple(fold for fold in resolve_parts(split, challenger.part) if fold in drawn)
    if len(folds) < _FEWEST_FOLDS:
        raise EvaluationError(
            f"split {name}",
            found=f"{len(folds)} fold that the challenger is fitted on and the verdict does not judge",
            expected="two or more: one to judge on, and others to fit on",
            next_step=f"declare a split with more folds under another name, or judge at once: {_RUN}",
        )
    held_out, others = folds[0], folds[1:]
    fitted = {role: model for role, model in fitted_here(models).items() if model.split == name}
    changes = {
        "evaluation": params.evaluation.model_copy(update={"part": held_out}),
        "models": models.model_copy(update={role: model.model_copy(update={"part": others}) for role, model in fitted.items()}),
    }
    unseen = "a verdict judges it again, with all others" if judged == ALL_FOLDS else f"{judged} was not looked at"
    return Look(params.model_copy(update=changes), drawn, f"{held_out} only, held out of training: nothing was written, {unseen}")
