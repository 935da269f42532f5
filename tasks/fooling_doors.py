"""The doors that a cheat could come in by, and the product's own checks that shut them.

What belongs here: calling each check with what an attempt brings. What does not: which attempt passes the criteria
(``tasks.fooling``), and the checks themselves.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.adversary import Door, Sheet
from tasks.errors import ModelError
from tasks.gates.levels import judge_levels
from tasks.models.scores import read_scores_file
from tasks.models.scores import score_columns as file_columns
from tasks.params import Params
from tasks.params.splits import TimeSplit
from tasks.paths import ProjectPaths
from tasks.records import Evaluation
from tasks.stages.policies import stand_by
from tasks.validation.target_leakage import find_target_leakage
from tasks.verification import check_predictions


@dataclass(frozen=True)
class Guarded:
    """What the checks know beside an attempt."""

    paths: ProjectPaths
    params: Params
    evaluation: Evaluation
    stored: pa.Table
    """The predictions of the last verdict."""


def shut_door(at: Guarded, door: Door, sheet: Sheet) -> str:
    """What refuses the attempt at ``door``, in its own words; empty where nothing does."""
    return next(_checks(at, door, sheet), "")


def _checks(at: Guarded, door: Door, sheet: Sheet) -> Iterator[str]:
    if door == "predictions":
        found = check_predictions(sheet.rows.sort_by("row_key"), at.stored)
        if found.status == "does_not_hold":
            yield f"windtunnel verify: {found.reason}"
    elif door == "feature":
        label = at.stored.column("label")
        for finding in find_target_leakage(label, [("planted", label)], task=sheet.task):
            if finding.is_blocking:
                yield f"validation of features: {finding.kind}, {finding.found}"
    elif door in ("score_file", "stored_model"):
        if door == "score_file":
            yield from _refused_file(at, sheet)
        card = at.evaluation.challenger.model_copy(update={"basis": door})
        brought = at.evaluation.model_copy(update={"challenger": card})
        yield from (outcome.reason for outcome in judge_levels(brought, at.params.gates.require) if "challenger" in outcome.reason)
    elif door in ("params_split", "params_seed"):
        yield from _bound_by_policy(at, _another_split(at.params) if door == "params_split" else _another_seed(at.params))
    elif door == "params_champion" and at.evaluation.champion is not None:
        yield from _bound_by_policy(at, _another_champion(at.params))
        card = at.evaluation.champion.model_copy(update={"basis": "recipe"})
        older = at.evaluation.model_copy(update={"champion": card})
        yield from (outcome.reason for outcome in judge_levels(older, at.params.gates.require) if "champion" in outcome.reason)


def _bound_by_policy(at: Guarded, other: Params) -> Iterator[str]:
    """Why the ``other`` parameters promote nothing: they are not what was signed; nothing where they are, or nothing is signed."""
    if stand_by(at.paths, at.params).unsigned:
        return
    found = stand_by(at.paths, other)
    if found.unsigned:
        yield f"the signed policy: {found.unsigned}, so the verdict is a rehearsal, and signing that takes a second person"


def _another_split(params: Params) -> Params:
    """``params`` with the judged split parted otherwise: each boundary a day later, or another salt."""
    name = params.evaluation.split
    split = params.splits[name]
    if isinstance(split, TimeSplit):
        other = split.model_copy(update={"boundaries": {part: day + timedelta(days=1) for part, day in split.boundaries.items()}})
        return params.model_copy(update={"splits": {**params.splits, name: other}})
    return params.model_copy(update={"splits": {**params.splits, name: split.model_copy(update={"salt": f"{split.salt} again"})}})


def _another_seed(params: Params) -> Params:
    return params.model_copy(update={"seed": params.seed + 1})


def _another_champion(params: Params) -> Params:
    """``params`` with another ``models.champion``: none, where anything else would need a model that is at hand."""
    return params.model_copy(update={"models": params.models.model_copy(update={"champion": None})})


def _refused_file(at: Guarded, sheet: Sheet) -> Iterator[str]:
    """Why a score file of the rows and scores of ``sheet`` is refused; nothing where it is taken."""
    names = file_columns(sheet.task, sheet.classes)
    columns = dict(zip(names, (sheet.rows.column(name) for name in sheet.challenger[0]), strict=True))
    with tempfile.TemporaryDirectory(prefix="windtunnel-fool-") as folder:
        file = Path(folder) / "scores.parquet"
        pq.write_table(pa.table({"row_key": sheet.rows.column("row_key"), **columns}), file)
        wanted = at.stored.column("row_key")
        try:
            read_scores_file(file, wanted, (), task=sheet.task, classes=sheet.classes, what="score file")
        except ModelError as error:
            yield f"{error.thing}: {error.found}"
