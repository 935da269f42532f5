"""``windtunnel gate plan``: what a look at the holdout could show, before it is spent.

What belongs here: wiring the capabilities for a plan. What does not: what a test could show (``tasks.gates``), and how wide the
holdout's intervals will be (``tasks.evaluation``). Nothing is written, and no look is taken.

Where the holdout was evaluated as params.yaml declares it, that look is paid for, and the plan rests on its own spread. Else both
models are measured on the part validation, as ``windtunnel try`` does, and their spread is scaled to the holdout. Of the holdout
its rows, clusters, days, slices and people are counted then; no label, no score and no feature of it is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.datasets import read_manifest
from tasks.errors import DatasetError, GateError, ModelError
from tasks.evaluation import foretell, open_evidence, read_places
from tasks.free_look import look_free, with_challenger
from tasks.gates import later_confidence, later_gates, list_unplanned, plan_tests
from tasks.params import Params
from tasks.params.judging import MetricCriterion, ParityCriterion
from tasks.params.models import ScoreFile, View
from tasks.params.snapshot import FILE_TIME_COLUMN
from tasks.params.splits import ALL_FOLDS
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, GatePlan, PlannedFrom
from tasks.stages.gate import read_declared_evaluation
from tasks.stages.looking import HOLDOUT
from tasks.stages.made_with import find_others, needed_before
from tasks.trial_parts import look_without_judging

Tell = Callable[[str, int, int], None]
"""What is being done, how many steps are done, and how many there are."""

_OF_MODELS = {"train", "evaluate"}
"""Stages that leave rows and labels as they are."""


@dataclass(frozen=True)
class _Basis:
    """The holdout's evaluation, or what is foretold of it from the ``measured`` one of other rows."""

    evaluation: Evaluation
    measured: Evaluation | None
    why: str
    holdout: str | None = None
    """What looks at it are known by, where an evaluation of it says so."""


def plan_gate(
    paths: ProjectPaths,
    params: Params,
    given: Path | str | None = None,
    view: View = "masked",
    model_keys: Mapping[str, str] | None = None,
    *,
    tell: Tell = lambda _what, _done, _all: None,
) -> GatePlan:
    """What each criterion could show at a first look at the declared holdout, and at a later one.

    ``given``, ``view`` and ``model_keys`` as :func:`~tasks.trial.try_challenger` takes them: another challenger than the declared
    one is planned for without the holdout's evaluation, which is not of it. ``tell`` hears how far it got. Raises
    :class:`~tasks.errors.GateError` where no criterion is on figures. Where the holdout was not evaluated as declared, also
    :class:`~tasks.errors.GateError` where it is the part to be planned from, :class:`~tasks.errors.EvidenceError` before the data
    is there, :class:`~tasks.errors.ModelError` where a model can't be had on the part that is planned from, and
    :class:`~tasks.errors.EvaluationError` where that part is missing, empty, or has labels of one class alone.
    """
    if not any(isinstance(criterion, MetricCriterion | ParityCriterion) for criterion in params.gates.criteria.values()):
        raise GateError(
            "gates.criteria",
            found="no criterion on a metric",
            expected="one whose power depends on the rows of the holdout",
            next_step="name one in params.yaml: metric, or parity",
        )
    asked = params if given is None else with_challenger(paths, params, given, view, model_keys)
    basis = _find_basis(paths, asked, params, model_keys, tell)
    evaluation, gates = basis.evaluation, params.gates
    tests = plan_tests(evaluation, gates, measured=basis.measured)
    has_later = gates.looks.budget > 1
    later = later_gates(gates, evaluation) if has_later else gates
    measured = basis.measured or evaluation
    return GatePlan(
        split=evaluation.split,
        part=evaluation.part,
        rows=evaluation.rows,
        clusters=_clusters(evaluation),
        planned_from=PlannedFrom(
            basis="evaluation" if basis.measured is None else "free_look",
            split=measured.split,
            part=measured.part,
            rows=measured.rows,
            clusters=_clusters(measured),
            cluster=measured.cluster,
            why=basis.why,
        ),
        confidence=evaluation.confidence,
        later_confidence=later_confidence(evaluation.confidence, gates.looks.budget) if has_later else None,
        tests=tests,
        later_tests=plan_tests(evaluation, later, is_later=True, measured=basis.measured) if has_later else (),
        unplanned=list_unplanned(evaluation, gates, tests),
        holdout=basis.holdout,
    )


