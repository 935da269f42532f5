"""``windtunnel data export-rows``: the rows of a part as a file, for whoever scores them elsewhere.

What belongs here: which rows and columns may leave. What does not: any computation. Features are masked, as all that a model sees;
the label of a row that is judged is never written: scores that were made beside it would say nothing.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from tasks.datasets import write_atomically
from tasks.errors import EvaluationError
from tasks.evaluation import open_evidence, read_features
from tasks.params import Params
from tasks.params.splits import ALL_FOLDS, resolve_parts
from tasks.paths import ProjectPaths

_JUDGED = "test"
_FOLD = "_fold"
"""No feature's name begins with an underscore."""


def export_rows(
    paths: ProjectPaths,
    params: Params,
    out: Path,
    *,
    split: str | None = None,
    part: str | None = None,
    with_label: bool = False,
) -> pa.Table:
    """Write ``row_key``, ``at_utc`` and the features of a part's rows to ``out`` (``.csv``: CSV, else Parquet); returns them.

    ``split`` and ``part`` (also ``not <part>``) are those that are judged unless given; of ``all folds`` each row's fold is told in
    ``_fold``. ``with_label`` adds ``label`` (NULL: not
    known yet). Rows are in order of ``at_utc``, then key. Raises :class:`~tasks.errors.EvaluationError` for a split or part that
    is not there, and where a label of the judged part, or of any part ``test``, would be written.
    """
    split, part = split or params.evaluation.split, part or params.evaluation.part
    parts = _parts(params, split, part)
    evidence = open_evidence(paths, split, parts)
    if with_label:
        _refuse_judged(paths, params, split, parts, evidence.parts.column("row_key"))
    columns = ("at_utc", *params.features.names, *(["label"] if with_label else []))
    rows = read_features(evidence, parts, columns)
    if part == ALL_FOLDS:
        place = pc.index_in(rows.column("row_key"), value_set=evidence.parts.column("row_key").combine_chunks())
        rows = rows.append_column(_FOLD, evidence.parts.column("part").take(place.combine_chunks()))
    rows = rows.take(pc.sort_indices(rows, sort_keys=[("at_utc", "ascending"), ("row_key", "ascending")]))
    buffer = io.BytesIO()
    if out.suffix == ".csv":
        pyarrow.csv.write_csv(rows, buffer)
    else:
        pq.write_table(rows, buffer, compression="zstd")
    write_atomically(out, buffer.getvalue())
    return rows


def _parts(params: Params, split: str, part: str) -> tuple[str, ...]:
    if split not in params.splits:
        raise EvaluationError(
            f"split {split}",
            found="no such split",
            expected=f"one of {', '.join(params.splits)}",
            next_step="windtunnel data export-rows --help",
        )
    try:
        return resolve_parts(params.splits[split], part)
    except ValueError as error:
        raise EvaluationError(
            f"split {split}: part {part}",
            found=str(error),
            expected=f"one of {', '.join(params.splits[split].part_names)}, or `not` one of them",
            next_step="windtunnel data export-rows --help",
        ) from None


def _refuse_judged(paths: ProjectPaths, params: Params, split: str, parts: Sequence[str], keys: pa.ChunkedArray) -> None:
    """Refuse rows that are judged, whatever split they are named by.

    Where all folds are judged, the labels of some may be written, to fit on them what scores another: who keeps them apart is
    whoever brings the scores, and the verdict's level of evidence says so.
    """
    folds = resolve_parts(params.splits[params.evaluation.split], params.evaluation.part)
    if params.evaluation.part == ALL_FOLDS and split == params.evaluation.split and not {*parts} >= {*folds}:
        return
    judged = open_evidence(paths, params.evaluation.split, folds).parts.column("row_key")
    count = pc.sum(pc.is_in(keys, value_set=judged.combine_chunks())).as_py() or 0
    if count or _JUDGED in parts:
        raise EvaluationError(
            f"labels of {', '.join(parts)} of split {split}",
            found=f"{count:,} rows of the judged part" if count else f"a part {_JUDGED}",
            expected="rows that nothing is judged on",
            next_step="export them without --label, or name a part that is trained on: --part train",
        )
