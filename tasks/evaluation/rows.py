"""What is known of each row that is judged, beside its features: label, time, cluster, slices, the champion's logged score.

What belongs here: joining these by row key. What does not: which rows may be read (``evidence``), and scoring with a model
(the composition roots pass functions to ``contest``).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import row_keys
from tasks.datasets.database import open_database
from tasks.errors import DatasetError, EvaluationError
from tasks.evaluation.compare import MISSING
from tasks.evaluation.evidence import (
    Evidence,
    open_partitions,
    part_rows,
    read_features,
    require_columns,
    some_partitions,
    table_record,
)
from tasks.evaluation.logged import read_logged, refuse_repeated
from tasks.evaluation.withholding import PERSON, SEARCHED
from tasks.params import Params
from tasks.params.judging import BY_ROW
from tasks.params.models import LoggedScores, View

if TYPE_CHECKING:
    import duckdb

_LABEL = ("at_utc", "label", "label_known_utc")
_CLUSTERS = {"day": "m.time_utc::DATE::VARCHAR", BY_ROW: "a.row_key"}
"""Clusters that are no column of the rows, whatever columns there are: the row's UTC day, and the row itself."""


@dataclass(frozen=True)
class PartRows:
    """One part's rows, both tables in order of row key."""

    facts: pa.Table
    """row_key, part (of all folds also r2_part and so on), time_utc, day (date32), at_utc, cluster, label, label_known_utc (NULL:
    not known), slice_<column>, discover_<column>; weight, where one is declared; for a champion with logged scores also these
    (:func:`~tasks.evaluation.logged.read_logged`; NULL: not scored)."""
    features: pa.Table
    """row_key and the features."""
    view: View = "masked"
    """What the features are of; facts are of masked rows in either case."""


def read_part(evidence: Evidence, params: Params, part: str) -> PartRows:
    """The rows of ``part``.

    Raises :class:`~tasks.errors.EvaluationError` where it is empty, a column that is wanted was dropped by masking, or a row
    was scored more than once; :class:`~tasks.errors.DatasetError` where not each row has features, label and time once.
    """
    assigned = part_rows(evidence, part)
    names = list(params.features.names)
    features = read_features(evidence, (part,), (*_LABEL, *names)).sort_by("row_key")
    facts = _join_facts(evidence, params, assigned, features.select(["row_key", *_LABEL]))
    keys = assigned.sort_by("row_key").column("row_key")
    for found in (features, facts):
        if not found.column("row_key").equals(keys):
            raise DatasetError(
                f"rows of part {part} of split {evidence.split}",
                found=f"{found.num_rows:,} rows with features, label and time for {assigned.num_rows:,} rows of the part",
                expected="each row once in features, split and masked rows",
                next_step="dvc repro",
            )
    _require_times(facts, params)
    if params.evaluation.weight is not None:
        _require_weights(facts.column("weight"), params.evaluation.weight)
    return PartRows(facts, features.select(["row_key", *names]))


def _join_facts(evidence: Evidence, params: Params, assigned: pa.Table, labels: pa.Table) -> pa.Table:
    """The facts of the rows of ``assigned``, in order of row key; rows that are not in all tables are left out."""
    searched = [SEARCHED + column for column in _searched(params)]
    slices = "".join(f", m.{_quoted(name)}" for name in [f"slice_{column}" for column in params.evaluation.slices] + searched)
    weight = "" if params.evaluation.weight is None else ", m.weight"
    person = ", m.person" if _person_column(params) else ""
    with open_database(evidence.paths.spill) as con:
        con.register("assigned", assigned)
        con.register("meta", _row_facts(evidence, params, assigned))
        con.register("labels", labels)
        scores, scored = _join_logged(con, evidence, params, assigned)
        query = f"""
            SELECT a.* EXCLUDE (partition), m.time_utc, m.time_utc::DATE AS day, f.at_utc,
                {_CLUSTERS.get(params.evaluation.interval.cluster, "m.cluster")} AS cluster,
                f.label, f.label_known_utc {weight} {person} {slices} {scores}
            FROM assigned a JOIN meta m USING (row_key) JOIN labels f USING (row_key) {scored}
            ORDER BY a.row_key
        """  # noqa: S608 - names are quoted
        found: pa.Table = con.sql(query).to_arrow_table()
    return found


