"""``windtunnel try FILE``: how a challenger does on the validation part, in seconds, without a trace.

What belongs here: wiring the capabilities for one look that decides nothing. What does not: any computation. The test part
is spent by looking at it, so the evidence is opened without it: only rows of the parts train and validation can be read.
Nothing is written.
"""

from pathlib import Path

from tasks.datasets import MANIFEST, hash_file
from tasks.errors import EvaluationError, EvidenceError, ModelError
from tasks.evaluation import (
    Contender,
    Evidence,
    evidence_hashes,
    hold_contest,
    open_evidence,
    read_features,
    read_part,
    read_slice_values,
    refuse_training_rows,
    require_measurable,
    summarise,
)
from tasks.gates import SUBJECTS, Provenance, hash_params, judge
from tasks.models import feature_frame, predict_scores, read_model, select_parts, train_recipe, training_seed
from tasks.params import Params
from tasks.params.models import LoggedScores, Recipe
from tasks.params.splits import resolve_parts
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, Record, ValidationReport, Verdict
from tasks.seeds import derive_seed

READABLE_PARTS = ("train", "validation")
JUDGED_PART = "validation"
TRIAL_SUBJECTS = tuple(subject for subject in SUBJECTS if subject != "predictions")
"""A trial stores no predictions, so there is no report of them."""
_RUN = "windtunnel run"


class Trial(Record):
    """What a trial found: the figures, and the verdict that the gate's criteria come to on the validation part."""

    file: str
    evaluation: Evaluation
    verdict: Verdict


def try_challenger(paths: ProjectPaths, params: Params, file: Path) -> Trial:
    """Fit the estimator that ``file`` defines as ``params`` fit the challenger, and judge it on the validation part.

    Raises :class:`~tasks.errors.ModelError` where the file is no challenger, :class:`~tasks.errors.EvidenceError` where the
    project has not been run yet, and :class:`~tasks.errors.EvaluationError` where nothing can be compared.
    """
    recipe = _recipe(paths, params, file)
    params = params.model_copy(update={"models": params.models.model_copy(update={"challenger": recipe})})
    split = params.evaluation.split
    _require_trial_possible(paths, params)
    evidence = open_evidence(paths, split, READABLE_PARTS)
    challenger = _fit(evidence, params, recipe)
    champion = _champion(paths, params)
    rows = read_part(evidence, params, JUDGED_PART)
    for contender in (champion, challenger):
        if isinstance(contender, Contender):
            refuse_training_rows(evidence, JUDGED_PART, rows.facts.column("row_key"), contender.card)
    contest = hold_contest(rows, champion, challenger, params.label.task)
    evaluation = summarise(
        contest,
        params,
        split=split,
        part=JUDGED_PART,
        known_slices=read_slice_values(evidence, params),
        inputs=evidence_hashes(evidence, contest),
        seed=derive_seed(params.seed, "evaluation"),
    )
    provenance = Provenance(split, JUDGED_PART, hash_params(params), inputs={}, seeds={"root": params.seed})
    verdict = judge(evaluation, _reports(paths), params.gates, provenance, TRIAL_SUBJECTS)
    return Trial(file=str(recipe.file), evaluation=evaluation, verdict=verdict)


def _recipe(paths: ProjectPaths, params: Params, file: Path) -> Recipe:
    """The challenger's recipe with ``file`` for its estimator: its parameters are the file's own."""
    if not file.is_file():
        raise ModelError(
            f"challenger file {file}",
            found="no such file",
            expected="a Python file that defines `estimator`",
            next_step="windtunnel try --help",
        )
    whole, root = file.resolve(), paths.root.resolve()
    name = whole.relative_to(root) if whole.is_relative_to(root) else whole
    declared = params.models.challenger
    return Recipe(file=name.as_posix(), sha256=hash_file(file), split=declared.split, part=declared.part)


def _require_trial_possible(paths: ProjectPaths, params: Params) -> None:
    require_measurable(params)
    split, recipe = params.evaluation.split, params.models.challenger
    if JUDGED_PART not in params.splits[split].part_names:
        raise EvaluationError(
            f"split {split}",
            found=f"the parts {', '.join(params.splits[split].part_names)}",
            expected=f"a part {JUDGED_PART}, which a trial judges on",
            next_step=f"declare it under splits.{split} in params.yaml under another name, or judge on the test part: {_RUN}",
        )
    if not set(resolve_parts(params.splits[recipe.split], recipe.part)) <= set(READABLE_PARTS):
        raise EvaluationError(
            f"models.challenger.part {recipe.part}",
            found="a part that a trial may not look at",
            expected=f"one of {', '.join(READABLE_PARTS)}",
            next_step="mend models.challenger.part in params.yaml",
        )
    folders = (paths.features, paths.masked, paths.split(split), paths.split(recipe.split))
    missing = [folder.relative_to(paths.root).as_posix() for folder in folders if not (folder / MANIFEST).exists()]
    if missing:
        raise EvidenceError(
            "a trial", found=f"no whole {', '.join(dict.fromkeys(missing))}", expected="the data of a run", next_step=_RUN
        )


def _fit(evidence: Evidence, params: Params, recipe: Recipe) -> Contender:
    """The challenger, fitted on the same rows, in the same order and by the same seed as the stage ``train`` does."""
    if recipe.split != evidence.split:
        evidence = open_evidence(evidence.paths, recipe.split, READABLE_PARTS)
    names = tuple(params.features.columns)
    parts = resolve_parts(params.splits[recipe.split], recipe.part)
    stored = read_features(evidence, parts, ("at_utc", "label", *names))
    rows = select_parts(stored, evidence.parts, parts)
    seed, task = training_seed(params.seed), params.label.task
    model, card = train_recipe(recipe, evidence.paths.root, rows, names, parts=parts, seed=seed, role="challenger", task=task)
    return Contender(card, lambda features: predict_scores(model, feature_frame(features, names), task, card.classes))


def _champion(paths: ProjectPaths, params: Params) -> Contender | LoggedScores | None:
    """The champion's logged scores, its model as the last run left it, or None where there is none."""
    task = params.label.task
    if params.models.champion is None or isinstance(params.models.champion, LoggedScores):
        return params.models.champion
    model, card = read_model(paths.models, "champion")
    return Contender(card, lambda features: predict_scores(model, feature_frame(features, card.features), task, card.classes))


def _reports(paths: ProjectPaths) -> dict[str, ValidationReport | None]:
    files = {subject: paths.validation_report(subject) for subject in TRIAL_SUBJECTS}
    return {
        subject: ValidationReport.from_json(file.read_bytes(), origin=str(file)) if file.exists() else None
        for subject, file in files.items()
    }
