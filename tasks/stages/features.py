"""Stage ``features``: point-in-time features and labels of each row, one partition per partition of the rows' table.

What a row looks back into is prepared for all rows at once, since it lies in other partitions; the rows themselves come some
partitions at a time. A partition whose content comes out as it was is left alone, so that what depends on it stays as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from tasks.datasets import DatasetWriter, logical_hash, open_table, read_manifest, sort_rows
from tasks.errors import DatasetError
from tasks.features import add_user_features, compute_features, load_functions
from tasks.records import Manifest
from tasks.stages import Stage, StageContext
from tasks.stages.evidence import require_examined
from tasks.stages.made_with import made_with

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
    sources = {name: open_table(paths.masked, masked, name) for name in masked.tables}
    # The data's own moment: the one in params.yaml may have moved on since.
    as_of = datetime.fromisoformat(masked.about["as_of_utc"])
    features = compute_features(sources, params.features, params.snapshot.tables, params.label, as_of=as_of, spill=paths.spill)
    tally = _write(context, features, masked)
    partitions = f"{tally.written:,} partitions written, {tally.unchanged:,} unchanged"
    print(f"features: {tally.rows:,} rows, {tally.labelled:,} labelled; {partitions}")


@dataclass
class _Tally:
    """What was written."""

    rows: int = 0
    labelled: int = 0
    written: int = 0
    unchanged: int = 0


def _write(context: StageContext, features: Iterator[pa.Table], masked: Manifest) -> _Tally:
    """Write the partitions that changed; ``features`` has a table for each partition of the rows' table."""
    tally = _Tally()
    functions = load_functions(context.params.features.functions, context.paths.root)
    partitions = masked.tables[context.params.features.rows].partitions if context.params.features.rows in masked.tables else ()
    with DatasetWriter(context.paths.features, "features") as writer:
        for partition, found in zip(partitions, features, strict=True):
            rows = add_user_features(found, functions)
            tally.rows += rows.num_rows
            tally.labelled += rows.num_rows - rows.column("label").null_count
            path = "features/" + partition.path.split("/", 1)[1]
            # The content is the key: a row's features rest on many partitions, but most come out the same on another day.
            content = logical_hash(rows, _KEY)
            if writer.keep(path, content):
                tally.unchanged += 1
                continue
            writer.write(path, content, sort_rows(rows, _KEY), _KEY)
            tally.written += 1
        writer.finish({**_about(masked), **made_with(context.params, "features", masked.about)})
    return tally


def _about(masked: Manifest) -> dict[str, str]:
    carried = {name: masked.about[name] for name in ("snapshots", "pin", "as_of_utc")}
    return {"view": "masked", "masked": masked.logical_hash, **carried}


STAGE = Stage(
    reads=lambda _: ("data/masked/manifest.json", "data/validation/masked.json"),
    writes=lambda _: ("data/features",),
    code=_CODE,
    run=_run,
)
