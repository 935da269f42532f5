"""A recipe fitted again on raw rows, inside the restricted zone, and held against its verdict on the very rows that were judged.

What belongs here: bringing both models into the view raw, and measuring them. What does not: what has to come of it
(``tasks.gates.refitting``), reading raw rows (``raw_rows``), and promoting. No stage of its own: a promotion calls it, and nothing
is written. The model may remember raw values: it is handed over as bytes, and whoever takes them puts them where raw data may lie.

Features are raw, everything else is as it was judged: the same rows, labels, slices, clusters, weights, seeds and draws. A raw
score is never held against a masked model's, but to ask how far the two fits of one recipe lie apart.
"""

import os
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tasks.credentials import put_away
from tasks.datasets import logical_hash
from tasks.errors import DatasetError
from tasks.evaluation import (
    Contender,
    Contest,
    PartRows,
    load_metrics,
    open_evidence,
    read_scores,
    read_slice_values,
    score_columns,
    summarise,
)
from tasks.gates import judge_agreement, judge_on_raw
from tasks.models import Brought
from tasks.params.models import LoggedScores
from tasks.records import Evaluation, ModelCard, RefitCheck
from tasks.seeds import derive_seed
from tasks.stages import StageContext
from tasks.stages.evaluate import Judged, read_judged, record_evaluation
from tasks.stages.raw_fits import AsRaw, RawFits, Repeats, compare_fits, fit_on_raw, read_raw, score_on_raw
from tasks.stages.refittable import require_refittable
from tasks.stages.train import stage_workbench


@dataclass(frozen=True)
class Refitted:
    """The recipe's model of raw rows, and how it was checked."""

    archive: bytes
    """Restricted: it may hold raw values."""
    card: ModelCard
    check: RefitCheck


def refit_on_raw(context: StageContext, snapshot: str, *, is_later: bool = False) -> Refitted:
    """Fit the challenger's recipe again on the raw rows of the snapshot with the logical hash ``snapshot``, and measure it.

    ``is_later``: its verdict was not the first look at the holdout. The project's data must have been verified. Raises as
    :func:`~tasks.stages.refittable.require_refittable` does; :class:`~tasks.errors.DatasetError` where raw rows do not fit the
    judged ones, and :class:`~tasks.errors.GateError` where raw rows cannot give a feature, the recipe does not fit them, or not
    twice alike. No error shows a raw value.
    """
    params = context.params
    snapshots, recipe, key = require_refittable(context, snapshot)
    with put_away(os.environ, params.masking.key.env):  # features and recipes may be somebody's code
        evidence = open_evidence(context.paths, params.evaluation.split, params.splits[params.evaluation.split].part_names)
        masked = read_judged(evidence, params)
        bench = stage_workbench(context, evidence.features, {})
        as_raw, by_rule = read_raw(context, key, snapshots, masked, bench)
        fits = fit_on_raw(context, recipe, bench, as_raw)
        repeats = compare_fits(fits, as_raw(masked.rows.features), context)
        check = _check(context, masked, fits, as_raw, repeats=repeats, by_rule=by_rule, is_later=is_later)
        return Refitted(fits.archive, fits.challenger.card, check)


def _check(
    context: StageContext,
    masked: Judged,
    fits: RawFits,
    as_raw: AsRaw,
    *,
    repeats: Repeats,
    by_rule: tuple[str, ...],
    is_later: bool,
) -> RefitCheck:
    """Both models in the view raw on the judged rows, and the refitted one beside the judged one."""
    params, task = context.params, context.params.label.task

    def contend(brought: Brought) -> Contender:
        return Contender(brought.card, partial(score_on_raw, brought, task=task))

    champion = contend(fits.champion) if isinstance(fits.champion, Brought) else fits.champion
    raw = replace(
        masked,
        rows=PartRows(masked.rows.facts, as_raw(masked.rows.features), view="raw"),
        champion=champion,
        challenger=contend(fits.challenger),
        refit=None if fits.reseeded is None else contend(fits.reseeded),
        as_seen=as_raw,
    )
    contest, judged = raw.contest(task), masked.contest(task)
    on_raw = record_evaluation(raw, contest, params, logical_hash(contest.predictions, ("row_key",)))
    correlation, same = _agree(contest, judged)
    is_logged = isinstance(champion, LoggedScores)
    return RefitCheck(
        judged_hash=masked.challenger.card.logical_hash or "",
        refitted_hash=fits.challenger.card.logical_hash or "",
        repeats=repeats,
        champion="none" if champion is None else "its logged scores" if is_logged else "fitted again on raw rows",
        rows=contest.predictions.num_rows,
        on_raw=judge_on_raw(on_raw, params.gates, is_later=is_later),
        agreement=judge_agreement(_evaluate_beside(context, masked, contest, judged), params.gates, is_later=is_later),
        rank_correlation=correlation,
        same_decisions=same,
        by_rule=by_rule,
    )


def _evaluate_beside(context: StageContext, masked: Judged, contest: Contest, judged: Contest) -> Evaluation:
    """The refitted model beside the judged one, each on the view that it was fitted on, on identical rows."""
    params = context.params
    asked = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"discover": None})})
    names = [score_columns(role, contest.task, len(contest.classes)) for role in ("champion", "challenger")]
    predictions = contest.predictions.drop_columns([name for name in names[0] if name in contest.predictions.column_names])
    for champion, challenger in zip(*names, strict=True):
        predictions = predictions.append_column(champion, judged.predictions.column(challenger))
    card = judged.challenger.model_copy(update={"role": "champion"})
    return summarise(
        replace(contest, predictions=predictions, champion=card, late_scores=0),
        asked,
        split=params.evaluation.split,
        part=params.evaluation.part,
        known_slices=read_slice_values(masked.evidence, params),
        inputs={},
        seed=derive_seed(params.seed, "evaluation"),
        own=load_metrics(params.evaluation.functions, context.paths.root),
    )


def _agree(contest: Contest, judged: Contest) -> tuple[float | None, float | None]:
    """Spearman's rank correlation of both models' scores (of classes the least), and the share of decisions that are the same."""
    from scipy.stats import rankdata

    if not contest.predictions.column("row_key").equals(judged.predictions.column("row_key")):
        raise DatasetError("judged rows", found="others in the view raw", expected="the same rows", next_step="dvc repro evaluate")
    found = [read_scores(one.predictions, "challenger", one.task, len(one.classes)) for one in (contest, judged)]
    one, other = (np.atleast_2d(scores.T) for scores in found if scores is not None)
    ranks = [rankdata(scores, axis=1) for scores in (one, other)]
    spread = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    product = (spread[0] ** 2).sum(axis=1) * (spread[1] ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = (spread[0] * spread[1]).sum(axis=1) / np.sqrt(product)
    correlation = float(correlations.min()) if (product > 0).all() else None
    if contest.task == "regression":
        return correlation, None
    decisions = [scores[0] >= 0.5 if contest.task == "binary" else scores.argmax(axis=0) for scores in (one, other)]
    return correlation, float((decisions[0] == decisions[1]).mean())
