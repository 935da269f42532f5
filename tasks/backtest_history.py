"""The rows of history that a backtest may read, as they were known at a moment.

What belongs here: which parts lie before the judged one, and which of their rows were known when. What does not: fitting, judging
and counting (``backtest``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from tasks.backtesting import Period
from tasks.datasets import MANIFEST
from tasks.errors import EvidenceError, GateError
from tasks.evaluation import Evidence, PartRows, load_metrics, open_evidence, read_part, read_slice_values
from tasks.evaluation.logged import LOGGED
from tasks.evaluation.sample import Metric
from tasks.gates import asked_by
from tasks.params import Params
from tasks.params.judging import DriftCriterion, EvidenceCriterion, MeasuredCriterion, MetricCriterion
from tasks.params.models import Command, LoggedScores, Recipe
from tasks.params.snapshot import FILE_TIME_COLUMN
from tasks.params.splits import ALL_FOLDS, TimeSplit, draws_of, resolve_parts
from tasks.paths import ProjectPaths

_KNOWN = "known_then_utc"
"""When a row's label is taken to have become known."""
_NOTE = "Only rows before the judged part were read (of folds: those that the verdict does not judge): no look was spent."
_NOT_RECORDED = (
    f" When a label became known is not recorded (label.known is {FILE_TIME_COLUMN}): each is taken as known when its row "
    "happened, so that decisions may have seen labels that came later."
)


@dataclass(frozen=True)
class History:
    """The rows that may be read, and what they are judged by."""

    evidence: Evidence
    params: Params
    """With the critical criteria on figures alone (none on drift), and the metrics and slices that these ask for."""
    rows: PartRows
    known_slices: dict[str, set[str]]
    own: Mapping[str, Metric]
    """The user's own metrics."""
    on_drift: tuple[str, ...] = ()
    """Critical criteria on drift, which are left out: drift is measured since the last fit, and was not at each moment."""

    @property
    def note(self) -> str:
        """What was read, what had to be taken for granted, and which criteria did not decide."""
        left_out = f" Criteria on drift do not decide here: {', '.join(self.on_drift)}." if self.on_drift else ""
        return _NOTE + left_out + (_NOT_RECORDED if self.params.label.known == FILE_TIME_COLUMN else "")

    @property
    def days(self) -> list[date]:
        """The days that have rows."""
        found: list[date] = self.rows.facts.column("day").unique().to_pylist()
        return found

    def is_judged(self, period: Period) -> bool:
        """Whether a row of ``period`` has a label and, of a champion in production, a score."""
        facts = self.within(period).facts
        is_there = facts.column("label").is_valid()
        for name in (name for name in facts.column_names if name.startswith(LOGGED)):
            is_there = pc.and_(is_there, facts.column(name).is_valid())
        return bool(pc.any(is_there).as_py())

    def within(self, period: Period, *, known_by: datetime | None = None) -> PartRows:
        """The rows of ``period``; a label that was not known by then is NULL."""
        return _some(self.rows, _is_within(self.rows.facts.column("time_utc"), period.start, period.end), known_by)

    def known_before(self, moment: datetime) -> PartRows:
        """The rows before ``moment`` whose label was known by then."""
        facts = self.rows.facts
        is_known = pc.and_(facts.column("label").is_valid(), _is_by(facts.column(_KNOWN), moment))
        return _some(self.rows, pc.and_(is_known, _is_within(facts.column("time_utc"), None, moment)), None)


