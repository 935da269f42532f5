"""Another challenger, or another split, judged on the data that is there: in a worktree of its own."""

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Any

from prefect import flow

from flows.leak_search import plant, search_for_leaks
from flows.params_edit import edit_params
from flows.pin_production import is_pin_needed, pin_production
from flows.programs import enter_project
from flows.server_watch import end_with_worker
from flows.stage_runner import TASK_RUNNER, run_stages
from flows.verdicts import publish_verdict
from flows.worktrees import Worktree, land, open_worktree
from tasks.credentials import model_keys
from tasks.datasets import hash_file
from tasks.models import is_kept_in_git, name_challenger, require_challenger
from tasks.params import load_params
from tasks.params.models import Command, Recipe, View
from tasks.sources import read_pin

CANDIDATE_BRANCHES = "candidates/"
CHALLENGERS = "challengers"


@flow(name="evaluate_candidate", task_runner=TASK_RUNNER, persist_result=False)
def evaluate_candidate(
    challenger: str | None = None, split: str | None = None, reason: str = "asked for", view: View = "masked"
) -> str:
    """Judge ``challenger`` (a file or a model's URI; none: the one in params.yaml) on ``split`` (none: the same).

    Returns the branch ``candidates/<name>`` that holds parameters, challenger, dvc.lock, reports and verdict; the report and
    the verdict are also kept in ``.windtunnel/results``. The checkout that it is started in is not touched.

    Args:
        challenger: A Python file that defines `estimator`, a stored model (.skops), a score file (.parquet, .csv), each from the
            project's folder, or the URI of a model in MLflow; None: the one in params.yaml.
        split: Name of a split in params.yaml; None: the one that params.yaml judges on.
        reason: Why; kept in the commit.
        view: The view, masked or raw, that a stored model was trained on, or that scores were computed on.
    """
    root = enter_project()
    name = name_candidate(challenger)
    with end_with_worker(), open_worktree(root, name.replace("/", "-")) as tree:
        sources = use_candidate(tree, challenger, split, view)
        if is_pin_needed(tree.paths):
            pin_production(str(tree.paths.root))
        plant(str(tree.paths.root))
        run_stages(tree.paths.root)
        search_for_leaks(str(tree.paths.root))
        decision, receipts = publish_verdict(str(tree.paths.root), name)
        land(tree, name, f"Judge {name}: {decision}\n\n{reason}\n", receipts=[Path(file) for file in receipts], sources=sources)
    return name


def name_candidate(challenger: str | None) -> str:
    """The branch that a candidate lands on: its file's name and the start of its hash, so that no two files share one.

    Raises :class:`~tasks.errors.ModelError` where it names no challenger.
    """
    if challenger is None:
        return f"{CANDIDATE_BRANCHES}params"
    require_challenger(challenger)
    file = Path(challenger)
    known = hash_file(file) if file.is_file() else hashlib.sha256(challenger.encode()).hexdigest()
    return f"{CANDIDATE_BRANCHES}{re.sub(r'[^A-Za-z0-9_-]', '-', file.stem)}-{known[:8]}"


def use_candidate(tree: Worktree, challenger: str | None, split: str | None, view: View = "masked") -> tuple[str, ...]:
    """Name the challenger, its hash and the split in the worktree's parameters.

    A Python file is put into the worktree, and so into the commit; a model or scores are kept in the main checkout's
    ``.windtunnel/challengers``, under their hash. Returns the paths, relative to the worktree, that were added.
    """
    params = load_params(tree.paths.params)
    changes: dict[str, Any] = {}
    sources: tuple[str, ...] = ()
    if tree.paths.pin.exists():  # the newest data, which may be of a later moment than HEAD's parameters
        changes["snapshot.as_of_utc"] = read_pin(tree.paths.pin).as_of_utc
    section: dict[str, Any] = {}
    if challenger is not None:
        place = _lay_down(tree, Path(challenger)) if Path(challenger).is_file() else None
        sources = (place,) if place is not None and is_kept_in_git(place) else ()
        section = name_challenger(challenger, params, tree.main.root, place=place, view=view, model_keys=model_keys(os.environ))
        changes["models.challenger"] = section
    if split is not None:
        changes["evaluation.split"] = split
        if "split" in section or (not section and isinstance(params.models.challenger, Recipe | Command)):
            changes["models.challenger.split"] = split
    if changes:
        edit_params(tree.paths.params, changes)
    return sources


def _lay_down(tree: Worktree, file: Path) -> str:
    """Copy a challenger's file to where the run finds it; its path as params.yaml names it."""
    if is_kept_in_git(file.name):
        relative = f"{CHALLENGERS}/{file.name}"
        place = tree.paths.root / relative
    else:
        place = tree.main.state / CHALLENGERS / hash_file(file)[:12] / file.name
        relative = place.relative_to(tree.main.root).as_posix()
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, place)
    return relative
