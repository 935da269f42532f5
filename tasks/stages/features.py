"""Stage ``features``: point-in-time features and labels of each row, one partition per partition of the rows' table.

All rows are computed at once, since a row looks back over partitions; a partition whose content comes out as it was is left
alone, so that what depends on it stays as it is.
"""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import DatasetWriter, logical_hash, read_manifest, read_table
from tasks.errors import DatasetError
from tasks.features import add_user_features, compute_features, load_functions, needed_columns
from tasks.records import Manifest
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined

_CODE = ("tasks/stages/features.py", "tasks/features", "tasks/user_code")
_KEY = ("row_key",)


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params
    masked = read_manifest(paths.masked, made_by="mask")
    require_examined(context, "masked", {"masked": masked.logical_hash})
    if masked.about.get("view") != "masked":
        raise DatasetError(
            str(paths.masked),
            found=f"the view {masked.about.get('view', 'not stated')}",
            expected="the view masked: features of raw data would carry it into the shared zone",
            next_step="dvc repro mask",
        )
    sources = {
        name: read_table(paths.masked, masked, name, _kept(masked, name, columns))
        for name, columns in needed_columns(params.features, params.snapshot.tables, params.label).items()
        if name in masked.tables
    }
    # The data's own moment: the one in params.yaml may have moved on since.
    as_of = datetime.fromisoformat(masked.about["as_of_utc"])
    features = compute_features(sources, params.features, params.snapshot.tables, params.label, as_of=as_of)
    written, unchanged = _write(context, features, masked)
    labelled = features.num_rows - features.column("label").null_count
    print(f"features: {features.num_rows:,} rows, {labelled:,} labelled; {written:,} partitions written, {unchanged:,} unchanged")


def _kept(masked: Manifest, table: str, columns: tuple[str, ...]) -> list[str]:
    """The wanted columns that are there; for the others ``check_features`` has the better message."""
    return [column for column in columns if column in masked.tables[table].columns]


def _write(context: StageContext, features: pa.Table, masked: Manifest) -> tuple[int, int]:
    """Write the partitions that changed; returns (written, unchanged)."""
    written = unchanged = start = 0
    functions = load_functions(context.params.features.functions, context.paths.root)
    with DatasetWriter(context.paths.features, "features") as writer:
        for partition in masked.tables[context.params.features.rows].partitions:
            rows = add_user_features(features.slice(start, partition.rows), functions)
            start += partition.rows
            path = "features/" + partition.path.split("/", 1)[1]
            # The content is the key: a row's features rest on many partitions, but most come out the same on another day.
            content = logical_hash(rows, _KEY)
            if writer.keep(path, content):
                unchanged += 1
                continue
            writer.write(path, content, rows.take(pc.sort_indices(rows, sort_keys=[("row_key", "ascending")])), _KEY)
            written += 1
        writer.finish(_about(masked))
    return written, unchanged


def _about(masked: Manifest) -> dict[str, str]:
    carried = {name: masked.about[name] for name in ("snapshots", "pin", "as_of_utc")}
    return {"view": "masked", "masked": masked.logical_hash, **carried}


STAGE = Stage(
    reads=lambda _: ("data/masked/manifest.json", "data/validation/masked.json"),
    writes=lambda _: ("data/features",),
    code=_CODE,
    run=_run,
)
