"""A challenger as somebody names it on the command line, as the section of params.yaml that pins it.

What belongs here: which kind of challenger a name stands for, and its section. What does not: reading params.yaml, and copying
files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.datasets import hash_file
from tasks.errors import ModelError
from tasks.models.mlflow_store import fetch_model, is_registry_uri
from tasks.params import Params
from tasks.params.models import Challenger, Command, ModelsParams, Recipe, View
from tasks.params.splits import ALL_FOLDS, OTHER_FOLDS

_KINDS = {".py": "file", ".skops": "model", ".parquet": "score_file", ".csv": "score_file"}
_EXPECTED = (
    "a Python file that defines `estimator` (.py), a model (.skops), a score file (.parquet, .csv), or a model's URI in MLflow"
)


def is_kept_in_git(given: str) -> bool:
    """Whether the file is code; models and scores are too large for Git, and known by their hash."""
    return Path(given).suffix == ".py"


def require_challenger(given: str) -> None:
    """Refuse, with a :class:`~tasks.errors.ModelError`, what names no challenger."""
    if is_registry_uri(given):
        return
    is_file, is_known = Path(given).is_file(), Path(given).suffix in _KINDS
    if not (is_file and is_known):
        found = f"a file of the kind {Path(given).suffix or '(none)'}" if is_file else "no such file"
        raise ModelError(f"challenger {given}", found=found, expected=_EXPECTED, next_step="windtunnel try --help")


def name_challenger(
    given: str,
    params: Params,
    root: Path,
    *,
    place: str | None = None,
    view: View = "masked",
    model_keys: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The section ``models.challenger`` that names and pins ``given``: a file, or a URI whose alias is resolved.

    ``place`` is the file's path in the section (none: its own, relative to ``root`` where it lies below). A recipe is fitted on the
    rows that the declared challenger is fitted on, or else on ``train`` of the evaluated split, or all of it that is not judged.
    Raises :class:`~tasks.errors.ModelError` as :func:`require_challenger` and :func:`~tasks.models.mlflow_store.fetch_model` do.
    """
    require_challenger(given)
    if is_registry_uri(given):
        tracking = params.models.mlflow.tracking_uri if params.models.mlflow else None
        fetched = fetch_model(given, tracking, root, model_keys)
        return {"model": fetched.uri, "sha256": fetched.sha256, "view": view}
    file = Path(given)
    kind = _KINDS[file.suffix]
    named = {kind: place or _relative(file, root), "sha256": hash_file(file)}
    return named | (fitted_on(params) if kind == "file" else {"view": view})


def read_challenger(section: dict[str, Any], declared: ModelsParams) -> Challenger:
    """``section`` as the parameters that it stands for."""
    whole = declared.model_dump(exclude={"challenger"}, exclude_none=True) | {"challenger": section}
    return ModelsParams.model_validate(whole).challenger


def fitted_on(params: Params) -> dict[str, Any]:
    """The split, part and weights that a recipe is fitted on where it names none itself."""
    declared, judged = params.models.challenger, params.evaluation
    if isinstance(declared, Recipe | Command):
        weight = {} if declared.weight is None else {"weight": declared.weight}
        return {"split": declared.split, "part": declared.part if isinstance(declared.part, str) else list(declared.part)} | weight
    part = "train" if "train" in params.splits[judged.split].part_names else f"not {judged.part}"
    part = OTHER_FOLDS if judged.part == ALL_FOLDS else part
    return {"split": judged.split, "part": part}


def _relative(file: Path, root: Path) -> str:
    whole, base = file.resolve(), root.resolve()
    return (whole.relative_to(base) if whole.is_relative_to(base) else whole).as_posix()
