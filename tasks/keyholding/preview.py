"""A sample of a table as masking would make it; nothing of what it was made from is shown beside it.

What belongs here: reading one partition of the snapshot and masking it as the stage does. What does not: showing it.
"""

import pyarrow as pa

from tasks.datasets import read_manifest, read_partition
from tasks.errors import MaskingError
from tasks.masking import LocalEngine, TableWork, conclude, mask_table, observed_columns, require_keys_survive, treat_columns
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.stages import StageContext
from tasks.stages.keys import load_stage_key


def preview_table(paths: ProjectPaths, params: Params, name: str, rows: int) -> pa.Table:
    """The first ``rows`` rows of the first partition of ``name``, masked, in the order in which the stage ``mask`` writes them.

    Only for who can load the key. Raises :class:`~tasks.errors.MaskingError` where the table is unknown or wholly dropped, and
    :class:`~tasks.errors.DatasetError` where no snapshot lies here.
    """
    declared = params.snapshot.tables.get(name)
    if declared is None:
        raise MaskingError(
            f"table {name}",
            found="no such table",
            expected=f"one of {', '.join(params.snapshot.tables)}",
            next_step="windtunnel mask preview TABLE",
        )
    require_keys_survive(params.masking, {name: declared})
    key = load_stage_key(StageContext(paths, params))
    table = read_manifest(paths.snapshots, made_by="snapshot").tables.get(name)
    if all(treatment.is_dropped for treatment in treat_columns(params.masking, name, declared.columns)):
        raise MaskingError(
            f"table {name}",
            found="every column of it is dropped",
            expected="a table of which something leaves the restricted zone",
            next_step="windtunnel mask explain",
        )
    if table is None or not table.partitions:
        raise MaskingError(
            f"table {name}", found="no rows of it in the snapshot", expected="a partition to show", next_step="windtunnel run"
        )
    raw = read_partition(paths.snapshots, table.partitions[0], declared.columns)
    work = TableWork(name, table.key, paths.snapshots, paths.masked, params.masking, key)
    needs_facts = observed_columns(params.masking, name)
    facts = conclude(params.masking, name, LocalEngine().observe(work, table.partitions)) if needs_facts else None
    masked = mask_table(name, raw, params.masking, key, facts=facts)
    return masked.sort_by([(column, "ascending") for column in declared.key]).slice(0, rows)
