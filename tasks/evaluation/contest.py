"""Champion and challenger scored on identical rows.

What belongs here: which rows are left to judge, and their predictions. What does not: reading rows (``rows``), loading models
(the composition roots pass functions), and figures (``summary``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import EvaluationError
from tasks.evaluation.compare import MISSING, read_labels, score_columns
from tasks.evaluation.logged import LOGGED, count_late, refuse_hindsight
from tasks.evaluation.metrics import check_labels, check_scores, metrics_asked
from tasks.evaluation.rows import PartRows
from tasks.evaluation.sample import Floats
from tasks.evaluation.withholding import PERSON, SEARCHED
from tasks.params import Params
from tasks.params.models import LoggedScores, Task
from tasks.params.splits import draw_name
from tasks.records import ModelCard

_CLASSES_NAMED = 3


@dataclass(frozen=True)
class Contender:
    """A model that is scored here: its card, and what turns features (row_key and features) into scores.

    Scores are the positive's probability or the predicted number (rows), or each class's probability (rows x ``card.classes``).
    """

    card: ModelCard
    score: Callable[[pa.Table], Floats]
    scores_again: tuple[Callable[[pa.Table], Floats], ...] = ()
    """The same of each further draw of folds, in which other models scored the same rows."""


@dataclass(frozen=True)
class Contest:
    """The rows that were judged, what was left out, and who competed."""

    predictions: pa.Table
    """row_key, part, day, cluster, label, weight (where declared), person (where known), each role's scores
    (:func:`~tasks.evaluation.compare.score_columns`; the champion's where there is one), slice_<column> and discover_<column>, and
    no NULL but in these two.
    Of further draws of folds also part and scores, their names beginning with ``r2_`` and so on."""
    from_utc: str
    to_utc: str
    unlabelled_rows: int
    unscored_rows: int
    champion: ModelCard | None
    challenger: ModelCard
    task: Task = "binary"
    classes: tuple[str, ...] = ()
    """Of a multiclass label: those that the models know, sorted."""
    late_scores: int = 0
    """Logged scores of the champion that were made after the row's prediction time."""

    @property
    def draws(self) -> int:
        """How many draws of folds the rows stand in; 1 where one part is judged."""
        return count_draws(self.predictions)


def count_draws(predictions: pa.Table) -> int:
    """How many draws of folds stored ``predictions`` stand in; 1 where one part is judged."""
    return sum(name.endswith("part") for name in predictions.column_names if not name.startswith("slice_"))


def require_measurable(params: Params) -> None:
    """Refuse a metric that the label's task does not have, before anything is read.

    Raises :class:`~tasks.errors.EvaluationError`.
    """
    named = tuple(name for name in params.evaluation.metrics if name not in params.evaluation.functions)
    metrics_asked(params.evaluation.model_copy(update={"metrics": named}), params.label.task)


def hold_contest(
    part: PartRows, champion: Contender | LoggedScores | None, challenger: Contender, task: Task = "binary"
) -> Contest:
    """Score the labelled rows of ``part`` with both; of a champion in production ``part`` holds the logged scores.

    Rows without a label or without a logged score are counted and left out; without a champion the challenger is scored alone.
    Raises :class:`~tasks.errors.EvaluationError` where no row is left, the labels are all alike, a class was judged that a model
    never saw, a score is none of ``task`` or was made in hindsight, or a model would be scored on another view than it was
    fitted on.
    """
    facts = part.facts
    is_labelled = facts.column("label").is_valid()
    is_judged = _is_judged(facts, is_labelled, champion)
    labelled, judged = pc.sum(is_labelled).as_py(), pc.sum(is_judged).as_py()
    if not judged:
        raise EvaluationError(
            "rows to judge",
            found=f"none: of {facts.num_rows:,} rows {labelled:,} have a label, and none of these a score of the champion",
            expected="rows with a label and both scores",
            next_step="look at label, models.champion and the evaluated part in params.yaml",
        )
    rows, seen = facts.filter(is_judged), replace(part, features=part.features.filter(is_judged))
    classes = _classes(champion, challenger) if task == "multiclass" else ()
    for contender in (champion, challenger):
        _refuse_unknown_classes(rows.column("label"), contender, task)
    check_labels(read_labels(rows, task, classes), task)
    scores, late = {}, 0
    if isinstance(champion, LoggedScores):
        refuse_hindsight(rows, champion)
        late = count_late(rows)
        scores["champion"] = _logged_scores(rows, champion, classes, task)
    elif champion is not None:
        scores |= _scores_by_draw(champion, seen, classes, task)
    scores |= _scores_by_draw(challenger, seen, classes, task)
    times = pc.min_max(rows.column("time_utc"))
    return Contest(
        predictions=_predictions(rows, scores, classes, task),
        from_utc=_text(times["min"]),
        to_utc=_text(times["max"]),
        unlabelled_rows=facts.num_rows - labelled,
        unscored_rows=labelled - judged,
        champion=_logged_card(rows, champion) if isinstance(champion, LoggedScores) else champion.card if champion else None,
        challenger=challenger.card,
        task=task,
        classes=classes,
        late_scores=late,
    )


def _is_judged(facts: pa.Table, is_labelled: pa.ChunkedArray, champion: Contender | LoggedScores | None) -> pa.ChunkedArray:
    """Rows with a label and, of a champion in production, every score."""
    if isinstance(champion, LoggedScores):
        for number in range(len(champion.columns)):
            is_labelled = pc.and_(is_labelled, facts.column(f"{LOGGED}_{number}").is_valid())
    return is_labelled


def _known_classes(contender: Contender | LoggedScores) -> tuple[str, ...]:
    return contender.classes if isinstance(contender, LoggedScores) else contender.card.classes


def _classes(champion: Contender | LoggedScores | None, challenger: Contender) -> tuple[str, ...]:
    """The classes that either model knows, sorted."""
    known = [_known_classes(contender) for contender in (champion, challenger) if contender is not None]
    return tuple(sorted({name for names in known for name in names}))


def _refuse_unknown_classes(labels: pa.ChunkedArray, contender: Contender | LoggedScores | None, task: Task) -> None:
    """A row of a class that a model never saw cannot be right by it: no figure would be of the model, but of its rows."""
    if task != "multiclass" or contender is None:
        return
    known = pa.array(_known_classes(contender), pa.string())
    unknown = labels.filter(pc.invert(pc.is_in(labels, value_set=known)))
    if len(unknown):
        names = sorted(unknown.unique().to_pylist())
        more = f" and {len(names) - _CLASSES_NAMED} more" if len(names) > _CLASSES_NAMED else ""
        is_logged = isinstance(contender, LoggedScores)
        raise EvaluationError(
            "models.champion.scores" if isinstance(contender, LoggedScores) else f"{contender.card.role} {contender.card.name}",
            found=f"{len(unknown):,} rows to judge of classes that it does not know: {', '.join(names[:_CLASSES_NAMED])}{more}",
            expected=f"the {len(known)} classes that {'have a column of scores' if is_logged else 'it was trained on'}",
            next_step="part the rows by a stratified split, group rare classes in the lake, or train on a part that has them",
        )


def _predictions(rows: pa.Table, scores: Mapping[str, Floats], classes: tuple[str, ...], task: Task) -> pa.Table:
    parts = rows.column_names[1 : rows.column_names.index("time_utc")]
    kept = ["row_key", *parts, "day", "cluster", "label", *(name for name in ("weight", PERSON) if name in rows.column_names)]
    predictions = rows.select(kept)
    for role, found in scores.items():
        names = score_columns(role, task, len(classes))
        for name, values in zip(names, found.T if found.ndim == 2 else [found], strict=True):
            predictions = predictions.append_column(name, pa.array(np.ascontiguousarray(values), pa.float64()))
    for column in (name for name in rows.column_names if name.startswith(("slice_", SEARCHED))):
        predictions = predictions.append_column(column, rows.column(column))
    return predictions


def _logged_scores(rows: pa.Table, champion: LoggedScores, classes: tuple[str, ...], task: Task) -> Floats:
    columns = [rows.column(f"{LOGGED}_{number}").to_numpy() for number in range(len(champion.columns))]
    found = np.column_stack(columns) if task == "multiclass" else columns[0]
    check_scores(found, f"champion (logged in {', '.join(champion.columns)})", task)
    return arrange_scores(found, champion.classes, classes)


def _scores_by_draw(contender: Contender, seen: PartRows, classes: tuple[str, ...], task: Task) -> dict[str, Floats]:
    """``<role>`` -> its scores; ``r2_<role>`` and so on, those of further draws of folds."""
    score_functions = (contender.score, *contender.scores_again)
    return {
        draw_name(contender.card.role, draw): _score(replace(contender, score=score), seen, classes, task)
        for draw, score in enumerate(score_functions, start=1)
    }


def _score(contender: Contender, seen: PartRows, classes: tuple[str, ...], task: Task) -> Floats:
    card, view = contender.card, seen.view
    if card.view != view and card.basis != "score_file":  # brought scores were made elsewhere, on what they say
        raise EvaluationError(
            f"{card.role} {card.name}",
            found=f"a model of view {card.view}, and features of view {view}",
            expected="a model that is scored on the view it was fitted on",
            next_step="name its logged scores under models.champion, or its recipe, which is then refitted on masked data",
        )
    scores = contender.score(seen.features)
    check_scores(scores, card.role, task)
    return arrange_scores(scores, card.classes, classes)


def arrange_scores(scores: Floats, known: tuple[str, ...], classes: tuple[str, ...]) -> Floats:
    """``scores`` (rows x ``known``) as rows x ``classes``: a class that the model does not know has no chance."""
    if scores.ndim == 1:
        return scores
    found = np.zeros((len(scores), len(classes)))
    found[:, [classes.index(name) for name in known]] = scores
    return found


def _text(moment: pa.Scalar) -> str:
    return str(moment.as_py().strftime("%Y-%m-%dT%H:%M:%SZ"))


def _logged_card(rows: pa.Table, champion: LoggedScores) -> ModelCard:
    """The champion as production logged it: its versions on the judged rows are its name."""
    versions = sorted(pc.fill_null(rows.column("champion_version"), MISSING).unique().to_pylist())
    return ModelCard(
        role="champion",
        name=", ".join(versions),
        basis="logged_scores",
        estimator=", ".join(champion.columns),
        parameters="{}",
        view="raw",
        split=None,
        part=None,
        rows=None,
        features=(),
        seed=None,
        logical_hash=None,
    )
