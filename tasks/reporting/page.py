"""The report: one HTML page that needs nothing but itself.

What belongs here: what the page's templates are given, and the bounds that keep it one page. What does not: what a figure
looks like (``figures``), what is drawn (``forest``, ``charts``), and reading files (the stage).
"""

import base64
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.errors import ReportError
from tasks.params import Params
from tasks.params.judging import (
    DiscoveredCriterion,
    DriftCriterion,
    EvidenceCriterion,
    MeasuredCriterion,
    MetricCriterion,
    ParityCriterion,
)
from tasks.records import (
    BlockEvidence,
    Comparison,
    CriterionOutcome,
    DisclosureReport,
    Drift,
    FeatureDrift,
    UtilityReport,
    ValidationReport,
)
from tasks.reporting import figures
from tasks.reporting.chain import Provenance, chain_of, pinned_tables
from tasks.reporting.classes import confusions_of, matrix_of
from tasks.reporting.curves import CalibrationBin, RocPoint
from tasks.reporting.followed import followed_from
from tasks.reporting.forest import decisive_groups, slice_tables
from tasks.reporting.looks import later_sentence
from tasks.reporting.narrative import action_of, headline, limits_of
from tasks.reporting.quality import summarise_validation
from tasks.reporting.risk import risk_rows
from tasks.reporting.rows import STATUS_WORDS, VerdictRow, method_text, verdict_table
from tasks.reporting.selfjudging import embed_json, page_script, script_hash
from tasks.reporting.squares import draw_calibration, draw_observed, draw_residuals, draw_roc

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_BYTES = 3_000_000
MOST_CARRIED = 600_000
"""Bytes of a verdict that a page carries to judge itself by; of a larger one it says that it cannot."""
MOST_CRITERIA = 400
"""Criteria that a page lists, those that did not pass first; all are in verdict.json."""
MOST_COLUMNS = 1500
"""Columns of the privacy table; all are in data/masked/privacy.json."""
_PARTS = ("train", "validation", "test", "embargo")


@dataclass(frozen=True)
class ReportInputs:
    """Everything that the page shows; :func:`render_report` reads nothing else."""

    provenance: Provenance
    validations: tuple[ValidationReport, ...]
    disclosure: DisclosureReport
    utility: UtilityReport
    roc: dict[str, tuple[RocPoint, ...]]
    """Points by ``champion`` and ``challenger``."""
    calibration: dict[str, tuple[CalibrationBin, ...]]
    params: Params
    verdict_bytes: bytes
    """``data/verdict.json`` as it lies there: what a signature is of."""
    blocks: BlockEvidence
    """What the page's own script judges again from."""
    versions: tuple[tuple[str, str], ...]
    """(package, version) of what computed the figures; the lock fixes them, so they do not differ from machine to machine."""


@dataclass(frozen=True)
class Threshold:
    """One criterion as ``params.yaml`` declares it."""

    name: str
    what: str
    slice: str
    bound: str
    margin: str
    min_rows: str
    is_critical: bool


def render_report(inputs: ReportInputs) -> str:
    """The page as HTML: same inputs, same bytes.

    Raises :class:`~tasks.errors.ReportError` where the inputs are of different runs, or the page would exceed 3 MB.
    """
    found = inputs.provenance
    verdict, evaluation = found.verdict, found.evaluation
    groups, undrawn = decisive_groups(verdict)
    listed = _listed(verdict.criteria)
    rows = verdict_table(verdict)
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            inputs=inputs,
            found=found,
            verdict=verdict,
            evaluation=evaluation,
            params=inputs.params,
            headline=headline(verdict),
            later=later_sentence(verdict),
            limits=limits_of(verdict, evaluation, found.pin, inputs.params.features.at.column),
            action=action_of(verdict, evaluation, inputs.params.gates.max_age_days),
            groups=groups,
            methods=method_text(verdict),
            undrawn=[(i, rows[i], verdict.criteria[i]) for i in undrawn],
            criteria=[(i, rows[i], verdict.criteria[i]) for i in listed],
            listed=frozenset(listed),
            thresholds=thresholds_of(inputs.params),
            threshold_ids={name: i for i, name in enumerate(inputs.params.gates.criteria)},
            overall=[c for c in evaluation.comparisons if c.slice_column is None],
            parts=sorted(found.split.parts.items(), key=lambda part: _PARTS.index(part[0]) if part[0] in _PARTS else -1),
            slices=slice_tables(evaluation.comparisons, verdict),
            folds=slice_tables(evaluation.folds, verdict),
            roc=draw_roc(inputs.roc, f"ROC curves: {_auc_text(evaluation.comparisons)}"),
            calibration=(draw_observed if evaluation.task == "regression" else draw_calibration)(
                inputs.calibration, "Predicted against observed; the bins are tabled below"
            ),
            residuals=draw_residuals(evaluation.residuals, "Residuals by size of the prediction; tabled below"),
            matrix=matrix_of(evaluation.classes),
            confusions=confusions_of(evaluation.classes),
            quality=[summarise_validation(report) for report in inputs.validations],
            treatments=found.privacy.treatments[:MOST_COLUMNS],
            joins=found.privacy.joins[:MOST_COLUMNS],
            findings=found.privacy.findings[:MOST_COLUMNS],
            distances=inputs.utility.distances[:MOST_COLUMNS],
            drifted=most_drifted(evaluation.drift),
            chain=chain_of(found),
            verdict_bytes=_carried(inputs.verdict_bytes),
            blocks=embed_json(inputs.blocks.model_dump(mode="json") | {"followed": followed_from(inputs.params.gates, evaluation)}),
            script=page_script(),
            script_hash=script_hash(),
            pinned=pinned_tables(found.pin),
            risk=risk_rows(verdict.risk),
        )
    )
    if len(page.encode()) > MOST_BYTES:
        raise ReportError(
            "data/reports/report.html",
            found=f"a page of {figures.format_bytes(len(page.encode()))}",
            expected=f"at most {figures.format_bytes(MOST_BYTES)}",
            next_step="evaluate fewer slices (evaluation.slices), or shorten names in params.yaml and the data",
        )
    return page


