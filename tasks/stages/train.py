"""Stage ``train``: fit the challenger, and a champion that is given as a recipe; a stored champion is taken over.

A champion that is known by its logged scores needs no model: ``evaluate`` reads the scores. Without a champion none is stored.
"""

from typing import Literal

import pyarrow as pa

from tasks.datasets import hash_file, read_manifest, read_table
from tasks.errors import DatasetError, ModelError
from tasks.models import (
    describe_stored_model,
    feature_frame,
    load_model,
    predict_scores,
    select_parts,
    train_recipe,
    training_seed,
    write_model,
)
from tasks.models.store import remove_model
from tasks.params.models import LoggedScores, Recipe, StoredModel
from tasks.params.splits import assignments_of, resolve_parts
from tasks.records import Manifest, ModelCard
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined

_CODE = ("tasks/stages/train.py", "tasks/models", "tasks/seeds.py")
_TRIED_ROWS = 1000
"""Rows that a stored champion must be able to score before anything is judged by it."""


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params
    champion, challenger = params.models.champion, params.models.challenger
    _require_one_split(champion, challenger)
    features = read_manifest(paths.features, made_by="features")
    require_examined(context, "features", {"features": features.logical_hash})
    rows = read_table(paths.features, features, "features")
    for role in ("champion", "challenger"):
        remove_model(paths.models, role)
    if isinstance(champion, StoredModel):
        _take_over(context, champion, rows)
    elif isinstance(champion, Recipe):
        _train(context, champion, "champion", features, rows)
    _train(context, challenger, "challenger", features, rows)


def _train(
    context: StageContext, recipe: Recipe, role: Literal["champion", "challenger"], features: Manifest, rows: pa.Table
) -> None:
    paths, params = context.paths, context.params
    wanted = resolve_parts(params.splits[recipe.split], recipe.part)
    chosen = select_parts(rows, _read_assignments(context, features, recipe.split, wanted), wanted)
    names = tuple(params.features.columns)
    seed = training_seed(params.seed)
    model, card = train_recipe(recipe, paths.root, chosen, names, parts=wanted, seed=seed, role=role, task=params.label.task)
    _tell(write_model(paths.models, model, card))


def _read_assignments(context: StageContext, features: Manifest, split: str, parts: tuple[str, ...]) -> pa.Table:
    """row_key and part of the table of ``split`` that holds ``parts``, once it is known to be examined and of one snapshot."""
    folder = context.paths.split(split)
    assignments = read_manifest(folder, made_by=f"split@{split}")
    require_examined(context, "splits", {f"splits/{split}": assignments.logical_hash})
    _require_one_snapshot(features, assignments, split)
    return read_table(folder, assignments, assignments_of(parts[0]), ("row_key", "part"))


def _take_over(context: StageContext, stored: StoredModel, rows: pa.Table) -> None:
    """Copy a stored champion, once it is known to be the one that was named and to score these features."""
    path = context.paths.root / stored.model
    names = tuple(context.params.features.columns)
    found = hash_file(path) if path.is_file() else "no such file"
    if found != stored.sha256:
        raise ModelError(
            f"champion {stored.model}",
            found=found,
            expected=f"a file with the hash {stored.sha256}, as params.yaml says",
            next_step=f"put the model back, or the hash of `sha256sum {stored.model}` into params.yaml",
        )
    model = load_model(path)
    task = context.params.label.task
    card = describe_stored_model(stored, model, names, task)
    predict_scores(model, feature_frame(rows.slice(0, _TRIED_ROWS), names), task, card.classes)
    _tell(write_model(context.paths.models, model, card))


def _require_one_split(champion: LoggedScores | StoredModel | Recipe | None, challenger: Recipe) -> None:
    if isinstance(champion, Recipe) and champion.split != challenger.split:
        raise ModelError(
            "models.champion",
            found=f"a recipe on the split {champion.split}",
            expected=f"the challenger's split {challenger.split}: recipes are compared on the same rows",
            next_step="set models.champion.split to models.challenger.split in params.yaml",
        )


def _require_one_snapshot(features: Manifest, assignments: Manifest, split: str) -> None:
    if features.about.get("snapshots") != assignments.about.get("snapshots"):
        raise DatasetError(
            f"data/splits/{split} and data/features",
            found="made from two snapshots",
            expected="made from one",
            next_step="dvc repro train",
        )


def _tell(card: ModelCard) -> None:
    rows = "" if card.rows is None else f" on {card.rows:,} rows of {card.split}/{card.part}"
    print(f"train: {card.role} {card.name}{rows}, model {(card.logical_hash or '')[:12]}")


STAGE = Stage(
    reads=lambda context: (
        "data/features/manifest.json",
        f"data/splits/{context.params.models.challenger.split}/manifest.json",
        "data/validation/features.json",
        "data/validation/splits.json",
    ),
    writes=lambda _: ("data/models",),
    code=_CODE,
    run=_run,
)
