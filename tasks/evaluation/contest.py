"""Champion and challenger scored on identical rows, and everything about it in one record.

What belongs here: which rows are left to judge, their predictions, and the record. What does not: reading rows
(``rows``), loading models (the composition roots pass functions), and writing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import EvaluationError
from tasks.evaluation.compare import MISSING, check_labels, compare
from tasks.evaluation.evidence import Evidence
from tasks.evaluation.metrics import Floats, check_scores, metric_named
from tasks.evaluation.rows import PartRows
from tasks.params import Params
from tasks.params.models import LoggedScores
from tasks.records import Comparison, Evaluation, ModelCard


@dataclass(frozen=True)
class Contender:
    """A model that is scored here: its card, and what turns features (row_key and features) into probabilities."""

    card: ModelCard
    score: Callable[[pa.Table], Floats]


@dataclass(frozen=True)
class Contest:
    """The rows that were judged, what was left out, and who competed."""

    predictions: pa.Table
    """row_key, part, day, cluster, label, champion_score, challenger_score, slice_<column>: no NULL but in slices."""
    from_utc: str
    to_utc: str
    unlabelled_rows: int
    unscored_rows: int
    champion: ModelCard
    challenger: ModelCard


def require_measurable(params: Params) -> None:
    """Refuse a task or a metric that cannot be measured, before anything is read.

    Raises :class:`~tasks.errors.EvaluationError`.
    """
    if params.label.task != "binary":
        raise EvaluationError(
            f"label.task {params.label.task}", found="no metrics for it", expected="binary", next_step="mend label in params.yaml"
        )
    for name in params.evaluation.metrics:
        metric_named(name)


def hold_contest(part: PartRows, champion: Contender | LoggedScores, challenger: Contender) -> Contest:
    """Score the labelled rows of ``part`` with both; of a champion in production ``part`` holds the logged scores.

    Rows without a label or without a logged score are counted and left out. Raises
    :class:`~tasks.errors.EvaluationError` where no row is left, the label is constant, a score is no probability, or a
    model would be scored on another view than it was fitted on.
    """
    facts = part.facts
    is_labelled = facts.column("label").is_valid()
    is_scored = facts.column("champion_score").is_valid() if isinstance(champion, LoggedScores) else is_labelled
    is_judged = pc.and_(is_labelled, is_scored)
    labelled, judged = pc.sum(is_labelled).as_py(), pc.sum(is_judged).as_py()
    if not judged:
        raise EvaluationError(
            "rows to judge",
            found=f"none: of {facts.num_rows:,} rows {labelled:,} have a label, and none of these a score of the champion",
            expected="rows with a label and both scores",
            next_step="look at label, models.champion and the evaluated part in params.yaml",
        )
    rows, features = facts.filter(is_judged), part.features.filter(is_judged)
    check_labels(rows.column("label").cast(pa.float64()).to_numpy())
    if isinstance(champion, LoggedScores):
        card, scores = _logged_card(rows, champion), rows.column("champion_score")
        check_scores(scores.to_numpy(), f"champion (logged in {card.estimator})")
    else:
        card, scores = champion.card, pa.chunked_array([_score(champion, features)])
    predictions = rows.select(["row_key", "part", "day", "cluster"]).append_column("label", rows.column("label").cast(pa.int8()))
    predictions = predictions.append_column("champion_score", scores)
    predictions = predictions.append_column("challenger_score", _score(challenger, features))
    for column in (name for name in rows.column_names if name.startswith("slice_")):
        predictions = predictions.append_column(column, rows.column(column))
    times = pc.min_max(rows.column("time_utc"))
    return Contest(
        predictions=predictions,
        from_utc=_text(times["min"]),
        to_utc=_text(times["max"]),
        unlabelled_rows=facts.num_rows - labelled,
        unscored_rows=labelled - judged,
        champion=card,
        challenger=challenger.card,
    )


def _score(contender: Contender, features: pa.Table) -> pa.Array:
    card = contender.card
    if card.view != "masked":
        raise EvaluationError(
            f"{card.role} {card.name}",
            found=f"a model of view {card.view}, and features of view masked",
            expected="a model that is scored on the view it was fitted on",
            next_step="name its logged scores under models.champion, or its recipe, which is then refitted on masked data",
        )
    scores = contender.score(features)
    check_scores(scores, card.role)
    return pa.array(scores, pa.float64())


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


def evidence_hashes(evidence: Evidence, contest: Contest) -> dict[str, str]:
    """Logical hashes of all that the predictions rest on, by the names that validation reports use too."""
    models = {f"models/{card.role}": card.logical_hash for card in (contest.champion, contest.challenger)}
    return {
        "pin": evidence.features.about["pin"],
        "snapshots": evidence.features.about["snapshots"],
        "masked": evidence.masked.logical_hash,
        "features": evidence.features.logical_hash,
        f"splits/{evidence.split}": evidence.assignments.logical_hash,
        **{name: value for name, value in models.items() if value is not None},
    }


def summarise(
    contest: Contest,
    params: Params,
    *,
    split: str,
    part: str,
    known_slices: Mapping[str, set[str]],
    inputs: Mapping[str, str],
    seed: int,
) -> Evaluation:
    """Compare the contest's predictions under ``params.evaluation`` (resampling by ``seed``) into one record.

    ``known_slices`` are the slice values that there should be, by column; those without a judged row are named as missing.
    """
    predictions, interval = contest.predictions, params.evaluation.interval
    comparisons = compare(predictions, params.evaluation, seed)
    return Evaluation(
        split=split,
        part=part,
        rows=predictions.num_rows,
        days=len(predictions.column("day").unique()),
        unlabelled_rows=contest.unlabelled_rows,
        unscored_rows=contest.unscored_rows,
        from_utc=contest.from_utc,
        to_utc=contest.to_utc,
        champion=contest.champion,
        challenger=contest.challenger,
        judged="recipe" if contest.challenger.basis == "recipe" else "fitted_model",
        interval_method=interval.method,
        cluster=interval.cluster,
        replicates=interval.replicates,
        confidence=interval.confidence,
        seeds={"evaluation": seed},
        comparisons=comparisons,
        missing_slices=_missing_slices(comparisons, known_slices),
        inputs=dict(inputs),
    )


def _missing_slices(comparisons: tuple[Comparison, ...], known: Mapping[str, set[str]]) -> tuple[str, ...]:
    judged = {(c.slice_column, c.slice_value) for c in comparisons}
    return tuple(
        sorted(f"{column}={value}" for column, values in known.items() for value in values if (column, value) not in judged)
    )


def headline_metrics(evaluation: Evaluation) -> dict[str, object]:
    """``rows``, and by metric champion, challenger and delta on all rows: what ``dvc metrics show`` compares."""
    overall = [c for c in evaluation.comparisons if c.slice_column is None]
    figures = {c.metric: {"champion": c.champion, "challenger": c.challenger, "delta": c.delta} for c in overall}
    return {"rows": evaluation.rows, **figures}
