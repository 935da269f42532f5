"""Everything about a contest in one record, and what it rests on.

What belongs here: the record, from predictions and their comparison. What does not: scoring (``contest``), and writing.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import pyarrow as pa

from tasks.evaluation.compare import compare, compare_folds
from tasks.evaluation.contest import Contest
from tasks.evaluation.disclosing import published_values, withhold_crossing
from tasks.evaluation.discovery import Limits, discover
from tasks.evaluation.evidence import Evidence
from tasks.evaluation.noise import Rescoring, describe_noise, measure_noise, with_noise
from tasks.evaluation.outcomes import describe_classes, describe_residuals
from tasks.evaluation.sample import Metric
from tasks.evaluation.spread import tails_of
from tasks.evaluation.withholding import count_people, count_together, require_enough_people, withhold_classes, withhold_slices
from tasks.params import Params
from tasks.params.snapshot import FILE_TIME_COLUMN
from tasks.params.splits import ALL_FOLDS, draws_of
from tasks.records import Comparison, Discovery, Drift, Evaluation, FoldsJudged


def evidence_hashes(evidence: Evidence, contest: Contest) -> dict[str, str]:
    """Logical hashes of all that the predictions rest on, by the names that validation reports use too."""
    models = {f"models/{card.role}": card.logical_hash for card in (contest.champion, contest.challenger) if card is not None}
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
    own: Mapping[str, Metric] | None = None,
    rescored: Sequence[Rescoring] = (),
    drift: Drift | None = None,
) -> Evaluation:
    """Compare the contest's predictions under ``params.evaluation`` (resampling by ``seed``) into one record.

    ``known_slices`` are the slice values that there should be, by column; those without a judged row are named as missing.
    ``own`` are the user's metrics, ``rescored`` what the noise floor is measured with.
    Figures of fewer than ``masking.limits.k`` people are withheld. Raises :class:`~tasks.errors.EvaluationError` where all are.
    """
    predictions, interval, k = contest.predictions, params.evaluation.interval, params.masking.limits.k
    people = count_people(predictions, params.evaluation.slices)
    require_enough_people(people[None, None], k)
    compared = compare(predictions, params.evaluation, seed, contest.task, contest.classes, draws=contest.draws, own=own)
    floors = measure_noise(contest, rescored, params.evaluation, seed=seed, own=own)
    together = partial(count_together, predictions)
    comparisons = withhold_slices(with_noise(compared, floors, rescored), people, k, together)
    drawn = draws_of(params.splits[split]) if part == ALL_FOLDS else ()
    comparisons = withhold_crossing(predictions, comparisons, params.evaluation.slices, k, has_folds=bool(drawn))
    folds: tuple[Comparison, ...] = ()
    if drawn:
        folds = compare_folds(predictions, params.evaluation, seed, contest.task, contest.classes, draws=len(drawn), own=own)
    return Evaluation(
        split=split,
        part=part,
        rows=predictions.num_rows,
        days=_days(predictions, params),
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
        task=contest.task,
        weight=params.evaluation.weight,
        late_scores=contest.late_scores,
        classes=withhold_classes(describe_classes(predictions, contest.task, contest.classes), k),
        residuals=describe_residuals(predictions, k=k) if contest.task == "regression" else {},
        folds_judged=FoldsJudged(count=len(drawn[0]), draws=len(drawn)) if drawn else None,
        tails=tails_of(interval.replicates),
        folds=folds,
        noise=describe_noise(contest, rescored),
        drift=drift,
        discovery=_search(contest, params, comparisons, seed=seed, own=own, has_folds=bool(drawn)),
    )


def _search(
    contest: Contest,
    params: Params,
    comparisons: Sequence[Comparison],
    *,
    seed: int,
    own: Mapping[str, Metric] | None,
    has_folds: bool,
) -> Discovery | None:
    """The slices that nobody declared, of which only those are told that give away nobody beside all that is published."""
    predictions, asked = contest.predictions, params.evaluation
    published = tuple(published_values(predictions, comparisons, has_folds=has_folds))
    limits, kind = Limits(published, params.masking.limits.k), (contest.task, contest.classes)
    return discover(predictions, asked, seed, kind, limits, draws=contest.draws, own=own)


def _days(predictions: pa.Table, params: Params) -> int:
    """Days with judged rows; 0 where no column tells a row's day: when files appeared says nothing of how fast rows come."""
    return len(predictions.column("day").unique()) if params.features.at.column != FILE_TIME_COLUMN else 0


def _missing_slices(comparisons: tuple[Comparison, ...], known: Mapping[str, set[str]]) -> tuple[str, ...]:
    judged = {(c.slice_column, c.slice_value) for c in comparisons}
    return tuple(
        sorted(f"{column}={value}" for column, values in known.items() for value in values if (column, value) not in judged)
    )


def headline_metrics(evaluation: Evaluation) -> dict[str, object]:
    """``rows``, and by metric champion, challenger and delta on all rows: what ``dvc metrics show`` compares.

    Without a champion only the challenger's figures.
    """
    overall = [c for c in evaluation.comparisons if c.slice_column is None]
    figures = {c.metric: {"champion": c.champion, "challenger": c.challenger, "delta": c.delta} for c in overall}
    if evaluation.champion is None:
        figures = {c.metric: {"challenger": c.challenger} for c in overall}
    return {"rows": evaluation.rows, **figures}