def _carried(verdict: bytes) -> str:
    """The verdict as base64, empty where it is too large to be carried."""
    return base64.b64encode(verdict).decode() if len(verdict) <= MOST_CARRIED else ""


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # by whoever draws a page, not by whoever judges

    environment = Environment(
        loader=PackageLoader("tasks.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(figures=figures, STATUS_WORDS=STATUS_WORDS, row_status=_row_status)
    return environment


def _row_status(row: VerdictRow) -> str:
    return row.status.removesuffix(" (not critical)")


def _listed(criteria: tuple[CriterionOutcome, ...]) -> list[int]:
    if len(criteria) <= MOST_CRITERIA:
        return list(range(len(criteria)))
    return sorted(sorted(range(len(criteria)), key=lambda i: (criteria[i].status == "pass", i))[:MOST_CRITERIA])


def thresholds_of(params: Params) -> tuple[Threshold, ...]:
    """The criteria of ``gates`` as declared, in their order."""
    return tuple(
        Threshold(name, f"evidence: {c.evidence}", figures.NONE, figures.NONE, figures.NONE, figures.NONE, c.critical)
        if isinstance(c, EvidenceCriterion)
        else Threshold(
            name=name,
            what=f"measured: {c.measured}, {c.measure}",
            slice=figures.NONE,
            bound=f"at most {figures.format_plain(c.most)}" if c.most is not None else f"at least {figures.format_plain(c.least)}",
            margin=figures.NONE,
            min_rows=f"a count of {figures.format_count(c.min_count)}",
            is_critical=c.critical,
        )
        if isinstance(c, MeasuredCriterion)
        else Threshold(
            name=name,
            what=f"drift of {', '.join(c.features) or 'all features'}",
            slice=figures.NONE,
            bound=f"PSI {figures.format_plain(c.most)}",
            margin=figures.NONE,
            min_rows=figures.format_count(c.min_rows),
            is_critical=c.critical,
        )
        if isinstance(c, DriftCriterion)
        else Threshold(
            name=name,
            what=f"search by {figures.label_metric(c.discovered)}",
            slice=_searched_columns(params),
            bound=figures.NONE,
            margin=figures.format_plain(params.evaluation.discover.margin if params.evaluation.discover else None),
            min_rows=figures.format_count(params.evaluation.discover.min_rows if params.evaluation.discover else None),
            is_critical=c.critical,
        )
        if isinstance(c, DiscoveredCriterion)
        else Threshold(
            name=name,
            what=f"parity of {figures.label_metric(c.parity)}",
            slice=f"between the values of {c.slice}",
            bound=figures.format_plain(c.gap),
            margin=figures.NONE,
            min_rows=figures.format_count(c.min_rows),
            is_critical=c.critical,
        )
        if isinstance(c, ParityCriterion)
        else Threshold(
            name=name,
            what=figures.label_metric(c.metric),
            slice=c.slice or "all rows",
            bound=figures.format_plain(c.bound),
            margin=_asked_of_difference(c),
            min_rows=figures.format_count(c.min_rows),
            is_critical=c.critical,
        )
        for name, c in params.gates.criteria.items()
    )


def _searched_columns(params: Params) -> str:
    asked = params.evaluation.discover
    return figures.NONE if asked is None else f"values of {', '.join(asked.columns)}{' and their pairs' if asked.pairs else ''}"


def most_drifted(drift: Drift | None) -> list[FeatureDrift]:
    """The features by falling drift, those of which nothing is known last."""
    features = drift.features if drift is not None else ()
    return sorted(features, key=lambda found: (found.psi is None, -(found.psi or 0.0), found.feature))[:MOST_COLUMNS]


def _asked_of_difference(criterion: MetricCriterion) -> str:
    """The margin as declared, or by how much the challenger is to be better."""
    if criterion.relative_margin is not None:
        return f"{100 * criterion.relative_margin:.6g} % of the champion's"
    if criterion.better_by is not None:
        return f"better by > {figures.format_plain(criterion.better_by)}"
    return figures.format_plain(criterion.margin)


def _auc_text(comparisons: tuple[Comparison, ...]) -> str:
    for c in comparisons:
        if c.metric in ("roc_auc", "roc_auc_ovr") and c.slice_column is None:
            return f"area {figures.format_level(c.champion)} champion, {figures.format_level(c.challenger)} challenger"
    return "champion dashed, challenger solid"
