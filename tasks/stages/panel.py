"""The panel of the stage ``utility`` at work: drawn rows, fitted and scored models, their figures on one view of the rows.

What belongs here: wiring features, models and evaluation to one another for the panel. What does not: which models there are, and
what their figures come to (``tasks.utility``). No stage of its own. No model and no score leaves this process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import open_table
from tasks.errors import ModelError
from tasks.evaluation import Evidence, metric_named, read_clusters, replicate_figures, score_columns
from tasks.gates.bounds import judge_better, judge_margin
from tasks.models import feature_frame, fit_recipe, load_estimator, predict_scores, training_labels
from tasks.params import Params
from tasks.params.judging import MetricCriterion
from tasks.params.models import Recipe, Task
from tasks.params.splits import ALL_FOLDS, OTHER_FOLDS, draws_of, resolve_parts
from tasks.records import CriterionStatus, Interval
from tasks.seeds import derive_seed
from tasks.stages import StageContext
from tasks.stages.raw_rows import keep_silent
from tasks.utility import Candidate, PanelFigures, draw_rows, weaken

_MOST_REPLICATES = 1000
_YARDSTICKS: dict[Task, str] = {"binary": "roc_auc", "multiclass": "roc_auc_ovr", "regression": "rmse"}
"""Where every metric is the user's own."""
_PERSON = "person"


@dataclass(frozen=True)
class Yardstick:
    """What models are measured by, and what the gate asks of one beside another: its first overall criterion that compares."""

    metric: str
    criterion: MetricCriterion | None
    """None: no criterion compares on all rows, and a margin of 0 takes its place."""

    @property
    def rule(self) -> str:
        """The gate's rule in words."""
        criterion = self.criterion
        if criterion is None:
            return "margin 0"
        if criterion.better_by is not None:
            return f"better by more than {criterion.better_by:g}"
        relative = criterion.relative_margin
        return f"margin {criterion.margin:g}" if relative is None else f"margin {relative:g} of the champion's"

    def decide(self, lead: float, interval: Interval, champion: float, rows: int) -> CriterionStatus:
        """The gate's decision on a challenger that is ahead by ``lead`` (higher is better) of a ``champion`` with that figure."""
        criterion = self.criterion
        if criterion is not None and criterion.better_by is not None:
            return judge_better(lead, interval, "higher_is_better", criterion.better_by, rows).status
        margin = 0.0 if criterion is None else criterion.margin or (criterion.relative_margin or 0.0) * abs(champion)
        return judge_margin(lead, interval, "higher_is_better", margin, rows).status


def yardstick_of(params: Params) -> Yardstick:
    """The metric and the rule that the gate holds a challenger to on all rows; a user's own function is never one."""
    own = params.evaluation.functions
    for criterion in params.gates.criteria.values():
        if (
            isinstance(criterion, MetricCriterion)
            and criterion.slice is None
            and criterion.is_compared
            and criterion.metric not in own
        ):
            return Yardstick(criterion.metric, criterion)
    return Yardstick(next((name for name in params.evaluation.metrics if name not in own), _YARDSTICKS[params.label.task]), None)


def parts_of(params: Params) -> tuple[tuple[str, ...], str]:
    """The parts that the panel is fitted on, and the one that it is judged on: the gate's own, or of folds the first.

    Fitted on what the challenger is fitted on, where that is a recipe or a program on the same split; else on all other parts.
    """
    split = params.splits[params.evaluation.split]
    judged = draws_of(split)[0][0] if params.evaluation.part == ALL_FOLDS else params.evaluation.part
    declared = getattr(params.models.challenger, "part", None)
    if declared in (None, OTHER_FOLDS) or getattr(params.models.challenger, "split", None) != params.evaluation.split:
        return resolve_parts(split, f"not {judged}"), judged
    fitted = tuple(part for part in resolve_parts(split, declared) if part != judged)
    return fitted or resolve_parts(split, f"not {judged}"), judged


@dataclass(frozen=True)
class Drawn:
    """The rows that the panel is fitted and judged on, in order of row key."""

    masked: pa.Table
    """row_key, label, and the features, as masked rows give them."""
    facts: pa.Table
    """row_key, cluster; person and weight where there are such."""
    is_judged: pa.Array
    classes: tuple[str, ...]
    """Of a multiclass label, in all labelled rows of the parts."""

    def count(self, *, is_judged: bool) -> int:
        """The rows that are judged, or fitted on."""
        judged = pc.sum(self.is_judged).as_py() or 0
        return judged if is_judged else self.masked.num_rows - judged

    @property
    def clusters(self) -> int:
        """The clusters of the judged rows."""
        return pc.count_distinct(self.facts.column("cluster").filter(self.is_judged)).as_py() or 0

    def people(self, *, is_judged: bool) -> int:
        """The people whose rows are judged, or fitted on."""
        facts = self.facts.filter(self.is_judged if is_judged else pc.invert(self.is_judged))
        return pc.count_distinct(facts.column(_PERSON if _PERSON in facts.column_names else "row_key"), mode="all").as_py() or 0

    def distinct_labels(self, *, is_judged: bool) -> int:
        """The different labels of the rows that are judged, or fitted on."""
        labels = self.masked.column("label").filter(self.is_judged if is_judged else pc.invert(self.is_judged))
        return pc.count_distinct(labels).as_py() or 0


