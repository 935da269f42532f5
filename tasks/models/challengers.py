"""From what params.yaml says of a model to what scores rows here: a fitted model, or the scores that it brings.

What belongs here: one way for each kind of champion and challenger that is not in production. What does not: which rows are
read (a :class:`Workbench` holds functions that do), and where models are kept (``store``).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import logical_hash
from tasks.models.command import run_command, working_folder
from tasks.models.frames import feature_frame
from tasks.models.mlflow_store import fetch_model, is_registry_uri
from tasks.models.scores import beside, count_draws, join_scores, look_up_scores, read_scores_file
from tasks.models.scoring import Floats, predict_scores
from tasks.models.store import load_model, read_model, read_scores, write_model, write_scores
from tasks.models.training import describe_stored_model, train_recipe, training_seed
from tasks.models.weights import read_weights
from tasks.params import Params
from tasks.params.models import SAMPLE_WEIGHT, Command, Recipe, ScoreFile, StoredModel, Task, View
from tasks.params.splits import ALL_FOLDS, OTHER_FOLDS, draws_of
from tasks.records import ModelCard
from tasks.user_code import find_source, require_hash

Role = Literal["champion", "challenger"]
_SCORED_AT_ONCE = 250_000
"""Rows of which a model gets a frame, and makes copies of its own."""
_TRIED_ROWS = 1000
"""Rows that a stored model must be able to score before anything is judged by it."""


@dataclass(frozen=True)
class Workbench:
    """What models are made from: the project, and functions that read rows once a model needs them."""

    root: Path
    features: tuple[str, ...]
    key: tuple[str, ...]
    """The key columns of the masked rows."""
    task: Task
    seed: int
    """A :func:`~tasks.models.training.training_seed`."""
    tracking_uri: str | None
    model_keys: Mapping[str, str] = field(repr=False)
    """What opens a registry's artifacts (:func:`tasks.credentials.take_model_keys`)."""
    read_classes: Callable[[], tuple[str, ...]]
    """The label's classes, sorted."""
    read_training: Callable[[Recipe | Command], tuple[tuple[str, ...], pa.Table]]
    """The parts that a model is fitted on, and their rows: row_key, at_utc, label, the features."""
    read_judged: Callable[[str], pa.Table]
    """A part -> its rows: row_key, at_utc, the features."""
    judged: str
    """The part that is judged; ``all folds`` where each is judged by a model of the others."""
    draws: tuple[tuple[str, ...], ...] = ()
    """The folds of each draw, where all folds are judged."""
    is_reseeded: bool = False
    """Whether seeds that a recipe names itself are replaced too."""
    view: View = "masked"
    """What the rows that the functions read are of."""

    def judged_rows(self) -> pa.Table:
        """The rows of the judged part."""
        return self.read_judged(self.judged)

    def at_fold(self, fold: str) -> "Workbench":
        """The same, to judge one ``fold`` by itself."""
        return replace(self, judged=fold, draws=())


def open_workbench(
    params: Params,
    root: Path,
    *,
    model_keys: Mapping[str, str],
    read_labels: Callable[[], pa.ChunkedArray],
    read_training: Callable[[Recipe | Command], tuple[tuple[str, ...], pa.Table]],
    read_judged: Callable[[str], pa.Table],
) -> Workbench:
    """The workbench that ``params`` describe, in the project ``root``; its caller decides which rows the functions may read.

    ``read_labels`` gives the labels in which every class stands (NULL: not known).
    """

    def read_classes() -> tuple[str, ...]:
        return tuple(sorted(pc.drop_null(read_labels()).unique().to_pylist()))

    return Workbench(
        root=root,
        features=params.features.names,
        key=params.snapshot.tables[params.features.rows].key,
        task=params.label.task,
        seed=training_seed(params.seed),
        tracking_uri=params.models.mlflow.tracking_uri if params.models.mlflow else None,
        model_keys=model_keys,
        read_classes=read_classes,
        read_training=read_training,
        read_judged=read_judged,
        judged=params.evaluation.part,
        draws=draws_of(params.splits[params.evaluation.split]) if params.evaluation.part == ALL_FOLDS else (),
    )


@dataclass(frozen=True)
class Brought:
    """A model that can score rows: fitted, or known by its scores alone."""

    card: ModelCard
    model: Any = None
    scores: pa.Table | None = None
    """row_key and :func:`~tasks.models.scores.score_columns` of the judged rows, of each draw of folds."""
    draws: int = 1
    """How many times over each row has a score, each time of another model."""

    def score(self, rows: pa.Table, task: Task, draw: int = 1) -> Floats:
        """The scores of ``rows`` (row_key and features), as :func:`~tasks.models.scoring.predict_scores` gives them.

        Of a multiclass label: one column for each of the card's classes, in their order.
        """
        if self.scores is not None:
            return look_up_scores(self.scores, rows.column("row_key"), task=task, classes=self.card.classes, draw=draw)
        found = [
            predict_scores(self.model, feature_frame(piece, self.card.features), task, self.card.classes)
            for piece in (rows.slice(start, _SCORED_AT_ONCE) for start in range(0, max(1, rows.num_rows), _SCORED_AT_ONCE))
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)


