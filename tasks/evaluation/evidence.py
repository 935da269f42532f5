"""The stored datasets of one comparison, opened so that only rows of chosen parts can be read.

What belongs here: a split's stored parts, features by part, and refusing what does not belong together. What does not: the
facts of a row that are not features (``rows``). Every read goes through the split's stored parts: a row of a part that was
not asked for never leaves this module, and a partition without a row of such a part is not opened.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import StoredTable, read_manifest, read_partition
from tasks.errors import DatasetError, EvaluationError
from tasks.params.splits import ALL_FOLDS, ASSIGNMENTS, OTHER_FOLDS, assignments_of, draw_name
from tasks.paths import ProjectPaths
from tasks.records import Manifest, ModelCard, TableRecord


@dataclass(frozen=True)
class Evidence:
    """The datasets of one comparison, found to be made from one another, and the stored parts that may be read."""

    paths: ProjectPaths
    split: str
    features: Manifest
    masked: Manifest
    assignments: Manifest
    parts: pa.Table
    """row_key, part, partition (below a table's folder): of the allowed parts only."""


def open_evidence(paths: ProjectPaths, split: str, parts: Collection[str]) -> Evidence:
    """Open the datasets that a comparison on ``split`` needs; rows of other ``parts`` cannot be read through it.

    Raises :class:`~tasks.errors.DatasetError` where one is missing, or they were not made from one another.
    """
    features = read_manifest(paths.features, made_by="features")
    masked = read_manifest(paths.masked, made_by="mask")
    assignments = read_manifest(paths.split(split), made_by=f"split@{split}")
    if features.about.get("masked") != masked.logical_hash:
        raise _unrelated("features", "the masked tables")
    if assignments.about.get("snapshots") != features.about.get("snapshots"):
        raise _unrelated(f"split {split}", "the snapshot that the features come from")
    return Evidence(paths, split, features, masked, assignments, _read_parts(paths, split, assignments, parts))


def _unrelated(thing: str, source: str) -> DatasetError:
    return DatasetError(thing, found=f"made from other data than {source}", expected="one run's data", next_step="dvc repro")


def _read_parts(paths: ProjectPaths, split: str, manifest: Manifest, parts: Collection[str]) -> pa.Table:
    found = []
    for table in sorted({assignments_of(part) for part in parts}):
        for partition in table_record(manifest, table, f"split {split}").partitions:
            rows = read_partition(paths.split(split), partition, ("row_key", "part"))
            rows = rows.filter(pc.is_in(rows.column("part"), pa.array(sorted(parts), pa.string())))
            # One number per row: written out, the names of partitions would take more room than the keys.
            place = pa.DictionaryArray.from_arrays(np.zeros(rows.num_rows, np.int32), [_below(partition.path)])
            found.append(rows.append_column("partition", place))
    read = pa.concat_tables(found).unify_dictionaries()
    others = set(read.column("part").unique().to_pylist()) - set(parts)
    if others:
        raise EvaluationError(
            f"split {split}",
            found=f"rows of {', '.join(sorted(others))}",
            expected=f"rows of {', '.join(sorted(parts))} only",
            next_step="report this: a part that must not be read was read",
        )
    return read


def table_record(manifest: Manifest, name: str, thing: str) -> TableRecord:
    """The table ``name`` of ``thing``'s manifest; raises :class:`~tasks.errors.DatasetError` where there is none."""
    if name not in manifest.tables:
        raise DatasetError(thing, found=f"no table {name}", expected=f"rows in the table {name}", next_step="dvc repro")
    return manifest.tables[name]


def require_columns(record: TableRecord, table: str, where: str, columns: Collection[str]) -> None:
    """Refuse ``columns`` (named in ``where`` of params.yaml) that the masked ``table`` does not have.

    Raises :class:`~tasks.errors.EvaluationError`.
    """
    missing = [column for column in columns if column not in record.columns]
    if missing:
        raise EvaluationError(
            f"{where}: {', '.join(missing)}",
            found=f"not among the masked columns of {table}",
            expected=f"one of {', '.join(sorted(record.columns))}",
            next_step=f"declare it under snapshot.tables.{table} and keep it under masking.tables.{table}, or name another",
        )


def read_features(
    evidence: Evidence, parts: Collection[str], columns: Collection[str], *, most_rows: int | None = None
) -> pa.Table:
    """row_key and ``columns`` of the features dataset, of the rows of ``parts``, in the order in which they are stored.

    Of more than ``most_rows`` every nth by row key is read.
    """
    assigned = pa.concat_tables([part_rows(evidence, part) for part in parts])
    if most_rows is not None and assigned.num_rows > most_rows:
        step = -(-assigned.num_rows // most_rows)
        assigned = assigned.sort_by("row_key").take(pa.array(np.arange(0, assigned.num_rows, step)))
    record = some_partitions(table_record(evidence.features, "features", "features"), assigned)
    missing = [name for name in columns if name not in record.columns]
    if missing:
        raise DatasetError("features", found=f"no {', '.join(missing)}", expected="every feature", next_step="dvc repro features")
    stored = open_partitions(evidence.paths.features, "features", record)
    return pa.concat_tables(list(stored.rows_of(assigned.column("row_key"), ("row_key",), ("row_key", *columns))))


def part_rows(evidence: Evidence, part: str) -> pa.Table:
    """row_key, part, partition of the rows of ``part``; of all folds also the part in each further draw, ``r2_part`` and so on.

    Raises :class:`~tasks.errors.EvaluationError` where it is empty."""
    assigned = _all_folds(evidence) if part == ALL_FOLDS else evidence.parts.filter(pc.equal(evidence.parts.column("part"), part))
    if not assigned.num_rows:
        raise EvaluationError(
            f"part {part} of split {evidence.split}",
            found="no rows",
            expected="rows of that part",
            next_step=f"look at splits.{evidence.split} in params.yaml, or name another part",
        )
    return assigned


def _all_folds(evidence: Evidence) -> pa.Table:
    """Every row once, with its fold of each draw; raises :class:`~tasks.errors.EvaluationError` where a draw lacks one."""
    parts = evidence.parts
    names = sorted(set(parts.column("part").unique().to_pylist()))
    draws: dict[str, list[str]] = {}
    for name in names:
        draws.setdefault(assignments_of(name), []).append(name)
    tables = [parts.filter(pc.is_in(parts.column("part"), pa.array(draws[table]))) for table in sorted(draws, key=_draw_number)]
    found = tables[0] if tables else parts.slice(0, 0)
    for draw, table in enumerate(tables[1:], start=2):
        place = pc.index_in(found.column("row_key"), value_set=table.column("row_key").combine_chunks())
        if place.null_count or table.num_rows != found.num_rows:
            raise EvaluationError(
                f"split {evidence.split}",
                found=f"{table.num_rows:,} rows in draw {draw}, and {found.num_rows:,} in the first",
                expected="every row once in each draw of folds",
                next_step=f"dvc repro split@{evidence.split}",
            )
        found = found.append_column(draw_name("part", draw), table.column("part").take(place.combine_chunks()))
    return found


def _draw_number(table: str) -> int:
    """The number of the draw whose assignments are ``table``: assignments, assignments_r2, ..."""
    return int(table.removeprefix(f"{ASSIGNMENTS}_r") if table != ASSIGNMENTS else 1)


def some_partitions(record: TableRecord, assigned: pa.Table) -> TableRecord:
    """The partitions that hold rows of ``assigned``: stored side by side under the same names in each dataset."""
    wanted = set(assigned.column("partition").unique().to_pylist())
    return record.model_copy(update={"partitions": tuple(p for p in record.partitions if _below(p.path) in wanted)})


def _below(path: str) -> str:
    return path.partition("/")[2]


def open_partitions(folder: Path, name: str, record: TableRecord) -> StoredTable:
    """The partitions of ``record``, which are some of the table's, to be read one at a time."""
    if not record.partitions:
        raise DatasetError(
            f"{folder.name}/{name}",
            found="no partition with the rows of the part",
            expected="partitions named as those of the split",
            next_step="dvc repro",
        )
    return StoredTable(folder, record)


def refuse_training_rows(evidence: Evidence, part: str, keys: pa.ChunkedArray, card: ModelCard) -> None:
    """Refuse to judge a model on rows that it was fitted on; ``keys`` are the row keys of ``part``.

    Raises :class:`~tasks.errors.EvaluationError`, with a count where the model was fitted on another split.
    """
    if card.split is None or not card.parts:
        return
    if card.part == OTHER_FOLDS:
        # Each score was made by a model of the other folds, and is no better than any on a part that has to be one of them.
        if part == ALL_FOLDS and card.split == evidence.split:
            return
        raise _seen(evidence, part, len(keys), len(keys), card)
    own = {assignments_of(fitted) for fitted in card.parts}
    if part != ALL_FOLDS and card.split == evidence.split and assignments_of(part) in own:
        seen = len(keys) if part in card.parts else 0
    else:
        manifest = read_manifest(evidence.paths.split(card.split), made_by=f"split@{card.split}")
        fitted = _read_parts(evidence.paths, card.split, manifest, card.parts).column("row_key")
        seen = pc.sum(pc.is_in(keys, fitted.combine_chunks())).as_py() or 0
    if seen:
        raise _seen(evidence, part, seen, len(keys), card)


def _seen(evidence: Evidence, part: str, seen: int, rows: int, card: ModelCard) -> EvaluationError:
    return EvaluationError(
        f"part {part} of split {evidence.split}",
        found=f"{seen:,} of {rows:,} rows on which the {card.role} was fitted (part {card.part} of split {card.split})",
        expected="rows that it has never seen",
        next_step=f"fit it on split {evidence.split} (models.{card.role}.split), or judge another part (evaluation.part)",
    )
