"""Marker rows in a run: planted beside the snapshot, masked as every row is, and never let into a dataset.

What belongs here: wiring the policy and masking to ``tasks.canaries``. What does not: what a marker is, and the search of a whole
project (``tasks.keyholding.search``). No stage of its own: ``mask`` and the flows call it.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.canaries import ColumnFate, Hit, Needles, Planted, plant, search_buffer
from tasks.errors import LeakError
from tasks.masking import MaskingKey, mask_columns, treat_columns
from tasks.masking.policy import KEPT, Treatment
from tasks.params.masking_rules import DateShiftRule, EncryptRule, GeneraliseRule, NoiseRule
from tasks.paths import CANARY_FILE, ProjectPaths, main_root
from tasks.records import Manifest
from tasks.stages import StageContext

_SHOWN_AT_MOST = 5


def plant_canaries(context: StageContext, snapshots: Manifest) -> Planted:
    """Plant a marker row for each table of the snapshot that has a column which masking does not keep."""
    policy, declared = context.params.masking, context.params.snapshot.tables
    fates = {
        name: tuple(_fate(t) for t in treat_columns(policy, name, declared[name].columns) if t.transform != KEPT)
        for name in snapshots.tables
        if name in declared
    }
    seed = ProjectPaths(main_root(context.paths.root)).canary_seed
    return plant(context.paths.snapshots, snapshots, {name: found for name, found in fates.items() if found}, seed)


def require_markers_masked(context: StageContext, planted: Planted, key: MaskingKey) -> None:
    """Mask each planted row as its table is masked, pack it as a partition is packed, and look for its markers there.

    What comes out is thrown away: no dataset ever holds it. Raises :class:`~tasks.errors.LeakError` where a marker got through.
    """
    policy, declared = context.params.masking, context.params.snapshot.tables
    # One entity in so many is shifted by no days at all, and its times rightly stay as they were.
    shifted = {
        (name, treatment.column)
        for name in planted.files
        for treatment in treat_columns(policy, name, declared[name].columns)
        if isinstance(treatment.rule, DateShiftRule)
    }
    markers = [marker for marker in planted.markers if (marker.table, marker.column) not in shifted]
    if not markers:
        return
    needles = Needles(markers)
    hits: list[Hit] = []
    for name in planted.files:
        masked = mask_columns(name, pq.read_table(context.paths.snapshots / name / CANARY_FILE), context.params.masking, key)
        packed = pa.BufferOutputStream()
        pq.write_table(masked, packed, compression="zstd")
        hits += search_buffer(packed.getvalue(), needles, name=f"table {name}, masked")
    require_no_hits(hits)


def require_no_hits(hits: Sequence[Hit]) -> None:
    """Raise :class:`~tasks.errors.LeakError` with the files and columns of ``hits``; the markers' values are not shown."""
    if not hits:
        return
    places = list(dict.fromkeys(f"{hit.file}{f' ({hit.part})' if hit.part else ''}: {hit.column}" for hit in hits))
    more = f"\n            and {len(places) - _SHOWN_AT_MOST} more places" if len(places) > _SHOWN_AT_MOST else ""
    raise LeakError(
        f"raw values outside the restricted zone: {hits[0].file}",
        found="planted markers of these columns, in\n            " + "\n            ".join(places[:_SHOWN_AT_MOST]) + more,
        expected="no byte of a raw value that masking does not keep",
        next_step="find what wrote the file, mend it, delete the file wherever it went, and run again; docs/masking.md says how",
    )


def _fate(treatment: Treatment) -> ColumnFate:
    column, transform = treatment.column, treatment.transform
    match treatment.rule:
        case GeneraliseRule() as rule:
            return ColumnFate(column, transform, keep_prefix=rule.keep_prefix)
        case EncryptRule() as rule:
            return ColumnFate(
                column, transform, letters=rule.letters, kept=rule.keep, has_check_digit=rule.luhn, digits=rule.digits
            )
        case NoiseRule() as rule:
            return ColumnFate(column, transform, noise=rule.scale)
    return ColumnFate(column, transform)
