"""Stage ``gate``: judge the criteria, write the verdict. It exits 0 whatever the verdict, so that a rejection is versioned too."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tasks.datasets import hash_file, read_manifest, read_table, write_atomically
from tasks.errors import DatasetError, GateError
from tasks.evaluation import count_draws, load_metrics, plant_failures
from tasks.gates import SUBJECTS, Provenance, hash_params, judge, plan_self_test
from tasks.measured_evidence import read_measured
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.records import (
    DisclosureReport,
    Evaluation,
    MeasuredEvidence,
    ModelCard,
    UtilityReport,
    ValidationReport,
    Verdict,
)
from tasks.seeds import derive_seed
from tasks.signing import EXPECTATIONS
from tasks.stages import Stage, StageContext
from tasks.stages.environment import judging_environment
from tasks.stages.made_with import address_of, find_others, needed_before
from tasks.stages.policies import SIGNED_POLICY, hash_suites, judged_files, stand_by

_CODE = (
    "tasks/stages/gate.py",
    "tasks/stages/policies.py",
    "tasks/stages/environment.py",
    "tasks/measured_evidence.py",
    "tasks/gates",
    "tasks/signing",
    "tasks/validation",
    "tasks/evaluation",
    "tasks/user_code",
    "tasks/seeds.py",
)


def _run(context: StageContext) -> None:
    verdict = judge_project(context)
    write_atomically(context.paths.verdict, verdict.to_json().encode())
    print(f"gate: {verdict.reason}")


def judge_project(context: StageContext) -> Verdict:
    """The verdict that the project's evaluation and reports come to; nothing is written.

    Raises :class:`~tasks.errors.GateError` where evaluation, a report, or what they are of was made with other parameters, the
    evaluation is of another pin, or of another model than lies here.
    """
    paths, params = context.paths, context.params
    evaluation = _read_evaluation(paths)
    if evaluation is not None:
        _require_as_declared(evaluation, params, paths)
    standing = stand_by(paths, params)
    signed = {SIGNED_POLICY: standing.digest} if standing.digest else {}
    reports = {subject: _read_report(paths.validation_report(subject)) for subject in SUBJECTS}
    disclosure, utility = _read_disclosure(paths), _read_utility(paths)
    measured = read_measured(paths, params.gates)
    _require_made_with(params, paths, evaluation, {**reports, "disclosure": disclosure, "utility": utility})
    _require_measured_with(params, evaluation, measured)
    suites = hash_suites(paths)
    _require_suites(reports, suites)
    provenance = Provenance(
        split=params.evaluation.split,
        part=params.evaluation.part,
        params_hash=hash_params(params),
        inputs={**_inputs(paths, evaluation), **suites, **signed},
        seeds={"root": params.seed},
        environment=judging_environment(),
        is_rehearsal=not signed,
    )
    planted = {} if evaluation is None else _plant(context, evaluation)
    return judge(
        evaluation,
        reports,
        params.gates,
        provenance,
        disclosure=disclosure,
        utility=utility,
        measured=measured,
        planted=planted,
    )


def _plant(context: StageContext, evaluation: Evaluation) -> dict[str, Evaluation]:
    """Challengers that nobody should promote, measured on the stored predictions; none where these are not the evaluation's."""
    params = context.params
    stored = read_predictions(context.paths, evaluation)
    if stored is None:
        return {}
    rows, classes = stored
    plan = plan_self_test(params.gates, params.evaluation, evaluation)
    return plant_failures(
        rows,
        evaluation,
        plan.params,
        classes=classes,
        draws=count_draws(rows),
        seed=derive_seed(params.seed, "planted"),
        replicates=plan.replicates,
        gaps=plan.gaps,
        own=load_metrics(plan.params.functions, context.paths.root),
    )


def read_predictions(paths: ProjectPaths, evaluation: Evaluation) -> tuple[pa.Table, tuple[str, ...]] | None:
    """The stored predictions in order of row key, and the label's classes; None where they are missing, or not the evaluation's."""
    try:
        manifest = read_manifest(paths.predictions, made_by="evaluate")
        rows = read_table(paths.predictions, manifest, "predictions").sort_by("row_key")
    except DatasetError:
        return None
    if manifest.logical_hash != evaluation.inputs.get("predictions"):
        return None
    return rows, tuple(json.loads(manifest.about.get("classes", "[]")))


def read_declared_evaluation(paths: ProjectPaths, params: Params) -> Evaluation:
    """The last evaluation; raises :class:`~tasks.errors.GateError` where there is none, or it is one of other parameters."""
    evaluation = _read_evaluation(paths)
    if evaluation is None:
        raise GateError(
            str(paths.evaluation_report), found="no evaluation yet", expected="the figures of a run", next_step="windtunnel run"
        )
    _require_as_declared(evaluation, params, paths)
    return evaluation


def _read_evaluation(paths: ProjectPaths) -> Evaluation | None:
    path = paths.evaluation_report
    return Evaluation.from_json(path.read_bytes(), origin=str(path)) if path.exists() else None