def draw(evidence: Evidence, params: Params, judged: str, seed: int) -> Drawn:
    """Draw at most ``masking.utility.rows`` labelled rows of the part ``judged``, and as many of the evidence's other parts."""
    stored = open_table(evidence.paths.features, evidence.features, "features")
    parts = evidence.parts
    labelled = pa.concat_tables(piece.filter(pc.is_valid(piece.column("label"))) for piece in stored.pieces(("row_key", "label")))
    labelled = labelled.filter(pc.is_in(labelled.column("row_key"), value_set=parts.column("row_key").combine_chunks()))
    held = parts.filter(pc.equal(parts.column("part"), judged)).column("row_key").combine_chunks()
    is_held = pc.is_in(labelled.column("row_key"), value_set=held)
    most = params.masking.utility.rows
    chosen = [draw_rows(labelled.filter(mask).column("row_key"), most, seed) for mask in (is_held, pc.invert(is_held))]
    drawn = pa.concat_arrays(chosen)
    narrowed = replace(evidence, parts=parts.filter(pc.is_in(parts.column("row_key"), value_set=drawn)))
    wanted = ("row_key", "label", *params.features.names)
    pieces = (piece.filter(pc.is_in(piece.column("row_key"), value_set=drawn)) for piece in stored.pieces(wanted))
    masked = pa.concat_tables(pieces, promote_options="default").sort_by("row_key")
    facts = read_clusters(narrowed, params) if len(drawn) else pa.table({"row_key": pa.array([], pa.string()), "cluster": []})
    keys = masked.column("row_key").combine_chunks()
    classes = tuple(sorted(labelled.column("label").unique().to_pylist())) if params.label.task == "multiclass" else ()
    return Drawn(
        masked=masked,
        facts=facts.take(pc.index_in(keys, value_set=facts.column("row_key").combine_chunks())),
        is_judged=pc.is_in(keys, value_set=held),
        classes=classes,
    )


def own_recipes(context: StageContext) -> tuple[dict[str, Any], dict[str, str]]:
    """The unfitted estimators of champion and challenger, by role, and why one is not compared."""
    params = context.params
    found: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for role, declared in (("challenger", params.models.challenger), ("champion", params.models.champion)):
        if declared is None:
            continue
        if not isinstance(declared, Recipe):
            left_out[role] = "it is no recipe, and so cannot be fitted again on raw rows"
        elif declared.file is not None and not params.masking.utility.files:
            left_out[role] = "its recipe is a file; masking.utility.files does not let one see raw rows"
        else:
            found[role] = load_estimator(declared, context.paths.root, params.label.task)
    return found, left_out


def score_panel(panel: Sequence[Candidate], rows: pa.Table, drawn: Drawn, params: Params, seed: int) -> dict[str, pa.Table]:
    """By name, the scores of the judged rows of each candidate that could be fitted on ``rows`` (label, features)."""
    fitted, judged = rows.filter(pc.invert(drawn.is_judged)), rows.filter(drawn.is_judged)
    task = params.label.task
    labels = training_labels(fitted.column("label"), task)
    found = {}
    for candidate in panel:
        chosen, label = weaken(candidate, labels, derive_seed(seed, candidate.name))
        try:
            with keep_silent():
                frame = feature_frame(fitted.take(pa.array(chosen)), candidate.features)
                model = fit_recipe(_clone(candidate.estimator), frame, label, seed=seed)
                scores = predict_scores(model, feature_frame(judged, candidate.features), task, drawn.classes)
        except ModelError:  # its words are of raw rows
            continue
        columns = scores.T if scores.ndim > 1 else [scores]
        found[candidate.name] = pa.table(dict(zip(score_columns(candidate.name, task, len(drawn.classes)), columns, strict=True)))
    return found


def _clone(estimator: Any) -> Any:
    from sklearn.base import clone

    return clone(estimator)


def measure_panel(scores: dict[str, pa.Table], labels: pa.ChunkedArray, drawn: Drawn, params: Params, *, seed: int) -> PanelFigures:
    """The figures of all ``scores`` on the judged rows, higher better; equal seeds give equal draws on both views.

    ``labels`` are those of all drawn rows.
    """
    yardstick, task, names = yardstick_of(params), params.label.task, list(scores)
    rows = drawn.facts.filter(drawn.is_judged).append_column("label", labels.filter(drawn.is_judged))
    for found in scores.values():
        for column, values in zip(found.column_names, found.columns, strict=True):
            rows = rows.append_column(column, values)
    interval = params.evaluation.interval
    interval = interval.model_copy(update={"replicates": min(interval.replicates, _MOST_REPLICATES)})
    judged = params.evaluation.model_copy(update={"interval": interval})
    figures = replicate_figures(rows, names, yardstick.metric, judged, seed=seed, task=task, classes=drawn.classes)
    sign = 1 if metric_named(yardstick.metric, task, drawn.classes, judged.costs).direction == "higher_is_better" else -1
    points = sign * np.array([figures[name][0] for name in names])
    return PanelFigures(points, sign * np.column_stack([figures[name][1] for name in names]))