def open_history(paths: ProjectPaths, params: Params) -> History:
    """Every row that may be read, of parts before the judged one."""
    others = EvidenceCriterion | MeasuredCriterion  # of reports and of one model: no score of another has any
    on_figures = {n: c for n, c in params.gates.criteria.items() if c.critical and not isinstance(c, others)}
    on_drift = tuple(name for name, criterion in on_figures.items() if isinstance(criterion, DriftCriterion))
    criteria = {name: criterion for name, criterion in on_figures.items() if name not in on_drift}
    if not any(isinstance(criterion, MetricCriterion) for criterion in criteria.values()):
        raise GateError(
            "gates.criteria",
            found="no critical criterion on a metric",
            expected="one that decides",
            next_step="name one in params.yaml",
        )
    _require_recipes(params)
    if params.features.at.column == FILE_TIME_COLUMN:
        raise GateError(
            f"features.at.column: {FILE_TIME_COLUMN}",
            found="the time at which files appeared",
            expected="a column that tells when a row happened",
            next_step="declare the column under snapshot.tables and features.at; without times there is no history to walk through",
        )
    gates = params.gates.model_copy(update={"criteria": criteria})
    narrowed = params.model_copy(update={"gates": gates, "evaluation": asked_by(gates, params.evaluation)})
    split = params.evaluation.split
    missing = [folder for folder in (paths.features, paths.masked, paths.split(split)) if not (folder / MANIFEST).exists()]
    if missing:
        names = ", ".join(folder.relative_to(paths.root).as_posix() for folder in missing)
        raise EvidenceError("a backtest", found=f"no whole {names}", expected="the data of a run", next_step="windtunnel run")
    evidence = open_evidence(paths, split, _readable_parts(params))
    present = sorted(set(evidence.parts.column("part").unique().to_pylist()))
    parts = [read_part(evidence, narrowed, part) for part in present]
    facts = pa.concat_tables([part.facts for part in parts])
    known = "time_utc" if params.label.known == FILE_TIME_COLUMN else "label_known_utc"
    rows = PartRows(facts.append_column(_KNOWN, facts.column(known)), pa.concat_tables([part.features for part in parts]))
    own = load_metrics(narrowed.evaluation.functions, paths.root)
    return History(evidence, narrowed, rows, read_slice_values(evidence, narrowed), own, on_drift)


def _require_recipes(params: Params) -> None:
    """A model that is stored or brought along may have been fitted on any day: its past is hindsight."""
    models = params.models
    if not isinstance(models.challenger, Recipe):
        kind = "a command" if isinstance(models.challenger, Command) else "a model or scores that were made elsewhere"
        raise GateError(
            "models.challenger",
            found=kind,
            expected="a recipe, which can be fitted on what was known at each moment",
            next_step="declare an estimator or a file as models.challenger in params.yaml",
        )
    if models.champion is not None and not isinstance(models.champion, Recipe | LoggedScores):
        raise GateError(
            f"models.champion {models.champion.model}",
            found="a stored model, which may have been fitted on any of the days",
            expected="the scores that production logged, or a recipe",
            next_step="name its logged scores, or its recipe, as models.champion in params.yaml",
        )


def _readable_parts(params: Params) -> tuple[str, ...]:
    """The parts that the verdict does not judge: of a split by time those before it, of folds the others of one draw."""
    split, judged = params.splits[params.evaluation.split], params.evaluation.part
    if judged == ALL_FOLDS:
        raise GateError(
            f"evaluation.part: {ALL_FOLDS}",
            found="a verdict that judges every row",
            expected="rows that it does not judge, to walk through without a look",
            next_step="judge one part of a split by time, or one fold",
        )
    names = resolve_parts(split, f"not {judged}") if draws_of(split) else split.part_names
    before = names[: names.index(judged)] if judged in names else names
    readable = before if isinstance(split, TimeSplit) else tuple(name for name in names if name != judged)
    if not readable:
        raise GateError(
            f"evaluation.part: {judged}",
            found="no part before it",
            expected="history that the verdict does not judge",
            next_step="judge a later part",
        )
    return readable


def _is_within(times: pa.ChunkedArray, start: datetime | None, end: datetime) -> pa.ChunkedArray:
    is_before = pc.less(times, _scalar(end))
    return is_before if start is None else pc.and_(is_before, pc.greater_equal(times, _scalar(start)))


def _is_by(known: pa.ChunkedArray, moment: datetime) -> pa.ChunkedArray:
    return pc.fill_null(pc.less_equal(known, _scalar(moment)), False)


def _scalar(moment: datetime) -> pa.Scalar:
    return pa.scalar(moment, pa.timestamp("us", "UTC"))


def _some(rows: PartRows, is_chosen: pa.ChunkedArray, known_by: datetime | None) -> PartRows:
    facts, features = rows.facts.filter(is_chosen), rows.features.filter(is_chosen)
    if known_by is not None:
        label = facts.column("label")
        known = pc.if_else(_is_by(facts.column(_KNOWN), known_by), label, pa.scalar(None, label.type))
        facts = facts.set_column(facts.column_names.index("label"), "label", known)
    return PartRows(facts, features)
