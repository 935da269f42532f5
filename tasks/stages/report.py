"""Stage ``report``: the verdict as a page, as Markdown and as JUnit XML, from the records that the other stages left."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from tasks.datasets import read_manifest, read_table, write_atomically
from tasks.errors import ReportError
from tasks.evaluation import count_draws, summarise_blocks
from tasks.params import Params
from tasks.params.judging import IntervalMethod, MetricCriterion, ParityCriterion
from tasks.paths import ProjectPaths
from tasks.records import (
    BlockEvidence,
    DisclosureReport,
    Evaluation,
    ModelCard,
    Pin,
    PrivacyReport,
    Record,
    SplitMetadata,
    Unpublished,
    UtilityReport,
    ValidationReport,
    Verdict,
)
from tasks.reporting import (
    Provenance,
    ReportInputs,
    read_calibration,
    read_roc,
    render_report,
    verdict_junit,
    verdict_markdown,
)
from tasks.stages import Stage, StageContext

_CODE = ("tasks/stages/report.py", "tasks/reporting", "tasks/evaluation")
_SUBJECTS = ("raw", "masked", "splits", "features", "predictions")
_PACKAGES = ("duckdb", "great-expectations", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops")
"""What computes the figures; ``requirements.lock`` fixes their versions, so they are the same wherever the stage runs."""

_R = TypeVar("_R", bound=Record)
_T = TypeVar("_T")


def _reads(context: StageContext) -> tuple[str, ...]:
    return (
        "data/pin.json",
        "data/verdict.json",
        "data/evaluation/evaluation.json",
        "data/evaluation/roc.csv",
        "data/evaluation/calibration.csv",
        "data/masked/privacy.json",
        "data/disclosure/disclosure.json",
        "data/utility/utility.json",
        "data/masked/manifest.json",
        "data/features/manifest.json",
        f"data/splits/{context.params.evaluation.split}/metadata.json",
        "data/models/challenger.json",
        "data/predictions/manifest.json",
        *(f"data/validation/{subject}.json" for subject in _SUBJECTS),
    )


def _run(context: StageContext) -> None:
    paths = context.paths
    inputs = read_inputs(context)
    found = inputs.provenance
    outputs = {
        paths.report_page: render_report(inputs),
        paths.report_markdown: verdict_markdown(found.verdict, found.evaluation),
        paths.report_junit: verdict_junit(found.verdict),
    }
    _replace_folder(paths.reports, outputs)
    print(f"report: {found.verdict.decision}, {paths.report_page.relative_to(paths.root)}")


def read_inputs(context: StageContext) -> ReportInputs:
    """Everything that the page shows, read from the stage's inputs.

    Raises :class:`~tasks.errors.ReportError` where a file is missing or cannot be read, and
    :class:`~tasks.errors.DatasetError` where it is not what it should be.
    """
    paths, is_share = context.paths, context.params.label.task != "regression"
    provenance = _read_provenance(context)
    return ReportInputs(
        provenance=provenance,
        validations=tuple(
            _record(ValidationReport, paths.validation_report(subject), paths, f"validate_{subject}") for subject in _SUBJECTS
        ),
        disclosure=_record(DisclosureReport, paths.disclosure_report, paths, "disclosure"),
        utility=_record(UtilityReport, paths.utility_report, paths, "utility"),
        roc=_curve(read_roc, paths.roc_curve, paths),
        calibration=_curve(partial(read_calibration, is_share=is_share), paths.calibration_curve, paths),
        params=context.params,
        verdict_bytes=_bytes(paths.verdict, paths, "gate"),
        blocks=_read_blocks(context, provenance.evaluation),
        versions=tuple((name, version(name)) for name in _PACKAGES),
    )


def _read_provenance(context: StageContext) -> Provenance:
    paths, split = context.paths, context.params.evaluation.split
    return Provenance(
        verdict=_record(Verdict, paths.verdict, paths, "gate"),
        evaluation=_record(Evaluation, paths.evaluation_report, paths, "evaluate"),
        challenger=_record(ModelCard, paths.models / "challenger.json", paths, "train"),
        features=read_manifest(paths.features, made_by="features"),
        split=_record(SplitMetadata, paths.split(split) / "metadata.json", paths, f"split@{split}"),
        masked=read_manifest(paths.masked, made_by="mask"),
        privacy=_record(PrivacyReport, paths.masked / "privacy.json", paths, "mask"),
        pin=_record(Pin, paths.pin, paths, None),
        files=_hash_named_files(paths),
    )


def _read_blocks(context: StageContext, evaluation: Evaluation) -> BlockEvidence:
    """The sums that the criteria's figures can be made of again, from the stored predictions; none where these are others."""
    paths, params = context.paths, context.params
    asked, methods = figures_asked(params)
    manifest = read_manifest(paths.predictions, made_by="evaluate")
    k = params.masking.limits.k
    if manifest.logical_hash != evaluation.inputs.get("predictions"):
        reason = "the stored predictions are not those that were evaluated"
        return BlockEvidence(
            figures=(),
            unpublished=tuple(Unpublished(metric=metric, slice=column, reason=reason) for metric, column in sorted(asked, key=str)),
            cluster=evaluation.cluster,
            confidence=evaluation.confidence,
            k=k,
            has_weights=evaluation.weight is not None,
        )
    rows = read_table(paths.predictions, manifest, "predictions").sort_by("row_key")
    return summarise_blocks(
        rows,
        params.evaluation,
        evaluation,
        asked,
        classes=tuple(json.loads(manifest.about.get("classes", "[]"))),
        draws=count_draws(rows),
        k=k,
        methods=methods,
    )


