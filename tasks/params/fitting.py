"""Which rows are judged, and which are fitted on: what holds between ``splits``, ``evaluation`` and ``models``.

What belongs here: checks that need these sections together. What does not: rows; whether a model has seen one that is judged is
found out where rows are read.
"""

from collections.abc import Collection, Mapping

from tasks.params.judging import EvaluationParams
from tasks.params.models import Command, LabelParams, ModelsParams, Recipe, StoredModel
from tasks.params.splits import ALL_FOLDS, OTHER_FOLDS, SplitParams, StratifiedSplit, draws_of, resolve_parts


def fitted_here(models: ModelsParams) -> dict[str, Recipe | Command]:
    """By role, what is fitted on rows of a split."""
    declared = {"champion": models.champion, "challenger": models.challenger}
    return {role: model for role, model in declared.items() if isinstance(model, Recipe | Command)}


def require_parts(splits: Mapping[str, SplitParams], judged: EvaluationParams, models: ModelsParams) -> None:
    """Raise ``ValueError`` for a split or part that is not declared, or that cannot be judged or fitted on."""
    fitted = fitted_here(models)
    wanted: dict[str, tuple[str, str | tuple[str, ...]]] = {"evaluation": (judged.split, judged.part)}
    wanted |= {f"models.{role}": (model.split, model.part) for role, model in fitted.items()}
    for where, (name, _) in wanted.items():
        if name not in splits:
            raise ValueError(f"{where}.split: no such split {name!r}; splits declares {', '.join(splits)}")
    if judged.part == ALL_FOLDS:
        _require_out_of_fold(splits[judged.split], judged.split, models)
        return
    for where, (name, part) in wanted.items():
        if part == OTHER_FOLDS:
            raise ValueError(f"{where}.part: {part!r} goes with evaluation.part {ALL_FOLDS!r}; for one fold write 'not fold_1'")
        try:
            resolve_parts(splits[name], part)
        except ValueError as error:
            raise ValueError(f"{where}.part: {error}; split {name!r} has {', '.join(splits[name].part_names)}") from None
    if judged.part not in splits[judged.split].part_names:
        raise ValueError(f"evaluation.part: {judged.part!r} is no single part, and one is judged at a time")


def _require_out_of_fold(split: SplitParams, name: str, models: ModelsParams) -> None:
    if not draws_of(split):
        raise ValueError(f"evaluation.part: {ALL_FOLDS!r} needs a split of kind kfold, and {name!r} is of kind {split.kind}")
    for role, model in fitted_here(models).items():
        if (model.split, model.part) != (name, OTHER_FOLDS):
            raise ValueError(f"models.{role}: where all folds are judged, it is fitted on split {name!r}, part {OTHER_FOLDS!r}")
    declared = {"champion": models.champion, "challenger": models.challenger}
    for role in (role for role, model in declared.items() if isinstance(model, StoredModel)):
        raise ValueError(
            f"models.{role}: a stored model cannot be judged out of fold: it may have been fitted on any of the rows; "
            "name its recipe, or judge a part that it has not seen"
        )


def refuse_later_strata(splits: Mapping[str, SplitParams], label: LabelParams, rows: str, columns: Collection[str]) -> None:
    """Raise ``ValueError`` for strata of a label that is not among ``columns`` of the table ``rows``.

    A stratum must be known as soon as its row is, or the row would change its part once the label arrives.
    """
    for name, split in splits.items():
        if isinstance(split, StratifiedSplit) and split.by == label.column and split.by not in columns:
            raise ValueError(
                f"splits.{name}.by: the label {split.by} lies in {label.table}, and becomes known later than its row; "
                f"name a column of {rows}, or take kind kfold, which rests on no label"
            )
