"""From the verdict back to production's files: every dataset between them, with its hash.

What belongs here: which record names which hash, whether the records belong to one run, and the pin's files. What does not:
computing hashes.
"""

from dataclasses import dataclass

from tasks.datasets import hash_text
from tasks.errors import ReportError
from tasks.params.splits import assignments_of
from tasks.records import Evaluation, Manifest, ModelCard, Pin, PinnedFile, PrivacyReport, SplitMetadata, Verdict
from tasks.reporting.figures import format_bytes, format_count, format_moment

MOST_FILES = 4000
"""Pinned files that a page lists with their hashes; more would push it towards its 3 MB. All are in ``data/pin.json``."""


@dataclass(frozen=True)
class Link:
    """One link of the chain: what it is, where it lies, and the hashes that identify it."""

    name: str
    path: str
    facts: tuple[str, ...]
    hashes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PinnedTableSummary:
    """One table of the pin: how much, how new, one digest over all file hashes, and the files."""

    table: str
    rows: str
    held_back: int
    size: str
    watermark: str
    digest: str
    """SHA-256 over every file's path and hash, in order of path."""
    files: tuple[PinnedFile, ...]
    count: int


@dataclass(frozen=True)
class Provenance:
    """The records that a chain is made of, and the hashes of the files they were read from."""

    verdict: Verdict
    evaluation: Evaluation
    challenger: ModelCard
    features: Manifest
    split: SplitMetadata
    masked: Manifest
    privacy: PrivacyReport
    pin: Pin
    files: dict[str, str]
    """SHA-256 of the files that a verdict names by their bytes (pin, evaluation, validation/<subject>), and of its own."""


def chain_of(found: Provenance) -> tuple[Link, ...]:
    """The chain, verdict first. Raises :class:`~tasks.errors.ReportError` where the records are of different runs."""
    _check_same_run(found)
    verdict, split, about = found.verdict, found.split, found.masked.about
    known = {**found.evaluation.inputs, **verdict.inputs}
    scored = (f"{format_count(found.evaluation.rows)} rows",)
    drawn = assignments_of(verdict.part)  # a further repeat of folds holds the same rows again
    split_rows = f"{format_count(sum(rows for part, rows in split.parts.items() if assignments_of(part) == drawn))} rows"
    split_hashes = _some(("logical", split.logical_hash), ("definition", split.definition_hash))
    observed = (f"lake as of {format_moment(found.pin.as_of_utc)}", found.pin.access)
    masked_hashes = _some(("logical", found.masked.logical_hash), ("policy", about.get("policy")))
    return (
        Link(
            "Verdict",
            "data/verdict.json",
            (f"on {verdict.split}, part {verdict.part}",),
            _some(("file", found.files.get("verdict"))),
        ),
        Link("Evaluation", "data/evaluation/evaluation.json", (), _some(("file", known.get("evaluation")))),
        Link("Predictions", "data/predictions", scored, _some(("logical", known.get("predictions")))),
        Link("Challenger", "data/models", (found.challenger.estimator,), _some(("model", found.challenger.logical_hash))),
        Link("Features", "data/features", _size(found.features), _some(("logical", found.features.logical_hash))),
        Link("Split", f"data/splits/{split.name}", (split_rows, *split.notes), split_hashes),
        Link("Masked tables", "data/masked", (*_size(found.masked), f"key {found.privacy.key_id}"), masked_hashes),
        Link("Snapshot", "data/snapshots", ("restricted zone",), _some(("logical", about.get("snapshots")))),
        Link("Pin", "data/pin.json", observed, _some(("file", found.files.get("pin")))),
    )


def _some(*hashes: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in hashes if value)


def _size(manifest: Manifest) -> tuple[str, str]:
    rows = sum(table.rows for table in manifest.tables.values())
    files = sum(len(table.partitions) for table in manifest.tables.values())
    return f"{format_count(rows)} rows", f"{format_count(files)} partitions"


def _check_same_run(found: Provenance) -> None:
    """Evidence of two runs on one page would look like evidence of one."""
    actual = {
        "masked": found.masked.logical_hash,
        "features": found.features.logical_hash,
        f"splits/{found.split.name}": found.split.logical_hash,
        "models/challenger": found.challenger.logical_hash,
        **found.files,
    }
    named = [
        ("the verdict", found.verdict.inputs),
        ("the evaluation", found.evaluation.inputs),
        ("the masked data", found.masked.about),
    ]
    for who, inputs in named:
        for key, value in actual.items():
            if key in inputs and value is not None and inputs[key] != value:
                raise ReportError(
                    f"report of data/verdict.json: {key}",
                    found=f"{who} rests on {inputs[key]}, and the one here is {value}",
                    expected="records of one run",
                    next_step="dvc repro, which brings all of them up to date",
                )
    judged, evaluated = (f"split {of.split}, part {of.part}" for of in (found.verdict, found.evaluation))
    if judged != evaluated:
        raise ReportError(
            "report of data/verdict.json",
            found=f"a verdict on {judged}, and an evaluation of {evaluated}",
            expected="records of one run",
            next_step="dvc repro, which brings both up to date",
        )


def pinned_tables(pin: Pin) -> tuple[PinnedTableSummary, ...]:
    """The pin by table. Where it lists more than ``MOST_FILES`` files in all, the tables carry their digests only."""
    is_listed = sum(len(table.files) for table in pin.tables.values()) <= MOST_FILES
    return tuple(
        PinnedTableSummary(
            table=name,
            rows=format_count(sum(f.known_rows for f in table.files)),
            held_back=sum(f.rows - f.known_rows for f in table.files),
            size=format_bytes(sum(f.bytes for f in table.files)),
            watermark=format_moment(table.watermark_utc),
            digest=hash_text(*(text for f in table.files for text in (f.path, f.sha256))),
            files=table.files if is_listed else (),
            count=len(table.files),
        )
        for name, table in sorted(pin.tables.items())
    )
