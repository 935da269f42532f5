"""Stage ``train``: make the challenger, and a champion that is not in production, able to score; and say what the challenger takes.

Recipes are fitted, stored models are taken over, commands are run, and brought scores are checked. A champion that is known by
its logged scores needs no model: ``evaluate`` reads the scores. One recipe is fitted once more, with another seed: its
scores tell how far a seed alone moves figures.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pyarrow as pa

from tasks.credentials import take_model_keys
from tasks.datasets import StoredTable, open_table, read_manifest, write_atomically
from tasks.errors import DatasetError, ModelError
from tasks.models import REFIT, Brought, Workbench, add_weights, bring_model, keep_model, open_workbench, refit_model, select_parts
from tasks.models.resources import RESOURCES, measure_resources
from tasks.models.store import remove_model
from tasks.params.models import Challenger, Champion, Command, LoggedScores, Recipe, refitted_role
from tasks.params.splits import assignments_of, resolve_parts
from tasks.paths import ProjectPaths
from tasks.records import Manifest, ModelCard
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined, require_released
from tasks.stages.made_with import made_with

_CODE = ("tasks/stages/train.py", "tasks/models", "tasks/user_code", "tasks/seeds.py")


def _run(context: StageContext) -> None:
    model_keys = take_model_keys(os.environ)  # a recipe's file is somebody's code
    paths, params = context.paths, context.params
    champion, challenger = params.models.champion, params.models.challenger
    _require_one_split(champion, challenger)
    features = read_manifest(paths.features, made_by="features")
    require_examined(context, "features", {"features": features.logical_hash})
    require_released(context, {"features": features.logical_hash})
    for role in ("champion", "challenger", REFIT):
        remove_model(paths.models, role)
    paths.evidence_of(RESOURCES).unlink(missing_ok=True)
    bench = stage_workbench(context, features, model_keys)
    if champion is not None and not isinstance(champion, LoggedScores):
        _tell(_keep(context, features, bring_model(champion, bench, "champion")))
    judged = _keep(context, features, bring_model(challenger, bench, "challenger"))
    _keep_resources(paths, judged)
    again = refitted_role(params.models)
    recipe = champion if again == "champion" else challenger
    if again is not None and isinstance(recipe, Recipe):
        _tell(_keep(context, features, refit_model(recipe, bench, again)))
    _tell(judged)


def _keep(context: StageContext, features: Manifest, brought: Brought) -> ModelCard:
    """Store it, with the parameters that it and all it was made from were made with."""
    paths, split = context.paths, brought.card.split
    parted = {} if split is None else read_manifest(paths.split(split), made_by=f"split@{split}").about
    told = made_with(context.params, "train", features.about, parted)
    return keep_model(paths.models, replace(brought, card=brought.card.model_copy(update={"made_with": told})))


def _keep_resources(paths: ProjectPaths, card: ModelCard) -> None:
    """Write what the challenger takes, of which criteria may ask."""
    archive = paths.models / f"{card.role}.skops"
    found = measure_resources(card, archive.read_bytes() if archive.is_file() else None)
    write_atomically(paths.evidence_of(RESOURCES), found.to_json().encode())


def stage_workbench(context: StageContext, features: Manifest, model_keys: Mapping[str, str]) -> Workbench:
    """What the models of ``context`` are made from: the stored features by the stored parts."""
    params = context.params
    names = params.features.names
    stored = open_table(context.paths.features, features, "features")

    @cache
    def assigned(split: str, table: str) -> StoredTable:
        return _open_assignments(context, features, split, table)

    def select(split: str, parts: tuple[str, ...], columns: tuple[str, ...]) -> pa.Table:
        pieces = assigned(split, assignments_of(parts[0])).pieces(("row_key", "part"))
        return select_parts(stored.pieces, pieces, parts, ("row_key", "at_utc", *columns))

    def read_training(declared: Recipe | Command) -> tuple[tuple[str, ...], pa.Table]:
        parts = resolve_parts(params.splits[declared.split], declared.part)
        chosen = select(declared.split, parts, ("label", *names))
        return parts, chosen if declared.weight is None else _weigh(context, features, chosen, declared.weight)

    def read_judged(part: str) -> pa.Table:
        split = params.evaluation.split
        return select(split, resolve_parts(params.splits[split], part), names)

    return open_workbench(
        params,
        context.paths.root,
        model_keys=model_keys,
        read_labels=lambda: stored.column("label"),
        read_training=read_training,
        read_judged=read_judged,
    )


def _open_assignments(context: StageContext, features: Manifest, split: str, table: str) -> StoredTable:
    """A ``table`` of assignments of ``split``, once it is known to be examined and of one snapshot."""
    folder = context.paths.split(split)
    assignments = read_manifest(folder, made_by=f"split@{split}")
    require_examined(context, "splits", {f"splits/{split}": assignments.logical_hash})
    _require_one_snapshot(features, assignments, split)
    return open_table(folder, assignments, table)


def _weigh(context: StageContext, features: Manifest, rows: pa.Table, column: str) -> pa.Table:
    """``rows`` with their weights, which lie in the masked rows that the features are made from."""
    params, folder = context.params, context.paths.masked
    masked = read_manifest(folder, made_by="mask")
    if features.about.get("masked") != masked.logical_hash:
        raise DatasetError(
            "data/features", found="made from other masked tables", expected="made from these", next_step="dvc repro train"
        )
    table = params.features.rows
    return add_weights(rows, column, folder, masked, table=table, key=params.snapshot.tables[table].key)


def _require_one_split(champion: Champion | None, challenger: Challenger) -> None:
    if isinstance(champion, Recipe) and isinstance(challenger, Recipe | Command) and champion.split != challenger.split:
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
    # Splits reach DVC through the report that examined each of them: a challenger that is not fitted here names none.
    reads=lambda _: (
        "data/features/manifest.json",
        "data/masked/manifest.json",
        "data/disclosure/disclosure.json",
        "data/validation/features.json",
        "data/validation/splits.json",
    ),
    writes=lambda _: ("data/models", f"data/evidence/{RESOURCES}.json"),
    code=_CODE,
    run=_run,
)
