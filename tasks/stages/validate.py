"""Stage ``validate``: run the suites of one subject, look for what suites cannot see, and write the report.

Data that fails is a report that says so, and the stage still ends well, so that a rejection is versioned too; only what
cannot be judged (a suite that cannot be used, a dataset that is not whole) is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.datasets import StoredTable, code_hash, open_table, read_manifest, read_table, row_keys, write_atomically
from tasks.errors import DatasetError, StageError
from tasks.params import Params
from tasks.params.base import split_reference
from tasks.params.splits import ASSIGNMENTS, TimeSplit
from tasks.records import Finding, Manifest, SuiteOutcome, TableRecord, ValidationReport
from tasks.splits import RowDigest, digest_rows, find_leaks, own_column
from tasks.stages import FOUNDATION, Stage, StageContext
from tasks.stages.made_with import address_of, made_with
from tasks.validation import has_passed, list_failures
from tasks.validation.engine import engine_name
from tasks.validation.findings import (
    find_columns_without_values,
    find_duplicate_keys,
    find_missing_tables,
    find_other_source,
    find_unasked,
)
from tasks.validation.periods import EarlierOutcomes, is_cut, validate_periods
from tasks.validation.suites import Suite, SuiteFolder
from tasks.validation.target_leakage import find_target_leakage

_CODE = ("tasks/stages/validate.py", "tasks/validation")
_SHOWN_AT_MOST = 10
_UNFINISHED = Finding(
    kind="unfinished", name="validation", is_blocking=True, found="a run that was cut off", expected="a run to its end"
)


@dataclass
class _Examination:
    """What one subject's suites and searches have brought up so far."""

    context: StageContext
    subject: str
    suites: SuiteFolder
    """Read once: the report names the hash of what was asked, whatever lies there by the end."""
    earlier: EarlierOutcomes
    code: str
    inputs: dict[str, str] = field(default_factory=dict)
    outcomes: list[SuiteOutcome] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def load_suites(self, declared: Sequence[str], tables: Mapping[str, TableRecord]) -> dict[str, Suite]:
        suites = self.suites.load({name: tuple(tables[name].columns) if name in tables else None for name in declared})
        self.findings += [found for found in find_unasked(suites, self.suites.list_unasked(declared)) if found not in self.findings]
        return suites

    def examine(self, suite: Suite, folder: Path, record: TableRecord, name: str) -> None:
        self.outcomes += validate_periods(
            suite,
            record,
            name=name,
            read=StoredTable(folder, record).read,
            earlier=self.earlier,
            code_hash=self.code,
            k=self.context.params.masking.limits.k,
        )

    def examine_dataset(self, folder: Path, made_by: str, declared: tuple[str, ...]) -> Manifest:
        """Run the suite of each declared table of the dataset in ``folder``."""
        manifest = read_manifest(folder, made_by=made_by)
        self.inputs[folder.name] = manifest.logical_hash
        self.findings += find_missing_tables(declared, manifest.tables)
        for name, suite in self.load_suites(declared, manifest.tables).items():
            if name in manifest.tables:
                self.examine(suite, folder, manifest.tables[name], name)
        return manifest

    def find_duplicates(self, folder: Path, manifest: Manifest) -> None:
        """Look for a key that stands twice in a table too large for its suite to see all of its rows at once."""
        for name, table in manifest.tables.items():
            if is_cut(table.partitions):
                self.findings += find_duplicate_keys(name, row_keys(read_table(folder, manifest, name, table.key), table.key))


def _examine_raw(examination: _Examination) -> None:
    context = examination.context
    manifest = examination.examine_dataset(context.paths.snapshots, "snapshot", tuple(context.params.snapshot.tables))
    examination.find_duplicates(context.paths.snapshots, manifest)


def _examine_masked(examination: _Examination) -> None:
    context = examination.context
    manifest = examination.examine_dataset(context.paths.masked, "mask", _masked_tables(context.params))
    examination.find_duplicates(context.paths.masked, manifest)


def _masked_tables(params: Params) -> tuple[str, ...]:
    """The tables of which the policy keeps a column: all that must be in the masked dataset, and all that may."""
    kept = {split_reference(reference)[0] for references in params.masking.domains.values() for reference in references}
    for name, policy in params.masking.tables.items():
        if policy.safe or any(rule.transform != "drop" for rule in policy.columns.values()):
            kept.add(name)
    return tuple(name for name in params.snapshot.tables if name in kept)


def _examine_features(examination: _Examination) -> None:
    context = examination.context
    manifest = examination.examine_dataset(context.paths.features, "features", ("features",))
    if manifest.tables:
        names = context.params.features.names
        table = open_table(context.paths.features, manifest, "features")
        examination.findings += find_duplicate_keys("features", table.column("row_key"))
        columns = table.each_column(names)
        examination.findings += find_target_leakage(table.column("label"), columns, task=context.params.label.task)


def _examine_predictions(examination: _Examination) -> None:
    examination.examine_dataset(examination.context.paths.predictions, "evaluate", ("predictions",))


