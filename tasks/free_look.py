"""Both models on rows that the verdict is not kept for: what a trial judges, and what a plan before the first look rests on.

What belongs here: making both models as the stage ``train`` does, and measuring them on the part that is free to be looked at. What
does not: which part that is (``trial_parts``), and what follows from the figures (``trial``, ``planning``). The evidence is opened
without the test part: only rows of the parts train and validation can be read; of folds, only those that the verdict does not
judge, one of which takes the place of validation. Nothing is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from tasks.datasets import MANIFEST
from tasks.errors import EvidenceError, WindtunnelError
from tasks.evaluation import (
    Contender,
    Contest,
    Evidence,
    evidence_hashes,
    hold_contest,
    load_metrics,
    measure_part_drift,
    open_evidence,
    read_features,
    read_part,
    read_slice_values,
    refuse_training_rows,
    summarise,
)
from tasks.measured_evidence import measured_kinds
from tasks.models import (
    Brought,
    Workbench,
    add_weights,
    bring_model,
    dump_model,
    model_hash,
    name_challenger,
    open_model,
    open_workbench,
    read_challenger,
    select_parts,
)
from tasks.models.resources import RESOURCES, measure_resources
from tasks.params import Params
from tasks.params.models import Command, LoggedScores, Recipe, View
from tasks.params.splits import draws_of, resolve_parts
from tasks.paths import ProjectPaths
from tasks.records import Evaluation, MeasuredEvidence
from tasks.seeds import derive_seed
from tasks.stages.made_with import find_others, told_by
from tasks.trial_parts import READABLE_PARTS, Look, look_without_judging

_BEFORE_A_MODEL = ("snapshot", "mask", "features", "train")
"""Stages whose parameters a model that a run left must name."""


@dataclass(frozen=True)
class FreeLook:
    """Both models' figures on a part that the verdict is not kept for."""

    look: Look
    contest: Contest
    evaluation: Evaluation
    resources: Mapping[str, MeasuredEvidence]
    """What the challenger takes, where a criterion asks for anything measured."""


def with_challenger(
    paths: ProjectPaths, params: Params, given: Path | str, view: View = "masked", model_keys: Mapping[str, str] | None = None
) -> Params:
    """``params`` with ``given`` as challenger; arguments and errors as of :func:`~tasks.trial.try_challenger`."""
    declared = read_challenger(name_challenger(str(given), params, paths.root, view=view, model_keys=model_keys), params.models)
    return params.model_copy(update={"models": params.models.model_copy(update={"challenger": declared})})


def look_free(
    paths: ProjectPaths,
    params: Params,
    model_keys: Mapping[str, str] | None = None,
    *,
    declared: Params,
    thing: str,
    next_step: str,
) -> FreeLook:
    """Measure the models of ``params`` on the part validation, or the fold that takes its place; no other judged row is read.

    ``declared``: as params.yaml has them, by which a run would leave its champion; ``params`` may have another challenger.
    ``thing`` and ``next_step`` name, where the data is not there yet, what wants it and what makes it. Raises as
    :func:`~tasks.trial.try_challenger` does.
    """
    split = params.evaluation.split
    look = look_without_judging(params)
    _require_data(paths, look.params, thing, next_step)
    evidence = open_evidence(paths, split, look.readable)
    bench = _workbench(evidence, look, model_keys or {})
    brought, resources = _measured(bring_model(look.params.models.challenger, bench, "challenger"), params)
    challenger = _contender(brought, params)
    champion = _champion(look.params, bench, declared, evidence)
    rows = read_part(evidence, look.params, look.part)
    for contender in (champion, challenger):
        if isinstance(contender, Contender):
            refuse_training_rows(evidence, look.part, rows.facts.column("row_key"), contender.card)
    contest = hold_contest(rows, champion, challenger, params.label.task)
    evaluation = summarise(
        contest,
        look.params,
        split=split,
        part=look.part,
        known_slices=read_slice_values(evidence, look.params),
        inputs=evidence_hashes(evidence, contest),
        seed=derive_seed(params.seed, "evaluation"),
        own=load_metrics(params.evaluation.functions, paths.root),
        drift=measure_part_drift(evidence, look.params, rows.features, contest.challenger),
    )
    return FreeLook(look, contest, evaluation, resources)


