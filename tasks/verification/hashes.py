"""Every hash that a verdict names, made again from the bytes that lie here, down to the snapshot.

What belongs here: receipt, parameters, files, datasets and models against the verdict. What does not: figures (``figures``).

A dataset's hash is made from the rows of each partition, not taken from its manifest: a manifest is as easily written anew as data.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

from tasks.datasets import MANIFEST, dataset_hash, logical_hash, read_manifest, read_partition, require_file
from tasks.errors import WindtunnelError
from tasks.gates import SUBJECTS, check_receipt, hash_gates, hash_params
from tasks.models import check_model
from tasks.paths import ProjectPaths
from tasks.records import Check, Evaluation, Manifest, PartitionRecord, Receipt, Verdict
from tasks.signing import EXPECTATIONS
from tasks.stages import StageContext
from tasks.stages.environment import told_difference
from tasks.stages.made_with import PREFIX, address_of, find_others, inherited, needed_before, told_by
from tasks.stages.policies import MEASURED, hash_suites, judged_files

_THREADS = 2
"""Partitions that are read and hashed at once, each of which holds its rows."""
_MADE_BY = {"predictions": "evaluate", "features": "features", "masked": "mask", "snapshots": "snapshot"}
"""The stage that makes a dataset; all others are splits."""
_NOT_HERE = "not here; fetch it: dvc pull --remote shared"


def check_hashes(context: StageContext, content: bytes, receipt: Receipt | None) -> tuple[Check, ...]:
    """Hold the verdict with the bytes ``content`` against its ``receipt`` and against everything that lies beside it.

    The environment is not asked for: whoever goes back to a champion has the packages of today.
    """
    try:
        verdict = Verdict.from_json(content, origin="verdict.json")
    except WindtunnelError as error:
        return (Check(what="verdict", status="does_not_hold", reason=f"{error.thing}: {error.found}"),)
    return (
        _check_receipt(content, receipt),
        *_check_params(context, verdict),
        *_check_files(context.paths, verdict),
        *_check_suites(context.paths, verdict),
        *_check_evaluation(context.paths, verdict),
        *_check_datasets(context.paths, verdict),
        *_check_models(context.paths, verdict),
    )


def check_environment(verdict: Verdict) -> Check:
    """Whether what judged is what is installed here: with other packages nobody can say that the same would come out."""
    if not verdict.environment:
        told = "the verdict names no packages: it was judged before they were kept; judge again: windtunnel run"
        return Check(what="environment", status="not_checked", reason=told)
    others = told_difference(verdict.environment)
    if others:
        return Check(what="environment", status="not_checked", reason=f"judged with {others}")
    return Check(what="environment", status="holds", reason=f"{len(verdict.environment)} packages, as installed here")


def _check_receipt(content: bytes, receipt: Receipt | None) -> Check:
    if receipt is None:
        told = "there is none for these bytes: the verdict was edited after it was judged, or was never published"
        return Check(what="receipt", status="does_not_hold", reason=told)
    try:
        check_receipt(content, receipt)
    except WindtunnelError as error:
        return Check(what="receipt", status="does_not_hold", reason=error.found)
    return Check(what="receipt", status="holds", reason=f"judged by {receipt.actor}, {receipt.created_utc}")


def _check_params(context: StageContext, verdict: Verdict) -> Iterator[Check]:
    yield _compared("parameters", hash_params(context.params), verdict.params_hash, "params.yaml")
    yield _compared("policy", hash_gates(context.params.gates), verdict.policy_hash, "gates in params.yaml")
    yield _check_made_with(context, verdict)


def _check_made_with(context: StageContext, verdict: Verdict) -> Check:
    """Whether each stage before the gate had the parameters that the verdict is bound to: its hashes of them by stage."""
    what, named, paths = "parameters of each stage", inherited(verdict.inputs), context.paths
    if not named:
        told = "the verdict names none: it was judged before they were kept; judge again: windtunnel run"
        return Check(what=what, status="not_checked", reason=told)
    reports = {"disclosure": paths.disclosure_report, "utility": paths.utility_report}
    reports |= {address_of("validate", subject): paths.validation_report(subject) for subject in SUBJECTS}
    others = set(find_others(context.params, named, needed_before(verdict.split)))
    for address, path in reports.items():
        if path.is_file():
            others |= set(find_others(context.params, told_by(path), (address,)))
    if others:
        told = f"{', '.join(sorted(others))} had other parameters than params.yaml, to which the verdict is bound"
        return Check(what=what, status="does_not_hold", reason=told)
    return Check(what=what, status="holds", reason=f"{len(named)} stages, all by this params.yaml")


def _check_files(paths: ProjectPaths, verdict: Verdict) -> Iterator[Check]:
    gone = [name for name in verdict.inputs if name.startswith(f"{MEASURED}/")]
    files = {name: paths.evidence_of(name.partition("/")[2]) for name in gone} | judged_files(paths)
    for name, path in files.items():
        told = path.relative_to(paths.root).as_posix()
        if not path.is_file():
            # What the verdict did not rest on need not be there; what it did was taken away.
            if name in verdict.inputs:
                yield Check(what=name, status="does_not_hold", reason=f"{told} is not there, and the verdict rests on it")
            continue
        yield _compared(name, hashlib.sha256(path.read_bytes()).hexdigest(), verdict.inputs.get(name), told)


def _check_suites(paths: ProjectPaths, verdict: Verdict) -> Iterator[Check]:
    """What is expected of each subject's data; a verdict of before suites were bound names none, and of it nothing is said."""
    if not any(name.startswith(f"{EXPECTATIONS}/") for name in verdict.inputs):
        return
    try:
        found = hash_suites(paths)
    except WindtunnelError as error:
        yield Check(what=EXPECTATIONS, status="does_not_hold", reason=f"{error.thing}: {error.found}")
        return
    named = {name: value for name, value in verdict.inputs.items() if name.startswith(f"{EXPECTATIONS}/")}
    for name in sorted({*found, *named}):
        yield _compared(name, found.get(name), named.get(name), f"the suites in {name}")


