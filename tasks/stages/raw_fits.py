"""Recipes fitted again on raw rows, inside the restricted zone and in memory alone.

What belongs here: finding the raw features of the rows that are fitted on and judged, and fitting. What does not: whether a recipe
may be fitted again (``refittable``), and how its model does (``raw_refit``). No stage of its own. No error shows a raw value.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import open_table
from tasks.errors import DatasetError, GateError, ModelError
from tasks.evaluation import read_drift_reference
from tasks.masking import MaskingKey
from tasks.models import Brought, Workbench, bring_model, dump_model, load_model, model_hash, refit_model
from tasks.models.challengers import Role
from tasks.models.scoring import Floats
from tasks.params.models import Command, LoggedScores, Recipe, Task, refitted_role
from tasks.records import Manifest
from tasks.stages import StageContext
from tasks.stages.evaluate import Judged
from tasks.stages.raw_rows import RawReader, is_made_by_rule, keep_silent

_TOLERANCE = 1e-9
"""How far two fits with one seed may score a row apart, as ``windtunnel verify`` has it."""
Repeats = Literal["the same model", "the same scores"]
AsRaw = Callable[[pa.Table], pa.Table]
"""Masked rows (row_key, and features among other columns) -> the same with their raw features."""


@dataclass(frozen=True)
class RawFits:
    """Everything that is fitted on raw rows."""

    archive: bytes
    challenger: Brought
    again: Brought
    """The challenger, fitted once more with the same seed."""
    champion: Brought | LoggedScores | None
    reseeded: Brought | None
    """One of the two recipes with another seed, for the noise floor."""


def read_raw(
    context: StageContext, key: MaskingKey, snapshots: Manifest, masked: Judged, bench: Workbench
) -> tuple[AsRaw, tuple[str, ...]]:
    """The raw features of all rows that are fitted on, judged or compared with, and the names of those that only a rule gives.

    Raises :class:`~tasks.errors.GateError` where raw rows cannot give a feature, and :class:`~tasks.errors.DatasetError` where they
    are not those of the judged rows, or have other labels.
    """
    params = context.params
    names = ["row_key", *params.features.names]
    recipes = [declared for declared in (params.models.challenger, params.models.champion) if isinstance(declared, Recipe)]
    pieces = [masked.rows.features.select(names), *(bench.read_training(recipe)[1].select(names) for recipe in recipes)]
    reference = read_drift_reference(masked.evidence, params, masked.challenger.card)
    pieces += [] if reference is None else [reference[1].select(names)]
    every = pa.concat_tables(pieces, promote_options="default")
    keys = every.column("row_key").combine_chunks()
    wanted = every.take(pc.index_in(keys.unique(), value_set=keys))
    raw = RawReader(context, key, snapshots, masked.evidence.masked).read(wanted)
    lost = {name: reason for name, reason in raw.as_masked.items() if not is_made_by_rule(params, name)}
    if lost:
        raise GateError(
            f"features {', '.join(sorted(lost))}",
            found="; ".join(f"{name}: {reason}" for name, reason in sorted(lost.items())),
            expected="features that raw rows give as they are declared, since production computes them from raw rows",
            next_step="declare them so that both views give them, or leave them out; then windtunnel run",
        )
    keys = wanted.column("row_key").combine_chunks()
    _require_same_labels(context, masked.evidence.features, keys, raw.rows.column("label"))

    def as_raw(rows: pa.Table) -> pa.Table:
        place = pc.index_in(rows.column("row_key").combine_chunks(), value_set=keys)
        for name in params.features.names:
            rows = rows.set_column(rows.column_names.index(name), name, raw.rows.column(name).take(place))
        return rows

    return as_raw, tuple(sorted(raw.as_masked))


def _require_same_labels(context: StageContext, features: Manifest, keys: pa.Array, labels: pa.ChunkedArray) -> None:
    stored = pa.concat_tables(open_table(context.paths.features, features, "features").pieces(("row_key", "label")))
    place = pc.index_in(keys, value_set=stored.column("row_key").combine_chunks())
    judged = stored.column("label").take(place)
    if not labels.cast(judged.type).equals(judged):
        differs = pc.fill_null(pc.not_equal(labels.cast(judged.type), judged), True)
        differs = pc.and_not(differs, pc.and_(labels.is_null(), judged.is_null()))
        raise DatasetError(
            "labels of raw rows",
            found=f"{pc.sum(differs).as_py():,} others than those that were judged",
            expected="the same labels: a recipe that learns another target is another recipe",
            next_step="keep the label and its times as they are under masking.tables (safe), then windtunnel run",
        )


def _on_raw(bench: Workbench, as_raw: AsRaw) -> Workbench:
    def read_training(declared: Recipe | Command) -> tuple[tuple[str, ...], pa.Table]:
        parts, rows = bench.read_training(declared)
        return parts, as_raw(rows)

    return replace(bench, view="raw", read_training=read_training, read_judged=lambda part: as_raw(bench.read_judged(part)))


def fit_on_raw(context: StageContext, recipe: Recipe, bench: Workbench, as_raw: AsRaw) -> RawFits:
    """Fit what is judged on the rows of ``bench``, as raw ones: the challenger's ``recipe`` twice, the champion's where it has one.

    Raises :class:`~tasks.errors.GateError` where one cannot be fitted.
    """
    bench, models = _on_raw(bench, as_raw), context.params.models
    reseeded = refitted_role(models)
    other = models.champion if reseeded == "champion" else recipe
    try:
        with keep_silent():
            archive, challenger = _fit_one(recipe, bench, "challenger")
            again = _fit_one(recipe, bench, "challenger")[1]
            declared = models.champion
            champion = _fit_one(declared, bench, "champion")[1] if isinstance(declared, Recipe) else None
            floor = refit_model(other, bench, reseeded) if reseeded and isinstance(other, Recipe) else None
    except ModelError:  # its words are of raw rows
        raise _unfit(
            recipe.estimator or str(recipe.file), "it cannot be fitted on raw rows, or its model cannot be stored"
        ) from None
    return RawFits(archive, challenger, again, declared if isinstance(declared, LoggedScores) else champion, floor)


def _fit_one(recipe: Recipe, bench: Workbench, role: Role) -> tuple[bytes, Brought]:
    """The recipe's model as it is read back from its archive: what is measured is what is handed over."""
    brought = bring_model(recipe, bench, role)
    archive = dump_model(brought.model)
    card = brought.card.model_copy(update={"logical_hash": model_hash(archive)})
    return archive, Brought(card, load_model(archive))


