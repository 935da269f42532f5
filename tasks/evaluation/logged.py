"""The champion's scores as production logged them: one per row, made before the label could be known.

What belongs here: reading them, and refusing those that are no evidence. What does not: rows and labels (``rows``), and models
that are scored here.
"""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import row_keys
from tasks.errors import EvaluationError
from tasks.evaluation.evidence import Evidence, open_partitions, require_columns, table_record
from tasks.params import Params
from tasks.params.base import split_reference
from tasks.params.models import LoggedScores

if TYPE_CHECKING:
    import duckdb

LOGGED = "champion_logged"
"""Begins the name of each column of logged scores: ``champion_logged_<number>``, in the order of ``LoggedScores.columns``."""


def read_logged(evidence: Evidence, params: Params, champion: LoggedScores, wanted: pa.ChunkedArray) -> pa.Table:
    """row_key, scored_utc (the table's ``time``), champion_version and the logged scores of the rows with ``wanted`` keys.

    Raises :class:`~tasks.errors.EvaluationError` where a column was dropped by masking, or scores are no numbers.
    """
    key = params.snapshot.tables[params.features.rows].key
    time = params.snapshot.tables[champion.table].time
    names = [split_reference(reference)[1] for reference in champion.columns]
    version = split_reference(champion.version)[1] if champion.version else None
    columns = tuple(dict.fromkeys((*key, time, *([version] if version else []), *names)))
    record = table_record(evidence.masked, champion.table, "masked tables")
    require_columns(record, champion.table, "models.champion", columns)
    logged = pa.concat_tables(list(open_partitions(evidence.paths.masked, champion.table, record).rows_of(wanted, key, columns)))
    found = {
        "row_key": row_keys(logged, key),
        "scored_utc": logged.column(time).cast(pa.timestamp("us", "UTC")),
        "champion_version": logged.column(version).cast(pa.string()) if version else pa.nulls(logged.num_rows, pa.string()),
    }
    for number, (reference, name) in enumerate(zip(champion.columns, names, strict=True)):
        kind = logged.column(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            raise EvaluationError(
                f"models.champion.scores: {reference}",
                found=f"values of type {kind}",
                expected="numbers from 0 to 1" if params.label.task != "regression" else "numbers",
                next_step="name the column of the logged score, and keep it under masking.tables",
            )
        found[f"{LOGGED}_{number}"] = logged.column(name).cast(pa.float64())
    return pa.table(found)


def refuse_repeated(con: "duckdb.DuckDBPyConnection", champion: LoggedScores) -> None:
    """Refuse rows of the table ``assigned`` with more than one row in ``logged`` (:func:`read_logged`)."""
    repeated = con.sql("""
        SELECT count(*) FROM (SELECT row_key FROM logged SEMI JOIN assigned USING (row_key) GROUP BY row_key HAVING count(*) > 1)
    """).to_arrow_table()
    count = repeated.column(0)[0].as_py()
    if count:
        raise EvaluationError(
            f"logged scores {champion.columns[0]}",
            found=f"{count:,} rows of the part that were scored more than once",
            expected="one score of the champion for each row",
            next_step="let the lake's table hold the score that production acted upon, once per row",
        )


def refuse_hindsight(rows: pa.Table, champion: LoggedScores) -> None:
    """Refuse scores of ``rows`` (labelled and scored) that were made after their label was known, or nobody knows when.

    ``rows`` has scored_utc and label_known_utc. Such a score may rest on the answer, and no model could keep up with it. Raises
    :class:`~tasks.errors.EvaluationError`.
    """
    untimed = rows.column("scored_utc").null_count
    after = _count(pc.greater(rows.column("scored_utc"), rows.column("label_known_utc")))
    if untimed or after:
        told = [f"{after:,} made after the label was known"] if after else []
        told += [f"{untimed:,} without a time"] if untimed else []
        raise EvaluationError(
            f"logged scores {champion.columns[0]}",
            found=f"{' and '.join(told)}, of {rows.num_rows:,}",
            expected=f"scores that were made before the answer was there (snapshot.tables.{champion.table}.time)",
            next_step="log scores when production makes them; a re-scored history is a stored model or a recipe, not a log",
        )


def count_late(rows: pa.Table) -> int:
    """Scores of ``rows`` that were made after the row's prediction time (at_utc): the champion may have known more."""
    return _count(pc.greater(rows.column("scored_utc"), rows.column("at_utc")))


def _count(is_so: pa.ChunkedArray) -> int:
    return int(pc.sum(is_so).as_py() or 0)