def figures_asked(params: Params) -> tuple[set[tuple[str, str | None]], set[tuple[IntervalMethod, str | None]]]:
    """What criteria ask of metrics that were measured: each (metric, slice column or None), and each (method, slice column)."""
    asked: set[tuple[str, str | None]] = set()
    methods: set[tuple[IntervalMethod, str | None]] = set()
    for criterion in params.gates.criteria.values():
        if isinstance(criterion, MetricCriterion | ParityCriterion):
            metric = criterion.metric if isinstance(criterion, MetricCriterion) else criterion.parity
            if metric in params.evaluation.metrics:
                asked.add((metric, criterion.slice))
                methods.add((criterion.method, criterion.slice))
    return asked, methods


def _hash_named_files(paths: ProjectPaths) -> dict[str, str]:
    """SHA-256 of the files that a verdict names by their bytes, under its names for them, and of the verdict itself."""
    named: dict[str, tuple[Path, str | None]] = {
        "verdict": (paths.verdict, "gate"),
        "pin": (paths.pin, None),
        "evaluation": (paths.evaluation_report, "evaluate"),
        "disclosure": (paths.disclosure_report, "disclosure"),
        "utility": (paths.utility_report, "utility"),
        **{f"validation/{subject}": (paths.validation_report(subject), f"validate_{subject}") for subject in _SUBJECTS},
    }
    return {name: hashlib.sha256(_bytes(path, paths, stage)).hexdigest() for name, (path, stage) in named.items()}


def _record(kind: type[_R], path: Path, paths: ProjectPaths, stage: str | None) -> _R:
    return kind.from_json(_bytes(path, paths, stage), origin=path.relative_to(paths.root).as_posix())


def _curve(read: Callable[..., _T], path: Path, paths: ProjectPaths) -> _T:
    origin = path.relative_to(paths.root).as_posix()
    try:
        text = _bytes(path, paths, "evaluate").decode()
    except UnicodeDecodeError:
        raise ReportError(origin, found="bytes that are no text", expected="CSV in UTF-8", next_step="dvc repro evaluate") from None
    return read(text, origin=origin)


def _bytes(path: Path, paths: ProjectPaths, stage: str | None) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(
            path.relative_to(paths.root).as_posix(),
            found="no such file" if isinstance(error, FileNotFoundError) else f"a file that cannot be read: {error.strerror}",
            expected="what the page is drawn from",
            next_step=f"dvc repro {stage}" if stage else "windtunnel pin",
        ) from None


def _replace_folder(folder: Path, outputs: dict[Path, str]) -> None:
    """Write ``outputs`` and remove whatever else lies in ``folder``: a page of another version would look like this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(path for path in folder.rglob("*") if path not in outputs and not path.is_dir()):
        stale.unlink()
    for path, text in outputs.items():
        write_atomically(path, text.encode())


STAGE = Stage(
    reads=_reads,
    writes=lambda _: ("data/reports",),
    code=_CODE,
    run=_run,
)
