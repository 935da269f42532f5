"""Stage ``utility``: whether the ranking of models survives masking, found out in the restricted zone, published as aggregates.

A panel of models is fitted and judged twice, on raw rows and on the masked ones that they became: the same rows, seeds and draws.
A certificate that fails is a report that says so, and the stage still ends well; the gate takes back what was judged.
"""

import os
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.datasets import read_manifest, write_atomically
from tasks.errors import DatasetError
from tasks.evaluation import open_evidence, percentile_interval
from tasks.gates.bounds import judge_bound
from tasks.masking import treat_columns
from tasks.masking.policy import KEPT
from tasks.params import Params
from tasks.records import Agreement, CriterionStatus, Interval, Manifest, RankCorrelation, UtilityOutcome, UtilityReport
from tasks.seeds import derive_seed
from tasks.stages import Stage, StageContext
from tasks.stages.column_samples import sample_columns
from tasks.stages.evidence import require_examined
from tasks.stages.keys import load_stage_key
from tasks.stages.made_with import made_with
from tasks.stages.panel import Drawn, draw, measure_panel, own_recipes, parts_of, score_panel, yardstick_of
from tasks.stages.raw_rows import RawReader, changed_features
from tasks.utility import PanelFigures, build_panel, compare_decisions, compare_rankings, conclude, measure_distance

_CODE = (
    "tasks/stages/utility.py",
    "tasks/stages/panel.py",
    "tasks/stages/raw_rows.py",
    "tasks/stages/column_samples.py",
    "tasks/utility",
    "tasks/masking",
    "tasks/features",
    "tasks/models",
    "tasks/evaluation",
    "tasks/gates",
    "tasks/user_code",
    "tasks/seeds.py",
)
STATEMENT = (
    "This certificate is of these rows, features and models alone. It says whether masked rows rank models as raw rows do, not "
    "that a model is good, nor that masked data is anonymous: it is pseudonymised and still personal data (GDPR Article 4(5))."
)
_FEWEST_ROWS = 50
_THREADS = "OMP_NUM_THREADS"
"""Read by scikit-learn when it is imported, which is later: on so few rows threads wait for one another. Figures are the same."""


_NO_CORRELATION = RankCorrelation(spearman=None, spearman_interval=None, kendall=None, kendall_interval=None)
_NO_AGREEMENT = Agreement(pairs=0, told_apart=0, same_order=None, decisions=0, rule="", same=None, reversed=0)


@dataclass(frozen=True)
class _Finding:
    """What the comparison came to; blank where nothing could be compared."""

    outcome: UtilityOutcome
    reasons: tuple[str, ...]
    models: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    as_masked: dict[str, str] = field(default_factory=dict)
    correlation: RankCorrelation = _NO_CORRELATION
    agreement: Agreement = _NO_AGREEMENT


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params
    key = load_stage_key(context)
    os.environ.pop(params.masking.key.env, None)  # features and recipes may be somebody's code
    os.environ.setdefault(_THREADS, "1")
    snapshots = read_manifest(paths.snapshots, made_by="snapshot")
    split, (fitted, judged) = params.evaluation.split, parts_of(params)
    evidence = open_evidence(paths, split, (*fitted, judged))
    require_examined(context, "features", {"features": evidence.features.logical_hash})
    require_examined(context, "splits", {f"splits/{split}": evidence.assignments.logical_hash})
    _require_one_snapshot(snapshots, evidence.masked)
    seed = derive_seed(params.seed, "utility")
    drawn = draw(evidence, params, judged, seed)
    finding = _find(context, RawReader(context, key, snapshots, evidence.masked), drawn, seed)
    bounds, k = params.masking.utility, params.masking.limits.k
    report = UtilityReport(
        outcome=finding.outcome,
        reasons=finding.reasons,
        metric=yardstick_of(params).metric,
        models=finding.models,
        left_out=finding.left_out,
        taken_as_masked=finding.as_masked,
        fitted_rows=drawn.count(is_judged=False),
        judged_rows=drawn.count(is_judged=True),
        clusters=drawn.clusters,
        split=split,
        part=judged,
        correlation=finding.correlation,
        agreement=finding.agreement,
        distances=tuple(measure_distance(sample, k) for sample in sample_columns(context, snapshots, evidence.masked)),
        bounds={"min_rank_correlation": bounds.min_rank_correlation, "min_agreement": bounds.min_agreement},
        inputs={
            "snapshots": snapshots.logical_hash,
            "masked": evidence.masked.logical_hash,
            "features": evidence.features.logical_hash,
            f"splits/{split}": evidence.assignments.logical_hash,
            **made_with(params, "utility", evidence.features.about, evidence.assignments.about),
        },
        statement=STATEMENT,
    )
    paths.utility_report.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(paths.utility_report, report.to_json().encode())
    _tell(report)


def _require_one_snapshot(snapshots: Manifest, masked: Manifest) -> None:
    if masked.about.get("snapshots") != snapshots.logical_hash:
        raise DatasetError(
            "data/masked", found="masked rows of another snapshot", expected="those of this one", next_step="dvc repro mask"
        )