def _check_evaluation(paths: ProjectPaths, verdict: Verdict) -> Iterator[Check]:
    """Whether the evaluation names the same data and models as the verdict."""
    if not paths.evaluation_report.is_file():
        return
    try:
        evaluation = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="evaluation.json")
    except WindtunnelError as error:
        yield Check(what="evaluation's inputs", status="does_not_hold", reason=error.found)
        return
    others = sorted(name for name, value in evaluation.inputs.items() if verdict.inputs.get(name) != value)
    if others:
        yield Check(what="evaluation's inputs", status="does_not_hold", reason=f"the verdict names other {', '.join(others)}")
    else:
        yield Check(what="evaluation's inputs", status="holds", reason=f"the {len(evaluation.inputs)} that the verdict names")


def check_bytes(paths: ProjectPaths, verdict: Verdict) -> tuple[Check, ...]:
    """Datasets and models that lie here against the verdict, for whoever has no time to read rows: by the bytes of their files.

    A manifest written anew beside other files is found by :func:`check_hashes` alone.
    """
    return (*_check_datasets(paths, verdict, _hash_files), *_check_models(paths, verdict))


def _check_datasets(
    paths: ProjectPaths, verdict: Verdict, hash_dataset: Callable[[Path, Manifest], str] | None = None
) -> Iterator[Check]:
    split = f"splits/{verdict.split}"
    folders = {
        "predictions": paths.predictions,
        split: paths.split(verdict.split),
        "features": paths.features,
        "masked": paths.masked,
    }
    for name, folder in folders.items():
        yield _check_dataset(name, folder, verdict.inputs, hash_dataset or _hash_rows)
    yield _check_snapshot(paths, verdict.inputs, hash_dataset or _hash_rows)


def _check_dataset(name: str, folder: Path, named: Mapping[str, str], hash_dataset: Callable[[Path, Manifest], str]) -> Check:
    if not (folder / MANIFEST).is_file():
        return Check(what=name, status="not_checked", reason=_NOT_HERE)
    try:
        manifest = read_manifest(folder, made_by=name)
        found = hash_dataset(folder, manifest)
    except WindtunnelError as error:
        return Check(what=name, status="does_not_hold", reason=f"{error.thing}: {error.found}")
    if found != manifest.logical_hash:
        return Check(what=name, status="does_not_hold", reason="its rows are others than its manifest says")
    # A dataset names what it was made from; those that the verdict names too must be the same.
    others: list[str] = [of for of in ("pin", "snapshots", "masked") if manifest.about.get(of, named.get(of)) != named.get(of)]
    others += _other_params(manifest.about, named, _MADE_BY.get(name, f"split@{name.rpartition('/')[2]}"))
    if others:
        return Check(what=name, status="does_not_hold", reason=f"made from other {', '.join(others)} than the verdict rests on")
    rows = sum(table.rows for table in manifest.tables.values())
    return _compared(name, found, named.get(name), f"{rows:,} rows")