def bring_model(declared: Recipe | StoredModel | ScoreFile | Command, bench: Workbench, role: Role) -> Brought:
    """Make the ``role`` that ``declared`` describes able to score.

    Raises :class:`~tasks.errors.ModelError` where it cannot be fitted, found, loaded or run, or its scores are not those of the
    judged rows. Where all folds are judged, a recipe or a command is fitted once for each, and its scores are all that is kept.
    """
    if bench.draws and isinstance(declared, Recipe | Command):
        return _bring_out_of_fold(declared, bench, role)
    if isinstance(declared, Recipe):
        model, card = train_recipe(
            declared,
            bench.root,
            bench.read_training,
            bench.features,
            seed=bench.seed,
            role=role,
            task=bench.task,
            is_reseeded=bench.is_reseeded,
            view=bench.view,
        )
        return Brought(card, model)
    if isinstance(declared, StoredModel):
        return _load(declared, bench, role)
    return _read_scores(declared, bench, role) if isinstance(declared, ScoreFile) else _run(declared, bench, role)


def keep_model(folder: Path, brought: Brought) -> ModelCard:
    """Write a model, or its scores, and its card into ``folder``; returns the card as it is kept."""
    if brought.scores is not None:
        return write_scores(folder, brought.scores, brought.card)
    return write_model(folder, brought.model, brought.card)


def open_model(folder: Path, role: Role | Literal["refit"]) -> Brought:
    """What :func:`keep_model` wrote for ``role``; raises :class:`~tasks.errors.ModelError` where it is not whole."""
    found = read_scores(folder, role)
    if found is not None:
        scores, card = found
        return Brought(card, scores=scores, draws=count_draws(scores))
    model, card = read_model(folder, role)
    return Brought(card, model)


def _bring_out_of_fold(declared: Recipe | Command, bench: Workbench, role: Role) -> Brought:
    """The scores of every row by a model of the folds that it is not in, once for each draw."""
    drawn: list[pa.Table] = []
    cards: list[ModelCard] = []
    for number, folds in enumerate(bench.draws, start=1):
        scored = []
        for fold in folds:
            brought = bring_model(declared.model_copy(update={"part": f"not {fold}"}), bench.at_fold(fold), role)
            rows = bench.read_judged(fold)
            scored.append((rows.column("row_key"), brought.card.classes, brought.score(rows, bench.task)))
            cards.append(brought.card)
        drawn.append(join_scores(scored, task=bench.task, draw=number))
    scores = beside(drawn)
    # A class is known where no model lacks it: the fold that one of them was judged on may hold all of its rows.
    classes = tuple(name for name in cards[0].classes if all(name in card.classes for card in cards))
    fold_count = len(bench.draws[0])
    card = cards[0].model_copy(
        update={
            "part": OTHER_FOLDS,
            "rows": sum(card.rows or 0 for card in cards[:fold_count]) // (fold_count - 1),  # each row is in all folds but one
            "classes": classes,
            "logical_hash": logical_hash(scores, ("row_key",)),
        }
    )
    return Brought(card, scores=scores, draws=len(drawn))


def _load(stored: StoredModel, bench: Workbench, role: Role) -> Brought:
    """A stored model, once it is known to be the one that was named and to score these features."""
    what = f"{role} {stored.model}"
    if is_registry_uri(stored.model):
        fetched = fetch_model(stored.model, bench.tracking_uri, bench.root, bench.model_keys)
        require_hash(what, fetched.sha256, stored.sha256)
        model = load_model(fetched.archive)
    else:
        model = load_model(find_source(bench.root, stored.model, stored.sha256, role))
    card = describe_stored_model(stored, model, bench.features, bench.task, role=role)
    brought = Brought(card, model)
    brought.score(bench.judged_rows().slice(0, _TRIED_ROWS), bench.task)
    return brought


def _read_scores(declared: ScoreFile, bench: Workbench, role: Role) -> Brought:
    path = find_source(bench.root, declared.score_file, declared.sha256, "score file")
    scores = _read(path, bench, f"score file {declared.score_file}")
    card = ModelCard(
        role=role,
        name=path.stem,
        basis="score_file",
        estimator=f"scores in {path.name}",
        parameters="{}",
        view=declared.view,
        split=None,
        part=None,
        rows=None,
        features=(),
        seed=None,
        classes=_classes(bench),
        logical_hash=logical_hash(scores, ("row_key",)),
    )
    return Brought(card, scores=scores)


def _run(declared: Command, bench: Workbench, role: Role) -> Brought:
    parts, rows = bench.read_training(declared)
    weight = [] if declared.weight is None else [SAMPLE_WEIGHT]
    labelled = rows.filter(pc.is_valid(rows.column("label"))).select(["row_key", "at_utc", *bench.features, *weight, "label"])
    if declared.weight is not None:
        read_weights(labelled, f"models.{role}.weight: {declared.weight}")
    judged = bench.judged_rows().select(["row_key", "at_utc", *bench.features])
    with working_folder() as folder:
        out = run_command(declared, bench.root, labelled, judged, seed=bench.seed, folder=Path(folder))
        scores = _read(out, bench, f"scores of the command {declared.command[0]}")
    card = ModelCard(
        role=role,
        name=Path(next(iter(declared.files), declared.command[0])).stem,
        basis="command",
        estimator=" ".join(declared.command),
        parameters=json.dumps({"files": declared.files}, sort_keys=True, separators=(",", ":")),
        view="masked",
        split=declared.split,
        part=", ".join(parts),
        rows=labelled.num_rows,
        features=bench.features,
        seed=bench.seed,
        classes=_classes(bench),
        weight=declared.weight,
        logical_hash=logical_hash(scores, ("row_key",)),
    )
    return Brought(card, scores=scores)


def _read(path: Path, bench: Workbench, what: str) -> pa.Table:
    wanted = bench.judged_rows().column("row_key")
    return read_scores_file(path, wanted, bench.key, task=bench.task, classes=_classes(bench), what=what)


def _classes(bench: Workbench) -> tuple[str, ...]:
    return bench.read_classes() if bench.task == "multiclass" else ()
