"""Scores by row: read from a file that somebody else wrote, checked row by row, and kept as a table.

What belongs here: what a file of scores must hold. What does not: who made it, and metrics.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from tasks.datasets import row_keys
from tasks.errors import DatasetError, ModelError
from tasks.params.models import Task
from tasks.params.splits import draw_name

_SCORE = "score"
_OFF_ONE = 1e-3
"""As in ``scoring``: how far the probabilities of one row may sum from 1."""


def score_columns(task: Task, classes: Sequence[str], draw: int = 1) -> tuple[str, ...]:
    """The columns of scores: ``score``, or for ``multiclass`` one ``score_<class>`` per class, in their order.

    Those of a further ``draw`` of folds begin with ``r2_`` and so on.
    """
    score = draw_name(_SCORE, draw)
    return tuple(f"{score}_{name}" for name in classes) if task == "multiclass" else (score,)


def join_scores(parts: Sequence[tuple[pa.ChunkedArray, Sequence[str], NDArray[np.float64]]], *, task: Task, draw: int) -> pa.Table:
    """row_key and the :func:`score_columns` of a ``draw``, in order of row key; ``parts`` are row keys, classes and scores of each.

    A class that the model of a part does not know has no chance there.
    """
    classes = sorted({name for _, names, _ in parts for name in names})
    columns = score_columns(task, classes, draw)
    tables = []
    for keys, names, scores in parts:
        known = dict(zip(names, scores.T, strict=True)) if task == "multiclass" else {}
        values = [known.get(name, np.zeros(len(keys))) for name in classes] if task == "multiclass" else [scores]
        tables.append(pa.table({"row_key": keys, **dict(zip(columns, values, strict=True))}))
    return pa.concat_tables(tables).sort_by("row_key").combine_chunks()


def beside(draws: Sequence[pa.Table]) -> pa.Table:
    """The scores of several draws (:func:`join_scores`), each of which holds every row, as one table with each row once.

    Raises :class:`~tasks.errors.ModelError` where they are not of the same rows.
    """
    found = draws[0]
    for table in draws[1:]:
        if not table.column("row_key").equals(found.column("row_key")):
            raise ModelError(
                "scores of two draws of folds",
                found=f"{found.num_rows:,} rows and {table.num_rows:,}, which are not the same",
                expected="every row once in each draw",
                next_step="dvc repro",
            )
        for name in table.column_names[1:]:
            found = found.append_column(name, table.column(name))
    return found


def count_draws(scores: pa.Table) -> int:
    """How many draws of folds a table of scores is of."""
    return len({name.partition(_SCORE)[0] for name in scores.column_names if name != "row_key"})


def read_scores_file(
    path: Path, wanted: pa.ChunkedArray, key: Sequence[str], *, task: Task, classes: Sequence[str], what: str
) -> pa.Table:
    """``row_key`` and the :func:`score_columns` of ``path`` (Parquet, or CSV with a header), one row for each of ``wanted``.

    Rows are known by ``row_key`` as Windtunnel publishes it, or by the ``key`` columns of the masked rows. The result is in the
    order of ``wanted``. Raises :class:`~tasks.errors.ModelError`, naming ``what`` the file is, with counts, where it cannot be
    read, rows are missing, not asked for or there twice, or a score is NaN, infinite or no probability.
    """
    columns = score_columns(task, classes)
    found = _read(path, key, what)
    missing = [name for name in columns if name not in found.column_names]
    if missing:
        expected = f"row_key (or {', '.join(key)}) and {', '.join(columns)}"
        raise _refused(what, f"no column {', '.join(missing)} among {len(found.column_names)}", expected)
    try:
        keys = found.column("row_key") if "row_key" in found.column_names else pa.chunked_array([row_keys(found, key)])
        keys = keys.cast(pa.string())
        scores = {name: _numbers(found.column(name), name, what) for name in columns}
    except DatasetError as error:
        raise _refused(what, f"{error.thing}: {error.found}", f"row_key, or {', '.join(key)}, in every row") from None
    _require_rows(keys, wanted, what)
    place = pc.index_in(wanted, value_set=keys.combine_chunks())
    ordered = {name: np.take(values, place.to_numpy()) for name, values in scores.items()}
    _require_sound(ordered, task, what)
    return pa.table({"row_key": wanted, **ordered})


def _read(path: Path, key: Sequence[str], what: str) -> pa.Table:
    try:
        with path.open("rb") as stream:
            is_parquet = stream.read(4) == b"PAR1"
        if is_parquet:
            return pq.ParquetFile(path).read()
        texts = csv.ConvertOptions(column_types=dict.fromkeys(("row_key", *key), pa.string()), strings_can_be_null=False)
        return csv.read_csv(path, convert_options=texts)
    except (OSError, pa.ArrowException) as error:
        # Arrow's own words quote the line that it stumbled over.
        raise _refused(
            what, f"a file that cannot be read ({type(error).__name__})", "Parquet, or CSV in UTF-8 with a header"
        ) from None


def _numbers(column: pa.ChunkedArray, name: str, what: str) -> NDArray[np.float64]:
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise _refused(what, f"the column {name} of type {kind}", "numbers")
    numbers: NDArray[np.float64] = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    return numbers


def _require_rows(keys: pa.ChunkedArray, wanted: pa.ChunkedArray, what: str) -> None:
    distinct = keys.unique()
    missing = len(wanted) - (pc.sum(pc.is_in(wanted, value_set=distinct)).as_py() or 0)
    extra = len(distinct) - (pc.sum(pc.is_in(distinct, value_set=wanted.combine_chunks())).as_py() or 0)
    twice = len(keys) - len(distinct)
    if missing or extra or twice:
        raise _refused(
            what,
            f"{missing:,} rows missing, {extra:,} that were not asked for, {twice:,} repeated, of {len(keys):,}",
            f"each of the {len(wanted):,} rows of the judged part once",
        )


def _require_sound(scores: dict[str, NDArray[np.float64]], task: Task, what: str) -> None:
    values = np.column_stack(list(scores.values()))
    broken = int(np.count_nonzero(~np.isfinite(values).all(axis=1)))
    if broken:
        raise _refused(what, f"{broken:,} rows with a score that is missing, NaN or infinite", "a number in every row")
    if task == "regression":
        return
    outside = int(np.count_nonzero(((values < 0) | (values > 1)).any(axis=1)))
    if outside:
        raise _refused(what, f"{outside:,} rows with a score outside of 0 to 1", "probabilities")
    off = int(np.count_nonzero(np.abs(values.sum(axis=1) - 1) > _OFF_ONE)) if task == "multiclass" else 0
    if off:
        raise _refused(what, f"{off:,} rows whose probabilities do not sum to 1", "probabilities that sum to 1 per row")


def look_up_scores(
    table: pa.Table, rows: pa.ChunkedArray, *, task: Task, classes: Sequence[str], draw: int = 1
) -> NDArray[np.float64]:
    """The scores of ``rows`` (row keys) in a table of :func:`read_scores_file`: one per row, or one per row and class.

    Raises :class:`~tasks.errors.ModelError` where it lacks a row.
    """
    place = pc.index_in(rows, value_set=table.column("row_key").combine_chunks())
    if place.null_count:
        raise ModelError(
            "stored scores",
            found=f"no scores for {place.null_count:,} rows",
            expected="scores of every judged row",
            next_step="dvc repro train",
        )
    numbers = place.to_numpy()
    values = [np.take(table.column(name).to_numpy(), numbers) for name in score_columns(task, classes, draw)]
    return np.column_stack(values) if task == "multiclass" else values[0]


def _refused(what: str, found: str, expected: str) -> ModelError:
    return ModelError(
        what,
        found=found,
        expected=expected,
        next_step="windtunnel data export-rows --out rows.parquet writes the rows that want a score; docs/challengers.md",
    )
