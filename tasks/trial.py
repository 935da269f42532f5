"""``windtunnel try``: how a challenger does on the validation part, in seconds, without a trace.

What belongs here: wiring the capabilities for one look that decides nothing. What does not: any computation. The test part
is spent by looking at it, so the evidence is opened without it: only rows of the parts train and validation can be read.
Nothing is written.
"""

from pathlib import Path

import pyarrow as pa

from tasks.datasets import MANIFEST
from tasks.errors import EvaluationError, EvidenceError
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
from tasks.models import (
    Brought,
    Workbench,
    bring_model,
    name_challenger,
    open_model,
    open_workbench,
    read_challenger,
    select_parts,
)
from tasks.params import Params
from tasks.params.models import Challenger, Command, LoggedScores, Recipe, StoredModel, View
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


def try_challenger(paths: ProjectPaths, params: Params, given: Path | str | None, view: View = "masked") -> Trial:
    """Judge a challenger on the validation part, made as the stage ``train`` makes it.

    ``given``: a file or URI as :func:`~tasks.models.naming.name_challenger` takes it, with the ``view`` of a stored model or of
    scores (which must be of the validation part); None: the challenger that ``params`` declare. Raises
    :class:`~tasks.errors.ModelError` where it is no challenger, :class:`~tasks.errors.EvidenceError` where the project has not been
    run yet, and :class:`~tasks.errors.EvaluationError` where nothing can be compared.
    """
    if given is not None:
        declared = read_challenger(name_challenger(str(given), params, paths.root, view=view), params.models)
        params = params.model_copy(update={"models": params.models.model_copy(update={"challenger": declared})})
    split = params.evaluation.split
    _require_trial_possible(paths, params)
    evidence = open_evidence(paths, split, READABLE_PARTS)
    challenger = _contender(bring_model(params.models.challenger, _workbench(evidence, params), "challenger"), params)
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
    return Trial(file=_words(params.models.challenger), evaluation=evaluation, verdict=verdict)


def _words(challenger: Challenger) -> str:
    """The file, model or program that was tried."""
    if isinstance(challenger, Recipe):
        return str(challenger.file or challenger.estimator)
    if isinstance(challenger, Command):
        return " ".join(challenger.command)
    return challenger.model if isinstance(challenger, StoredModel) else challenger.score_file


def _require_trial_possible(paths: ProjectPaths, params: Params) -> None:
    require_measurable(params)
    split, challenger = params.evaluation.split, params.models.challenger
    fitted = (challenger,) if isinstance(challenger, Recipe | Command) else ()
    if JUDGED_PART not in params.splits[split].part_names:
        raise EvaluationError(
            f"split {split}",
            found=f"the parts {', '.join(params.splits[split].part_names)}",
            expected=f"a part {JUDGED_PART}, which a trial judges on",
            next_step=f"declare it under splits.{split} in params.yaml under another name, or judge on the test part: {_RUN}",
        )
    for model in fitted:
        if not set(resolve_parts(params.splits[model.split], model.part)) <= set(READABLE_PARTS):
            raise EvaluationError(
                f"models.challenger.part {model.part}",
                found="a part that a trial may not look at",
                expected=f"one of {', '.join(READABLE_PARTS)}",
                next_step="mend models.challenger.part in params.yaml",
            )
    folders = (paths.features, paths.masked, paths.split(split), *(paths.split(model.split) for model in fitted))
    missing = [folder.relative_to(paths.root).as_posix() for folder in folders if not (folder / MANIFEST).exists()]
    if missing:
        raise EvidenceError(
            "a trial", found=f"no whole {', '.join(dict.fromkeys(missing))}", expected="the data of a run", next_step=_RUN
        )


def _workbench(evidence: Evidence, params: Params) -> Workbench:
    """As the stage ``train`` has it, but that only the parts train and validation can be read."""
    names = params.features.names

    def read_training(declared: Recipe | Command) -> tuple[tuple[str, ...], pa.Table]:
        source = evidence
        if declared.split != evidence.split:
            source = open_evidence(evidence.paths, declared.split, READABLE_PARTS)
        parts = resolve_parts(params.splits[declared.split], declared.part)
        stored = read_features(source, parts, ("at_utc", "label", *names))
        return parts, select_parts(stored, source.parts, parts)

    def read_judged() -> pa.Table:
        return read_features(evidence, (JUDGED_PART,), ("at_utc", *names))

    def read_labels() -> pa.ChunkedArray:
        return read_features(evidence, READABLE_PARTS, ("label",)).column("label")

    return open_workbench(
        params, evidence.paths.root, read_labels=read_labels, read_training=read_training, read_judged=read_judged
    )


def _contender(model: Brought, params: Params) -> Contender:
    return Contender(model.card, lambda features: model.score(features, params.label.task))


def _champion(paths: ProjectPaths, params: Params) -> Contender | LoggedScores | None:
    """The champion's logged scores, its model as the last run left it, or None where there is none."""
    champion = params.models.champion
    if champion is None or isinstance(champion, LoggedScores):
        return champion
    return _contender(open_model(paths.models, "champion"), params)


def _reports(paths: ProjectPaths) -> dict[str, ValidationReport | None]:
    files = {subject: paths.validation_report(subject) for subject in TRIAL_SUBJECTS}
    return {
        subject: ValidationReport.from_json(file.read_bytes(), origin=str(file)) if file.exists() else None
        for subject, file in files.items()
    }