def _other_params(carried: Mapping[str, str], named: Mapping[str, str], address: str) -> list[str]:
    """The parameters that an output of the stage ``address`` carries otherwise than a verdict names them, or does not carry."""
    if not inherited(named):  # a verdict of before they were kept, which is told once
        return []
    carries = inherited(carried)
    return [of for of in sorted({*carries, PREFIX + address}) if carries.get(of) is None or carries[of] != named.get(of)]


def _hash_rows(folder: Path, manifest: Manifest) -> str:
    """The dataset's logical hash from the rows of every partition. Raises :class:`~tasks.errors.DatasetError`."""

    def proven(partition: PartitionRecord, key: Sequence[str]) -> PartitionRecord:
        rows = read_partition(folder, partition)
        return partition.model_copy(update={"rows": rows.num_rows, "logical_hash": logical_hash(rows, key)})

    tables = {}
    with ThreadPoolExecutor(_THREADS) as threads:
        for name, table in manifest.tables.items():
            partitions = threads.map(partial(proven, key=table.key), table.partitions)
            tables[name] = table.model_copy(update={"partitions": tuple(partitions)})
    return dataset_hash(tables)


def _hash_files(folder: Path, manifest: Manifest) -> str:
    """The dataset's logical hash as its manifest makes it, once every file is found to be the one that it lists.

    Raises :class:`~tasks.errors.DatasetError`.
    """

    def prove(partition: PartitionRecord) -> None:
        require_file(folder, partition)

    with ThreadPoolExecutor(_THREADS) as threads:
        for table in manifest.tables.values():
            list(threads.map(prove, table.partitions))
    return dataset_hash(manifest.tables)


def _check_snapshot(paths: ProjectPaths, named: Mapping[str, str], hash_dataset: Callable[[Path, Manifest], str]) -> Check:
    """The snapshot's own rows where the restricted zone is here; else that the masked data names the same one as the verdict."""
    if (paths.snapshots / MANIFEST).is_file():
        return _check_dataset("snapshots", paths.snapshots, named, hash_dataset)
    if not (paths.masked / MANIFEST).is_file():
        return Check(what="snapshots", status="not_checked", reason=_NOT_HERE)
    try:
        about = read_manifest(paths.masked, made_by="mask").about
    except WindtunnelError as error:
        return Check(what="snapshots", status="not_checked", reason=f"{error.thing}: {error.found}")
    told = "the masked data was made from it; the restricted zone is not here, so its own rows were not read"
    return _compared("snapshots", about.get("snapshots"), named.get("snapshots"), told)


def _check_models(paths: ProjectPaths, verdict: Verdict) -> Iterator[Check]:
    roles: tuple[Literal["challenger", "champion", "refit"], ...] = ("challenger", "champion", "refit")
    for role in roles:
        name = f"models/{role}"
        if name not in verdict.inputs:
            continue
        if not (paths.models / f"{role}.json").is_file():
            yield Check(what=name, status="not_checked", reason=_NOT_HERE)
            continue
        try:
            card = check_model(paths.models, role)
        except WindtunnelError as error:
            yield Check(what=name, status="does_not_hold", reason=f"{error.thing}: {error.found}")
            continue
        others = _other_params(card.made_with, verdict.inputs, "train")
        if others:
            told = f"made with other {', '.join(others)} than the verdict rests on"
            yield Check(what=name, status="does_not_hold", reason=told)
            continue
        yield _compared(name, card.logical_hash, verdict.inputs[name], card.name)


def _compared(what: str, found: str | None, named: str | None, told: str) -> Check:
    if named is None:
        return Check(what=what, status="does_not_hold", reason=f"the verdict does not name it ({told})")
    if found != named:
        return Check(
            what=what, status="does_not_hold", reason=f"{(found or 'nothing')[:12]}, and the verdict names {named[:12]} ({told})"
        )
    return Check(what=what, status="holds", reason=told)
