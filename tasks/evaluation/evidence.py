"""The rows that are judged, read from stored datasets and joined by row key.

What belongs here: reading features, a stored split, the masked rows and the champion's logged scores, and refusing what does
not belong together. What does not: scoring with a model (the composition roots do), and comparing (``compare``). Every read
goes through the split's stored parts: a row of a part that was not asked for never leaves this module, and a partition
without a row of such a part is not opened.
"""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import partition_files, read_manifest, read_partition, read_table, row_keys
from tasks.errors import DatasetError, EvaluationError
from tasks.params import Params
from tasks.params.base import split_reference
from tasks.params.models import LoggedScores
from tasks.paths import ProjectPaths
from tasks.records import Manifest, ModelCard, TableRecord

DAY = "day"
"""The cluster that is the row's UTC day, whatever columns there are."""


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


@dataclass(frozen=True)
class PartRows:
    """One part's rows, both tables in order of row key."""

    facts: pa.Table
    """row_key, part, time_utc, day (date32), cluster, label (NULL: not known), slice_<column>; for a champion with logged
    scores also champion_score and champion_version (NULL: not scored)."""
    features: pa.Table
    """row_key and the features."""


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
    for partition in _table(manifest, "assignments", f"split {split}").partitions:
        rows = read_partition(paths.split(split), partition, ("row_key", "part"))
        rows = rows.filter(pc.is_in(rows.column("part"), pa.array(sorted(parts), pa.string())))
        found.append(rows.append_column("partition", pa.array([_below(partition.path)] * rows.num_rows, pa.string())))
    read = pa.concat_tables(found)
    others = set(read.column("part").unique().to_pylist()) - set(parts)
    if others:
        raise EvaluationError(
            f"split {split}",
            found=f"rows of {', '.join(sorted(others))}",
            expected=f"rows of {', '.join(sorted(parts))} only",
            next_step="report this: a part that must not be read was read",
        )
    return read


def _table(manifest: Manifest, name: str, thing: str) -> TableRecord:
    if name not in manifest.tables:
        raise DatasetError(thing, found=f"no table {name}", expected=f"rows in the table {name}", next_step="dvc repro")
    return manifest.tables[name]


def _below(path: str) -> str:
    return path.partition("/")[2]


def read_part(evidence: Evidence, params: Params, part: str) -> PartRows:
    """The rows of ``part``. Raises :class:`~tasks.errors.EvaluationError` where a row cannot be told to belong to it,
    or was scored more than once."""
    assigned = evidence.parts.filter(pc.equal(evidence.parts.column("part"), part))
    if not assigned.num_rows:
        raise EvaluationError(
            f"part {part} of split {evidence.split}",
            found="no rows",
            expected="rows to judge",
            next_step=f"look at splits.{evidence.split} in params.yaml, or name another part under evaluation",
        )
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    con.register("assigned", assigned)
    con.register("meta", _row_facts(evidence, params, assigned))
    names = list(params.features.columns)
    features = _read_features(con, evidence, assigned, names)
    con.register("features", features.select(["row_key", "label"]))
    slices = "".join(f", m.{_quoted(f'slice_{column}')}" for column in params.evaluation.slices)
    scores, scored = _join_scores(con, evidence, params)
    query = f"""
        SELECT a.row_key, a.part, m.time_utc, m.time_utc::DATE AS day, coalesce(m.cluster, m.time_utc::DATE::VARCHAR) AS cluster,
            f.label::TINYINT AS label {slices} {scores}
        FROM assigned a JOIN meta m USING (row_key) JOIN features f USING (row_key) {scored}
        ORDER BY a.row_key
    """  # noqa: S608 - names are quoted
    facts = con.sql(query).to_arrow_table()
    for found in (features, facts):
        if not found.column("row_key").equals(assigned.sort_by("row_key").column("row_key")):
            raise DatasetError(
                f"rows of part {part} of split {evidence.split}",
                found=f"{found.num_rows:,} rows with features, label and time for {assigned.num_rows:,} rows of the part",
                expected="each row once in features, split and masked rows",
                next_step="dvc repro",
            )
    return PartRows(facts, features.select(["row_key", *names]))


def _read_features(con: duckdb.DuckDBPyConnection, evidence: Evidence, assigned: pa.Table, names: list[str]) -> pa.Table:
    record = _only(_table(evidence.features, "features", "features"), assigned)
    missing = [name for name in names if name not in record.columns]
    if missing:
        raise DatasetError("features", found=f"no {', '.join(missing)}", expected="every feature", next_step="dvc repro features")
    chosen = ", ".join(f"f.{_quoted(name)}" for name in ("row_key", "label", *names))
    query = f"""
        SELECT {chosen} FROM read_parquet($files, hive_partitioning=false) f SEMI JOIN assigned USING (row_key) ORDER BY f.row_key
    """  # noqa: S608 - names are quoted
    files = partition_files(evidence.paths.features, record)
    found: pa.Table = con.execute(query, {"files": files}).to_arrow_table()
    return found


def _only(record: TableRecord, assigned: pa.Table) -> TableRecord:
    """The partitions that hold rows of ``assigned``: stored side by side under the same names in each dataset."""
    wanted = set(assigned.column("partition").unique().to_pylist())
    return record.model_copy(update={"partitions": tuple(p for p in record.partitions if _below(p.path) in wanted)})


