"""Stage ``evaluate``: champion and challenger on identical rows of a stored split; predictions, figures and curves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import DatasetWriter, hash_mapping, write_atomically
from tasks.evaluation import (
    Contender,
    Contest,
    Evidence,
    PartRows,
    Rescoring,
    calibration_csv,
    evidence_hashes,
    headline_metrics,
    hold_contest,
    load_metrics,
    measure_part_drift,
    open_evidence,
    read_part,
    read_slice_values,
    refuse_training_rows,
    require_measurable,
    roc_csv,
    score_again,
    score_refit,
    summarise,
)
from tasks.models import REFIT, open_model
from tasks.models.challengers import Role
from tasks.params import Params
from tasks.params.models import LoggedScores, Task, refitted_role
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, Manifest
from tasks.seeds import derive_seed
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined, require_released
from tasks.stages.looking import HOLDOUT, hash_holdout, pay_look
from tasks.stages.made_with import made_with

_CODE = (
    "tasks/stages/evaluate.py",
    "tasks/stages/looking.py",
    "tasks/ledger",
    "tasks/evaluation",
    "tasks/models",
    "tasks/user_code",
    "tasks/seeds.py",
)


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params
    split, part, task = params.evaluation.split, params.evaluation.part, params.label.task
    require_measurable(params)
    evidence = open_evidence(paths, split, params.splits[split].part_names)
    require_examined(context, "features", {"features": evidence.features.logical_hash})
    require_examined(context, "splits", {f"splits/{split}": evidence.assignments.logical_hash})
    require_released(context, {"features": evidence.features.logical_hash, "masked": evidence.masked.logical_hash})
    judged = read_judged(evidence, params)
    pay_look(paths, params, candidate=judged.challenger.card.logical_hash, holdout=judged.holdout)
    contest = judged.contest(task)
    predictions = _write_predictions(paths, evidence, contest, params)
    k = params.masking.limits.k
    evaluation = record_evaluation(judged, contest, params, predictions.logical_hash)
    write_atomically(paths.roc_curve, roc_csv(contest.predictions, task, contest.classes, k).encode())
    write_atomically(paths.calibration_curve, calibration_csv(contest.predictions, task, contest.classes, k).encode())
    write_atomically(paths.metrics, (json.dumps(headline_metrics(evaluation), indent=1, sort_keys=True) + "\n").encode())
    write_atomically(paths.evaluation_report, evaluation.to_json().encode())
    left_out = f"{evaluation.unlabelled_rows:,} without label, {evaluation.unscored_rows:,} without champion score left out"
    if judged.champion is None:
        left_out = f"{evaluation.unlabelled_rows:,} without label left out; there is no champion"
    print(f"evaluate: {evaluation.rows:,} rows of {split}/{part} ({left_out}), {len(evaluation.comparisons)} comparisons")


@dataclass(frozen=True)
class Judged:
    """Who is judged on which rows; nothing has been measured yet."""

    evidence: Evidence
    rows: PartRows
    champion: Contender | LoggedScores | None
    challenger: Contender
    holdout: str
    """The hash that a look at these rows is known by."""
    refit: Contender | None = None
    """The model that was fitted again with another seed."""
    as_seen: Callable[[pa.Table], pa.Table] = lambda rows: rows
    """Turns stored features into those of the view that is judged."""

    def contest(self, task: Task) -> Contest:
        """Both scored on the rows that can be judged."""
        return hold_contest(self.rows, self.champion, self.challenger, task)


def read_judged(evidence: Evidence, params: Params) -> Judged:
    """The judged part's rows, and the models that the stage ``train`` left; a model that was fitted on them is refused."""
    champion = _champion(evidence.paths, params)
    challenger = _contender(evidence.paths, "challenger", params.label.task)
    part = params.evaluation.part
    rows = read_part(evidence, params, part)
    for contender in (champion, challenger):
        if isinstance(contender, Contender):
            refuse_training_rows(evidence, part, rows.facts.column("row_key"), contender.card)
    refit = None
    if refitted_role(params.models) is not None:
        brought = open_model(evidence.paths.models, REFIT)
        refit = Contender(brought.card, partial(brought.score, task=params.label.task))
    return Judged(evidence, rows, champion, challenger, hash_holdout(rows.facts), refit)


