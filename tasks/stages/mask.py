"""Stage ``mask``: apply the masking policy to each partition of the snapshot. What it writes may be shared."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from tasks.datasets import DatasetWriter, code_hash, hash_mapping, read_manifest, write_atomically
from tasks.errors import DatasetError
from tasks.masking import (
    Engine,
    Facts,
    KeyPlaces,
    MaskingKey,
    RawPartition,
    ResidueSearch,
    TableWork,
    list_joins,
    make_privacy_report,
    measure_joins,
    open_engine,
    policy_hash,
    require_joins_hold,
    require_joins_of_all_rows,
    require_keys_survive,
    treat_columns,
)
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root
from tasks.records import JoinMeasure, Manifest, PrivacyReport, TableRecord
from tasks.stages import FOUNDATION, Stage, StageContext
from tasks.stages.canaries import plant_canaries, require_markers_masked
from tasks.stages.evidence import require_examined
from tasks.stages.facts import gather_facts
from tasks.stages.keys import load_stage_key
from tasks.stages.made_with import made_with

_CODE = ("tasks/stages/mask.py", "tasks/stages/facts.py", "tasks/masking", "tasks/detection")


@dataclass(frozen=True)
class _RawTable:
    """A table of the snapshot, the key it is masked with, and the hash of the code that does it."""

    name: str
    table: TableRecord
    key: MaskingKey
    code: str


@dataclass(frozen=True)
class _MaskedTable:
    """What became of it: the reuse key of each partition by its path, rows that are left, facts, and partitions written anew."""

    places: dict[str, str]
    rows: int
    facts: Facts | None
    written: int


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params
    require_keys_survive(params.masking, params.snapshot.tables)
    require_joins_of_all_rows(params.masking, list_joins(params.masking, params.snapshot.tables))
    key = load_stage_key(context)
    snapshots = read_manifest(paths.snapshots, made_by="snapshot")
    require_examined(context, "raw", {snapshots.dataset: snapshots.logical_hash})
    _require_declared(snapshots, params)
    planted = plant_canaries(context, snapshots)
    code = code_hash(*_CODE, *FOUNDATION)
    masked: dict[str, _MaskedTable] = {}
    with DatasetWriter(paths.masked, "masked") as writer, open_engine(params.masking, paths.spark_spill) as engine:
        for name, table in snapshots.tables.items():
            if not _is_dropped_whole(params, name):
                masked[name] = _mask_table(context, engine, writer, _RawTable(name, table, key, code))
        require_markers_masked(context, planted, key)
        places = {name: table.places for name, table in masked.items()}
        residue = ResidueSearch(params.masking, paths.masked, paths.residue_evidence)
        findings = residue.search(places)
        joins = _measure_joins(context, snapshots, places)
        report = make_privacy_report(
            params.masking,
            params.snapshot.tables,
            key,
            {name: table.rows for name, table in masked.items()},
            joins=joins,
            searched=residue.examined,
            findings=findings,
            facts={name: table.facts for name, table in masked.items() if table.facts is not None},
        )
        write_atomically(paths.privacy_report, report.to_json().encode())
        writer.finish(_about(snapshots, params, key))
    written, rows = sum(t.written for t in masked.values()), sum(t.rows for t in masked.values())
    unchanged = sum(len(t.places) for t in masked.values()) - written
    done = f"{written:,} partitions written, {unchanged:,} unchanged, {rows:,} rows"
    print(f"mask: {done}, key {key.id}; {len(joins)} joins hold")
    _print_dropped(report, set(snapshots.tables) - set(masked))


def _is_dropped_whole(params: Params, name: str) -> bool:
    return all(treatment.is_dropped for treatment in treat_columns(params.masking, name, params.snapshot.tables[name].columns))


def _mask_table(context: StageContext, engine: Engine, writer: DatasetWriter, source: _RawTable) -> _MaskedTable:
    """Write the masked form of each partition that is not there yet."""
    paths, params, name, table, key = context.paths, context.params, source.name, source.table, source.key
    work = TableWork(name, table.key, paths.snapshots, paths.masked, params.masking, key)
    declared = params.masking.tables.get(name)
    suppress = None if declared is None else declared.suppress
    treatments = treat_columns(params.masking, name, params.snapshot.tables[name].columns)
    made_from = _made_from(policy_hash(treatments, suppress), key, table.key, source.code)
    facts = gather_facts(engine, work, table.partitions, ProjectPaths(main_root(paths.root)).raw_keys, made_from)
    rows = table.rows
    if facts is not None:
        made_from["facts"] = facts.hash
        rows -= facts.rare_rows if suppress is not None and suppress.what == "rows" else 0
    partitions = [RawPartition(p, hash_mapping({**made_from, "input": p.logical_hash})) for p in table.partitions]
    changed = [p for p in partitions if not writer.keep(p.record.path, p.reuse_key)]
    for packed in engine.mask(replace(work, facts=facts), changed):
        writer.adopt(packed)
    return _MaskedTable({p.record.path: p.reuse_key for p in partitions}, rows, facts, len(changed))


def _measure_joins(
    context: StageContext, snapshots: Manifest, made_under: Mapping[str, Mapping[str, str]]
) -> tuple[JoinMeasure, ...]:
    """Count how keys meet before and after, and stop where masking changed it; partitions are in place, the manifest is not."""
    paths, params = context.paths, context.params
    counted = ProjectPaths(main_root(paths.root)).raw_keys
    joins = list_joins(params.masking, params.snapshot.tables)
    measures = measure_joins(joins, KeyPlaces(snapshots, paths.snapshots, paths.masked, made_under, counted))
    require_joins_hold(measures)
    return measures


def _made_from(policy: str, key: MaskingKey, table_key: Sequence[str], code: str) -> dict[str, object]:
    """What every masked partition of a table is made from, beside its raw rows."""
    return {
        "policy": policy,
        "table_key": table_key,
        "key_id": key.id,
        "key_fingerprint": key.fingerprint,
        "code": code,
    }


def _require_declared(snapshots: Manifest, params: Params) -> None:
    """Refuse a snapshot of other declarations: a column that the policy was not written for would pass by unseen."""
    for name, table in snapshots.tables.items():
        declared = params.snapshot.tables.get(name)
        found = (set(table.columns), table.key)
        if declared is None or found != (set(declared.columns), declared.key):
            raise DatasetError(
                f"data/snapshots: table {name}",
                found=f"columns {', '.join(table.columns)}, key {', '.join(table.key)}",
                expected="the columns and the key that params.yaml declares under snapshot.tables",
                next_step="dvc repro snapshot",
            )


def _about(snapshots: Manifest, params: Params, key: MaskingKey) -> dict[str, str]:
    policy = params.masking.model_dump(mode="json", include={"domains", "tables"})
    return {
        "view": "masked",
        "snapshots": snapshots.logical_hash,
        "pin": snapshots.about["pin"],
        "as_of_utc": snapshots.about["as_of_utc"],
        "key_id": key.id,
        "key_fingerprint": key.fingerprint,
        "policy": hash_mapping(policy),
        **made_with(params, "mask", snapshots.about),
    }


def _print_dropped(report: PrivacyReport, tables: Set[str]) -> None:
    if tables:
        print(f"mask: dropped whole, because nothing of them is declared or kept: {', '.join(sorted(tables))}")
    if report.undeclared:
        print(f"mask: dropped, because no policy names them: {', '.join(report.undeclared)}")


STAGE = Stage(
    reads=lambda _: ("data/snapshots/manifest.json", "data/validation/raw.json"),
    writes=lambda _: ("data/masked",),
    code=(*_CODE, "tasks/stages/canaries.py", "tasks/canaries"),
    run=_run,
    is_key_holder=True,
)
