"""The label of each row: which column may be one, its value in each task, and what makes all of them useless.

What belongs here: the label as SQL, and the refusal of labels that nothing could be learned from. What does not: features, and
when a label became known (``compile``). A label without a value (NULL, NaN) is a row without a label, never a class of its own.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import FeatureError
from tasks.features.types import as_literal, is_integer, is_number, is_text, quote
from tasks.params.models import LabelParams

MOST_CLASSES = 100
"""Classes of a multiclass label; more is nearly always an identifier, or a number that regression should predict."""
LABEL_TYPES: Mapping[str, pa.DataType] = {"binary": pa.int8(), "multiclass": pa.string(), "regression": pa.float64()}
"""By task, the type of the features dataset's ``label``: 0 and 1, the class's name, the number."""


def check_label_type(label: LabelParams, kind: str) -> None:
    """Refuse a label column of the canonical type ``kind`` that cannot be a label of its task, or binary without ``positive``.

    Raises :class:`~tasks.errors.FeatureError`.
    """
    if label.task == "binary":
        if label.positive is None:
            raise FeatureError(
                "label",
                found="task binary, and no positive value",
                expected="the value of the label column that counts as 1",
                next_step="set label.positive in params.yaml, or another label.task",
            )
        as_literal(label.positive, kind, "label.positive")
        return
    is_fit = is_number(kind) and kind != "bool" if label.task == "regression" else is_number(kind) or is_text(kind)
    if not is_fit:
        wanted = "a number" if label.task == "regression" else "a text, a whole number or a boolean"
        other = "multiclass" if is_text(kind) or kind == "bool" else "binary"
        raise FeatureError(
            f"label {label.table}.{label.column}",
            found=f"values of type {kind} for the task {label.task}",
            expected=wanted,
            next_step=f"set label.task to {other}, name another column, or mend the column's type in the lake",
        )


def label_value(label: LabelParams, kind: str) -> str:
    """The label as an SQL expression over its column of type ``kind``; NULL where the column is NULL or NaN.

    ``binary``: 1 where it equals ``positive``, else 0. ``multiclass``: the value as text, a whole float without its ``.0``.
    ``regression``: the number. ``kind`` must have passed :func:`check_label_type`.
    """
    column = quote(label.column)
    is_float = is_number(kind) and not is_integer(kind)
    there = f"nullif({column}::DOUBLE, 'NaN'::DOUBLE)" if is_float else column
    if label.positive is not None:
        return f"({there} = {as_literal(label.positive, kind, 'label.positive')})::TINYINT"
    if label.task == "regression":
        return f"{there}::DOUBLE"
    whole = f"isfinite({there}) AND {there} = trunc({there}) AND abs({there}) < 9e15"
    return f"CASE WHEN {whole} THEN {there}::BIGINT::VARCHAR ELSE {there}::VARCHAR END" if is_float else f"{there}::VARCHAR"


def refuse_useless_labels(labels: pa.ChunkedArray, label: LabelParams) -> None:
    """Refuse ``labels`` (of the task's type, NULL where unknown) that nothing could be learned from, or judged by.

    Raises :class:`~tasks.errors.FeatureError` where there is none, where all are equal, for an infinite number, a class
    without a name, or more than ``MOST_CLASSES`` classes.
    """
    known = labels.drop_null()
    where = f"label {label.table}.{label.column}"
    if label.task == "regression":
        infinite = pc.sum(pc.is_inf(known)).as_py() or 0
        if infinite:
            raise FeatureError(
                where,
                found=f"{infinite:,} infinite of {len(known):,} labels",
                expected="finite numbers",
                next_step="mend the rows in the lake; NULL is a row without a label, which is counted and left out",
            )
    values = known.unique()
    if len(values) < 2:
        told = {"binary": f"rows that equal {label.positive!r} and rows that do not", "multiclass": "rows of two classes or more"}
        raise FeatureError(
            where,
            found="no labelled row" if not len(values) else f"{_only(values, label)} in the labelled rows",
            expected=told.get(label.task, "numbers that differ"),
            next_step="mend label in params.yaml, or pin the lake later, when more labels are known",
        )
    if label.task == "multiclass":
        _refuse_classes(values, where)


def _only(values: pa.ChunkedArray, label: LabelParams) -> str:
    return f"only {values[0].as_py()}" if label.task == "binary" else "only one value"


def _refuse_classes(values: pa.ChunkedArray, where: str) -> None:
    if len(values) > MOST_CLASSES:
        raise FeatureError(
            where,
            found=f"{len(values):,} classes",
            expected=f"at most {MOST_CLASSES}: each needs rows to learn from and rows to be judged by",
            next_step="group the rare classes in the lake; a number is predicted by label.task regression; an identifier never is",
        )
    if pc.any(pc.equal(pc.utf8_trim_whitespace(values), "")).as_py():
        raise FeatureError(
            where,
            found="a class without a name (an empty text, or blanks)",
            expected="a name for each class, NULL where there is no label",
            next_step="mend the rows in the lake",
        )