def _row_facts(evidence: Evidence, params: Params, assigned: pa.Table) -> pa.Table:
    """row_key, time_utc, cluster (where it is a column), weight and slices of the masked rows of ``assigned``."""
    name = params.features.rows
    declared = params.snapshot.tables[name]
    record = some_partitions(table_record(evidence.masked, name, "masked tables"), assigned)
    cluster = params.evaluation.interval.cluster
    entity = () if cluster in _CLUSTERS else (cluster,)
    weight = () if params.evaluation.weight is None else (params.evaluation.weight,)
    require_columns(record, name, "evaluation.slices", params.evaluation.slices)
    searched = _searched(params)
    require_columns(record, name, "evaluation.discover.columns", searched)
    require_columns(record, name, "evaluation.interval.cluster", entity)
    require_columns(record, name, f"snapshot.tables.{name}.time", (declared.time,))
    require_columns(record, name, "evaluation.weight", weight)
    person = _person_column(params)
    columns = dict.fromkeys((*declared.key, declared.time, *params.evaluation.slices, *searched, *entity, *weight, *person))
    stored = open_partitions(evidence.paths.masked, name, record)
    rows = pa.concat_tables(list(stored.rows_of(assigned.column("row_key"), declared.key, tuple(columns))))
    facts: dict[str, pa.ChunkedArray] = {
        "row_key": row_keys(rows, declared.key),
        "time_utc": rows.column(declared.time).cast(pa.timestamp("us", "UTC")),
    }
    if entity:
        facts["cluster"] = _texts(rows.column(cluster))
    if person:
        facts[PERSON] = _texts(rows.column(person[0]))
    if weight:
        facts["weight"] = _numbers(rows.column(weight[0]), weight[0])
    facts |= {f"slice_{column}": rows.column(column).cast(pa.string()) for column in params.evaluation.slices}
    return pa.table(facts | {SEARCHED + column: _searchable(rows.column(column)) for column in searched})


def _searched(params: Params) -> tuple[str, ...]:
    return params.evaluation.discover.columns if params.evaluation.discover else ()


def _searchable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as such; whatever else as text."""
    kind = column.type
    is_number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    return column.cast(pa.float64() if is_number else pa.string())


def read_clusters(evidence: Evidence, params: Params) -> pa.Table:
    """row_key and cluster (string) of the evidence's rows, and where there are such person and weight; in any order.

    Raises :class:`~tasks.errors.EvaluationError` as :func:`read_part` does.
    """
    facts = _with_clusters(_row_facts(evidence, params, evidence.parts), params)
    if "weight" in facts.column_names and params.evaluation.weight is not None:
        _require_weights(facts.column("weight"), params.evaluation.weight)
    return facts.select([name for name in ("row_key", "cluster", PERSON, "weight") if name in facts.column_names])


def read_places(evidence: Evidence, params: Params, part: str) -> pa.Table:
    """What is known of the rows of ``part`` without label, score or feature, in order of row key.

    Columns: row_key, part (of all folds also r2_part and so on), day (date32), cluster, slice_<column>, and person where people are
    named. Raises :class:`~tasks.errors.EvaluationError` where the part is empty or a row has no time.
    """
    assigned = part_rows(evidence, part).drop_columns(["partition"]).sort_by("row_key")
    facts = _with_clusters(_row_facts(evidence, params, part_rows(evidence, part)), params).sort_by("row_key")
    if not facts.column("row_key").equals(assigned.column("row_key")):
        raise DatasetError(
            f"rows of part {part} of split {evidence.split}",
            found=f"{facts.num_rows:,} masked rows for {assigned.num_rows:,} rows of the part",
            expected="each row once in split and masked rows",
            next_step="dvc repro",
        )
    _require_times(facts, params)
    slices = [name for name in facts.column_names if name.startswith("slice_")]
    found = assigned.append_column("day", facts.column("time_utc").cast(pa.date32()))
    for name in ("cluster", *([PERSON] if PERSON in facts.column_names else []), *slices):
        found = found.append_column(name, facts.column(name))
    return found


def _with_clusters(facts: pa.Table, params: Params) -> pa.Table:
    """``facts`` with the column cluster, where that is the row's day or the row itself."""
    cluster = params.evaluation.interval.cluster
    if cluster not in _CLUSTERS:
        return facts
    days = facts.column("time_utc").cast(pa.date32()).cast(pa.string())
    return facts.append_column("cluster", facts.column("row_key") if cluster == BY_ROW else days)