def _require_data(paths: ProjectPaths, params: Params, thing: str, next_step: str) -> None:
    split, challenger = params.evaluation.split, params.models.challenger
    fitted = (challenger,) if isinstance(challenger, Recipe | Command) else ()
    folders = (paths.features, paths.masked, paths.split(split), *(paths.split(model.split) for model in fitted))
    missing = [folder.relative_to(paths.root).as_posix() for folder in folders if not (folder / MANIFEST).exists()]
    if missing:
        found = f"no whole {', '.join(dict.fromkeys(missing))}"
        raise EvidenceError(thing, found=found, expected="the data of a run", next_step=next_step)


def _workbench(evidence: Evidence, look: Look, model_keys: Mapping[str, str]) -> Workbench:
    """As the stage ``train`` has it, but that only parts that a trial may look at can be read."""
    params = look.params
    names = params.features.names

    def read_training(declared: Recipe | Command) -> tuple[tuple[str, ...], pa.Table]:
        source = evidence
        if declared.split != evidence.split:
            source = open_evidence(evidence.paths, declared.split, READABLE_PARTS)
        parts = resolve_parts(params.splits[declared.split], declared.part)
        wanted = ("row_key", "at_utc", "label", *names)
        stored = read_features(source, parts, wanted[1:])
        rows = select_parts(lambda columns: [stored.select(list(columns))], [source.parts], parts, wanted)
        if declared.weight is None:
            return parts, rows
        table = params.features.rows
        key = params.snapshot.tables[table].key
        return parts, add_weights(rows, declared.weight, source.paths.masked, source.masked, table=table, key=key)

    def read_judged(part: str) -> pa.Table:
        return read_features(evidence, (part,), ("at_utc", *names))

    def read_labels() -> pa.ChunkedArray:
        return read_features(evidence, look.readable, ("label",)).column("label")

    return open_workbench(
        params,
        evidence.paths.root,
        model_keys=model_keys,
        read_labels=read_labels,
        read_training=read_training,
        read_judged=read_judged,
    )


def _contender(model: Brought, params: Params) -> Contender:
    return Contender(model.card, lambda features: model.score(features, params.label.task))


def _measured(model: Brought, params: Params) -> tuple[Brought, dict[str, MeasuredEvidence]]:
    """The model with the hash that evidence names it by, and what it takes, where a criterion asks for anything measured."""
    if not measured_kinds(params.gates):
        return model, {}
    archive = None if model.scores is not None else dump_model(model.model)
    if archive is not None:
        model = replace(model, card=model.card.model_copy(update={"logical_hash": model_hash(archive)}))
    return model, {RESOURCES: measure_resources(model.card, archive)}


def _champion(params: Params, bench: Workbench, declared: Params, evidence: Evidence) -> Contender | LoggedScores | None:
    """The champion's logged scores, its model as the last run left it, or None where there is none.

    Of folds it is made anew, and wherever what lies here is not known to be what a run would leave now.
    """
    champion = params.models.champion
    if champion is None or isinstance(champion, LoggedScores):
        return champion
    is_of_folds = isinstance(champion, Recipe) and bool(draws_of(params.splits[champion.split]))
    left = None if is_of_folds else _left_by_a_run(declared, evidence)
    return _contender(left or bring_model(champion, bench, "champion"), params)


def _left_by_a_run(declared: Params, evidence: Evidence) -> Brought | None:
    """The stored champion, if it was made with the ``declared`` parameters, and judged on rows that are those of now."""
    paths = evidence.paths
    card = paths.models / "champion.json"
    if not card.is_file() or find_others(declared, told_by(card), _BEFORE_A_MODEL):
        return None
    try:
        judged = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin=str(paths.evaluation_report)).inputs
    except (OSError, WindtunnelError):  # nothing says what data it was fitted on
        return None
    now = {"masked": evidence.masked, "features": evidence.features, f"splits/{evidence.split}": evidence.assignments}
    if any(judged.get(name) != manifest.logical_hash for name, manifest in now.items()):
        return None
    model = open_model(paths.models, "champion")
    return model if judged.get("models/champion") == model.card.logical_hash else None