def _find(context: StageContext, reader: RawReader, drawn: Drawn, seed: int) -> _Finding:
    """Fit and judge the panel on both views of the drawn rows."""
    params = context.params
    unseen = _why_not_compared(params, drawn)
    if unseen:
        return _Finding("cannot_tell", (unseen,))
    raw = reader.read(drawn.masked)
    names = params.features.names
    if len(raw.as_masked) == len(names):
        return _Finding("cannot_tell", ("raw rows can give none of the features",), as_masked=raw.as_masked)
    own, left_out = own_recipes(context)
    models, task, classes = params.masking.utility.models, params.label.task, len(drawn.classes)
    panel = build_panel(models, task, names, changed_features(params), own, classes=classes)
    views = (raw.rows, drawn.masked)
    scores = [score_panel(panel, rows, drawn, params, seed) for rows in views]
    fitted = tuple(candidate.name for candidate in panel if all(candidate.name in found for found in scores))
    left_out |= {c.name: "it cannot be fitted on raw rows, or not on masked ones" for c in panel if c.name not in fitted}
    if not fitted:
        return _Finding("cannot_tell", ("no model can be fitted on raw and on masked rows",), (), left_out, raw.as_masked)
    both = [{name: found[name] for name in fitted} for found in scores]
    on_raw, on_masked = (
        measure_panel(found, rows.column("label"), drawn, params, seed=seed) for found, rows in zip(both, views, strict=True)
    )
    if not (np.isfinite(on_raw.points).all() and np.isfinite(on_masked.points).all()):
        return _Finding("cannot_tell", ("the metric is undefined on the rows that were drawn",), fitted, left_out, raw.as_masked)
    outcome, reasons, correlation, agreement = _conclude(params, on_raw, on_masked, drawn.count(is_judged=True))
    return _Finding(outcome, reasons, fitted, left_out, raw.as_masked, correlation, agreement)


def _conclude(
    params: Params, raw: PanelFigures, masked: PanelFigures, rows: int
) -> tuple[UtilityOutcome, tuple[str, ...], RankCorrelation, Agreement]:
    """The outcome and why, by the gate's own rules for margins and bounds."""
    yardstick, confidence = yardstick_of(params), params.evaluation.interval.confidence

    def find_interval(values: NDArray[np.float64]) -> Interval | None:
        return percentile_interval(values, confidence)[0]

    def decide(lead: float, interval: Interval, champion: float) -> CriterionStatus:
        return yardstick.decide(lead, interval, champion, rows)

    def hold(value: float, interval: Interval, bound: float) -> CriterionStatus:
        return judge_bound(value, interval, "higher_is_better", bound, rows).status

    correlation = compare_rankings(raw, masked, find_interval)
    agreement = compare_decisions(raw, masked, rule=yardstick.rule, find_interval=find_interval, decide=decide)
    outcome, reasons = conclude(correlation, agreement, params.masking.utility, len(raw.points), hold)
    return outcome, reasons, correlation, agreement


def _why_not_compared(params: Params, drawn: Drawn) -> str:
    """Why there is nothing to compare; empty where there is."""
    (treatment,) = treat_columns(params.masking, params.label.table, [params.label.column])
    if treatment.transform != KEPT:
        return f"masking changes the label ({treatment.words}), so that raw and masked rows have two targets"
    k = params.masking.limits.k
    for is_judged, what in ((False, "fit on"), (True, "judge")):
        if drawn.count(is_judged=is_judged) < _FEWEST_ROWS:
            return f"there are fewer than {_FEWEST_ROWS} labelled rows to {what}"
        if drawn.people(is_judged=is_judged) < k:
            return f"the rows to {what} are of fewer than {k} people"
        if drawn.distinct_labels(is_judged=is_judged) < 2:
            return f"the labels of the rows to {what} are all alike"
    return ""


def _tell(report: UtilityReport) -> None:
    state = {"holds": "HOLDS", "fails": "FAILS", "cannot_tell": "CANNOT TELL"}[report.outcome]
    rho, found = report.correlation.spearman, report.agreement
    figures = "" if rho is None or found.same is None else f"; rank correlation {rho:.2f}, {found.same:.0%} of decisions the same"
    print(
        f"utility: {state}{figures}; {len(report.models)} models, {found.told_apart} of {found.pairs} pairs told apart on raw rows"
    )
    for reason in report.reasons:
        print(f"  {reason}")
    for name, reason in report.taken_as_masked.items():
        print(f"  {name} is compared as masked: {reason}")


STAGE = Stage(
    reads=lambda context: (
        "data/snapshots/manifest.json",
        "data/masked/manifest.json",
        "data/features/manifest.json",
        f"data/splits/{context.params.evaluation.split}/manifest.json",
        "data/validation/features.json",
        "data/validation/splits.json",
    ),
    writes=lambda _: ("data/utility/utility.json",),
    code=_CODE,
    run=_run,
    is_key_holder=True,
)
