"""Another challenger, or another split, judged on the data that is there: in a worktree of its own."""

import re
import shutil
from pathlib import Path
from typing import Any

from prefect import flow

from flows.params_edit import edit_params
from flows.pin_production import is_pin_needed, pin_production
from flows.server_watch import end_with_worker
from flows.stage_runner import TASK_RUNNER, run_stages
from flows.verdicts import publish_verdict
from flows.worktrees import Worktree, land, open_worktree
from tasks.datasets import hash_file
from tasks.errors import ModelError
from tasks.params import load_params
from tasks.sources import read_pin

CANDIDATE_BRANCHES = "candidates/"
CHALLENGERS = "challengers"


@flow(name="evaluate_candidate", task_runner=TASK_RUNNER, persist_result=False)
def evaluate_candidate(challenger: str | None = None, split: str | None = None, reason: str = "asked for") -> str:
    """Judge ``challenger`` (a Python file that defines ``estimator``; none: the one in params.yaml) on ``split`` (none: the same).

    Returns the branch ``candidates/<name>`` that holds parameters, challenger, dvc.lock, reports and verdict; the report and
    the verdict are also kept in ``.windtunnel/results``. The checkout that it is started in is not touched.

    Args:
        challenger: Path of a Python file that defines `estimator`, from the project's folder; None: the one in params.yaml.
        split: Name of a split in params.yaml; None: the one that params.yaml judges on.
        reason: Why; kept in the commit.
    """
    root = Path.cwd()
    name = name_candidate(challenger)
    with end_with_worker(), open_worktree(root, name.replace("/", "-")) as tree:
        sources = use_candidate(tree, Path(challenger) if challenger else None, split)
        if is_pin_needed(tree.paths):
            pin_production(str(tree.paths.root))
        run_stages(tree.paths.root)
        decision, receipt = publish_verdict(str(tree.paths.root), name)
        land(tree, name, f"Judge {name}: {decision}\n\n{reason}\n", receipts=[Path(receipt)], sources=sources)
    return name


def name_candidate(challenger: str | None) -> str:
    """The branch that a candidate lands on: its file's name and the start of its hash, so that no two files share one.

    Raises :class:`~tasks.errors.ModelError` where there is no such file.
    """
    if challenger is None:
        return f"{CANDIDATE_BRANCHES}params"
    file = Path(challenger)
    if not file.is_file():
        raise ModelError(
            challenger, found="no such file", expected="a Python file that defines `estimator`", next_step="windtunnel try --help"
        )
    return f"{CANDIDATE_BRANCHES}{re.sub(r'[^A-Za-z0-9_-]', '-', file.stem)}-{hash_file(file)[:8]}"


def use_candidate(tree: Worktree, challenger: Path | None, split: str | None) -> tuple[str, ...]:
    """Put the challenger's file into the worktree and name it, its hash and the split in the worktree's parameters.

    Returns the paths, relative to the worktree, that were added.
    """
    recipe = load_params(tree.paths.params).models.challenger
    changes: dict[str, Any] = {}
    sources: tuple[str, ...] = ()
    if tree.paths.pin.exists():  # the newest data, which may be of a later moment than HEAD's parameters
        changes["snapshot.as_of_utc"] = read_pin(tree.paths.pin).as_of_utc
    if challenger is not None:
        relative = f"{CHALLENGERS}/{challenger.name}"
        (tree.paths.root / CHALLENGERS).mkdir(exist_ok=True)
        shutil.copy2(challenger, tree.paths.root / relative)
        sources = (relative,)
        trained_on = {"split": recipe.split, "part": recipe.part}
        changes["models.challenger"] = {"file": relative, "sha256": hash_file(challenger), **trained_on}
    if split is not None:
        changes["evaluation.split"] = split
        changes["models.challenger.split"] = split
    if changes:
        edit_params(tree.paths.params, changes)
    return sources
