"""The cheats, each with what it costs, from the cheapest attempt on.

What belongs here: what a cheat does to the predictions of a bad model, and by which doors it could come in. What does not: which
attempt passes (``tasks.fooling``), and which check shuts which door (``tasks.fooling_doors``). Every attempt is a function of the
sheet and of a generator, so that the same seed cheats alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.adversary.sheet import Floats, Sheet, worsen

Door = Literal["recipe", "feature", "score_file", "stored_model", "predictions", "params_champion", "params_split", "params_seed"]
"""How a cheat comes in: as an honest recipe would; as a feature; as scores, or a model, that were made elsewhere; as an edit of the
stored predictions; as an edit of ``models.champion``, of the split, or of ``seed``, in params.yaml."""

Attempt = Callable[[Sheet, np.random.Generator], Sheet]
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_LEFT_OUT = (0.01, 0.02, 0.05, 0.1, 0.2)
_SHIFTS = (4.0, 2.0, 1.0, 0.5)
_COPIES = (4, 16)
_MOST_ROWS = 1_000_000
"""Rows up to which copies are made: beyond, copies cost more than they tell."""
_OTHER_HOLDOUTS = 20
_OTHER_SEEDS = 20
_NEARLY = 0.98
"""What somebody who knows the label says, so that no logarithm tells on him."""


@dataclass(frozen=True)
class Cheat:
    """One cheat: what is done, what it costs, and by which doors."""

    name: str
    how: str
    unit: str
    """What a cost is counted in."""
    doors: tuple[Door, ...]
    attempts: tuple[tuple[float, Attempt], ...]
    """(cost, attempt), in the order in which somebody would try them."""
    is_of_good_model: bool = False
    """Whether it is done to scores as good as the champion's, to do harm that the figures may not show."""
    spends_looks: bool = False
    """Whether each attempt is another candidate on the same holdout."""
    draws_anew: bool = False
    """Whether each attempt is judged with another seed of everything that is drawn in judging."""


def plan_cheats(sheet: Sheet, *, bad_share: float, looks: int) -> tuple[Cheat, ...]:
    """Every cheat that can be tried on ``sheet``.

    ``bad_share`` of the challenger's scores are worthless in the bad model that wants to pass; ``looks`` is how many candidates
    may be measured on one holdout.
    """
    cheats = (
        _reruns(sheet, bad_share, looks),
        _another_holdout(sheet),
        _other_seeds(),
        _choice_of_slice(sheet),
        _leak_by_feature(),
        _leak_by_scores(),
        _shifts(),
        _dropped(),
        _stale(sheet),
        _copies(sheet),
        _favourable(),
    )
    return tuple(cheat for cheat in cheats if cheat.attempts)


def _reruns(sheet: Sheet, bad_share: float, looks: int) -> Cheat:
    def again(fresh: Sheet, random: np.random.Generator) -> Sheet:
        return worsen(sheet, fresh.challenger, bad_share, random)

    return Cheat(
        "reruns until lucky",
        "the same bad recipe with another seed, as often as there are looks",
        "reruns",
        ("recipe",),
        tuple((float(number), again) for number in range(1, looks + 1)),
        spends_looks=True,
    )


