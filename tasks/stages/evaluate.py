"""Stage ``evaluate``: champion and challenger on identical rows of a stored split; predictions, figures and curves."""

import json
from functools import partial

import pyarrow.compute as pc

from tasks.datasets import DatasetWriter, hash_mapping, write_atomically
from tasks.evaluation import (
    Contender,
    Contest,
    Evidence,
    calibration_csv,
    evidence_hashes,
    headline_metrics,
    hold_contest,
    open_evidence,
    read_part,
    read_slice_values,
    refuse_training_rows,
    require_measurable,
    roc_csv,
    summarise,
)
from tasks.models import open_model
from tasks.models.challengers import Role
from tasks.params import Params
from tasks.params.models import LoggedScores, Task
from tasks.paths import ProjectPaths
from tasks.records import Manifest
from tasks.seeds import derive_seed
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined, require_released
from tasks.stages.looking import HOLDOUT, hash_holdout, pay_look

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
    champion, challenger = _champion(paths, params), _contender(paths, "challenger", task)
    rows = read_part(evidence, params, part)
    for contender in (champion, challenger):
        if isinstance(contender, Contender):
            refuse_training_rows(evidence, part, rows.facts.column("row_key"), contender.card)
    holdout = hash_holdout(rows.facts)
    pay_look(paths, params, candidate=challenger.card.logical_hash, holdout=holdout)
    contest = hold_contest(rows, champion, challenger, task)
    predictions = _write_predictions(paths, evidence, contest, part)
    k = params.masking.limits.k
    evaluation = summarise(
        contest,
        params,
        split=split,
        part=part,
        known_slices=read_slice_values(evidence, params),
        inputs=evidence_hashes(evidence, contest) | {"predictions": predictions.logical_hash, HOLDOUT: holdout},
        seed=derive_seed(params.seed, "evaluation"),
    )
    write_atomically(paths.roc_curve, roc_csv(contest.predictions, task, contest.classes, k).encode())
    write_atomically(paths.calibration_curve, calibration_csv(contest.predictions, task, contest.classes, k).encode())
    write_atomically(paths.metrics, (json.dumps(headline_metrics(evaluation), indent=1, sort_keys=True) + "\n").encode())
    write_atomically(paths.evaluation_report, evaluation.to_json().encode())
    left_out = f"{evaluation.unlabelled_rows:,} without label, {evaluation.unscored_rows:,} without champion score left out"
    if champion is None:
        left_out = f"{evaluation.unlabelled_rows:,} without label left out; there is no champion"
    print(f"evaluate: {evaluation.rows:,} rows of {split}/{part} ({left_out}), {len(evaluation.comparisons)} comparisons")


def _champion(paths: ProjectPaths, params: Params) -> Contender | LoggedScores | None:
    """The champion's logged scores, its model as the stage ``train`` left it, or None where there is none."""
    champion = params.models.champion
    return champion if champion is None or isinstance(champion, LoggedScores) else _contender(paths, "champion", params.label.task)


def _contender(paths: ProjectPaths, role: Role, task: Task) -> Contender:
    model = open_model(paths.models, role)
    scores = [partial(model.score, task=task, draw=draw) for draw in range(1, model.draws + 1)]
    return Contender(model.card, scores[0], tuple(scores[1:]))


def _write_predictions(paths: ProjectPaths, evidence: Evidence, contest: Contest, part: str) -> Manifest:
    """The per-row predictions by month of the row's day, from which every figure can be derived again."""
    inputs = evidence_hashes(evidence, contest)
    months = pc.strftime(contest.predictions.column("day"), "%Y-%m")
    with DatasetWriter(paths.predictions, "predictions") as writer:
        for month in sorted(months.unique().to_pylist()):
            rows = contest.predictions.filter(pc.equal(months, month))
            writer.write(f"predictions/{month}.parquet", hash_mapping({"month": month, **inputs}), rows, ("row_key",))
        cards = (contest.champion, contest.challenger)
        about: dict[str, str] = {f"{card.role}_view": card.view for card in cards if card is not None}
        if contest.classes:
            about["classes"] = json.dumps(contest.classes)
        return writer.finish({"split": evidence.split, "part": part, **about, **inputs})


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