def _row_facts(evidence: Evidence, params: Params, assigned: pa.Table | None) -> pa.Table:
    """row_key, time_utc, cluster (NULL: the day) and slices of the masked rows, of all or of ``assigned``'s partitions."""
    name = params.features.rows
    declared = params.snapshot.tables[name]
    record = _table(evidence.masked, name, "masked tables")
    if assigned is not None:
        record = _only(record, assigned)
    manifest = evidence.masked.model_copy(update={"tables": {name: record}})
    cluster = params.evaluation.interval.cluster
    entity = () if cluster == DAY else (cluster,)
    _require_columns(record, name, "evaluation.slices", params.evaluation.slices)
    _require_columns(record, name, "evaluation.interval.cluster", entity)
    _require_columns(record, name, f"snapshot.tables.{name}.time", (declared.time,))
    columns = dict.fromkeys((*declared.key, declared.time, *params.evaluation.slices, *entity))
    rows = read_table(evidence.paths.masked, manifest, name, tuple(columns))
    facts: dict[str, pa.ChunkedArray] = {
        "row_key": row_keys(rows, declared.key),
        "time_utc": rows.column(declared.time).cast(pa.timestamp("us", "UTC")),
        "cluster": pa.nulls(rows.num_rows, pa.string()) if cluster == DAY else _texts(rows.column(cluster)),
    }
    return pa.table(facts | {f"slice_{column}": rows.column(column).cast(pa.string()) for column in params.evaluation.slices})


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(column.cast(pa.string()), "(missing)")


def _require_columns(record: TableRecord, table: str, where: str, columns: Collection[str]) -> None:
    missing = [column for column in columns if column not in record.columns]
    if missing:
        raise EvaluationError(
            f"{where}: {', '.join(missing)}",
            found=f"not among the masked columns of {table}",
            expected=f"one of {', '.join(sorted(record.columns))}",
            next_step=f"declare it under snapshot.tables.{table} and keep it under masking.tables.{table}, or name another",
        )


def _join_scores(con: duckdb.DuckDBPyConnection, evidence: Evidence, params: Params) -> tuple[str, str]:
    """The SQL (columns, join) that adds the champion's logged scores; empty where its model is scored here."""
    champion = params.models.champion
    if not isinstance(champion, LoggedScores):
        return "", ""
    table, score = split_reference(champion.scores)
    version = split_reference(champion.version)[1]
    key = params.snapshot.tables[params.features.rows].key
    _require_columns(_table(evidence.masked, table, "masked tables"), table, "models.champion", (*key, score, version))
    logged = read_table(evidence.paths.masked, evidence.masked, table, tuple(dict.fromkeys((*key, score, version))))
    if not (pa.types.is_floating(logged.column(score).type) or pa.types.is_integer(logged.column(score).type)):
        raise EvaluationError(
            f"models.champion.scores: {champion.scores}",
            found=f"values of type {logged.column(score).type}",
            expected="numbers from 0 to 1",
            next_step="name the column of the logged probability, and keep it under masking.tables",
        )
    columns = {"row_key": row_keys(logged, key), "score": logged.column(score).cast(pa.float64())}
    con.register("scores", pa.table(columns | {"version": logged.column(version).cast(pa.string())}))
    _refuse_repeated_scores(con, champion.scores)
    return ", s.score AS champion_score, s.version AS champion_version", "LEFT JOIN scores s USING (row_key)"


def _refuse_repeated_scores(con: duckdb.DuckDBPyConnection, reference: str) -> None:
    repeated = con.sql("""
        SELECT count(*) FROM (SELECT row_key FROM scores SEMI JOIN assigned USING (row_key) GROUP BY row_key HAVING count(*) > 1)
    """).to_arrow_table()
    count = repeated.column(0)[0].as_py()
    if count:
        raise EvaluationError(
            f"logged scores {reference}",
            found=f"{count:,} rows of the part that were scored more than once",
            expected="one score of the champion for each row",
            next_step="let the lake's table hold the score that production acted upon, once per row",
        )


def read_slice_values(evidence: Evidence, params: Params) -> dict[str, set[str]]:
    """Slice column -> values, ``(missing)`` for NULL, in all parts that may be read."""
    facts = _row_facts(evidence, params, None)
    readable = facts.filter(pc.is_in(facts.column("row_key"), evidence.parts.column("row_key").combine_chunks()))
    return {column: set(_texts(readable.column(f"slice_{column}")).unique().to_pylist()) for column in params.evaluation.slices}


def refuse_training_rows(evidence: Evidence, part: str, keys: pa.ChunkedArray, card: ModelCard) -> None:
    """Refuse to judge a model on rows that it was fitted on; ``keys`` are the row keys of ``part``.

    Raises :class:`~tasks.errors.EvaluationError`, with a count where the model was fitted on another split.
    """
    if card.split is None or card.part is None:
        return
    if card.split == evidence.split:
        seen = len(keys) if card.part == part else 0
    else:
        manifest = read_manifest(evidence.paths.split(card.split), made_by=f"split@{card.split}")
        fitted = _read_parts(evidence.paths, card.split, manifest, (card.part,)).column("row_key")
        seen = pc.sum(pc.is_in(keys, fitted.combine_chunks())).as_py() or 0
    if seen:
        raise EvaluationError(
            f"part {part} of split {evidence.split}",
            found=f"{seen:,} of {len(keys):,} rows on which the {card.role} was fitted (part {card.part} of split {card.split})",
            expected="rows that it has never seen",
            next_step=f"fit it on split {evidence.split} (models.{card.role}.split), or judge another part (evaluation.part)",
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