def _require_as_declared(evaluation: Evaluation, params: Params, paths: ProjectPaths) -> None:
    """Refuse an evaluation that was made under other parameters: other rows, weights or intervals, with or without a champion.

    Raises :class:`~tasks.errors.GateError` naming each that differs.
    """
    declared, interval = params.evaluation, params.evaluation.interval
    made: dict[str, tuple[object, object]] = {
        "task": (evaluation.task, params.label.task),
        "weight": (evaluation.weight, declared.weight),
        # Without the champion its margins would be those of a first model; with one that is gone, nobody asked for them.
        "champion": (_presence(evaluation.champion), _presence(params.models.champion)),
        "split": (evaluation.split, declared.split),
        "part": (evaluation.part, declared.part),
        "interval.method": (evaluation.interval_method, interval.method),
        "interval.cluster": (evaluation.cluster, interval.cluster),
        "interval.replicates": (evaluation.replicates, interval.replicates),
        "interval.confidence": (evaluation.confidence, interval.confidence),
    }
    differing = [(name, *values) for name, values in made.items() if values[0] != values[1]]
    if differing:
        raise GateError(
            str(paths.evaluation_report),
            found=", ".join(f"{name} {found}" for name, found, _ in differing),
            expected=", ".join(f"{name} {wanted}" for name, _, wanted in differing) + ", as params.yaml declares",
            next_step="dvc repro",
        )


def _require_made_with(
    params: Params,
    paths: ProjectPaths,
    evaluation: Evaluation | None,
    reports: Mapping[str, ValidationReport | DisclosureReport | UtilityReport | None],
) -> None:
    """Refuse an evaluation or report that does not come from the parameters at hand all the way, or does not say so.

    Raises :class:`~tasks.errors.GateError` naming the stages whose parameters were others.
    """
    found = {} if evaluation is None else {"evaluation": (evaluation.inputs, needed_before(evaluation.split))}
    for name, report in reports.items():
        address = address_of("validate", name) if name in SUBJECTS else name
        found |= {} if report is None else {name: (report.inputs, (address,))}
    for name, (inputs, needed) in found.items():
        others = find_others(params, inputs, needed)
        if others:
            raise GateError(
                f"{paths.params.name} and the {name} report",
                found=f"made with other parameters: {', '.join(others)}",
                expected="one state of params.yaml from the snapshot to the verdict; it was changed between two stages",
                next_step="dvc repro",
            )
    card = paths.models / "challenger.json"
    if evaluation is not None and card.is_file():
        here = ModelCard.from_json(card.read_bytes(), origin=str(card)).logical_hash
        if here is None or here != evaluation.inputs.get("models/challenger"):
            raise GateError(
                str(paths.evaluation_report),
                found="an evaluation of another model than lies in data/models",
                expected="one of the challenger that is here",
                next_step="dvc repro",
            )


def _require_measured_with(params: Params, evaluation: Evaluation | None, measured: Mapping[str, MeasuredEvidence]) -> None:
    """Refuse evidence that its own stages made with other parameters; of those that the evaluation names, the criterion asks.

    Raises :class:`~tasks.errors.GateError` naming the stages.
    """
    evaluated = evaluation.inputs if evaluation is not None else {}
    for kind, found in measured.items():
        others = find_others(params, {name: value for name, value in found.inputs.items() if name not in evaluated})
        if others:
            raise GateError(
                f"data/evidence/{kind}.json",
                found=f"made with other parameters: {', '.join(others)}",
                expected="evidence of the parameters at hand",
                next_step="dvc repro, or measure it again",
            )


def _require_suites(reports: Mapping[str, ValidationReport | None], suites: Mapping[str, str]) -> None:
    """Refuse a report of other suites than lie there; raises :class:`~tasks.errors.GateError` naming its subject."""
    for subject, report in reports.items():
        if report is not None and report.suites_hash != suites.get(f"{EXPECTATIONS}/{subject}", ""):
            raise GateError(
                f"data/validation/{subject}.json",
                found="a report by other expectations",
                expected=f"one by those in {EXPECTATIONS}/{subject}",
                next_step="dvc repro",
            )


def _presence(champion: object) -> str:
    return "none" if champion is None else "one"


def _read_report(path: Path) -> ValidationReport | None:
    return ValidationReport.from_json(path.read_bytes(), origin=str(path)) if path.exists() else None


def _read_disclosure(paths: ProjectPaths) -> DisclosureReport | None:
    path = paths.disclosure_report
    return DisclosureReport.from_json(path.read_bytes(), origin=str(path)) if path.exists() else None


def _read_utility(paths: ProjectPaths) -> UtilityReport | None:
    path = paths.utility_report
    return UtilityReport.from_json(path.read_bytes(), origin=str(path)) if path.exists() else None


def _inputs(paths: ProjectPaths, evaluation: Evaluation | None) -> dict[str, str]:
    """Hashes of what was judged. Raises :class:`~tasks.errors.GateError` where the evaluation is of another pin."""
    found = {name: hash_file(path) for name, path in judged_files(paths).items() if path.exists()}
    if evaluation is not None and evaluation.inputs.get("pin") != found.get("pin"):
        raise GateError(
            str(paths.evaluation_report),
            found="an evaluation of data that was pinned otherwise",
            expected=f"the data that {paths.pin.name} lists",
            next_step="dvc repro",
        )
    return found


STAGE = Stage(
    reads=lambda _: (
        "data/pin.json",
        "data/evaluation/evaluation.json",
        "data/disclosure/disclosure.json",
        "data/utility/utility.json",
        "data/evidence",
        "data/predictions/manifest.json",
        "policies",
        EXPECTATIONS,
        *(f"data/validation/{subject}.json" for subject in SUBJECTS),
    ),
    writes=lambda _: ("data/verdict.json",),
    code=_CODE,
    run=_run,
)