def score_on_raw(brought: Brought, rows: pa.Table, task: Task) -> Floats:
    """As :meth:`~tasks.models.Brought.score`, of raw rows.

    Raises :class:`~tasks.errors.GateError` where that fails.
    """
    try:
        with keep_silent():
            return brought.score(rows, task)
    except ModelError:
        raise _unfit(brought.card.estimator, "it cannot score raw rows") from None


def _unfit(name: str, found: str) -> GateError:
    return GateError(
        f"recipe {name}",
        found=f"{found}; why is not shown, it might show a raw value",
        expected="a recipe that takes raw rows as it takes masked ones",
        next_step="make it fit for values that masking takes away: more categories, wider ranges, values that are missing",
    )


def compare_fits(fits: RawFits, judged: pa.Table, context: StageContext) -> Repeats:
    """What fitting twice with one seed gave; refuses two models, of which whoever is lucky would choose the better one."""
    if fits.challenger.card.logical_hash == fits.again.card.logical_hash:
        return "the same model"
    one, other = (score_on_raw(brought, judged, context.params.label.task) for brought in (fits.challenger, fits.again))
    apart = np.abs(one - other).reshape(judged.num_rows, -1).max(axis=1)
    if not (apart > _TOLERANCE).any():
        return "the same scores"
    raise GateError(
        f"recipe {fits.challenger.card.estimator}",
        found=f"another model each time: fitted twice with one seed, it scores {int((apart > _TOLERANCE).sum()):,} of "
        f"{len(apart):,} rows otherwise, by up to {apart.max():.3g}",
        expected="the same model from the same rows and seed, or whoever tries often enough promotes the luckiest",
        next_step="take randomness from random_state alone (and one thread, where the library says so), then judge anew",
    )
