"""What is known of each row that is judged, beside its features: label, time, cluster, slices, the champion's logged score.

What belongs here: joining these by row key. What does not: which rows may be read (``evidence``), and scoring with a model
(the composition roots pass functions to ``contest``).
"""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import read_table, row_keys
from tasks.errors import DatasetError, EvaluationError
from tasks.evaluation.compare import MISSING
from tasks.evaluation.evidence import Evidence, part_rows, read_features, read_partitions, some_partitions, table_record
from tasks.params import Params
from tasks.params.base import split_reference
from tasks.params.models import LoggedScores
from tasks.records import TableRecord

DAY = "day"
"""The cluster that is the row's UTC day, whatever columns there are."""


@dataclass(frozen=True)
class PartRows:
    """One part's rows, both tables in order of row key."""

    facts: pa.Table
    """row_key, part, time_utc, day (date32), cluster, label (NULL: not known), slice_<column>; for a champion with logged
    scores also champion_score and champion_version (NULL: not scored)."""
    features: pa.Table
    """row_key and the features."""


def read_part(evidence: Evidence, params: Params, part: str) -> PartRows:
    """The rows of ``part``.

    Raises :class:`~tasks.errors.EvaluationError` where it is empty, a column that is wanted was dropped by masking, or a row
    was scored more than once; :class:`~tasks.errors.DatasetError` where not each row has features, label and time once.
    """
    assigned = part_rows(evidence, part)
    names = list(params.features.columns)
    features = read_features(evidence, (part,), ("label", *names)).sort_by("row_key")
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    con.register("assigned", assigned)
    con.register("meta", _row_facts(evidence, params, assigned))
    con.register("labels", features.select(["row_key", "label"]))
    slices = "".join(f", m.{_quoted(f'slice_{column}')}" for column in params.evaluation.slices)
    scores, scored = _join_scores(con, evidence, params)
    query = f"""
        SELECT a.row_key, a.part, m.time_utc, m.time_utc::DATE AS day, coalesce(m.cluster, m.time_utc::DATE::VARCHAR) AS cluster,
            f.label::TINYINT AS label {slices} {scores}
        FROM assigned a JOIN meta m USING (row_key) JOIN labels f USING (row_key) {scored}
        ORDER BY a.row_key
    """  # noqa: S608 - names are quoted
    facts = con.sql(query).to_arrow_table()
    keys = assigned.sort_by("row_key").column("row_key")
    for found in (features, facts):
        if not found.column("row_key").equals(keys):
            raise DatasetError(
                f"rows of part {part} of split {evidence.split}",
                found=f"{found.num_rows:,} rows with features, label and time for {assigned.num_rows:,} rows of the part",
                expected="each row once in features, split and masked rows",
                next_step="dvc repro",
            )
    return PartRows(facts, features.select(["row_key", *names]))


def _row_facts(evidence: Evidence, params: Params, assigned: pa.Table) -> pa.Table:
    """row_key, time_utc, cluster (NULL: the day) and slices of the masked rows in the partitions of ``assigned``."""
    name = params.features.rows
    declared = params.snapshot.tables[name]
    record = some_partitions(table_record(evidence.masked, name, "masked tables"), assigned)
    cluster = params.evaluation.interval.cluster
    entity = () if cluster == DAY else (cluster,)
    _require_columns(record, name, "evaluation.slices", params.evaluation.slices)
    _require_columns(record, name, "evaluation.interval.cluster", entity)
    _require_columns(record, name, f"snapshot.tables.{name}.time", (declared.time,))
    columns = dict.fromkeys((*declared.key, declared.time, *params.evaluation.slices, *entity))
    rows = read_partitions(evidence.paths.masked, evidence.masked, name, record, columns)
    facts: dict[str, pa.ChunkedArray] = {
        "row_key": row_keys(rows, declared.key),
        "time_utc": rows.column(declared.time).cast(pa.timestamp("us", "UTC")),
        "cluster": pa.nulls(rows.num_rows, pa.string()) if cluster == DAY else _texts(rows.column(cluster)),
    }
    return pa.table(facts | {f"slice_{column}": rows.column(column).cast(pa.string()) for column in params.evaluation.slices})


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(column.cast(pa.string()), MISSING)


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
    table, score = split_reference(champion.columns[0])
    version = split_reference(champion.version)[1]
    key = params.snapshot.tables[params.features.rows].key
    _require_columns(table_record(evidence.masked, table, "masked tables"), table, "models.champion", (*key, score, version))
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
    _refuse_repeated_scores(con, champion.columns[0])
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
    facts = _row_facts(evidence, params, evidence.parts)
    readable = facts.filter(pc.is_in(facts.column("row_key"), evidence.parts.column("row_key").combine_chunks()))
    return {column: set(_texts(readable.column(f"slice_{column}")).unique().to_pylist()) for column in params.evaluation.slices}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