def _examine_splits(examination: _Examination) -> None:
    """The assignments of every declared split, held against the masked rows that they part."""
    context, name = examination.context, examination.context.params.features.rows
    masked = read_manifest(context.paths.masked, made_by="mask")
    examination.inputs["masked"] = masked.logical_hash
    declared = context.params.snapshot.tables[name]
    splits = context.params.splits
    times = {key: split.column if isinstance(split, TimeSplit) else declared.time for key, split in splits.items()}
    own = [own_column(split, times[key]) for key, split in splits.items()]
    stored = open_table(context.paths.masked, masked, name)
    pieces = (rows.append_column("row_key", row_keys(rows, declared.key)) for rows in stored.pieces())
    with digest_rows(pieces, declared.key, own, context.paths.spill) as digest:
        for split_name in splits:
            _examine_split(examination, split_name, masked, digest, times[split_name])


def _examine_split(examination: _Examination, split_name: str, masked: Manifest, rows: RowDigest, time: str) -> None:
    """The assignments of one split; ``rows`` are those that it parts, of the dataset ``masked``."""
    context, split = examination.context, examination.context.params.splits[split_name]
    folder = context.paths.split(split_name)
    manifest = read_manifest(folder, made_by=f"split@{split_name}")
    examination.inputs[f"splits/{split_name}"] = manifest.logical_hash
    examination.findings += find_other_source(split_name, manifest.about, masked.about)
    missing = find_missing_tables(tuple(split.tables), manifest.tables)
    if missing:
        examination.findings += [found.model_copy(update={"name": f"{split_name}/{found.name}"}) for found in missing]
        return
    suite = examination.load_suites((ASSIGNMENTS,), manifest.tables)[ASSIGNMENTS]
    for table, parts in split.tables.items():
        examination.examine(suite, folder, manifest.tables[table], f"{split_name}/{table}")
        assignments = open_table(folder, manifest, table).pieces(("row_key", "part"))
        examination.findings += find_leaks(split_name, split, assignments, rows, time_column=time, parts=parts)


_SUBJECTS: dict[str, Callable[[_Examination], None]] = {
    "raw": _examine_raw,
    "masked": _examine_masked,
    "splits": _examine_splits,
    "features": _examine_features,
    "predictions": _examine_predictions,
}


def _run(context: StageContext) -> None:
    subject = _subject(context)
    path = context.paths.validation_report(subject)
    last = _read_last(path, subject)
    if last is not None:  # what is cut off must not leave the last run's permission behind, but may leave its outcomes
        write_atomically(path, last.model_copy(update={"is_passed": False, "findings": (_UNFINISHED,)}).to_json().encode())
    earlier = EarlierOutcomes.of(last.suites if last else ())
    suites = SuiteFolder(context.paths.expectations / subject)
    examination = _Examination(context, subject, suites, earlier, code_hash(*_CODE, *FOUNDATION))
    _SUBJECTS[subject](examination)
    report = _report(examination)
    write_atomically(path, report.to_json().encode())
    _tell(report, examination)


def _subject(context: StageContext) -> str:
    if context.variant in _SUBJECTS:
        return context.variant
    raise StageError(
        f"stage validate {context.variant or ''}".strip(),
        found=f"the subject {context.variant!r}" if context.variant else "no subject",
        expected=f"one of {', '.join(_SUBJECTS)}",
        next_step="python -m tasks validate raw",
    )


def _read_last(path: Path, subject: str) -> ValidationReport | None:
    """The report of the run before, for its outcomes; None where there is none that this version understands."""
    try:
        report = ValidationReport.from_json(path.read_bytes(), origin=path.name)
    except (FileNotFoundError, DatasetError):
        return None
    return report if report.subject == subject else None


def _report(examination: _Examination) -> ValidationReport:
    outcomes = tuple(sorted(examination.outcomes, key=lambda outcome: (outcome.table, outcome.period)))
    findings, context = (*examination.findings, *find_columns_without_values(outcomes)), examination.context
    return ValidationReport(
        subject=examination.subject,
        is_passed=has_passed(outcomes, findings),
        engine=engine_name(),
        inputs=examination.inputs | made_with(context.params, address_of("validate", examination.subject)),
        suites=outcomes,
        findings=tuple(sorted(findings, key=lambda finding: (finding.kind, finding.name, finding.found))),
        suites_hash=examination.suites.sha256,
    )


def _tell(report: ValidationReport, examination: _Examination) -> None:
    kept = sum(examination.earlier.by_place.get((o.table, o.period)) == o for o in report.suites)
    state = "passed" if report.is_passed else "NOT PASSED"
    print(
        f"validate {report.subject}: {state}; {len(report.suites):,} periods, {kept:,} unchanged, {len(report.findings)} findings"
    )
    failures = list_failures(report)
    for failure in failures[:_SHOWN_AT_MOST]:
        print(f"  {failure}")
    if len(failures) > _SHOWN_AT_MOST:
        print(f"  and {len(failures) - _SHOWN_AT_MOST} more, in data/validation/{report.subject}.json")


def _reads(context: StageContext) -> tuple[str, ...]:
    subject = _subject(context)
    data = {
        "raw": ("data/snapshots/manifest.json",),
        "masked": ("data/masked/manifest.json",),
        # The code of splits is read for its search for leaks, which the other subjects do not need.
        "splits": (
            "data/masked/manifest.json",
            *(f"data/splits/{name}/manifest.json" for name in context.params.splits),
            "tasks/splits",
        ),
        "features": ("data/features/manifest.json",),
        "predictions": ("data/predictions/manifest.json",),
    }
    return (*data[subject], f"expectations/{subject}")


STAGE = Stage(
    reads=_reads,
    writes=lambda context: (f"data/validation/{_subject(context)}.json",),
    code=_CODE,
    run=_run,
    variants=lambda _: tuple(_SUBJECTS),
)