def _another_holdout(sheet: Sheet) -> Cheat:
    clusters = np.unique(_codes(sheet))

    def half(found: Sheet, random: np.random.Generator) -> Sheet:
        kept = random.permutation(clusters)[: max(1, len(clusters) // 2)]
        return _some(found, np.isin(_codes(found), kept))

    return Cheat(
        "another holdout until lucky",
        "another salt or boundary of the split: half of the clusters, drawn anew",
        "holdouts",
        ("params_split",),
        tuple((float(number), half) for number in range(1, _OTHER_HOLDOUTS + 1)) if len(clusters) > 1 else (),
    )


def _other_seeds() -> Cheat:
    return Cheat(
        "choice of seed",
        "the same scores, judged with other draws of the bootstrap; the same pair of candidate and holdout, so no look",
        "seeds",
        ("params_seed",),
        tuple((float(number), lambda sheet, _: sheet) for number in range(1, _OTHER_SEEDS + 1)),
        draws_anew=True,
    )


def _codes(sheet: Sheet) -> NDArray[np.intp]:
    if "cluster" not in sheet.rows.column_names:
        return np.arange(sheet.count)
    found: NDArray[np.intp] = sheet.rows.column("cluster").combine_chunks().dictionary_encode().indices.to_numpy().astype(np.intp)
    return found


def _choice_of_slice(sheet: Sheet) -> Cheat:
    found = []
    for column in (name for name in sheet.rows.column_names if name.startswith("slice_")):
        counts = pc.value_counts(sheet.rows.column(column))
        for entry in counts.to_pylist():
            found.append((1 - entry["counts"] / sheet.count, partial(_only, column=column, value=entry["values"])))
    return Cheat(
        "choice of slice",
        "only the rows of the slice that it does best on",
        "share of rows left out",
        ("predictions",),
        tuple(sorted(((cost, attempt) for cost, attempt in found if cost > 0), key=lambda one: one[0])),
    )


def _only(sheet: Sheet, _: np.random.Generator, *, column: str, value: object) -> Sheet:
    values = sheet.rows.column(column)
    wanted = pc.is_null(values) if value is None else pc.fill_null(pc.equal(values, pa.scalar(value, values.type)), False)
    return _some(sheet, wanted.to_numpy())


def _leak_by_feature() -> Cheat:
    attempts = ((1.0, partial(_know_labels, share=1.0)),)
    return Cheat("label leak, by a feature", "a feature that is the label", "share of labels known", ("feature",), attempts)


def _leak_by_scores() -> Cheat:
    attempts = tuple((share, partial(_know_labels, share=share)) for share in (*_SHARES, 1.0))
    how = "scores, or a model, made elsewhere by somebody who had some of the judged labels"
    return Cheat("label leak, from elsewhere", how, "share of labels known", ("score_file", "stored_model"), attempts)


def _know_labels(sheet: Sheet, random: np.random.Generator, *, share: float) -> Sheet:
    known = random.permutation(sheet.count)[: round(share * sheet.count)]
    labels = sheet.labels

    def tell(scores: Floats) -> Floats:
        found = scores.copy()
        if sheet.task == "regression":
            found[known, 0] = labels[known]
        elif sheet.task == "binary":
            found[known, 0] = np.where(labels[known] == 1, _NEARLY, 1 - _NEARLY)
        else:
            found[known] = (1 - _NEARLY) / max(1, scores.shape[1] - 1)
            found[known, labels[known].astype(np.intp)] = _NEARLY
        return found

    return sheet.rescored(sheet.challenger, tell)


def _shifts() -> Cheat:
    return Cheat(
        "score shift",
        "the champion's own scores, all moved to one side: by log odds, or by standard deviations of a number",
        "shift",
        ("recipe",),
        tuple((by, partial(_shift, by=by)) for by in _SHIFTS),
        is_of_good_model=True,
    )


def _shift(sheet: Sheet, _: np.random.Generator, *, by: float) -> Sheet:
    spread = float(np.std(sheet.labels))

    def moved(scores: Floats) -> Floats:
        if sheet.task == "regression":
            return scores + by * spread
        inside = np.clip(scores, 1e-9, 1 - 1e-9)
        if sheet.task == "binary":
            found: Floats = 1 / (1 + np.exp(-(np.log(inside / (1 - inside)) + by)))
            return found
        raised = inside * np.exp(by * (np.arange(scores.shape[1]) == 0))
        found = raised / raised.sum(axis=1, keepdims=True)
        return found

    return sheet.rescored(sheet.challenger, moved)


def _dropped() -> Cheat:
    return Cheat(
        "dropped hard rows",
        "the rows that it is most wrong on are left out",
        "share of rows left out",
        ("score_file", "predictions"),
        tuple((share, partial(_drop_hard, share=share)) for share in _LEFT_OUT),
    )


def _drop_hard(sheet: Sheet, _: np.random.Generator, *, share: float) -> Sheet:
    easiest = np.argsort(sheet.losses(sheet.challenger), kind="stable")
    return sheet.kept(np.sort(easiest[: sheet.count - round(share * sheet.count)]))


def _stale(sheet: Sheet) -> Cheat:
    def weaker(found: Sheet, random: np.random.Generator, *, share: float) -> Sheet:
        return worsen(found, found.champion, share, random)

    return Cheat(
        "stale champion",
        "held against an older, weaker champion than production's",
        "share of rows that it knows nothing of",
        ("predictions", "params_champion"),
        tuple((share, partial(weaker, share=share)) for share in (*_SHARES, 1.0)) if sheet.champion else (),
    )


def _copies(sheet: Sheet) -> Cheat:
    def copied(found: Sheet, _: np.random.Generator, *, times: int) -> Sheet:
        return found.kept(np.tile(np.arange(found.count), times))

    return Cheat(
        "duplicate rows, all",
        "every row several times over, so that intervals get narrow",
        "copies",
        ("score_file", "predictions"),
        tuple((float(times), partial(copied, times=times)) for times in _COPIES if times * sheet.count <= _MOST_ROWS),
    )


def _favourable() -> Cheat:
    return Cheat(
        "duplicate rows, the best ones",
        "the rows that it does best on, against the champion, stand twice",
        "share of rows that stand twice",
        ("score_file", "predictions"),
        tuple((share, partial(_repeat_best, share=share)) for share in _SHARES),
    )


def _repeat_best(sheet: Sheet, _: np.random.Generator, *, share: float) -> Sheet:
    gains = -sheet.losses(sheet.challenger)
    if sheet.champion:
        gains = gains + sheet.losses(sheet.champion)
    best = np.argsort(-gains, kind="stable")[: round(share * sheet.count)]
    return sheet.kept(np.concatenate([np.arange(sheet.count), best]))


def _some(sheet: Sheet, is_kept: NDArray[np.bool_]) -> Sheet:
    return sheet.kept(np.flatnonzero(is_kept))