def _person_column(params: Params) -> tuple[str, ...]:
    """The column of the rows' table that says whose row it is; none where people are not named, or only in other tables."""
    domain, prefix = params.masking.limits.person, f"{params.features.rows}."
    named = params.masking.domains.get(domain, ()) if domain is not None else ()
    return tuple(reference.removeprefix(prefix) for reference in named if reference.startswith(prefix))[:1]


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(column.cast(pa.string()), MISSING)


def _numbers(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise _useless_weight(name, f"values of type {column.type}")
    return column.cast(pa.float64())


def _require_weights(weights: pa.ChunkedArray, name: str) -> None:
    """Refuse weights that are missing, infinite or negative, or all 0."""
    is_sound = pc.fill_null(pc.and_(pc.is_finite(weights), pc.greater_equal(weights, 0)), False)
    broken = len(weights) - (pc.sum(is_sound).as_py() or 0)
    if broken:
        raise _useless_weight(name, f"{broken:,} of {len(weights):,} rows of the part where it is NULL, NaN, infinite or below 0")
    if not pc.max(weights).as_py():
        raise _useless_weight(name, "0 in each row of the part")


def _useless_weight(name: str, found: str) -> EvaluationError:
    return EvaluationError(
        f"evaluation.weight: {name}",
        found=found,
        expected="a number of 0 or more in each row, above 0 in some",
        next_step="mend the column in the lake, or name another; without evaluation.weight all rows count alike",
    )


def _require_times(facts: pa.Table, params: Params) -> None:
    """Refuse rows without the time that days, and the reported period, are made of."""
    missing = facts.column("time_utc").null_count
    if missing:
        name = params.features.rows
        raise EvaluationError(
            f"snapshot.tables.{name}.time: {params.snapshot.tables[name].time}",
            found=f"{missing:,} of {facts.num_rows:,} rows of the part without it",
            expected="a time in each row that is judged",
            next_step=f"mend the rows in the lake, or declare another column as snapshot.tables.{name}.time",
        )


def _join_logged(con: "duckdb.DuckDBPyConnection", evidence: Evidence, params: Params, assigned: pa.Table) -> tuple[str, str]:
    """The SQL (columns, join) that adds the champion's logged scores; empty where its model is scored here, or there is none."""
    champion = params.models.champion
    if not isinstance(champion, LoggedScores):
        return "", ""
    logged = read_logged(evidence, params, champion, assigned.column("row_key"))
    con.register("logged", logged)
    refuse_repeated(con, champion)
    columns = "".join(f", s.{name}" for name in logged.column_names if name != "row_key")
    return columns, "LEFT JOIN logged s USING (row_key)"


def read_slice_values(evidence: Evidence, params: Params) -> dict[str, set[str]]:
    """Slice column -> values, ``(missing)`` for NULL, in all parts that may be read."""
    facts = _row_facts(evidence, params, evidence.parts)
    return {column: set(_texts(facts.column(f"slice_{column}")).unique().to_pylist()) for column in params.evaluation.slices}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
