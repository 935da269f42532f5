"""Whether a recipe can be fitted again on raw rows here, before anything is read or verified.

What belongs here: what is refused by looking at parameters and manifests. What does not: reading raw rows and fitting
(``raw_refit``). No stage of its own.
"""

import os

from tasks.credentials import put_away
from tasks.datasets import MANIFEST, read_manifest
from tasks.errors import DatasetError, ModelError
from tasks.masking import MaskingKey
from tasks.models import load_estimator
from tasks.params import Params
from tasks.params.models import Champion, Command, Recipe, ScoreFile, StoredModel
from tasks.params.splits import ALL_FOLDS
from tasks.records import Manifest
from tasks.stages import StageContext
from tasks.stages.keys import load_stage_key
from tasks.stages.raw_rows import is_changed

_FITTED_MODEL = "windtunnel promote VERDICT (without --refit) promotes the fitted model that was judged"


def require_refittable(context: StageContext, snapshot: str) -> tuple[Manifest, Recipe, MaskingKey]:
    """The raw snapshot with the logical hash ``snapshot``, the challenger's recipe, and the key that masked rows are found by.

    Raises :class:`~tasks.errors.ModelError` where there is no recipe that may be fitted on raw rows, or the champion cannot be
    brought into the view raw, :class:`~tasks.errors.DatasetError` where the restricted zone is not here, or holds another
    snapshot, and :class:`~tasks.errors.MaskingKeyError` as :func:`~tasks.stages.keys.load_stage_key` does.
    """
    recipe = _require_recipe(context.params)
    _require_raw_champion(context.params.models.champion)
    for role, declared in (("challenger", recipe), ("champion", context.params.models.champion)):
        if isinstance(declared, Recipe):
            _require_allowed(context.params, role, declared)
            with put_away(os.environ, context.params.masking.key.env):  # a file is somebody's code
                load_estimator(declared, context.paths.root, context.params.label.task)  # one of another hash is told here
    return _require_snapshot(context, snapshot), recipe, load_stage_key(context)


def _require_recipe(params: Params) -> Recipe:
    challenger = params.models.challenger
    kinds = {StoredModel: "a stored model, fitted elsewhere", ScoreFile: "a score file", Command: "a program's scores"}
    if not isinstance(challenger, Recipe):
        raise _not_refittable(kinds[type(challenger)], "a recipe: an estimator, or a file that defines one")
    if params.evaluation.part == ALL_FOLDS:
        raise _not_refittable(
            "a recipe that was judged on all folds, by a model for each", "one that was judged on one part, and is fitted on others"
        )
    return challenger


def _not_refittable(found: str, expected: str) -> ModelError:
    return ModelError("models.challenger, to be fitted again on raw rows", found=found, expected=expected, next_step=_FITTED_MODEL)


def _require_raw_champion(champion: Champion | None) -> None:
    if isinstance(champion, StoredModel):
        raise ModelError(
            "models.champion, to be compared with on raw rows",
            found=f"a stored model of the view {champion.view}, which cannot be brought into the view raw",
            expected="its scores as production logged them, or its recipe, which is fitted again too",
            next_step="name them as models.champion, then windtunnel run",
        )


def _require_allowed(params: Params, role: str, recipe: Recipe) -> None:
    if recipe.file is not None and not params.masking.utility.files:
        raise ModelError(
            f"models.{role}.file {recipe.file}",
            found="a recipe that is a file, and masking.utility.files does not let one see raw rows",
            expected="an estimator by its name, or masking.utility.files: true",
            next_step="it is somebody's code: read it, then set masking.utility.files and judge anew (docs/params.md)",
        )
    column = f"{params.features.rows}.{recipe.weight}"
    if recipe.weight is not None and is_changed(params, column):
        raise ModelError(
            f"models.{role}.weight {recipe.weight}",
            found="weights that masking changes",
            expected="a column that is kept as it is, so that raw rows weigh what masked ones do",
            next_step=f"keep {column} (masking.tables, safe), or fit without weights; then windtunnel run",
        )


def _require_snapshot(context: StageContext, snapshot: str) -> Manifest:
    folder = context.paths.snapshots
    if not (folder / MANIFEST).is_file():
        raise DatasetError(
            "data/snapshots",
            found="not here: raw rows lie in the restricted zone alone",
            expected="the raw snapshot that the verdict's data was made from",
            next_step="run this where the snapshot and the masking key are; there `dvc pull --remote restricted` fetches it",
        )
    found = read_manifest(folder, made_by="snapshot")
    if found.logical_hash != snapshot:
        raise DatasetError(
            "data/snapshots",
            found=f"another snapshot ({found.logical_hash[:12]})",
            expected=f"the one that the verdict rests on ({snapshot[:12]})",
            next_step="promote the verdict by its branch, whose own snapshot is checked out; or dvc checkout",
        )
    return found
