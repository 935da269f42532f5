"""``windtunnel try``: how a challenger does on the validation part, in seconds, without a trace.

What belongs here: judging a look that decides nothing. What does not: any computation, and taking that look (``free_look``), which
reads nothing of the part that the verdict is kept for. Nothing is written.
"""

from collections.abc import Mapping
from pathlib import Path

from tasks.evaluation import load_metrics, plant_failures
from tasks.free_look import look_free, with_challenger
from tasks.gates import SUBJECTS, Provenance, hash_params, judge, plan_self_test
from tasks.measured_evidence import read_measured
from tasks.params import Params
from tasks.params.models import Challenger, Command, Recipe, StoredModel, View
from tasks.paths import ProjectPaths
from tasks.records import DisclosureReport, Evaluation, Record, UtilityReport, ValidationReport, Verdict
from tasks.seeds import derive_seed

TRIAL_SUBJECTS = tuple(subject for subject in SUBJECTS if subject != "predictions")
"""A trial stores no predictions, so there is no report of them."""
_RUN = "windtunnel run"


class Trial(Record):
    """What a trial found: the figures, and the verdict that the gate's criteria come to on the validation part."""

    file: str
    evaluation: Evaluation
    verdict: Verdict
    note: str
    """On what part, and what was not looked at."""


def try_challenger(
    paths: ProjectPaths,
    params: Params,
    given: Path | str | None,
    view: View = "masked",
    model_keys: Mapping[str, str] | None = None,
) -> Trial:
    """Judge a challenger on the validation part, made as the stage ``train`` makes it.

    ``given``: a file or URI as :func:`~tasks.models.naming.name_challenger` takes it, with the ``view`` of a stored model or of
    scores (which must be of the validation part); None: the challenger that ``params`` declare. ``model_keys``
    (:func:`tasks.credentials.take_model_keys`) open a registry's artifacts. Raises
    :class:`~tasks.errors.ModelError` where it is no challenger, :class:`~tasks.errors.EvidenceError` where the project has not been
    run yet, and :class:`~tasks.errors.EvaluationError` where nothing can be compared.
    """
    declared = params
    params = params if given is None else with_challenger(paths, params, given, view, model_keys)
    free = look_free(paths, params, model_keys, declared=declared, thing="a trial", next_step=_RUN)
    look, contest, evaluation = free.look, free.contest, free.evaluation
    provenance = Provenance(evaluation.split, look.part, hash_params(params), inputs={}, seeds={"root": params.seed})
    plan = plan_self_test(params.gates, look.params.evaluation, evaluation)
    planted = plant_failures(
        contest.predictions,
        evaluation,
        plan.params,
        classes=contest.classes,
        draws=contest.draws,
        seed=derive_seed(params.seed, "planted"),
        replicates=plan.replicates,
        gaps=plan.gaps,
        own=load_metrics(params.evaluation.functions, paths.root),
    )
    verdict = judge(
        evaluation,
        _reports(paths),
        params.gates,
        provenance,
        TRIAL_SUBJECTS,
        disclosure=_disclosure(paths),
        utility=_utility(paths),
        measured=read_measured(paths, params.gates) | dict(free.resources),
        planted=planted,
    )
    return Trial(file=_words(params.models.challenger), evaluation=evaluation, verdict=verdict, note=look.note)


def _words(challenger: Challenger) -> str:
    """The file, model or program that was tried."""
    if isinstance(challenger, Recipe):
        return str(challenger.file or challenger.estimator)
    if isinstance(challenger, Command):
        return " ".join(challenger.command)
    return challenger.model if isinstance(challenger, StoredModel) else challenger.score_file


def _disclosure(paths: ProjectPaths) -> DisclosureReport | None:
    file = paths.disclosure_report
    return DisclosureReport.from_json(file.read_bytes(), origin=str(file)) if file.exists() else None


def _utility(paths: ProjectPaths) -> UtilityReport | None:
    file = paths.utility_report
    return UtilityReport.from_json(file.read_bytes(), origin=str(file)) if file.exists() else None


def _reports(paths: ProjectPaths) -> dict[str, ValidationReport | None]:
    files = {subject: paths.validation_report(subject) for subject in TRIAL_SUBJECTS}
    return {
        subject: ValidationReport.from_json(file.read_bytes(), origin=str(file)) if file.exists() else None
        for subject, file in files.items()
    }
