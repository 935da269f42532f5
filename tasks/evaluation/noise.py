"""The noise floor: how far figures lie apart where nothing differs but chance.

What belongs here: a model against itself, fitted with another seed or asked for its scores again, under the metrics and on the
slices of the judgement. What does not: fitting (``tasks.models``), and what follows for a claim to be better (``tasks.gates``).

One refit is one draw, and may by luck lie close: what counts is the far end of the paired interval of its difference, which
tells how far such a refit could lie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import EvaluationError
from tasks.evaluation.compare import compare, read_scores, score_columns
from tasks.evaluation.contest import Contender, Contest, arrange_scores
from tasks.evaluation.measured import ROLES
from tasks.evaluation.sample import Floats, Metric
from tasks.params.judging import EvaluationParams
from tasks.params.models import LoggedScores
from tasks.params.splits import OTHER_FOLDS
from tasks.records import Comparison, ModelCard, NoiseFloor

_FACTS = ("label", "cluster", "weight")
MOST_REPLICATES = 200
"""As many as tell how far a refit could lie; the judgement itself is made of ``evaluation.interval.replicates``."""
Key = tuple[str, str | None, str | None]
"""A metric, and a slice's column and value."""


@dataclass(frozen=True)
class Rescoring:
    """Scores of the judged rows by a model that should be no other than the ``role``: fitted with another seed, or asked again."""

    role: Literal["champion", "challenger"]
    is_refit: bool
    scores: Floats
    """Rows, or rows x classes, as :func:`~tasks.evaluation.compare.read_scores` gives them."""
    seed: int | None = None


def score_again(contender: Contender | LoggedScores | None, features: pa.Table, contest: Contest) -> list[Rescoring]:
    """The model asked again for the rows of ``contest``; none where its scores are all there is of it.

    ``features`` are row_key and features of those rows and others, in order of row key. Raises
    :class:`~tasks.errors.EvaluationError` where the predictions are of other rows.
    """
    if not isinstance(contender, Contender) or not _is_asked_here(contender.card):
        return []
    return [_rescoring(contender, _judged_rows(features, contest), contest, is_refit=False)]


def score_refit(
    refit: Contender, role: Literal["champion", "challenger"], contest: Contest, features: pa.Table | None = None
) -> Rescoring:
    """The scores of the ``role``'s refit on the rows of ``contest``.

    ``features`` as :func:`score_again` takes them, and raises; None: the refit is known by its stored scores of those rows.
    """
    rows = contest.predictions.select(["row_key"]) if features is None else _judged_rows(features, contest)
    found = _rescoring(refit, rows, contest, is_refit=True)
    return Rescoring(role, found.is_refit, found.scores, refit.card.seed)


def _judged_rows(features: pa.Table, contest: Contest) -> pa.Table:
    keys = contest.predictions.column("row_key")
    rows = features.filter(pc.is_in(features.column("row_key"), keys.combine_chunks()))
    if not rows.column("row_key").equals(keys):
        raise EvaluationError(
            "predictions",
            found=f"{len(keys):,} rows, of which {rows.num_rows:,} are of the judged part",
            expected="rows of that part, each once, in order of row key",
            next_step="dvc repro evaluate",
        )
    return rows


def _rescoring(contender: Contender, rows: pa.Table, contest: Contest, *, is_refit: bool) -> Rescoring:
    role: Literal["champion", "challenger"] = "champion" if contender.card.role == "champion" else "challenger"
    return Rescoring(role, is_refit, arrange_scores(contender.score(rows), contender.card.classes, contest.classes))


def _is_asked_here(card: ModelCard) -> bool:
    return card.basis in ("recipe", "stored_model") and card.part != OTHER_FOLDS


def measure_noise(
    contest: Contest,
    rescored: Sequence[Rescoring],
    params: EvaluationParams,
    *,
    seed: int,
    own: Mapping[str, Metric] | None = None,
) -> dict[Key, float | None]:
    """By metric and slice the largest difference that a model shows to itself, None where it has no figure there.

    Empty where none was scored again, or each gave the same scores.

    Raises as :func:`~tasks.evaluation.compare.compare` does.
    """
    replicates = min(params.interval.replicates, MOST_REPLICATES)
    quick = params.model_copy(update={"interval": params.interval.model_copy(update={"replicates": replicates})})
    floors: dict[Key, float | None] = {}
    for one in rescored:
        base = _base_of(contest, one)
        if np.array_equal(base, one.scores):
            continue
        pair = _side_by_side(contest, base, one.scores)
        for found in compare(pair, quick, seed, contest.task, contest.classes, own=own):
            key = (found.metric, found.slice_column, found.slice_value)
            far, known = _farthest(found), floors.get(key, 0.0)
            floors[key] = None if far is None or known is None else max(known, far)
    return floors


def with_noise(
    comparisons: Sequence[Comparison], floors: Mapping[Key, float | None], rescored: Sequence[Rescoring]
) -> list[Comparison]:
    """``comparisons`` with their noise floors: 0 where every rescoring gave the same scores, None where none tells of a challenger.

    A refit of either model does, and the challenger asked again; a champion that was asked again tells of itself alone.
    """
    if not any(one.is_refit or one.role == "challenger" for one in rescored):
        return list(comparisons)
    return [
        found.model_copy(update={"noise_floor": floors.get((found.metric, found.slice_column, found.slice_value), 0.0)})
        for found in comparisons
    ]


def describe_noise(contest: Contest, rescored: Sequence[Rescoring]) -> NoiseFloor:
    """What was fitted or scored again, and in words why it is of this model."""
    twice = {one.role: float(np.abs(_base_of(contest, one) - one.scores).max()) for one in rescored if not one.is_refit}
    refit = next((one for one in rescored if one.is_refit), None)
    if refit is None:
        told = "not known: no model was fitted or scored again"
        if twice:
            told = "scored twice only: neither model is fitted here"
        if "champion" in twice and "challenger" not in twice:
            told = "not known: of the challenger there is nothing but scores, and scoring the champion twice tells nothing of it"
        return NoiseFloor(of=None, seed=None, scored_twice=twice, told=told)
    told = f"the {refit.role} fitted again with another seed"
    if refit.role == "challenger" and contest.champion is not None:
        told += ", since the champion cannot be fitted here"
    return NoiseFloor(of=refit.role, seed=refit.seed, scored_twice=twice, told=told)


def _base_of(contest: Contest, one: Rescoring) -> Floats:
    """The scores that the role was judged by; of several draws of folds the first's."""
    found = read_scores(contest.predictions, one.role, contest.task, len(contest.classes))
    if found is None:
        raise EvaluationError(
            f"predictions of the {one.role}", found="no scores", expected="those of the judged rows", next_step="dvc repro evaluate"
        )
    return found


def _side_by_side(contest: Contest, base: Floats, again: Floats) -> pa.Table:
    """The judged rows with a model's scores as the champion's, and those that it gave again as the challenger's."""
    names = contest.predictions.column_names
    rows = contest.predictions.select([name for name in names if name in _FACTS or name.startswith("slice_")])
    for role, scores in zip(ROLES, (base, again), strict=True):
        names = score_columns(role, contest.task, len(contest.classes))
        for name, values in zip(names, scores.T if scores.ndim == 2 else [scores], strict=True):
            rows = rows.append_column(name, pa.array(np.ascontiguousarray(values), pa.float64()))
    return rows


def _farthest(found: Comparison) -> float | None:
    if found.delta is None:
        return None
    interval = found.delta_interval
    ends = [] if interval is None else [abs(interval.low), abs(interval.high)]
    return max([abs(found.delta), *ends])