def record_evaluation(judged: Judged, contest: Contest, params: Params, predictions: str) -> Evaluation:
    """Everything about ``contest``, whose stored predictions have the logical hash ``predictions``, in one record."""
    rescored = _rescored(judged, contest, params)
    refits = {} if judged.refit is None else {f"models/{REFIT}": judged.refit.card.logical_hash or ""}
    return summarise(
        contest,
        params,
        split=params.evaluation.split,
        part=params.evaluation.part,
        known_slices=read_slice_values(judged.evidence, params),
        inputs=_inputs(judged.evidence, contest, params) | refits | {"predictions": predictions, HOLDOUT: judged.holdout},
        seed=derive_seed(params.seed, "evaluation"),
        own=load_metrics(params.evaluation.functions, judged.evidence.paths.root),
        rescored=rescored,
        drift=measure_part_drift(judged.evidence, params, judged.rows.features, contest.challenger, as_seen=judged.as_seen),
    )


def _rescored(judged: Judged, contest: Contest, params: Params) -> list[Rescoring]:
    """The refit's scores, and both models' asked again: what the noise floor is measured with."""
    role = refitted_role(params.models)
    found = [] if judged.refit is None or role is None else [score_refit(judged.refit, role, contest)]
    for contender in (judged.champion, judged.challenger):
        found += score_again(contender, judged.rows.features, contest)
    return found


def _champion(paths: ProjectPaths, params: Params) -> Contender | LoggedScores | None:
    """The champion's logged scores, its model as the stage ``train`` left it, or None where there is none."""
    champion = params.models.champion
    return champion if champion is None or isinstance(champion, LoggedScores) else _contender(paths, "champion", params.label.task)


def _contender(paths: ProjectPaths, role: Role, task: Task) -> Contender:
    model = open_model(paths.models, role)
    scores = [partial(model.score, task=task, draw=draw) for draw in range(1, model.draws + 1)]
    return Contender(model.card, scores[0], tuple(scores[1:]))


def _inputs(evidence: Evidence, contest: Contest, params: Params) -> dict[str, str]:
    """The hashes of all that the predictions rest on, parameters included."""
    rows = (evidence.features, evidence.masked, evidence.assignments)
    models = (card.made_with for card in (contest.champion, contest.challenger) if card is not None)
    return evidence_hashes(evidence, contest) | made_with(params, "evaluate", *(manifest.about for manifest in rows), *models)


def _write_predictions(paths: ProjectPaths, evidence: Evidence, contest: Contest, params: Params) -> Manifest:
    """The per-row predictions by month of the row's day, from which every figure can be derived again."""
    inputs = _inputs(evidence, contest, params)
    months = pc.strftime(contest.predictions.column("day"), "%Y-%m")
    with DatasetWriter(paths.predictions, "predictions") as writer:
        for month in sorted(months.unique().to_pylist()):
            rows = contest.predictions.filter(pc.equal(months, month))
            writer.write(f"predictions/{month}.parquet", hash_mapping({"month": month, **inputs}), rows, ("row_key",))
        cards = (contest.champion, contest.challenger)
        about: dict[str, str] = {f"{card.role}_view": card.view for card in cards if card is not None}
        if contest.classes:
            about["classes"] = json.dumps(contest.classes)
        return writer.finish({"split": evidence.split, "part": params.evaluation.part, **about, **inputs})


STAGE = Stage(
    # Another split that a model was fitted on reaches DVC through data/models, which depends on it.
    reads=lambda context: (
        "data/features/manifest.json",
        "data/masked/manifest.json",
        "data/models",
        f"data/splits/{context.params.evaluation.split}/manifest.json",
        "data/disclosure/disclosure.json",
        "data/validation/features.json",
        "data/validation/splits.json",
    ),
    writes=lambda _: (
        "data/predictions",
        "data/evaluation/evaluation.json",
        "data/evaluation/metrics.json",
        "data/evaluation/roc.csv",
        "data/evaluation/calibration.csv",
    ),
    code=_CODE,
    run=_run,
)
