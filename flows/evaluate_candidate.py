"""Another challenger, or another split, judged on the data that is there: in a worktree of its own."""

import shutil
from pathlib import Path
from typing import Any

from prefect import flow

from flows.params_edit import edit_params
from flows.pin_production import is_pin_needed, pin_production
from flows.stage_runner import TASK_RUNNER, run_stages
from flows.verdicts import publish_verdict
from flows.worktrees import Worktree, land, open_worktree
from tasks.datasets import hash_file
from tasks.errors import ModelError
from tasks.params import load_params
from tasks.paths import ProjectPaths

CHALLENGERS = "challengers"


@flow(name="evaluate_candidate", task_runner=TASK_RUNNER, persist_result=False)
def evaluate_candidate(challenger: str | None = None, split: str | None = None, reason: str = "asked for") -> str:
    """Judge ``challenger`` (a Python file that defines ``estimator``; none: the one in params.yaml) on ``split`` (none: the same).

    Returns the branch ``candidates/<name>`` that holds parameters, challenger, dvc.lock, reports and verdict; the report and
    the verdict are also copied to ``.windtunnel/candidates/<name>``. The checkout that it is started in is not touched.
    """
    root = Path.cwd()
    name = candidate_name(challenger)
    with open_worktree(root, f"candidate-{name}") as tree:
        sources = use_candidate(tree, Path(challenger) if challenger else None, split)
        if is_pin_needed(tree.paths):
            pin_production(str(tree.paths.root))
        run_stages(tree.paths.root)
        decision, receipt = publish_verdict(str(tree.paths.root))
        branch = f"candidates/{name}"
        land(tree, branch, f"Judge {name}: {decision}\n\n{reason}\n", receipts=[Path(receipt)], sources=sources)
        keep_results(tree, candidate_folder(tree.main, challenger))
    return branch


def candidate_name(challenger: str | None) -> str:
    """The name that a candidate's branch, worktree and results go by."""
    return Path(challenger).stem if challenger else "params"


def candidate_folder(paths: ProjectPaths, challenger: str | None) -> Path:
    """Where a candidate's verdict and reports outlive its worktree."""
    return paths.state / "candidates" / candidate_name(challenger)


def use_candidate(tree: Worktree, challenger: Path | None, split: str | None) -> tuple[str, ...]:
    """Put the challenger's file into the worktree and name it, its hash and the split in the worktree's parameters.

    Returns the paths, relative to the worktree, that were added. Raises :class:`~tasks.errors.ModelError` where there is no
    such file.
    """
    recipe = load_params(tree.paths.params).models.challenger
    changes: dict[str, Any] = {}
    sources: tuple[str, ...] = ()
    if challenger is not None:
        if not challenger.is_file():
            raise ModelError(
                str(challenger),
                found="no such file",
                expected="a Python file that defines `estimator`",
                next_step="windtunnel try --help",
            )
        relative = f"{CHALLENGERS}/{challenger.name}"
        (tree.paths.root / CHALLENGERS).mkdir(exist_ok=True)
        shutil.copy2(challenger, tree.paths.root / relative)
        sources = (relative,)
        changes["models.challenger"] = {
            "file": relative,
            "sha256": hash_file(challenger),
            "split": recipe.split,
            "part": recipe.part,
        }
    if split is not None:
        changes["evaluation.split"] = split
        changes["models.challenger.split"] = split
    if changes:
        edit_params(tree.paths.params, changes)
    return sources


def keep_results(tree: Worktree, target: Path) -> None:
    """Copy the verdict, its receipt and its reports to ``target``, where they outlive the worktree."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(tree.paths.reports, target)
    shutil.copy2(tree.paths.verdict, target / "verdict.json")
    for receipt in tree.paths.receipts.glob("*.json"):
        tree.main.receipts.mkdir(parents=True, exist_ok=True)
        shutil.copy2(receipt, tree.main.receipts / receipt.name)