def _find_basis(paths: ProjectPaths, given: Params, declared: Params, model_keys: Mapping[str, str] | None, tell: Tell) -> _Basis:
    """What a plan for ``given`` rests on; the evaluation is of the ``declared`` parameters, or passed over."""
    try:
        evaluation = read_declared_evaluation(paths, declared)
        _require_same_rows(paths, evaluation)
    except GateError as missing:
        return _foretold(paths, given, declared, model_keys, tell, why=missing.found)
    others = find_others(declared, evaluation.inputs, needed_before(evaluation.split))
    if given is declared and not others:
        return _Basis(evaluation, None, "", evaluation.inputs.get(HOLDOUT))
    why = f"the last evaluation was made with other parameters: {', '.join(others)}"
    if given is not declared:
        why = "the plan is for another challenger than params.yaml declares"
    # Rows and labels are those that were looked at, whoever was judged on them.
    holdout = evaluation.inputs.get(HOLDOUT) if set(others) <= _OF_MODELS else None
    return replace(_foretold(paths, given, declared, model_keys, tell, why=why), holdout=holdout)


def _require_same_rows(paths: ProjectPaths, evaluation: Evaluation) -> None:
    """Refuse an evaluation of other rows than lie here now: another pin or split, or other labels or features."""
    split = evaluation.split
    folders = {f"splits/{split}": paths.split(split), "features": paths.features, "masked": paths.masked}
    for name, folder in folders.items():
        try:
            here = read_manifest(folder, made_by=name).logical_hash
        except DatasetError:
            continue  # nothing lies here that it could differ from; in a checkout without data it is all there is
        if evaluation.inputs.get(name) != here:
            raise GateError(str(paths.evaluation_report), found="an evaluation of other rows", expected="", next_step="dvc repro")


def _foretold(
    paths: ProjectPaths, params: Params, declared: Params, model_keys: Mapping[str, str] | None, tell: Tell, *, why: str
) -> _Basis:
    """Both models on rows that a verdict is not kept for, as wide as the holdout's rows will make it."""
    split, part = params.evaluation.split, params.evaluation.part
    free = look_without_judging(params).part
    tell(f"measuring both models on {split}/{free}", 0, 2)
    unsearched = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"discover": None})})
    make = f"dvc repro features split@{split} (it makes the data, and spends no look); before the first run, windtunnel pin"
    try:
        measured = look_free(paths, unsearched, model_keys, declared=declared, thing="a plan", next_step=make).evaluation
    except ModelError as error:
        challenger = params.models.challenger
        if not isinstance(challenger, ScoreFile) or error.thing != f"score file {challenger.score_file}":
            raise
        step = f"windtunnel gate plan FILE; windtunnel data export-rows --part {free} writes the rows that FILE has to score"
        wanted = f"a score file of {split}/{free}, which a plan is made from"
        raise ModelError(error.thing, found=error.found, expected=wanted, next_step=step) from None
    tell(f"counting the rows of {split}/{part}", 1, 2)
    judged = params.splits[split].part_names if part == ALL_FOLDS else (part,)
    places = read_places(open_evidence(paths, split, judged), unsearched, part)
    has_days = params.features.at.column != FILE_TIME_COLUMN
    days = len(places.column("day").unique()) if has_days else 0
    k = params.masking.limits.k
    return _Basis(foretell(measured, places, part=part, days=days, k=k, has_folds=part == ALL_FOLDS), measured, why)


def _clusters(evaluation: Evaluation) -> int | None:
    """Of all rows; None where these are withheld."""
    whole = [c.clusters for c in evaluation.comparisons if c.slice_column is None and not c.is_withheld]
    return max(whole, default=None)
